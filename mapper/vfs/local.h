/*
 * local.h - local files with positions: content cache and spool. Made 0600, opened without
 * following a link. Reads and writes may come from several threads at once.
 */
#ifndef MAPPER_VFS_LOCAL_H
#define MAPPER_VFS_LOCAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct local_file;

/* `is_new`: makes it, ERR_EXISTS when it is there. */
int local_open(struct local_file **out, const char *path, bool is_new, struct error *err);
struct local_file *local_ref(struct local_file *file);
void local_close(struct local_file *file); /* gives a reference back; NULL is fine */

/* Gives the descriptor back; the next use opens the file again. For what may wait for long. */
void local_park(struct local_file *file);

/* Exactly `size` bytes unless the file ends before. */
int local_read(struct local_file *file, void *data, size_t size, uint64_t offset, size_t *got,
               struct error *err);
int local_write(struct local_file *file, const void *data, size_t size, uint64_t offset,
                struct error *err);
int local_truncate(struct local_file *file, uint64_t size, struct error *err);
int local_sync(struct local_file *file, struct error *err);

/* The first `size` bytes of `from` become all of `to`, a new file. Shares blocks where it can. */
int local_copy(struct local_file *to, struct local_file *from, uint64_t size, struct error *err);

/* Gives the disk space of a range back; it reads as zeros then. Best effort. */
void local_punch(struct local_file *file, uint64_t offset, uint64_t size);

/* Renames within one file system: ERR_CROSS_LIBRARY when it is not one. */
int local_move(const char *from, const char *to, struct error *err);

/* Calls `visit` for each name in a folder. */
int local_each(const char *directory, void (*visit)(void *payload, const char *name), void *payload,
               struct error *err);

/* "2026-11-22 10-15-03" by the clock on the wall here: fit for a file name. */
void local_time_text(char *out, size_t size, int64_t wall_ms);

#endif
