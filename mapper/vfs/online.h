/*
 * online.h - what the files of the online vfs share. Private to mapper/vfs.
 *
 * Locks, outermost first; none is held while waiting for the network or for a disk sync:
 *   online->lock   the tree, libraries, the streams of changes that they share (feed.h), running
 *                  listings, which body a node has
 *   body->lock     one open file's draft
 *   content->lock  one cached version (cache.h)
 *
 * save_body() is the one place where
 * bytes of a draft leave for the server (rename.c sends those of a file that is renamed onto
 * another), listing_join() the one where a listing starts; tree_apply_item() is where the server's
 * word about an item reaches the tree, delta_apply() where a set of changes does.
 */
#ifndef MAPPER_VFS_ONLINE_H
#define MAPPER_VFS_ONLINE_H

#include <stdatomic.h>

#include "base/str.h"
#include "base/thread.h"
#include "cache.h"
#include "extents.h"
#include "guard.h"
#include "mapper/graph.h"
#include "mapper/online_vfs.h"
#include "reader.h"
#include "tree.h"
#include "wait.h"

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

/* A listing that runs, or the entries of one that is over. Guarded by online->lock. */
struct listing {
    uint32_t refs;
    struct node *folder; /* held */
    struct node **nodes; /* held, in order of arrival */
    size_t count;
    size_t capacity;
    uint32_t number; /* marks nodes it saw: node->listed */
    int64_t begun_ms;
    uint32_t begun_edit; /* what we changed since is not for this listing to take away */
    uint32_t epoch;      /* library_epoch() before the first page was asked for; 0: not followed */
    char *next_link;
    bool is_started; /* a page has come */
    uint32_t doubts; /* of its folder, when it began */
    bool is_complete;
    bool is_fetching;
    int failure;
    struct error error;
};

struct vfs_dir {
    struct online_vfs *online;
    struct node *folder; /* held */
    struct listing *listing;
    struct error error; /* sticky */
};

/* One open file, shared by its handles. */
struct upload;
struct uploads;
struct body {
    struct online_vfs *online;
    struct library *library;
    int64_t trust_ms; /* how long its version is believed, by the options of its opening */
    /* guarded by online->lock */
    uint32_t refs;
    struct node *node;       /* held; another one after a rename onto it */
    struct body *next_local; /* in online->local_bodies */
    /* guarded by uploads->lock */
    struct upload *pending; /* the newest of its uploads; NULL: the server has what was saved */
    unsigned upload_holds;  /* none of them starts while it is not 0 */
    /* guarded by online->spool_lock */
    struct body *next_draft; /* in online->drafts, while `spool` is there */
    char *failure;           /* why the last save failed; NULL: it did not */
    /* guarded by `lock` */
    struct mutex lock;
    struct cond changed;
    char *path;           /* below the library, for the note of an unsaved file */
    char *item_id;        /* ... as well; "": a new file */
    struct content *base; /* the version that was opened; NULL for a new file */
    char *version;        /* what a save must find on the server (If-Match); NULL: new file */
    bool is_dirty;
    bool is_saving;        /* one thread uploads: no writes, no second save */
    bool is_written;       /* since it was made or cut to nothing at opening */
    bool is_removed;       /* deleted: nothing of it is saved any more */
    bool is_local_only;    /* local_only.h: changed with both locks */
    bool has_settled;      /* a new file that waited long enough (settle.h) */
    bool has_failed;       /* the last save did not succeed */
    bool is_left;          /* a handle that was closed wrote what is not saved */
    bool is_deferred;      /* what was flushed is in the draft alone (settle.h) */
    bool is_note_due;      /* the draft moved to another spool file */
    bool is_kept;          /* its spool file belongs to the journal, and outlives the body */
    bool is_note_durable;  /* the draft's note survives a loss of power; by is_saving's thread */
    bool may_have_arrived; /* ... but its bytes may be on the server: the answer was lost */
    /* the draft, while `spool` is there */
    struct local_file *spool;
    char *spool_path;
    uint64_t sealed_bytes;  /* of the spool file: an upload has them, so they stay as they are */
    bool is_spool_named;    /* the folder was synced since the spool file was made */
    struct extents written; /* in the spool file; the rest below base_limit is in `base` */
    uint64_t base_limit;
    uint64_t doubt_start; /* [start, end) of the base came over unconfirmed (reader.h) */
    uint64_t doubt_end;
    uint64_t size_bytes;
    int64_t modified_ms; /* set by a program for the next save; -1: not */
    int64_t created_ms;
    int64_t touched_ms; /* wall clock of the last write */
    uint64_t change;    /* number of the draft as it is now; 0: as an agent before left it */
    uint32_t writers;   /* handles that may write; guarded by online->lock */
    int64_t kept_row; /* of a new file that waits (settle.h), in the journal; 0: it is not there */
    struct lost_answer *lost; /* lost_answer.h; by is_saving's thread */
};

struct vfs_file {
    struct body *body;
    unsigned flags; /* VFS_READ, VFS_WRITE */
    bool owes_save; /* opening made or emptied the file, or it may be written */
    struct read_habit habit;
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

/* The place of a node. With `needs_id` the root's own id is asked for too, since moves and new
 * items need it. Called without the lock, with the node held. ERR_STALE when it is gone. */
int place_of(struct place *out, struct online_vfs *online, struct node *node, bool needs_id,
             const struct call *call, struct error *err);
struct library *library_of(struct online_vfs *online, struct node *node); /* lock held */
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

/* --- listing.c, dir.c --- */

#define LISTING_PAGE 1000u /* entries: what the service gives at most (graph-facts 2.5) */

/* When a held folder was listed and that is old by now, but changes since can be asked for: asks.
 * *is_followed: what is covered is fresh for the operation that called. Without the lock. */
int folder_follow(struct online_vfs *online, struct node *folder, bool *is_followed,
                  const struct call *call, struct error *err);

/* Lists a held folder to its end. */
int listing_run_all(struct online_vfs *online, struct node *folder, const struct call *call,
                    struct error *err);
/* We made or moved an entry into a folder; lock held. */
void listing_note_added(struct online_vfs *online, struct node *folder, struct node *node);
int online_opendir(struct vfs *vfs, struct vfs_dir **out, uint64_t id, const struct vfs_call *call,
                   struct error *err);
int online_readdir(struct vfs *vfs, struct vfs_dir *dir, uint64_t cookie, vfs_entry_fn fill,
                   void *payload, const struct vfs_call *call, struct error *err);
void online_closedir(struct vfs *vfs, struct vfs_dir *dir);

/* listing.c for dir.c; lock held. */
struct listing *listing_join(struct online_vfs *online, struct node *folder, bool is_followed,
                             struct error *err);
void listing_leave(struct online_vfs *online, struct listing *listing);

/* One page more, by this thread or the one that is at it. Lock held, given up meanwhile. */
int listing_more(struct online_vfs *online, struct listing *listing, const struct call *call,
                 struct error *err);

/* For prefetch.c, with the lock held. A first page that will come by listing_answer(): NULL when it
 * is known, or under way. */
struct listing *listing_reserve(struct online_vfs *online, struct node *folder);

/* The page came, or did not (NULL): whoever waits for it asks then. `asked`: an ask of before. */
void listing_answer(struct online_vfs *online, struct listing *listing, struct graph_items *page,
                    uint32_t asked);

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

/* --- body.c --- */

/* The open file of a held node, referenced. Lock held. */
int body_get(struct online_vfs *online, struct body **out, struct node *node, struct error *err);
/* A body for the upload of a dead agent, which keeps it; false: there is none. Lock held. */
bool body_show(struct online_vfs *online, struct node *node);
/* The body of a held file that is open, referenced; NULL when it is not. Without the lock. */
struct body *body_borrow(struct online_vfs *online, struct node *node);
void body_put(
    struct body *body); /* NULL is fine; without the lock; what is unsaved stays in the spool */

/* Waits until no save runs; body->lock is held. */
int body_wait_saved(struct body *body, const struct call *call, struct error *err);

/* Keeps saves and writes out while the item is renamed or deleted. Without the lock. */
int body_pause_saves(struct body *body, const struct call *call, struct error *err);
void body_resume_saves(struct body *body);

/* kept_row: who takes it alone has it. Without body->lock. */
void body_keep_row(struct body *body, int64_t row_id);
int64_t body_take_kept_row(struct body *body);
void body_attr(struct body *body, struct vfs_attr *out); /* adds what the draft changes */
uint64_t body_size(struct body *body);
struct content_source body_source(const struct body *body);

/* --- body_io.c --- */

int body_read(struct body *body, struct read_habit *habit, void *data, size_t size, uint64_t offset,
              size_t *got, const struct call *call, struct error *err);
int body_write(struct body *body, const void *data, size_t size, uint64_t offset,
               const struct call *call, struct error *err);
int body_resize(struct body *body, uint64_t size, const struct call *call, struct error *err);

/* A draft that has nothing of its own yet, unless there is one. Saves are paused. */
int body_draft_unchanged(struct body *body, struct error *err);

/* Before bytes of the spool file change from `from` on: what an upload has stays as it is. lock
 * held. */
int body_unseal(struct body *body, uint64_t from, struct error *err);

/* --- body_complete.c --- */

/* Everything of the old content that was not overwritten comes into the spool file. Called by the
 * thread that set is_saving. */
int body_complete(struct body *body, const struct call *call, struct error *err);

/* --- save.c --- */

/* More time for what has to be sent: 1 s for each 128 KiB (a slow line), beyond the deadline of the
 * caller, who can still cancel. A line that stands still is the client's stall limit. */
void call_extend(struct call *call, uint64_t size_bytes);

/* On the server when this returns 0, or durable in the journal with WriteMode=Background; nothing
 * to do when it is not dirty. */
int save_body(struct body *body, const struct call *call, struct error *err);
/* The same where no program can be told any more, as its close succeeded: with any WriteMode, what only
 * has to wait for the line, the server or a sign-in waits in the journal then, and what the journal has
 * no room for is sent before this returns. */
int save_unwatched(struct body *body, const struct call *call, struct error *err);
/* fsync: what was written survives, here or there. */
int save_sync(struct body *body, const struct call *call, struct error *err);

/* A draft whose last handle is closed: saved as `cache` when clean, named as unsaved when not. */
void save_leave(struct body *body);

/* saved_times.c. After an upload that took no times along, being empty, or whose bytes may have been
 * there before: gives the item the times that it was to have (-1: any). `item` is replaced by the
 * newer answer. Times that this user may not set are left as they are: the bytes are what the save
 * was for. */
int upload_settle_times(struct graph_item *item, struct account *account, const char *drive_id,
                        int64_t modified_ms, int64_t created_ms, const struct call *call,
                        struct error *err);

/* Counts an upload that runs; ERR_UNREACHABLE while draining. */
int upload_begin(struct online_vfs *online, struct error *err);
void upload_end(struct online_vfs *online);

/* Where a node is in its library: "folder/file.txt". Lock held. */
int node_path(struct online_vfs *online, struct node *node, char **out, struct error *err);

/* --- draft.c --- */

int spool_new(struct online_vfs *online, struct local_file **out, char **path, struct error *err);

/* The draft gets bytes that the server has not: names them, in case that the agent does not live to
 * save them. body->lock held. */
int save_note_draft(struct body *body, struct error *err);
void draft_enlist(struct body *body);
void draft_delist(struct body *body);
void draft_saved(struct body *body); /* its bytes are on the server */

/* --- unsaved.c: the note beside a spool file that says what it is --- */

struct unsaved_note {
    const char *key;
    const char *path;
    const char *item_id; /* "": a new file */
    const char *version;
    const char *reason;  /* "": open, or being saved */
    uint64_t base_limit; /* with "": so many bytes of the old version may not be there yet */
    int64_t since_ms;
};

/* Replaces an older note whole or not at all; on a full disk it writes over the older one, whose
 * room is there. */
int unsaved_write(struct online_vfs *online, const char *spool_path,
                  const struct unsaved_note *note, bool is_durable, struct error *err);
/* The bytes are on the server; the file is still open. */
void unsaved_saved(struct online_vfs *online, const char *spool_path);
bool unsaved_has_note(const char *spool_path);
bool unsaved_is_open(struct online_vfs *online, const char *spool_path);
/* All that stands beside the spool file. */
void unsaved_remove(struct online_vfs *online, const char *spool_path);
unsigned unsaved_count(struct online_vfs *online);

/* Removes what agents before this one left of files that they had saved. */
void unsaved_sweep(struct online_vfs *online);

/* The same bytes, for the same file, were saved now: an earlier try to save them needs no keeping.
 * What differs by one byte stays. */
void unsaved_settle(struct online_vfs *online, const char *key, const char *path,
                    struct local_file *saved, uint64_t size_bytes);
#define SPOOL_DATA ".data"
#define SPOOL_NOTE ".note"
#define SPOOL_SAVED ".saved" /* instead of the note, once it is saved */

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
