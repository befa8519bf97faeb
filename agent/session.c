#include "session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "np_session.h"
#include "session_events.h"
#include "session_private.h"

#define UNMOUNT_WAIT_MS 5000
#define DRAIN_STEP_MS 250

bool session_is_stopping(void *payload)
{
    struct session *session = payload;

    return atomic_load(&session->is_stopping);
}

void session_say(struct session *session, const char *fmt, ...)
{
    char line[4096]; /* a sign-in URL has up to 2,000 */
    va_list args;

    if (!session->terminal.say) {
        return;
    }
    va_start(args, fmt);
    vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    session->terminal.say(session->terminal.payload, line);
}

void session_note_state(struct session *session, const struct error *err)
{
    bool is_news;

    mutex_lock(&session->mutex);
    is_news = err && strcmp(session->state_error.message, err->message) != 0;
    if (err) {
        session->state_error = *err;
    } else {
        error_clear(&session->state_error);
    }
    mutex_unlock(&session->mutex);
    if (is_news) {
        log_error(LOG_AGENT, err, "not remembered for the next start");
    }
}

const struct settings *session_settings(struct session *session)
{
    const struct settings *settings;

    mutex_lock(&session->mutex);
    settings = settings_ref(policy_settings(session->policy));
    mutex_unlock(&session->mutex);
    return settings;
}

static int make_graph(struct session *session, struct error *err)
{
    const struct settings *settings = session_settings(session);
    const struct graph_options options = session_graph_options(settings);
    int code = graph_new(&session->graph, &options, err);

    settings_unref(settings);
    return code;
}

static void remember_drive(void *payload, const char *key, const char *drive_id)
{
    struct session *session = payload;
    struct error err = {0};

    if (state_save_drive(session->state, key, drive_id, &err) < 0) {
        session_note_state(session, &err);
    }
    mutex_lock(&session->mutex);
    for (size_t i = 0; i < session->account_count; i++) {
        struct session_account *a = session->accounts[i];
        struct library *library = library_list_find(&a->libraries, key);

        if (library && str_copy(&library->drive_id, drive_id, NULL) == 0) {
            library->is_verified = true;
            str_list_add(&a->verified, key, NULL);
        }
    }
    mutex_unlock(&session->mutex);
}

static int make_vfs(struct session *session, struct error *err)
{
    const struct settings *settings = session_settings(session);
    struct online_vfs_options options = session_vfs_options(settings);
    int code = agent_paths_placed(&session->cache_directory, session->paths,
                                  settings->cache_directory, err);

    if (code == 0) {
        code = agent_paths_placed(&session->journal_directory, session->paths,
                                  settings->journal_directory, err);
    }
    if (code == 0) {
        options.cache_directory = session->cache_directory;
        options.spool_directory = session->journal_directory;
        code = file_make_private_directory(options.cache_directory, err);
    }
    if (code == 0) {
        code = file_make_private_directory(options.spool_directory, err);
    }
    if (code == 0) {
        code = online_vfs_new(&session->online, &options, err);
    }
    if (code == 0) {
        online_vfs_on_verified(session->online, remember_drive, session);
    }
    settings_unref(settings);
    return code;
}

/* What an agent that died had mapped is gone with its mount; forget it, so that the record tells
 * what is there. */
static int forget_leftovers(struct session *session, struct error *err)
{
    struct plan_mapping_list left = {0};
    int code = state_load_mappings(session->state, &left, err);
    int recorded = 0;

    for (size_t i = 0; i < left.count && code == 0 && recorded == 0; i++) {
        const struct plan_step step = {.kind = PLAN_DETACH, .mapping = left.items[i]};
        struct error failure = {0};

        recorded = state_record(session->state, &step, &failure);
        if (recorded < 0) { /* the disk is full: no reason to stay away */
            session_note_state(session, &failure);
        }
    }
    if (code == 0 && left.count > 0) {
        log_info(LOG_AGENT, "%zu mappings of an agent that did not end cleanly are made anew",
                 left.count);
    }
    plan_mapping_list_clear(&left);
    return code;
}

static int open_state(struct session *session, struct error *err)
{
    struct str_list notes = {0};
    int code = file_lock(&session->lock, session->paths->lock, 0, err);

    if (code == ERR_BUSY) {
        return error_set(err, ERR_BUSY,
                         "an agent of this user runs already (it holds '%s'); see `mooring status`",
                         session->paths->lock);
    }
    if (code == 0) {
        code = state_open(&session->state, session->paths->state, &notes, err);
    }
    for (size_t i = 0; i < notes.count; i++) {
        log_write(LOG_LEVEL_ERROR, LOG_AGENT, "%s", notes.items[i]);
    }
    str_list_clear(&notes);
    return code;
}

/* No drive depends on it. */
static void start_explorer(struct session *session)
{
    struct error err = {0};

    if (explorer_start(&session->explorer, session->paths->state, &err) < 0) {
        log_error(LOG_AGENT, &err, "Explorer shows no entries of ours");
    }
}

static void start_events(struct session *session)
{
    struct error err = {0};

    if (session_events_start(&session->events, session, NULL, &err) < 0) {
        log_error(LOG_AGENT, &err, "nothing is told to the system's event log");
    }
}

static int start_all(struct session *session, struct error *err)
{
    int code = open_state(session, err);

    if (code == 0) {
        code = make_graph(session, err);
    }
    if (code == 0) {
        code = make_vfs(session, err);
    }
    if (code == 0) {
        code = session_mount(session, err);
    }
    if (code == 0) {
        code = forget_leftovers(session, err);
    }
    if (code == 0) {
        start_explorer(session);
    }
    if (code == 0) {
        code = session_accounts_sync(session, err);
    }
    if (code == 0) {
        code = session_remap(session, err);
    }
    if (code == 0) {
        code =
            control_start(&session->control, session->paths->socket, session_control, session, err);
    }
    if (code == 0) {
        session_np_tick(session);
    }
    if (code == 0) {
        code = session_accounts_start(session, err);
    }
    if (code == 0) {
        code = session_policy_start(session, err);
    }
    if (code == 0) {
        start_events(session);
    }
    return code;
}

void session_show_line(struct session *session, const char *line)
{
    if (session->terminal.progress) {
        session->terminal.progress(session->terminal.payload, line);
    }
}

static void drain(struct session *session)
{
    const struct settings *settings = session_settings(session);
    int64_t end = clock_mono_ms(clock_system()) + settings->drain_seconds * 1000;
    unsigned left = online_vfs_drain(session->online, 0);
    bool is_impatient = false;

    while (left > 0 && clock_mono_ms(clock_system()) < end && !is_impatient) {
        char line[120];

        snprintf(line, sizeof(line), "waiting for %u uploads, at most %d s; Ctrl-C again: no more",
                 left, (int)((end - clock_mono_ms(clock_system()) + 999) / 1000));
        session_show_line(session, line);
        left = online_vfs_drain(session->online, DRAIN_STEP_MS);
        is_impatient = session->terminal.is_impatient &&
                       session->terminal.is_impatient(session->terminal.payload);
    }
    session_show_line(session, "");
    if (left > 0) {
        log_write(LOG_LEVEL_ERROR, LOG_VFS,
                  "%u uploads were not waited for; their bytes stay in '%s'", left,
                  session->journal_directory);
        session_say(session, "%u uploads were not waited for; their bytes stay in '%s'", left,
                    session->journal_directory);
    }
    settings_unref(settings);
}

/* Letters by WebDAV lead to a port and a secret that end with us: nobody may remember those. */
static void stop_explorer(struct session *session)
{
    const struct settings *settings = session->explorer ? session_settings(session) : NULL;
    bool keeps_letters = settings && !settings->remove_on_logoff && session->transport &&
                         str_equal(session->transport->type->name, "np");

    settings_unref(settings);
    explorer_stop(session->explorer, keeps_letters);
}

/* Threads first, then what they use; status is answered until there is nothing left to tell. */
static void end(struct session *session)
{
    session_policy_stop(session);
    session_accounts_stop(session);
    if (session->online) {
        drain(session);
    }
    session_events_stop(session->events);
    control_stop(session->control);
    stop_explorer(session); /* it may ask about what is mounted */
    session_np_stop(session);
    transport_stop(session->transport, UNMOUNT_WAIT_MS);
    if (session->state) {
        session_record_all_detached(session);
    }
    if (session->online) {
        online_vfs_on_verified(session->online, NULL, NULL); /* an operation may outlive us */
        session_roots_clear(session);
        vfs_unref(online_vfs_vfs(session->online));
    }
    session_accounts_clear(session);
    graph_free(session->graph);
    state_close(session->state);
    file_unlock(session->lock);
    str_list_clear(&session->plan_notes);
    str_list_clear(&session->setup_problems);
    str_list_clear(&session->policy_problems);
    str_list_clear(&session->next_start);
    free(session->cache_directory);
    free(session->journal_directory);
    free(session->mount_root);
    free(session->unc_server);
    free(session->fallback);
    cond_clear(&session->wake);
    mutex_clear(&session->mutex);
    mutex_clear(&session->apply_mutex);
    mutex_clear(&session->change_mutex);
    free(session);
}

int session_start(struct session **out, const struct session_options *options, struct error *err)
{
    struct session *session = calloc(1, sizeof(*session));
    int code;

    if (!session) {
        return error_set(err, ERR_NO_MEMORY, "no memory for a session");
    }
    session->paths = options->paths;
    session->policy = options->policy; /* status is asked for as soon as the socket is there */
    session->terminal = options->terminal;
    session->set_log = options->set_log;
    session->started_ms = clock_wall_ms(clock_system());
    session->policy_ms = session->started_ms;
    session->is_live = options->sources != NULL;
    if (options->sources) {
        session->sources = *options->sources;
    }
    mutex_init(&session->change_mutex);
    mutex_init(&session->apply_mutex);
    mutex_init(&session->mutex);
    cond_init(&session->wake);
    code = start_all(session, err);
    if (code < 0) {
        end(session); /* policy and sources stay the caller's */
        return code;
    }
    if (options->sources) {
        *options->sources = (struct policy_sources){0};
    }
    *out = session;
    return 0;
}

void session_tick(struct session *session)
{
    session_mount_check(session);
    session_np_tick(session);
    session_accounts_watch(session);
    session_events_look(session->events);
}

void session_refresh(struct session *session)
{
    mutex_lock(&session->mutex);
    for (size_t i = 0; i < session->account_count; i++) {
        session->accounts[i]->wake_ms = clock_mono_ms(clock_system());
    }
    cond_broadcast(&session->wake);
    mutex_unlock(&session->mutex);
}

void session_network_changed(struct session *session)
{
    log_info(LOG_AGENT, "another network: asking again");
    graph_network_changed(session->graph);
    online_vfs_wake_uploads(session->online);
    session_refresh(session);
}

bool session_is_disabled(struct session *session)
{
    return atomic_load(&session->is_disabled);
}

void session_stop(struct session *session)
{
    struct policy_sources sources;
    struct policy *policy;

    if (session) {
        session_policy_stop(session); /* no other policy after this one */
        policy = session->policy;
        sources = session->sources;
        end(session);
        policy_free(policy);
        policy_sources_clear(&sources);
    }
}
