/*
 * settle_thread.c - the thread that waits until something has waited long enough.
 */
#include "settle.h"

#include "body.h"
#include "online.h"

#define TOGETHER_MS 1000 /* less than BACK_OFF_MS of settle_send.c */

/* `first` is due, and so are those that go with it; all of them run then. What was tried in vain is in
 * the middle of nothing, and may go a little early. Lock held. */
static size_t gather(struct online_vfs *online, struct settling **out, struct settling *first)
{
    int64_t until_ms = online_now() + (first->is_decided ? TOGETHER_MS : 0);
    size_t count = 1;

    out[0] = first;
    first->is_running = true;
    if (first->kind != SETTLE_DELETE) {
        return 1;
    }
    for (struct settling *s = online->settling; s && count < GRAPH_BATCH_ITEMS; s = s->next) {
        if (!s->is_running && s->kind == SETTLE_DELETE && s->is_decided == first->is_decided &&
            s->library == first->library && s->due_ms <= until_ms) {
            s->is_running = true;
            out[count++] = s;
        }
    }
    return count;
}

/* A program that has the file open is not done with it. Lock held. */
static bool is_in_use(const struct settling *s)
{
    return s->kind == SETTLE_NEW && s->body->refs > 1;
}

/* The first entry that is due; NULL, and when the next one is (-1: none). Lock held. */
static struct settling *next_due(struct online_vfs *online, int64_t *wait_ms)
{
    int64_t now = online_now();
    struct settling *first = NULL;

    *wait_ms = -1;
    for (struct settling *s = online->settling; s; s = s->next) {
        if (s->is_running || !s->library) {
            continue;
        }
        if (s->due_ms <= now && is_in_use(s)) {
            s->due_ms = now + online->options.settle_ms;
        }
        if (s->due_ms > now) {
            *wait_ms = *wait_ms < 0 || s->due_ms - now < *wait_ms ? s->due_ms - now : *wait_ms;
        } else if (!first || s->due_ms < first->due_ms) {
            first = s;
        }
    }
    return first;
}

static void *run(void *payload)
{
    struct online_vfs *online = payload;
    struct settling *due[GRAPH_BATCH_ITEMS];

    mutex_lock(&online->lock);
    while (!online->is_ending) {
        int64_t wait_ms = -1;
        struct settling *s = next_due(online, &wait_ms);

        if (s) {
            size_t count = gather(online, due, s);

            mutex_unlock(&online->lock);
            settle_send(online, due, count);
            mutex_lock(&online->lock);
        } else if (wait_ms < 0) {
            cond_wait(&online->settle_wake, &online->lock);
        } else {
            (void)cond_wait_ms(&online->settle_wake, &online->lock, wait_ms);
        }
    }
    mutex_unlock(&online->lock);
    return NULL;
}

int settle_start(struct online_vfs *online, struct error *err)
{
    int code = settle_load(online, err);

    return code < 0 ? code : thread_start(&online->settler, "vfs-settler", run, online, err);
}

void settle_stop(struct online_vfs *online)
{
    struct settling *s = NULL;

    online->is_settler_over = true;
    mutex_lock(&online->lock);
    cond_signal(&online->settle_wake);
    mutex_unlock(&online->lock);
    thread_join(&online->settler);
    mutex_lock(&online->lock);
    while ((s = online->settling) != NULL) {
        settle_unlink(online, s);
        mutex_unlock(&online->lock);
        if (s->row_id && !s->is_decided) {
            settle_decided(online, s); /* no program is in the middle of anything any more */
        }
        s->row_id = 0; /* it stays in the journal, ... */
        if (s->body) {
            (void)body_take_kept_row(s->body); /* ... and so does a new file */
        }
        settle_free(online, s);
        mutex_lock(&online->lock);
    }
    mutex_unlock(&online->lock);
}
