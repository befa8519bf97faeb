#include "live_props.h"

#include <string.h>

#include "base/clock.h"
#include "xml.h"

static int write_date(struct buf *out, int64_t wall_ms, struct error *err)
{
    char text[DAV_DATE_SIZE];

    dav_http_date(text, wall_ms);
    return buf_add_text(out, text, err);
}

static int write_created(struct buf *out, const struct dav_subject *s, struct error *err)
{
    char text[40];

    clock_format_iso(text, sizeof(text), s->attr->created_ms / 1000 * 1000);
    return buf_add_text(out, text, err);
}

static int write_modified(struct buf *out, const struct dav_subject *s, struct error *err)
{
    return write_date(out, s->attr->modified_ms, err);
}

static int write_win32_created(struct buf *out, const struct dav_subject *s, struct error *err)
{
    return write_date(out, s->attr->created_ms, err);
}

static int write_length(struct buf *out, const struct dav_subject *s, struct error *err)
{
    return buf_add_format(out, err, "%llu", (unsigned long long)s->attr->size_bytes);
}

static int write_etag(struct buf *out, const struct dav_subject *s, struct error *err)
{
    char etag[DAV_ETAG_SIZE];

    dav_etag(etag, s->attr);
    return buf_add_text(out, etag, err);
}

static int write_type(struct buf *out, const struct dav_subject *s, struct error *err)
{
    return dav_is_folder(s->attr) ? buf_add_text(out, "<D:collection/>", err) : 0;
}

static int write_content_type(struct buf *out, const struct dav_subject *s, struct error *err)
{
    (void)s;
    return buf_add_text(out, "application/octet-stream", err);
}

static int write_locks(struct buf *out, const struct dav_subject *s, struct error *err)
{
    return dav_locks_write(s->locks, out, s->key, NULL, err);
}

static int write_supported(struct buf *out, const struct dav_subject *s, struct error *err)
{
    (void)s;
    return buf_add_text(out,
                        "<D:lockentry><D:lockscope><D:exclusive/></D:lockscope><D:locktype>"
                        "<D:write/></D:locktype></D:lockentry><D:lockentry><D:lockscope><D:shared/>"
                        "</D:lockscope><D:locktype><D:write/></D:locktype></D:lockentry>",
                        err);
}

static int write_free(struct buf *out, const struct dav_subject *s, struct error *err)
{
    if (!s->space || s->space->total_bytes == 0) {
        return ERR_NOT_FOUND;
    }
    return buf_add_format(out, err, "%llu", (unsigned long long)s->space->free_bytes);
}

static int write_used(struct buf *out, const struct dav_subject *s, struct error *err)
{
    if (!s->space || s->space->total_bytes == 0 || s->space->free_bytes > s->space->total_bytes) {
        return ERR_NOT_FOUND;
    }
    return buf_add_format(out, err, "%llu",
                          (unsigned long long)(s->space->total_bytes - s->space->free_bytes));
}

/* FILE_ATTRIBUTE_READONLY is 1, DIRECTORY 0x10, ARCHIVE 0x20. */
static int write_win32_attributes(struct buf *out, const struct dav_subject *s, struct error *err)
{
    unsigned value = dav_is_folder(s->attr) ? 0x10 : 0x20;

    return buf_add_format(out, err, "%08x", value | (s->attr->is_read_only ? 1u : 0));
}

static const struct dav_live_prop props[] = {
    {DAV_NS, "resourcetype", DAV_LIVE_ALLPROP, write_type},
    {DAV_NS, "getcontentlength", DAV_LIVE_ALLPROP | DAV_LIVE_FILES, write_length},
    {DAV_NS, "getlastmodified", DAV_LIVE_ALLPROP, write_modified},
    {DAV_NS, "creationdate", DAV_LIVE_ALLPROP, write_created},
    {DAV_NS, "getetag", DAV_LIVE_ALLPROP | DAV_LIVE_FILES, write_etag},
    {DAV_NS, "supportedlock", DAV_LIVE_ALLPROP, write_supported},
    {DAV_NS, "lockdiscovery", DAV_LIVE_ALLPROP, write_locks},
    {DAV_NS, "getcontenttype", DAV_LIVE_FILES, write_content_type},
    {DAV_NS, "quota-available-bytes", 0, write_free},
    {DAV_NS, "quota-used-bytes", 0, write_used},
    {DAV_NS_WIN32, "Win32FileAttributes", DAV_LIVE_ALLPROP | DAV_LIVE_FILES | DAV_LIVE_SETTABLE,
     write_win32_attributes},
    {DAV_NS_WIN32, "Win32CreationTime", DAV_LIVE_SETTABLE, write_win32_created},
    {DAV_NS_WIN32, "Win32LastModifiedTime", DAV_LIVE_SETTABLE, write_modified},
    {DAV_NS_WIN32, "Win32LastAccessTime", DAV_LIVE_SETTABLE, write_modified},
};

const struct dav_live_prop *dav_live_at(size_t index)
{
    return index < sizeof(props) / sizeof(props[0]) ? &props[index] : NULL;
}

const struct dav_live_prop *dav_live_find(const char *ns, const char *name)
{
    for (size_t i = 0; i < sizeof(props) / sizeof(props[0]); i++) {
        if (strcmp(props[i].name, name) == 0 && strcmp(props[i].ns, ns) == 0) {
            return &props[i];
        }
    }
    return NULL;
}

int dav_live_write(struct buf *out, const struct dav_live_prop *prop, const struct dav_subject *s,
                   struct error *err)
{
    const char *prefix = strcmp(prop->ns, DAV_NS) == 0 ? "D" : "Z";
    size_t before = out->size;
    int code = 0;

    if ((prop->flags & DAV_LIVE_FILES) && dav_is_folder(s->attr)) {
        return ERR_NOT_FOUND;
    }
    code = buf_add_format(out, err, "<%s:%s>", prefix, prop->name);
    if (code == 0) {
        code = prop->write(out, s, err);
    }
    if (code == ERR_NOT_FOUND) {
        out->size = before;
        out->data[before] = '\0';
        return code;
    }
    return code < 0 ? code : buf_add_format(out, err, "</%s:%s>", prefix, prop->name);
}
