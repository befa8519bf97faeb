/*
 * library.c - what is known of a library, and lists of that.
 */
#include "mapper/discover.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "mapper/url.h"

#define LIBRARY_LIST_LIMIT 100000

/* Every text of a struct library; the one list of them. */
#define LIBRARY_TEXTS(X) \
    X(key)               \
    X(tenant_id)         \
    X(tenant)            \
    X(site_id)           \
    X(list_id)           \
    X(drive_id)          \
    X(site_url)          \
    X(url)               \
    X(site_title)        \
    X(title)             \
    X(folder_path)       \
    X(name)              \
    X(reason)

void library_clear(struct library *library)
{
    if (!library) {
        return;
    }
#define FREE_TEXT(field) str_free(&library->field);
    LIBRARY_TEXTS(FREE_TEXT)
#undef FREE_TEXT
    memset(library, 0, sizeof(*library));
}

int library_copy(struct library *out, const struct library *from, struct error *err)
{
    struct library copy = *from;
    int code = 0;

#define EMPTY_TEXT(field) copy.field = NULL;
    LIBRARY_TEXTS(EMPTY_TEXT)
#undef EMPTY_TEXT
#define COPY_TEXT(field)                                \
    if (code == 0) {                                    \
        code = str_copy(&copy.field, from->field, err); \
    }
    LIBRARY_TEXTS(COPY_TEXT)
#undef COPY_TEXT
    if (code < 0) {
        library_clear(&copy);
        return code;
    }
    *out = copy;
    return 0;
}

int library_list_add(struct library_list *list, struct library *library_moved, struct error *err)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 32;
        struct library *items = NULL;

        if (list->count < LIBRARY_LIST_LIMIT) {
            items = realloc(list->items, capacity * sizeof(*items));
        }
        if (!items) {
            bool is_full = list->count >= LIBRARY_LIST_LIMIT;

            library_clear(library_moved);
            return error_set(err, is_full ? ERR_LIMIT : ERR_NO_MEMORY,
                             is_full ? "more than %zu libraries" : "no memory for %zu libraries",
                             list->count);
        }
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = *library_moved;
    memset(library_moved, 0, sizeof(*library_moved));
    return 0;
}

struct library *library_list_find(const struct library_list *list, const char *key)
{
    for (size_t i = 0; i < list->count; i++) {
        if (str_equal(list->items[i].key, key)) {
            return &list->items[i];
        }
    }
    return NULL;
}

void library_list_clear(struct library_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        library_clear(&list->items[i]);
    }
    free(list->items);
    *list = (struct library_list){0};
}

int library_list_copy(struct library_list *out, const struct library_list *from, struct error *err)
{
    struct library_list copy = {0};
    int code = 0;

    for (size_t i = 0; code == 0 && i < from->count; i++) {
        struct library library = {0};

        code = library_copy(&library, &from->items[i], err);
        code = code < 0 ? code : library_list_add(&copy, &library, err);
    }
    if (code < 0) {
        library_list_clear(&copy);
        return code;
    }
    *out = copy;
    return 0;
}

int library_key(char **out, const char *tenant_id, const char *site_id, const char *list_id,
                const char *folder_path, struct error *err)
{
    char *text = NULL;
    int code = str_format(&text, err, "%s/%s/%s%s%s", tenant_id, site_id, list_id,
                          folder_path ? "/" : "", folder_path ? folder_path : "");

    code = code < 0 ? code : url_fold(out, text, err);
    str_free(&text);
    return code;
}

int library_address(char **out, const struct library *library, struct error *err)
{
    return str_format(out, err, "%s%s%s", library->url, library->folder_path ? "/" : "",
                      library->folder_path ? library->folder_path : "");
}

const char *library_below(const struct library *library, const char *url)
{
    const char *rest = url_below(url, library->url);

    return rest && library->folder_path ? url_below(rest, library->folder_path) : rest;
}
