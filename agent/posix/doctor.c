#include "doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/str.h"
#include "policy/settings.h"

#define DEVICE "/dev/fuse"
#define HELPER "fusermount3"

/* Where the policy allows WebDAV instead, a mount that cannot be is no failure. */
static enum doctor_level level_of(const struct settings *settings)
{
    return settings->transport == POLICY_TRANSPORT_AUTO ? DOCTOR_WARNING : DOCTOR_FAILED;
}

static bool check_device(struct doctor *doctor, const struct settings *settings)
{
    int fd = open(DEVICE, O_RDWR | O_CLOEXEC);

    if (fd >= 0) {
        close(fd);
        return true;
    }
    doctor_add(doctor, "FUSE", level_of(settings),
               errno == EACCES ? "let this user open it (mode 0666 is usual)"
                               : "load the kernel's module: modprobe fuse",
               "%s cannot be opened: %s", DEVICE, strerror(errno));
    return false;
}

/* *out = where the helper is; ERR_NOT_FOUND. The caller frees. */
static int find_helper(char **out, struct stat *st, struct error *err)
{
    const char *path = getenv("PATH");

    while (path && *path) {
        size_t length = strcspn(path, ":");

        if (str_format(out, err, "%.*s/%s", (int)length, path, HELPER) < 0) {
            return err->code;
        }
        if (stat(*out, st) == 0 && S_ISREG(st->st_mode) && access(*out, X_OK) == 0) {
            return 0;
        }
        path += length + (path[length] == ':');
    }
    return error_set(err, ERR_NOT_FOUND, "%s is not installed", HELPER);
}

void doctor_check_system(struct doctor *doctor, const struct settings *settings)
{
    struct error err = {0};
    struct stat st = {0};
    char *helper = NULL;

    if (settings->transport == POLICY_TRANSPORT_WEB_DAV) {
        doctor_add(doctor, "FUSE", DOCTOR_OK, NULL, "not needed: Transport is WebDav");
        return;
    }
    if (!check_device(doctor, settings)) {
        return;
    }
    if (find_helper(&helper, &st, &err) < 0) {
        doctor_add(doctor, "FUSE", level_of(settings), "install fuse3 (apt install fuse3)", "%s",
                   err.message);
    } else if (geteuid() != 0 && !(st.st_uid == 0 && st.st_mode & S_ISUID)) {
        doctor_add(doctor, "FUSE", level_of(settings), "install fuse3 anew",
                   "'%s' is not setuid root, so that an ordinary user cannot mount", helper);
    } else {
        doctor_add(doctor, "FUSE", DOCTOR_OK, NULL, "%s and '%s' are there", DEVICE, helper);
    }
    free(helper);
}

int doctor_system_name(char **out, struct error *err)
{
    struct utsname name;

    if (uname(&name) < 0) {
        return error_set_os(err, ERR_IO, errno, "the system does not tell its name");
    }
    return str_format(out, err, "%s %s %s", name.sysname, name.release, name.machine);
}
