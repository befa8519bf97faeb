/*
 * loop.h - inside the governor: its state, and the thread that does all network work.
 *
 * The mutex guards everything in struct governor but `multi` (loop thread only), and the fields of
 * an op that op.h calls guarded. It is never held while a callback of a caller runs.
 */
#ifndef GRAPH_LOOP_H
#define GRAPH_LOOP_H

#include "graph/op.h"

#define PRIORITIES (CALL_PREFETCH + 1)
#define WAITING_MAX 8192 /* requests that wait; more are refused */

struct op_list {
    struct http_op *first;
    struct http_op *last;
};

struct governor {
    const struct clock *clock;
    struct mutex mutex;
    struct thread thread;
    CURLM *multi;
    bool is_stopping;

    /* options */
    struct transfer_options transfer;
    char *user_agent;
    char *ca_file;
    struct trust *retired[8]; /* of earlier options; transfers may still use them */
    size_t retired_count;
    unsigned max_connections;
    uint32_t soft_limit_ru;
    uint32_t hard_limit_ru;
    int64_t window_ms;
    int64_t stall_ms;

    struct op_list waiting[PRIORITIES];
    struct op_list running;
    size_t waiting_count;
    struct scope *scopes;
    struct host *hosts;

    uint64_t requests;
    uint64_t retries;
    uint64_t throttled;
    uint64_t ru_total;
    bool uses_http2;
    uint32_t random; /* state of the jitter; no secret */
};

/* The thread's function; ends when is_stopping and every op is done. */
void *loop_run(void *governor);

void op_list_add(struct op_list *list, struct http_op *op);
void op_list_add_first(struct op_list *list, struct http_op *op);
void op_list_remove(struct op_list *list, struct http_op *op);

/* Puts `op` behind the waiting ones of its priority, or before them. With the mutex held. */
void loop_enqueue(struct governor *governor, struct http_op *op, bool is_first);

/* The scope is not to be asked before now + wait_ms. With the mutex held. */
void loop_pause_scope(struct governor *governor, struct scope *scope, int64_t wait_ms);

/* Gives back one reference; frees with the last. With the mutex held. */
void loop_unref(struct http_op *op);

#endif
