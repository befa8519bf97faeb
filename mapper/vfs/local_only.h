/*
 * local_only.h - files that never leave the machine: what programs make while they work, and throw
 * away (DESIGN.md, "Saves as programs do them").
 *
 * A file is local-only by its name: when it matches LocalOnlyPatterns, or is a lock or swap file of
 * a program, whose meaning ends with this machine. It lives in the spool, is shown, read, written
 * and renamed like any other, and costs no request. Renamed to another name it becomes an ordinary
 * file, and that is its save. A file of such a name that is on the server already is an ordinary
 * file, too.
 *
 * It lives as long as the session. What a program left when the session ends stays in the spool and
 * is named as unsaved, unless it is empty or only ever says who works on a file.
 */
#ifndef MAPPER_VFS_LOCAL_ONLY_H
#define MAPPER_VFS_LOCAL_ONLY_H

#include <stdbool.h>

#include "base/error.h"

struct body;
struct online_vfs;
struct str_list;

/* Of them all together, so that no program fills the memory: ERR_LIMIT beyond. */
#define LOCAL_ONLY_MAX 4096u

/* New patterns for names from now on; copied; NULL: none. */
int local_only_configure(struct online_vfs *online, const struct str_list *patterns,
                         struct error *err);
void local_only_clear(struct online_vfs *online); /* the patterns */

/* Lock held. */
bool local_only_matches(const struct online_vfs *online, const char *name);

/* Names that programs give to a file until it is whole, without saying so by its ending: Excel's
 * eight hex digits, rsync's .name.XXXXXX, Vim's name~. Users have such names, too: so these files
 * are sent as all others are, only not before the settling time is over (settle.h). Pure. */
bool name_is_temporary(const char *name);

/* A name for the last version but one. Pure. */
bool name_is_backup(const char *name);

/* The body of a local-only file stays until local_only_leave(), with or without handles; online
 * lock held. Again for the same body: nothing. */
int local_only_keep(struct online_vfs *online, struct body *body, struct error *err);

/* ... in two steps, of which the second cannot fail: room for one, which is given back or used. */
int local_only_reserve(struct online_vfs *online, struct error *err);
void local_only_release(struct online_vfs *online);
void local_only_keep_reserved(struct online_vfs *online, struct body *body);

/* It is none any more (renamed or deleted); online lock held. True: the caller now has the
 * reference that kept it, for body_put() without the lock. */
bool local_only_leave(struct online_vfs *online, struct body *body);

/* The end of the session: lets all of them go. Without the lock; nothing is open any more. */
void local_only_end(struct online_vfs *online);

/* At the start: removes what agents before this one left of files that are not worth keeping. */
void local_only_sweep(struct online_vfs *online);

/* Whether what is left of a scratch file of this name is not worth keeping. Pure. */
bool local_only_is_worthless(const char *name);

#endif
