/*
 * settle.h - deletes and renames of a document that wait a moment, because they may be the middle
 * of a save (DESIGN.md, "Saves as programs do them").
 *
 * Programs save by way of other names: the document is renamed away or deleted, and what was
 * written under another name takes its name. Done call by call, the server would lose the item with
 * its sharing links and versions, and show a folder without the document in between. So the server
 * is told after online_vfs_options.settle_ms. Programs here see the result at once:
 *
 *   SETTLE_DELETE  the item is not shown any more; the server still has it
 *   SETTLE_MOVE    the item is shown under its new name; the server has it under the old one
 *   SETTLE_NEW     a new file that may be temporary by its name, or is empty: not sent yet
 *
 * The first two keep a place: the folder and the name where the server has the item. A new file
 * that gets that name in time becomes that item (settle_adopt): it has its id, and is saved as its
 * next version. When the item was renamed away, its old content stays behind as a file of its own.
 * When no file comes, the server gets the plain delete or rename, from a thread (settle_thread.c); up
 * to twenty deletes of one library that are due together in one request. Those that were tried before
 * are asked for first, together as well. If that fails for good, the local view goes back to what the
 * server has, and the log says why.
 *
 * The service's word about an item that settles does not reach the tree of its library
 * (settle_has_item).
 *
 * What the journal says of the first two decides what the next agent does after a crash. As long as
 * they settle, they may be the middle of a save: the item then stays as the server has it, and the
 * new content is in the spool. When the time is over, they are decided, and what the server could
 * not be told of is carried out by the next agent, unless others changed the item since. So are
 * those that wait when a session ends. A new file that was closed is sent, with WriteMode=Background:
 * as it is called then.
 *
 * What was closed of the item before, and waits to be sent, is what the item has to have should a
 * crash undo the delete: it stays in the journal, on the shelf of the delete (upload_shelf.c), until
 * the server deleted the item, or a new file took its place. And a rename is durable once the file
 * was saved under its new name (settle_promise_rename).
 */
#ifndef MAPPER_VFS_SETTLE_H
#define MAPPER_VFS_SETTLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "mapper/call.h"
#include "mapper/online_vfs.h"

struct body;
struct journal_row;
struct library;
struct node;
struct online_vfs;

/* So many at once; beyond, the server is told at once: a tree that is deleted must not become a
 * queue that hides it for long. */
#define SETTLE_MAX 256u

enum settle_kind { SETTLE_DELETE, SETTLE_MOVE, SETTLE_NEW };

/* Guarded by online->lock. */
struct settling {
    struct settling *next;
    enum settle_kind kind;
    struct library *library;
    int64_t due_ms;
    unsigned attempts;
    bool is_running;  /* the thread is at it, or whoever made it, until the journal has it */
    bool is_decided;  /* the settling time is over, and the journal knows */
    bool is_promised; /* the next agent carries it out, also when it is not decided. DELETE: the
                       * content went elsewhere; or the server is being told, and there is a shelf.
                       * MOVE: the file was saved under its new name. Durable */
    int64_t row_id;   /* in the journal; 0: not there. Changed by who has it running. Of a new file
                       * its body has it (kept_row) */
    uint32_t number;  /* in this agent: what it is called by while it has no row */
    int64_t since_ms; /* wall clock */
    /* DELETE, MOVE: where the server has the item, and what it is */
    struct node *folder; /* held */
    char *name;
    char *item_id;
    char *ctag;
    char *etag;
    struct node *node; /* MOVE: held */
    struct body *body; /* NEW: referenced */
    /* of an agent before this one; NULL: it is not. Its `folder` is found when somebody looks, and
     * its library may not be here yet. */
    char *key;
    char *parent_id;
    char *path;
    char *new_name; /* MOVE */
};

int settle_start(struct online_vfs *online, struct error *err);
void settle_stop(struct online_vfs *online); /* is_ending is set; forgets what still waits */

/* Does all that waits now; for the end of a session. ERR_TIMED_OUT when something is left. Without
 * the lock. */
int settle_all(struct online_vfs *online, const struct call *call, struct error *err);

/* What failed is tried again now: there is another network, or somebody signed in. Without the
 * lock. */
void settle_retry(struct online_vfs *online);

/* --- lock held --- */

/* Of this library: another one that shows the same drive shows what the server has. */
bool settle_has_item(const struct online_vfs *online, const struct library *library,
                     const char *item_id);

/* Whether a place is kept there, so that the server has a file of this name and we have not. */
bool settle_keeps_place(struct online_vfs *online, struct node *folder, const char *name);

/* How many there are of libraries that are here. */
unsigned settle_count(const struct online_vfs *online);

/* The entry of a node that was renamed (SETTLE_MOVE); NULL: it was not. */
struct settling *settle_of(const struct online_vfs *online, const struct node *node);

/* ... and what was deleted, and has its new name on the server still; NULL: nothing. */
struct settling *settle_below(struct online_vfs *online, const struct settling *settling);

/* A document is about to be deleted, or renamed, by the caller, in the tree and before it gives the
 * lock back. 1: do it on the server at once. A rename onto the place of another one that was renamed
 * is such: they would wait for each other. *out is for settle_written(), without the lock and before
 * the program is told: the journal has it then. */
int settle_delete(struct online_vfs *online, struct settling **out, struct node *node,
                  struct error *err);
int settle_move(struct online_vfs *online, struct settling **out, struct node *node,
                const char *new_name, struct error *err);

/* It is where the server has it again: nothing to do, but settle_free() without the lock. */
void settle_cancel(struct online_vfs *online, struct settling *settling);

/* The library is here, of which an agent before this one left something. */
void settle_attach(struct online_vfs *online, struct library *library);

/* Whether a new file waits to be sent, or is being sent after it did; lock held. */
bool settle_waits(const struct online_vfs *online, const struct body *body);

/* A new file was deleted or renamed: what is to be given to settle_free() without the lock, when the
 * file is as safe as it was. NULL: it did not wait. */
struct settling *settle_forget_new(struct online_vfs *online, struct body *body);

/* --- without the lock --- */

/* NULL is fine. */
void settle_written(struct online_vfs *online, struct settling *settling);

/* Before that, of what settle_delete() gave out: see is_promised. Durable when this returns 0, else as
 * before. */
int settle_promised(struct online_vfs *online, struct settling *settling, struct error *err);

/* The file of a held node is about to get new content. When it was renamed and that settles, the
 * rename is durable when this returns 0: else a crash would leave the content under a name that its
 * program had given up. Before saves are paused: who tells the server of the rename does that. */
int settle_promise_rename(struct online_vfs *online, const struct node *node,
                          const struct call *call, struct error *err);
/* ... and of a body, if it has something to save. */
int settle_promise_save(struct body *body, const struct call *call, struct error *err);

/* The server is about to be told to delete a folder with all in it. What was deleted in it and is on
 * a shelf is promised: the next agent would send it to a place that is not there. */
void settle_folder_goes(struct online_vfs *online, const struct node *folder);
/* ... and it did. */
void settle_folder_gone(struct online_vfs *online, const struct node *folder);

/* What settles or waits, but for new files, as UPLOAD_SETTLING. */
void settle_visit(struct online_vfs *online, online_vfs_upload_fn visit, void *payload);

/* Whether the file is not to be sent yet; remembers it then, and sends it later. */
bool settle_defers(struct body *body);

/* ... and what was closed of it is durable when this returns 0: the next agent sends it. Its spool
 * file is on the disk. */
int settle_keep_new(struct body *body, const struct call *call, struct error *err);

/* A new file that waits, with saves in the background, goes to the journal as it is called now: what is
 * to replace it may change its row. Its uploads are held. */
int settle_end_wait(struct online_vfs *online, struct body *body, const struct call *call,
                    struct error *err);

/* It is on the server, or deleted: no agent is to send it any more. */
void settle_drop_kept(struct body *body);

/* Tells the server now what waits at this place, so that the name becomes free there. */
int settle_clear_place(struct online_vfs *online, struct node *folder, const char *name,
                       const struct call *call, struct error *err);

/* The new file `node`, with the name of a kept place in that folder and saves of its body paused,
 * becomes the item that is kept there. 1: none is, or it cannot be. The caller saves it. */
int settle_adopt(struct online_vfs *online, struct node *node, struct body *body,
                 const struct call *call, struct error *err);

/* --- rename.c, by what waits --- */

/* A rename that is, or may be, a step of a save. 1: it is none, do it plainly, and tell the result
 * to settle_renamed(), also with *held NULL. */
int settle_rename(struct online_vfs *online, struct node *from, struct node *node, struct node *to,
                  const char *new_name, unsigned flags, struct body **held, const struct call *call,
                  struct error *err);
void settle_renamed(struct online_vfs *online, struct body *held, int code);

/* --- settle_list.c --- */

/* The one that settle_visit() names by `id` is given up, and undone here: 1; 0: there is none. */
int settle_discard(struct online_vfs *online, const char *id, struct error *err);

/* ... or its time is over, and the server is told now: 1; 0: there is none. ERR_NOT_PERMITTED: its
 * library is not here. */
int settle_try_now(struct online_vfs *online, const char *id, struct error *err);
/* All that the server did not take yet; how many. */
unsigned settle_try_failed(struct online_vfs *online);

/* --- between settle.c, settle_*.c and adopt.c --- */

/* What is shown goes back to what the server has; lock held. */
void settle_go_back(struct online_vfs *online, struct settling *settling);

int settle_load(struct online_vfs *online, struct error *err); /* at the start */

/* Where the server has it, below the mapping, of one with a folder; lock held. */
int settle_old_path(struct online_vfs *online, const struct settling *settling, char **out,
                    struct error *err);

/* The row of a new file as it was closed: the next agent sends it. 1: where it goes is not known yet,
 * and the note beside its spool file has to do. Lock held. */
int settle_fill_new(struct online_vfs *online, struct journal_row *row, struct body *body,
                    struct error *err);

/* Of one that is_running for the caller; without the lock. */
void settle_decided(struct online_vfs *online, struct settling *settling);
void settle_remove_row(struct online_vfs *online, struct settling *settling);

void settle_link(struct online_vfs *online, struct settling *settling); /* last; lock held */
bool settle_is_at(struct online_vfs *online, struct settling *settling, struct node *folder);

/* The entry at a place, once the thread is not at it, taken out of the list;
 * NULL: there is none. Without the lock. */
int settle_take(struct online_vfs *online, struct settling **out, struct node *folder,
                const char *name, const struct call *call, struct error *err);
void settle_unlink(struct online_vfs *online, struct settling *settling); /* lock held */

/* Tells the server about an entry that is_running; without the lock. True: it is done with, and
 * freed; when it failed for good (`err`) it is undone here. False: later. */
bool settle_carry_out(struct online_vfs *online, struct settling *settling, const struct call *call,
                      struct error *err);
/* The same for what is due together: one of any kind, or deletes of one library that are all decided
 * or all not, GRAPH_BATCH_ITEMS at most. */
void settle_send(struct online_vfs *online, struct settling **all, size_t count);
void settle_put_back(struct online_vfs *online, struct settling *settling);
void settle_free(struct online_vfs *online,
                 struct settling *settling); /* and its row; NULL is fine */

#endif
