#include "session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "session_private.h"

#define UNMOUNT_WAIT_MS 5000
#define REMOUNT_PAUSE_MS 30000
#define MB (UINT64_C(1) << 20)

bool session_is_stopping(void *payload)
{
    struct session *session = payload;

    return atomic_load(&session->is_stopping);
}

void session_say(struct session *session, const char *fmt, ...)
{
    char line[512];
    va_list args;

    if (!session->say) {
        return;
    }
    va_start(args, fmt);
    vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    session->say(session->say_payload, line);
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
        log_error(LOG_VFS, &err, "the drive of '%s' is not remembered", key);
    }
    mutex_lock(&session->mutex);
    for (size_t i = 0; i < session->account_count; i++) {
        struct library *library = library_list_find(&session->accounts[i].libraries, key);

        if (library && str_copy(&library->drive_id, drive_id, NULL) == 0) {
            library->is_verified = true;
        }
    }
    mutex_unlock(&session->mutex);
}

static int make_vfs(struct session *session, struct error *err)
{
    const struct settings *settings = session->settings;
    const struct online_vfs_options options = {
        .cache_directory = settings->cache_directory,
        .spool_directory = settings->journal_directory,
        .cache_bytes = (uint64_t)settings->cache_size_mb * MB,
        .cache_ms = settings->cache_minutes * 60000,
        .metadata_ms = settings->metadata_seconds * 1000,
        .read_only_above = (uint64_t)settings->read_only_above_mb * MB,
        .blocked_above = (uint64_t)settings->block_above_mb * MB,
        .is_read_only = settings->read_only};
    int code = file_make_private_directory(options.cache_directory, err);

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

static int mount(struct session *session, struct error *err)
{
    static const char *const names[] = {"auto", "np", "webdav"};
    const struct transport_options options = {.root = session->settings->mount_root};
    int code =
        transport_create(&session->transport, names[session->settings->transport], &options, err);

    if (code == 0) {
        code = transport_start(session->transport, online_vfs_vfs(session->online), err);
    }
    if (code < 0) {
        transport_stop(session->transport, 0);
        session->transport = NULL;
    }
    return code;
}

/* What an agent that died had mapped is gone with its mount; forget it, so that the record tells
 * what is there. */
static int forget_leftovers(struct session *session, struct error *err)
{
    struct plan_mapping_list left = {0};
    struct plan plan = {0};
    struct plan_mapping_list none = {0};
    int code = state_load_mappings(session->state, &left, err);

    if (code == 0) {
        code = plan_build(&plan, &none, &left, err);
    }
    for (size_t i = 0; i < plan.count && code == 0; i++) {
        code = state_record(session->state, &plan.steps[i], err);
    }
    if (code == 0 && left.count > 0) {
        log_info(LOG_AGENT, "%zu mappings of an agent that did not end cleanly are made anew",
                 left.count);
    }
    plan_clear(&plan);
    plan_mapping_list_clear(&left);
    return code;
}

static int open_state(struct session *session, struct error *err)
{
    struct str_list notes = {0};
    int code = file_lock(&session->lock, session->paths->lock, 0, err);

    if (code == ERR_BUSY) {
        return error_set(err, ERR_BUSY, "an agent of this user runs already; see `mooring status`");
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
        code = mount(session, err);
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

int session_start(struct session **out, const struct session_options *options, struct error *err)
{
    struct session *session = calloc(1, sizeof(*session));
    int code;

    if (!session) {
        return error_set(err, ERR_NO_MEMORY, "no memory for a session");
    }
    session->paths = options->paths;
    session->settings = policy_settings(options->policy);
    session->say = options->say;
    session->say_payload = options->say_payload;
    session->started_ms = clock_wall_ms(clock_system());
    mutex_init(&session->apply_mutex);
    mutex_init(&session->mutex);
    cond_init(&session->wake);
    code = start_all(session, err);
    if (code < 0) {
        session_stop(session);
        return code;
    }
    session->policy = options->policy;
    *out = session;
    return 0;
}

/* Somebody unmounted us, or the mount died: mount again and show everything that was there. */
static int remount(struct session *session, struct error *err)
{
    int code;

    mutex_lock(&session->apply_mutex);
    transport_stop(session->transport, UNMOUNT_WAIT_MS);
    session->transport = NULL;
    code = mount(session, err);
    for (size_t i = 0; i < session->have.count && code == 0; i++) {
        const struct plan_mapping *mapping = &session->have.items[i];
        struct mapping shown = {
            .path = mapping->path, .letter = mapping->letter, .label = mapping->label};

        for (size_t k = 0; k < session->root_count; k++) {
            if (strcmp(session->roots[k].key, mapping->key) == 0) {
                shown.root_id = session->roots[k].id;
            }
        }
        code = transport_attach(session->transport, &shown, err);
    }
    mutex_unlock(&session->apply_mutex);
    return code;
}

void session_tick(struct session *session)
{
    int64_t now = clock_mono_ms(clock_system());
    struct error err = {0};
    int code;

    mutex_lock(&session->apply_mutex);
    code = session->transport ? transport_check(session->transport, &err) : ERR_IO;
    mutex_unlock(&session->apply_mutex);
    if (code < 0 && now - session->remounted_ms >= REMOUNT_PAUSE_MS) {
        session->remounted_ms = now;
        log_error(LOG_TRANSPORT, &err, "the mount is gone; mounting again");
        error_clear(&err);
        code = remount(session, &err);
        if (code < 0) {
            log_error(LOG_TRANSPORT, &err, "'%s' is not mounted", session->settings->mount_root);
        }
    }
    mutex_lock(&session->mutex);
    session->mount_error = err;
    mutex_unlock(&session->mutex);
}

void session_refresh(struct session *session)
{
    for (size_t i = 0; i < session->account_count; i++) {
        session_account_wake(&session->accounts[i]);
    }
}

/* Only what has ended cleanly leaves no record; on the next start everything is made anew from what
 * is known. */
static void record_all_detached(struct session *session)
{
    struct error err = {0};

    for (size_t i = 0; i < session->have.count; i++) {
        const struct plan_step step = {.kind = PLAN_DETACH, .mapping = session->have.items[i]};

        if (state_record(session->state, &step, &err) < 0) {
            log_error(LOG_PLAN, &err, "mapping '%s'", session->have.items[i].path);
        }
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
        struct session_account *a = &session->accounts[i];

        account_unref(a->account);
        library_list_clear(&a->libraries);
        free(a->tenant_setting);
    }
    free(session->accounts);
}

static void drain(struct session *session)
{
    unsigned left = online_vfs_drain(session->online, session->settings->drain_seconds * 1000);

    if (left > 0) {
        log_write(LOG_LEVEL_ERROR, LOG_VFS,
                  "%u uploads did not end within DrainSeconds; their bytes stay in '%s'", left,
                  session->settings->journal_directory);
    }
}

void session_stop(struct session *session)
{
    if (!session) {
        return;
    }
    control_stop(session->control);
    stop_accounts(session);
    if (session->online) {
        drain(session);
    }
    transport_stop(session->transport, UNMOUNT_WAIT_MS);
    if (session->state) {
        record_all_detached(session);
    }
    if (session->online) {
        session_roots_clear(session);
        vfs_unref(online_vfs_vfs(session->online));
    }
    free_accounts(session);
    graph_free(session->graph);
    state_close(session->state);
    file_unlock(session->lock);
    str_list_clear(&session->plan_notes);
    cond_clear(&session->wake);
    mutex_clear(&session->mutex);
    mutex_clear(&session->apply_mutex);
    policy_free(session->policy);
    free(session);
}
