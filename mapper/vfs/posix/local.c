#include "local.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct local_file {
    int fd;
};

int local_open(struct local_file **out, const char *path, bool is_new, struct error *err)
{
    struct local_file *file = calloc(1, sizeof(*file));
    int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | (is_new ? O_CREAT | O_EXCL : 0);

    if (!file) {
        return error_set(err, ERR_NO_MEMORY, "no memory for a local file");
    }
    file->fd = open(path, flags, 0600);
    if (file->fd < 0) {
        int os_errno = errno;

        free(file);
        return error_set_os(err, error_from_errno(os_errno), os_errno, "cannot open '%s'", path);
    }
    *out = file;
    return 0;
}

void local_close(struct local_file *file)
{
    if (file) {
        close(file->fd);
        free(file);
    }
}

int local_read(struct local_file *file, void *data, size_t size, uint64_t offset, size_t *got,
               struct error *err)
{
    *got = 0;
    while (*got < size) {
        ssize_t n = pread(file->fd, (char *)data + *got, size - *got, (off_t)(offset + *got));

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return error_set_os(err, ERR_IO, errno, "cannot read a local file");
        }
        if (n == 0) {
            break;
        }
        *got += (size_t)n;
    }
    return 0;
}

int local_write(struct local_file *file, const void *data, size_t size, uint64_t offset,
                struct error *err)
{
    size_t done = 0;

    while (done < size) {
        ssize_t n =
            pwrite(file->fd, (const char *)data + done, size - done, (off_t)(offset + done));

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            int os_errno = n < 0 ? errno : ENOSPC;

            return error_set_os(err, error_from_errno(os_errno), os_errno,
                                "cannot write a local file");
        }
        done += (size_t)n;
    }
    return 0;
}

int local_truncate(struct local_file *file, uint64_t size, struct error *err)
{
    while (ftruncate(file->fd, (off_t)size) < 0) {
        if (errno != EINTR) {
            return error_set_os(err, error_from_errno(errno), errno,
                                "cannot change the size of a local file");
        }
    }
    return 0;
}

int local_sync(struct local_file *file, struct error *err)
{
    if (fdatasync(file->fd) < 0) {
        return error_set_os(err, error_from_errno(errno), errno, "cannot sync a local file");
    }
    return 0;
}

void local_punch(struct local_file *file, uint64_t offset, uint64_t size)
{
    (void)fallocate(file->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset,
                    (off_t)size);
}

int local_move(const char *from, const char *to, struct error *err)
{
    if (rename(from, to) < 0) {
        int code = errno == EXDEV ? ERR_CROSS_LIBRARY : error_from_errno(errno);

        return error_set_os(err, code, errno, "cannot rename '%s'", from);
    }
    return 0;
}

int local_each(const char *directory, void (*visit)(void *payload, const char *name), void *payload,
               struct error *err)
{
    DIR *dir = opendir(directory);
    const struct dirent *entry = NULL;

    if (!dir) {
        return error_set_os(err, error_from_errno(errno), errno, "cannot list '%s'", directory);
    }
    while ((entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            visit(payload, entry->d_name);
        }
    }
    closedir(dir);
    return 0;
}
