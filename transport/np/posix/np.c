/*
 * np.c - the transport `np` on Linux: one FUSE mount that carries the namespace.
 */
#include "np_internal.h"
#include "np/np.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"

#define DEFAULT_DEADLINE_MS 60000
#define DEFAULT_THREADS 64
#define THREADS_MAX 1024
#define GRACE_MAX_MS 2000 /* of stop: for cancelled operations to end */

static struct np *np_of(struct transport *t)
{
    return (struct np *)t;
}

PRINTF_LIKE(2, 0) static void log_fuse(enum fuse_log_level level, const char *fmt, va_list args)
{
    char text[240];

    (void)level;
    if (log_is_on(LOG_LEVEL_DEBUG) && vsnprintf(text, sizeof(text), fmt, args) >= 0) {
        text[strcspn(text, "\n")] = '\0';
        log_debug(LOG_TRANSPORT, "libfuse: %s", text);
    }
}

/* Ends the connection to the kernel at once: what waits for us gets an error, and what we still
 * answer goes nowhere. The number of the descriptor stays taken, since workers that hang will use
 * it. */
static void sever(struct np *np)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (null >= 0) {
        dup3(null, fuse_session_fd(np->session), O_CLOEXEC);
        close(null);
    }
}

/* Frees the session. libfuse frees its copy of the path only by unmounting it, whatever is mounted
 * there by now; it leaves that out when the descriptor says that the mount is gone (POLLERR), as a
 * pipe without a reader does. */
static void drop_session(struct np *np)
{
    int ends[2] = {-1, -1};

    if (!np->session) {
        return;
    }
    if (np->is_mounted && pipe2(ends, O_CLOEXEC) == 0) {
        close(ends[0]);
        dup3(ends[1], fuse_session_fd(np->session), O_CLOEXEC);
        close(ends[1]);
        fuse_session_unmount(np->session);
    }
    fuse_session_destroy(np->session);
}

/* Frees everything; no worker is alive, and nothing is mounted. Copes with a half-built instance.
 */
static void finish(struct np *np)
{
    np_loop_join(np);
    np_notes_clear(&np->notes); /* before the session, to which it speaks */
    if (np->vfs) {
        np_handles_close_all(np);
        np_holds_forget_all(np);
        vfs_unref(np->vfs);
    }
    drop_session(np);
    if (np->wake_fd >= 0) {
        close(np->wake_fd);
    }
    np_buffers_clear(np);
    mutex_clear(&np->buffers.lock);
    np_names_clear(&np->names);
    mutex_clear(&np->holds.lock);
    mutex_clear(&np->handles.lock);
    cond_clear(&np->idle);
    mutex_clear(&np->lock);
    mutex_clear(&np->reader);
    free(np->workers);
    str_free(&np->root);
    free(np);
}

/* On the thread of the notes: the kernel is not to answer from what it remembers. */
static void tell_kernel(void *payload, uint64_t parent, const char *name, uint64_t id)
{
    struct np *np = payload;

    if (name) {
        fuse_lowlevel_notify_inval_entry(np->session, parent, name, strlen(name));
    } else {
        fuse_lowlevel_notify_inval_inode(np->session, id, 0, 0);
    }
}

static int np_create(struct transport **out, const struct transport_options *options,
                     struct error *err)
{
    struct np *np = calloc(1, sizeof(*np));
    int code = 0;

    if (!np) {
        return error_set(err, ERR_NO_MEMORY, "no memory for a mount");
    }
    np->base.type = &transport_type_np;
    np->wake_fd = -1;
    np->uid = getuid();
    np->gid = getgid();
    np->deadline_ms = options->deadline_ms > 0 ? options->deadline_ms : DEFAULT_DEADLINE_MS;
    np->save_deadline_ms = options->save_deadline_ms;
    np->max_threads = options->max_threads > 0 ? options->max_threads : DEFAULT_THREADS;
    np->max_threads = np->max_threads < THREADS_MAX ? np->max_threads : THREADS_MAX;
    mutex_init(&np->reader);
    mutex_init(&np->lock);
    cond_init(&np->idle);
    mutex_init(&np->handles.lock);
    mutex_init(&np->holds.lock);
    mutex_init(&np->buffers.lock);
    np_names_init(&np->names);
    np_notes_init(&np->notes, tell_kernel, np);
    np->workers = calloc(np->max_threads, sizeof(*np->workers));
    code = np->workers ? str_copy(&np->root, options->root ? options->root : "", err)
                       : error_set(err, ERR_NO_MEMORY, "no memory for a mount");
    if (code < 0) {
        finish(np);
        return code;
    }
    *out = &np->base;
    return 0;
}

static int make_session(struct np *np, struct error *err)
{
    char program[] = "mooring";
    char flag[] = "-o";
    char options[] = "fsname=mooring,subtype=mooring,nosuid,nodev";
    char *argv[] = {program, flag, options, NULL};
    struct fuse_args args = FUSE_ARGS_INIT(3, argv);
    struct fuse_lowlevel_ops ops = {.init = NULL};

    fuse_set_log_func(log_fuse);
    np_ops_add_items(&ops);
    np_ops_add_files(&ops);
    np_ops_add_folders(&ops);
    np_ops_add_xattr(&ops);
    np->session = fuse_session_new(&args, &ops, sizeof(ops), np); /* copies both */
    fuse_opt_free_args(&args);
    if (!np->session) {
        return error_set(err, ERR_UNSUPPORTED, "libfuse3 refuses to make a session");
    }
    return 0;
}

/* Mounts, and makes the device one that does not block a worker for good. */
static int mount_session(struct np *np, struct error *err)
{
    char type[64];

    errno = 0;
    if (fuse_session_mount(np->session, np->root) != 0) {
        return error_set_os(err, ERR_UNSUPPORTED, errno,
                            "cannot mount on '%s'; an ordinary user needs the program fusermount3 "
                            "of the package fuse3",
                            np->root);
    }
    np->is_mounted = true;
    if (fcntl(fuse_session_fd(np->session), F_SETFL, O_RDWR | O_NONBLOCK) < 0) {
        return error_set_os(err, ERR_IO, errno, "the FUSE device cannot be set up");
    }
    if (!np_mount_find(np->root, &np->mounted_dev, type, sizeof(type))) {
        return error_set(err, ERR_IO, "the mount on '%s' does not appear", np->root);
    }
    return 0;
}

/* Whether it is our mount that is seen at the root. */
static bool is_in_place(const struct np *np)
{
    char type[64];
    dev_t dev = 0;

    return np_mount_find(np->root, &dev, type, sizeof(type)) && dev == np->mounted_dev;
}

static void unmount(struct np *np)
{
    struct error err = {0};

    if (is_in_place(np) && np_mount_remove(np->root, &err) < 0) {
        log_error(LOG_TRANSPORT, &err, "unmounting");
    }
}

static int np_start(struct transport *t, struct vfs *vfs, struct error *err)
{
    struct np *np = np_of(t);
    char *path = NULL;
    int code = np->session ? error_set(err, ERR_INVALID, "the transport was started before") : 0;

    if (code == 0) {
        code = np_mount_check_device(err);
    }
    if (code == 0) {
        code = np_mount_prepare(&path, np->root, err);
    }
    if (code < 0) {
        return code;
    }
    str_free(&np->root);
    np->root = path;
    np->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (np->wake_fd < 0) {
        return error_set_os(err, ERR_LIMIT, errno, "no descriptor for a mount");
    }
    code = namespace_new(&np->ns, vfs, err);
    if (code < 0) {
        return code;
    }
    np->vfs = namespace_vfs(np->ns);
    code = make_session(np, err);
    if (code == 0) {
        code = mount_session(np, err);
    }
    if (code == 0) {
        code = np_notes_start(&np->notes, err);
    }
    if (code == 0) {
        code = np_loop_start(np, err);
    }
    if (code == 0) {
        vfs_listen(np->vfs, np_notes_add, &np->notes);
    } else if (np->is_mounted) { /* nobody would answer: whoever looks must not wait for us */
        sever(np);
        unmount(np);
    }
    return code;
}

static int not_started(struct error *err)
{
    return error_set(err, ERR_INVALID, "the transport was not started");
}

/* What is gone is not shown when we return. Longer than this the kernel remembers nothing. */
static void wait_for_kernel(struct np *np)
{
    np_notes_wait(&np->notes, (int64_t)(NP_NAME_SECONDS * 1000));
}

static int np_attach(struct transport *t, const struct mapping *mapping, struct error *err)
{
    struct np *np = np_of(t);
    int code = np->ns ? namespace_attach(np->ns, mapping, err) : not_started(err);

    if (code == 0) {
        wait_for_kernel(np); /* it may take the place of another one */
    }
    return code;
}

static int np_detach(struct transport *t, const char *path, struct error *err)
{
    struct np *np = np_of(t);
    int code = np->ns ? namespace_detach(np->ns, path, err) : not_started(err);

    if (code == 0) {
        wait_for_kernel(np);
    }
    return code;
}

static int np_enumerate(struct transport *t, transport_visit_fn visit, void *payload,
                        struct error *err)
{
    struct np *np = np_of(t);

    return np->ns ? namespace_enumerate(np->ns, visit, payload, err) : not_started(err);
}

static int np_check(struct transport *t, struct error *err)
{
    struct np *np = np_of(t);

    if (!np->is_mounted) {
        return not_started(err);
    }
    if (atomic_load(&np->is_gone) || !is_in_place(np)) {
        return error_set(err, ERR_IO, "the mount on '%s' was taken away by somebody else",
                         np->root);
    }
    return 0;
}

/* Waits for operations that did not end in time, however long that is. */
static void *reap(void *payload)
{
    struct np *np = payload;

    while (!np_loop_wait(np, true, clock_mono_ms(clock_system()) + 60000)) {
    }
    finish(np);
    return NULL;
}

static void leave_to_reaper(struct np *np)
{
    struct thread reaper = {.is_running = false};
    struct error err = {0};

    log_write(LOG_LEVEL_INFO, LOG_TRANSPORT,
              "operations on '%s' did not end in time and are left behind", np->root);
    if (thread_start(&reaper, "np-reaper", reap, np, &err) == 0) {
        pthread_detach(reaper.impl);
    } else {
        log_error(LOG_TRANSPORT, &err, "what hangs is never freed");
    }
}

static void np_stop(struct transport *t, int64_t wait_ms)
{
    struct np *np = np_of(t);
    int64_t until_ms = clock_mono_ms(clock_system()) + (wait_ms > 0 ? wait_ms : 0);
    int64_t grace_ms = wait_ms / 4 < GRACE_MAX_MS ? wait_ms / 4 : GRACE_MAX_MS;
    bool is_idle = false;

    if (!np->is_mounted) {
        finish(np);
        return;
    }
    vfs_listen(np->vfs, NULL, NULL);
    np_loop_wait(np, false, until_ms - grace_ms);
    atomic_store(&np->is_cancelling, true);
    is_idle = np_loop_wait(np, false, until_ms);
    if (is_idle) { /* written pages that unmounting brings to light are still served */
        unmount(np);
        sever(np);
    } else { /* unmounting would wait for what hangs */
        if (is_in_place(np)) {
            np_mount_abort(np->root, np->mounted_dev);
        }
        sever(np);
        unmount(np);
    }
    np_loop_end(np);
    if (np_loop_wait(np, true, is_idle ? until_ms + 1000 : until_ms)) {
        finish(np);
    } else {
        leave_to_reaper(np);
    }
}

static const struct transport_ops np_ops = {
    .create = np_create,
    .start = np_start,
    .attach = np_attach,
    .detach = np_detach,
    .enumerate = np_enumerate,
    .check = np_check,
    .stop = np_stop,
};

const struct transport_type transport_type_np = {
    .name = "np",
    .title = "FUSE mount",
    .caps = TRANSPORT_CAP_LETTERS | TRANSPORT_CAP_LINKS,
    .ops = &np_ops,
};
