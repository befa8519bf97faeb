/*
 * Every sequence on the online vfs with the real client, against the simulated tenant. Judged by
 * the tenant: same item, one version, no scratch name in any request, at most 4 RU a save. And
 * again while the service rewrites each Office file that it gets; and through the WebDAV gateway, by
 * a client that does what WebClient does.
 *
 * `test_saves_tenant [PATTERN]`
 */
#include "wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "all_saves.h"
#include "base/str.h"
#include "mapper/online_vfs.h"
#include "replay.h"
#include "served.h"

#define LIBRARY "/sites/finance/Shared Documents"
#define WAIT_MS 20000
#define RU_PER_SAVE 4

struct stage {
    struct wire *wire;
    struct online_vfs *online;
    uint64_t root;
    unsigned number; /* of the sequence: each has a folder of its own */
    bool is_rewritten;
    struct vfs *shown; /* what programs see: the online vfs, or a client of the gateway over it */
    uint64_t shown_root;
    struct replay replay;
    char folder[32];
};

static void rest(void *payload)
{
    struct stage *stage = payload;

    (void)online_vfs_settle(stage->online, WAIT_MS);
    (void)online_vfs_wait_uploads(stage->online, WAIT_MS);
}

static bool wrong(char *why, size_t size, const char *what, const char *name)
{
    snprintf(why, size, "on the server: %s '%s'", what, name);
    return false;
}

/* --- what the tenant says --- */

struct truth {
    char id[80];
    int versions;
    double size_bytes;
};

static void ask_truth(struct stage *stage, struct truth *out, const char *name)
{
    cJSON *item =
        tenant_control(stage->wire->tenant, "item", "{'library': '" LIBRARY "', 'path': '%s/%s'}",
                       stage->folder, name);

    snprintf(out->id, sizeof(out->id), "%s", cJSON_GetStringValue(cJSON_GetObjectItem(item, "id")));
    out->versions = cJSON_GetObjectItem(item, "versions")->valueint;
    out->size_bytes = cJSON_GetObjectItem(item, "size")->valuedouble;
    cJSON_Delete(item);
}

/* Any part of a path that is a scratch name: files are named in it when they are made. */
static bool names_scratch(const struct sequence *s, const char *path)
{
    char *decoded = NULL;
    char *at = NULL;
    bool is_scratch = false;

    if (str_percent_decode(&decoded, path, NULL) < 0) {
        return true;
    }
    for (at = decoded; *at && !is_scratch;) {
        size_t length = strcspn(at, "/:");
        char end = at[length];

        at[length] = '\0';
        is_scratch = *at && sequence_is_scratch(s, at);
        at += length + (end != '\0');
    }
    free(decoded);
    return is_scratch;
}

/* All requests since the log was cleared, but those that only ask what others did. */
static bool judge_requests(struct stage *stage, char *why, size_t size)
{
    const struct sequence *s = stage->replay.sequence;
    cJSON *log = tenant_control(stage->wire->tenant, "requests", "{'since': 0}");
    const cJSON *entry = NULL;
    double ru = 0;
    int count = 0;
    bool is_good = true;

    cJSON_ArrayForEach(entry, cJSON_GetObjectItem(log, "requests"))
    {
        const char *path = cJSON_GetStringValue(cJSON_GetObjectItem(entry, "path"));

        if (strstr(path, "/delta") || strstr(path, "/token")) {
            continue;
        }
        ru += cJSON_GetObjectItem(entry, "ru")->valuedouble;
        count++;
        if (is_good && names_scratch(s, path)) {
            is_good = wrong(why, size, "a request for", path);
        }
    }
    cJSON_Delete(log);
    if (is_good) {
        snprintf(why, size, "%d requests, %g RU", count, ru);
    }
    if (is_good && count == 0) {
        is_good = wrong(why, size, "no request for", s->document);
    }
    if (is_good && ru > RU_PER_SAVE * s->versions && !stage->is_rewritten) {
        is_good = wrong(why + strlen(why), size - strlen(why), ", too many for", s->document);
    }
    return is_good;
}

static bool lists_exactly(struct stage *stage, char *why, size_t size)
{
    const struct sequence *s = stage->replay.sequence;
    cJSON *tree = tenant_control(stage->wire->tenant, "tree",
                                 "{'library': '" LIBRARY "', 'path': '%s'}", stage->folder);
    const cJSON *items = cJSON_GetObjectItem(tree, "items");
    const cJSON *entry = NULL;
    bool is_good = cJSON_IsArray(items);

    cJSON_ArrayForEach(entry, items)
    {
        const char *name = cJSON_GetStringValue(cJSON_GetObjectItem(entry, "path"));
        const char *slash = name ? strrchr(name, '/') : NULL;
        bool is_known = false;

        name = slash ? slash + 1 : name;
        is_known = name && str_equal_nocase(name, s->document);
        for (size_t i = 0; i < s->after_count && name; i++) {
            is_known = is_known || str_equal_nocase(name, s->after[i].name);
        }
        if (is_good && !is_known) {
            is_good = wrong(why, size, "there is", name ? name : "?");
        }
    }
    cJSON_Delete(tree);
    return is_good;
}

/* --- one sequence --- */

static bool judge(struct stage *stage, const struct truth *before, char *why, size_t size)
{
    const struct sequence *s = stage->replay.sequence;
    struct truth after = {0};

    ask_truth(stage, &after, s->document);
    if (!s->is_new && strcmp(after.id, before->id) != 0) {
        return wrong(why, size, "another item is", s->document);
    }
    if (after.versions - before->versions != s->versions) {
        snprintf(why, size, "on the server: %d versions more, not %d",
                 after.versions - before->versions, s->versions);
        return false;
    }
    if (!lists_exactly(stage, why, size)) {
        return false;
    }
    if (s->versions == 0) { /* nothing happened: nothing was to be asked for either */
        return true;
    }
    return judge_requests(stage, why, size);
}

/* What the server gives is what was sent: without the cache, and without what a client in between
 * remembers. */
static bool came_back(struct stage *stage, char *why, size_t size)
{
    struct replay *replay = &stage->replay;
    struct error err = {0};
    struct vfs_attr attr;
    bool is_good = false;

    replay->vfs = online_vfs_vfs(stage->online);
    assert_ok(online_vfs_wipe_cache(stage->online, &err), err);
    assert_ok(vfs_lookup(replay->vfs, &attr, stage->root, stage->folder, NULL, &err), err);
    replay->folder = attr.id;
    is_good = replay_check(replay);
    if (!is_good) {
        snprintf(why, size, "from the server: %s", replay->failure);
    }
    vfs_forget(replay->vfs, attr.id, 1);
    return is_good;
}

static bool play(struct stage *stage, char *why, size_t size)
{
    struct vfs *vfs = stage->shown;
    const struct sequence *s = stage->replay.sequence;
    struct online_vfs_stats stats = {0};
    struct truth before = {0};
    struct vfs_attr attr;
    struct error err = {0};
    bool is_good = false;

    snprintf(stage->folder, sizeof(stage->folder), "save %u", ++stage->number);
    if (vfs_mkdir(vfs, &attr, stage->shown_root, stage->folder, NULL, &err) < 0) {
        snprintf(why, size, "%s", err.message);
        return false;
    }
    stage->replay.vfs = vfs;
    stage->replay.folder = attr.id;
    is_good = replay_prepare(&stage->replay, NULL);
    rest(stage);
    if (is_good && !s->is_new) {
        ask_truth(stage, &before, s->document);
    }
    tenant_tell(stage->wire->tenant, "clear-log", "{}");
    is_good = is_good && replay_run(&stage->replay);
    rest(stage);
    is_good = is_good && (stage->is_rewritten || replay_check(&stage->replay));
    online_vfs_stats(stage->online, &stats);
    if (is_good && stats.unsaved > 0) {
        snprintf(why, size, "something is unsaved");
        is_good = false;
    } else if (!is_good) {
        snprintf(why, size, "%s", stage->replay.failure);
    }
    is_good = is_good && judge(stage, &before, why, size);
    if (is_good && !stage->is_rewritten) {
        is_good = came_back(stage, why, size);
    }
    vfs_forget(vfs, attr.id, 1);
    return is_good;
}

static bool play_on_tenant(void *payload, const struct sequence *sequence, char *why, size_t size)
{
    struct stage *stage = payload;

    stage->replay = (struct replay){.sequence = sequence, .rest = rest, .payload = stage};
    return play(stage, why, size);
}

static void start_vfs(struct stage *stage, const struct str_list *patterns)
{
    struct online_library library = {.account = stage->wire->account,
                                     .key = "contoso|finance",
                                     .drive_id = stage->wire->drive_id,
                                     .is_verified = true,
                                     .url = "https://contoso.sharepoint.com/sites/finance/"
                                            "Shared%20Documents"};
    struct online_vfs_options options = {.cache_bytes = 256u * 1024 * 1024,
                                         .cache_ms = 3600000,
                                         .metadata_ms = 60000,
                                         .saves_in_background = true,
                                         .keeps_both = true,
                                         .upload_delay_ms = 200, /* as the agent */
                                         .settle_ms = 60000,     /* only when told to */
                                         .local_only = patterns};
    struct error err = {0};
    char *cache = NULL;
    char *spool = NULL;

    str_format(&cache, NULL, "%s/cache", stage->wire->tenant->directory);
    str_format(&spool, NULL, "%s/spool", stage->wire->tenant->directory);
    options.cache_directory = cache;
    options.spool_directory = spool;
    assert_ok(online_vfs_new(&stage->online, &options, &err), err);
    assert_ok(online_vfs_add(stage->online, &stage->root, &library, &err), err);
    stage->shown = online_vfs_vfs(stage->online);
    stage->shown_root = stage->root;
    free(cache);
    free(spool);
}

struct run {
    const char *title;
    const char *pattern;
    bool is_rewritten;
    bool is_by_webdav;
    int failed;
};

static void run_all(void **state)
{
    struct run *run = *state;
    struct stage stage = {.wire = wire_start(), .is_rewritten = run->is_rewritten};
    struct str_list patterns = {0};
    struct served served = {0};
    struct error err = {0};

    saves_patterns(&patterns);
    start_vfs(&stage, &patterns);
    if (run->is_rewritten) {
        tenant_tell(stage.wire->tenant, "switch",
                    "{'name': 'office_enrichment_late', 'value': true}");
    }
    if (run->is_by_webdav) {
        assert_ok(served_begin_on(&served, stage.shown, stage.root, &err), err);
        stage.shown = served.client;
        stage.shown_root = VFS_ROOT;
    }
    run->failed = all_saves(run->title, run->pattern, play_on_tenant, &stage);
    if (run->is_by_webdav) {
        served_end(&served);
    }
    vfs_unref(online_vfs_vfs(stage.online));
    wire_stop(stage.wire);
    str_list_clear(&patterns);
    assert_int_equal(run->failed, 0);
}

int main(int argc, char **argv)
{
    const char *pattern = argc > 1 ? argv[1] : NULL;
    struct run plain = {.title = "tenant", .pattern = pattern};
    struct run rewriting = {.title = "tenant, rewriting", .pattern = pattern, .is_rewritten = true};
    struct run by_webdav = {.title = "tenant, WebDAV", .pattern = pattern, .is_by_webdav = true};
    const struct CMUnitTest tests[] = {
        {"saves on a tenant", run_all, NULL, NULL, &plain},
        {"saves on a tenant that rewrites Office files", run_all, NULL, NULL, &rewriting},
        {"saves on a tenant by WebDAV", run_all, NULL, NULL, &by_webdav},
    };

    return cmocka_run_group_tests_name("saves", tests, NULL, NULL) ? 1 : 0;
}
