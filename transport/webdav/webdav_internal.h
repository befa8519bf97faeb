/*
 * webdav_internal.h - what the files of the WebDAV gateway share.
 *
 * libmicrohttpd runs one thread per connection; a request is served by its connection's thread and
 * may wait in the vfs there. The number of connections is bounded (connections.c), and so is what
 * each of them can make grow: header bytes (libmicrohttpd's memory pool), XML (xml.h), locks
 * (locks.h), properties (dead_props.h), files held open (held.h), bodies (on disk, put.c).
 *
 * Who may talk to us: guard.c. How a request becomes a call of a method: server.c and method.h.
 *
 * Mutexes, none held while the vfs is called, and each alone but that of `held`, inside which `locks`
 * is asked: webdav.lock, and one inside each of locks, props, held and connections. The vfs may hold locks of its own when
 * it calls the `fill` of a listing, which asks locks and props; those never call the vfs.
 */
#ifndef TRANSPORT_WEBDAV_INTERNAL_H
#define TRANSPORT_WEBDAV_INTERNAL_H

#include <microhttpd.h>
#include <stdatomic.h>

#include "auth.h"
#include "base/buf.h"
#include "base/thread.h"
#include "dead_props.h"
#include "held.h"
#include "if_header.h"
#include "locks.h"
#include "map.h"
#include "path.h"
#include "transport/namespace.h"
#include "transport/transport.h"

#define DAV_SECRET_SIZE 65u /* 256 bits in hexadecimal digits, and the NUL */
#define DAV_TIMEOUT_S 75u   /* of a connection on which nothing moves */
#define DAV_HEADERS_MAX 12u /* that one answer has */
#define DAV_BLOCK (128u * 1024)

struct dav_connection;
struct dav_connections;
struct dav_put;

struct webdav {
    struct transport base; /* must stay first */
    char *private_directory;
    uint16_t wanted_port; /* 0: any */
    uint16_t port;        /* that we listen on */
    unsigned max_connections;
    int64_t deadline_ms;
    int64_t save_deadline_ms; /* 0: the vfs's own */

    struct namespace *ns;
    struct vfs *vfs; /* of ns, lent */
    struct MHD_Daemon *daemon;
    int listen_socket; /* the daemon's once it runs: -1 */
    char secret[DAV_SECRET_SIZE];
    bool secret_in_path; /* else it is the password of Basic */
    enum transport_dav_auth dav_auth;
    struct dav_auth *auth; /* with secret_in_path */
    struct dav_map *map;   /* NULL until it is started */
    struct dav_locks *locks;
    struct dav_props *props;
    struct dav_held *held;
    struct dav_connections *connections;

    atomic_bool is_cancelling; /* operations that run are to end with ERR_CANCELLED */
    struct mutex lock;         /* guards what follows */
    struct cond changed;       /* `active` became less, a PUT ended, or is_ending */
    unsigned active;           /* requests */
    bool is_ending;
    struct dav_put *puts; /* that write now: one of each path (put.c) */
    struct thread keeper; /* closes what is held for too long */
};

/* For how long an operation may go on. */
struct dav_watch {
    struct webdav *dav;
    int socket;        /* of the client */
    bool until_answer; /* the client going away ends it */
};

struct dav_request {
    struct webdav *dav;
    struct MHD_Connection *connection;
    struct dav_connection *peer;
    const struct dav_method *method;
    char *shown;    /* path as asked for: what answers name */
    char *path;     /* the same without links: what locks and properties know */
    char *key;      /* of `path` */
    bool has_slash; /* the path ended with one */
    struct dav_if conditions;
    struct buf body; /* XML */
    struct dav_put *put;
    struct dav_watch watch;
    uint64_t received; /* bytes of the body */
    int64_t begun_ms;
    bool is_outside; /* the path does not begin with the secret, where it has to */
    int early;       /* the answer is decided, the body is read and dropped: HTTP status */
    bool is_done;    /* the answer was handed over */
    struct error err;

    struct buf out;                /* of the answer */
    const char *type;              /* of `out`; NULL: plain text */
    struct MHD_Response *response; /* instead of `out` */
    struct {
        const char *name;
        char *value;
    } headers[DAV_HEADERS_MAX];
    size_t header_count;
};

/* request.c. The calls for the vfs: ended by the deadline, the end of the gateway, and, unless it is a
 * save, by the client going away. */
struct vfs_call dav_call(struct dav_request *r);
struct vfs_call dav_save_call(struct dav_request *r);
bool dav_is_cancelled(void *payload); /* a struct dav_watch */
const char *dav_request_header(const struct dav_request *r, const char *name); /* or NULL */

/* Adds a header to the answer (a failure to do so is an answer without it). */
void dav_header(struct dav_request *r, const char *name, const char *fmt, ...) PRINTF_LIKE(3, 4);

void dav_header_text(struct dav_request *r, const char *name,
                     const char *value); /* of any length */

/* The answer is this status with this sentence; returns the status. */
int dav_status(struct dav_request *r, int status, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* The answer is this status with <D:error><D:condition/></D:error>. */
int dav_precondition(struct dav_request *r, int status, const char *condition);

/* HTTP status for an ERR_*. */
int dav_http_status(int code);

/* *out = the path of a URI of the client; the caller frees. *is_outside (may be NULL, then such a
 * path is ERR_CROSS_LIBRARY): it lacks the secret that it has to begin with, and is cut to nothing
 * else. */
int dav_read_uri(struct dav_request *r, char **out, const char *uri, bool *is_outside);

/* Appends the path as clients name it. */
int dav_write_href(const struct webdav *dav, struct buf *out, const char *path, bool is_folder,
                   struct error *err);

/* Gives libmicrohttpd the answer: `result` is what a method returned. */
enum MHD_Result dav_send(struct dav_request *r, int result);

/* The time in which nothing moved begins anew: after work that took long. */
void dav_touch(struct MHD_Connection *connection);

/* Whether a Host or the host of a URI means us. Payload: a struct webdav. */
bool dav_is_us(void *payload, const char *host, size_t length);

/* resource.c. The item at `path`, with a hold that dav_forget() gives back (the root has none).
 * ERR_NOT_FOUND, and ERR_NOT_FOLDER where something on the way is a file. */
int dav_lookup(struct dav_request *r, struct vfs_attr *out, const char *path, struct error *err);

/* The folder that `path` is in, with a hold; what is missing or no folder is ERR_NOT_FOUND. */
int dav_lookup_parent(struct dav_request *r, struct vfs_attr *out, const char *path,
                      struct error *err);
void dav_forget(struct dav_request *r, const struct vfs_attr *attr);
bool dav_is_folder(const struct vfs_attr *attr);

/* *out = `path`, with a link at its beginning replaced by what it points to; the caller frees. */
int dav_follow_links(struct dav_request *r, char **out, const char *path, struct error *err);

#define DAV_ETAG_SIZE 48u
void dav_etag(char out[DAV_ETAG_SIZE], const struct vfs_attr *attr);
#define DAV_DATE_SIZE 40u
void dav_http_date(char out[DAV_DATE_SIZE], int64_t wall_ms);

/* conditions.c. If-Match and its kin; `attr` NULL: there is nothing. 0, 304 or 412. */
int dav_check_preconditions(struct dav_request *r, const struct vfs_attr *attr);

/* The If header: parsed, and whether it holds. 0, or 400 or 412. */
int dav_read_if(struct dav_request *r);
int dav_check_if(struct dav_request *r);

/* Whether the client may change what is at `key` (and below), or the members of its folder. 0 or 423. */
int dav_check_locks(struct dav_request *r, const char *key, bool with_below);
int dav_check_parent_locks(struct dav_request *r, const char *path);

/* guard.c. Whether the request may go on: 0, or the status. */
int dav_guard(struct dav_request *r);
bool dav_is_secret(const char *secret, const char *given, size_t size); /* in constant time */
int dav_secret_make(char secret[DAV_SECRET_SIZE], struct error *err);
int dav_secret_load(char secret[DAV_SECRET_SIZE], const char *directory, struct error *err);

/* connections.c: how many there are, and which one goes when there are too many. */
int dav_connections_new(struct dav_connections **out, unsigned limit, struct error *err);
void dav_connections_free(struct dav_connections *connections);
void dav_connections_use_auth(struct dav_connections *connections, struct dav_auth *auth);
bool dav_connections_make_room(struct dav_connections *connections);
void dav_connections_hang_up(struct dav_connections *connections); /* on all */
struct dav_connection *dav_connection_add(struct dav_connections *connections, int socket);
void dav_connection_remove(struct dav_connections *connections, struct dav_connection *connection);
void dav_connection_busy(struct dav_connections *connections, struct dav_connection *connection,
                         bool is_busy);
struct dav_auth_peer *dav_connection_auth(struct dav_connection *connection);
void dav_connection_trust(struct dav_connections *connections, struct dav_connection *connection);

/* server.c */
int dav_server_start(struct webdav *dav, struct error *err);

/* Whether a request that began so long ago brought too little of its body. */
bool dav_is_too_slow(int64_t took_ms, uint64_t received);

/* posix/socket.c, posix/peer.c: what differs by system. A listening socket on 127.0.0.1, and its
 * port. */
int dav_listen(int *out, uint16_t *port, struct error *err);
void dav_listen_close(int socket);
void dav_hang_up(int socket);    /* both directions end; the descriptor stays */
bool dav_is_hung_up(int socket); /* by the client */

/* Whether the connection from `peer` was made by this user or by root (ERR_DENIED): who runs the
 * program at its other end, on this machine. */
bool dav_system_needs_path(void); /* secret_in_path */
int dav_check_peer(const struct sockaddr *peer, uint16_t port, struct error *err);

#endif
