/*
 * channel.h - a connection between a client and the agent: a local socket or a named pipe that only
 * the session's user can open. Each end is used by one thread at a time, but for channel_wake().
 */
#ifndef AGENT_CHANNEL_H
#define AGENT_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct channel;

/* The client's end. ERR_NOT_FOUND when no agent runs; ERR_DENIED when what listens there does not
 * belong to this user: nothing was sent to it. */
int channel_connect(struct channel **out, const char *path, struct error *err);

/* What is there, at least one byte, within deadline_ms (monotonic; 0: waits for ever).
 * ERR_UNREACHABLE: the other end closed, or channel_wake(); ERR_TIMED_OUT. */
int channel_read(struct channel *channel, void *data, size_t size, size_t *got, int64_t deadline_ms,
                 struct error *err);

/* All of it. The other end has 10 s to take it. */
int channel_write(struct channel *channel, const void *data, size_t size, struct error *err);

/* Whether the other end closed. */
bool channel_is_gone(struct channel *channel);

/* No more reading: who reads gets ERR_UNREACHABLE. What is being written goes on. Any thread. */
void channel_wake(struct channel *channel);

/* Tells the other end that this was all; only channel_wake() and channel_close() are called after. */
void channel_end(struct channel *channel);
void channel_close(struct channel *channel); /* NULL is fine */

struct channel_listener;

/* Listens at `path`. ERR_BUSY when somebody does so already (Windows); a socket left by a dead agent
 * is replaced. */
int channel_listen(struct channel_listener **out, const char *path, struct error *err);

/* The next client, of this user and (Windows) of this session: others are turned away.
 * ERR_TIMED_OUT after wait_ms (-1: waits for ever), ERR_CANCELLED after channel_stop(). */
int channel_accept(struct channel **out, struct channel_listener *listener, int64_t wait_ms,
                   struct error *err);

/* Makes channel_accept() end, now and later. Any thread. */
void channel_stop(struct channel_listener *listener);
void channel_listener_free(struct channel_listener *listener); /* NULL is fine */

#endif
