/*
 * The online vfs with the real client on the simulated tenant, as an agent has it: saves in the
 * background, conflict copies, changes by delta.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "all_saves.h"
#include "base/log.h"
#include "base/str.h"
#include "mapper/online_vfs.h"
#include "wire.h"
#include "world.h"

#define LIBRARY "/sites/finance/Shared Documents"
#define FOLDER "model"
#define WAIT_MS 90000
#define STALE_MS 150

struct state {
    struct wire *wire;
    struct online_vfs *online;
    struct str_list patterns;
    uint32_t seed;
};

static struct state *state_of(struct world *world)
{
    return world->payload;
}

static void start_vfs(struct world *world)
{
    static const int64_t settle_ms[] = {0, 50, 400};
    struct state *s = state_of(world);
    struct online_library library = {.account = s->wire->account,
                                     .key = "contoso|finance",
                                     .drive_id = s->wire->drive_id,
                                     .is_verified = true,
                                     .folder_path = FOLDER,
                                     .url = "https://contoso.sharepoint.com/sites/finance/"
                                            "Shared%20Documents"};
    struct online_vfs_options options = {.cache_bytes = 256u << 20,
                                         .cache_ms = 3600000,
                                         .metadata_ms = world->seed % 2 ? 20 : 100,
                                         .poll_ms = world->seed % 4 < 2 ? 30 : 0,
                                         .saves_in_background = world->seed % 5 != 0,
                                         .keeps_both = true,
                                         .upload_delay_ms = 50,
                                         .settle_ms = settle_ms[world->seed % 3],
                                         .local_only = &s->patterns};
    struct error err = {0};
    char *cache = NULL;
    char *spool = NULL;

    str_format(&cache, NULL, "%s/cache", s->wire->tenant->directory);
    str_format(&spool, NULL, "%s/spool", s->wire->tenant->directory);
    options.cache_directory = cache;
    options.spool_directory = spool;
    assert_ok(online_vfs_new(&s->online, &options, &err), err);
    assert_ok(online_vfs_add(s->online, &world->root, &library, &err), err);
    world->vfs = online_vfs_vfs(s->online);
    free(cache);
    free(spool);
}

static void start(struct world *world)
{
    struct state *s = calloc(1, sizeof(*s));

    log_set_level(LOG_LEVEL_OFF);
    world->payload = s;
    world->has_scratch = true;
    s->wire = wire_start();
    saves_patterns(&s->patterns);
    tenant_tell(s->wire->tenant, "mkdir", "{'library': '" LIBRARY "', 'path': '" FOLDER "'}");
    tenant_tell(s->wire->tenant, "switch", "{'name': 'delta_empty_pages', 'value': true}");
    tenant_tell(s->wire->tenant, "switch", "{'name': 'max_page', 'value': 7}");
    start_vfs(world);
}

static void stop(struct world *world)
{
    struct state *s = state_of(world);

    vfs_unref(world->vfs);
    wire_stop(s->wire);
    str_list_clear(&s->patterns);
    free(s);
}

static bool is_there(struct state *s, const char *path)
{
    cJSON *tree =
        tenant_control(s->wire->tenant, "tree", "{'library': '" LIBRARY "', 'path': '" FOLDER "'}");
    const cJSON *entry = NULL;
    bool found = false;

    cJSON_ArrayForEach(entry, cJSON_GetObjectItem(tree, "items"))
    {
        found = found ||
                str_equal_nocase(cJSON_GetStringValue(cJSON_GetObjectItem(entry, "path")), path);
    }
    cJSON_Delete(tree);
    return found;
}

static void edit(struct world *world, const char *path, const char *text)
{
    struct state *s = state_of(world);

    if (text) {
        tenant_tell(s->wire->tenant, "write",
                    "{'library': '" LIBRARY "', 'path': '" FOLDER "/%s', 'text': '%s'}", path,
                    text);
    } else if (is_there(s, path)) { /* only this thread deletes what others could delete */
        tenant_tell(s->wire->tenant, "delete",
                    "{'library': '" LIBRARY "', 'path': '" FOLDER "/%s'}", path);
    }
}

static void rename_foreign(struct world *world, const char *path, const char *name)
{
    const char *slash = strrchr(path, '/');

    tenant_tell(state_of(world)->wire->tenant, "move",
                "{'library': '" LIBRARY "', 'path': '" FOLDER "/%s', 'to': '" FOLDER "/%.*s/%s'}",
                path, (int)(slash - path), path, name);
}

static void fault(struct world *world, const struct op *op)
{
    static const char *const faults[] = {
        "{'match': {'host': 'graph', 'method': 'GET'}, 'action': {'status': 503}}",
        "{'match': {'host': 'graph'}, 'action': {'status': 429, 'headers': {'Retry-After': '0'}}}",
        "{'match': {'host': 'graph', 'method': 'PUT'}, 'action': {'run_first': true, 'reset': "
        "true}}",
        "{'match': {'host': 'graph', 'method': 'POST', 'path': '*createUploadSession'}, 'action': "
        "{'status': 500}}",
        "{'match': {'host': 'content', 'method': 'PUT'}, 'action': {'run_first': true, 'reset': "
        "true}}",
        "{'match': {'host': 'content', 'method': 'PUT'}, 'action': {'reset_at': 2000}}",
        "{'match': {'host': 'content', 'method': 'GET'}, 'action': {'truncate_after': 1000}}",
        "{'match': {'host': 'graph', 'method': 'PATCH'}, 'action': {'run_first': true, 'reset': "
        "true}}",
        "{'match': {'host': 'graph', 'method': 'DELETE'}, 'action': {'run_first': true, 'reset': "
        "true}}",
        "{'match': {'host': 'graph', 'method': 'POST', 'path': '*children'}, 'action': "
        "{'run_first': true, 'reset': true}}",
    };
    struct state *s = state_of(world);

    switch (op->seed % 8) {
    case 0:
        tenant_tell(s->wire->tenant, "resync", "{'library': '" LIBRARY "'}");
        break;
    case 1:
        tenant_tell(s->wire->tenant, op->size % 2 ? "expire-urls" : "reset-connections", "{}");
        break;
    case 2:
        (void)online_vfs_wipe_cache(s->online, NULL);
        break;
    default:
        tenant_tell(s->wire->tenant, "faults", "%s",
                    faults[op->offset % (sizeof(faults) / sizeof(faults[0]))]);
        break;
    }
}

static bool rest(struct world *world, char *why, size_t size)
{
    struct state *s = state_of(world);
    struct online_vfs_stats stats;
    unsigned left = 0;

    tenant_tell(s->wire->tenant, "clear-faults", "{}");
    left = online_vfs_settle(s->online, WAIT_MS);
    if (left) {
        snprintf(why, size, "%u changes do not settle", left);
        return false;
    }
    /* What is under way may have met a fault before: it ends, and waits for its time then. */
    (void)online_vfs_wait_uploads(s->online, WAIT_MS);
    online_vfs_wake_uploads(s->online);
    left = online_vfs_wait_uploads(s->online, WAIT_MS);
    online_vfs_stats(s->online, &stats);
    if (left || stats.uploads_waiting) {
        snprintf(why, size, "%u uploads are not done, %u wait", left, stats.uploads_waiting);
        return false;
    }
    usleep(STALE_MS * 1000);
    return true;
}

static void restart(struct world *world)
{
    struct state *s = state_of(world);

    (void)online_vfs_settle(s->online, WAIT_MS);
    vfs_unref(world->vfs);
    start_vfs(world);
}

static void truth(struct world *world, struct world_tree *out)
{
    cJSON *tree = tenant_control(state_of(world)->wire->tenant, "tree",
                                 "{'library': '" LIBRARY "', 'path': '" FOLDER "'}");
    const cJSON *entry = NULL;

    cJSON_ArrayForEach(entry, cJSON_GetObjectItem(tree, "items"))
    {
        bool is_folder = cJSON_IsTrue(cJSON_GetObjectItem(entry, "folder"));
        const char *hash = cJSON_GetStringValue(cJSON_GetObjectItem(entry, "sha256"));

        world_add(out, cJSON_GetStringValue(cJSON_GetObjectItem(entry, "path")), is_folder,
                  is_folder ? 0 : (uint64_t)cJSON_GetObjectItem(entry, "size")->valuedouble,
                  hash ? hash : "");
    }
    cJSON_Delete(tree);
}

static bool ever_held(struct world *world, const char *text)
{
    cJSON *all =
        tenant_control(state_of(world)->wire->tenant, "contents", "{'library': '" LIBRARY "'}");
    const cJSON *entry = NULL;
    char hash[65];
    bool found = false;

    world_hash(hash, text, strlen(text));
    cJSON_ArrayForEach(entry, cJSON_GetObjectItem(all, "contents"))
    {
        found =
            found || str_equal(cJSON_GetStringValue(cJSON_GetObjectItem(entry, "sha256")), hash);
    }
    cJSON_Delete(all);
    return found;
}

const struct world_type world_type = {.name = "tenant",
                                      .start = start,
                                      .stop = stop,
                                      .edit = edit,
                                      .rename = rename_foreign,
                                      .fault = fault,
                                      .rest = rest,
                                      .restart = restart,
                                      .truth = truth,
                                      .ever_held = ever_held};
