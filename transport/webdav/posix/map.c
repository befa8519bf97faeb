/*
 * map.c - davfs2, where the administrator's /etc/fstab lets this user mount the gateway:
 *
 *     http://127.0.0.1:50080/ /home/ada/Mooring davfs user,noauto,uid=ada 0 0
 *
 * The port has to be fixed for that (WebDavPort), and the password be in the user's own
 * ~/.davfs2/secrets. Without such a line there is nothing to do: `mooring status` says the address.
 * Letters are links in the namespace on Linux, and need nobody.
 */
#include "webdav/map.h"

#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/process.h"
#include "base/str.h"

#define FSTAB "/etc/fstab"
#define MOUNTS "/proc/self/mounts"
#define MOUNT_WAIT_MS 30000

/* *out = where the table mounts the gateway; NULL: nowhere. */
static int find_entry(char **out, const char *table, const char *url, bool for_user,
                      struct error *err)
{
    FILE *file = setmntent(table, "re");
    const struct mntent *entry = NULL;
    struct mntent room;
    char text[4096];
    int code = 0;

    while (file && code == 0 && !*out && (entry = getmntent_r(file, &room, text, sizeof(text)))) {
        if (str_starts_with(entry->mnt_fsname, url) && !entry->mnt_fsname[strlen(url)] &&
            (!for_user ||
             (strcmp(entry->mnt_type, "davfs") == 0 &&
              (getuid() == 0 || hasmntopt(entry, "user") || hasmntopt(entry, "users"))))) {
            code = str_copy(out, entry->mnt_dir, err);
        }
    }
    if (file) {
        endmntent(file);
    }
    return code;
}

static int run(const char *program, const char *folder, struct error *err)
{
    const char *const argv[] = {program, folder, NULL};
    const struct process_options options = {.argv = argv, .output_file = "/dev/null"};
    struct process *process = NULL;
    int status = 0;
    int code = process_start(&process, &options, err);

    if (code == 0) {
        code = process_wait(process, &status, MOUNT_WAIT_MS, err);
        if (code < 0) {
            process_stop(process, 1000);
        }
        process_free(process);
    }
    if (code == 0 && status != 0) {
        return error_set(err, ERR_IO,
                         "'%s %s' ended with %d; run it by hand to see why (is the password in "
                         "~/.davfs2/secrets?)",
                         program, folder, status);
    }
    return code;
}

static int find_folder(char **out, const struct dav_place *place, const char *table, bool for_user,
                       struct error *err)
{
    char url[64];

    snprintf(url, sizeof(url), "http://127.0.0.1:%u/", (unsigned)place->port);
    return find_entry(out, table, url, for_user, err);
}

static int ready(void *payload, const struct dav_place *place, char **note, struct error *err)
{
    char *folder = NULL;
    char *mounted = NULL;
    int code = find_folder(&folder, place, FSTAB, true, err);

    (void)payload;
    if (code == 0 && folder) {
        code = find_folder(&mounted, place, MOUNTS, false, err);
    }
    if (code == 0 && folder && !mounted) {
        code = run("mount", folder, err);
    }
    if (code == 0 && folder) {
        code = str_format(note, err, "mounted by davfs2 on '%s'", folder);
    }
    free(mounted);
    free(folder);
    return code;
}

static void end(void *payload, const struct dav_place *place)
{
    char *folder = NULL;

    (void)payload;
    if (find_folder(&folder, place, MOUNTS, false, NULL) == 0 && folder) {
        run("umount", folder, NULL);
    }
    free(folder);
}

static int connect_letter(void *payload, const struct dav_place *place, char letter,
                          const char *path, const char *label, struct error *err)
{
    (void)payload;
    (void)place;
    (void)letter;
    (void)path;
    (void)label;
    (void)err;
    return 0;
}

static void disconnect_letter(void *payload, const struct dav_place *place, char letter,
                              const char *path)
{
    (void)payload;
    (void)place;
    (void)letter;
    (void)path;
}

const struct dav_map_system *dav_system_map(void)
{
    static const struct dav_map_system system = {
        .ready = ready, .connect = connect_letter, .disconnect = disconnect_letter, .end = end};

    return &system;
}
