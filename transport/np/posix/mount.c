/*
 * mount.c - the place of the mount: whose it is, whether it is free, and taking a mount away.
 */
#include "np_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/process.h"
#include "base/str.h"

#define DEVICE "/dev/fuse"
#define OUR_TYPE "fuse.mooring"
#define STALE_MAX 8 /* mounts of dead agents on top of each other that we take away */
#define UNMOUNT_WAIT_MS 5000

/* Undoes the octal escapes of mountinfo (space, tab, newline, backslash) in place. */
static void unescape(char *text)
{
    char *to = text;

    for (const char *from = text; *from; to++) {
        if (from[0] == '\\' && from[1] >= '0' && from[1] <= '3' && from[2] >= '0' &&
            from[2] <= '7' && from[3] >= '0' && from[3] <= '7') {
            *to = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0'));
            from += 4;
        } else {
            *to = *from++;
        }
    }
    *to = '\0';
}

/* "98:0" */
static bool parse_device(dev_t *dev, const char *text)
{
    char *end = NULL;
    unsigned long major_number = strtoul(text, &end, 10);
    unsigned long minor_number;

    if (end == text || *end != ':') {
        return false;
    }
    text = end + 1;
    minor_number = strtoul(text, &end, 10);
    *dev = makedev((unsigned)major_number, (unsigned)minor_number);
    return end != text && *end == '\0';
}

/* One line of mountinfo (proc(5)): "36 35 98:0 /root /mount/point options [fields] - type source
 * options". False when it is not one. Points into `line`. */
static bool parse_line(char *line, char **path, dev_t *dev, char **type)
{
    char *dash = strstr(line, " - ");
    char *field = NULL;

    if (!dash) {
        return false;
    }
    *dash = '\0';
    *type = dash + 3;
    (*type)[strcspn(*type, " \n")] = '\0';
    for (int i = 0; i < 5; i++) {
        field = strsep(&line, " ");
        if (!field || (i == 2 && !parse_device(dev, field))) {
            return false;
        }
    }
    unescape(field);
    *path = field;
    return true;
}

bool np_mount_find(const char *path, dev_t *dev, char *type, size_t type_size)
{
    FILE *file = fopen("/proc/self/mountinfo", "re");
    bool is_found = false;
    size_t size = 0;
    char *line = NULL;

    while (file && getline(&line, &size, file) > 0) {
        char *at = NULL;
        char *at_type = NULL;
        dev_t at_dev = 0;

        if (parse_line(line, &at, &at_dev, &at_type) && strcmp(at, path) == 0) {
            is_found = true; /* the last one is on top */
            *dev = at_dev;
            snprintf(type, type_size, "%s", at_type);
        }
    }
    free(line);
    if (file) {
        fclose(file);
    }
    return is_found;
}

/* An ordinary user unmounts through the program of the system that may. */
static int remove_by_helper(const char *path, struct error *err)
{
    const char *const argv[] = {"fusermount3", "-u", "-z", "-q", "--", path, NULL};
    struct process_options options = {.argv = argv, .output_file = "/dev/null"};
    struct process *process = NULL;
    int status = 0;
    int code = process_start(&process, &options, err);

    if (code == 0) {
        code = process_wait(process, &status, UNMOUNT_WAIT_MS, err);
    }
    process_free(process);
    if (code == 0 && status != 0) {
        code =
            error_set(err, ERR_IO, "fusermount3 cannot unmount '%s' (exit code %d)", path, status);
    }
    return code;
}

int np_mount_remove(const char *path, struct error *err)
{
    if (geteuid() != 0) {
        return remove_by_helper(path, err);
    }
    if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0) {
        return error_set_os(err, ERR_IO, errno, "cannot unmount '%s'", path);
    }
    return 0;
}

void np_mount_abort(const char *path, dev_t dev)
{
    char control[64];
    int fd = -1;

    snprintf(control, sizeof(control), "/sys/fs/fuse/connections/%u/abort", minor(dev));
    fd = open(control, O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        if (write(fd, "1", 1) != 1) {
            log_debug(LOG_TRANSPORT, "'%s' cannot be written", control);
        }
        close(fd);
    } else if (geteuid() == 0) {
        umount2(path, MNT_FORCE | MNT_DETACH | UMOUNT_NOFOLLOW);
    }
}

/* The path as the kernel names it. The folder itself may be missing, or a mount that is dead and
 * answers nothing; its parent is made when missing. */
static int canonical(char **out, const char *root, struct error *err)
{
    char *copy = NULL;
    char *parent = NULL;
    char *slash = NULL;
    char *resolved = realpath(root, NULL);
    int code = 0;

    if (resolved) {
        *out = resolved;
        return 0;
    }
    code = str_copy(&copy, root, err);
    if (code < 0) {
        return code;
    }
    for (size_t n = strlen(copy); n > 1 && copy[n - 1] == '/'; n--) {
        copy[n - 1] = '\0';
    }
    slash = strrchr(copy, '/');
    if (!slash || slash[1] == '\0') {
        code = error_set(err, ERR_INVALID, "'%s' is not the absolute path of a folder", root);
        goto out;
    }
    *slash = '\0';
    code = file_make_directories(*copy ? copy : "/", err);
    if (code < 0) {
        goto out;
    }
    parent = realpath(*copy ? copy : "/", NULL);
    if (!parent) {
        code = error_set_os(err, error_from_errno(errno), errno, "'%s' cannot be reached", copy);
        goto out;
    }
    code = str_format(out, err, "%s/%s", strcmp(parent, "/") == 0 ? "" : parent, slash + 1);
out:
    free(parent);
    str_free(&copy);
    return code;
}

/* Takes away what dead agents left at `path`; whatever else is mounted there is somebody's. */
static int remove_stale(const char *path, struct error *err)
{
    char type[64];
    dev_t dev = 0;

    for (int i = 0; i <= STALE_MAX && np_mount_find(path, &dev, type, sizeof(type)); i++) {
        struct stat st;
        int code = 0;

        if (strcmp(type, OUR_TYPE) != 0) {
            return error_set(err, ERR_BUSY, "a file system of type '%s' is mounted on '%s'", type,
                             path);
        }
        if (stat(path, &st) == 0 || errno != ENOTCONN || i == STALE_MAX) {
            return error_set(err, ERR_BUSY, "another agent has its mount on '%s'", path);
        }
        code = np_mount_remove(path, err);
        if (code < 0) {
            error_prefix(err, "the mount of an agent that died");
            return code;
        }
    }
    return 0;
}

static int check_empty(const char *path, struct error *err)
{
    DIR *dir = opendir(path);
    const struct dirent *entry = NULL;
    int code = 0;

    if (!dir) {
        return error_set_os(err, errno == ENOTDIR ? ERR_NOT_FOLDER : error_from_errno(errno), errno,
                            "'%s' cannot be opened", path);
    }
    while (code == 0 && (entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            code = error_set(err, ERR_BUSY,
                             "'%s' is not empty: the libraries would hide what is in it", path);
        }
    }
    closedir(dir);
    return code;
}

int np_mount_prepare(char **out, const char *root, struct error *err)
{
    char *path = NULL;
    int code = 0;

    if (root[0] != '/') {
        return error_set(err, ERR_INVALID, "'%s' is not an absolute path", root);
    }
    code = canonical(&path, root, err);
    if (code == 0) {
        code = remove_stale(path, err);
    }
    if (code == 0) {
        code = file_make_directories(path, err);
    }
    if (code == 0) {
        code = check_empty(path, err);
    }
    if (code < 0) {
        str_free(&path);
        return code;
    }
    *out = path;
    return 0;
}

int np_mount_check_device(struct error *err)
{
    int fd = open(DEVICE, O_RDWR | O_CLOEXEC);
    int number = errno;

    if (fd >= 0) {
        close(fd);
        return 0;
    }
    if (number == EACCES || number == EPERM) {
        return error_set_os(err, ERR_UNSUPPORTED, number,
                            DEVICE " is closed for this user; an administrator opens it by "
                                   "'chmod 0666 " DEVICE "', or by installing the package fuse3");
    }
    return error_set_os(err, ERR_UNSUPPORTED, number,
                        DEVICE " cannot be used; an administrator loads the driver by "
                               "'modprobe fuse'");
}
