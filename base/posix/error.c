#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "system_error.h"

void system_error_text(char *out, size_t size, long os_code)
{
#if defined(__GLIBC__)
    snprintf(out, size, "%s", strerrordesc_np((int)os_code));
#else
    snprintf(out, size, "system error %ld", os_code);
#endif
}

int error_from_errno(int os_errno)
{
    switch (os_errno) {
    case ENOENT:
        return ERR_NOT_FOUND;
    case EEXIST:
        return ERR_EXISTS;
    case EACCES:
    case EPERM:
        return ERR_DENIED;
    case EROFS:
        return ERR_READ_ONLY;
    case ENOSPC:
    case EDQUOT:
        return ERR_NO_SPACE;
    case ENOMEM:
        return ERR_NO_MEMORY;
    case ENOTEMPTY:
        return ERR_NOT_EMPTY;
    case EISDIR:
        return ERR_IS_FOLDER;
    case ENOTDIR:
        return ERR_NOT_FOLDER;
    case EBUSY:
    case EADDRINUSE:
        return ERR_BUSY;
    case ETIMEDOUT:
        return ERR_TIMED_OUT;
    case EINVAL:
        return ERR_INVALID;
    case EMFILE:
    case ENFILE:
        return ERR_LIMIT;
    default:
        return ERR_IO;
    }
}
