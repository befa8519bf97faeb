#include "listener.h"

void listener_init(struct listener *listener)
{
    *listener = (struct listener){.running = 0};
    mutex_init(&listener->lock);
    cond_init(&listener->idle);
}

void listener_clear(struct listener *listener)
{
    cond_clear(&listener->idle);
    mutex_clear(&listener->lock);
}

void listener_set(struct listener *listener, vfs_changed_fn changed, void *payload)
{
    mutex_lock(&listener->lock);
    listener->changed = changed;
    listener->payload = payload;
    while (listener->running > 0) {
        cond_wait(&listener->idle, &listener->lock);
    }
    mutex_unlock(&listener->lock);
}

void listener_tell(struct listener *listener, uint64_t parent, const char *name, uint64_t id)
{
    vfs_changed_fn changed = NULL;
    void *payload = NULL;

    mutex_lock(&listener->lock);
    changed = listener->changed;
    payload = listener->payload;
    if (changed) {
        listener->running++;
    }
    mutex_unlock(&listener->lock);
    if (changed) {
        changed(payload, parent, name, id);
        mutex_lock(&listener->lock);
        listener->running--;
        cond_broadcast(&listener->idle);
        mutex_unlock(&listener->lock);
    }
}
