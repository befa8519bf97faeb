#include "session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "session_private.h"

#define UNMOUNT_WAIT_MS 5000
#define REMOUNT_PAUSE_MS 30000
#define DRAIN_STEP_MS 250
#define MB (UINT64_C(1) << 20)

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

static const char *text_or_null(const char *text)
{
    return text && *text ? text : NULL;
}

static int make_graph(struct session *session, struct error *err)
{
    const struct settings *settings = session->settings;
    const struct graph_options options = {.user_agent_tag = text_or_null(settings->user_agent_tag),
                                          .ca_file = text_or_null(settings->ca_file),
                                          .max_connections = (unsigned)settings->max_connections,
                                          .http1_only =
                                              settings->http_version == POLICY_HTTP_VERSION_HTTP1,
                                          .soft_limit_ru = (uint32_t)settings->request_soft_limit,
                                          .hard_limit_ru = (uint32_t)settings->request_hard_limit,
                                          .window_ms = settings->request_window_seconds * 1000};

    return graph_new(&session->graph, &options, err);
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
        struct session_account *a = &session->accounts[i];
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
    const struct settings *settings = session->settings;
    struct online_vfs_options options = {.cache_directory = settings->cache_directory,
                                         .spool_directory = settings->journal_directory,
                                         .cache_bytes = (uint64_t)settings->cache_size_mb * MB,
                                         .cache_ms = settings->cache_minutes * 60000,
                                         .metadata_ms = settings->metadata_seconds * 1000,
                                         .read_only_above =
                                             (uint64_t)settings->read_only_above_mb * MB,
                                         .blocked_above = (uint64_t)settings->block_above_mb * MB,
                                         .is_read_only = settings->read_only};
    int code = file_make_private_directory(options.cache_directory, err);

    session_add_limits(&options, settings);
    if (code == 0) {
        code = file_make_private_directory(options.spool_directory, err);
    }
    if (code == 0) {
        code = online_vfs_new(&session->online, &options, err);
    }
    if (code == 0) {
        online_vfs_on_verified(session->online, remember_drive, session);
    }
    return code;
}

static int mount(struct transport **out, const struct session *session, struct error *err)
{
    static const char *const names[] = {"auto", "np", "webdav"};
    const struct transport_options options = {.root = session->settings->mount_root};
    struct transport *transport = NULL;
    int code = transport_create(&transport, names[session->settings->transport], &options, err);

    if (code == 0) {
        code = transport_start(transport, online_vfs_vfs(session->online), err);
    }
    if (code < 0) {
        transport_stop(transport, 0);
        return code;
    }
    *out = transport;
    return 0;
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
        code = mount(&session->transport, session, err);
    }
    if (code == 0) {
        code = forget_leftovers(session, err);
    }
    if (code == 0) {
        code = session_accounts_make(session, err);
    }
    if (code == 0) {
        code = session_remap(session, err);
    }
    if (code == 0) {
        code =
            control_start(&session->control, session->paths->socket, session_control, session, err);
    }
    for (size_t i = 0; i < session->account_count && code == 0; i++) {
        code = session_account_start(&session->accounts[i], err);
    }
    return code;
}

/* Only what has ended cleanly leaves no record; on the next start everything is made anew from what
 * is known. */
static void record_all_detached(struct session *session)
{
    struct error err = {0};
    int code = 0;

    for (size_t i = 0; i < session->have.count && code == 0; i++) {
        const struct plan_step step = {.kind = PLAN_DETACH, .mapping = session->have.items[i]};

        code = state_record(session->state, &step, &err);
    }
    if (code < 0) {
        session_note_state(session, &err);
    }
    plan_mapping_list_clear(&session->have);
}

static void stop_accounts(struct session *session)
{
    mutex_lock(&session->mutex);
    atomic_store(&session->is_stopping, true);
    cond_broadcast(&session->wake);
    mutex_unlock(&session->mutex);
    for (size_t i = 0; i < session->account_count; i++) {
        thread_join(&session->accounts[i].thread);
    }
}

static void free_accounts(struct session *session)
{
    for (size_t i = 0; i < session->account_count; i++) {
        session_account_clear(&session->accounts[i]);
    }
    free(session->accounts);
}

static void show_progress(struct session *session, const char *line)
{
    if (session->terminal.progress) {
        session->terminal.progress(session->terminal.payload, line);
    }
}

static void drain(struct session *session)
{
    int64_t end = clock_mono_ms(clock_system()) + session->settings->drain_seconds * 1000;
    unsigned left = online_vfs_drain(session->online, 0);
    bool is_impatient = false;

    while (left > 0 && clock_mono_ms(clock_system()) < end && !is_impatient) {
        char line[120];

        snprintf(line, sizeof(line), "waiting for %u uploads, at most %d s; Ctrl-C again: no more",
                 left, (int)((end - clock_mono_ms(clock_system()) + 999) / 1000));
        show_progress(session, line);
        left = online_vfs_drain(session->online, DRAIN_STEP_MS);
        is_impatient = session->terminal.is_impatient &&
                       session->terminal.is_impatient(session->terminal.payload);
    }
    show_progress(session, "");
    if (left > 0) {
        log_write(LOG_LEVEL_ERROR, LOG_VFS,
                  "%u uploads were not waited for; their bytes stay in '%s'", left,
                  session->settings->journal_directory);
        session_say(session, "%u uploads were not waited for; their bytes stay in '%s'", left,
                    session->settings->journal_directory);
    }
}

/* Threads first, then what they use; status is answered until there is nothing left to tell. */
static void end(struct session *session)
{
    stop_accounts(session);
    if (session->online) {
        drain(session);
    }
    control_stop(session->control);
    transport_stop(session->transport, UNMOUNT_WAIT_MS);
    if (session->state) {
        record_all_detached(session);
    }
    if (session->online) {
        online_vfs_on_verified(session->online, NULL, NULL); /* an operation may outlive us */
        session_roots_clear(session);
        vfs_unref(online_vfs_vfs(session->online));
    }
    free_accounts(session);
    graph_free(session->graph);
    state_close(session->state);
    file_unlock(session->lock);
    str_list_clear(&session->plan_notes);
    str_list_clear(&session->setup_problems);
    cond_clear(&session->wake);
    mutex_clear(&session->mutex);
    mutex_clear(&session->apply_mutex);
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
    session->settings = policy_settings(options->policy);
    session->terminal = options->terminal;
    session->started_ms = clock_wall_ms(clock_system());
    mutex_init(&session->apply_mutex);
    mutex_init(&session->mutex);
    cond_init(&session->wake);
    code = start_all(session, err);
    if (code < 0) {
        end(session); /* the policy stays the caller's */
        return code;
    }
    *out = session;
    return 0;
}

/* Somebody unmounted us, or the mount died: mount again and show everything that was there. Status
 * is answered meanwhile: ending the old mount may take seconds. */
static int remount(struct session *session, struct error *err)
{
    struct transport *old;
    struct transport *fresh = NULL;
    int code;

    mutex_lock(&session->apply_mutex);
    old = session->transport;
    session->transport = NULL;
    record_all_detached(session);
    mutex_unlock(&session->apply_mutex);
    transport_stop(old, UNMOUNT_WAIT_MS);
    code = mount(&fresh, session, err);
    if (code < 0) {
        return code;
    }
    mutex_lock(&session->apply_mutex);
    session->transport = fresh;
    mutex_unlock(&session->apply_mutex);
    return session_remap(session, err);
}

static int check_mount(struct session *session, struct error *err)
{
    int code;

    mutex_lock(&session->apply_mutex);
    code = session->transport
               ? transport_check(session->transport, err)
               : error_set(err, ERR_IO, "'%s' is not mounted", session->settings->mount_root);
    mutex_unlock(&session->apply_mutex);
    return code;
}

/* *is_news: it is not what was there before. */
static void note_mount(struct session *session, const struct error *err, bool *is_news)
{
    mutex_lock(&session->mutex);
    *is_news = strcmp(session->mount_error.message, err->message) != 0;
    session->mount_error = *err;
    mutex_unlock(&session->mutex);
}

static void look_after_mount(struct session *session)
{
    int64_t now = clock_mono_ms(clock_system());
    struct error err = {0};
    bool is_news = false;

    if (check_mount(session, &err) < 0) {
        if (session->remounted_ms && now - session->remounted_ms < REMOUNT_PAUSE_MS) {
            return; /* why the last try failed says more */
        }
        session->remounted_ms = now;
        log_debug(LOG_TRANSPORT, "mounting again: %s", err.message);
        error_clear(&err);
        if (remount(session, &err) == 0) {
            error_clear(&err);
            log_write(LOG_LEVEL_ERROR, LOG_TRANSPORT, "the mount on '%s' was gone; it is back",
                      session->settings->mount_root);
        }
    }
    note_mount(session, &err, &is_news);
    if (err.code < 0 && is_news) {
        log_error(LOG_TRANSPORT, &err, "'%s' is not mounted", session->settings->mount_root);
    }
}

void session_tick(struct session *session)
{
    look_after_mount(session);
    session_accounts_watch(session);
}

void session_refresh(struct session *session)
{
    for (size_t i = 0; i < session->account_count; i++) {
        session_account_wake(&session->accounts[i]);
    }
}

void session_stop(struct session *session)
{
    struct policy *policy;

    if (session) {
        policy = session->policy;
        end(session);
        policy_free(policy);
    }
}
