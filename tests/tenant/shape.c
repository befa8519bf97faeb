#include "shape.h"

#include <errno.h>
#include <time.h>

#include "util.h"

/* A pipe that was idle may be ahead by this much, so that late wake-ups do not cost bandwidth. More
 * would let whole pages of a listing through at once, which no line does. */
#define BURST_NS 1000000

void shaper_init(struct shaper *s, int rtt_ms, int mbit)
{
    pthread_condattr_t attr;

    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&s->stop, &attr);
    pthread_condattr_destroy(&attr);
    s->stopping = false;
    s->next_free_ns[UPLOAD] = s->next_free_ns[DOWNLOAD] = 0;
    atomic_store(&s->rtt_ms, rtt_ms);
    atomic_store(&s->mbit, mbit);
}

void shaper_stop(struct shaper *s)
{
    pthread_mutex_lock(&s->lock);
    s->stopping = true;
    pthread_cond_broadcast(&s->stop);
    pthread_mutex_unlock(&s->lock);
}

bool shaper_wait_until(struct shaper *s, int64_t deadline_ns)
{
    struct timespec ts = {.tv_sec = (time_t)(deadline_ns / 1000000000),
                          .tv_nsec = (long)(deadline_ns % 1000000000)};
    bool go_on;

    pthread_mutex_lock(&s->lock);
    while (!s->stopping && pthread_cond_timedwait(&s->stop, &s->lock, &ts) != ETIMEDOUT) {
    }
    go_on = !s->stopping;
    pthread_mutex_unlock(&s->lock);
    return go_on;
}

bool shaper_wait_rtt(struct shaper *s, int times)
{
    int ms = atomic_load(&s->rtt_ms) * times;

    return ms <= 0 || shaper_wait_until(s, mono_ns() + (int64_t)ms * 1000000);
}

bool shaper_transfer(struct shaper *s, enum direction dir, size_t n)
{
    int mbit = atomic_load(&s->mbit);
    int64_t now;
    int64_t free_ns;

    if (mbit <= 0) {
        return true;
    }
    now = mono_ns();
    pthread_mutex_lock(&s->lock);
    if (s->next_free_ns[dir] < now - BURST_NS) {
        s->next_free_ns[dir] = now - BURST_NS;
    }
    s->next_free_ns[dir] += (int64_t)n * 8000 / mbit;
    free_ns = s->next_free_ns[dir];
    pthread_mutex_unlock(&s->lock);
    return free_ns <= now || shaper_wait_until(s, free_ns);
}
