/*
 * webdav.c - the transport `webdav`: begin, end, and what lies between is server.c.
 */
#include "webdav/webdav.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/str.h"
#include "webdav_internal.h"

#define DEFAULT_DEADLINE_MS 60000
#define DEFAULT_CONNECTIONS 128
#define CONNECTIONS_MAX 1024
#define GRACE_MAX_MS 2000 /* of stop: for cancelled operations to end */
#define SWEEP_MS 1000

static struct webdav *webdav_of(struct transport *t)
{
    return (struct webdav *)t;
}

/* Frees everything; no request runs. Copes with a half-built instance. */
static void finish(struct webdav *dav)
{
    if (dav->daemon) {
        MHD_stop_daemon(dav->daemon);
    }
    mutex_lock(&dav->lock);
    dav->is_ending = true;
    cond_broadcast(&dav->changed);
    mutex_unlock(&dav->lock);
    thread_join(&dav->keeper);
    dav_listen_close(dav->listen_socket);
    dav_auth_free(dav->auth);
    dav_held_free(dav->held);
    dav_locks_free(dav->locks);
    dav_props_free(dav->props);
    dav_connections_free(dav->connections);
    if (dav->vfs) {
        vfs_unref(dav->vfs);
    }
    secret_wipe(dav->secret, sizeof(dav->secret));
    cond_clear(&dav->changed);
    mutex_clear(&dav->lock);
    str_free(&dav->private_directory);
    free(dav);
}

static int webdav_create(struct transport **out, const struct transport_options *options,
                         struct error *err)
{
    struct webdav *dav = NULL;
    int code = 0;

    if (!options->private_directory) {
        return error_set(err, ERR_INVALID, "the WebDAV server needs a private folder");
    }
    dav = calloc(1, sizeof(*dav));
    if (!dav) {
        return error_set(err, ERR_NO_MEMORY, "no memory for the WebDAV server");
    }
    dav->base.type = &transport_type_webdav;
    dav->listen_socket = -1;
    dav->wanted_port = options->port;
    dav->deadline_ms = options->deadline_ms > 0 ? options->deadline_ms : DEFAULT_DEADLINE_MS;
    dav->save_deadline_ms = options->save_deadline_ms;
    dav->dav_auth = options->dav_auth;
    dav->secret_in_path = options->secret_in_path || dav_system_needs_path();
    dav->max_connections = options->max_threads > 0 ? options->max_threads : DEFAULT_CONNECTIONS;
    if (dav->max_connections > CONNECTIONS_MAX) {
        dav->max_connections = CONNECTIONS_MAX;
    }
    mutex_init(&dav->lock);
    cond_init(&dav->changed);
    code = str_copy(&dav->private_directory, options->private_directory, err);
    if (code == 0) {
        code = dav_locks_new(&dav->locks, clock_system(), err);
    }
    if (code == 0) {
        code = dav_props_new(&dav->props, err);
    }
    if (code == 0) {
        code = dav_connections_new(&dav->connections, dav->max_connections, err);
    }
    if (code < 0) {
        finish(dav);
        return code;
    }
    *out = &dav->base;
    return 0;
}

/* Closes what is held open for too long. */
static void *keep(void *payload)
{
    struct webdav *dav = payload;
    bool is_ending = false;

    while (!is_ending) {
        dav_held_sweep(dav->held);
        mutex_lock(&dav->lock);
        if (!dav->is_ending) {
            cond_wait_ms(&dav->changed, &dav->lock, SWEEP_MS);
        }
        is_ending = dav->is_ending;
        mutex_unlock(&dav->lock);
    }
    return NULL;
}

/* In paths it is another one each time: whoever saw one, in a list of recent files, has nothing. */
static int load_secret(struct webdav *dav, struct error *err)
{
    int code = 0;

    if (!dav->secret_in_path) {
        return dav_secret_load(dav->secret, dav->private_directory, err);
    }
    code = file_make_private_directory(dav->private_directory, err);
    if (code == 0) {
        code = dav_secret_make(dav->secret, err);
    }
    if (code == 0) {
        code = dav_auth_new(&dav->auth, dav->dav_auth, dav_system_sspi(), err);
    }
    if (code == 0) {
        dav_connections_use_auth(dav->connections, dav->auth);
    }
    return code;
}

static struct dav_place place_of(const struct webdav *dav)
{
    return (struct dav_place){.port = dav->port, .secret = dav->secret_in_path ? dav->secret : ""};
}

static int start_map(struct webdav *dav, struct error *err)
{
    const struct dav_map_system *system = dav_system_map();
    struct dav_place place = place_of(dav);

    return system ? dav_map_new(&dav->map, system, &place, err) : 0;
}

static int webdav_start(struct transport *t, struct vfs *vfs, struct error *err)
{
    struct webdav *dav = webdav_of(t);
    int code = dav->ns ? error_set(err, ERR_INVALID, "the transport was started before") : 0;

    if (code == 0) {
        code = load_secret(dav, err);
    }
    if (code == 0) {
        code = namespace_new(&dav->ns, vfs, err);
    }
    if (code < 0) {
        return code;
    }
    dav->vfs = namespace_vfs(dav->ns);
    code = dav_held_new(&dav->held, dav->vfs, dav->locks, err);
    dav->port = dav->wanted_port;
    if (code == 0) {
        code = dav_listen(&dav->listen_socket, &dav->port, err);
    }
    if (code == 0) {
        code = thread_start(&dav->keeper, "webdav-keeper", keep, dav, err);
    }
    if (code == 0) {
        code = dav_server_start(dav, err);
    }
    return code < 0 ? code : start_map(dav, err);
}

static int not_started(struct error *err)
{
    return error_set(err, ERR_INVALID, "the transport was not started");
}

static int webdav_attach(struct transport *t, const struct mapping *mapping, struct error *err)
{
    struct webdav *dav = webdav_of(t);
    int code = dav->ns ? namespace_attach(dav->ns, mapping, err) : not_started(err);

    return code == 0 && dav->map ? dav_map_add(dav->map, mapping, err) : code;
}

static int webdav_detach(struct transport *t, const char *path, struct error *err)
{
    struct webdav *dav = webdav_of(t);
    char *with_slash = NULL;
    char *key = NULL;

    if (!dav->ns) {
        return not_started(err);
    }
    if (dav->map) {
        dav_map_remove(dav->map, path);
    }
    /* what is held open below it is sent before it goes */
    if (str_format(&with_slash, NULL, "/%s", path) == 0 &&
        dav_path_key(&key, with_slash, NULL) == 0) {
        dav_held_close_tree(dav->held, key);
        dav_locks_drop_tree(dav->locks, key);
        dav_props_drop_tree(dav->props, key);
    }
    free(with_slash);
    free(key);
    return namespace_detach(dav->ns, path, err);
}

static int webdav_enumerate(struct transport *t, transport_visit_fn visit, void *payload,
                            struct error *err)
{
    struct webdav *dav = webdav_of(t);

    return dav->ns ? namespace_enumerate(dav->ns, visit, payload, err) : not_started(err);
}

static int webdav_check(struct transport *t, struct error *err)
{
    return webdav_of(t)->daemon ? 0 : not_started(err);
}

/* Windows' client proves who it is by itself only to names without a dot (windows-facts 3.5). */
static int webdav_address(struct transport *t, char **out, struct error *err)
{
    struct webdav *dav = webdav_of(t);

    return dav->daemon
               ? str_format(out, err, "http://%s:%u/",
                            dav->secret_in_path ? "localhost" : "127.0.0.1", (unsigned)dav->port)
               : not_started(err);
}

static int webdav_local_path(struct transport *t, char **out, const char *path, struct error *err)
{
    const struct webdav *dav = webdav_of(t);
    const struct dav_map_system *system = dav_system_map();
    struct dav_place place = place_of(dav);

    if (!system || !system->name) {
        return error_set(err, ERR_UNSUPPORTED, "where the gateway is mounted, its user knows");
    }
    return dav->daemon ? system->name(out, &place, path, err) : not_started(err);
}

static int webdav_advice(struct transport *t, char **out, struct error *err)
{
    struct webdav *dav = webdav_of(t);

    return dav->map ? dav_map_advice(dav->map, out, err) : ERR_NOT_FOUND;
}

/* Until no request runs, at most until then. */
static bool wait_idle(struct webdav *dav, int64_t until_ms)
{
    bool is_idle = false;

    mutex_lock(&dav->lock);
    for (;;) {
        int64_t left_ms = until_ms - clock_mono_ms(clock_system());

        is_idle = dav->active == 0;
        if (is_idle || left_ms <= 0) {
            break;
        }
        cond_wait_ms(&dav->changed, &dav->lock, left_ms);
    }
    mutex_unlock(&dav->lock);
    return is_idle;
}

/* Waits for operations that did not end in time, however long that is. */
static void *reap(void *payload)
{
    finish(payload);
    return NULL;
}

static void leave_to_reaper(struct webdav *dav)
{
    struct thread reaper = {.is_running = false};
    struct error err = {0};

    log_info(LOG_TRANSPORT, "WebDAV requests did not end in time and are left behind");
    dav_connections_hang_up(dav->connections); /* who waits for them is let go */
    if (thread_start(&reaper, "webdav-reaper", reap, dav, &err) == 0) {
        pthread_detach(reaper.impl);
    } else {
        log_error(LOG_TRANSPORT, &err, "what hangs is never freed");
    }
}

static void webdav_stop(struct transport *t, int64_t wait_ms)
{
    struct webdav *dav = webdav_of(t);
    int64_t until_ms = clock_mono_ms(clock_system()) + (wait_ms > 0 ? wait_ms : 0);
    int64_t grace_ms = wait_ms / 4 < GRACE_MAX_MS ? wait_ms / 4 : GRACE_MAX_MS;

    dav_map_free(dav->map); /* while we still answer the system's client */
    dav->map = NULL;
    if (!dav->daemon) {
        finish(dav);
        return;
    }
    dav_listen_close((int)MHD_quiesce_daemon(dav->daemon));
    wait_idle(dav, until_ms - grace_ms);
    atomic_store(&dav->is_cancelling, true);
    if (wait_idle(dav, until_ms)) {
        finish(dav);
    } else {
        leave_to_reaper(dav);
    }
}

static const struct transport_ops webdav_ops = {
    .create = webdav_create,
    .start = webdav_start,
    .attach = webdav_attach,
    .detach = webdav_detach,
    .enumerate = webdav_enumerate,
    .check = webdav_check,
    .address = webdav_address,
    .advice = webdav_advice,
    .local_path = webdav_local_path,
    .stop = webdav_stop,
};

const struct transport_type transport_type_webdav = {
    .name = "webdav",
    .title = "WebDAV gateway on loopback",
    .caps = TRANSPORT_CAP_LETTERS,
    .ops = &webdav_ops,
};
