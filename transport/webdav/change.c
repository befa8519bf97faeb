/*
 * change.c - MKCOL, DELETE, COPY and MOVE.
 *
 * What carries VFS_NAMESPACE_BIT (the folders above the libraries, and a library itself) cannot be
 * deleted, moved or replaced; that is looked at before anything below it is touched.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "method.h"
#include "webdav_internal.h"

int dav_answer_failed(struct dav_request *r, const char *path, int code)
{
    int status = dav_http_status(code);
    bool is_written = false;

    buf_reset(&r->out);
    r->type = "application/xml; charset=utf-8";
    is_written = buf_add_text(&r->out,
                              "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<D:multistatus "
                              "xmlns:D=\"DAV:\"><D:response><D:href>",
                              NULL) == 0 &&
                 dav_write_href(r->dav, &r->out, path, false, NULL) == 0 &&
                 buf_add_format(&r->out, NULL,
                                "</D:href><D:status>HTTP/1.1 %d Failed</D:status></D:response>"
                                "</D:multistatus>\n",
                                status) == 0;
    return is_written ? 207 : code;
}

int dav_mkcol(struct dav_request *r)
{
    struct vfs_call call = dav_call(r);
    struct vfs_attr parent;
    struct vfs_attr made;
    int result = 0;

    if (r->path[0] == '\0') {
        return dav_status(r, 405, "the folder exists");
    }
    result = dav_lookup_parent(r, &parent, r->path, &r->err);
    if (result == ERR_NOT_FOUND) {
        return dav_status(r, 409, "the folder for the new one is missing");
    }
    if (result < 0) {
        return result;
    }
    result = dav_check_if(r);
    if (result == 0) {
        result = dav_check_preconditions(r, NULL);
    }
    if (result == 0) {
        result = dav_check_locks(r, r->key, false);
    }
    if (result == 0) {
        result = dav_check_parent_locks(r, r->path);
    }
    if (result == 0) {
        result = vfs_mkdir(r->dav->vfs, &made, parent.id, dav_path_name(r->path), &call, &r->err);
    }
    if (result == 0) {
        dav_forget(r, &made);
        result = 201;
    }
    dav_forget(r, &parent);
    return result;
}

static int refuse_fixed(struct dav_request *r)
{
    return dav_status(r, 403, "libraries, and the folders above them, cannot be changed");
}

static bool is_fixed(const struct vfs_attr *attr)
{
    return attr->id == VFS_ROOT || (attr->id & VFS_NAMESPACE_BIT) || attr->kind == VFS_LINK;
}

/* Deletes what `path` names; result is 0, an error, or a whole answer. */
static int delete_at(struct dav_request *r, uint64_t parent, const char *path, const char *key,
                     const struct vfs_attr *attr)
{
    char *failed = NULL;
    int code = dav_delete_tree(r, parent, path, attr, &failed, &r->err);

    if (code == 0) {
        dav_forget_tree(r, key);
    } else if (failed && strcmp(failed, path) != 0) {
        code = dav_answer_failed(r, failed, code);
    }
    free(failed);
    return code;
}

static int check_delete(struct dav_request *r, const struct vfs_attr *attr)
{
    int result = is_fixed(attr) ? refuse_fixed(r) : 0;
    const char *depth = dav_request_header(r, "Depth");

    if (result == 0 && depth && attr->kind == VFS_FOLDER && strcasecmp(depth, "infinity") != 0) {
        result = dav_status(r, 400, "a folder is deleted with all that is in it");
    }
    if (result == 0) {
        result = dav_check_preconditions(r, attr);
    }
    if (result == 0) {
        result = dav_check_if(r);
    }
    if (result == 0) {
        result = dav_check_locks(r, r->key, true);
    }
    return result == 0 ? dav_check_parent_locks(r, r->path) : result;
}

int dav_delete(struct dav_request *r)
{
    struct vfs_attr parent;
    struct vfs_attr attr;
    int result = dav_lookup(r, &attr, r->path, &r->err);

    if (result < 0) {
        return result;
    }
    result = check_delete(r, &attr);
    if (result == 0) {
        result = dav_lookup_parent(r, &parent, r->path, &r->err);
        if (result == 0) {
            result = delete_at(r, parent.id, r->path, r->key, &attr);
            dav_forget(r, &parent);
        }
    }
    dav_forget(r, &attr);
    return result == 0 ? 204 : result;
}

/* --- COPY and MOVE --- */

struct transfer {
    struct dav_request *r;
    bool is_move;
    bool is_deep;
    bool may_replace;
    struct vfs_attr from; /* held */
    struct vfs_attr from_parent;
    char *path; /* of the target */
    char *key;
    struct vfs_attr to_parent; /* held */
    struct vfs_attr to;        /* held when `exists` */
    bool exists;
};

static int read_headers(struct transfer *t)
{
    struct dav_request *r = t->r;
    const char *destination = dav_request_header(r, "Destination");
    const char *overwrite = dav_request_header(r, "Overwrite");
    const char *depth = dav_request_header(r, "Depth");
    char *shown = NULL;
    int code = 0;

    t->is_move = strcmp(r->method->name, "MOVE") == 0;
    t->may_replace = !overwrite || strcasecmp(overwrite, "F") != 0;
    t->is_deep = !depth || strcasecmp(depth, "infinity") == 0;
    if (!destination || (depth && !t->is_deep && (t->is_move || strcmp(depth, "0") != 0))) {
        return dav_status(r, 400, "the header %s is missing or wrong",
                          destination ? "Depth" : "Destination");
    }
    code = dav_read_uri(r, &shown, destination, NULL);
    if (code < 0) {
        return code; /* ERR_CROSS_LIBRARY is 502, as RFC 4918 has it */
    }
    code = dav_follow_links(r, &t->path, shown, &r->err);
    free(shown);
    return code < 0 ? code : dav_path_key(&t->key, t->path, &r->err);
}

/* A move may change the case of a name; nothing else may overlap. */
static int check_overlap(struct transfer *t)
{
    struct dav_request *r = t->r;
    bool is_same = t->key && strcmp(r->key, t->key) == 0;

    if (is_same && t->is_move && strcmp(r->path, t->path) != 0) {
        return 0;
    }
    if (is_same || dav_key_is_below(t->key, r->key) || dav_key_is_below(r->key, t->key)) {
        return dav_status(r, 403, "source and destination are the same, or one is in the other");
    }
    return 0;
}

static int find_both(struct transfer *t)
{
    struct dav_request *r = t->r;
    struct vfs_call call;
    int code = dav_lookup(r, &t->from, r->path, &r->err);

    if (code == 0 && t->from.id != VFS_ROOT) {
        code = dav_lookup_parent(r, &t->from_parent, r->path, &r->err);
    }
    if (code < 0) {
        return code;
    }
    code = dav_lookup_parent(r, &t->to_parent, t->path, &r->err);
    if (code == ERR_NOT_FOUND) {
        return dav_status(r, 409, "the folder of the destination is missing");
    }
    if (code < 0 || t->path[0] == '\0') {
        return code < 0 ? code : refuse_fixed(r);
    }
    call = dav_call(r);
    code = vfs_lookup(r->dav->vfs, &t->to, t->to_parent.id, dav_path_name(t->path), &call, &r->err);
    t->exists = code == 0;
    return code == ERR_NOT_FOUND ? 0 : code;
}

static int check_transfer(struct transfer *t)
{
    struct dav_request *r = t->r;
    int result = 0;

    if ((t->is_move && is_fixed(&t->from)) || (t->exists && is_fixed(&t->to))) {
        return refuse_fixed(r);
    }
    result = dav_check_preconditions(r, &t->from);
    if (result == 0) {
        result = dav_check_if(r);
    }
    if (result == 0 && t->exists && !t->may_replace && strcmp(r->key, t->key) != 0) {
        result = dav_status(r, 412, "the destination exists");
    }
    if (result == 0 && t->is_move) {
        result = dav_check_locks(r, r->key, true);
    }
    if (result == 0 && t->is_move) {
        result = dav_check_parent_locks(r, r->path);
    }
    if (result == 0) {
        result = dav_check_locks(r, t->key, true);
    }
    return result == 0 && !t->exists ? dav_check_parent_locks(r, t->path) : result;
}

static bool both_are_files(const struct transfer *t)
{
    return t->exists && t->from.kind == VFS_FILE && t->to.kind == VFS_FILE;
}

/* What is in the way goes, unless it is a file that takes over the content of another: it stays the
 * same item on the server. */
static int clear_target(struct transfer *t)
{
    int result = 0;

    if (!t->exists || both_are_files(t) || t->to.id == t->from.id) {
        return 0;
    }
    result = delete_at(t->r, t->to_parent.id, t->path, t->key, &t->to);
    if (result == 0) {
        dav_forget(t->r, &t->to);
        t->to.id = 0;
    }
    return result;
}

static int copy_all(struct transfer *t)
{
    struct dav_request *r = t->r;
    const char *name = dav_path_name(t->path);
    int code = 0;

    if (both_are_files(t)) {
        code = dav_copy_over(r, &t->from, &t->to);
    } else if (t->from.kind == VFS_FILE) {
        code = dav_copy_file(r, &t->from, t->to_parent.id, name, &r->err);
    } else {
        code = dav_copy_tree(r, &t->from, t->to_parent.id, t->path, t->is_deep, &r->err);
    }
    if (code == 0) { /* properties without room are left behind; the files are there */
        dav_props_copy_tree(r->dav->props, r->key, t->key, t->is_deep, NULL);
    }
    return code;
}

/* Between libraries there is no rename: a copy, and then the source goes (to its recycle bin). */
static int move_all(struct transfer *t)
{
    struct dav_request *r = t->r;
    struct vfs_call call = dav_save_call(r);
    unsigned flags = both_are_files(t) ? 0 : VFS_RENAME_NO_REPLACE;
    int result = 0;

    if (t->exists && t->to.id == t->from.id) {
        flags = 0;
    }
    result = vfs_rename(r->dav->vfs, t->from_parent.id, dav_path_name(r->path), t->to_parent.id,
                        dav_path_name(t->path), flags, &call, &r->err);
    if (result == ERR_CROSS_LIBRARY) {
        result = copy_all(t);
        return result == 0 ? delete_at(r, t->from_parent.id, r->path, r->key, &t->from) : result;
    }
    if (result == ERR_EXISTS) {
        return dav_status(r, 412, "the destination exists");
    }
    if (result == 0) {
        dav_props_move_tree(r->dav->props, r->key, t->key, NULL);
        dav_locks_drop_tree(r->dav->locks, r->key);
    }
    return result;
}

static int transfer(struct transfer *t)
{
    struct dav_request *r = t->r;
    int result = read_headers(t);

    if (result == 0) {
        result = check_overlap(t);
    }
    if (result == 0) {
        result = find_both(t);
    }
    if (result == 0) {
        result = check_transfer(t);
    }
    if (result == 0) { /* what a client made empty there is sent, or goes with what it is in */
        dav_held_close_tree(r->dav->held, r->key);
        dav_held_close_tree(r->dav->held, t->key);
        result = clear_target(t);
    }
    if (result == 0) {
        result = t->is_move ? move_all(t) : copy_all(t);
    }
    return result == 0 ? (t->exists ? 204 : 201) : result;
}

int dav_copy(struct dav_request *r)
{
    struct transfer t = {.r = r};
    int result = transfer(&t);
    const struct vfs_attr *held[] = {&t.from, &t.from_parent, &t.to_parent, &t.to};

    for (size_t i = 0; i < sizeof(held) / sizeof(held[0]); i++) {
        if (held[i]->id) {
            dav_forget(r, held[i]);
        }
    }
    free(t.path);
    free(t.key);
    return result;
}
