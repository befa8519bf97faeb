/*
 * session_mount.c - the mount: made, looked after, moved when policy wants it elsewhere.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "np_tag.h"
#include "session_private.h"

#define UNMOUNT_WAIT_MS 5000
#define REMOUNT_PAUSE_MS 30000

static enum transport_dav_auth auth_of(enum policy_web_dav_auth auth)
{
    switch (auth) {
    case POLICY_WEB_DAV_AUTH_REQUIRED:
        return TRANSPORT_DAV_AUTH_REQUIRED;
    case POLICY_WEB_DAV_AUTH_OFF:
        return TRANSPORT_DAV_AUTH_OFF;
    default:
        return TRANSPORT_DAV_AUTH_PREFERRED;
    }
}

static int set_offline(struct session *session, struct transport *transport, struct error *err)
{
    const struct settings *settings = session_settings(session);
    const char *exclude = settings->offline_attribute_exclude;
    int code = transport_set_offline(
        transport, settings->offline_attribute ? exclude ? exclude : "" : NULL, err);

    settings_unref(settings);
    return code;
}

static int mount_with(struct transport **out, struct session *session, const char *name,
                      struct error *err)
{
    struct transport_options options = {.root = session->mount_root,
                                        .port = session->web_dav_port,
                                        .dav_auth = auth_of(session->web_dav_auth),
                                        .unc_server = session->unc_server};
    struct transport *transport = NULL;
    char *directory = NULL;
    char *tag = NULL;
    int code = str_format(&directory, err, "%s/webdav", session->paths->state);

    if (code == 0) {
        code = np_tag(&tag, err);
    }
    if (code == 0) {
        options.user_tag = tag;
        options.private_directory = directory;
        code = transport_create(&transport, name, &options, err);
    }
    free(directory);
    free(tag);
    if (code == 0) {
        code = set_offline(session, transport, err);
    }
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

static void note_fallback(struct session *session, const char *why)
{
    mutex_lock(&session->apply_mutex);
    if (!why || str_copy(&session->fallback, why, NULL) < 0) {
        str_free(&session->fallback);
    }
    mutex_unlock(&session->apply_mutex);
}

/* Where and how session->mount_root and session->kind say. Auto takes the first that this machine
 * lets us have. */
static int mount_here(struct transport **out, struct session *session, struct error *err)
{
    static const char *const names[] = {NULL, "np", "webdav"};
    const struct settings *settings = session_settings(session);
    struct error why = {0};
    int code;

    session->web_dav_auth = settings->web_dav_auth;
    settings_unref(settings);
    note_fallback(session, NULL);
    if (names[session->kind]) {
        return mount_with(out, session, names[session->kind], err);
    }
    code = mount_with(out, session, "np", err);
    if (code != ERR_UNSUPPORTED) {
        return code;
    }
    code = mount_with(out, session, "webdav", &why);
    if (code < 0) {
        log_error(LOG_TRANSPORT, &why, "WebDAV instead");
        return err ? err->code : ERR_UNSUPPORTED;
    }
    log_error(LOG_TRANSPORT, err, "libraries are served by WebDAV, since nothing can be mounted");
    note_fallback(session, err->message);
    error_clear(err);
    return 0;
}

int session_mount(struct session *session, struct error *err)
{
    const struct settings *settings = session_settings(session);
    int code = str_copy(&session->mount_root, settings->mount_root, err);

    if (code == 0) {
        code = str_copy(&session->unc_server, settings->unc_server, err);
    }
    session->kind = settings->transport;
    session->web_dav_port = (uint16_t)settings->web_dav_port;
    settings_unref(settings);
    return code < 0 ? code : mount_here(&session->transport, session, err);
}

void session_record_all_detached(struct session *session)
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

/* Status is answered meanwhile: ending a mount may take seconds. */
static void unmount(struct session *session)
{
    struct transport *old;

    mutex_lock(&session->apply_mutex);
    old = session->transport;
    session->transport = NULL;
    session_record_all_detached(session);
    session_explorer_update(session);
    mutex_unlock(&session->apply_mutex);
    transport_stop(old, UNMOUNT_WAIT_MS);
}

/* Mounts at session->mount_root and shows everything there. */
static int mount_again(struct session *session, struct error *err)
{
    struct transport *fresh = NULL;
    int code = mount_here(&fresh, session, err);

    if (code < 0) {
        return code;
    }
    mutex_lock(&session->apply_mutex);
    session->transport = fresh;
    mutex_unlock(&session->apply_mutex);
    return session_remap(session, err);
}

static int set_place(struct session *session, const char *root, const char *server,
                     enum policy_transport kind, uint16_t port, struct error *err)
{
    int code;

    mutex_lock(&session->apply_mutex);
    code = str_copy(&session->mount_root, root, err);
    if (code == 0) {
        code = str_copy(&session->unc_server, server, err);
    }
    if (code == 0) {
        session->kind = kind;
        session->web_dav_port = port;
    }
    mutex_unlock(&session->apply_mutex);
    return code;
}

int session_mount_move(struct session *session, struct error *err)
{
    const struct settings *settings = policy_settings(session->policy);
    enum policy_transport old_kind = session->kind;
    uint16_t old_port = session->web_dav_port;
    uint16_t port = (uint16_t)settings->web_dav_port;
    struct error why = {0};
    char *old_root = NULL;
    char *old_server = NULL;
    int code;

    if (old_kind == settings->transport && old_port == port &&
        session->web_dav_auth == settings->web_dav_auth &&
        str_equal(session->mount_root, settings->mount_root) &&
        str_equal(session->unc_server, settings->unc_server)) {
        mutex_lock(&session->apply_mutex);
        code = session->transport ? set_offline(session, session->transport, err) : 0;
        mutex_unlock(&session->apply_mutex);
        return code;
    }
    code = str_copy(&old_root, session->mount_root, err);
    if (code == 0) {
        code = str_copy(&old_server, session->unc_server, err);
    }
    if (code < 0) {
        str_free(&old_root);
        return code;
    }
    unmount(session); /* one vfs has one transport at a time */
    code = set_place(session, settings->mount_root, settings->unc_server, settings->transport, port,
                     err);
    if (code == 0) {
        code = mount_again(session, err);
    }
    if (code == 0) {
        log_info(LOG_TRANSPORT, "the mount moved from '%s' to '%s'", old_root, session->mount_root);
    } else if (set_place(session, old_root, old_server, old_kind, old_port, &why) < 0 ||
               mount_again(session, &why) < 0) {
        log_error(LOG_TRANSPORT, &why, "'%s' is not mounted", old_root); /* the tick tries again */
    }
    str_free(&old_root);
    str_free(&old_server);
    return code;
}

static int check_mount(struct session *session, struct error *err)
{
    int code;

    mutex_lock(&session->apply_mutex);
    code = session->transport ? transport_check(session->transport, err)
                              : error_set(err, ERR_IO, "'%s' is not mounted", session->mount_root);
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

/* Somebody unmounted us, or the mount died: mount again and show everything that was there. */
void session_mount_check(struct session *session)
{
    struct error err = {0};
    bool is_news = false;
    int64_t now;

    mutex_lock(&session->change_mutex);
    if (check_mount(session, &err) < 0) {
        now = clock_mono_ms(clock_system());
        if (session->remounted_ms && now - session->remounted_ms < REMOUNT_PAUSE_MS) {
            mutex_unlock(&session->change_mutex); /* why the last try failed says more */
            return;
        }
        session->remounted_ms = now;
        log_debug(LOG_TRANSPORT, "mounting again: %s", err.message);
        error_clear(&err);
        unmount(session);
        if (mount_again(session, &err) == 0) {
            error_clear(&err);
            log_write(LOG_LEVEL_ERROR, LOG_TRANSPORT, "the mount on '%s' was gone; it is back",
                      session->mount_root);
        }
    }
    note_mount(session, &err, &is_news);
    if (err.code < 0 && is_news) {
        log_error(LOG_TRANSPORT, &err, "'%s' is not mounted", session->mount_root);
    }
    mutex_unlock(&session->change_mutex);
}
