/*
 * online_vfs.h - the vfs over Microsoft Graph: nothing is synchronised, everything is fetched when
 * it is opened and sent back when it is closed (DESIGN.md, "The online vfs").
 *
 * One instance carries all libraries of all accounts. A library costs a few kilobytes and no
 * request until it is opened. Layers inside, each testable alone: tree.c (names, ids, attributes;
 * bounded), listing.c (pages), follow.c and delta.c (what others change), cache.c and content.c
 * (content on disk), reader.c (streams and read-ahead), body_io.c and draft.c (what is written),
 * save.c (where it goes), online_vfs.c (the vfs slots).
 *
 * Any thread, any number at once. No lock is held while waiting for the network.
 *
 * A save ends with flush. With saves_in_background it is durable then, in a journal beside the spool
 * (journal.h), and sent by threads of this vfs; fsync waits for the disk. Otherwise it is on the
 * server when flush or fsync return. Two things differ from the letter of vfs.h, on purpose: a file
 * that was only made or emptied by opening, and not written, is sent with its last handle (a shell
 * closes a duplicate first, and would make two versions); and a save may take longer than its
 * call's deadline by 1 s for each 128 KiB to be sent, so that large files can be saved at all. It
 * can be cancelled at any time; the bytes then stay in the spool.
 *
 * OneNote notebooks are shown as small read-only files "<name>.url" that lead to them; shortcuts
 * into other drives are not shown.
 */
#ifndef MAPPER_ONLINE_VFS_H
#define MAPPER_ONLINE_VFS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "mapper/account.h"
#include "transport/vfs.h"

struct online_vfs;
struct str_list;

struct online_vfs_options {
    const char *cache_directory; /* private; content cache; may be wiped at any time */
    const char *spool_directory; /* private; what is not on the server yet; never wiped by us */
    uint64_t cache_bytes;        /* 0 = a quarter of the free disk, at most 10 GiB */
    int64_t cache_ms;            /* closed files are kept this long */
    int64_t metadata_ms;         /* a listing is believed this long; then one request brings all
                                    changes of its library */
    int64_t poll_ms;          /* libraries in use are asked for changes this often, shared by all of
                                    them and less often when nothing changes; 0 = only when somebody
                                    looks */
    uint64_t read_only_above; /* bytes; 0 = never */
    uint64_t blocked_above;   /* bytes; 0 = never */
    bool is_read_only;        /* ReadOnly: all libraries */
    int64_t settle_ms;        /* deletes, and renames that may be part of a save, reach the
                                    server so much later; 0 = at once */
    bool saves_in_background; /* WriteMode: closing returns when the journal has it */
    bool keeps_both;          /* ConflictMode */
    uint64_t upload_blocked_above; /* bytes; 0 = never: a write beyond it is ERR_TOO_LARGE */
    int64_t
        upload_delay_ms; /* a closed file waits so long, in case that it is saved or renamed again */
    uint32_t max_items;  /* remembered at most, beyond what is in use; 0 = 300,000. Read by
                           online_vfs_new() only */
    uint32_t delete_threshold; /* MassDeleteThreshold: deletes within a minute; 0 = any number */
    const struct str_list *local_only;         /* LocalOnlyPatterns; copied; NULL: none */
    const struct str_list *blocked_extensions; /* BlockedExtensions; copied; NULL: none */
    const struct str_list *scanner_processes;  /* ScannerProcesses; copied; NULL: none */
};

int online_vfs_new(struct online_vfs **out, const struct online_vfs_options *options,
                   struct error *err);
struct vfs *
online_vfs_vfs(struct online_vfs *online); /* lent; online_vfs ends with its last vfs_unref() */

/* New limits and freshness for what is opened from now on; directories are not changed. */
void online_vfs_configure(struct online_vfs *online, const struct online_vfs_options *options);

/* A library (or a folder in one) to carry. Strings are copied; the account is referenced. */
struct online_library {
    struct account *account;
    const char *key;      /* library.key: handed back by the callbacks */
    const char *drive_id; /* verified, or a hint that is verified by the first use */
    bool is_verified;
    const char *site_id;
    const char *list_id;
    const char *url;         /* of the library */
    const char *folder_path; /* NULL: the library's root */
    bool is_read_only;
};

/* *root_id is the id of its root folder, held until online_vfs_remove(). Makes no request. Adding
 * the same key again changes its read-only flag and gives the same id. */
int online_vfs_add(struct online_vfs *online, uint64_t *root_id,
                   const struct online_library *library, struct error *err);

/* What is open goes on until closed; new opens fail with ERR_STALE. Unsaved data stays in the
 * spool. */
void online_vfs_remove(struct online_vfs *online, uint64_t root_id);

/* Told once when a hint was confirmed (or replaced): the agent remembers it. From any thread, no
 * lock held. Who was told before is told nothing any more when online_vfs_on_verified() returns: not
 * from inside of it. */
typedef void (*online_vfs_verified_fn)(void *payload, const char *key, const char *drive_id);
void online_vfs_on_verified(struct online_vfs *online, online_vfs_verified_fn verified,
                            void *payload);

/* A save that did not reach the server: its bytes and what it was for. */
struct online_vfs_unsaved {
    const char *key;        /* library */
    const char *path;       /* below the library */
    const char *spool_file; /* where the bytes are */
    uint64_t size_bytes;
    int64_t since_ms; /* wall clock */
    const char *reason;
};
typedef void (*online_vfs_unsaved_fn)(void *payload, const struct online_vfs_unsaved *unsaved);

/* Everything in the spool, also from agents before this one. Lent for the call of `visit`. */
int online_vfs_visit_unsaved(struct online_vfs *online, online_vfs_unsaved_fn visit, void *payload,
                             struct error *err);

/* --- files on their way --- */

enum online_vfs_upload_state {
    UPLOAD_WAITING,
    UPLOAD_RUNNING,
    UPLOAD_RETRY,    /* again at due_ms */
    UPLOAD_BLOCKED,  /* needs a person */
    UPLOAD_CONFLICT, /* someone else saved meanwhile, ConflictMode is Refuse */
    UPLOAD_UNSAVED,  /* not in the journal: was never closed well. Can be exported or discarded */
    UPLOAD_SETTLING  /* a delete or a rename that the server is told of later; no spool file */
};

/* Lent for the call of `visit`. */
struct online_vfs_upload {
    const char *id; /* for the calls below */
    const char *key;
    const char *path;
    const char *spool_file;
    uint64_t size_bytes;
    uint64_t done_bytes;
    int64_t since_ms; /* wall clock */
    int64_t due_ms;
    enum online_vfs_upload_state state;
    unsigned attempts;
    const char *reason; /* "": none */
};
typedef void (*online_vfs_upload_fn)(void *payload, const struct online_vfs_upload *upload);

/* All that is not on the server, the unsaved as well, and what settles. */
int online_vfs_visit_uploads(struct online_vfs *online, online_vfs_upload_fn visit, void *payload,
                             struct error *err);

/* Tries at once what waits for its time or for a person; `id` NULL: all that failed but conflicts. What
 * settles goes to the server now when it is named, whatever its program may make of it still. *count
 * (may be NULL): how many. ERR_NOT_FOUND; ERR_NOT_PERMITTED: what has this id cannot be tried, and the
 * message says why; ERR_BUSY: it is an open file. */
int online_vfs_retry_uploads(struct online_vfs *online, const char *id, unsigned *count,
                             struct error *err);

/* Somebody signed in, or the network came back: what waits for its time is tried. */
void online_vfs_wake_uploads(struct online_vfs *online);

/* Gives up what was saved there, for good; of what settles, the document is as the server has it
 * again. ERR_NOT_FOUND; ERR_BUSY: open, or just being sent. */
int online_vfs_discard_upload(struct online_vfs *online, const char *id, struct error *err);

/* Waits until all that can be sent now is sent, at most wait_ms. Returns how many are left. */
unsigned online_vfs_wait_uploads(struct online_vfs *online, int64_t wait_ms);

struct online_vfs_stats {
    uint64_t items;       /* known now */
    uint64_t item_bytes;  /* memory they take */
    uint64_t cache_bytes; /* on disk */
    unsigned open_files;
    unsigned uploads_running;
    unsigned uploads_waiting; /* in the journal, and not running */
    unsigned conflict_copies; /* made since the start */
    unsigned unsaved;         /* with those that need a person */
};
void online_vfs_stats(struct online_vfs *online, struct online_vfs_stats *out);

/* The delete that crosses the threshold fails, and so do all that follow until somebody allows them
 * for a while. */
struct online_vfs_deletes {
    bool is_paused;
    uint32_t refused;   /* since then */
    uint32_t threshold; /* 0: off */
    int64_t paused_ms;  /* wall clock */
    int64_t allowed_ms; /* any number may be deleted for so long from now */
};
void online_vfs_deletes(struct online_vfs *online, struct online_vfs_deletes *out);
void online_vfs_allow_deletes(struct online_vfs *online, unsigned minutes);

/* No new saves start but those of the journal and those that waited for settle_ms, which are sent
 * without delay, as are the deletes and renames that waited; waits at most wait_ms, and may be
 * called again. Returns how many are left that could be sent. The journal keeps its own. */
unsigned online_vfs_drain(struct online_vfs *online, int64_t wait_ms);

/* Tells the server at once what would wait for settle_ms: how many changes are still waiting after
 * wait_ms. */
unsigned online_vfs_settle(struct online_vfs *online, int64_t wait_ms);

/* Empties the content cache (sign-out). Never touches the spool. */
int online_vfs_wipe_cache(struct online_vfs *online, struct error *err);

#endif
