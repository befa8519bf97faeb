/*
 * name.c - the path of a library, which never changes, and its label, which may.
 */
#include "mapper/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "mapper/url.h"

#define LABEL_MAX_BYTES 4096

/* Names that stand for something else in our own folders. */
static bool is_reserved(const char *component)
{
    return str_equal_nocase(component, "OneDrive") || str_equal_nocase(component, "drives");
}

static int reserve(char **component, struct error *err)
{
    char *longer = NULL;
    int code;

    if (!is_reserved(*component)) {
        return 0;
    }
    code = str_format(&longer, err, "%s~", *component);
    if (code == 0) {
        str_free(component);
        *component = longer;
    }
    return code;
}

int name_path(char **out, const struct library *library, struct error *err)
{
    char *tenant = NULL;
    char *site = NULL;
    char *name = NULL;
    char *address = NULL;
    int code = url_legal_component(&tenant, library->tenant, err);

    code = code < 0 ? code : reserve(&tenant, err);
    if (code == 0 && library->kind == LIBRARY_ONEDRIVE) {
        code = str_format(out, err, "%s/OneDrive", tenant);
        goto out;
    }
    code = code < 0 ? code : url_site_component(&site, library->site_url, err);
    code = code < 0 ? code : reserve(&site, err);
    code = code < 0 ? code : library_address(&address, library, err);
    code = code < 0 ? code : url_library_component(&name, library->site_url, address, err);
    code = code < 0 ? code : str_format(out, err, "%s/%s/%s", tenant, site, name);
out:
    str_free(&tenant);
    str_free(&site);
    str_free(&name);
    str_free(&address);
    return code;
}

static const char *last_segment(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* One {placeholder} at `format`, or one character; moves on. */
static int add_part(struct buf *out, const char **format, const struct library *library,
                    const char *site, const char *name, struct error *err)
{
    const struct {
        const char *placeholder;
        const char *text;
    } parts[] = {{"{site}", site}, {"{library}", name}, {"{tenant}", library->tenant}};

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (str_starts_with_nocase(*format, parts[i].placeholder)) {
            *format += strlen(parts[i].placeholder);
            return buf_add_text(out, parts[i].text, err);
        }
    }
    return buf_add(out, (*format)++, 1, err);
}

static int format_label(struct buf *out, const struct library *library, const char *format,
                        struct error *err)
{
    char *site = NULL;
    char *name = NULL;
    int code = library->site_title && library->site_title[0]
                   ? str_copy(&site, library->site_title, err)
                   : url_site_component(&site, library->site_url, err);

    if (code == 0) {
        code = library->folder_path ? str_copy(&name, last_segment(library->folder_path), err)
               : library->title && library->title[0]
                   ? str_copy(&name, library->title, err)
                   : str_copy(&name, last_segment(library->url), err);
    }
    while (code == 0 && *format) {
        code = add_part(out, &format, library, site, name, err);
    }
    str_free(&site);
    str_free(&name);
    return code;
}

int name_label(char **out, const struct library *library, const char *name_format,
               struct error *err)
{
    struct buf text;
    int code;

    buf_init(&text, LABEL_MAX_BYTES);
    if (library->name && library->name[0]) {
        code = buf_add_text(&text, library->name, err);
    } else if (library->kind == LIBRARY_ONEDRIVE) {
        code = buf_add_format(&text, err, "OneDrive - %s", library->tenant);
    } else {
        code = format_label(&text, library, name_format, err);
    }
    if (code == ERR_LIMIT) { /* a label of titles nobody could read anyway */
        error_clear(err);
        code = 0;
    }
    code = code < 0 ? code : url_legal_component(out, buf_text(&text), err);
    buf_clear(&text);
    return code;
}
