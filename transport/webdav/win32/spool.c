#include "webdav/spool.h"

#include <fcntl.h>
#include <io.h>
#include <stdint.h>
#include <stdlib.h>
#include <windows.h>

#include "base/secret.h"
#include "base/str.h"
#include "base/win32.h"

/* The folder is private, and so is all in it; the file goes with its last handle. */
int dav_spool_open(FILE **out, const char *directory, struct error *err)
{
    HANDLE handle = INVALID_HANDLE_VALUE;
    FILE *stream = NULL;
    wchar_t *wide = NULL;
    char *path = NULL;
    uint64_t number = 0;
    int fd = -1;
    int code = secret_random(&number, sizeof(number), err);

    if (code == 0) {
        code = str_format(&path, err, "%s/upload-%016llx", directory, (unsigned long long)number);
    }
    if (code == 0) {
        code = win32_wide_path(&wide, path, err);
    }
    if (code < 0) {
        goto out;
    }
    handle = CreateFileW(wide, GENERIC_READ | GENERIC_WRITE | DELETE, 0, NULL, CREATE_NEW,
                         FILE_ATTRIBUTE_TEMPORARY | FILE_FLAG_DELETE_ON_CLOSE, NULL);
    if (handle == INVALID_HANDLE_VALUE) {
        code = win32_failed(err, GetLastError(), "no file for an upload");
        goto out;
    }
    fd = _open_osfhandle((intptr_t)handle, _O_RDWR | _O_BINARY);
    stream = fd >= 0 ? _fdopen(fd, "w+b") : NULL;
    if (!stream) {
        code = error_set(err, ERR_LIMIT, "no file for an upload");
        if (fd >= 0) {
            _close(fd);
        } else {
            CloseHandle(handle);
        }
        goto out;
    }
    *out = stream;
out:
    free(wide);
    free(path);
    return code;
}
