/*
 * thread.h - threads, locks, conditions with deadlines. Thin names over pthreads, which mingw-w64
 * has too, so that the deadline is monotonic everywhere and a lock that cannot be made is an abort
 * and not a silent race.
 */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct mutex {
    pthread_mutex_t impl;
};
struct cond {
    pthread_cond_t impl;
};
struct thread {
    pthread_t impl;
    bool is_running;
};

void mutex_init(struct mutex *mutex);
void mutex_clear(struct mutex *mutex);
void mutex_lock(struct mutex *mutex);
void mutex_unlock(struct mutex *mutex);

void cond_init(struct cond *cond);
void cond_clear(struct cond *cond);
void cond_signal(struct cond *cond);
void cond_broadcast(struct cond *cond);
void cond_wait(struct cond *cond, struct mutex *mutex);

/* Waits at most `wait_ms` milliseconds (negative: none). False when the time passed. May wake
 * early: loop. */
bool cond_wait_ms(struct cond *cond, struct mutex *mutex, int64_t wait_ms);

/* `name` is shown in debuggers; at most 15 characters are kept. All signals but synchronous ones
 * are blocked in the new thread, so that they reach the main thread only. */
int thread_start(struct thread *thread, const char *name, void *(*run)(void *), void *payload,
                 struct error *err);

/* Waits for the end of the thread. A thread that was never started is fine. */
void thread_join(struct thread *thread);

#endif
