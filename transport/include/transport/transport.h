/*
 * transport.h - how mappings become visible to the user: the pluggable backend.
 *
 * Facts and behaviour are apart (struct transport_type, struct transport_ops), so that `mooring
 * status` can name a transport that this build does not have. All transports stand in one array in
 * transport.c; only transport.c calls through ops.
 */
#ifndef TRANSPORT_TRANSPORT_H
#define TRANSPORT_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "transport/vfs.h"

enum transport_cap {
    TRANSPORT_CAP_LETTERS = 1, /* shows drive letters (on Linux: links in <root>/drives) */
    TRANSPORT_CAP_LINKS = 2    /* links in the namespace are followed by the system */
};

/* One mapping as a transport sees it. Borrowed for the time of the call. */
struct mapping {
    const char *path; /* "contoso/finance/Documents": where it appears, '/' between components, no
                         leading '/' */
    uint64_t
        root_id; /* the folder in the vfs given to start that is shown there; held by the caller */
    char letter; /* 'F' to 'Z', or 0 */
    const char *label; /* display name: of the letter, and accepted as an alias of the last
                          component on lookup */
};

/* Whether clients of the WebDAV gateway must prove by Negotiate or NTLM who they are. */
enum transport_dav_auth {
    TRANSPORT_DAV_AUTH_PREFERRED, /* those that are known to be able to */
    TRANSPORT_DAV_AUTH_REQUIRED,
    TRANSPORT_DAV_AUTH_OFF
};

struct transport_options {
    const char *root;              /* Linux: folder the namespace is mounted on */
    int64_t deadline_ms;           /* longest time one file operation may take; 0 = 60,000 */
    int64_t save_deadline_ms;      /* the same for those that send a file (flush, fsync, truncate by
                                 path); 0 = what the vfs has for it */
    unsigned max_threads;          /* operations served at once; 0 = 64 */
    const char *private_directory; /* webdav: for its password, and for files on their way; made
                                      0700 when missing */
    enum transport_dav_auth dav_auth; /* webdav on Windows */
    bool secret_in_path;    /* webdav: its password is the first segment of each path, and no other
                            one is asked for. Always on Windows, whose client sends none over http */
    uint16_t port;          /* webdav: on 127.0.0.1; 0 = any that is free */
    const char *unc_server; /* np on Windows: \\unc_server\...; NULL = "mooring" */
    const char *user_tag;   /* np on Windows: what tells this user's network paths from those
                                      of others on the machine; NULL: nobody else is there */
};

struct transport;
struct transport_ops;

struct transport_type {
    const char *name; /* value of the setting Transport, lower case */
    const char *title;
    unsigned caps;                   /* TRANSPORT_CAP_* */
    const struct transport_ops *ops; /* NULL: known, not in this build */
};

/* One entry of what is attached; lent until the function returns. */
typedef void (*transport_visit_fn)(void *payload, const struct mapping *mapping);

struct transport_ops {
    /* Makes an instance; nothing is mounted yet. */
    int (*create)(struct transport **out, const struct transport_options *options,
                  struct error *err);

    /* Serve `vfs`; no mapping is visible yet. Keeps a reference to vfs until stop. Once. Cleans up
     * a mount that a dead agent left at the same place. ERR_UNSUPPORTED with what to do when the
     * system lacks the driver; ERR_BUSY when somebody else's file system is mounted there or the
     * folder is not empty. */
    int (*start)(struct transport *t, struct vfs *vfs, struct error *err);

    /* Show the mapping. Attaching again what is attached succeeds; a changed label, letter or root
     * is taken over. Any thread; never waits for the network. */
    int (*attach)(struct transport *t, const struct mapping *mapping, struct error *err);

    /* Take the mapping at `path` away; what is open goes on until closed. Not attached: succeeds.
     */
    int (*detach)(struct transport *t, const char *path, struct error *err);

    /* All that is attached, in order of path. */
    int (*enumerate)(struct transport *t, transport_visit_fn visit, void *payload,
                     struct error *err);

    /* Whether the mount is still there (a user may have unmounted it): ERR_IO when not, and why. */
    int (*check)(struct transport *t, struct error *err);

    /* Optional. *out = where a client finds it ("http://127.0.0.1:4711/"), without any secret; the
     * caller frees. For transports that the system does not mount by itself. */
    int (*address)(struct transport *t, char **out, struct error *err);

    /* Optional, of network drives. Shows the folder `path` (a mapping, a folder above or below one)
     * as `letter` at a user's wish: until it is taken away, what it leads to is detached, or stop.
     * `path` NULL takes the letter away, also one of a mapping; what is open through it goes on.
     * Whether there is such a folder is the caller's to know. ERR_EXISTS: the letter is in use;
     * ERR_NOT_FOUND: `path` is NULL and the letter is none of this transport, or no mapping begins
     * with the first component of `path`. */
    int (*set_letter)(struct transport *t, char letter, const char *path, struct error *err);

    /* Optional, of network drives. *out = the name that other programs have to use for `folder`, the
     * first component of a mapping's path: it may carry a tag of the user. The caller frees.
     * ERR_NOT_FOUND: no mapping begins with it. */
    int (*share)(struct transport *t, char **out, const char *folder, struct error *err);

    /* Optional. Files are shown as offline from now on - not here, slow to read - but those whose
     * extension stands in `exclude` ("pdf|msg"); NULL: none is, as at the start. Any thread. */
    int (*set_offline)(struct transport *t, const char *exclude, struct error *err);

    /* Optional. *out = what keeps it from working as it could, and what to do; the caller frees.
     * ERR_NOT_FOUND: nothing. */
    int (*advice)(struct transport *t, char **out, struct error *err);

    /* Optional. *out = the name by which programs of this user open what is at `path`
     * ("contoso/finance"; "": where all of it begins); the caller frees. It may have a secret in it,
     * which is the user's own. For transports whose places are not below options.root. */
    int (*local_path)(struct transport *t, char **out, const char *path, struct error *err);

    /* Wait for running operations (at most wait_ms; those that are left when three quarters of it
     * have passed are cancelled), unmount, close what is still open, give back all holds, free.
     * Never fails; copes with a half-built instance, also after a start that failed. An operation
     * that hangs in the vfs is left behind: its caller gets an error now, and the transport's
     * reference to the vfs ends with it. The process that serves must not wait for its own mount
     * (open files of it, map them): it would wait for itself. */
    void (*stop)(struct transport *t, int64_t wait_ms);
};

struct transport {
    const struct transport_type *type; /* must stay the first member of every implementation */
};

/* All transports, built or not, best first. transport_find(): by name without case; NULL if there
 * is none. */
size_t transport_count(void);
const struct transport_type *transport_at(size_t index);
const struct transport_type *transport_find(const char *name);

/* Makes an instance of the transport `name`; "auto" takes the first that is built in.
 * ERR_UNSUPPORTED for one that is known but not in this build, ERR_NOT_FOUND for an unknown name.
 * The caller ends it with transport_stop(). */
int transport_create(struct transport **out, const char *name,
                     const struct transport_options *options, struct error *err);
int transport_start(struct transport *t, struct vfs *vfs, struct error *err);
int transport_attach(struct transport *t, const struct mapping *mapping, struct error *err);
int transport_detach(struct transport *t, const char *path, struct error *err);
int transport_enumerate(struct transport *t, transport_visit_fn visit, void *payload,
                        struct error *err);
int transport_check(struct transport *t, struct error *err);

/* ERR_UNSUPPORTED for a transport that needs no address. */
int transport_address(struct transport *t, char **out, struct error *err);

/* ERR_UNSUPPORTED for a transport without letters of its own. */
int transport_set_letter(struct transport *t, char letter, const char *path, struct error *err);

/* A transport that knows nothing of tags: `folder` itself. */
int transport_share(struct transport *t, char **out, const char *folder, struct error *err);

/* Does nothing for a transport that cannot show it. */
int transport_set_offline(struct transport *t, const char *exclude, struct error *err);

/* ERR_NOT_FOUND: there is none. */
int transport_advice(struct transport *t, char **out, struct error *err);

/* ERR_UNSUPPORTED for a transport whose places are below options.root. */
int transport_local_path(struct transport *t, char **out, const char *path, struct error *err);
void transport_stop(struct transport *t, int64_t wait_ms); /* NULL is fine */

#endif
