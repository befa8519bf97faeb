/*
 * unsaved.h - the note beside a spool file that says what it is.
 */
#ifndef MAPPER_VFS_UNSAVED_H
#define MAPPER_VFS_UNSAVED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct local_file;
struct online_vfs;

/* How the names of the files of one draft end. */
#define SPOOL_DATA ".data"
#define SPOOL_NOTE ".note"
#define SPOOL_SAVED ".saved" /* instead of the note, once it is saved */

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

#endif
