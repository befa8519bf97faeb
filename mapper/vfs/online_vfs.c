/*
 * online_vfs.c - the life of the online vfs, its options and its table of slots.
 */
#include "mapper/online_vfs.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/str.h"
#include "listing.h"
#include "local_only.h"
#include "online.h"
#include "reader.h"
#include "unsaved.h"
#include "uploads.h"
#include "settle.h"
#include "spares.h"

#define CACHE_DEFAULT_MAX (UINT64_C(10) * 1024 * 1024 * 1024)
#define ITEMS_DEFAULT 300000u
#define SPACE_MS (5 * 60 * 1000)
#define IDLE_STREAM_MS 15000
#define KEEPER_MS 10000

/* --- the thread that keeps the cache within its limits --- */

/* Ends transfers that nobody follows. */
static void stop_idle_streams(struct online_vfs *online)
{
    cache_each_open(online->cache, content_stop_idle, IDLE_STREAM_MS);
}

static void *keep(void *payload)
{
    struct online_vfs *online = payload;

    mutex_lock(&online->lock);
    while (!online->is_ending) {
        int64_t next_ms = -1;

        if (!online->has_cached) {
            cond_wait(&online->keeper_wake, &online->lock);
            continue;
        }
        if (!online->has_new_limits) {
            (void)cond_wait_ms(&online->keeper_wake, &online->lock, KEEPER_MS);
        }
        if (online->is_ending) {
            break;
        }
        online->has_new_limits = false;
        mutex_unlock(&online->lock);
        stop_idle_streams(online);
        next_ms = cache_trim(online->cache);
        mutex_lock(&online->lock);
        online->has_cached = next_ms >= 0 || online->open_files > 0;
    }
    mutex_unlock(&online->lock);
    return NULL;
}

/* --- slots that are nowhere else --- */

static int ask_space(struct online_vfs *online, struct node *node, const struct call *call,
                     struct error *err)
{
    struct graph_drive drive = {0};
    struct place place = {0};
    int code = place_of(&place, online, node, false, call, err);

    if (code == 0) {
        code = graph_get_drive(&drive, place.account, place.drive_id, call, err);
    }
    if (code == 0) {
        mutex_lock(&online->lock);
        place.library->space =
            (struct vfs_space){.total_bytes = drive.quota_total,
                               .free_bytes = drive.quota_total ? drive.quota_remaining : 0};
        place.library->space_ms = online_now();
        mutex_unlock(&online->lock);
    }
    graph_drive_clear(&drive);
    place_clear(&place);
    return code;
}

static int online_statfs(struct vfs *vfs, struct vfs_space *out, uint64_t id,
                         const struct vfs_call *vfs_call, struct error *err)
{
    struct online_vfs *online = online_of(vfs);
    struct call call = call_begin(vfs_call, CALL_LISTING);
    struct library *library = NULL;
    struct node *node = NULL;
    bool is_known = false;
    int code = node_get(online, &node, id, -1, err);

    if (code < 0) {
        return code;
    }
    mutex_lock(&online->lock);
    library = library_of(online, node);
    is_known = !library || (library->space_ms && online_now() - library->space_ms < SPACE_MS);
    mutex_unlock(&online->lock);
    if (!is_known) {
        code = ask_space(online, node, &call, err);
    }
    if (code == 0) {
        mutex_lock(&online->lock);
        *out = library ? library->space : (struct vfs_space){0};
        mutex_unlock(&online->lock);
    }
    node_put(online, node);
    return code;
}

static void online_listen(struct vfs *vfs, vfs_changed_fn changed, void *payload)
{
    struct online_vfs *online = online_of(vfs);

    mutex_lock(&online->lock);
    online->listener = changed;
    online->listener_payload = payload;
    while (online->listener_running > 0) {
        cond_wait(&online->changed, &online->lock);
    }
    mutex_unlock(&online->lock);
}

static void online_free(struct vfs *vfs)
{
    struct online_vfs *online = online_of(vfs);

    mutex_lock(&online->lock);
    online->is_ending = true;
    cond_signal(&online->keeper_wake);
    mutex_unlock(&online->lock);
    follow_stop(online);
    prefetch_stop(online);
    thread_join(&online->keeper);
    settle_stop(online);
    local_only_end(online);
    local_only_clear(online);
    if (online->uploads) {
        uploads_stop(online->uploads);
    }
    uploads_free(online->uploads);
    forget_urls(online);
    tree_free(online->tree);
    libraries_free(online);
    cache_free(online->cache);
    guard_free(online->guard);
    spares_free(online->spares);
    cond_clear(&online->prefetch_wake);
    cond_clear(&online->follow_wake);
    cond_clear(&online->settle_wake);
    cond_clear(&online->keeper_wake);
    cond_clear(&online->changed);
    mutex_clear(&online->spool_lock);
    mutex_clear(&online->lock);
    free(online->spool_directory);
    free(online->cache_directory);
    free(online);
}

static const struct vfs_ops online_ops = {
    .lookup = online_lookup,
    .forget = online_forget,
    .getattr = online_getattr,
    .setattr = online_setattr,
    .opendir = online_opendir,
    .readdir = online_readdir,
    .closedir = online_closedir,
    .open = online_open,
    .create = online_create,
    .read = online_read,
    .write = online_write,
    .flush = online_flush,
    .fsync = online_fsync,
    .close = online_close,
    .abandon = online_abandon,
    .mkdir = online_mkdir,
    .unlink = online_unlink,
    .rmdir = online_rmdir,
    .rename = online_rename,
    .statfs = online_statfs,
    .attribute = online_attribute,
    .listen = online_listen,
    .free = online_free,
};

/* --- making --- */

static uint64_t cache_limit(const struct online_vfs_options *options)
{
    uint64_t free_bytes = 0;

    if (options->cache_bytes) {
        return options->cache_bytes;
    }
    if (file_free_bytes(options->cache_directory, &free_bytes, NULL) < 0) {
        return CACHE_DEFAULT_MAX / 10;
    }
    return free_bytes / 4 < CACHE_DEFAULT_MAX ? free_bytes / 4 : CACHE_DEFAULT_MAX;
}

static void set_options(struct online_vfs *online, const struct online_vfs_options *options)
{
    online->options = *options;
    online->upload_delay_ms = options->upload_delay_ms;
    online->options.cache_directory = NULL;
    online->options.spool_directory = NULL;
    online->options.blocked_extensions = NULL;
    online->options.scanner_processes = NULL;
    online->options.local_only = NULL;
}

static int make_tag(char *out, size_t size, struct error *err)
{
    unsigned char random[8] = {0};
    int code = secret_random(random, sizeof(random), err);

    for (size_t i = 0; i < sizeof(random) && code == 0; i++) {
        snprintf(out + i * 2, size - i * 2, "%02x", random[i]);
    }
    return code;
}

static int make_tree(struct online_vfs *online, struct error *err)
{
    struct node *root = NULL;
    uint32_t limit = online->options.max_items ? online->options.max_items : ITEMS_DEFAULT;
    int code = tree_new(&online->tree, limit, err);

    if (code == 0) {
        code = tree_add_root(online->tree, &root, NULL, err);
    }
    assert(code < 0 || node_id(root) == VFS_ROOT);
    return code;
}

int online_vfs_new(struct online_vfs **out, const struct online_vfs_options *options,
                   struct error *err)
{
    struct online_vfs *online = calloc(1, sizeof(*online));
    int code = 0;

    if (!online) {
        return error_set(err, ERR_NO_MEMORY, "no memory for the online file system");
    }
    vfs_init(&online->base, &online_ops);
    mutex_init(&online->lock);
    mutex_init(&online->spool_lock);
    cond_init(&online->changed);
    cond_init(&online->keeper_wake);
    cond_init(&online->settle_wake);
    cond_init(&online->follow_wake);
    cond_init(&online->prefetch_wake);
    set_options(online, options);
    /* Before anything was asked: node->checked_s 0 must be old. */
    online->started_ms = online_now() - options->metadata_ms - 1000;
    code = str_copy(&online->spool_directory, options->spool_directory, err);
    if (code == 0) {
        code = str_copy(&online->cache_directory, options->cache_directory, err);
    }
    if (code == 0) {
        code = file_make_private_directory(options->spool_directory, err);
    }
    if (code == 0) {
        code = file_make_private_directory(options->cache_directory, err);
    }
    if (code == 0) {
        code = cache_new(&online->cache, options->cache_directory, cache_limit(options),
                         options->cache_ms, err);
    }
    if (code == 0) {
        code = guard_new(&online->guard, err);
    }
    if (code == 0) {
        code = guard_configure(online->guard, options, err);
    }
    if (code == 0) {
        code = make_tag(online->spool_tag, sizeof(online->spool_tag), err);
    }
    if (code == 0) {
        code = spares_new(&online->spares, online->spool_directory, online->spool_tag, err);
    }
    if (code == 0) {
        code = uploads_new(&online->uploads, online, err);
    }
    if (code == 0) {
        unsaved_sweep(online);
        code = make_tree(online, err);
    }
    if (code == 0) {
        code = thread_start(&online->keeper, "vfs-keeper", keep, online, err);
    }
    if (code == 0) {
        code = local_only_configure(online, options->local_only, err);
    }
    if (code == 0) {
        local_only_sweep(online);
    }
    if (code == 0) {
        code = settle_start(online, err);
    }
    if (code == 0) {
        code = follow_start(online, err);
    }
    if (code < 0) {
        online_free(&online->base);
        return code;
    }
    *out = online;
    return 0;
}

struct vfs *online_vfs_vfs(struct online_vfs *online)
{
    return &online->base;
}

void online_vfs_configure(struct online_vfs *online, const struct online_vfs_options *options)
{
    struct online_vfs_options measured = *options;
    struct error error = {0};

    measured.cache_directory = online->cache_directory;
    cache_configure(online->cache, cache_limit(&measured), options->cache_ms);
    if (guard_configure(online->guard, options, &error) < 0) {
        log_error(LOG_VFS, &error, "new lists of extensions and programs do not count yet");
    }
    if (local_only_configure(online, options->local_only, &error) < 0) {
        log_error(LOG_VFS, &error, "the patterns of scratch files stay as they were");
    }
    mutex_lock(&online->lock);
    set_options(online, options);
    cond_signal(&online->follow_wake);
    online->has_new_limits = true; /* the keeper may not be waiting just now */
    cond_signal(&online->keeper_wake);
    mutex_unlock(&online->lock);
}

void online_vfs_stats(struct online_vfs *online, struct online_vfs_stats *out)
{
    *out = (struct online_vfs_stats){.cache_bytes = cache_bytes(online->cache),
                                     .unsaved = unsaved_count(online)};
    mutex_lock(&online->lock);
    out->items = tree_count(online->tree);
    out->item_bytes = tree_bytes(online->tree);
    out->open_files = online->open_files;
    out->uploads_running = online->uploads_running;
    mutex_unlock(&online->lock);
    uploads_count(online->uploads, out);
}

void online_vfs_deletes(struct online_vfs *online, struct online_vfs_deletes *out)
{
    guard_deletes(online->guard, out);
}

void online_vfs_allow_deletes(struct online_vfs *online, unsigned minutes)
{
    guard_allow_deletes(online->guard, (int64_t)minutes * 60000);
}

int online_vfs_wipe_cache(struct online_vfs *online, struct error *err)
{
    (void)err;
    cache_wipe(online->cache);
    return 0;
}
