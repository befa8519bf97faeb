#include "base/thread.h"

#include <stdlib.h>

#include "system_thread.h"

void thread_must(int result)
{
    if (result != 0) {
        abort();
    }
}

void mutex_init(struct mutex *mutex)
{
    thread_must(pthread_mutex_init(&mutex->impl, NULL));
}

void mutex_clear(struct mutex *mutex)
{
    pthread_mutex_destroy(&mutex->impl);
}

void mutex_lock(struct mutex *mutex)
{
    thread_must(pthread_mutex_lock(&mutex->impl));
}

void mutex_unlock(struct mutex *mutex)
{
    thread_must(pthread_mutex_unlock(&mutex->impl));
}

void cond_clear(struct cond *cond)
{
    pthread_cond_destroy(&cond->impl);
}

void cond_signal(struct cond *cond)
{
    thread_must(pthread_cond_signal(&cond->impl));
}

void cond_broadcast(struct cond *cond)
{
    thread_must(pthread_cond_broadcast(&cond->impl));
}

void cond_wait(struct cond *cond, struct mutex *mutex)
{
    thread_must(pthread_cond_wait(&cond->impl, &mutex->impl));
}

void thread_join(struct thread *thread)
{
    if (thread->is_running) {
        thread_must(pthread_join(thread->impl, NULL));
        thread->is_running = false;
    }
}
