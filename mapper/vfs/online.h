/*
 * online.h - what the files of the online vfs share: the instance, its libraries and what is known of
 * their items. What is open, listed and saved is in body.h, listing.h and save.h. Private to
 * mapper/vfs.
 *
 * Locks, outermost first; none is held while waiting for the network or for a disk sync:
 *   online->lock   the tree, libraries, the streams of changes that they share (feed.h), running
 *                  listings, which body a node has
 *   body->lock     one open file's draft
 *   content->lock  one cached version (cache.h)
 *
 * save_body() is the one place where bytes of a draft leave for the server (rename_replace.c sends
 * those of a file that is renamed onto another), listing_join() the one where a listing starts;
 * tree_apply_item() is where the server's word about an item reaches the tree, delta_apply() where a
 * set of changes does.
 */
#ifndef MAPPER_VFS_ONLINE_H
#define MAPPER_VFS_ONLINE_H

#include <stdatomic.h>

#include "base/str.h"
#include "base/thread.h"
#include "cache.h"
#include "guard.h"
#include "mapper/graph.h"
#include "mapper/online_vfs.h"
#include "tree.h"
#include "wait.h"

struct body;
struct uploads;

struct library {
    struct library *next;
    struct online_vfs *online;
    struct account *account; /* referenced */
    char *key;
    char *site_id;
    char *list_id;
    char *url;
    char *folder_path; /* NULL: the library's root */
    size_t path_units; /* of the path up to this root, for the limit of names.h */
    struct node *root; /* held */
    /* guarded by online->lock */
    char *drive_id;     /* replaced at most once, by verifying */
    char *root_item_id; /* NULL until known */
    bool is_verified;
    bool is_preparing;
    bool is_read_only;
    bool is_removed;
    unsigned denials;  /* changes that the service refused, since one that it did not */
    int64_t denied_ms; /* so many that nothing here can be changed; 0: not */
    struct vfs_space space;
    int64_t space_ms; /* 0: never asked */
    /* the stream of its drive's changes (feed.h, follow.c) */
    struct feed *feed;    /* NULL: its drive is not known yet, or it was taken away */
    uint32_t passed_edit; /* tree_edits() when it told last of an item that we do not know */
    int64_t used_ms;      /* when somebody looked into it last; 0: nobody did */
    uint32_t open_bodies; /* files that are open */
};

/* A question that is on its way. The client shares identical requests: the answer may be that of an
 * older question, so it may be as old as the oldest one of its kind under way. */
struct ask {
    struct ask *next;
    uint64_t key;   /* of what is asked; the same for identical requests, 0: shared with none */
    uint32_t began; /* tree_edits() when it was asked */
    uint32_t edit;  /* what the answer may be as old as */
};

/* A system asks for a name before it makes it: once is enough. */
#define NEGATIVES 128
#define NEGATIVE_MS 2000
struct negative {
    uint64_t folder;
    uint64_t name_hash;
    int64_t at_ms;
};

/* Content that was known here by a number before the service gave it a version. */
#define KNOWN_CONTENTS 256
struct known_content {
    uint64_t item; /* hashes */
    uint64_t version;
    uint64_t number;
};

/* A download address that came with a look-up: whoever opens the file at once needs no other. */
#define FRESH_URLS 4
struct fresh_url {
    uint64_t node; /* 0: free */
    uint64_t version_hash;
    int64_t at_ms;
    char *url; /* a secret */
};

/* There is one of it, in the order of what belongs together.
 * NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding) */
struct online_vfs {
    struct vfs base; /* must stay first */
    char *spool_directory;
    char *cache_directory;
    struct cache *cache;
    char spool_tag[17];    /* of this instance, in the names of its spool files */
    struct spares *spares; /* in the spool */
    struct mutex lock;     /* guards all below */
    struct cond changed;   /* pages, preparations, refreshes, uploads came to an end */
    struct tree *tree;
    struct library *libraries;
    struct feed *feeds;                /* one a drive and account: feed.h */
    struct online_vfs_options options; /* its strings are not used */
    _Atomic int64_t upload_delay_ms;   /* ... of them; read where other locks are held */
    uint32_t last_listing;
    struct ask *asks;                     /* under way; each on the stack of its thread */
    struct negative negatives[NEGATIVES]; /* names that were not there a moment ago */
    uint32_t next_negative;
    struct known_content known[KNOWN_CONTENTS];
    _Atomic uint64_t last_change; /* counts changes of drafts */
    struct fresh_url urls[FRESH_URLS];
    uint32_t next_url;
    struct uploads *uploads; /* uploads.h */
    struct mutex spool_lock; /* guards the next three; nests in any other */
    uint64_t last_spool;
    struct body *drafts; /* open, with a spool file */
    bool has_unsaved;    /* there may be spool files of saves that failed */
    int64_t started_ms;  /* node->checked_s counts from here */
    uint32_t open_files;
    uint32_t uploads_running;
    bool is_draining;
    online_vfs_verified_fn verified;
    void *verified_payload;
    uint32_t verified_running;
    vfs_changed_fn listener;
    void *listener_payload;
    uint32_t listener_running;
    struct thread keeper; /* trims the cache */
    struct cond keeper_wake;
    bool is_ending;
    bool has_cached;            /* there may be something to trim */
    bool has_new_limits;        /* ... at once */
    struct guard *guard;        /* guard.h */
    struct str_list local_only; /* patterns of local_only.h */
    struct body *local_bodies;  /* referenced */
    uint32_t local_only_count;
    struct settling *settling; /* settle.h */
    uint32_t settling_count;
    uint32_t last_settling;
    struct thread settler;
    _Atomic bool is_settler_over; /* read where other locks are held */
    struct cond settle_wake;
    struct thread follower; /* asks for changes in libraries that are in use */
    struct cond follow_wake;
    struct prefetch *prefetches; /* that wait for the thread */
    struct thread prefetcher;    /* while somebody walks */
    bool has_prefetcher;
    size_t walked_entries; /* brought ahead since memory was given back; the thread's own */
    struct cond prefetch_wake;
    atomic_bool is_follower_ending;
};

static inline struct online_vfs *online_of(struct vfs *vfs)
{
    return (struct online_vfs *)vfs;
}

/* --- library.c --- */

void libraries_free(struct online_vfs *online);

/* What a request needs to name an item; copies, owned. */
struct place {
    struct library *library;
    struct account *account; /* borrowed from the library */
    char *drive_id;
    char *item_id;       /* NULL: the root of the drive */
    uint32_t asked_edit; /* tree_edits(): what is asked now is not older */
};
void place_clear(struct place *place);

/* Verifies the drive and finds the mapped folder, once. Called without the lock. */
int library_prepare(struct library *library, const struct call *call, struct error *err);

/* The id of a drive's root: asked for, unless the drive is the library's and it is known. "" when that
 * fails. Without the lock. */
int library_root_id(char **out, struct library *library, const char *drive_id,
                    const struct call *call, struct error *err);

/* The place of a node. With `needs_id` the root's own id is asked for too, since the service needs it
 * for moves and new items; what goes to the journal needs no line, and is sent with it. Called without
 * the lock, with the node held. ERR_STALE when it is gone. */
int place_of(struct place *out, struct online_vfs *online, struct node *node, bool needs_id,
             const struct call *call, struct error *err);
struct library *library_of(struct online_vfs *online, struct node *node); /* lock held */
/* Where a node is in its library: "folder/file.txt". Lock held. */
int node_path(struct online_vfs *online, struct node *node, char **out, struct error *err);
int64_t online_now(void);

/* --- lookup.c --- */

/* A held node by id: ERR_STALE, and ERR_NOT_FOLDER or ERR_IS_FOLDER by `kind` (-1: either).
 * node_put() gives it back. */
int node_get(struct online_vfs *online, struct node **out, uint64_t id, int kind,
             struct error *err);
void node_put(struct online_vfs *online, struct node *node);

/* --- attribute.c --- */

int online_attribute(struct vfs *vfs, char **out, uint64_t id, const char *name,
                     const struct vfs_call *vfs_call, struct error *err);

/* --- version.c: vfs_attr.version --- */

/* A number that no other content has, for a draft that changes. */
uint64_t version_next(struct online_vfs *online);

/* Of the content that a reader gets: through `body`, or of the node when it is NULL. online->lock
 * held, body->lock too. */
uint64_t version_of(struct online_vfs *online, const struct node *node, const struct body *body);

/* The service has the draft as it is now, as this version of the item: it keeps its number. Both
 * locks held. */
void version_remember(struct online_vfs *online, const struct body *body,
                      const struct graph_item *item);

/* --- apply.c --- */

/* What we show of an item, and as what. Borrowed texts. */
bool item_is_shown(const struct graph_item *item);
struct node_facts item_facts(const struct library *library, const struct graph_item *item);

/* The item is deleted: nobody who does not have it open reads it any more. */
void node_drop_content(struct online_vfs *online, struct node *node);

/* The server's word for an item in `folder`; lock held. *out may be NULL: the item is not shown.
 * `asked_edit`: tree_edits() when it was asked for. */
int tree_apply_item(struct online_vfs *online, struct node **out, struct node *folder,
                    const struct graph_item *item, uint32_t asked_edit, struct error *err);

/* What the folder holds is known a little less well than a listing tells: changes to come do not
 * mend it, only the next listing does. Lock held. */
void folder_doubt(struct node *folder);

/* ... nor the item itself: the next look asks for it. Lock held. */
void node_doubt(struct online_vfs *online, struct node *node);

/* Our own change, asked for at `asked_edit`, was answered with the item: it counts, whatever else was
 * asked before. Where others changed the item meanwhile, nobody can tell who came last. */
int tree_apply_own(struct online_vfs *online, struct node *node, const struct graph_item *item,
                   uint32_t asked_edit, struct error *err);

/* Whether changes of an item that we got to know by this answer may have been told, and passed over,
 * while it was on its way. Lock held. */
bool may_have_missed(const struct library *library, uint32_t asked_edit);

/* --- lookup.c --- */

/* Around each question; lock held. `key`: ask_key() of all that makes the request what it is. */
uint64_t ask_key(const char *what, uint64_t of, const char *detail);
void ask_begin(struct online_vfs *online, struct ask *ask, uint64_t key);
void ask_end(struct online_vfs *online, struct ask *ask);
void node_attr(struct online_vfs *online, const struct node *node, struct vfs_attr *out);

/* The child `name` of a held folder, held: from memory when it is fresh there, else asked for. */
int lookup_child(struct online_vfs *online, struct node **out, struct node *folder,
                 const char *name, const struct call *call, struct error *err);

/* Lock held. */
void forget_negatives(struct online_vfs *online, const struct node *folder);

int online_lookup(struct vfs *vfs, struct vfs_attr *out, uint64_t parent, const char *name,
                  const struct vfs_call *call, struct error *err);
void online_forget(struct vfs *vfs, uint64_t id, uint64_t count);
int online_getattr(struct vfs *vfs, struct vfs_attr *out, uint64_t id, struct vfs_file *file,
                   const struct vfs_call *call, struct error *err);

/* --- refresh.c; lock held unless said --- */

void node_confirm(struct online_vfs *online, struct node *node); /* it is as the service says now */
bool node_is_fresh(struct online_vfs *online, struct node *node);
bool folder_is_fresh(struct online_vfs *online, struct node *node);

/* The answer that was asked for at `asked_edit` may be older than the token of the stream: what changed
 * between the two nobody tells. `node` may be NULL. */
void doubt_if_old(struct online_vfs *online, struct node *folder, struct node *node,
                  uint32_t asked_edit);

/* A download URL that came along, for an opening that follows at once; *url is taken. */
void keep_url(struct online_vfs *online, const struct node *node, char **url);
void forget_urls(struct online_vfs *online);

/* Asks for the item unless it is fresh (`max_age_ms` old at most; -1: MetadataSeconds). *url (may
 * be NULL) gets a download URL that came along; a secret. Without the lock. */
int refresh_node(struct online_vfs *online, struct node *node, int64_t max_age_ms, char **url,
                 const struct call *call, struct error *err);

/* Tells the listener; called without the lock. */
void online_tell(struct online_vfs *online, uint64_t parent, const char *name, uint64_t id);

/* --- prefetch.c: what a walk through a tree needs next --- */

/* Somebody lists a folder; lock held. */
void walk_note(struct online_vfs *online, struct node *folder);
void prefetch_stop(struct online_vfs *online); /* after follow_stop() */

/* --- follow.c: what others change --- */

int follow_start(struct online_vfs *online, struct error *err);
void follow_stop(struct online_vfs *online); /* is_ending is set */

/* Before a library is listed: from now on its changes can be asked for, where the service tells
 * them. An error is one of the line. Without the lock. */
int follow_begin(struct library *library, const struct call *call, struct error *err);

/* The first page of a folder, in one round trip with the token before it. */
struct first_page {
    struct graph_items items;
    bool is_listed; /* the page is here; else follow_begin() and a listing are to be asked for */
    uint32_t epoch; /* the stream that tells what changes from then on */
};
int follow_list(struct library *library, struct first_page *out, const char *drive_id,
                const char *folder_id, unsigned page_size, const struct call *call,
                struct error *err);

/* Brings the changes of the drive of a library that is followed, unless those until `since_ms` are
 * here. One request at a time, shared, also with other libraries on that drive. 1: what is covered is
 * fresh now; 0: it is not, the stream broke or there is none. Without the lock. */
int follow_update(struct library *library, int64_t since_ms, const struct call *call,
                  struct error *err);

/* --- feed.c: who shares a stream; lock held --- */

void feeds_free(struct online_vfs *online); /* before the libraries; without the lock */

/* The library's drive is known: it shares the stream of it from now on, before it asks for anything
 * there. Nothing to do a second time. */
int library_join_feed(struct library *library, struct error *err);
void library_leave_feed(struct library *library); /* it is taken away */

/* The number of the stream that tells what changes in it; 0: none does. */
uint32_t library_epoch(const struct library *library);
/* tree_edits() when the token of the stream came: what was asked before may be older. */
uint32_t library_epoch_edit(const struct library *library);

/* What we know of it is as new as the last set of changes. */
bool folder_is_covered(struct online_vfs *online, struct node *folder);
bool node_is_covered(struct online_vfs *online, struct node *node);
bool library_is_followed_since(const struct library *library, int64_t since_ms);
void library_touch(struct library *library); /* somebody looks */

/* --- handles.c, change.c, access.c, rename.c --- */

int online_open(struct vfs *vfs, struct vfs_file **out, uint64_t id, unsigned flags,
                const struct vfs_call *call, struct error *err);
int online_create(struct vfs *vfs, struct vfs_file **out, struct vfs_attr *attr, uint64_t parent,
                  const char *name, unsigned flags, const struct vfs_call *call, struct error *err);
int online_read(struct vfs *vfs, struct vfs_file *file, void *data, size_t size, uint64_t offset,
                size_t *got, const struct vfs_call *call, struct error *err);
int online_write(struct vfs *vfs, struct vfs_file *file, const void *data, size_t size,
                 uint64_t offset, const struct vfs_call *call, struct error *err);
int online_flush(struct vfs *vfs, struct vfs_file *file, const struct vfs_call *call,
                 struct error *err);
int online_fsync(struct vfs *vfs, struct vfs_file *file, const struct vfs_call *call,
                 struct error *err);
void online_close(struct vfs *vfs, struct vfs_file *file);
void online_abandon(struct vfs *vfs, struct vfs_file *file);

int online_setattr(struct vfs *vfs, struct vfs_attr *out, uint64_t id, struct vfs_file *file,
                   const struct vfs_set *set, const struct vfs_call *call, struct error *err);
int online_mkdir(struct vfs *vfs, struct vfs_attr *out, uint64_t parent, const char *name,
                 const struct vfs_call *call, struct error *err);
int online_unlink(struct vfs *vfs, uint64_t parent, const char *name, const struct vfs_call *call,
                  struct error *err);
int online_rmdir(struct vfs *vfs, uint64_t parent, const char *name, const struct vfs_call *call,
                 struct error *err);
int online_rename(struct vfs *vfs, uint64_t parent, const char *name, uint64_t new_parent,
                  const char *new_name, unsigned flags, const struct vfs_call *call,
                  struct error *err);

/* May this user rename or delete the item, or change what the folder holds? Lock held. */
int check_changeable(struct online_vfs *online, const struct node *node, struct error *err);

/* ... and write the file? Size and check-out count, too. */
int check_writable(struct online_vfs *online, const struct node *node, struct error *err);
int check_name(struct online_vfs *online, struct node *folder, const char *name, bool is_folder,
               struct error *err);

/* A new file whose upload ended without an answer is deleted or renamed here: what arrived of it
 * goes. Its saves are paused. (arrival.c) */
int arrival_take_back(struct online_vfs *online, struct node *node, struct body *body,
                      const struct call *call, struct error *err);

/* Whether it is of another item by now: what was saved of it became a conflict copy, perhaps while
 * its saves were waited for. Without the lock. */
bool body_has_left(struct body *body, const struct node *node);

/* body_borrow() with its saves paused: of the node still when this returns 0. *out NULL: nobody has it
 * open. */
int body_borrow_paused(struct online_vfs *online, struct body **out, struct node *node,
                       const struct call *call, struct error *err);

/* Deletes a held node on the server and in the tree. */
int delete_node(struct online_vfs *online, struct node *node, const struct call *call,
                struct error *err);
/* The same for a file that was never sent; 1, and nothing done: it is on the server by now. */
int delete_local(struct online_vfs *online, struct node *node, const struct call *call,
                 struct error *err);
/* 403 to a write: believed for a file until it is listed again, for a folder for ten minutes. */
void note_denied(struct online_vfs *online, struct node *node, int code);

/* The folder entry `name`, held, and what every change asks first. */
int change_begin(struct online_vfs *online, struct node **folder, struct node **node,
                 uint64_t parent, const char *name, const struct call *call, struct error *err);

/* Whether a held folder has no entry: from memory or by listing it. */
int check_empty(struct online_vfs *online, struct node *folder, const struct call *call,
                struct error *err);

#endif
