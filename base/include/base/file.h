/*
 * file.h - local files of ours. Everything is made for the user alone (0600, 0700); paths are
 * UTF-8.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/error.h"

/* Makes `path` and its missing parents 0700; what exists is left as it is. */
int file_make_directories(const char *path, struct error *err);

/* As file_make_directories(), and then insists: a real directory, ours, that nobody else can enter
 * (its mode is set to 0700). ERR_DENIED names what is wrong. For state, spool, cache and sockets.
 */
int file_make_private_directory(const char *path, struct error *err);

/* The whole file into `out` (up to its limit: ERR_LIMIT), which must be initialised. */
int file_read_all(struct buf *out, const char *path, struct error *err);

/* Replaces the file so that a reader sees the old or the new content and nothing between, also
 * after power loss: temporary file 0600 in the same folder, fsync, rename, fsync of the folder. */
int file_write_atomic(const char *path, const void *data, size_t size, struct error *err);

/* fopen() for a file that is made 0600 when missing; NULL and *err on failure. With `x` ("wbx") it
 * must be missing: ERR_EXISTS. */
FILE *file_open_stream(const char *path, const char *mode, struct error *err);

int file_size(const char *path, int64_t *size, struct error *err);
bool file_exists(const char *path);
int file_remove(const char *path, struct error *err); /* what is not there counts as removed */

/* Renames within one file system and replaces what has the new name. ERR_CROSS_LIBRARY when it is
 * not one file system. */
int file_rename(const char *from, const char *to, struct error *err);

/* Removes a folder of ours with all that is in it; follows no link and stays on its file system.
 * What is not there counts as removed. */
int file_remove_tree(const char *path, struct error *err);

/* Makes a new private folder "<$TMPDIR or /tmp>/<name>-XXXXXX". The caller frees *out. */
int file_make_temporary_directory(char **out, const char *name, struct error *err);

/* fsync of a folder, so that a name made in it survives power loss. */
int file_sync_directory(const char *path, struct error *err);

/* An exclusive lock on `path` (made when missing) that ends with the process. *lock is closed by
 * file_unlock(). With `wait_ms` 0 it does not wait; ERR_BUSY when somebody else has it. */
struct file_lock;
int file_lock(struct file_lock **lock, const char *path, int64_t wait_ms, struct error *err);
void file_unlock(struct file_lock *lock);

/* Bytes free to an ordinary user on the file system that holds `path`. */
int file_free_bytes(const char *path, uint64_t *bytes, struct error *err);

#endif
