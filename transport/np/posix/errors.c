/*
 * errors.c - what the errors of the vfs are called on Linux: the table in vfs.h.
 */
#include "errors.h"

#include <errno.h>

#include "base/error.h"

int np_errno(int code)
{
    switch (code) {
    case 0:
        return 0;
    case ERR_TOO_LARGE:
        return EFBIG;
    case ERR_READ_ONLY:
    case ERR_DENIED:
    case ERR_LOCKED:
        return EACCES;
    case ERR_BAD_NAME:
    case ERR_INVALID:
        return EINVAL;
    case ERR_NAME_TOO_LONG:
        return ENAMETOOLONG;
    case ERR_CROSS_LIBRARY:
        return EXDEV;
    case ERR_NO_SPACE:
        return ENOSPC;
    case ERR_NOT_PERMITTED:
        return EPERM;
    case ERR_NOT_FOUND:
        return ENOENT;
    case ERR_EXISTS:
        return EEXIST;
    case ERR_NOT_EMPTY:
        return ENOTEMPTY;
    case ERR_IS_FOLDER:
        return EISDIR;
    case ERR_NOT_FOLDER:
        return ENOTDIR;
    case ERR_STALE:
        return ESTALE;
    case ERR_CANCELLED:
        return EINTR;
    case ERR_NO_MEMORY:
        return ENOMEM;
    case ERR_LIMIT:
        return EMFILE;
    default:
        return EIO;
    }
}
