/*
 * lock.c - LOCK and UNLOCK.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "method.h"
#include "webdav_internal.h"
#include "xml.h"

#define DEFAULT_LOCK_MS (INT64_C(600) * 1000)

/* "Second-3600", "Infinite", or a list of them; the first that we know counts. */
static int64_t read_timeout(const struct dav_request *r)
{
    const char *text = dav_request_header(r, "Timeout");
    int64_t seconds = 0;

    while (text && *text) {
        size_t length = strcspn(text, ", \t");

        if (length == 8 && strncasecmp(text, "Infinite", 8) == 0) {
            return DAV_LOCK_MS_MAX;
        }
        if (length > 7 && length < 18 && strncasecmp(text, "Second-", 7) == 0) {
            char digits[16];

            memcpy(digits, text + 7, length - 7);
            digits[length - 7] = '\0';
            if (str_to_int64(digits, 1, INT64_C(99999999999), &seconds)) {
                return seconds < DAV_LOCK_MS_MAX / 1000 ? seconds * 1000 : DAV_LOCK_MS_MAX;
            }
        }
        text += length;
        text += strspn(text, ", \t");
    }
    return DEFAULT_LOCK_MS;
}

/* The lock, or all on the item, as DAV:prop. */
static int describe(struct dav_request *r, const char *token, int status)
{
    int code = buf_add_text(&r->out,
                            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<D:prop xmlns:D=\"DAV:\">"
                            "<D:lockdiscovery>",
                            &r->err);

    if (code == 0) {
        code = dav_locks_write(r->dav->locks, &r->out, r->key, token, &r->err);
    }
    if (code == 0) {
        code = buf_add_text(&r->out, "</D:lockdiscovery></D:prop>\n", &r->err);
    }
    r->type = "application/xml; charset=utf-8";
    return code < 0 ? code : status;
}

/* Without a body. WebClient sends it without If as well (windows-facts 3.6): any lock there. */
static int refresh(struct dav_request *r)
{
    int64_t wait_ms = read_timeout(r);
    int result = dav_check_if(r);

    if (result != 0) {
        return result;
    }
    if (r->conditions.count == 0 &&
        dav_locks_refresh(r->dav->locks, NULL, r->key, wait_ms, NULL) == 0) {
        return describe(r, NULL, 200);
    }
    for (size_t i = 0; i < r->conditions.count; i++) {
        const struct dav_if_condition *c = &r->conditions.items[i];

        if (!c->is_etag && !c->is_not &&
            dav_locks_refresh(r->dav->locks, c->value, r->key, wait_ms, NULL) == 0) {
            return describe(r, c->value, 200);
        }
    }
    return dav_precondition(r, 412, "lock-token-matches-request-uri");
}

struct wish {
    bool is_shared;
    bool is_deep;
    struct buf owner;
};

static int read_wish(struct dav_request *r, struct wish *wish)
{
    const char *depth = dav_request_header(r, "Depth");
    struct dav_xml *root = NULL;
    const struct dav_xml *scope = NULL;
    const struct dav_xml *type = NULL;
    const struct dav_xml *owner = NULL;
    int result = 0;

    wish->is_deep = !depth || strcasecmp(depth, "infinity") == 0;
    if (depth && !wish->is_deep && strcmp(depth, "0") != 0) {
        return dav_status(r, 400, "the header Depth is wrong");
    }
    if (dav_xml_parse(&root, r->body.data, r->body.size, &r->err) < 0) {
        return dav_status(r, r->err.code == ERR_NO_MEMORY ? 503 : 400, "%s", r->err.message);
    }
    scope = dav_xml_child(root, "lockscope");
    type = dav_xml_child(root, "locktype");
    owner = dav_xml_child(root, "owner");
    wish->is_shared = scope && dav_xml_child(scope, "shared");
    if (!dav_xml_is(root, DAV_NS, "lockinfo") || !scope || !type || !dav_xml_child(type, "write") ||
        (!wish->is_shared && !dav_xml_child(scope, "exclusive"))) {
        result = dav_status(r, 400, "the lockinfo asks for no lock that there is");
    } else if (owner && dav_xml_write_inside(&wish->owner, owner, &r->err) < 0) {
        result = dav_status(r, 413, "the owner of the lock is too long");
    }
    dav_xml_free(root);
    return result;
}

/* RFC 4918, 7.3: a lock on a name that is free makes an empty file. It is held open (held.h). */
static int make_empty(struct dav_request *r)
{
    struct vfs_call call = dav_call(r);
    struct vfs_file *file = NULL;
    struct vfs_attr parent;
    struct vfs_attr made;
    int result = dav_check_parent_locks(r, r->path);

    if (result != 0) {
        return result;
    }
    result = dav_lookup_parent(r, &parent, r->path, &r->err);
    if (result < 0) {
        return result == ERR_NOT_FOUND ? dav_status(r, 409, "the folder for the file is missing")
                                       : result;
    }
    result = vfs_create(r->dav->vfs, &file, &made, parent.id, dav_path_name(r->path),
                        VFS_READ | VFS_WRITE | VFS_EXCLUSIVE, &call, &r->err);
    dav_forget(r, &parent);
    if (result == 0) {
        dav_held_add(r->dav->held, r->key, made.id, file);
    }
    return result;
}

static int grant(struct dav_request *r, const struct wish *wish)
{
    char token[DAV_TOKEN_SIZE];
    struct vfs_attr attr;
    struct buf href;
    int code = dav_lookup(r, &attr, r->path, &r->err);
    bool is_new = code == ERR_NOT_FOUND;
    int result = 0;

    if (code < 0 && !is_new) {
        return code;
    }
    result = dav_check_preconditions(r, is_new ? NULL : &attr);
    if (!is_new) {
        dav_forget(r, &attr);
    }
    if (result == 0) {
        result = dav_check_if(r);
    }
    if (result == 0 && is_new) {
        result = make_empty(r);
    }
    if (result != 0) {
        return result;
    }
    buf_init(&href, 8 * DAV_PATH_MAX);
    code = dav_write_href(r->dav, &href, r->path, false, &r->err);
    if (code == 0) {
        code = dav_locks_add(r->dav->locks, token, buf_text(&href), r->key, buf_text(&wish->owner),
                             wish->is_shared, wish->is_deep, read_timeout(r), &r->err);
    }
    buf_clear(&href);
    if (code == ERR_LOCKED) {
        return dav_precondition(r, 423, "no-conflicting-lock");
    }
    if (code < 0) {
        return code;
    }
    dav_header(r, "Lock-Token", "<%s>", token);
    return describe(r, token, is_new ? 201 : 200);
}

int dav_lock(struct dav_request *r)
{
    struct wish wish = {.is_shared = false};
    int result = 0;

    if (r->body.size == 0) {
        return refresh(r);
    }
    buf_init(&wish.owner, DAV_OWNER_MAX);
    result = read_wish(r, &wish);
    if (result == 0) {
        result = grant(r, &wish);
    }
    buf_clear(&wish.owner);
    return result;
}

int dav_unlock(struct dav_request *r)
{
    const char *header = dav_request_header(r, "Lock-Token");
    struct vfs_attr attr;
    char *token = NULL;
    int code = 0;

    if (!header || !header[0]) {
        return dav_status(r, 400, "the header Lock-Token is missing");
    }
    code = dav_lookup(r, &attr, r->path, &r->err);
    if (code < 0) {
        return code;
    }
    dav_forget(r, &attr);
    header += *header == '<';
    code = str_copy_n(&token, header, strcspn(header, ">"), &r->err);
    if (code == 0) {
        code = dav_locks_remove(r->dav->locks, token, r->key, &r->err);
    }
    free(token);
    if (code == ERR_NOT_FOUND) {
        return dav_precondition(r, 409, "lock-token-matches-request-uri");
    }
    if (code == 0) { /* what nobody wrote meanwhile is sent as it is */
        dav_held_close_tree(r->dav->held, r->key);
    }
    return code == 0 ? 204 : code;
}
