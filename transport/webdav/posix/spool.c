#include "webdav/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/str.h"

/* Where the file system knows no O_TMPFILE. */
static int open_and_unlink(const char *directory, struct error *err)
{
    char *path = NULL;
    int fd = -1;

    if (str_format(&path, err, "%s/upload-XXXXXX", directory) < 0) {
        return -1;
    }
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0) {
        unlink(path);
    }
    free(path);
    return fd;
}

int dav_spool_open(FILE **out, const char *directory, struct error *err)
{
    int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    FILE *stream = NULL;

    if (fd < 0) {
        fd = open_and_unlink(directory, err);
    }
    stream = fd >= 0 ? fdopen(fd, "w+b") : NULL;
    if (!stream) {
        int why = errno;

        if (fd >= 0) {
            close(fd);
        }
        return error_set_os(err, error_from_errno(why), why, "no file for an upload");
    }
    *out = stream;
    return 0;
}
