/*
 * shape.h - the simulated network: round-trip time and bandwidth.
 *
 * The same for every client and every kind of request: one round trip before the first byte of a
 * response, two more for a new connection (TCP and TLS), and one pipe for the whole server in each
 * direction. All waits end at once when the server stops.
 */
#ifndef TENANT_SHAPE_H
#define TENANT_SHAPE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum direction { UPLOAD, DOWNLOAD };

struct shaper {
    pthread_mutex_t lock; /* guards next_free_ns and stopping */
    pthread_cond_t stop;
    bool stopping;
    int64_t next_free_ns[2]; /* when the pipe is free again, by direction */
    atomic_int rtt_ms;       /* 0: none */
    atomic_int mbit;         /* 0: no limit */
};

void shaper_init(struct shaper *s, int rtt_ms, int mbit);
void shaper_stop(struct shaper *s);

/* Waits until then (mono_ns()); false if the server stops meanwhile. */
bool shaper_wait_until(struct shaper *s, int64_t deadline_ns);
bool shaper_wait_rtt(struct shaper *s, int times);
/* Waits until n bytes have gone through the pipe. */
bool shaper_transfer(struct shaper *s, enum direction dir, size_t n);

#endif
