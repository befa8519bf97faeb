#include "base/thread.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "system_thread.h"

void cond_init(struct cond *cond)
{
    pthread_condattr_t attributes;

    thread_must(pthread_condattr_init(&attributes));
    thread_must(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC));
    thread_must(pthread_cond_init(&cond->impl, &attributes));
    pthread_condattr_destroy(&attributes);
}

bool cond_wait_ms(struct cond *cond, struct mutex *mutex, int64_t wait_ms)
{
    struct timespec until;
    int result;

    if (wait_ms <= 0) {
        return false;
    }
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(wait_ms / 1000);
    until.tv_nsec += (long)(wait_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    result = pthread_cond_timedwait(&cond->impl, &mutex->impl, &until);
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
    sigset_t blocked;
    sigset_t old;
    int result;

    sigfillset(&blocked);
    sigdelset(&blocked, SIGSEGV);
    sigdelset(&blocked, SIGBUS);
    sigdelset(&blocked, SIGFPE);
    sigdelset(&blocked, SIGILL);
    sigdelset(&blocked, SIGABRT);
    pthread_sigmask(SIG_SETMASK, &blocked, &old);
    result = pthread_create(&thread->impl, NULL, run, payload);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (result != 0) {
        return error_set_os(err, ERR_NO_MEMORY, result, "cannot start the thread '%s'", name);
    }
    thread->is_running = true;
    snprintf(short_name, sizeof(short_name), "%s", name);
    pthread_setname_np(thread->impl, short_name);
    return 0;
}
