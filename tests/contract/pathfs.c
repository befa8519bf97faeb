/*
 * pathfs.c - ids are inode numbers, each held open by an O_PATH descriptor.
 */
#include "pathfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "np/posix/errors.h"

struct node {
    uint64_t id;
    uint64_t holds;
    int fd;
    struct node *next;
};

struct pathfs {
    struct vfs base; /* must stay first */
    int root;
    pthread_mutex_t lock; /* guards the nodes */
    struct node *nodes;
};

struct vfs_file {
    int fd;
};

struct vfs_dir {
    DIR *dir;
};

#define ROW(name, code, retry, text) ERR_##name,
static const int codes[] = {ERROR_CODES(ROW)};
#undef ROW

int pathfs_class(int code)
{
    return np_errno(code);
}

/* The first code that becomes this errno. */
static int failed(struct error *err)
{
    int number = errno;

    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (np_errno(codes[i]) == number) {
            return error_set_os(err, codes[i], number, "system call");
        }
    }
    return error_set_os(err, ERR_IO, number, "system call");
}

static struct pathfs *fs_of(struct vfs *vfs)
{
    return (struct pathfs *)vfs;
}

/* The descriptor of an id; it lives as long as the id is held. */
static int fd_of(struct pathfs *fs, uint64_t id)
{
    int fd = -1;

    if (id == VFS_ROOT) {
        return fs->root;
    }
    pthread_mutex_lock(&fs->lock);
    for (const struct node *node = fs->nodes; node; node = node->next) {
        if (node->id == id) {
            fd = node->fd;
        }
    }
    pthread_mutex_unlock(&fs->lock);
    return fd;
}

static void describe(struct vfs_attr *out, const struct stat *st)
{
    *out = (struct vfs_attr){.id = st->st_ino,
                             .kind = S_ISDIR(st->st_mode)   ? VFS_FOLDER
                                     : S_ISLNK(st->st_mode) ? VFS_LINK
                                                            : VFS_FILE,
                             .is_read_only = !(st->st_mode & 0200),
                             .size_bytes = S_ISDIR(st->st_mode) ? 0 : (uint64_t)st->st_size,
                             .modified_ms = (int64_t)st->st_mtim.tv_sec * 1000 +
                                            st->st_mtim.tv_nsec / 1000000};
}

/* Takes one hold on what `fd` is; `fd` is used up. */
static int hold(struct pathfs *fs, struct vfs_attr *out, int fd, struct error *err)
{
    struct node *node = NULL;
    struct stat st;

    if (fstat(fd, &st) < 0) {
        int code = failed(err);

        close(fd);
        return code;
    }
    pthread_mutex_lock(&fs->lock);
    for (node = fs->nodes; node && node->id != st.st_ino; node = node->next) {
    }
    if (node) {
        close(fd);
    } else {
        node = calloc(1, sizeof(*node));
        if (!node) {
            abort();
        }
        node->id = st.st_ino;
        node->fd = fd;
        node->next = fs->nodes;
        fs->nodes = node;
    }
    node->holds++;
    pthread_mutex_unlock(&fs->lock);
    describe(out, &st);
    return 0;
}

static int path_lookup(struct vfs *vfs, struct vfs_attr *out, uint64_t parent, const char *name,
                       const struct vfs_call *call, struct error *err)
{
    struct pathfs *fs = fs_of(vfs);
    int fd = openat(fd_of(fs, parent), name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

    (void)call;
    return fd < 0 ? failed(err) : hold(fs, out, fd, err);
}

static void path_forget(struct vfs *vfs, uint64_t id, uint64_t count)
{
    struct pathfs *fs = fs_of(vfs);

    pthread_mutex_lock(&fs->lock);
    for (struct node **at = &fs->nodes; *at; at = &(*at)->next) {
        struct node *node = *at;

        if (node->id == id) {
            node->holds -= count;
            if (node->holds == 0) {
                *at = node->next;
                close(node->fd);
                free(node);
            }
            break;
        }
    }
    pthread_mutex_unlock(&fs->lock);
}

static int path_getattr(struct vfs *vfs, struct vfs_attr *out, uint64_t id, struct vfs_file *file,
                        const struct vfs_call *call, struct error *err)
{
    struct stat st;

    (void)call;
    if (fstat(file ? file->fd : fd_of(fs_of(vfs), id), &st) < 0) {
        return failed(err);
    }
    describe(out, &st);
    return 0;
}

static const char *proc_path(char *out, size_t size, int fd)
{
    snprintf(out, size, "/proc/self/fd/%d", fd);
    return out;
}

static int path_setattr(struct vfs *vfs, struct vfs_attr *out, uint64_t id, struct vfs_file *file,
                        const struct vfs_set *set, const struct vfs_call *call, struct error *err)
{
    char path[64];
    int result = 0;

    proc_path(path, sizeof(path), file ? file->fd : fd_of(fs_of(vfs), id));
    if (set->flags & VFS_SET_SIZE) {
        result = file ? ftruncate(file->fd, (off_t)set->size_bytes)
                      : truncate(path, (off_t)set->size_bytes);
    }
    if (result == 0 && (set->flags & VFS_SET_MODIFIED)) {
        struct timespec times[2] = {{.tv_nsec = UTIME_OMIT},
                                    {.tv_sec = (time_t)(set->modified_ms / 1000),
                                     .tv_nsec = (long)(set->modified_ms % 1000) * 1000000}};

        result = file ? futimens(file->fd, times) : utimensat(AT_FDCWD, path, times, 0);
    }
    return result < 0 ? failed(err) : path_getattr(vfs, out, id, file, call, err);
}

static int path_opendir(struct vfs *vfs, struct vfs_dir **out, uint64_t id,
                        const struct vfs_call *call, struct error *err)
{
    int fd = openat(fd_of(fs_of(vfs), id), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct vfs_dir *dir = NULL;

    (void)call;
    if (fd < 0) {
        return failed(err);
    }
    dir = calloc(1, sizeof(*dir));
    if (!dir) {
        abort();
    }
    dir->dir = fdopendir(fd);
    *out = dir;
    return 0;
}

static int path_readdir(struct vfs *vfs, struct vfs_dir *dir, uint64_t cookie, vfs_entry_fn fill,
                        void *payload, const struct vfs_call *call, struct error *err)
{
    const struct dirent *entry = NULL;

    (void)vfs;
    (void)call;
    if (cookie == 0) {
        rewinddir(dir->dir);
    } else {
        seekdir(dir->dir, (long)cookie);
    }
    for (errno = 0; (entry = readdir(dir->dir)) != NULL; errno = 0) {
        struct vfs_attr attr;
        struct stat st;

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        if (fstatat(dirfd(dir->dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
            if (errno == ENOENT) { /* deleted meanwhile */
                continue;
            }
            break;
        }
        describe(&attr, &st);
        if (!fill(payload, entry->d_name, &attr, (uint64_t)entry->d_off)) {
            return 0;
        }
    }
    return errno ? failed(err) : 0;
}

static void path_closedir(struct vfs *vfs, struct vfs_dir *dir)
{
    (void)vfs;
    closedir(dir->dir);
    free(dir);
}

static int system_flags(unsigned flags)
{
    int out = (flags & VFS_READ) && (flags & VFS_WRITE) ? O_RDWR
              : flags & VFS_WRITE                       ? O_WRONLY
                                                        : O_RDONLY;

    return out | (flags & VFS_TRUNCATE ? O_TRUNC : 0) | (flags & VFS_EXCLUSIVE ? O_EXCL : 0) |
           O_CLOEXEC;
}

static struct vfs_file *file_new(int fd)
{
    struct vfs_file *file = calloc(1, sizeof(*file));

    if (!file) {
        abort();
    }
    file->fd = fd;
    return file;
}

static int path_open(struct vfs *vfs, struct vfs_file **out, uint64_t id, unsigned flags,
                     const struct vfs_call *call, struct error *err)
{
    char path[64];
    int fd = open(proc_path(path, sizeof(path), fd_of(fs_of(vfs), id)), system_flags(flags));

    (void)call;
    if (fd < 0) {
        return failed(err);
    }
    *out = file_new(fd);
    return 0;
}

static int path_create(struct vfs *vfs, struct vfs_file **out, struct vfs_attr *attr,
                       uint64_t parent, const char *name, unsigned flags,
                       const struct vfs_call *call, struct error *err)
{
    struct pathfs *fs = fs_of(vfs);
    char path[64];
    int held = -1;
    int fd = openat(fd_of(fs, parent), name, system_flags(flags) | O_CREAT, 0600);

    (void)call;
    if (fd < 0) {
        return failed(err);
    }
    held = open(proc_path(path, sizeof(path), fd), O_PATH | O_CLOEXEC);
    if (held < 0 || hold(fs, attr, held, err) < 0) {
        close(fd);
        return failed(err);
    }
    *out = file_new(fd);
    return 0;
}

static int path_read(struct vfs *vfs, struct vfs_file *file, void *data, size_t size,
                     uint64_t offset, size_t *got, const struct vfs_call *call, struct error *err)
{
    ssize_t result = pread(file->fd, data, size, (off_t)offset);

    (void)vfs;
    (void)call;
    if (result < 0) {
        return failed(err);
    }
    *got = (size_t)result;
    return 0;
}

static int path_write(struct vfs *vfs, struct vfs_file *file, const void *data, size_t size,
                      uint64_t offset, const struct vfs_call *call, struct error *err)
{
    ssize_t result = pwrite(file->fd, data, size, (off_t)offset);

    (void)vfs;
    (void)call;
    if (result >= 0 && (size_t)result < size) {
        return error_set(err, ERR_IO, "a short write");
    }
    return result < 0 ? failed(err) : 0;
}

/* close() of a copy is what makes a flush. */
static int path_flush(struct vfs *vfs, struct vfs_file *file, const struct vfs_call *call,
                      struct error *err)
{
    (void)vfs;
    (void)call;
    return close(dup(file->fd)) < 0 ? failed(err) : 0;
}

static int path_fsync(struct vfs *vfs, struct vfs_file *file, const struct vfs_call *call,
                      struct error *err)
{
    (void)vfs;
    (void)call;
    return fsync(file->fd) < 0 ? failed(err) : 0;
}

static void path_close(struct vfs *vfs, struct vfs_file *file)
{
    (void)vfs;
    close(file->fd);
    free(file);
}

static int path_mkdir(struct vfs *vfs, struct vfs_attr *out, uint64_t parent, const char *name,
                      const struct vfs_call *call, struct error *err)
{
    if (mkdirat(fd_of(fs_of(vfs), parent), name, 0700) < 0) {
        return failed(err);
    }
    return path_lookup(vfs, out, parent, name, call, err);
}

static int path_unlink(struct vfs *vfs, uint64_t parent, const char *name,
                       const struct vfs_call *call, struct error *err)
{
    (void)call;
    return unlinkat(fd_of(fs_of(vfs), parent), name, 0) < 0 ? failed(err) : 0;
}

static int path_rmdir(struct vfs *vfs, uint64_t parent, const char *name,
                      const struct vfs_call *call, struct error *err)
{
    (void)call;
    return unlinkat(fd_of(fs_of(vfs), parent), name, AT_REMOVEDIR) < 0 ? failed(err) : 0;
}

static int path_rename(struct vfs *vfs, uint64_t parent, const char *name, uint64_t new_parent,
                       const char *new_name, unsigned flags, const struct vfs_call *call,
                       struct error *err)
{
    struct pathfs *fs = fs_of(vfs);
    unsigned how = flags & VFS_RENAME_NO_REPLACE ? RENAME_NOREPLACE : 0;

    (void)call;
    return renameat2(fd_of(fs, parent), name, fd_of(fs, new_parent), new_name, how) < 0
               ? failed(err)
               : 0;
}

static int path_statfs(struct vfs *vfs, struct vfs_space *out, uint64_t id,
                       const struct vfs_call *call, struct error *err)
{
    struct statvfs st;

    (void)call;
    if (fstatvfs(fd_of(fs_of(vfs), id), &st) < 0) {
        return failed(err);
    }
    out->total_bytes = (uint64_t)st.f_blocks * st.f_frsize;
    out->free_bytes = (uint64_t)st.f_bavail * st.f_frsize;
    return 0;
}

static void path_free(struct vfs *vfs)
{
    struct pathfs *fs = fs_of(vfs);

    close(fs->root);
    pthread_mutex_destroy(&fs->lock);
    free(fs);
}

static const struct vfs_ops path_ops = {
    .lookup = path_lookup,
    .forget = path_forget,
    .getattr = path_getattr,
    .setattr = path_setattr,
    .opendir = path_opendir,
    .readdir = path_readdir,
    .closedir = path_closedir,
    .open = path_open,
    .create = path_create,
    .read = path_read,
    .write = path_write,
    .flush = path_flush,
    .fsync = path_fsync,
    .close = path_close,
    .mkdir = path_mkdir,
    .unlink = path_unlink,
    .rmdir = path_rmdir,
    .rename = path_rename,
    .statfs = path_statfs,
    .free = path_free,
};

int pathfs_new(struct vfs **out, const char *path, struct error *err)
{
    struct pathfs *fs = calloc(1, sizeof(*fs));

    if (!fs) {
        return error_set(err, ERR_NO_MEMORY, "no memory");
    }
    fs->root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fs->root < 0) {
        int code = failed(err);

        free(fs);
        return code;
    }
    vfs_init(&fs->base, &path_ops);
    pthread_mutex_init(&fs->lock, NULL);
    *out = &fs->base;
    return 0;
}
