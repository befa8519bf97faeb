#include "base/thread.h"

#include <errno.h>
#include <pthread_time.h>
#include <stdio.h>

#include "system_thread.h"

void cond_init(struct cond *cond)
{
    thread_must(pthread_cond_init(&cond->impl, NULL));
}

/* winpthreads knows no other clock for a condition than that of the wall, but a wait of a length. */
bool cond_wait_ms(struct cond *cond, struct mutex *mutex, int64_t wait_ms)
{
    struct timespec wait;
    int result;

    if (wait_ms <= 0) {
        return false;
    }
    wait.tv_sec = (time_t)(wait_ms / 1000);
    wait.tv_nsec = (long)(wait_ms % 1000) * 1000000;
    result = pthread_cond_timedwait_relative_np(&cond->impl, &mutex->impl, &wait);
    if (result == ETIMEDOUT) {
        return false;
    }
    thread_must(result);
    return true;
}

int thread_start(struct thread *thread, const char *name, void *(*run)(void *), void *payload,
                 struct error *err)
{
    char short_name[16];
    int result = pthread_create(&thread->impl, NULL, run, payload);

    if (result != 0) {
        return error_set(err, ERR_NO_MEMORY, "cannot start the thread '%s': error %d", name,
                         result);
    }
    thread->is_running = true;
    snprintf(short_name, sizeof(short_name), "%s", name);
    pthread_setname_np(thread->impl, short_name);
    return 0;
}
