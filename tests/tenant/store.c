#include "store.h"

#include <stdlib.h>
#include <string.h>

#include "generate.h"
#include "ids.h"

/* ---- touched items of generators ---- */

static size_t touched_slot(const struct drive *d, uint64_t serial)
{
    size_t i = (size_t)mix64(serial) & (d->cap_touched - 1);
    while (d->touched[i] != NULL && d->touched[i]->serial != serial) {
        i = (i + 1) & (d->cap_touched - 1);
    }
    return i;
}

static struct item *touched_find(const struct drive *d, uint64_t serial)
{
    return d->n_touched == 0 ? NULL : d->touched[touched_slot(d, serial)];
}

static void touched_add(struct drive *d, struct item *it)
{
    if ((d->n_touched + 1) * 2 > d->cap_touched) {
        struct item **old = d->touched;
        size_t n = d->cap_touched;
        d->cap_touched = n == 0 ? 64 : n * 2;
        d->touched = xcalloc(d->cap_touched, sizeof(struct item *));
        for (size_t i = 0; i < n; i++) {
            if (old[i] != NULL) {
                d->touched[touched_slot(d, old[i]->serial)] = old[i];
            }
        }
        free(old);
    }
    d->touched[touched_slot(d, it->serial)] = it;
    d->n_touched++;
}

static struct item *touch_generated(struct drive *d, uint64_t serial)
{
    uint64_t index = (serial >> GEN_SHIFT) - 1;
    uint64_t number = serial & ((UINT64_C(1) << GEN_SHIFT) - 1);
    char name[96];
    struct content content;
    struct item *it;
    if (index >= d->n_generators || number == 0 || number >= d->generators[index]->n_items) {
        return NULL;
    }
    it = xmalloc(sizeof(*it));
    generator_fill(d->generators[index], number, it, name, sizeof(name), &content);
    it->name = xstrdup(name);
    it->name_is_own = true;
    if (it->content != NULL) {
        it->content = content_new_seed(content.seed, content.size);
    }
    touched_add(d, it);
    return it;
}

/* ---- reading ---- */

struct item *store_get(struct drive *d, uint64_t serial)
{
    struct item *it;
    if (serial >> GEN_SHIFT == 0) {
        return serial == 0 || serial > d->n_explicit ? NULL : d->explicit_items[serial - 1];
    }
    it = touched_find(d, serial);
    return it != NULL ? it : touch_generated(d, serial);
}

struct item *store_parent(struct item *it)
{
    return it->parent_serial == 0 ? NULL : store_get(it->drive, it->parent_serial);
}

bool store_is_gone(struct item *it)
{
    for (; it != NULL; it = store_parent(it)) {
        if (it->is_deleted) {
            return true;
        }
    }
    return false;
}

bool store_is_below(struct item *it, const struct item *folder)
{
    while (it != NULL && it != folder) {
        it = store_parent(it);
    }
    return it != NULL;
}

struct item *store_by_id(struct drive *d, const char *item_id)
{
    uint8_t prefix[4];
    uint8_t guid[GUID_SIZE];
    uint64_t serial;
    struct item *it;
    if (!item_id_parse(prefix, guid, item_id) || memcmp(prefix, d->id_prefix, 4) != 0 ||
        !unique_id_serial(&serial, d->id_key, guid)) {
        return NULL;
    }
    it = store_get(d, serial);
    return it == NULL || store_is_gone(it) ? NULL : it;
}

/* Where a name stands, or would stand, among a folder's own children. */
static size_t own_lower_bound(const struct item *folder, const char *name)
{
    size_t low = 0;
    size_t high = folder->n_children;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (name_compare(folder->children[middle]->name, name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct item *store_child(struct item *folder, const char *name)
{
    size_t own = own_lower_bound(folder, name);
    if (own < folder->n_children && name_compare(folder->children[own]->name, name) == 0) {
        return folder->children[own];
    }
    if (folder->gen != NULL) {
        const struct generator *g = folder->gen;
        uint64_t nth = generator_lower_bound(g, folder->gen_folder, name);
        if (nth < generator_children(g, folder->gen_folder)) {
            uint64_t serial = generator_serial(g, generator_child(g, folder->gen_folder, nth));
            struct item *known = touched_find(folder->drive, serial);
            if (known == NULL) {
                char probe[96];
                struct item scratch;
                struct content content;
                generator_fill(g, serial & ((UINT64_C(1) << GEN_SHIFT) - 1), &scratch, probe,
                               sizeof(probe), &content);
                return name_compare(probe, name) == 0 ? store_get(folder->drive, serial) : NULL;
            }
            return known->in_place && name_compare(known->name, name) == 0 ? known : NULL;
        }
    }
    return NULL;
}

struct item *store_by_path(struct drive *d, struct item *from, const char *path)
{
    struct item *it = from != NULL ? from : d->root;
    while (it != NULL) {
        path += strspn(path, "/");
        if (*path == '\0') {
            return it;
        }
        size_t n = strcspn(path, "/");
        char *name = xstrndup(path, n);
        it = it->kind == ITEM_FOLDER ? store_child(it, name) : NULL;
        free(name);
        path += n;
    }
    return NULL;
}

uint64_t store_child_count(const struct item *folder)
{
    uint64_t n = folder->n_children;
    if (folder->gen != NULL) {
        n += generator_children(folder->gen, folder->gen_folder) - folder->gen_removed;
    }
    return n;
}

int64_t store_size(const struct item *it)
{
    if (it->kind == ITEM_FILE) {
        return it->content->size;
    }
    return it->size_delta + (it->gen == NULL ? 0 : generator_size(it->gen, it->gen_folder));
}

int64_t store_used(const struct drive *d)
{
    return store_size(d->root);
}

char *store_path(struct item *it)
{
    struct strbuf sb = {0};
    char *above;
    if (it->parent_serial == 0) {
        return xstrdup("");
    }
    above = store_path(store_parent(it));
    sb_printf(&sb, "%s/%s", above, it->name);
    free(above);
    return sb_take(&sb);
}

static size_t utf8_length(const char *s)
{
    size_t n = 0;
    for (; *s != '\0'; s++) {
        n += ((unsigned char)*s & 0xc0) != 0x80;
    }
    return n;
}

size_t store_url_length(struct item *folder, const char *name)
{
    size_t n = utf8_length(name);
    for (; folder->parent_serial != 0; folder = store_parent(folder)) {
        n += utf8_length(folder->name) + 1;
    }
    /* "sites/finance/Shared Documents/" */
    return n + utf8_length(folder->drive->site->path) + utf8_length(folder->drive->url_name) + 1;
}

/* ---- iterating ---- */

void store_children(struct child_iter *iter, struct item *folder, const char *after)
{
    memset(iter, 0, sizeof(*iter));
    iter->folder = folder;
    if (after == NULL) {
        return;
    }
    iter->own = own_lower_bound(folder, after);
    if (iter->own < folder->n_children &&
        name_compare(folder->children[iter->own]->name, after) == 0) {
        iter->own++;
    }
    if (folder->gen != NULL) {
        uint64_t n = generator_children(folder->gen, folder->gen_folder);
        iter->generated = generator_lower_bound(folder->gen, folder->gen_folder, after);
        if (iter->generated < n) {
            uint64_t number = generator_child(folder->gen, folder->gen_folder, iter->generated);
            generator_fill(folder->gen, number, &iter->scratch, iter->scratch_name,
                           sizeof(iter->scratch_name), &iter->scratch_content);
            iter->generated += name_compare(iter->scratch_name, after) == 0;
        }
    }
}

/* An item of a generator without touching it; NULL when it is no longer in its place. */
static const struct item *peek_generated(struct drive *d, const struct generator *g,
                                         uint64_t number, struct child_iter *iter)
{
    const struct item *known = touched_find(d, generator_serial(g, number));
    if (known != NULL) {
        return known->in_place ? known : NULL;
    }
    generator_fill(g, number, &iter->scratch, iter->scratch_name, sizeof(iter->scratch_name),
                   &iter->scratch_content);
    return &iter->scratch;
}

const struct item *store_next_child(struct child_iter *iter)
{
    struct item *folder = iter->folder;
    const struct item *own = iter->own < folder->n_children ? folder->children[iter->own] : NULL;
    if (folder->gen != NULL) {
        uint64_t n = generator_children(folder->gen, folder->gen_folder);
        for (; iter->generated < n; iter->generated++) {
            uint64_t number = generator_child(folder->gen, folder->gen_folder, iter->generated);
            const struct item *it = peek_generated(folder->drive, folder->gen, number, iter);
            if (it != NULL) {
                if (own != NULL && name_compare(own->name, it->name) < 0) {
                    break;
                }
                iter->generated++;
                return it;
            }
        }
    }
    iter->own += own != NULL;
    return own;
}

const struct item *store_next_item(struct drive *d, uint64_t *cursor, struct child_iter *scratch)
{
    while (*cursor < d->n_explicit) {
        struct item *it = d->explicit_items[(*cursor)++];
        if (!store_is_gone(it)) {
            return it;
        }
    }
    if (*cursor >> GEN_SHIFT == 0) {
        *cursor = UINT64_C(1) << GEN_SHIFT | 1;
    }
    for (;;) {
        uint64_t index = (*cursor >> GEN_SHIFT) - 1;
        uint64_t number = *cursor & ((UINT64_C(1) << GEN_SHIFT) - 1);
        if (index >= d->n_generators) {
            return NULL;
        }
        const struct generator *g = d->generators[index];
        if (number >= g->n_items) {
            *cursor = (index + 2) << GEN_SHIFT | 1;
            continue;
        }
        (*cursor)++;
        const struct item *known = touched_find(d, generator_serial(g, number));
        if (known == NULL) {
            known = peek_generated(d, g, number, scratch);
        }
        if (!known->is_deleted && !store_is_gone(store_get(d, known->parent_serial))) {
            return known;
        }
    }
}

static bool has_all_words(const char *name, const char *text)
{
    while (*text != '\0') {
        text += strspn(text, " ");
        size_t n = strcspn(text, " ");
        if (n > 0) {
            char *word = xstrndup(text, n);
            size_t last = strlen(word) - 1;
            if (word[last] == '*') {
                word[last] = '\0';
            }
            bool found = str_ifind(name, word) != NULL;
            free(word);
            if (!found) {
                return false;
            }
        }
        text += n;
    }
    return true;
}

void store_search(struct drive *d, const char *text,
                  bool (*fn)(const struct item *it, void *payload), void *payload)
{
    struct child_iter *scratch = xcalloc(1, sizeof(*scratch));
    uint64_t cursor = 0;
    const struct item *it;
    while ((it = store_next_item(d, &cursor, scratch)) != NULL) {
        if (it->serial != 1 && has_all_words(it->name, text) && !fn(it, payload)) {
            break;
        }
    }
    free(scratch);
}
