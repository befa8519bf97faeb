/*
 * connections.c - how many connections there are. When there are too many, those go that are not
 * inside a request: first the ones that never showed the password, the oldest first. So a program
 * that opens thousands and says nothing, or says it letter by letter, keeps nobody out.
 */
#include "webdav_internal.h"

#include <stdlib.h>

#include "base/clock.h"

struct dav_connection {
    int socket;
    int64_t since_ms; /* when it was made, or its last request ended */
    bool is_busy;
    bool is_trusted;
    bool is_evicted;
    struct dav_auth_peer auth; /* of its thread alone */
    struct dav_connection *previous;
    struct dav_connection *next;
};

struct dav_connections {
    struct dav_auth *auth; /* lent; NULL: nobody is asked who he is */
    struct mutex mutex;    /* guards all; a socket is not closed while it is in the list */
    struct dav_connection *first;
    unsigned count;
    unsigned limit;
};

int dav_connections_new(struct dav_connections **out, unsigned limit, struct error *err)
{
    struct dav_connections *connections = calloc(1, sizeof(*connections));

    if (!connections) {
        return error_set(err, ERR_NO_MEMORY, "no memory for connections");
    }
    mutex_init(&connections->mutex);
    connections->limit = limit;
    *out = connections;
    return 0;
}

void dav_connections_free(struct dav_connections *connections)
{
    if (connections) {
        mutex_clear(&connections->mutex);
        free(connections);
    }
}

static bool goes_before(const struct dav_connection *a, const struct dav_connection *b)
{
    if (!b || a->is_trusted != b->is_trusted) {
        return !b || !a->is_trusted;
    }
    return a->since_ms < b->since_ms;
}

bool dav_connections_make_room(struct dav_connections *connections)
{
    struct dav_connection *victim = NULL;
    bool has_room = false;

    mutex_lock(&connections->mutex);
    if (connections->count + connections->limit / 8 >= connections->limit) {
        for (struct dav_connection *c = connections->first; c; c = c->next) {
            if (!c->is_busy && !c->is_evicted && goes_before(c, victim)) {
                victim = c;
            }
        }
        if (victim) { /* its thread wakes up and ends */
            victim->is_evicted = true;
            dav_hang_up(victim->socket);
        }
    }
    has_room = connections->count < connections->limit;
    mutex_unlock(&connections->mutex);
    return has_room;
}

void dav_connections_hang_up(struct dav_connections *connections)
{
    mutex_lock(&connections->mutex);
    for (struct dav_connection *c = connections->first; c; c = c->next) {
        dav_hang_up(c->socket);
    }
    mutex_unlock(&connections->mutex);
}

struct dav_connection *dav_connection_add(struct dav_connections *connections, int socket)
{
    struct dav_connection *c = calloc(1, sizeof(*c));

    if (!c) {
        return NULL;
    }
    c->socket = socket;
    c->since_ms = clock_mono_ms(clock_system());
    mutex_lock(&connections->mutex);
    c->next = connections->first;
    if (c->next) {
        c->next->previous = c;
    }
    connections->first = c;
    connections->count++;
    mutex_unlock(&connections->mutex);
    return c;
}

void dav_connection_remove(struct dav_connections *connections, struct dav_connection *c)
{
    if (!c) {
        return;
    }
    mutex_lock(&connections->mutex);
    if (c->previous) {
        c->previous->next = c->next;
    } else {
        connections->first = c->next;
    }
    if (c->next) {
        c->next->previous = c->previous;
    }
    connections->count--;
    mutex_unlock(&connections->mutex);
    if (connections->auth) {
        dav_auth_peer_clear(connections->auth, &c->auth);
    }
    free(c);
}

struct dav_auth_peer *dav_connection_auth(struct dav_connection *c)
{
    return c ? &c->auth : NULL;
}

void dav_connections_use_auth(struct dav_connections *connections, struct dav_auth *auth)
{
    connections->auth = auth;
}

void dav_connection_busy(struct dav_connections *connections, struct dav_connection *c,
                         bool is_busy)
{
    if (!c) {
        return;
    }
    mutex_lock(&connections->mutex);
    c->is_busy = is_busy;
    c->since_ms = clock_mono_ms(clock_system());
    mutex_unlock(&connections->mutex);
}

void dav_connection_trust(struct dav_connections *connections, struct dav_connection *c)
{
    if (!c) {
        return;
    }
    mutex_lock(&connections->mutex);
    c->is_trusted = true;
    mutex_unlock(&connections->mutex);
}
