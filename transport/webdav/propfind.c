/*
 * propfind.c - PROPFIND: what is known of an item, and of those in a folder.
 *
 * A listing is written as the client reads it, so that a folder of any size costs the memory of one
 * block. What is wrong before the first entry is a status; what goes wrong later breaks the connection,
 * so that a client never takes a part for the whole.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "base/xml_text.h"
#include "live_props.h"
#include "method.h"
#include "webdav_internal.h"
#include "xml.h"

#define PENDING_FULL (64u * 1024)      /* no further entry is begun */
#define PENDING_MAX (9u * 1024 * 1024) /* of one entry with all its properties, and the rest */

enum wanted { WANT_ALL, WANT_NAMES, WANT_SOME };

struct lister {
    struct webdav *dav;
    struct MHD_Connection *connection;
    struct dav_watch watch;
    enum wanted wanted;
    struct dav_xml *question;   /* owned; NULL for an empty body */
    const struct dav_xml *some; /* DAV:prop, or DAV:include beside allprop; in `question` */
    char *shown;                /* paths of the folder */
    char *key;
    struct vfs_dir *dir; /* NULL: depth 0, or its end */
    uint64_t cookie;
    bool has_more; /* the last call gave an entry */
    bool is_ended; /* the last words are written */
    int code;      /* first failure inside `fill` */
    struct buf pending;
    size_t sent; /* of pending */
};

static int read_question(struct dav_request *r, struct lister *l)
{
    const struct dav_xml *root = NULL;

    l->wanted = WANT_ALL;
    if (r->body.size == 0) {
        return 0;
    }
    if (dav_xml_parse(&l->question, r->body.data, r->body.size, &r->err) < 0) {
        return dav_status(r, r->err.code == ERR_NO_MEMORY ? 503 : 400, "%s", r->err.message);
    }
    root = l->question;
    if (!dav_xml_is(root, DAV_NS, "propfind")) {
        return dav_status(r, 400, "the body of PROPFIND is no propfind");
    }
    if (dav_xml_child(root, "prop")) {
        l->wanted = WANT_SOME;
        l->some = dav_xml_child(root, "prop");
    } else if (dav_xml_child(root, "propname")) {
        l->wanted = WANT_NAMES;
    } else if (dav_xml_child(root, "allprop")) {
        l->some = dav_xml_child(root, "include");
    } else {
        return dav_status(r, 400, "the propfind asks for nothing");
    }
    return 0;
}

static int write_empty(struct buf *out, const char *ns, const char *name, struct error *err)
{
    int code = buf_add_format(out, err, "<%s xmlns=\"", name);

    if (code == 0) {
        code = xml_text_add(out, ns, true, err);
    }
    return code < 0 ? code : buf_add_text(out, "\"/>", err);
}

/* All properties of the first kind of propstat, 200. */
static int write_known(struct lister *l, const struct dav_subject *s, struct error *err)
{
    struct buf *out = &l->pending;
    int code = 0;

    for (size_t i = 0; dav_live_at(i) && code == 0; i++) {
        const struct dav_live_prop *prop = dav_live_at(i);

        if (l->wanted == WANT_NAMES) {
            if (!((prop->flags & DAV_LIVE_FILES) && dav_is_folder(s->attr))) {
                code = write_empty(out, prop->ns, prop->name, err);
            }
        } else if (prop->flags & DAV_LIVE_ALLPROP) {
            code = dav_live_write(out, prop, s, err);
            code = code == ERR_NOT_FOUND ? 0 : code;
        }
    }
    return code < 0 ? code
                    : dav_props_write_all(l->dav->props, out, s->key, l->wanted == WANT_NAMES, err);
}

/* One property by name: whether it is there. */
static int write_one(struct lister *l, const struct dav_subject *s, const struct dav_xml *name,
                     bool *found, struct error *err)
{
    const struct dav_live_prop *prop = dav_live_find(name->ns, name->name);
    int code = 0;

    *found = false;
    if (!prop) {
        return dav_props_write(l->dav->props, &l->pending, s->key, name->ns, name->name, found,
                               err);
    }
    code = dav_live_write(&l->pending, prop, s, err);
    *found = code == 0;
    return code == ERR_NOT_FOUND ? 0 : code;
}

/* The names that were asked for: those that are there to `pending`, the others to `missing`. */
static int write_some(struct lister *l, const struct dav_subject *s, struct buf *missing,
                      struct error *err)
{
    int code = 0;

    for (const struct dav_xml *name = dav_xml_first(l->some); name && code == 0;
         name = dav_xml_next(name)) {
        bool found = false;

        code = write_one(l, s, name, &found, err);
        if (code == 0 && !found) {
            code = write_empty(missing, name->ns, name->name, err);
        }
    }
    return code;
}

static int write_propstats(struct lister *l, const struct dav_subject *s, struct error *err)
{
    struct buf *out = &l->pending;
    struct buf missing;
    size_t start = 0;
    int code = 0;

    buf_init(&missing, DAV_XML_BYTES_MAX * 2);
    code = buf_add_text(out, "<D:propstat><D:prop>", err);
    start = out->size;
    if (code == 0 && l->wanted != WANT_SOME) {
        code = write_known(l, s, err);
    }
    if (code == 0 && l->some) {
        code = write_some(l, s, &missing, err);
    }
    if (code == 0 && out->size == start && missing.size > 0) { /* nothing found: one kind only */
        code = buf_add(out, missing.data, missing.size, err);
        buf_reset(&missing);
        if (code == 0) {
            code = buf_add_text(
                out, "</D:prop><D:status>HTTP/1.1 404 Not Found</D:status></D:propstat>", err);
        }
    } else if (code == 0) {
        code = buf_add_text(out, "</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>", err);
    }
    if (code == 0 && missing.size > 0 && l->wanted == WANT_SOME) {
        code = buf_add_format(out, err,
                              "<D:propstat><D:prop>%s</D:prop><D:status>HTTP/1.1 404 Not Found"
                              "</D:status></D:propstat>",
                              buf_text(&missing));
    }
    buf_clear(&missing);
    return code;
}

static int write_entry(struct lister *l, const char *shown, const char *key,
                       const struct vfs_attr *attr, const struct vfs_space *space,
                       struct error *err)
{
    const struct dav_subject s = {.attr = attr, .key = key, .space = space, .locks = l->dav->locks};
    int code = buf_add_text(&l->pending, "<D:response><D:href>", err);

    if (code == 0) {
        code = dav_write_href(l->dav, &l->pending, shown, dav_is_folder(attr), err);
    }
    if (code == 0) {
        code = buf_add_text(&l->pending, "</D:href>", err);
    }
    if (code == 0) {
        code = write_propstats(l, &s, err);
    }
    return code < 0 ? code : buf_add_text(&l->pending, "</D:response>\n", err);
}

/* One entry of the folder. */
static bool take_entry(void *payload, const char *name, const struct vfs_attr *attr,
                       uint64_t cookie)
{
    struct lister *l = payload;
    char *folded = NULL;
    char *shown = NULL;
    char *key = NULL;

    if (l->pending.size >= PENDING_FULL || l->code < 0) {
        return false;
    }
    l->code = str_format(&shown, NULL, "%s/%s", l->shown, name);
    if (l->code == 0) {
        l->code = dav_path_key(&folded, name, NULL);
    }
    if (l->code == 0) {
        l->code = str_format(&key, NULL, "%s/%s", l->key, folded);
    }
    if (l->code == 0) {
        l->code = write_entry(l, shown, key, attr, NULL, NULL);
    }
    free(folded);
    free(shown);
    free(key);
    l->cookie = cookie;
    l->has_more = true;
    return l->code == 0;
}

/* Entries until `pending` is full, or the last words. */
static int fill(struct lister *l, struct error *err)
{
    struct vfs_call call = {.deadline_ms = clock_mono_ms(clock_system()) + l->dav->deadline_ms,
                            .is_cancelled = dav_is_cancelled,
                            .payload = &l->watch};
    int code = 0;

    while (l->dir && l->pending.size < PENDING_FULL && code == 0) {
        l->has_more = false;
        code = vfs_readdir(l->dav->vfs, l->dir, l->cookie, take_entry, l, &call, err);
        if (code == 0 && l->code < 0) {
            code = error_set(err, l->code, "no memory for a listing");
        }
        if (code == 0 && !l->has_more) {
            vfs_closedir(l->dav->vfs, l->dir);
            l->dir = NULL;
        }
    }
    if (code == 0 && !l->dir && !l->is_ended) {
        l->is_ended = true;
        code = buf_add_text(&l->pending, "</D:multistatus>\n", err);
    }
    return code;
}

static ssize_t send_more(void *payload, uint64_t at, char *out, size_t room)
{
    struct lister *l = payload;
    struct error err = {0};

    (void)at;
    if (l->sent == l->pending.size) {
        buf_reset(&l->pending);
        l->sent = 0;
        if (l->is_ended) {
            return MHD_CONTENT_READER_END_OF_STREAM;
        }
        if (fill(l, &err) < 0) {
            log_error(LOG_TRANSPORT, &err, "WebDAV PROPFIND");
            return MHD_CONTENT_READER_END_WITH_ERROR;
        }
        dav_touch(l->connection);
    }
    if (room > l->pending.size - l->sent) {
        room = l->pending.size - l->sent;
    }
    memcpy(out, l->pending.data + l->sent, room);
    l->sent += room;
    return (ssize_t)room;
}

static void lister_free(void *payload)
{
    struct lister *l = payload;

    vfs_closedir(l->dav->vfs, l->dir);
    dav_xml_free(l->question);
    buf_clear(&l->pending);
    free(l->shown);
    free(l->key);
    free(l);
}

static bool asks_for_space(const struct lister *l)
{
    for (const struct dav_xml *name = l->some ? dav_xml_first(l->some) : NULL; name;
         name = dav_xml_next(name)) {
        if (strncmp(name->name, "quota-", 6) == 0) {
            return true;
        }
    }
    return false;
}

/* The item itself, and the beginning of what is in it. */
static int begin(struct dav_request *r, struct lister *l, const struct vfs_attr *attr, bool is_deep)
{
    struct vfs_call call = dav_call(r);
    struct vfs_space space = {0};
    bool has_space =
        asks_for_space(l) && vfs_statfs(r->dav->vfs, &space, attr->id, &call, NULL) == 0;
    int code = buf_add_text(&l->pending,
                            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<D:multistatus "
                            "xmlns:D=\"DAV:\" xmlns:Z=\"" DAV_NS_WIN32 "\">\n",
                            &r->err);

    if (code == 0) {
        code = write_entry(l, l->shown, l->key, attr, has_space ? &space : NULL, &r->err);
    }
    if (code == 0 && is_deep && attr->kind == VFS_FOLDER) {
        code = vfs_opendir(r->dav->vfs, &l->dir, attr->id, &call, &r->err);
    }
    return code < 0 ? code : fill(l, &r->err);
}

/* 0 or 1; RFC 4918, 9.1: a server may refuse infinity, which is also what no header means. */
static int read_depth(struct dav_request *r, bool *is_deep)
{
    const char *depth = dav_request_header(r, "Depth");

    if (depth && (strcmp(depth, "0") == 0 || strcmp(depth, "1") == 0)) {
        *is_deep = depth[0] == '1';
        return 0;
    }
    if (!depth || strcasecmp(depth, "infinity") == 0) {
        return dav_precondition(r, 403, "propfind-finite-depth");
    }
    return dav_status(r, 400, "the header Depth is wrong");
}

static int make_lister(struct dav_request *r, struct lister **out)
{
    struct lister *l = calloc(1, sizeof(*l));
    int code = 0;

    if (!l) {
        return error_set(&r->err, ERR_NO_MEMORY, "no memory for a listing");
    }
    l->dav = r->dav;
    l->connection = r->connection;
    l->watch = r->watch;
    l->watch.until_answer = true;
    buf_init(&l->pending, PENDING_MAX);
    code = str_copy(&l->shown, r->shown, &r->err);
    if (code == 0) {
        code = str_copy(&l->key, r->key, &r->err);
    }
    if (code < 0) {
        lister_free(l);
        return code;
    }
    *out = l;
    return 0;
}

static int answer(struct dav_request *r, struct lister **l)
{
    struct vfs_attr attr;
    bool is_deep = false;
    int result = read_depth(r, &is_deep);

    if (result == 0) {
        result = read_question(r, *l);
    }
    if (result == 0) {
        result = dav_lookup(r, &attr, r->path, &r->err);
    }
    if (result != 0) {
        return result;
    }
    result = dav_check_if(r);
    if (result == 0) {
        result = begin(r, *l, &attr, is_deep);
    }
    dav_forget(r, &attr);
    if (result != 0) {
        return result;
    }
    r->response =
        MHD_create_response_from_callback((*l)->is_ended ? (*l)->pending.size : MHD_SIZE_UNKNOWN,
                                          DAV_BLOCK, send_more, *l, lister_free);
    if (!r->response) {
        return error_set(&r->err, ERR_NO_MEMORY, "no memory for a listing");
    }
    *l = NULL; /* the response's */
    MHD_add_response_header(r->response, "Content-Type", "application/xml; charset=utf-8");
    return 207;
}

int dav_propfind_outside(struct dav_request *r)
{
    bool is_deep = false;
    int result = read_depth(r, &is_deep);

    if (result == 0) {
        result = buf_add_text(&r->out,
                              "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<D:multistatus "
                              "xmlns:D=\"DAV:\"><D:response><D:href>/</D:href><D:propstat><D:prop>"
                              "<D:resourcetype><D:collection/></D:resourcetype>"
                              "<D:creationdate>1970-01-01T00:00:00Z</D:creationdate>"
                              "<D:getlastmodified>Thu, 01 Jan 1970 00:00:00 GMT</D:getlastmodified>"
                              "</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>"
                              "</D:response></D:multistatus>\n",
                              &r->err);
        r->type = "application/xml; charset=utf-8";
    }
    return result != 0 ? result : 207;
}

int dav_propfind(struct dav_request *r)
{
    struct lister *l = NULL;
    int result = make_lister(r, &l);

    if (result == 0) {
        result = answer(r, &l);
    }
    if (l) {
        lister_free(l);
    }
    return result;
}
