/*
 * wanted.c - from libraries to the mappings that should be there: plan_wanted().
 */
#include "mapper/plan.h"

#include <stdlib.h>
#include <string.h>

#include "letter.h"
#include "mapper/url.h"
#include "policy/settings.h"

/* A library with its path, for sorting. */
struct candidate {
    const struct library *library; /* borrowed */
    char *path;                    /* owned until it is the mapping's */
};

/* Whether a library is on the host that the tenant began with; sites of another geography or of an
 * old name of the tenant are not. */
static bool is_on_own_host(const struct library *library)
{
    const char *host = strstr(library->url, "://");
    size_t length = strlen(library->tenant);

    host = host ? host + 3 : library->url;
    return strncmp(host, library->tenant, length) == 0 && host[length] == '.';
}

static int by_path(const void *a, const void *b)
{
    const struct candidate *left = a;
    const struct candidate *right = b;
    int order = str_compare_nocase(left->path, right->path);

    if (order == 0) {
        order = (int)is_on_own_host(right->library) - (int)is_on_own_host(left->library);
    }
    if (order == 0) {
        order = str_compare_nocase(left->library->url, right->library->url);
    }
    return order ? order : strcmp(left->library->key, right->library->key);
}

static int collect(struct candidate *out, size_t *count, const struct library_list *libraries,
                   struct error *err)
{
    int code = 0;

    for (size_t i = 0; code == 0 && i < libraries->count; i++) {
        if (libraries->items[i].verdict == LIBRARY_WANTED) {
            out[*count].library = &libraries->items[i];
            code = name_path(&out[*count].path, &libraries->items[i], err);
            *count += 1; /* counted also when it failed: the caller frees */
        }
    }
    return code;
}

/* All but the first of equal paths get the hash of what they are; sorted before, not after. */
static int tag_equals(struct candidate *candidates, size_t count, bool by_key, bool *has_tagged,
                      struct error *err)
{
    size_t first = 0;
    int code = 0;

    *has_tagged = false;
    for (size_t i = 1; code == 0 && i < count; i++) {
        char *longer = NULL;
        char tag[8];

        if (!str_equal_nocase(candidates[first].path, candidates[i].path)) {
            first = i;
            continue;
        }
        url_tag(tag, by_key ? candidates[i].library->key : candidates[i].library->url);
        code = str_format(&longer, err, "%s%s", candidates[i].path, tag);
        if (code == 0) {
            str_free(&candidates[i].path);
            candidates[i].path = longer;
            *has_tagged = true;
        }
    }
    return code;
}

static int make_unique(struct candidate *candidates, size_t count, struct error *err)
{
    bool has_tagged = true;
    int code = 0;

    for (int i = 0; code == 0 && has_tagged && i < 4; i++) { /* more than once only by design */
        qsort(candidates, count, sizeof(*candidates), by_path);
        code = tag_equals(candidates, count, i > 0, &has_tagged, err);
    }
    if (code == 0 && has_tagged) {
        code = error_set(err, ERR_EXISTS, "libraries have the same path whatever is done");
    }
    return code;
}

static int fill(struct plan_mapping_list *out, struct candidate *candidates, size_t count,
                const struct settings *settings, struct error *err)
{
    int code = 0;

    for (size_t i = 0; code == 0 && i < count; i++) {
        struct plan_mapping mapping = {.path = candidates[i].path,
                                       .key = candidates[i].library->key,
                                       .is_read_only = candidates[i].library->is_read_only ||
                                                       settings->read_only};

        code = name_label(&mapping.label, candidates[i].library, settings->name_format, err);
        code = code < 0 ? code : plan_mapping_list_add(out, &mapping, err);
        str_free(&mapping.label);
    }
    return code;
}

int plan_wanted(struct plan_mapping_list *out, struct str_list *notes,
                const struct library_list *libraries, const struct settings *settings,
                const char *taken, struct error *err)
{
    struct candidate *candidates = calloc(libraries->count + 1, sizeof(*candidates));
    const struct library **order = calloc(libraries->count + 1, sizeof(struct library *));
    struct plan_mapping_list list = {0};
    size_t count = 0;
    int code = 0;

    if (!candidates || !order) {
        code = error_set(err, ERR_NO_MEMORY, "no memory for %zu mappings", libraries->count);
        goto out;
    }
    code = collect(candidates, &count, libraries, err);
    code = code < 0 ? code : make_unique(candidates, count, err);
    code = code < 0 ? code : fill(&list, candidates, count, settings, err);
    for (size_t i = 0; code == 0 && i < count; i++) {
        order[i] = candidates[i].library;
    }
    code = code < 0 ? code : letter_assign(list.items, order, count, settings, taken, notes, err);
    if (code == 0) {
        *out = list;
        list = (struct plan_mapping_list){0};
    }
out:
    for (size_t i = 0; candidates && i < count; i++) {
        str_free(&candidates[i].path);
    }
    free(candidates);
    free(order);
    plan_mapping_list_clear(&list);
    return code;
}
