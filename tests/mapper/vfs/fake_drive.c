/* The drive in memory, and what a test does to it. */
#include "fake_private.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "mapper/quickxor.h"

int fake_not_found(struct error *err)
{
    return error_set(err, ERR_NOT_FOUND, "itemNotFound");
}

void fake_note(struct fake *fake, uint32_t index)
{
    fake->items[index].seq = ++fake->seq;
}

static void set_id(struct item *item, uint32_t index)
{
    snprintf(item->id, sizeof(item->id), "01LIL4AP%026u", index);
}

uint32_t fake_add_item(struct fake *fake, uint32_t parent, const char *name, bool is_folder)
{
    uint32_t index = fake->count++;
    struct item *item = NULL;

    assert(index < ITEMS_MAX);
    item = &fake->items[index];
    *item = (struct item){.parent = parent,
                          .is_folder = is_folder,
                          .version = 1,
                          .change = 1,
                          .modified_ms = 1700000000000 + index,
                          .created_ms = 1700000000000};
    str_copy(&item->name, name, NULL);
    (void)str_list_add(&fake->ever, name, NULL);
    set_id(item, index);
    fake_note(fake, index);
    if (index > 0) {
        if (fake->last_child[parent]) {
            fake->next_child[fake->last_child[parent]] = index;
        } else {
            fake->first_child[parent] = index;
        }
        fake->last_child[parent] = index;
        item->place = ++fake->last_place;
    }
    return index;
}

uint32_t fake_next_of(struct fake *fake, uint32_t parent, uint32_t at)
{
    do {
        at = at ? fake->next_child[at] : fake->first_child[parent];
    } while (at && fake->items[at].is_gone);
    return at;
}

uint32_t fake_next_after(struct fake *fake, uint32_t parent, uint64_t place)
{
    uint32_t at = fake_next_of(fake, parent, 0);

    while (at && fake->items[at].place <= place) {
        at = fake_next_of(fake, parent, at);
    }
    return at;
}

uint32_t fake_find_child(struct fake *fake, uint32_t parent, const char *name)
{
    uint32_t at = fake_next_of(fake, parent, 0);

    while (at && !str_equal_nocase(fake->items[at].name, name)) {
        at = fake_next_of(fake, parent, at);
    }
    return at;
}

static void fake_unlink_from_parent(struct fake *fake, uint32_t index)
{
    uint32_t parent = fake->items[index].parent;
    uint32_t *at = &fake->first_child[parent];
    uint32_t before = 0;

    while (*at && *at != index) {
        before = *at;
        at = &fake->next_child[*at];
    }
    if (*at) {
        *at = fake->next_child[index];
        if (fake->last_child[parent] == index) {
            fake->last_child[parent] = before;
        }
    }
    fake->next_child[index] = 0;
}

static void fake_move_to(struct fake *fake, uint32_t index, uint32_t parent)
{
    fake_unlink_from_parent(fake, index);
    fake->items[index].parent = parent;
    if (fake->last_child[parent]) {
        fake->next_child[fake->last_child[parent]] = index;
    } else {
        fake->first_child[parent] = index;
    }
    fake->last_child[parent] = index;
    fake->items[index].place = ++fake->last_place;
}

/* UINT32_MAX: not there. */
uint32_t fake_walk(struct fake *fake, const char *path, bool makes)
{
    uint32_t at = 0;

    while (*path) {
        size_t length = strcspn(path, "/");
        char *name = NULL;
        uint32_t child = 0;

        str_copy_n(&name, path, length, NULL);
        child = fake_find_child(fake, at, name);
        if (!child && makes) {
            child = fake_add_item(fake, at, name, true);
        }
        free(name);
        if (!child) {
            return UINT32_MAX;
        }
        at = child;
        path += length + (path[length] == '/');
    }
    return at;
}

uint32_t fake_by_id(struct fake *fake, const char *id)
{
    uint32_t index = id ? (uint32_t)strtoul(id + 8, NULL, 10) : 0;

    return index < fake->count && !fake->items[index].is_gone ? index : UINT32_MAX;
}

void fake_set_content(struct item *item, const void *data, uint64_t size)
{
    struct older *older = item->data ? malloc(sizeof(*older)) : NULL;

    if (older) {
        *older = (struct older){item->data, item->size, item->older};
        item->older = older;
    }
    item->data = malloc(size + 1);
    memcpy(item->data, data, size);
    item->size = size;
    item->claimed = 0;
    item->is_large = false;
    item->version++;
    item->change++;
    item->modified_ms = clock_wall_ms(clock_system());
    item->saved_ms = item->modified_ms;
    item->is_by_other = false;
}

void fake_versions_of(const struct item *item, uint32_t index, char **etag, char **ctag)
{
    str_format(etag, NULL, "\"{7C2999FD-AFE5-4325-BCD6-%012u},%u\"", index, item->change);
    str_format(ctag, NULL, "\"c:{7C2999FD-AFE5-4325-BCD6-%012u},%u\"", index, item->version);
}

void fake_fill(struct fake *fake, struct graph_item *out, uint32_t index, bool with_url)
{
    const struct item *item = &fake->items[index];

    *out = (struct graph_item){.kind = item->is_folder ? GRAPH_FOLDER : GRAPH_FILE,
                               .is_root = index == 0,
                               .is_infected = item->is_infected,
                               .is_checked_out = item->checked_out_by != NULL,
                               .size_bytes = item->claimed ? item->claimed : item->size,
                               .modified_ms = item->modified_ms,
                               .created_ms = item->created_ms,
                               .child_count = -1};
    if (item->is_notebook) {
        out->kind = GRAPH_PACKAGE;
        str_format(&out->web_url, NULL, "https://contoso.sharepoint.com/notes/%s", item->id);
    }
    str_copy(&out->id, item->id, NULL);
    str_copy(&out->name, item->name, NULL);
    str_copy(&out->checked_out_by, item->checked_out_by, NULL);
    fake_versions_of(item, index, &out->etag, &out->ctag);
    if (!item->is_folder && !item->is_large) {
        struct quickxor hash;
        char text[29];

        quickxor_init(&hash);
        quickxor_add(&hash, item->data, (size_t)item->size);
        quickxor_text(&hash, text);
        str_copy(&out->quick_xor_hash, text, NULL);
    }
    if (index > 0) {
        str_copy(&out->parent_id, fake->items[item->parent].id, NULL);
    }
    if (with_url && !item->is_folder) {
        str_format(&out->download_url, NULL, "https://fake.invalid/%s", item->id);
    }
}

/* With the lock. */
int fake_update_item(struct fake *fake, uint32_t index, const struct graph_update *update,
                     struct error *err)
{
    struct item *item = &fake->items[index];
    uint32_t parent = update->parent_id ? fake_by_id(fake, update->parent_id) : item->parent;
    const char *name = update->name ? update->name : item->name;
    uint32_t other = 0;

    if (parent == UINT32_MAX) {
        return fake_not_found(err);
    }
    other = fake_find_child(fake, parent, name);
    if (other && other != index) {
        return error_set(err, ERR_EXISTS, "nameAlreadyExists");
    }
    if (parent != item->parent) {
        fake_move_to(fake, index, parent);
    }
    if (update->name) {
        char *copy = NULL;

        str_copy(&copy, update->name, NULL);
        free(item->name);
        item->name = copy;
        (void)str_list_add(&fake->ever, copy, NULL);
    }
    item->modified_ms = update->modified_ms >= 0 ? update->modified_ms : item->modified_ms;
    item->created_ms = update->created_ms >= 0 ? update->created_ms : item->created_ms;
    item->change++;
    fake_note(fake, index);
    return 0;
}

void fake_remove_item(struct fake *fake, uint32_t index)
{
    uint32_t child = 0;

    while ((child = fake_next_of(fake, index, 0)) != 0) {
        fake_remove_item(fake, child);
    }
    fake_unlink_from_parent(fake, index);
    fake->items[index].is_gone = true;
    fake_note(fake, index);
}

/* --- the test's side --- */

struct fake *fake_new(void)
{
    struct fake *fake = calloc(1, sizeof(*fake));

    mutex_init(&fake->lock);
    cond_init(&fake->held);
    fake->holds = HOLDS_NOTHING;
    fake->account.fake = fake;
    fake->ever.limit = 4000;
    fake->items = calloc(ITEMS_MAX, sizeof(*fake->items));
    fake->first_child = calloc(ITEMS_MAX, sizeof(uint32_t));
    fake->next_child = calloc(ITEMS_MAX, sizeof(uint32_t));
    fake->last_child = calloc(ITEMS_MAX, sizeof(uint32_t));
    fake_add_item(fake, 0, "root", true);
    return fake;
}

void fake_free(struct fake *fake)
{
    for (uint32_t i = 0; i < fake->count; i++) {
        free(fake->items[i].name);
        free(fake->items[i].data);
        while (fake->items[i].older) {
            struct older *older = fake->items[i].older;

            fake->items[i].older = older->next;
            free(older->data);
            free(older);
        }
        free(fake->items[i].checked_out_by);
    }
    free(fake->items);
    free(fake->first_child);
    free(fake->next_child);
    free(fake->last_child);
    str_list_clear(&fake->ever);
    cond_clear(&fake->held);
    mutex_clear(&fake->lock);
    free(fake);
}

struct account *fake_account(struct fake *fake)
{
    return &fake->account;
}

void fake_set_latency(struct fake *fake, int latency_ms)
{
    mutex_lock(&fake->lock);
    fake->latency_ms = latency_ms;
    mutex_unlock(&fake->lock);
}

void fake_set_jitter(struct fake *fake, unsigned jitter_us)
{
    mutex_lock(&fake->lock);
    fake->jitter_us = jitter_us;
    mutex_unlock(&fake->lock);
}

void fake_hold(struct fake *fake, enum fake_call call)
{
    fake_hold_many(fake, call, 1);
}

void fake_hold_many(struct fake *fake, enum fake_call call, unsigned count)
{
    mutex_lock(&fake->lock);
    fake->holds = call;
    fake->held_more = count - 1;
    mutex_unlock(&fake->lock);
}

void fake_await_held(struct fake *fake)
{
    mutex_lock(&fake->lock);
    while (!fake->is_holding) {
        cond_wait(&fake->held, &fake->lock);
    }
    mutex_unlock(&fake->lock);
}

void fake_release(struct fake *fake)
{
    mutex_lock(&fake->lock);
    fake->holds = HOLDS_NOTHING;
    fake->held_more = 0;
    fake->is_holding = false;
    cond_broadcast(&fake->held);
    mutex_unlock(&fake->lock);
}

void fake_set_page(struct fake *fake, size_t entries)
{
    mutex_lock(&fake->lock);
    fake->page = entries;
    mutex_unlock(&fake->lock);
}

void fake_fail(struct fake *fake, enum fake_call call, int code, unsigned skip, unsigned times)
{
    mutex_lock(&fake->lock);
    fake->faults[call] = (struct fault){code, skip, times};
    mutex_unlock(&fake->lock);
}

void fake_lose_uploads(struct fake *fake, unsigned times)
{
    mutex_lock(&fake->lock);
    fake->lost_uploads = times;
    fake->lost_code = ERR_TIMED_OUT;
    mutex_unlock(&fake->lock);
}

void fake_lose_upload_by(struct fake *fake, int code)
{
    mutex_lock(&fake->lock);
    fake->lost_uploads = 1;
    fake->lost_code = code;
    mutex_unlock(&fake->lock);
}

unsigned fake_count(struct fake *fake, enum fake_call call)
{
    unsigned count = 0;

    mutex_lock(&fake->lock);
    count = fake->counts[call];
    mutex_unlock(&fake->lock);
    return count;
}

unsigned fake_total(struct fake *fake)
{
    unsigned count = 0;

    mutex_lock(&fake->lock);
    for (size_t i = 0; i < FAKE_CALLS; i++) {
        count += fake->counts[i];
    }
    mutex_unlock(&fake->lock);
    return count;
}

void fake_reset(struct fake *fake)
{
    mutex_lock(&fake->lock);
    memset(fake->counts, 0, sizeof(fake->counts));
    fake->downloaded = 0;
    mutex_unlock(&fake->lock);
}

uint64_t fake_downloaded(struct fake *fake)
{
    uint64_t bytes = 0;

    mutex_lock(&fake->lock);
    bytes = fake->downloaded;
    mutex_unlock(&fake->lock);
    return bytes;
}

/* With the lock: the file at `path`, made with its folders. */
static struct item *file_at(struct fake *fake, const char *path)
{
    uint32_t index = fake_walk(fake, path, true);

    if (fake->items[index].is_folder && !fake_next_of(fake, index, 0)) {
        fake->items[index].is_folder = false;
        fake->items[index].version = 0;
    }
    fake_note(fake, index);
    return &fake->items[index];
}

void fake_rewrite(struct fake *fake, const char *path, const char *text)
{
    mutex_lock(&fake->lock);
    fake_set_content(file_at(fake, path), text, strlen(text));
    mutex_unlock(&fake->lock);
}

void fake_put(struct fake *fake, const char *path, const void *data, size_t size)
{
    struct item *item = NULL;

    mutex_lock(&fake->lock);
    item = file_at(fake, path);
    fake_set_content(item, data, size);
    item->is_by_other = true;
    mutex_unlock(&fake->lock);
}

void fake_put_text(struct fake *fake, const char *path, const char *text)
{
    fake_put(fake, path, text, strlen(text));
}

void fake_put_large(struct fake *fake, const char *path, uint64_t size)
{
    struct item *item = NULL;

    mutex_lock(&fake->lock);
    item = file_at(fake, path);
    item->is_large = true;
    item->size = size;
    item->version++;
    item->change++;
    mutex_unlock(&fake->lock);
}

void fake_mkdir(struct fake *fake, const char *path)
{
    mutex_lock(&fake->lock);
    fake_walk(fake, path, true);
    mutex_unlock(&fake->lock);
}

void fake_remove(struct fake *fake, const char *path)
{
    mutex_lock(&fake->lock);
    fake_remove_item(fake, fake_walk(fake, path, false));
    mutex_unlock(&fake->lock);
}

void fake_rename(struct fake *fake, const char *path, const char *new_name)
{
    struct graph_update update = {.name = new_name, .modified_ms = -1, .created_ms = -1};

    mutex_lock(&fake->lock);
    fake_update_item(fake, fake_walk(fake, path, false), &update, NULL);
    mutex_unlock(&fake->lock);
}

void fake_move(struct fake *fake, const char *path, const char *folder)
{
    struct graph_update update = {.modified_ms = -1, .created_ms = -1};

    mutex_lock(&fake->lock);
    update.parent_id = fake->items[fake_walk(fake, folder, true)].id;
    fake_update_item(fake, fake_walk(fake, path, false), &update, NULL);
    mutex_unlock(&fake->lock);
}

void fake_mark(struct fake *fake, const char *path, bool infected, const char *checked_out_by)
{
    struct item *item = NULL;

    mutex_lock(&fake->lock);
    item = &fake->items[fake_walk(fake, path, false)];
    item->is_infected = infected;
    item->change++;
    str_copy(&item->checked_out_by, checked_out_by, NULL);
    fake_note(fake, fake_walk(fake, path, false));
    mutex_unlock(&fake->lock);
}

void fake_make_notebook(struct fake *fake, const char *path)
{
    mutex_lock(&fake->lock);
    fake->items[fake_walk(fake, path, true)].is_notebook = true;
    mutex_unlock(&fake->lock);
}

void fake_set_etags(struct fake *fake, bool are_given)
{
    mutex_lock(&fake->lock);
    fake->has_no_etags = !are_given;
    mutex_unlock(&fake->lock);
}

void fake_hide(struct fake *fake, const char *path, bool is_hidden)
{
    mutex_lock(&fake->lock);
    fake->items[fake_walk(fake, path, false)].is_hidden = is_hidden;
    mutex_unlock(&fake->lock);
}

void fake_claim_size(struct fake *fake, const char *path, uint64_t size)
{
    mutex_lock(&fake->lock);
    fake->items[fake_walk(fake, path, false)].claimed = size;
    mutex_unlock(&fake->lock);
}

const char *fake_ever_named(struct fake *fake, unsigned index)
{
    const char *name = NULL;

    mutex_lock(&fake->lock);
    name = index < fake->ever.count ? fake->ever.items[index] : NULL;
    mutex_unlock(&fake->lock);
    return name;
}

const char *fake_id(struct fake *fake, const char *path)
{
    uint32_t index = 0;

    mutex_lock(&fake->lock);
    index = fake_walk(fake, path, false);
    mutex_unlock(&fake->lock);
    return index == UINT32_MAX ? NULL : fake->items[index].id;
}

bool fake_has(struct fake *fake, const char *path, const void *data, size_t size)
{
    uint32_t index = 0;
    bool has = false;

    mutex_lock(&fake->lock);
    index = fake_walk(fake, path, false);
    has = index != UINT32_MAX && !fake->items[index].is_folder && fake->items[index].size == size &&
          (size == 0 || memcmp(fake->items[index].data, data, size) == 0);
    mutex_unlock(&fake->lock);
    return has;
}

bool fake_has_text(struct fake *fake, const char *path, const char *text)
{
    return fake_has(fake, path, text, strlen(text));
}

unsigned fake_versions(struct fake *fake, const char *path)
{
    uint32_t index = 0;
    unsigned versions = 0;

    mutex_lock(&fake->lock);
    index = fake_walk(fake, path, false);
    versions = index == UINT32_MAX ? 0 : fake->items[index].version;
    mutex_unlock(&fake->lock);
    return versions;
}

int64_t fake_modified(struct fake *fake, const char *path)
{
    uint32_t index = 0;
    int64_t modified_ms = 0;

    mutex_lock(&fake->lock);
    index = fake_walk(fake, path, false);
    modified_ms = index == UINT32_MAX ? -1 : fake->items[index].modified_ms;
    mutex_unlock(&fake->lock);
    return modified_ms;
}

unsigned fake_children(struct fake *fake, const char *path)
{
    uint32_t folder = 0;
    uint32_t at = 0;
    unsigned count = 0;

    mutex_lock(&fake->lock);
    folder = fake_walk(fake, path, false);
    while ((at = fake_next_of(fake, folder, at)) != 0) {
        count++;
    }
    mutex_unlock(&fake->lock);
    return count;
}

void fake_find_name(struct fake *fake, const char *path, const char *part, char *out, size_t size)
{
    uint32_t folder = 0;
    uint32_t at = 0;

    *out = '\0';
    mutex_lock(&fake->lock);
    folder = fake_walk(fake, path, false);
    while ((at = fake_next_of(fake, folder, at)) != 0 && !*out) {
        if (strstr(fake->items[at].name, part)) {
            snprintf(out, size, "%s", fake->items[at].name);
        }
    }
    mutex_unlock(&fake->lock);
}
