#include "dead_props.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/thread.h"
#include "base/xml_text.h"
#include "path.h"
#include "xml.h"

#define BUCKETS 1024u

struct prop {
    char *key;
    char *ns;
    char *name;
    char *value;
    size_t bytes; /* that it costs */
    struct prop *next;
};

struct dav_props {
    struct mutex mutex; /* guards all below */
    struct prop *buckets[BUCKETS];
    size_t bytes;
    size_t count;
};

int dav_props_new(struct dav_props **out, struct error *err)
{
    struct dav_props *props = calloc(1, sizeof(*props));

    if (!props) {
        return error_set(err, ERR_NO_MEMORY, "no memory for properties");
    }
    mutex_init(&props->mutex);
    *out = props;
    return 0;
}

static void free_prop(struct prop *prop)
{
    free(prop->key);
    free(prop->ns);
    free(prop->name);
    free(prop->value);
    free(prop);
}

void dav_props_free(struct dav_props *props)
{
    if (!props) {
        return;
    }
    dav_props_drop_tree(props, "");
    mutex_clear(&props->mutex);
    free(props);
}

static struct prop **bucket_of(struct dav_props *props, const char *key)
{
    return &props->buckets[str_hash(key) % BUCKETS];
}

static int make_prop(struct prop **out, const char *key, const char *ns, const char *name,
                     const char *value, struct error *err)
{
    struct prop *prop = calloc(1, sizeof(*prop));
    int code = prop ? 0 : error_set(err, ERR_NO_MEMORY, "no memory for a property");

    if (code == 0) {
        code = str_copy(&prop->key, key, err);
    }
    if (code == 0) {
        code = str_copy(&prop->ns, ns, err);
    }
    if (code == 0) {
        code = str_copy(&prop->name, name, err);
    }
    if (code == 0) {
        code = str_copy(&prop->value, value, err);
    }
    if (code < 0) {
        if (prop) {
            free_prop(prop);
        }
        return code;
    }
    prop->bytes = sizeof(*prop) + strlen(key) + strlen(ns) + strlen(name) + strlen(value) + 4;
    *out = prop;
    return 0;
}

/* The mutex is held, here and below. */
static void unlink_at(struct dav_props *props, struct prop **at)
{
    struct prop *prop = *at;

    *at = prop->next;
    props->bytes -= prop->bytes;
    props->count--;
    free_prop(prop);
}

static void remove_one(struct dav_props *props, const char *key, const char *ns, const char *name)
{
    struct prop **at = bucket_of(props, key);

    while (*at) {
        if (strcmp((*at)->key, key) == 0 && strcmp((*at)->ns, ns) == 0 &&
            strcmp((*at)->name, name) == 0) {
            unlink_at(props, at);
            return;
        }
        at = &(*at)->next;
    }
}

/* Takes the prop when it returns 0. */
static int insert(struct dav_props *props, struct prop *prop, struct error *err)
{
    struct prop **bucket = bucket_of(props, prop->key);
    size_t of_item = 0;

    for (struct prop *other = *bucket; other; other = other->next) {
        of_item += strcmp(other->key, prop->key) == 0;
    }
    if (of_item >= DAV_PROPS_ITEM_MAX || props->bytes + prop->bytes > DAV_PROPS_BYTES_MAX) {
        return error_set(err, ERR_NO_SPACE, "there is no room for more properties");
    }
    prop->next = *bucket;
    *bucket = prop;
    props->bytes += prop->bytes;
    props->count++;
    return 0;
}

int dav_props_set(struct dav_props *props, const char *key, const char *ns, const char *name,
                  const char *value, struct error *err)
{
    struct prop *prop = NULL;
    int code = value ? make_prop(&prop, key, ns, name, value, err) : 0;

    if (code < 0) {
        return code;
    }
    mutex_lock(&props->mutex);
    remove_one(props, key, ns, name);
    if (prop) {
        code = insert(props, prop, err);
    }
    mutex_unlock(&props->mutex);
    if (code < 0) {
        free_prop(prop);
    }
    return code;
}

static int write_prop(struct buf *out, const struct prop *prop, bool name_only, struct error *err)
{
    int code = buf_add_format(out, err, "<%s xmlns=\"", prop->name);

    if (code == 0) {
        code = xml_text_add(out, prop->ns, true, err);
    }
    if (code == 0) {
        code = name_only || !prop->value[0]
                   ? buf_add_text(out, "\"/>", err)
                   : buf_add_format(out, err, "\">%s</%s>", prop->value, prop->name);
    }
    return code;
}

int dav_props_write(struct dav_props *props, struct buf *out, const char *key, const char *ns,
                    const char *name, bool *found, struct error *err)
{
    int code = 0;

    *found = false;
    mutex_lock(&props->mutex);
    for (struct prop *prop = *bucket_of(props, key); prop && !*found; prop = prop->next) {
        if (strcmp(prop->key, key) == 0 && strcmp(prop->ns, ns) == 0 &&
            strcmp(prop->name, name) == 0) {
            *found = true;
            code = write_prop(out, prop, false, err);
        }
    }
    mutex_unlock(&props->mutex);
    return code;
}

int dav_props_write_all(struct dav_props *props, struct buf *out, const char *key, bool names_only,
                        struct error *err)
{
    int code = 0;

    mutex_lock(&props->mutex);
    for (struct prop *prop = *bucket_of(props, key); prop && code == 0; prop = prop->next) {
        if (strcmp(prop->key, key) == 0) {
            code = write_prop(out, prop, names_only, err);
        }
    }
    mutex_unlock(&props->mutex);
    return code;
}

static void drop_tree(struct dav_props *props, const char *key)
{
    for (size_t i = 0; i < BUCKETS && props->count > 0; i++) {
        struct prop **at = &props->buckets[i];

        while (*at) {
            if (dav_key_is_below((*at)->key, key)) {
                unlink_at(props, at);
            } else {
                at = &(*at)->next;
            }
        }
    }
}

void dav_props_drop_tree(struct dav_props *props, const char *key)
{
    mutex_lock(&props->mutex);
    drop_tree(props, key);
    mutex_unlock(&props->mutex);
}

static int copy_prop(struct prop **list, const struct prop *prop, const char *from, const char *to,
                     struct error *err)
{
    struct prop *copy = NULL;
    char *key = NULL;
    int code = str_format(&key, err, "%s%s", to, prop->key + strlen(from));

    if (code == 0) {
        code = make_prop(&copy, key, prop->ns, prop->name, prop->value, err);
    }
    free(key);
    if (code == 0) {
        copy->next = *list;
        *list = copy;
    }
    return code;
}

/* In two steps, since what is inserted might be found again by the walk. */
static int copy_tree(struct dav_props *props, const char *from, const char *to, bool with_below,
                     struct error *err)
{
    struct prop *list = NULL;
    int code = 0;

    for (size_t i = 0; i < BUCKETS && code == 0 && props->count > 0; i++) {
        for (struct prop *prop = props->buckets[i]; prop && code == 0; prop = prop->next) {
            if (with_below ? dav_key_is_below(prop->key, from) : strcmp(prop->key, from) == 0) {
                code = copy_prop(&list, prop, from, to, err);
            }
        }
    }
    if (code == 0) {
        drop_tree(props, to);
    }
    while (list) {
        struct prop *prop = list;

        list = prop->next;
        if (code == 0) {
            code = insert(props, prop, err);
        }
        if (code < 0) {
            free_prop(prop);
        }
    }
    return code;
}

int dav_props_copy_tree(struct dav_props *props, const char *from, const char *to, bool with_below,
                        struct error *err)
{
    int code = 0;

    mutex_lock(&props->mutex);
    code = copy_tree(props, from, to, with_below, err);
    mutex_unlock(&props->mutex);
    return code;
}

int dav_props_move_tree(struct dav_props *props, const char *from, const char *to,
                        struct error *err)
{
    int code = 0;

    mutex_lock(&props->mutex);
    if (strcmp(from, to) != 0) { /* else only the case changes */
        code = copy_tree(props, from, to, true, err);
        drop_tree(props, from);
    }
    mutex_unlock(&props->mutex);
    return code;
}
