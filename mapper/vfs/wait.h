/*
 * wait.h - waiting for another thread, by the caller's deadline and as long as the caller wants.
 */
#ifndef MAPPER_VFS_WAIT_H
#define MAPPER_VFS_WAIT_H

#include "base/error.h"
#include "base/thread.h"
#include "mapper/call.h"
#include "transport/vfs.h"

#define CALL_DEFAULT_MS 60000

/* The call of a file operation, with its deadline made definite, so that all its steps share it. */
struct call call_begin(const struct vfs_call *call, enum call_priority priority);

/* ERR_TIMED_OUT or ERR_CANCELLED when it is over, else 0. */
int call_check(const struct call *call, struct error *err);

/* Waits once for `cond`, for 200 ms at most when the call can be cancelled. The caller loops. */
int call_wait(const struct call *call, struct cond *cond, struct mutex *mutex, struct error *err);

#endif
