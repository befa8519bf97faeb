/*
 * loop.c - the threads that serve the kernel's requests.
 *
 * libfuse has such a loop too, but it can be ended only by the kernel or with pthread_cancel(), and
 * waits without limit for operations that hang; a stop that never hangs needs its own.
 */
#include "np_internal.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#define KEEP_WAITING 4 /* threads that stay when there is nothing to do */

static void *work(void *payload);

/* Starts one more worker if there may be one; `lock` is held. A system without threads to give is
 * no error as long as one worker lives. */
static int add_worker(struct np *np, struct error *err)
{
    for (unsigned i = 0; i < np->max_threads; i++) {
        struct np_worker *worker = &np->workers[i];
        int code = 0;

        if (worker->state == WORKER_RUNS) {
            continue;
        }
        if (worker->state == WORKER_ENDED) {
            thread_join(&worker->thread);
        }
        worker->np = np;
        worker->state = WORKER_NONE;
        code = thread_start(&worker->thread, "np-worker", work, worker, err);
        if (code == 0) {
            worker->state = WORKER_RUNS;
            np->alive++;
            np->waiting++;
        }
        return code;
    }
    return error_set(err, ERR_LIMIT, "all threads are in use");
}

/* Waits for one request; false when the session ends. `reader` is held. */
static bool receive(struct np *np, struct fuse_buf *buf)
{
    struct pollfd fds[2] = {{.fd = fuse_session_fd(np->session), .events = POLLIN},
                            {.fd = np->wake_fd, .events = POLLIN}};

    while (!atomic_load(&np->is_ending)) {
        int size = fuse_session_receive_buf(np->session, buf);

        if (size > 0) {
            return true;
        }
        if (size == -EAGAIN) {
            poll(fds, 2, -1);
        } else if (size != -EINTR) {
            atomic_store(&np->is_gone, true); /* unmounted, or a device that fails */
            return false;
        }
    }
    return false;
}

/* A request came: somebody else must wait for the next one. */
static void begin(struct np *np)
{
    mutex_lock(&np->lock);
    np->waiting--;
    np->active++;
    if (np->waiting == 0) {
        add_worker(np, NULL);
    }
    mutex_unlock(&np->lock);
}

/* The request is done; false when there are waiting threads enough without this one. */
static bool end(struct np *np)
{
    bool stays = false;

    mutex_lock(&np->lock);
    np->active--;
    stays = np->waiting < KEEP_WAITING;
    if (stays) {
        np->waiting++;
    }
    cond_broadcast(&np->idle);
    mutex_unlock(&np->lock);
    return stays;
}

static void *work(void *payload)
{
    struct np_worker *worker = payload;
    struct np *np = worker->np;
    struct fuse_buf buf = {.mem = NULL};
    bool stays = true;

    while (stays) {
        bool has_request = false;

        mutex_lock(&np->reader);
        has_request = receive(np, &buf);
        mutex_unlock(&np->reader);
        if (!has_request) {
            break;
        }
        begin(np);
        fuse_session_process_buf(np->session, &buf);
        stays = end(np);
    }
    free(buf.mem);
    mutex_lock(&np->lock);
    if (stays) {
        np->waiting--;
    }
    np->alive--;
    worker->state = WORKER_ENDED;
    cond_broadcast(&np->idle);
    mutex_unlock(&np->lock);
    return NULL;
}

int np_loop_start(struct np *np, struct error *err)
{
    int code = 0;

    mutex_lock(&np->lock);
    code = add_worker(np, err);
    mutex_unlock(&np->lock);
    return code;
}

bool np_loop_wait(struct np *np, bool for_all, int64_t until_ms)
{
    bool is_done = false;

    mutex_lock(&np->lock);
    for (;;) {
        int64_t left = until_ms - clock_mono_ms(clock_system());

        is_done = for_all ? np->alive == 0 : np->active == 0;
        if (is_done || left <= 0) {
            break;
        }
        cond_wait_ms(&np->idle, &np->lock, left);
    }
    mutex_unlock(&np->lock);
    return is_done;
}

void np_loop_end(struct np *np)
{
    uint64_t one = 1;

    atomic_store(&np->is_ending, true);
    while (write(np->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR) {
    }
}

void np_loop_join(struct np *np)
{
    for (unsigned i = 0; np->workers && i < np->max_threads; i++) {
        if (np->workers[i].state != WORKER_NONE) {
            thread_join(&np->workers[i].thread);
        }
        np->workers[i].state = WORKER_NONE;
    }
}
