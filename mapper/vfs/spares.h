/*
 * spares.h - small files that are not removed but renamed, to be the next ones.
 *
 * Each save makes two files beside its spool file and removes them again (unsaved.c). ext4 does not
 * give the inode of a removed file to another one for some minutes, and looks at each of those
 * again whenever a file is made: while many files were copied in, that was half of the agent's
 * processor time (tests/bench/README.md). So they go round.
 *
 * Thread-safe.
 */
#ifndef MAPPER_VFS_SPARES_H
#define MAPPER_VFS_SPARES_H

#include <stdbool.h>

#include "base/error.h"

#define SPARES_ENDING ".spare" /* what an agent before this one left of them can go */

struct spares;

/* They lie in `directory`, with `tag` in their names. Both are copied. */
int spares_new(struct spares **out, const char *directory, const char *tag, struct error *err);
void spares_free(struct spares *spares); /* and the files; NULL is fine */

/* A file is at `path` now, with bytes of no meaning; what was there is gone. false: there is no
 * spare one, and nothing was changed. */
bool spares_take(struct spares *spares, const char *path);

/* Nothing is at `path` any more. Its file is a spare one, if there is need of it. Nothing there: does
 * nothing. */
void spares_give(struct spares *spares, const char *path);

#endif
