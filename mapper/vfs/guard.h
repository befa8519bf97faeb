/*
 * guard.h - what policy keeps programs from doing, whatever the service would allow: deleting very
 * much at once (MassDeleteThreshold), making files of certain kinds (BlockedExtensions), causing
 * downloads as a scanner (ScannerProcesses). Any thread; its lock nests in any other.
 */
#ifndef MAPPER_VFS_GUARD_H
#define MAPPER_VFS_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct guard;
struct online_vfs_options;
struct online_vfs_deletes;

int guard_new(struct guard **out, struct error *err);
void guard_free(struct guard *guard); /* NULL is fine */

/* Copies what it needs. On failure all stays as it was. */
int guard_configure(struct guard *guard, const struct online_vfs_options *options,
                    struct error *err);

/* Before `items` are deleted: ERR_DENIED when that would cross the threshold within a minute, and
 * from then on until somebody allows it. */
int guard_delete(struct guard *guard, uint32_t items, struct error *err);

/* They were not deleted after all. */
void guard_delete_failed(struct guard *guard, uint32_t items);
void guard_allow_deletes(struct guard *guard, int64_t for_ms);
void guard_deletes(struct guard *guard, struct online_vfs_deletes *out);

/* ERR_DENIED when no file of this name may be made or changed. */
int guard_name(struct guard *guard, const char *name, struct error *err);

/* Whether the calling process is one that gets metadata and no downloads; 0: not known, no. */
bool guard_is_scanner(struct guard *guard, uint32_t pid);

/* --- posix/caller.c --- */

#define CALLER_NAME_SIZE 256

/* The program that the process runs, without its folder, and the name it goes by; "" when that
 * cannot be told. */
void caller_names(uint32_t pid, char program[CALLER_NAME_SIZE], char title[CALLER_NAME_SIZE]);

#endif
