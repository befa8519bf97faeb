/*
 * proppatch.c - PROPPATCH: properties set and removed, all of them or none.
 *
 * Times that Windows sets become times of the file; its attributes and the time of last access are
 * accepted and dropped, since a refusal breaks copies in Explorer (windows-facts 3.6).
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xml_text.h"
#include "live_props.h"
#include "method.h"
#include "webdav_internal.h"
#include "xml.h"

#define VALUE_MAX (128u * 1024)

/* One property that is set or removed, in the order of the document. */
typedef int (*visit_fn)(struct dav_request *r, void *payload, const struct dav_xml *prop,
                        bool is_set);

static int visit_all(struct dav_request *r, const struct dav_xml *root, visit_fn visit,
                     void *payload)
{
    int code = 0;

    for (const struct dav_xml *step = dav_xml_first(root); step && code == 0;
         step = dav_xml_next(step)) {
        bool is_set = dav_xml_is(step, DAV_NS, "set");
        const struct dav_xml *props = dav_xml_child(step, "prop");

        if ((!is_set && !dav_xml_is(step, DAV_NS, "remove")) || !props) {
            continue;
        }
        for (const struct dav_xml *prop = dav_xml_first(props); prop && code == 0;
             prop = dav_xml_next(prop)) {
            code = visit(r, payload, prop, is_set);
        }
    }
    return code;
}

static bool is_protected(const struct dav_xml *prop)
{
    const struct dav_live_prop *live = dav_live_find(prop->ns, prop->name);

    return live && !(live->flags & DAV_LIVE_SETTABLE);
}

struct summary {
    size_t count;
    size_t refused;
};

static int count_prop(struct dav_request *r, void *payload, const struct dav_xml *prop, bool is_set)
{
    struct summary *summary = payload;

    (void)r;
    (void)is_set;
    summary->count++;
    summary->refused += is_protected(prop);
    return 0;
}

/* Collects what Windows sets; other values are ignored. */
static int read_time(struct vfs_set *set, const struct dav_xml *prop)
{
    struct buf text;
    int64_t ms = 0;

    buf_init(&text, 256);
    if (dav_xml_text(&text, prop, NULL) == 0 && clock_parse_http_date(buf_text(&text), &ms)) {
        if (strcmp(prop->name, "Win32LastModifiedTime") == 0) {
            set->flags |= VFS_SET_MODIFIED;
            set->modified_ms = ms;
        } else if (strcmp(prop->name, "Win32CreationTime") == 0) {
            set->flags |= VFS_SET_CREATED;
            set->created_ms = ms;
        }
    }
    buf_clear(&text);
    return 0;
}

static int set_prop(struct dav_request *r, void *payload, const struct dav_xml *prop, bool is_set)
{
    struct buf value;
    int code = 0;

    if (dav_live_find(prop->ns, prop->name)) {
        return is_set ? read_time(payload, prop) : 0;
    }
    if (!is_set) {
        return dav_props_set(r->dav->props, r->key, prop->ns, prop->name, NULL, &r->err);
    }
    buf_init(&value, VALUE_MAX);
    code = dav_xml_write_inside(&value, prop, &r->err);
    code = code == ERR_LIMIT ? error_set(&r->err, ERR_NO_SPACE, "a property is too long") : code;
    if (code == 0) {
        code =
            dav_props_set(r->dav->props, r->key, prop->ns, prop->name, buf_text(&value), &r->err);
    }
    buf_clear(&value);
    return code;
}

/* What is the same already, to the second, costs no request. A file that a client has just made
 * empty gets its times with its content: through the handle that is held. */
static int set_times(struct dav_request *r, const struct vfs_attr *attr, struct vfs_set *set)
{
    struct vfs_call call = dav_save_call(r);
    struct vfs_file *file = NULL;
    struct vfs_attr now;
    uint64_t id = attr->id;
    int code = 0;

    if ((set->flags & VFS_SET_MODIFIED) && set->modified_ms / 1000 == attr->modified_ms / 1000) {
        set->flags &= ~(unsigned)VFS_SET_MODIFIED;
    }
    if ((set->flags & VFS_SET_CREATED) && set->created_ms / 1000 == attr->created_ms / 1000) {
        set->flags &= ~(unsigned)VFS_SET_CREATED;
    }
    if (set->flags == 0 || attr->kind != VFS_FILE) {
        return 0;
    }
    file = dav_held_take(r->dav->held, r->key, &id);
    code = vfs_setattr(r->dav->vfs, &now, id, file, set, &call, &r->err);
    if (file) {
        dav_held_add(r->dav->held, r->key, id, file);
    }
    return code;
}

struct report {
    bool has_refusal;
    bool of_refused; /* which of the two kinds is written */
};

static int write_name(struct dav_request *r, void *payload, const struct dav_xml *prop, bool is_set)
{
    const struct report *report = payload;
    int code = 0;

    (void)is_set;
    if (report->has_refusal && is_protected(prop) != report->of_refused) {
        return 0;
    }
    code = buf_add_format(&r->out, &r->err, "<%s xmlns=\"", prop->name);
    if (code == 0) {
        code = xml_text_add(&r->out, prop->ns, true, &r->err);
    }
    return code < 0 ? code : buf_add_text(&r->out, "\"/>", &r->err);
}

static int write_kind(struct dav_request *r, const struct dav_xml *root, struct report report,
                      const char *status)
{
    int code = buf_add_text(&r->out, "<D:propstat><D:prop>", &r->err);

    if (code == 0) {
        code = visit_all(r, root, write_name, &report);
    }
    return code < 0
               ? code
               : buf_add_format(&r->out, &r->err,
                                "</D:prop><D:status>HTTP/1.1 %s</D:status></D:propstat>", status);
}

static int report(struct dav_request *r, const struct dav_xml *root, const struct summary *summary,
                  bool is_folder)
{
    struct report kind = {.has_refusal = summary->refused > 0, .of_refused = true};
    int code = buf_add_text(&r->out,
                            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<D:multistatus "
                            "xmlns:D=\"DAV:\"><D:response><D:href>",
                            &r->err);

    if (code == 0) {
        code = dav_write_href(r->dav, &r->out, r->shown, is_folder, &r->err);
    }
    if (code == 0) {
        code = buf_add_text(&r->out, "</D:href>", &r->err);
    }
    if (code == 0) {
        code = write_kind(r, root, kind, kind.has_refusal ? "403 Forbidden" : "200 OK");
    }
    if (code == 0 && kind.has_refusal && summary->refused < summary->count) {
        kind.of_refused = false;
        code = write_kind(r, root, kind, "424 Failed Dependency");
    }
    if (code == 0) {
        code = buf_add_text(&r->out, "</D:response></D:multistatus>\n", &r->err);
    }
    r->type = "application/xml; charset=utf-8";
    return code < 0 ? code : 207;
}

static int change(struct dav_request *r, const struct dav_xml *root, const struct vfs_attr *attr)
{
    struct summary summary = {.count = 0};
    struct vfs_set set = {.flags = 0};
    int result = dav_check_preconditions(r, attr);

    if (result == 0) {
        result = dav_check_if(r);
    }
    if (result == 0) {
        result = dav_check_locks(r, r->key, false);
    }
    if (result != 0) {
        return result;
    }
    visit_all(r, root, count_prop, &summary);
    if (summary.count == 0) {
        return dav_status(r, 400, "the propertyupdate changes nothing");
    }
    if (summary.refused == 0) {
        result = visit_all(r, root, set_prop, &set);
        if (result == 0) {
            result = set_times(r, attr, &set);
        }
    }
    return result < 0 ? result : report(r, root, &summary, dav_is_folder(attr));
}

int dav_proppatch(struct dav_request *r)
{
    struct dav_xml *root = NULL;
    struct vfs_attr attr;
    int result = dav_lookup(r, &attr, r->path, &r->err);

    if (result < 0) {
        return result;
    }
    if (dav_xml_parse(&root, r->body.data ? r->body.data : "", r->body.size, &r->err) < 0) {
        result = dav_status(r, r->err.code == ERR_NO_MEMORY ? 503 : 400, "%s", r->err.message);
    } else if (!dav_xml_is(root, DAV_NS, "propertyupdate")) {
        result = dav_status(r, 400, "the body of PROPPATCH is no propertyupdate");
    } else {
        result = change(r, root, &attr);
    }
    dav_xml_free(root);
    dav_forget(r, &attr);
    return result;
}
