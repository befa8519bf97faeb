#include "graph/slow_lane.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/thread.h"

struct slow_lane {
    struct mutex mutex; /* guards all below but the thread */
    struct cond changed;
    struct thread thread;
    struct slow_job *first;
    struct slow_job *last;
    bool is_stopping;
};

static void *run(void *payload)
{
    struct slow_lane *lane = payload;

    mutex_lock(&lane->mutex);
    for (;;) {
        struct slow_job *job = lane->first;

        if (job) {
            lane->first = job->next;
            lane->last = lane->first ? lane->last : NULL;
            mutex_unlock(&lane->mutex);
            job->run(job->payload); /* the job may be gone after this */
            mutex_lock(&lane->mutex);
        } else if (lane->is_stopping) {
            break;
        } else {
            cond_wait(&lane->changed, &lane->mutex);
        }
    }
    mutex_unlock(&lane->mutex);
    return NULL;
}

int slow_lane_new(struct slow_lane **out, struct error *err)
{
    struct slow_lane *lane = calloc(1, sizeof(*lane));
    int code;

    if (!lane) {
        return error_set(err, ERR_NO_MEMORY, "no memory for a thread");
    }
    mutex_init(&lane->mutex);
    cond_init(&lane->changed);
    code = thread_start(&lane->thread, "slow-lane", run, lane, err);
    if (code < 0) {
        slow_lane_free(lane);
        return code;
    }
    *out = lane;
    return 0;
}

void slow_lane_stop(struct slow_lane *lane)
{
    mutex_lock(&lane->mutex);
    lane->is_stopping = true;
    cond_signal(&lane->changed);
    mutex_unlock(&lane->mutex);
    thread_join(&lane->thread);
}

void slow_lane_free(struct slow_lane *lane)
{
    if (!lane) {
        return;
    }
    slow_lane_stop(lane);
    cond_clear(&lane->changed);
    mutex_clear(&lane->mutex);
    free(lane);
}

void slow_lane_add(struct slow_lane *lane, struct slow_job *job)
{
    mutex_lock(&lane->mutex);
    job->next = NULL;
    *(lane->last ? &lane->last->next : &lane->first) = job;
    lane->last = job;
    cond_signal(&lane->changed);
    mutex_unlock(&lane->mutex);
}
