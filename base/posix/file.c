#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"

static int failed(struct error *err, const char *what, const char *path)
{
    int saved = errno;

    return error_set_os(err, error_from_errno(saved), saved, "cannot %s '%s'", what, path);
}

int file_make_directories(const char *path, struct error *err)
{
    char *copy = NULL;
    int code = str_copy(&copy, path, err);

    if (code < 0) {
        return code;
    }
    for (char *slash = copy + 1; *slash; slash++) {
        if (*slash != '/') {
            continue;
        }
        *slash = '\0';
        if (mkdir(copy, 0700) != 0 && errno != EEXIST) {
            code = failed(err, "make the folder", copy);
            goto out;
        }
        *slash = '/';
    }
    if (mkdir(copy, 0700) != 0 && errno != EEXIST) {
        code = failed(err, "make the folder", copy);
    }
out:
    free(copy);
    return code;
}

int file_make_private_directory(const char *path, struct error *err)
{
    struct stat st;
    int fd;
    int code = file_make_directories(path, err);

    if (code < 0) {
        return code;
    }
    fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return failed(err, "use as a private folder", path);
    }
    if (fstat(fd, &st) != 0) {
        code = failed(err, "look at", path);
    } else if (st.st_uid != geteuid()) {
        code = error_set(err, ERR_DENIED, "folder '%s' belongs to another user", path);
    } else if ((st.st_mode & 077) != 0 && fchmod(fd, 0700) != 0) {
        code = failed(err, "close to others the folder", path);
    }
    close(fd);
    return code;
}

int file_read_all(struct buf *out, const char *path, struct error *err)
{
    char block[16384];
    ssize_t got;
    int code = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        return failed(err, "open", path);
    }
    while ((got = read(fd, block, sizeof(block))) != 0) {
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            code = failed(err, "read", path);
            break;
        }
        code = buf_add(out, block, (size_t)got, err);
        if (code < 0) {
            error_prefix(err, "'%s' is too large", path);
            break;
        }
    }
    close(fd);
    return code;
}

static int write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t done = write(fd, data, size);

        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done < 0) {
            return -1;
        }
        data += done;
        size -= (size_t)done;
    }
    return 0;
}

static int sync_parent(const char *path, struct error *err)
{
    char *parent = NULL;
    const char *slash = strrchr(path, '/');
    int code = slash ? str_copy_n(&parent, path, slash == path ? 1 : (size_t)(slash - path), err)
                     : str_copy(&parent, ".", err);

    if (code == 0) {
        code = file_sync_directory(parent, err);
    }
    free(parent);
    return code;
}

int file_write_atomic(const char *path, const void *data, size_t size, struct error *err)
{
    char *temp = NULL;
    int fd = -1;
    int code = str_format(&temp, err, "%s.XXXXXX", path);

    if (code < 0) {
        return code;
    }
    fd = mkostemp(temp, O_CLOEXEC);
    if (fd < 0) {
        code = failed(err, "make a file beside", path);
        goto out;
    }
    if (write_all(fd, data, size) != 0 || fsync(fd) != 0) {
        code = failed(err, "write", path);
    }
    if (close(fd) != 0 && code == 0) {
        code = failed(err, "write", path);
    }
    if (code == 0 && rename(temp, path) != 0) {
        code = failed(err, "replace", path);
    }
    if (code == 0) {
        code = sync_parent(path, err);
    } else {
        unlink(temp);
    }
out:
    free(temp);
    return code;
}

FILE *file_open_stream(const char *path, const char *mode, struct error *err)
{
    bool is_read = mode[0] == 'r' && !strchr(mode, '+');
    int flags = O_CLOEXEC;
    FILE *stream;
    int fd;

    if (is_read) {
        flags |= O_RDONLY;
    } else if (mode[0] == 'r') {
        flags |= O_RDWR;
    } else {
        flags |= O_CREAT | (strchr(mode, '+') ? O_RDWR : O_WRONLY) |
                 (mode[0] == 'a'      ? O_APPEND
                  : strchr(mode, 'x') ? O_EXCL
                                      : O_TRUNC);
    }
    fd = open(path, flags, 0600);
    stream = fd < 0 ? NULL : fdopen(fd, mode);
    if (!stream) {
        failed(err, "open", path);
        if (fd >= 0) {
            close(fd);
        }
    }
    return stream;
}

int file_size(const char *path, int64_t *size, struct error *err)
{
    struct stat st;

    if (stat(path, &st) != 0) {
        return failed(err, "look at", path);
    }
    *size = st.st_size;
    return 0;
}

bool file_exists(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0;
}

int file_remove(const char *path, struct error *err)
{
    return unlink(path) == 0 || errno == ENOENT ? 0 : failed(err, "remove", path);
}

int file_rename(const char *from, const char *to, struct error *err)
{
    int saved;

    if (rename(from, to) == 0) {
        return 0;
    }
    saved = errno;
    return error_set_os(err, saved == EXDEV ? ERR_CROSS_LIBRARY : error_from_errno(saved), saved,
                        "cannot rename '%s' to '%s'", from, to);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st;
    (void)type;
    (void)where;
    return remove(path);
}

int file_remove_tree(const char *path, struct error *err)
{
    if (nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) != 0 && errno != ENOENT) {
        return failed(err, "remove the folder", path);
    }
    return 0;
}

int file_make_temporary_directory(char **out, const char *name, struct error *err)
{
    const char *base = getenv("TMPDIR");
    int code = str_format(out, err, "%s/%s-XXXXXX", base && *base == '/' ? base : "/tmp", name);

    if (code == 0 && !mkdtemp(*out)) {
        code = failed(err, "make the folder", *out);
        str_free(out);
    }
    return code;
}

int file_sync_directory(const char *path, struct error *err)
{
    int code = 0;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0) {
        return failed(err, "open the folder", path);
    }
    if (fsync(fd) != 0 && errno != EINVAL) { /* EINVAL: this file system has nothing to sync */
        code = failed(err, "sync the folder", path);
    }
    close(fd);
    return code;
}

struct file_lock {
    int fd;
};

int file_lock(struct file_lock **lock, const char *path, int64_t wait_ms, struct error *err)
{
    const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};
    int64_t end = clock_mono_ms(clock_system()) + wait_ms;
    struct file_lock *made = calloc(1, sizeof(*made));
    int code = 0;

    if (!made) {
        return error_set(err, ERR_NO_MEMORY, "no memory for a lock");
    }
    made->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (made->fd < 0) {
        code = failed(err, "open the lock", path);
        goto out;
    }
    while (flock(made->fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            code = failed(err, "lock", path);
            goto out;
        }
        if (clock_mono_ms(clock_system()) >= end) {
            code = error_set(err, ERR_BUSY, "'%s' is locked by another process", path);
            goto out;
        }
        nanosleep(&pause, NULL);
    }
    *lock = made;
    made = NULL;
out:
    file_unlock(made);
    return code;
}

void file_unlock(struct file_lock *lock)
{
    if (lock) {
        if (lock->fd >= 0) {
            close(lock->fd);
        }
        free(lock);
    }
}

int file_free_bytes(const char *path, uint64_t *bytes, struct error *err)
{
    struct statvfs st;

    if (statvfs(path, &st) != 0) {
        return failed(err, "ask the free space of", path);
    }
    *bytes = (uint64_t)st.f_bavail * st.f_frsize;
    return 0;
}
