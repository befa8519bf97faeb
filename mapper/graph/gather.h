/*
 * gather.h - small metadata writes (a folder, a rename, a move, times, a delete; never content) that
 * come in a crowd share a round trip.
 *
 * Up to GATHER_LANES writes of an account are on their way by themselves, as if this were not here: a
 * lone write costs no delay and no byte more, and a few programs side by side do not wait for each
 * other. What comes while all lanes are taken is gathered, and when one is free goes out as one
 * $batch of up to GATHER_MAX parts (graph-facts section 3), those of one priority together. Of the
 * eight connections a crowd so leaves two to what a person waits for. (Ten folders by each of 8, 16,
 * 64 threads with 60 ms there and back: four lanes took 1.0, 0.9, 1.2 s, six 0.9, 0.9, 1.1 s, eight
 * 0.8, 0.9, 1.3 s, and no gathering 0.8, 1.4, 5.1 s, with HTTP/2 0.8, 0.8, 1.6 s.)
 *
 * Nothing is ordered by dependsOn: who calls has no answer yet, so what depends on it is not begun,
 * and what is sent at the same time has no order without this either.
 *
 * A batch has its own thread, since those whose parts are in it may leave (interrupted, or out of
 * time) while the others wait on; the last one out joins it. When all left, it is cancelled.
 *
 * Any thread. Lock order: gather.mutex is the innermost, and never held during a request or a
 * function of the caller's.
 */
#ifndef GRAPH_GATHER_H
#define GRAPH_GATHER_H

#include "base/thread.h"
#include "graph/client.h"

#define GATHER_LANES 6
#define GATHER_MAX 20

struct gather_part;

/* In the account; zero, with its mutex made. */
struct gather {
    struct mutex mutex; /* guards all below */
    struct gather_part *first;
    struct gather_part *last;
    unsigned lanes; /* taken: by a write of its own, or by a batch */
};

/*
 * graph_send() for a small write: the same answers, errors, deadlines, retries and prices, whether it
 * went by itself or in a batch. `request` has no content, no Prefer and keeps no redirect. Of the
 * answer, status, body, Retry-After and attempts are there.
 *
 * What was in a batch goes again by itself when it was refused without having been done (the whole
 * batch, 401, 403, 424: a token, a reason and a virus are told to a request of its own), and like any
 * other request when its answer was lost or it failed on the way (only when it is idempotent) or it
 * was throttled (when the tenant's pause is over).
 */
int graph_send_gathered(struct http_response *response, struct account *account,
                        const struct graph_request *request, const struct call *call,
                        struct error *err);

#endif
