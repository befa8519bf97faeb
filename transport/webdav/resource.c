/*
 * resource.c - from paths to items of the vfs, and what answers say of an item.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "webdav_internal.h"

#define LINKS "/drives/" /* the folder of links in the namespace (namespace.h) */

bool dav_is_folder(const struct vfs_attr *attr)
{
    return attr->kind != VFS_FILE; /* a link leads to the folder of a mapping */
}

void dav_forget(struct dav_request *r, const struct vfs_attr *attr)
{
    vfs_forget(r->dav->vfs, attr->id, 1);
}

/* The next name of *at into `name`; false at the end. */
static bool next_name(char name[VFS_NAME_MAX + 2], const char **at)
{
    size_t length = 0;

    if (**at == '\0') {
        return false;
    }
    length = strcspn(++*at, "/");
    if (length > VFS_NAME_MAX) { /* too long for any item: one that does not exist */
        length = VFS_NAME_MAX + 1;
    }
    memcpy(name, *at, length);
    name[length] = '\0';
    *at += strcspn(*at, "/");
    return true;
}

int dav_lookup(struct dav_request *r, struct vfs_attr *out, const char *path, struct error *err)
{
    struct vfs *vfs = r->dav->vfs;
    struct vfs_call call = dav_call(r);
    struct vfs_attr here = {.id = VFS_ROOT, .kind = VFS_FOLDER};
    char name[VFS_NAME_MAX + 2];
    int code = vfs_getattr(vfs, &here, VFS_ROOT, NULL, &call, err);

    while (code == 0 && next_name(name, &path)) {
        struct vfs_attr next = {.id = 0};

        code = vfs_lookup(vfs, &next, here.id, name, &call, err);
        vfs_forget(vfs, here.id, 1);
        here = next;
    }
    if (code == 0) {
        *out = here;
    }
    return code;
}

int dav_lookup_parent(struct dav_request *r, struct vfs_attr *out, const char *path,
                      struct error *err)
{
    char *parent = NULL;
    struct vfs_attr attr;
    int code = dav_path_parent(&parent, path, err);

    if (code == 0) {
        code = dav_lookup(r, &attr, parent, err);
    }
    free(parent);
    if (code == ERR_NOT_FOLDER) {
        return error_set(err, ERR_NOT_FOUND, "the folder is missing");
    }
    if (code == 0 && attr.kind != VFS_FOLDER) {
        dav_forget(r, &attr);
        return error_set(err, ERR_NOT_FOUND, "the folder is missing");
    }
    if (code == 0) {
        *out = attr;
    }
    return code;
}

/* The target of the link "/drives/X" is "../a/b/c": below the root. */
static int read_link(struct dav_request *r, char **out, const char *link, struct error *err)
{
    struct vfs_attr attr = {.id = 0};
    char *target = NULL;
    int code = dav_lookup(r, &attr, link, err);

    if (code < 0) {
        return code;
    }
    if (attr.kind == VFS_LINK) {
        code = vfs_readlink(r->dav->vfs, &target, attr.id, err);
    }
    dav_forget(r, &attr);
    if (code == 0 && target && str_starts_with(target, "../")) {
        code = str_copy(out, target + 2, err);
    }
    free(target);
    return code;
}

int dav_follow_links(struct dav_request *r, char **out, const char *path, struct error *err)
{
    size_t length = strlen(LINKS);
    struct error ignored = {0};
    char *target = NULL;
    char *link = NULL;
    int code = 0;

    if (!str_starts_with_nocase(path, LINKS)) {
        return str_copy(out, path, err);
    }
    length += strcspn(path + length, "/");
    code = str_copy_n(&link, path, length, err);
    if (code == 0 && read_link(r, &target, link, &ignored) == 0 && target) {
        code = str_format(out, err, "%s%s", target, path + length);
    } else if (code == 0) { /* what is wrong there is said when the path is used */
        code = str_copy(out, path, err);
    }
    free(link);
    free(target);
    return code;
}

void dav_etag(char out[DAV_ETAG_SIZE], const struct vfs_attr *attr)
{
    if (attr->version) {
        snprintf(out, DAV_ETAG_SIZE, "\"%016llx-%llx\"", (unsigned long long)attr->version,
                 (unsigned long long)attr->size_bytes);
    } else { /* no better word than the time: a weak one (RFC 9110, 8.8.1) */
        snprintf(out, DAV_ETAG_SIZE, "W/\"%llx-%llx\"", (unsigned long long)attr->modified_ms,
                 (unsigned long long)attr->size_bytes);
    }
}

/* RFC 9110's IMF-fixdate, from the ISO form and the day's number. */
void dav_http_date(char out[DAV_DATE_SIZE], int64_t wall_ms)
{
    static const char days[] = "ThuFriSatSunMonTueWed"; /* 1970 began on a Thursday */
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int64_t day = wall_ms / 86400000;
    int year = 1970;
    int month = 1;
    int date = 1;
    int time[3] = {0, 0, 0};
    char iso[40];

    if (wall_ms % 86400000 < 0) {
        day--;
    }
    clock_format_iso(iso, sizeof(iso), wall_ms);
    /* NOLINTNEXTLINE(cert-err34-c): the text is ours */
    if (sscanf(iso, "%4d-%2d-%2dT%2d:%2d:%2d", &year, &month, &date, &time[0], &time[1],
               &time[2]) != 6 ||
        month < 1 || month > 12) {
        month = 1;
    }
    snprintf(out, DAV_DATE_SIZE, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT",
             days + (day % 7 + 7) % 7 * 3, date, months + (month - 1) * 3, year, time[0], time[1],
             time[2]);
}
