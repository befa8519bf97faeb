#include "fake_graph.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/thread.h"

#define ITEMS_MAX 400000u
#define CHUNK 16384u

struct item {
    char *name;
    uint32_t parent;
    bool is_folder;
    bool is_gone;
    bool is_large;
    bool is_infected;
    char *checked_out_by;
    unsigned char *data;
    uint64_t size;
    uint64_t claimed; /* 0: the true size */
    unsigned version;
    unsigned change;
    int64_t modified_ms;
    int64_t created_ms;
    char id[36];
};

struct account {
    struct fake *fake;
};

struct fault {
    int code;
    unsigned skip;
    unsigned times;
};

struct fake {
    struct account account;
    struct mutex lock;
    struct item *items;
    uint32_t count;
    int latency_ms;
    size_t page;
    unsigned counts[FAKE_CALLS];
    struct fault faults[FAKE_CALLS];
    uint64_t downloaded;
    uint32_t *first_child; /* of folders, for fast listings: next in `next_child` */
    uint32_t *next_child;
    uint32_t *last_child;
};

/* --- the drive --- */

static void set_id(struct item *item, uint32_t index)
{
    snprintf(item->id, sizeof(item->id), "01LIL4AP%026u", index);
}

static uint32_t add_item(struct fake *fake, uint32_t parent, const char *name, bool is_folder)
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
    set_id(item, index);
    if (index > 0) {
        if (fake->last_child[parent]) {
            fake->next_child[fake->last_child[parent]] = index;
        } else {
            fake->first_child[parent] = index;
        }
        fake->last_child[parent] = index;
    }
    return index;
}

static uint32_t next_of(struct fake *fake, uint32_t parent, uint32_t at)
{
    do {
        at = at ? fake->next_child[at] : fake->first_child[parent];
    } while (at && fake->items[at].is_gone);
    return at;
}

static uint32_t find_child(struct fake *fake, uint32_t parent, const char *name)
{
    uint32_t at = next_of(fake, parent, 0);

    while (at && !str_equal_nocase(fake->items[at].name, name)) {
        at = next_of(fake, parent, at);
    }
    return at;
}

static void unlink_from_parent(struct fake *fake, uint32_t index)
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

static void move_to(struct fake *fake, uint32_t index, uint32_t parent)
{
    unlink_from_parent(fake, index);
    fake->items[index].parent = parent;
    if (fake->last_child[parent]) {
        fake->next_child[fake->last_child[parent]] = index;
    } else {
        fake->first_child[parent] = index;
    }
    fake->last_child[parent] = index;
}

/* UINT32_MAX: not there. */
static uint32_t walk(struct fake *fake, const char *path, bool makes)
{
    uint32_t at = 0;

    while (*path) {
        size_t length = strcspn(path, "/");
        char *name = NULL;
        uint32_t child = 0;

        str_copy_n(&name, path, length, NULL);
        child = find_child(fake, at, name);
        if (!child && makes) {
            child = add_item(fake, at, name, true);
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

static uint32_t by_id(struct fake *fake, const char *id)
{
    uint32_t index = id ? (uint32_t)strtoul(id + 8, NULL, 10) : 0;

    return index < fake->count && !fake->items[index].is_gone ? index : UINT32_MAX;
}

static void set_content(struct item *item, const void *data, uint64_t size)
{
    free(item->data);
    item->data = malloc(size + 1);
    memcpy(item->data, data, size);
    item->size = size;
    item->claimed = 0;
    item->is_large = false;
    item->version++;
    item->change++;
    item->modified_ms = clock_wall_ms(clock_system());
}

static void versions_of(const struct item *item, uint32_t index, char **etag, char **ctag)
{
    str_format(etag, NULL, "\"{7C2999FD-AFE5-4325-BCD6-%012u},%u\"", index, item->change);
    str_format(ctag, NULL, "\"c:{7C2999FD-AFE5-4325-BCD6-%012u},%u\"", index, item->version);
}

static void fill(struct fake *fake, struct graph_item *out, uint32_t index, bool with_url)
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
    str_copy(&out->id, item->id, NULL);
    str_copy(&out->name, item->name, NULL);
    str_copy(&out->checked_out_by, item->checked_out_by, NULL);
    versions_of(item, index, &out->etag, &out->ctag);
    if (index > 0) {
        str_copy(&out->parent_id, fake->items[item->parent].id, NULL);
    }
    if (with_url && !item->is_folder) {
        str_format(&out->download_url, NULL, "https://fake.invalid/%s", item->id);
    }
}

/* --- one request --- */

static void pause_ms(int64_t ms)
{
    struct timespec t = {ms / 1000, (ms % 1000) * 1000000};

    nanosleep(&t, NULL);
}

/* Waits as long as the server takes, or the caller wants. Then with the lock. */
static int enter(struct fake *fake, enum fake_call kind, const struct call *call, struct error *err)
{
    int64_t left = 0;
    int code = 0;

    mutex_lock(&fake->lock);
    left = fake->latency_ms;
    mutex_unlock(&fake->lock);
    while (left > 0) {
        int64_t step = left < 50 ? left : 50;

        if (call && call->is_cancelled && call->is_cancelled(call->payload)) {
            mutex_lock(&fake->lock);
            return error_set(err, ERR_CANCELLED, "cancelled");
        }
        if (call && call->deadline_ms && clock_mono_ms(clock_system()) >= call->deadline_ms) {
            mutex_lock(&fake->lock);
            return error_set(err, ERR_TIMED_OUT, "the deadline passed");
        }
        pause_ms(step);
        left -= step;
    }
    mutex_lock(&fake->lock);
    fake->counts[kind]++;
    if (fake->faults[kind].skip > 0) {
        fake->faults[kind].skip--;
    } else if (fake->faults[kind].times > 0) {
        fake->faults[kind].times--;
        code = error_set(err, fake->faults[kind].code, "the test wants this to fail");
    }
    return code;
}

static int not_found(struct error *err)
{
    return error_set(err, ERR_NOT_FOUND, "itemNotFound");
}

struct account *account_ref(struct account *account)
{
    return account;
}

void account_unref(struct account *account)
{
    (void)account;
}

void account_info(struct account *account, struct account_info *out)
{
    (void)account;
    *out = (struct account_info){.state = ACCOUNT_SIGNED_IN};
    snprintf(out->user_id, sizeof(out->user_id), "me");
}

void graph_item_clear(struct graph_item *item)
{
    free(item->id);
    free(item->name);
    free(item->etag);
    free(item->ctag);
    free(item->parent_id);
    free(item->web_url);
    free(item->quick_xor_hash);
    free(item->download_url);
    free(item->remote_drive_id);
    free(item->remote_item_id);
    free(item->checked_out_by);
    *item = (struct graph_item){0};
}

void graph_items_clear(struct graph_items *page)
{
    for (size_t i = 0; i < page->count; i++) {
        graph_item_clear(&page->items[i]);
    }
    free(page->items);
    free(page->next_link);
    free(page->delta_link);
    *page = (struct graph_items){0};
}

int graph_list_children(struct graph_items *out, struct account *account, const char *drive_id,
                        const char *folder_id, const char *next_link, unsigned page_size,
                        const struct call *call, struct error *err)
{
    struct fake *fake = account->fake;
    size_t limit = 0;
    uint32_t folder = 0;
    uint32_t at = 0;
    int code = enter(fake, FAKE_LIST, call, err);

    (void)drive_id;
    limit = fake->page && fake->page < page_size ? fake->page : page_size;
    folder = by_id(fake, folder_id);
    if (code == 0 && folder == UINT32_MAX) {
        code = not_found(err);
    }
    if (code == 0) {
        *out = (struct graph_items){.items = calloc(limit, sizeof(*out->items))};
        at = next_of(fake, folder, next_link ? (uint32_t)strtoul(next_link, NULL, 10) : 0);
        while (at && out->count < limit) {
            fill(fake, &out->items[out->count++], at, false);
            if (out->count == limit && next_of(fake, folder, at)) {
                str_format(&out->next_link, NULL, "%u", at);
            }
            at = next_of(fake, folder, at);
        }
    }
    mutex_unlock(&fake->lock);
    return code;
}

static int answer(struct fake *fake, struct graph_item *out, uint32_t index, struct error *err)
{
    if (index == UINT32_MAX) {
        return not_found(err);
    }
    fill(fake, out, index, true);
    return 0;
}

int graph_get_item(struct graph_item *out, struct account *account, const char *drive_id,
                   const char *item_id, const struct call *call, struct error *err)
{
    struct fake *fake = account->fake;
    int code = enter(fake, FAKE_GET, call, err);

    (void)drive_id;
    if (code == 0) {
        code = answer(fake, out, by_id(fake, item_id), err);
    }
    mutex_unlock(&fake->lock);
    return code;
}

int graph_get_child(struct graph_item *out, struct account *account, const char *drive_id,
                    const char *folder_id, const char *name, const struct call *call,
                    struct error *err)
{
    struct fake *fake = account->fake;
    uint32_t folder = 0;
    uint32_t child = 0;
    int code = enter(fake, FAKE_GET, call, err);

    (void)drive_id;
    folder = by_id(fake, folder_id);
    if (code == 0 && folder != UINT32_MAX) {
        child = find_child(fake, folder, name);
    }
    if (code == 0) {
        code = answer(fake, out, child ? child : UINT32_MAX, err);
    }
    mutex_unlock(&fake->lock);
    return code;
}

int graph_get_item_by_path(struct graph_item *out, struct account *account, const char *drive_id,
                           const char *path, const struct call *call, struct error *err)
{
    struct fake *fake = account->fake;
    int code = enter(fake, FAKE_GET, call, err);

    (void)drive_id;
    if (code == 0) {
        code = answer(fake, out, walk(fake, path, false), err);
    }
    mutex_unlock(&fake->lock);
    return code;
}

int graph_create_folder(struct graph_item *out, struct account *account, const char *drive_id,
                        const char *parent_id, const char *name, const struct call *call,
                        struct error *err)
{
    struct fake *fake = account->fake;
    uint32_t folder = 0;
    int code = enter(fake, FAKE_MKDIR, call, err);

    (void)drive_id;
    folder = by_id(fake, parent_id);
    assert(parent_id);
    if (code == 0 && folder == UINT32_MAX) {
        code = not_found(err);
    }
    if (code == 0 && find_child(fake, folder, name)) {
        code = error_set(err, ERR_EXISTS, "nameAlreadyExists");
    }
    if (code == 0) {
        code = answer(fake, out, add_item(fake, folder, name, true), err);
    }
    mutex_unlock(&fake->lock);
    return code;
}

/* With the lock. */
static int update_item(struct fake *fake, uint32_t index, const struct graph_update *update,
                       struct error *err)
{
    struct item *item = &fake->items[index];
    uint32_t parent = update->parent_id ? by_id(fake, update->parent_id) : item->parent;
    const char *name = update->name ? update->name : item->name;
    uint32_t other = 0;

    if (parent == UINT32_MAX) {
        return not_found(err);
    }
    other = find_child(fake, parent, name);
    if (other && other != index) {
        return error_set(err, ERR_EXISTS, "nameAlreadyExists");
    }
    if (parent != item->parent) {
        move_to(fake, index, parent);
    }
    if (update->name) {
        char *copy = NULL;

        str_copy(&copy, update->name, NULL);
        free(item->name);
        item->name = copy;
    }
    item->modified_ms = update->modified_ms >= 0 ? update->modified_ms : item->modified_ms;
    item->created_ms = update->created_ms >= 0 ? update->created_ms : item->created_ms;
    item->change++;
    return 0;
}

int graph_update_item(struct graph_item *out, struct account *account, const char *drive_id,
                      const char *item_id, const struct graph_update *update,
                      const struct call *call, struct error *err)
{
    struct fake *fake = account->fake;
    uint32_t index = 0;
    int code = enter(fake, FAKE_UPDATE, call, err);

    (void)drive_id;
    index = by_id(fake, item_id);
    if (code == 0 && index == UINT32_MAX) {
        code = not_found(err);
    }
    if (code == 0) {
        code = update_item(fake, index, update, err);
    }
    if (code == 0) {
        code = answer(fake, out, index, err);
    }
    mutex_unlock(&fake->lock);
    return code;
}

static void remove_item(struct fake *fake, uint32_t index)
{
    uint32_t child = 0;

    while ((child = next_of(fake, index, 0)) != 0) {
        remove_item(fake, child);
    }
    unlink_from_parent(fake, index);
    fake->items[index].is_gone = true;
}

int graph_delete_item(struct account *account, const char *drive_id, const char *item_id,
                      const struct call *call, struct error *err)
{
    struct fake *fake = account->fake;
    uint32_t index = 0;
    int code = enter(fake, FAKE_DELETE, call, err);

    (void)drive_id;
    index = by_id(fake, item_id);
    if (code == 0 && index == UINT32_MAX) {
        code = not_found(err);
    }
    if (code == 0) {
        remove_item(fake, index);
    }
    mutex_unlock(&fake->lock);
    return code;
}

static bool is_match(const struct item *item, uint32_t index, const char *if_match)
{
    char *etag = NULL;
    char *ctag = NULL;
    bool is_same = false;

    versions_of(item, index, &etag, &ctag);
    is_same = !if_match || str_equal(if_match, etag) || str_equal(if_match, ctag);
    free(etag);
    free(ctag);
    return is_same;
}

/* With the lock: where the upload goes; UINT32_MAX with *err set. */
static uint32_t upload_target(struct fake *fake, const struct graph_upload *upload,
                              struct error *err)
{
    uint32_t folder = 0;
    uint32_t index = 0;

    if (upload->item_id) {
        index = by_id(fake, upload->item_id);
        if (index == UINT32_MAX) {
            not_found(err);
        } else if (!is_match(&fake->items[index], index, upload->if_match)) {
            error_set(err, ERR_CHANGED, "resourceModified");
            return UINT32_MAX;
        }
        return index;
    }
    assert(upload->parent_id && upload->name);
    folder = by_id(fake, upload->parent_id);
    if (folder == UINT32_MAX) {
        not_found(err);
        return UINT32_MAX;
    }
    if (find_child(fake, folder, upload->name)) {
        error_set(err, ERR_EXISTS, "nameAlreadyExists");
        return UINT32_MAX;
    }
    index = add_item(fake, folder, upload->name, false);
    fake->items[index].version = 0;
    return index;
}

int graph_upload(struct graph_item *out, struct account *account, const struct graph_upload *upload,
                 const struct graph_source *source, const struct call *call, struct error *err)
{
    struct fake *fake = account->fake;
    struct error error = {0};
    unsigned char *data = malloc(source->size_bytes + 1);
    uint64_t done = 0;
    uint32_t index = 0;
    int code = 0;

    while (done < source->size_bytes && code == 0) {
        size_t got = 0;
        uint64_t left = source->size_bytes - done;

        code = source->read(source->payload, data + done, left < CHUNK ? (size_t)left : CHUNK, done,
                            &got, err);
        assert(code < 0 || got > 0);
        done += got;
    }
    if (code < 0) {
        free(data);
        return code;
    }
    code = enter(fake, FAKE_UPLOAD, call, &error);
    if (code == 0) {
        index = upload_target(fake, upload, &error);
        code = index == UINT32_MAX ? error.code : 0;
    }
    if (code == 0) {
        struct item *item = &fake->items[index];

        set_content(item, data, source->size_bytes);
        item->modified_ms = upload->modified_ms >= 0 ? upload->modified_ms : item->modified_ms;
        item->created_ms = upload->created_ms >= 0 ? upload->created_ms : item->created_ms;
        code = answer(fake, out, index, &error);
    }
    mutex_unlock(&fake->lock);
    free(data);
    if (code < 0 && err) {
        *err = error;
    }
    return code;
}

/* --- downloads --- */

struct graph_download {
    struct fake *fake;
    struct thread thread;
    struct graph_download_callbacks callbacks;
    uint32_t index;
    uint64_t pos;
    uint64_t end;
    struct mutex lock;
    struct cond go;
    bool may_go; /* resumed since it was paused */
    bool is_cancelled;
};

unsigned char fake_byte(uint64_t offset)
{
    return (unsigned char)((offset * UINT64_C(0x9e3779b97f4a7c15)) >> 56);
}

/* The next bytes; with the drive's lock. */
static size_t next_bytes(struct graph_download *d, unsigned char *chunk)
{
    const struct item *item = &d->fake->items[d->index];
    uint64_t end = d->end < item->size ? d->end : item->size;
    size_t size = 0;

    if (item->is_gone || d->pos >= end) {
        return 0;
    }
    size = end - d->pos < CHUNK ? (size_t)(end - d->pos) : CHUNK;
    for (size_t i = 0; i < size; i++) {
        chunk[i] = item->is_large ? fake_byte(d->pos + i) : item->data[d->pos + i];
    }
    d->fake->downloaded += size;
    return size;
}

static bool is_cancelled(struct graph_download *d)
{
    bool is_over = false;

    mutex_lock(&d->lock);
    is_over = d->is_cancelled;
    mutex_unlock(&d->lock);
    return is_over;
}

static void deliver(struct graph_download *d, const unsigned char *chunk, size_t size)
{
    size_t taken = 0;

    while (taken < size && !is_cancelled(d)) {
        size_t n = d->callbacks.on_data(d->callbacks.payload, chunk + taken, size - taken);

        taken += n;
        mutex_lock(&d->lock);
        while (n == 0 && !d->may_go && !d->is_cancelled) {
            cond_wait(&d->go, &d->lock);
        }
        d->may_go = false;
        mutex_unlock(&d->lock);
    }
    d->pos += taken;
}

static void *run_download(void *payload)
{
    struct graph_download *d = payload;
    unsigned char *chunk = malloc(CHUNK);
    struct error error = {0};
    int code = enter(d->fake, FAKE_DOWNLOAD, NULL, &error);

    if (code == 0 && d->fake->items[d->index].is_gone) {
        code = not_found(&error);
    }
    mutex_unlock(&d->fake->lock);
    while (code == 0) {
        size_t size = 0;

        if (is_cancelled(d)) {
            code = error_set(&error, ERR_CANCELLED, "cancelled");
            break;
        }
        mutex_lock(&d->fake->lock);
        size = next_bytes(d, chunk);
        mutex_unlock(&d->fake->lock);
        if (size == 0) {
            break;
        }
        deliver(d, chunk, size);
    }
    free(chunk);
    d->callbacks.on_done(d->callbacks.payload, code, &error);
    return NULL;
}

int graph_download_start(struct graph_download **out, struct account *account,
                         const struct graph_download_request *request,
                         const struct graph_download_callbacks *callbacks, struct error *err)
{
    struct graph_download *d = calloc(1, sizeof(*d));

    d->fake = account->fake;
    d->callbacks = *callbacks;
    d->pos = request->offset;
    d->end = request->length ? request->offset + request->length : UINT64_MAX;
    mutex_init(&d->lock);
    cond_init(&d->go);
    mutex_lock(&d->fake->lock);
    d->index = (uint32_t)strtoul(request->item_id + 8, NULL, 10);
    mutex_unlock(&d->fake->lock);
    *out = d;
    return thread_start(&d->thread, "fake-download", run_download, d, err);
}

void graph_download_resume(struct graph_download *download)
{
    mutex_lock(&download->lock);
    download->may_go = true;
    cond_broadcast(&download->go);
    mutex_unlock(&download->lock);
}

void graph_download_free(struct graph_download *download)
{
    mutex_lock(&download->lock);
    download->is_cancelled = true;
    cond_broadcast(&download->go);
    mutex_unlock(&download->lock);
    thread_join(&download->thread);
    cond_clear(&download->go);
    mutex_clear(&download->lock);
    free(download);
}

/* --- drives --- */

void graph_drive_clear(struct graph_drive *drive)
{
    free(drive->id);
    free(drive->name);
    free(drive->drive_type);
    free(drive->web_url);
    *drive = (struct graph_drive){0};
}

int graph_get_drive(struct graph_drive *out, struct account *account, const char *drive_id,
                    const struct call *call, struct error *err)
{
    int code = enter(account->fake, FAKE_DRIVE, call, err);

    mutex_unlock(&account->fake->lock);
    if (code == 0) {
        *out = (struct graph_drive){.quota_total = 1000000, .quota_remaining = 400000};
        str_copy(&out->id, drive_id, NULL);
    }
    return code;
}

int graph_verify_drive(struct graph_drive *out, struct account *account, const char *hint,
                       const char *site_id, const char *list_id, const char *library_url,
                       const struct call *call, struct error *err)
{
    int code = enter(account->fake, FAKE_VERIFY, call, err);

    (void)hint;
    (void)site_id;
    (void)list_id;
    (void)library_url;
    mutex_unlock(&account->fake->lock);
    if (code == 0) {
        *out = (struct graph_drive){0};
        str_copy(&out->id, "b!verified", NULL);
    }
    return code;
}

/* --- the test's side --- */

struct fake *fake_new(void)
{
    struct fake *fake = calloc(1, sizeof(*fake));

    mutex_init(&fake->lock);
    fake->account.fake = fake;
    fake->items = calloc(ITEMS_MAX, sizeof(*fake->items));
    fake->first_child = calloc(ITEMS_MAX, sizeof(uint32_t));
    fake->next_child = calloc(ITEMS_MAX, sizeof(uint32_t));
    fake->last_child = calloc(ITEMS_MAX, sizeof(uint32_t));
    add_item(fake, 0, "root", true);
    return fake;
}

void fake_free(struct fake *fake)
{
    for (uint32_t i = 0; i < fake->count; i++) {
        free(fake->items[i].name);
        free(fake->items[i].data);
        free(fake->items[i].checked_out_by);
    }
    free(fake->items);
    free(fake->first_child);
    free(fake->next_child);
    free(fake->last_child);
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
    uint32_t index = walk(fake, path, true);

    if (fake->items[index].is_folder && !next_of(fake, index, 0)) {
        fake->items[index].is_folder = false;
        fake->items[index].version = 0;
    }
    return &fake->items[index];
}

void fake_put(struct fake *fake, const char *path, const void *data, size_t size)
{
    mutex_lock(&fake->lock);
    set_content(file_at(fake, path), data, size);
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
    mutex_unlock(&fake->lock);
}

void fake_mkdir(struct fake *fake, const char *path)
{
    mutex_lock(&fake->lock);
    walk(fake, path, true);
    mutex_unlock(&fake->lock);
}

void fake_remove(struct fake *fake, const char *path)
{
    mutex_lock(&fake->lock);
    remove_item(fake, walk(fake, path, false));
    mutex_unlock(&fake->lock);
}

void fake_rename(struct fake *fake, const char *path, const char *new_name)
{
    struct graph_update update = {.name = new_name, .modified_ms = -1, .created_ms = -1};

    mutex_lock(&fake->lock);
    update_item(fake, walk(fake, path, false), &update, NULL);
    mutex_unlock(&fake->lock);
}

void fake_mark(struct fake *fake, const char *path, bool infected, const char *checked_out_by)
{
    struct item *item = NULL;

    mutex_lock(&fake->lock);
    item = &fake->items[walk(fake, path, false)];
    item->is_infected = infected;
    str_copy(&item->checked_out_by, checked_out_by, NULL);
    mutex_unlock(&fake->lock);
}

void fake_claim_size(struct fake *fake, const char *path, uint64_t size)
{
    mutex_lock(&fake->lock);
    fake->items[walk(fake, path, false)].claimed = size;
    mutex_unlock(&fake->lock);
}

const char *fake_id(struct fake *fake, const char *path)
{
    uint32_t index = 0;

    mutex_lock(&fake->lock);
    index = walk(fake, path, false);
    mutex_unlock(&fake->lock);
    return index == UINT32_MAX ? NULL : fake->items[index].id;
}

bool fake_has(struct fake *fake, const char *path, const void *data, size_t size)
{
    uint32_t index = 0;
    bool has = false;

    mutex_lock(&fake->lock);
    index = walk(fake, path, false);
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
    index = walk(fake, path, false);
    versions = index == UINT32_MAX ? 0 : fake->items[index].version;
    mutex_unlock(&fake->lock);
    return versions;
}

int64_t fake_modified(struct fake *fake, const char *path)
{
    uint32_t index = 0;
    int64_t modified_ms = 0;

    mutex_lock(&fake->lock);
    index = walk(fake, path, false);
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
    folder = walk(fake, path, false);
    while ((at = next_of(fake, folder, at)) != 0) {
        count++;
    }
    mutex_unlock(&fake->lock);
    return count;
}
