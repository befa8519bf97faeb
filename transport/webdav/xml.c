#include "xml.h"

#include <expat.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xml_text.h"

#define SEPARATOR '\t' /* cannot stand in a name */
#define ATTRS_MAX 64

struct builder {
    XML_Parser parser;
    struct dav_xml *root;
    struct dav_xml *open; /* the element that is being read */
    size_t nodes;
    size_t depth;
    int code; /* first failure */
    struct error *err;
};

static void free_node(struct dav_xml *node)
{
    while (node->attrs) {
        struct dav_xml_attr *attr = node->attrs;

        node->attrs = attr->next;
        free(attr->ns);
        free(attr->name);
        free(attr->value);
        free(attr);
    }
    free(node->ns);
    free(node->name);
    free(node->text);
    free(node);
}

void dav_xml_free(struct dav_xml *root)
{
    struct dav_xml *node = root;

    while (node) {
        struct dav_xml *next = node->first;

        if (next) { /* children first; the list shortens as we go */
            node->first = next->next;
            node = next;
            continue;
        }
        next = node == root ? NULL : node->parent;
        free_node(node);
        node = next;
    }
}

static void give_up(struct builder *b, int code, const char *why)
{
    if (b->code == 0) {
        b->code = error_set(b->err, code, "the XML of the request %s", why);
    }
    XML_StopParser(b->parser, XML_FALSE);
}

/* "namespace<tab>name" apart. */
static int split(char **ns, char **name, const char *both, struct error *err)
{
    const char *tab = strchr(both, SEPARATOR);
    int code = str_copy_n(ns, both, tab ? (size_t)(tab - both) : 0, err);

    return code < 0 ? code : str_copy(name, tab ? tab + 1 : both, err);
}

static struct dav_xml *add_node(struct builder *b)
{
    struct dav_xml *node = NULL;

    if (++b->nodes > DAV_XML_NODES_MAX) {
        give_up(b, ERR_LIMIT, "has too many elements");
        return NULL;
    }
    node = calloc(1, sizeof(*node));
    if (!node) {
        give_up(b, ERR_NO_MEMORY, "needs more memory than there is");
        return NULL;
    }
    node->parent = b->open;
    if (!b->open) {
        b->root = node;
    } else if (b->open->last) {
        b->open->last->next = node;
        b->open->last = node;
    } else {
        b->open->first = node;
        b->open->last = node;
    }
    return node;
}

static int add_attrs(struct dav_xml *node, const char **attrs, struct error *err)
{
    struct dav_xml_attr **last = &node->attrs;
    int code = 0;

    for (size_t i = 0; code == 0 && attrs[i] && i < ATTRS_MAX * 2; i += 2) {
        struct dav_xml_attr *attr = calloc(1, sizeof(*attr));

        if (!attr) {
            return error_set(err, ERR_NO_MEMORY, "no memory for the XML of a request");
        }
        *last = attr;
        last = &attr->next;
        code = split(&attr->ns, &attr->name, attrs[i], err);
        if (code == 0) {
            code = str_copy(&attr->value, attrs[i + 1], err);
        }
    }
    return code;
}

static void on_start(void *payload, const char *name, const char **attrs)
{
    struct builder *b = payload;
    struct dav_xml *node = NULL;

    if (++b->depth > DAV_XML_DEPTH_MAX) {
        give_up(b, ERR_LIMIT, "is nested too deep");
        return;
    }
    node = add_node(b);
    if (!node) {
        return;
    }
    b->open = node;
    if (split(&node->ns, &node->name, name, NULL) < 0 || add_attrs(node, attrs, NULL) < 0) {
        give_up(b, ERR_NO_MEMORY, "needs more memory than there is");
    }
}

static void on_end(void *payload, const char *name)
{
    struct builder *b = payload;

    (void)name;
    b->depth--;
    if (b->open && b->open->parent) {
        b->open = b->open->parent;
    }
}

/* expat gives a long text in pieces. */
static void on_text(void *payload, const char *text, int length)
{
    struct builder *b = payload;
    struct dav_xml *node = b->open ? b->open->last : NULL;
    size_t old = 0;
    char *longer = NULL;

    if (!b->open || b->code < 0) {
        return;
    }
    if (!node || node->name) {
        node = add_node(b);
        if (!node) {
            return;
        }
    }
    old = node->text ? strlen(node->text) : 0;
    longer = realloc(node->text, old + (size_t)length + 1);
    if (!longer) {
        give_up(b, ERR_NO_MEMORY, "needs more memory than there is");
        return;
    }
    memcpy(longer + old, text, (size_t)length);
    longer[old + (size_t)length] = '\0';
    node->text = longer;
}

static void on_doctype(void *payload, const char *name, const char *system, const char *public,
                       int has_internal)
{
    (void)name;
    (void)system;
    (void)public;
    (void)has_internal;
    give_up(payload, ERR_INVALID, "has a document type, which is refused");
}

int dav_xml_parse(struct dav_xml **out, const char *data, size_t size, struct error *err)
{
    struct builder b = {.err = err};

    if (size > DAV_XML_BYTES_MAX) {
        return error_set(err, ERR_LIMIT, "the XML of the request is too long");
    }
    b.parser = XML_ParserCreateNS(NULL, SEPARATOR);
    if (!b.parser) {
        return error_set(err, ERR_NO_MEMORY, "no memory for the XML of a request");
    }
    XML_SetUserData(b.parser, &b);
    XML_SetElementHandler(b.parser, on_start, on_end);
    XML_SetCharacterDataHandler(b.parser, on_text);
    XML_SetStartDoctypeDeclHandler(b.parser, on_doctype);
    if (XML_Parse(b.parser, data, (int)size, 1) != XML_STATUS_OK && b.code == 0) {
        b.code =
            error_set(err, ERR_INVALID, "the XML of the request is not well-formed: %s in line %lu",
                      XML_ErrorString(XML_GetErrorCode(b.parser)),
                      (unsigned long)XML_GetCurrentLineNumber(b.parser));
    }
    XML_ParserFree(b.parser);
    if (b.code < 0) {
        dav_xml_free(b.root);
        return b.code;
    }
    *out = b.root;
    return 0;
}

bool dav_xml_is(const struct dav_xml *node, const char *ns, const char *name)
{
    return node && node->name && strcmp(node->ns, ns) == 0 && strcmp(node->name, name) == 0;
}

static const struct dav_xml *element(const struct dav_xml *node)
{
    while (node && !node->name) {
        node = node->next;
    }
    return node;
}

const struct dav_xml *dav_xml_first(const struct dav_xml *node)
{
    return element(node->first);
}

const struct dav_xml *dav_xml_next(const struct dav_xml *node)
{
    return element(node->next);
}

const struct dav_xml *dav_xml_child(const struct dav_xml *node, const char *name)
{
    for (const struct dav_xml *child = dav_xml_first(node); child; child = dav_xml_next(child)) {
        if (dav_xml_is(child, DAV_NS, name)) {
            return child;
        }
    }
    return NULL;
}

int dav_xml_text(struct buf *out, const struct dav_xml *node, struct error *err)
{
    int code = 0;

    for (const struct dav_xml *child = node->first; child && code == 0; child = child->next) {
        if (!child->name) {
            code = buf_add_text(out, child->text, err);
        }
    }
    return code;
}

static int write_attr(struct buf *out, const struct dav_xml_attr *attr, size_t number,
                      struct error *err)
{
    bool is_xml = strcmp(attr->ns, "http://www.w3.org/XML/1998/namespace") == 0;
    int code = 0;

    if (is_xml || attr->ns[0] == '\0') {
        code = buf_add_format(out, err, " %s%s=\"", is_xml ? "xml:" : "", attr->name);
    } else {
        code = buf_add_format(out, err, " xmlns:a%zu=\"", number);
        if (code == 0) {
            code = xml_text_add(out, attr->ns, true, err);
        }
        if (code == 0) {
            code = buf_add_format(out, err, "\" a%zu:%s=\"", number, attr->name);
        }
    }
    if (code == 0) {
        code = xml_text_add(out, attr->value, true, err);
    }
    return code < 0 ? code : buf_add(out, "\"", 1, err);
}

/* Each element says its namespace itself, so that it can be put anywhere. */
static int write_start(struct buf *out, const struct dav_xml *node, struct error *err)
{
    size_t number = 0;
    int code = buf_add_format(out, err, "<%s xmlns=\"", node->name);

    if (code == 0) {
        code = xml_text_add(out, node->ns, true, err);
    }
    if (code == 0) {
        code = buf_add(out, "\"", 1, err);
    }
    for (const struct dav_xml_attr *attr = node->attrs; attr && code == 0; attr = attr->next) {
        code = write_attr(out, attr, number++, err);
    }
    return code < 0 ? code : buf_add(out, ">", 1, err);
}

int dav_xml_write_inside(struct buf *out, const struct dav_xml *node, struct error *err)
{
    const struct dav_xml *at = node->first;
    int code = 0;

    while (at && code == 0) {
        if (!at->name) {
            code = xml_text_add(out, at->text, false, err);
        } else {
            code = write_start(out, at, err);
            if (code == 0 && at->first) {
                at = at->first;
                continue;
            }
            if (code == 0) {
                code = buf_add_format(out, err, "</%s>", at->name);
            }
        }
        while (code == 0 && at && !at->next) { /* up, closing what ends here */
            at = at->parent == node ? NULL : at->parent;
            if (at) {
                code = buf_add_format(out, err, "</%s>", at->name);
            }
        }
        at = at ? at->next : NULL;
    }
    return code;
}
