/* Stands before fsync() and fdatasync(), SQLite's too, and keeps what a disk would have of the spool
 * if the power went off: of each file the bytes of its last sync, and the names of the last sync of
 * the folder. At the n-th sync it writes that down and ends the process. */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "crash.h"

#define FILES_MAX 4096

/* A file, by whatever name. Its descriptor keeps the number from being given to another one. */
struct kept {
    dev_t device;
    ino_t number;
    int fd;
    char *bytes; /* of the last sync; NULL: there was none, and so there are none */
    size_t size;
};
struct named {
    char name[NAME_MAX + 1];
    unsigned file;
};

static struct {
    pthread_mutex_t lock;
    char spool[PATH_MAX]; /* "": not armed */
    char image[PATH_MAX];
    unsigned cut_at;
    unsigned kind;
    unsigned syncs;
    struct kept files[FILES_MAX];
    unsigned file_count;
    struct named names[FILES_MAX];
    unsigned name_count;
} disk = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void broken(const char *what)
{
    perror(what);
    _exit(6);
}

void power_arm(const char *spool, const char *image, unsigned cut_at, unsigned kind)
{
    char *real = NULL;

    if (cut_at == 0) {
        return;
    }
    if ((mkdir(spool, 0700) < 0 && access(spool, F_OK) < 0) || !(real = realpath(spool, NULL))) {
        broken("the spool");
    }
    snprintf(disk.spool, sizeof(disk.spool), "%s", real);
    snprintf(disk.image, sizeof(disk.image), "%s", image);
    disk.cut_at = cut_at;
    disk.kind = kind;
    free(real);
}

unsigned power_syncs(void)
{
    unsigned count = 0;

    pthread_mutex_lock(&disk.lock);
    count = disk.syncs;
    pthread_mutex_unlock(&disk.lock);
    return count;
}

/* `fd` is taken over. */
static unsigned keep_file(int fd, const struct stat *about)
{
    for (unsigned i = 0; i < disk.file_count; i++) {
        if (disk.files[i].device == about->st_dev && disk.files[i].number == about->st_ino) {
            close(fd);
            return i;
        }
    }
    if (fd < 0 || disk.file_count == FILES_MAX) {
        broken("too many files");
    }
    disk.files[disk.file_count] =
        (struct kept){.device = about->st_dev, .number = about->st_ino, .fd = fd};
    return disk.file_count++;
}

/* The one behind a descriptor that may not be for reading. */
static unsigned keep_open(int fd)
{
    struct stat about;
    char link[64];

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    if (fstat(fd, &about) < 0) {
        broken("stat");
    }
    return keep_file(open(link, O_RDONLY | O_CLOEXEC), &about);
}

static void sync_bytes(struct kept *file)
{
    struct stat about;
    size_t at = 0;

    if (fstat(file->fd, &about) < 0) {
        broken("stat");
    }
    free(file->bytes);
    file->size = (size_t)about.st_size;
    file->bytes = malloc(file->size + 1);
    while (at < file->size) {
        ssize_t got = pread(file->fd, file->bytes + at, file->size - at, (off_t)at);

        if (got < 0) {
            broken("read");
        }
        if (got == 0) {
            break;
        }
        at += (size_t)got;
    }
    file->size = at;
}

static void sync_names(void)
{
    DIR *folder = opendir(disk.spool);
    const struct dirent *entry = NULL;

    if (!folder) {
        broken("the spool");
    }
    disk.name_count = 0;
    while ((entry = readdir(folder)) != NULL) {
        struct named *named = &disk.names[disk.name_count];
        struct stat about;
        int fd = openat(dirfd(folder), entry->d_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

        if (fd < 0 || fstat(fd, &about) < 0 || !S_ISREG(about.st_mode)) {
            if (fd >= 0) {
                close(fd); /* "." and such; or it went away meanwhile */
            }
            continue;
        }
        if (disk.name_count == FILES_MAX) {
            broken("too many names");
        }
        snprintf(named->name, sizeof(named->name), "%s", entry->d_name);
        named->file = keep_file(fd, &about);
        disk.name_count++;
    }
    closedir(folder);
}

static void write_image(void)
{
    if (mkdir(disk.image, 0700) < 0) {
        broken("the image");
    }
    if (disk.kind & POWER_NAMES_LATE) {
        sync_names();
    }
    for (unsigned i = 0; i < disk.name_count; i++) {
        struct kept *file = &disk.files[disk.names[i].file];
        char path[2 * PATH_MAX];
        size_t at = 0;
        int fd = -1;

        if (disk.kind & POWER_BYTES_LATE) {
            sync_bytes(file);
        }
        snprintf(path, sizeof(path), "%s/%s", disk.image, disk.names[i].name);
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
        if (fd < 0) {
            broken("the image");
        }
        while (at < file->size) {
            ssize_t put = write(fd, file->bytes + at, file->size - at);

            if (put < 0) {
                broken("the image");
            }
            at += (size_t)put;
        }
        close(fd);
    }
}

/* Whether `fd` is the spool, or a file in it. */
static bool is_of_spool(int fd, bool *is_folder)
{
    char link[64];
    char path[PATH_MAX] = "";
    size_t length = strlen(disk.spool);

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    if (!length || readlink(link, path, sizeof(path) - 1) < 0 ||
        strncmp(path, disk.spool, length) != 0) {
        return false;
    }
    *is_folder = path[length] == '\0';
    return *is_folder || path[length] == '/';
}

static int sync_fd(int fd, long number)
{
    bool is_folder = false;
    int result = 0;

    if (!is_of_spool(fd, &is_folder)) {
        return (int)syscall(number, fd);
    }
    pthread_mutex_lock(&disk.lock);
    if (++disk.syncs == disk.cut_at) {
        write_image();
        raise(SIGKILL);
    }
    result = (int)syscall(number, fd);
    if (result == 0 && is_folder) {
        sync_names();
    } else if (result == 0) {
        sync_bytes(&disk.files[keep_open(fd)]);
    }
    pthread_mutex_unlock(&disk.lock);
    return result;
}

/* Seen by the shared libraries, too. */
__attribute__((visibility("default"))) int fsync(int fd)
{
    return sync_fd(fd, SYS_fsync);
}

__attribute__((visibility("default"))) int fdatasync(int fd)
{
    return sync_fd(fd, SYS_fdatasync);
}
