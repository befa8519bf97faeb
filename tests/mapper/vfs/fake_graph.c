/* The functions of mapper/graph.h on the drive in memory. */
#include "fake_private.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/str.h"

static void pause_us(int64_t us)
{
    struct timespec t = {us / 1000000, (us % 1000000) * 1000};

    if (us > 0) {
        nanosleep(&t, NULL);
    }
}

/* How long an answer takes more or less than the others; with the lock. */
static int64_t next_jitter_us(struct fake *fake)
{
    fake->random = fake->random * 1664525u + 1013904223u;
    return fake->jitter_us ? (int64_t)((fake->random >> 8) % (fake->jitter_us + 1)) : 0;
}

/* Waits as long as the server takes, or the caller wants. Then with the lock. */
int fake_enter(struct fake *fake, enum fake_call kind, const struct call *call, struct error *err)
{
    int64_t left = 0;
    int64_t jitter_us = 0;
    int code = 0;

    mutex_lock(&fake->lock);
    left = fake->latency_ms;
    jitter_us = next_jitter_us(fake);
    mutex_unlock(&fake->lock);
    pause_us(jitter_us);
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
        pause_us(step * 1000);
        left -= step;
    }
    mutex_lock(&fake->lock);
    fake->counts[kind]++;
    fake->entered = kind;
    if (fake->faults[kind].skip > 0) {
        fake->faults[kind].skip--;
    } else if (fake->faults[kind].times > 0) {
        fake->faults[kind].times--;
        code = error_set(err, fake->faults[kind].code, "the test wants this to fail");
    }
    return code;
}

void fake_leave(struct fake *fake)
{
    int64_t us = next_jitter_us(fake);

    if (fake->holds == fake->entered) {
        fake->holds = fake->held_more > 0 ? fake->holds : HOLDS_NOTHING;
        fake->held_more -= fake->held_more > 0;
        fake->is_holding = true;
        cond_broadcast(&fake->held);
        while (fake->is_holding) {
            cond_wait(&fake->held, &fake->lock);
        }
    }
    mutex_unlock(&fake->lock);
    pause_us(us);
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
    snprintf(out->user_name, sizeof(out->user_name), "anna.muster@contoso.com");
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
    int code = fake_enter(fake, FAKE_LIST, call, err);

    (void)drive_id;
    limit = fake->page && fake->page < page_size ? fake->page : page_size;
    folder = fake_by_id(fake, folder_id);
    if (code == 0 && folder == UINT32_MAX) {
        code = fake_not_found(err);
    }
    if (code == 0) {
        *out = (struct graph_items){.items = calloc(limit, sizeof(*out->items))};
        at = fake_next_after(fake, folder, next_link ? strtoull(next_link, NULL, 10) : 0);
        while (at && out->count < limit) {
            if (!fake->items[at].is_hidden) {
                fake_fill(fake, &out->items[out->count++], at, false);
            }
            if (out->count == limit && fake_next_of(fake, folder, at)) {
                str_format(&out->next_link, NULL, "%llu",
                           (unsigned long long)fake->items[at].place);
            }
            at = fake_next_of(fake, folder, at);
        }
    }
    fake_leave(fake);
    return code;
}

static int answer(struct fake *fake, struct graph_item *out, uint32_t index, struct error *err)
{
    if (index == UINT32_MAX) {
        return fake_not_found(err);
    }
    fake_fill(fake, out, index, true);
    return 0;
}

int graph_get_item(struct graph_item *out, struct account *account, const char *drive_id,
                   const char *item_id, const struct call *call, struct error *err)
{
    struct fake *fake = account->fake;
    int code = fake_enter(fake, FAKE_GET, call, err);

    (void)drive_id;
    if (code == 0) {
        code = answer(fake, out, fake_by_id(fake, item_id), err);
    }
    fake_leave(fake);
    return code;
}

int graph_get_child(struct graph_item *out, struct account *account, const char *drive_id,
                    const char *folder_id, const char *name, const struct call *call,
                    struct error *err)
{
    struct fake *fake = account->fake;
    uint32_t folder = 0;
    uint32_t child = 0;
    int code = fake_enter(fake, FAKE_GET, call, err);

    (void)drive_id;
    folder = fake_by_id(fake, folder_id);
    if (code == 0 && folder != UINT32_MAX) {
        child = fake_find_child(fake, folder, name);
    }
    if (code == 0) {
        code = answer(fake, out, child ? child : UINT32_MAX, err);
    }
    fake_leave(fake);
    return code;
}

int graph_get_item_by_path(struct graph_item *out, struct account *account, const char *drive_id,
                           const char *path, const struct call *call, struct error *err)
{
    struct fake *fake = account->fake;
    int code = fake_enter(fake, FAKE_GET, call, err);

    (void)drive_id;
    if (code == 0) {
        code = answer(fake, out, fake_walk(fake, path, false), err);
    }
    fake_leave(fake);
    return code;
}

int graph_create_folder(struct graph_item *out, struct account *account, const char *drive_id,
                        const char *parent_id, const char *name, const struct call *call,
                        struct error *err)
{
    struct fake *fake = account->fake;
    uint32_t folder = 0;
    int code = fake_enter(fake, FAKE_MKDIR, call, err);

    (void)drive_id;
    folder = fake_by_id(fake, parent_id);
    assert(parent_id);
    if (code == 0 && folder == UINT32_MAX) {
        code = fake_not_found(err);
    }
    if (code == 0 && fake_find_child(fake, folder, name)) {
        code = error_set(err, ERR_EXISTS, "nameAlreadyExists");
    }
    if (code == 0) {
        code = answer(fake, out, fake_add_item(fake, folder, name, true), err);
    }
    fake_leave(fake);
    return code;
}

int graph_update_item(struct graph_item *out, struct account *account, const char *drive_id,
                      const char *item_id, const struct graph_update *update,
                      const struct call *call, struct error *err)
{
    struct fake *fake = account->fake;
    uint32_t index = 0;
    int code = fake_enter(fake, FAKE_UPDATE, call, err);

    (void)drive_id;
    index = fake_by_id(fake, item_id);
    if (code == 0 && index == UINT32_MAX) {
        code = fake_not_found(err);
    }
    if (code == 0) {
        code = fake_update_item(fake, index, update, err);
    }
    if (code == 0) {
        code = answer(fake, out, index, err);
    }
    fake_leave(fake);
    return code;
}

int graph_delete_item(struct account *account, const char *drive_id, const char *item_id,
                      const struct call *call, struct error *err)
{
    struct fake *fake = account->fake;
    uint32_t index = 0;
    int code = fake_enter(fake, FAKE_DELETE, call, err);

    (void)drive_id;
    index = fake_by_id(fake, item_id);
    if (code == 0 && index == UINT32_MAX) {
        code = fake_not_found(err);
    }
    if (code == 0) {
        fake_remove_item(fake, index);
    }
    fake_leave(fake);
    return code;
}

int graph_delete_items(int *codes, struct account *account, const char *drive_id,
                       const char *const *item_ids, size_t count, const struct call *call,
                       struct error *err)
{
    struct fake *fake = account->fake;
    int code = fake_enter(fake, FAKE_BATCH, call, err);

    fake_leave(fake);
    assert(count <= GRAPH_BATCH_ITEMS);
    for (size_t i = 0; code == 0 && i < count; i++) {
        codes[i] = graph_delete_item(account, drive_id, item_ids[i], call, NULL);
        codes[i] = codes[i] == ERR_NOT_FOUND ? 0 : codes[i];
    }
    return code;
}

int graph_get_items(struct graph_item *items, int *codes, struct account *account,
                    const char *drive_id, const char *const *item_ids, size_t count,
                    const struct call *call, struct error *err)
{
    struct fake *fake = account->fake;
    int code = fake_enter(fake, FAKE_BATCH, call, err);

    fake_leave(fake);
    for (size_t i = 0; i < count; i++) {
        memset(&items[i], 0, sizeof(items[i]));
        codes[i] =
            code < 0 ? code : graph_get_item(&items[i], account, drive_id, item_ids[i], call, NULL);
    }
    return code;
}

static bool is_match(const struct item *item, uint32_t index, const char *if_match)
{
    char *etag = NULL;
    char *ctag = NULL;
    bool is_same = false;

    fake_versions_of(item, index, &etag, &ctag);
    is_same = !if_match || str_equal(if_match, etag) || str_equal(if_match, ctag);
    free(etag);
    free(ctag);
    return is_same;
}

/* An earlier try brought exactly these bytes. */
static bool has_arrived(const struct item *item, const void *data, uint64_t size)
{
    return !item->is_folder && !item->is_large && item->size == size &&
           memcmp(item->data, data, size) == 0;
}

/* With the lock: where the upload goes; UINT32_MAX with *err set. *is_done: it is there. */
static uint32_t upload_target(struct fake *fake, const struct graph_upload *upload,
                              const void *data, uint64_t size, bool *is_done, struct error *err)
{
    uint32_t folder = 0;
    uint32_t index = 0;

    if (upload->item_id) {
        index = fake_by_id(fake, upload->item_id);
        if (index == UINT32_MAX) {
            fake_not_found(err);
        } else if (!is_match(&fake->items[index], index, upload->if_match)) {
            *is_done = has_arrived(&fake->items[index], data, size);
            if (*is_done) {
                return index;
            }
            error_set(err, ERR_CHANGED, "resourceModified");
            return UINT32_MAX;
        }
        return index;
    }
    assert(upload->parent_id && upload->name);
    folder = fake_by_id(fake, upload->parent_id);
    if (folder == UINT32_MAX) {
        fake_not_found(err);
        return UINT32_MAX;
    }
    index = fake_find_child(fake, folder, upload->name);
    if (index) {
        *is_done = upload->may_have_arrived && has_arrived(&fake->items[index], data, size);
        if (*is_done) {
            return index;
        }
        error_set(err, ERR_EXISTS, "nameAlreadyExists");
        return UINT32_MAX;
    }
    index = fake_add_item(fake, folder, upload->name, false);
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
    bool is_done = false;
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
    code = fake_enter(fake, FAKE_UPLOAD, call, &error);
    if (code == 0) {
        index = upload_target(fake, upload, data, source->size_bytes, &is_done, &error);
        code = index == UINT32_MAX ? error.code : 0;
    }
    if (code == 0 && !is_done) {
        struct item *item = &fake->items[index];

        fake_set_content(item, data, source->size_bytes);
        fake_note(fake, index);
        if (source->size_bytes > 0) { /* else it is a PUT, which takes no times along */
            item->modified_ms = upload->modified_ms >= 0 ? upload->modified_ms : item->modified_ms;
            item->created_ms = upload->created_ms >= 0 ? upload->created_ms : item->created_ms;
        }
    }
    if (code == 0 && fake->lost_uploads > 0) {
        fake->lost_uploads--;
        code = error_set(&error, fake->lost_code, "the answer is lost");
    }
    if (code == 0) {
        code = answer(fake, out, index, &error);
    }
    fake_leave(fake);
    free(data);
    if (code < 0 && err) {
        *err = error;
    }
    return code;
}

/* --- versions --- */

void graph_versions_clear(struct graph_versions *versions)
{
    for (size_t i = 0; i < versions->count; i++) {
        free(versions->versions[i].user_id);
    }
    free(versions->versions);
    *versions = (struct graph_versions){0};
}

int graph_list_versions(struct graph_versions *out, struct account *account, const char *drive_id,
                        const char *item_id, const struct call *call, struct error *err)
{
    struct fake *fake = account->fake;
    int code = fake_enter(fake, FAKE_VERSIONS, call, err);
    uint32_t index = code == 0 ? fake_by_id(fake, item_id) : 0;

    (void)drive_id;
    *out = (struct graph_versions){0};
    if (code == 0 && index == UINT32_MAX) {
        code = fake_not_found(err);
    }
    if (code == 0) {
        const struct item *item = &fake->items[index];

        out->versions = calloc(1, sizeof(*out->versions));
        out->count = 1;
        out->versions[0].modified_ms = item->saved_ms;
        out->versions[0].size_bytes = item->size;
        str_copy(&out->versions[0].user_id, item->is_by_other ? "ben" : "me", NULL);
    }
    fake_leave(fake);
    return code;
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
    int code = fake_enter(account->fake, FAKE_DRIVE, call, err);

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
    int code = fake_enter(account->fake, FAKE_VERIFY, call, err);

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
