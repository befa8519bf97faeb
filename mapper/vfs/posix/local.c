#include "local.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"
#include "base/thread.h"

#define COPY_BYTES (256u * 1024)

struct local_file {
    char *path;
    struct mutex lock; /* guards the rest */
    int fd;            /* -1: parked */
    unsigned users;    /* calls that use it now */
    unsigned refs;
};

int local_open(struct local_file **out, const char *path, bool is_new, struct error *err)
{
    struct local_file *file = calloc(1, sizeof(*file));
    int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | (is_new ? O_CREAT | O_EXCL : 0);
    int code = file ? str_copy(&file->path, path, err) : ERR_NO_MEMORY;

    if (code < 0) {
        free(file);
        return error_set(err, ERR_NO_MEMORY, "no memory for a local file");
    }
    file->fd = open(path, flags, 0600);
    if (file->fd < 0) {
        int os_errno = errno;

        free(file->path);
        free(file);
        return error_set_os(err, error_from_errno(os_errno), os_errno, "cannot open '%s'", path);
    }
    mutex_init(&file->lock);
    file->refs = 1;
    *out = file;
    return 0;
}

struct local_file *local_ref(struct local_file *file)
{
    mutex_lock(&file->lock);
    file->refs++;
    mutex_unlock(&file->lock);
    return file;
}

void local_close(struct local_file *file)
{
    bool is_last = false;

    if (!file) {
        return;
    }
    mutex_lock(&file->lock);
    is_last = --file->refs == 0;
    mutex_unlock(&file->lock);
    if (is_last) {
        if (file->fd >= 0) {
            close(file->fd);
        }
        mutex_clear(&file->lock);
        free(file->path);
        free(file);
    }
}

void local_park(struct local_file *file)
{
    mutex_lock(&file->lock);
    if (file->fd >= 0 && file->users == 0) {
        close(file->fd);
        file->fd = -1;
    }
    mutex_unlock(&file->lock);
}

/* The descriptor, until give_fd(). */
static int take_fd(struct local_file *file, int *fd, struct error *err)
{
    int code = 0;

    mutex_lock(&file->lock);
    if (file->fd < 0) {
        file->fd = open(file->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    }
    if (file->fd < 0) {
        code = error_set_os(err, error_from_errno(errno), errno, "cannot open '%s'", file->path);
    } else {
        file->users++;
        *fd = file->fd;
    }
    mutex_unlock(&file->lock);
    return code;
}

static void give_fd(struct local_file *file)
{
    mutex_lock(&file->lock);
    file->users--;
    mutex_unlock(&file->lock);
}

static int read_fd(int fd, char *data, size_t size, uint64_t offset, size_t *got, struct error *err)
{
    while (*got < size) {
        ssize_t n = pread(fd, data + *got, size - *got, (off_t)(offset + *got));

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

int local_read(struct local_file *file, void *data, size_t size, uint64_t offset, size_t *got,
               struct error *err)
{
    int fd = -1;
    int code = take_fd(file, &fd, err);

    *got = 0;
    if (code == 0) {
        code = read_fd(fd, data, size, offset, got, err);
        give_fd(file);
    }
    return code;
}

static int write_fd(int fd, const char *data, size_t size, uint64_t offset, struct error *err)
{
    size_t done = 0;

    while (done < size) {
        ssize_t n = pwrite(fd, data + done, size - done, (off_t)(offset + done));

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

int local_write(struct local_file *file, const void *data, size_t size, uint64_t offset,
                struct error *err)
{
    int fd = -1;
    int code = take_fd(file, &fd, err);

    if (code == 0) {
        code = write_fd(fd, data, size, offset, err);
        give_fd(file);
    }
    return code;
}

int local_truncate(struct local_file *file, uint64_t size, struct error *err)
{
    int fd = -1;
    int code = take_fd(file, &fd, err);

    if (code < 0) {
        return code;
    }
    while (code == 0 && ftruncate(fd, (off_t)size) < 0) {
        if (errno != EINTR) {
            code = error_set_os(err, error_from_errno(errno), errno,
                                "cannot change the size of a local file");
        }
    }
    give_fd(file);
    return code;
}

int local_sync(struct local_file *file, struct error *err)
{
    int fd = -1;
    int code = take_fd(file, &fd, err);

    if (code < 0) {
        return code;
    }
    if (fdatasync(fd) < 0) {
        code = error_set_os(err, error_from_errno(errno), errno, "cannot sync a local file");
    }
    give_fd(file);
    return code;
}

/* Byte by byte, where the file system cannot share blocks. */
static int copy_bytes(int to, int from, uint64_t size, struct error *err)
{
    char *data = malloc(COPY_BYTES);
    int code = data ? 0 : error_set(err, ERR_NO_MEMORY, "no memory to copy a file");
    uint64_t at = 0;

    while (code == 0 && at < size) {
        size_t part = size - at < COPY_BYTES ? (size_t)(size - at) : COPY_BYTES;
        size_t got = 0;

        code = read_fd(from, data, part, at, &got, err);
        if (code == 0) {
            code = write_fd(to, data, got, at, err);
        }
        if (code == 0 && got < part) {
            break; /* a hole at the end: the caller sets the size */
        }
        at += got;
    }
    free(data);
    return code;
}

int local_copy(struct local_file *to, struct local_file *from, uint64_t size, struct error *err)
{
    int from_fd = -1;
    int to_fd = -1;
    int code = take_fd(from, &from_fd, err);

    if (code < 0) {
        return code;
    }
    code = take_fd(to, &to_fd, err);
    if (code == 0) {
        if (size > 0 && ioctl(to_fd, FICLONE, from_fd) < 0) {
            code = copy_bytes(to_fd, from_fd, size, err);
        }
        if (code == 0 && ftruncate(to_fd, (off_t)size) < 0) {
            code = error_set_os(err, error_from_errno(errno), errno, "cannot copy a local file");
        }
        give_fd(to);
    }
    give_fd(from);
    return code;
}

void local_punch(struct local_file *file, uint64_t offset, uint64_t size)
{
    int fd = -1;

    if (take_fd(file, &fd, NULL) == 0) {
        (void)fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)size);
        give_fd(file);
    }
}

void local_time_text(char *out, size_t size, int64_t wall_ms)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm parts = {0};

    (void)localtime_r(&seconds, &parts);
    if (strftime(out, size, "%Y-%m-%d %H-%M-%S", &parts) == 0 && size > 0) {
        *out = '\0';
    }
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
