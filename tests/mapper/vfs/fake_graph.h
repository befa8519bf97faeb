/*
 * fake_graph.h - one drive in memory behind the functions of mapper/graph.h, linked instead of the
 * client. Counts requests, answers slowly or wrongly when told to. Any thread.
 */
#ifndef TESTS_FAKE_GRAPH_H
#define TESTS_FAKE_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mapper/graph.h"

enum fake_call {
    FAKE_LIST, /* one page */
    FAKE_GET,
    FAKE_MKDIR,
    FAKE_UPDATE,
    FAKE_DELETE,
    FAKE_UPLOAD,
    FAKE_DOWNLOAD,
    FAKE_DRIVE,
    FAKE_VERSIONS,
    FAKE_VERIFY,
    FAKE_DELTA, /* one page */
    FAKE_BATCH, /* of listings, deletes or items, which count as well */
    FAKE_CALLS
};

struct fake;

struct fake *fake_new(void);
void fake_free(struct fake *fake);
struct account *fake_account(struct fake *fake); /* lent */

/* Every request takes so long; a page has so many entries at most; a download moves so fast. */
void fake_set_latency(struct fake *fake, int latency_ms);
/* ... and so long more at most, there and back again, so that answers overtake one another. */
void fake_set_jitter(struct fake *fake, unsigned jitter_us);
void fake_set_page(struct fake *fake, size_t entries);

/* After `skip` good ones, `times` requests of this kind are answered by `code`. */
void fake_fail(struct fake *fake, enum fake_call call, int code, unsigned skip, unsigned times);

/* So many uploads arrive, and their answers get lost: ERR_TIMED_OUT. */
void fake_lose_uploads(struct fake *fake, unsigned times);
/* ... with another code, once. */
void fake_lose_upload_by(struct fake *fake, int code);

/* The next request of this kind is carried out, and its answer stays on its way: until
 * fake_release(). fake_await_held() waits until it is there. */
void fake_hold(struct fake *fake, enum fake_call call);
void fake_hold_many(struct fake *fake, enum fake_call call, unsigned count); /* > 0 */
void fake_await_held(struct fake *fake);
void fake_release(struct fake *fake);

/* A transfer waits so long after each 16 KiB; and how many ran at once at most. */
void fake_set_pace(struct fake *fake, unsigned pace_ms);
unsigned fake_most_downloads(struct fake *fake);
/* No transfer brings what is at this offset or behind it; 0: all do. */
void fake_stop_downloads_at(struct fake *fake, uint64_t offset);

unsigned fake_count(struct fake *fake, enum fake_call call);
unsigned fake_total(struct fake *fake);
void fake_reset(struct fake *fake); /* the counts */
uint64_t fake_downloaded(struct fake *fake);

/* What somebody else does: makes or replaces a file, with its folders; deletes; renames. */
void fake_put(struct fake *fake, const char *path, const void *data, size_t size);
void fake_put_text(struct fake *fake, const char *path, const char *text);
/* The service itself rewrites what the user uploaded: same item, another version, still his. */
void fake_rewrite(struct fake *fake, const char *path, const char *text);
/* A file whose byte at `i` is fake_byte(i); takes no memory. */
void fake_put_large(struct fake *fake, const char *path, uint64_t size);
unsigned char fake_byte(uint64_t offset);
void fake_mkdir(struct fake *fake, const char *path);
void fake_remove(struct fake *fake, const char *path);
void fake_rename(struct fake *fake, const char *path, const char *new_name);
void fake_mark(struct fake *fake, const char *path, bool infected, const char *checked_out_by);
/* Whether downloads have an ETag; they do. */
void fake_set_etags(struct fake *fake, bool are_given);
/* A OneNote notebook instead of a folder. */
void fake_make_notebook(struct fake *fake, const char *path);
/* Listings leave it out. */
void fake_hide(struct fake *fake, const char *path, bool is_hidden);
/* The item says another size than its content has. */
void fake_claim_size(struct fake *fake, const char *path, uint64_t size);

/* Tokens handed out so far get ERR_GONE. */
void fake_resync(struct fake *fake);
/* Delta is as awkward as it can be: an empty page first, items twice, folders after what is in them.
 */
void fake_set_awkward(struct fake *fake, bool is_awkward);
void fake_move(struct fake *fake, const char *path, const char *folder);
/* The same, if it is there and the new place is free. */
void fake_try_remove(struct fake *fake, const char *path);
void fake_try_rename(struct fake *fake, const char *path, const char *new_name);
void fake_try_move(struct fake *fake, const char *path, const char *folder);

/* What is on the server now. NULL or false: nothing. */
const char *fake_id(struct fake *fake, const char *path);
int64_t fake_size(struct fake *fake, const char *path); /* -1: not there */
bool fake_has_text(struct fake *fake, const char *path, const char *text);
bool fake_has(struct fake *fake, const char *path, const void *data, size_t size);
unsigned fake_versions(struct fake *fake, const char *path);
unsigned fake_children(struct fake *fake, const char *path);
/* The first entry of a folder whose name has `part`; "": none. */
void fake_find_name(struct fake *fake, const char *path, const char *part, char *out, size_t size);
/* The names that items got, oldest first, also those that are gone; NULL at the end. */
const char *fake_ever_named(struct fake *fake, unsigned index);
int64_t fake_modified(struct fake *fake, const char *path);
/* All that is there; lent for the call of `visit`, which must not call the fake. */
typedef void (*fake_visit_fn)(void *payload, const char *path, bool is_folder, const void *data,
                              uint64_t size);
void fake_visit(struct fake *fake, fake_visit_fn visit, void *payload);
/* Whether anything, also what was deleted, has or had this content. */
bool fake_ever_held(struct fake *fake, const void *data, uint64_t size);

#endif
