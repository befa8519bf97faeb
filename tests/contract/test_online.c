/*
 * The contract on the online vfs with the real client, against the simulated tenant; and what only
 * a service shows: whose item it is, what a fault does, that a read-only library stays as it is.
 *
 * `test_online [PATTERN]`; ONLINE_CONTRACT_ONLY in the environment leaves the second part out.
 */
#include "wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "mapper/online_vfs.h"
#include "vfs_contract.h"

#define MIB (1024u * 1024)
#define LIBRARY "/sites/finance/Shared Documents"

struct online {
    struct wire *wire;
    struct online_vfs *vfs;
    uint64_t root;
};

static void start_vfs(struct online *o, struct online_vfs_options *options)
{
    struct online_library library = {.account = o->wire->account,
                                     .key = "contoso|finance",
                                     .drive_id = o->wire->drive_id,
                                     .is_verified = true,
                                     .url = "https://contoso.sharepoint.com/sites/finance/"
                                            "Shared%20Documents"};
    struct error err = {0};
    char *cache = NULL;
    char *spool = NULL;

    str_format(&cache, NULL, "%s/cache", o->wire->tenant->directory);
    str_format(&spool, NULL, "%s/spool", o->wire->tenant->directory);
    options->cache_directory = cache;
    options->spool_directory = spool;
    options->cache_bytes = 256 * MIB;
    options->cache_ms = 3600000;
    assert_ok(online_vfs_new(&o->vfs, options, &err), err);
    assert_ok(online_vfs_add(o->vfs, &o->root, &library, &err), err);
    free(cache);
    free(spool);
}

/* --- the contract --- */

static int make(struct vfs_contract *c, struct error *err)
{
    struct online_vfs_options options = {.blocked_above = c->blocked_above,
                                         .read_only_above = c->read_only_above};
    struct online *o = c->payload;

    (void)err;
    o->wire = wire_start();
    start_vfs(o, &options); /* metadata_ms 0: a foreign edit counts at once */
    c->vfs = online_vfs_vfs(o->vfs);
    c->root = o->root;
    return 0;
}

static void end(struct vfs_contract *c)
{
    struct online *o = c->payload;

    vfs_unref(c->vfs);
    wire_stop(o->wire);
}

static int edit(struct vfs_contract *c, const char *folder, const char *name, const void *data,
                size_t size, struct error *err)
{
    struct online *o = c->payload;

    (void)err;
    tenant_tell(o->wire->tenant, "write",
                "{'library': '" LIBRARY "', 'path': '%s/%s', 'text': '%.*s'}", folder, name,
                (int)size, (const char *)data);
    return 0;
}

/* --- what only a service shows --- */

static int setup(void **state)
{
    struct online_vfs_options options = {.metadata_ms = 60000};
    struct online *o = calloc(1, sizeof(*o));

    o->wire = wire_start();
    start_vfs(o, &options);
    *state = o;
    return 0;
}

static int teardown(void **state)
{
    struct online *o = *state;

    vfs_unref(online_vfs_vfs(o->vfs));
    wire_stop(o->wire);
    free(o);
    return 0;
}

static uint64_t find(struct online *o, const char *path)
{
    struct vfs *vfs = online_vfs_vfs(o->vfs);
    struct vfs_attr attr = {.id = o->root};
    struct error err = {0};
    char name[256];

    while (*path) {
        size_t length = strcspn(path, "/");

        snprintf(name, sizeof(name), "%.*s", (int)length, path);
        path += length + (path[length] == '/');
        assert_ok(vfs_lookup(vfs, &attr, attr.id, name, NULL, &err), err);
    }
    return attr.id; /* the holds stay: the vfs ends with the test */
}

static void put(struct online *o, uint64_t folder, const char *name, const char *text)
{
    struct vfs *vfs = online_vfs_vfs(o->vfs);
    struct vfs_file *file = NULL;
    struct vfs_attr attr;
    struct error err = {0};

    assert_ok(vfs_create(vfs, &file, &attr, folder, name, VFS_WRITE | VFS_TRUNCATE, NULL, &err),
              err);
    assert_ok(vfs_write(vfs, file, text, strlen(text), 0, NULL, &err), err);
    assert_ok(vfs_flush(vfs, file, NULL, &err), err);
    vfs_close(vfs, file);
}

static bool take(void *payload, const char *name, const struct vfs_attr *attr, uint64_t cookie)
{
    uint64_t *last = payload;

    (void)name;
    (void)attr;
    *last = cookie;
    return true;
}

/* Lists to the end: the number of entries, or the error. */
static int64_t list(struct online *o, uint64_t id)
{
    struct vfs *vfs = online_vfs_vfs(o->vfs);
    struct vfs_dir *dir = NULL;
    uint64_t last = 0;
    uint64_t before = 1;
    int code = vfs_opendir(vfs, &dir, id, NULL, NULL);

    while (code == 0 && last != before) {
        before = last;
        code = vfs_readdir(vfs, dir, last, take, &last, NULL, NULL);
    }
    vfs_closedir(vfs, dir);
    return code < 0 ? code : (int64_t)last;
}

static char *server_item(struct online *o, const char *path, const char *member)
{
    cJSON *item =
        tenant_control(o->wire->tenant, "item", "{'library': '" LIBRARY "', 'path': '%s'}", path);
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(item, member);
    char *text = NULL;

    if (cJSON_IsString(value)) {
        str_copy(&text, value->valuestring, NULL);
    } else {
        str_format(&text, NULL, "%.0f", value ? value->valuedouble : -1.0);
    }
    cJSON_Delete(item);
    return text;
}

static void online_rename__onto_a_file_is_a_new_version_of_the_same_item(void **state)
{
    struct online *o = *state;
    struct vfs *vfs = online_vfs_vfs(o->vfs);
    struct error err = {0};
    uint64_t folder = find(o, "General");
    char *before = NULL;
    char *after = NULL;
    char *versions = NULL;

    put(o, folder, "report.txt", "first");
    before = server_item(o, "General/report.txt", "id");
    put(o, folder, "report.tmp", "second");
    assert_ok(vfs_rename(vfs, folder, "report.tmp", folder, "report.txt", 0, NULL, &err), err);
    after = server_item(o, "General/report.txt", "id");
    versions = server_item(o, "General/report.txt", "versions");
    assert_string_equal(before, after);
    assert_string_equal(versions, "2");
    free(before);
    free(after);
    free(versions);
}

static void online_readdir__of_450_entries_asks_once_in_a_minute(void **state)
{
    struct online *o = *state;
    uint64_t many = find(o, "Many");

    tenant_tell(o->wire->tenant, "clear-log", "{}");
    assert_int_equal(list(o, many), 450);
    assert_int_equal(list(o, many), 450);
    assert_int_equal(tenant_settled_count(o->wire->tenant, "GET", "**/children", 1), 1);
}

static void online_readdir__of_a_failing_page_is_an_error(void **state)
{
    struct online *o = *state;
    uint64_t many = find(o, "Many");

    tenant_tell(o->wire->tenant, "switch", "{'name': 'max_page', 'value': 100}");
    tenant_tell(
        o->wire->tenant, "faults",
        "{'match': {'path': '*/children*', 'query': '*skiptoken*'}, 'after': 2, 'count': 20,"
        " 'action': {'status': 404, 'code': 'itemNotFound'}}");
    assert_true(list(o, many) < 0);
    tenant_tell(o->wire->tenant, "clear-faults", "{}");
    assert_int_equal(list(o, many), 450);
}

static void online_flush__of_a_changed_file_fails_and_keeps_the_bytes(void **state)
{
    struct online *o = *state;
    struct vfs *vfs = online_vfs_vfs(o->vfs);
    struct online_vfs_stats stats = {0};
    struct vfs_file *file = NULL;
    struct error err = {0};
    uint64_t id = find(o, "readme.txt");

    assert_ok(vfs_open(vfs, &file, id, VFS_READ | VFS_WRITE, NULL, &err), err);
    assert_ok(vfs_write(vfs, file, "mine", 4, 0, NULL, &err), err);
    tenant_tell(o->wire->tenant, "write",
                "{'library': '" LIBRARY "', 'path': 'readme.txt', 'text': 'theirs, longer'}");
    assert_int_equal(vfs_flush(vfs, file, NULL, &err), ERR_CHANGED);
    vfs_close(vfs, file);
    online_vfs_stats(o->vfs, &stats);
    assert_int_equal(stats.unsaved, 1);
}

static void online_open__of_an_infected_file_is_denied(void **state)
{
    struct online *o = *state;
    struct vfs_file *file = NULL;

    assert_int_equal(
        vfs_open(online_vfs_vfs(o->vfs), &file, find(o, "Virus.txt"), VFS_READ, NULL, NULL),
        ERR_DENIED);
}

static void online_flush__of_a_locked_file_says_so(void **state)
{
    struct online *o = *state;
    struct vfs *vfs = online_vfs_vfs(o->vfs);
    struct vfs_file *file = NULL;
    struct error err = {0};

    assert_ok(vfs_open(vfs, &file, find(o, "Locked.docx"), VFS_WRITE | VFS_TRUNCATE, NULL, &err),
              err);
    assert_ok(vfs_write(vfs, file, "x", 1, 0, NULL, &err), err);
    assert_int_equal(vfs_flush(vfs, file, NULL, &err), ERR_LOCKED);
    vfs_close(vfs, file);
}

static void online_read__of_a_large_file_is_right_at_any_place(void **state)
{
    struct online *o = *state;
    struct vfs *vfs = online_vfs_vfs(o->vfs);
    struct wire_source source;
    struct vfs_file *file = NULL;
    struct vfs_attr attr;
    struct error err = {0};
    unsigned char *data = malloc(MIB);
    uint64_t size = 20 * (uint64_t)MIB + 123;

    wire_source_init(&source, size, 7);
    assert_ok(vfs_create(vfs, &file, &attr, find(o, "General"), "large.bin", VFS_WRITE, NULL, &err),
              err);
    for (uint64_t at = 0; at < size; at += MIB) {
        size_t got = 0;
        size_t part = size - at < MIB ? (size_t)(size - at) : MIB;

        source.source.read(&source, data, part, at, &got, NULL);
        assert_ok(vfs_write(vfs, file, data, part, at, NULL, &err), err);
    }
    assert_ok(vfs_flush(vfs, file, NULL, &err), err);
    vfs_close(vfs, file);
    assert_ok(online_vfs_wipe_cache(o->vfs, &err), err);
    assert_ok(vfs_open(vfs, &file, attr.id, VFS_READ, NULL, &err), err);
    for (uint64_t i = 0; i < 60; i++) {
        uint64_t at = i % 2 ? i * 131072 : (i * 7919 * 4096) % size;
        size_t got = 0;

        assert_ok(vfs_read(vfs, file, data, 131072, at, &got, NULL, &err), err);
        for (size_t b = 0; b < got; b += 997) {
            assert_int_equal(data[b], wire_byte(7, at + b));
        }
    }
    vfs_close(vfs, file);
    free(data);
}

static void online_create__of_forty_files_asks_for_each_only_to_send_it(void **state)
{
    struct online *o = *state;
    struct vfs *vfs = online_vfs_vfs(o->vfs);
    struct vfs_attr folder;
    struct vfs_attr attr;
    struct error err = {0};
    char name[32];

    assert_ok(vfs_mkdir(vfs, &folder, find(o, "General"), "copied", NULL, &err), err);
    tenant_tell(o->wire->tenant, "clear-log", "{}");
    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof(name), "file %d.txt", i);
        assert_int_equal(vfs_lookup(vfs, &attr, folder.id, name, NULL, NULL), ERR_NOT_FOUND);
        put(o, folder.id, name, name);
    }
    assert_int_equal(list(o, folder.id), 40);
    assert_int_equal(tenant_settled_count(o->wire->tenant, NULL, NULL, 40), 40);
}

int main(int argc, char **argv)
{
#define ONLINE_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        ONLINE_TEST(online_rename__onto_a_file_is_a_new_version_of_the_same_item),
        ONLINE_TEST(online_readdir__of_450_entries_asks_once_in_a_minute),
        ONLINE_TEST(online_readdir__of_a_failing_page_is_an_error),
        ONLINE_TEST(online_flush__of_a_changed_file_fails_and_keeps_the_bytes),
        ONLINE_TEST(online_open__of_an_infected_file_is_denied),
        ONLINE_TEST(online_flush__of_a_locked_file_says_so),
        ONLINE_TEST(online_read__of_a_large_file_is_right_at_any_place),
        ONLINE_TEST(online_create__of_forty_files_asks_for_each_only_to_send_it),
    };
    struct online online = {0};
    struct vfs_contract contract = {
        .name = "the vfs contract on the online vfs and a tenant",
        .make = make,
        .end = end,
        .edit = edit,
        .checks_names = true,
        .has_versions = true,
        .keeps_item_on_replace = true,
        .is_slow = true,
        .blocked_above = 4 * MIB,
        .read_only_above = 2 * MIB,
        .payload = &online,
    };
    const char *filter = argc > 1 ? argv[1] : NULL;
    int failed = vfs_contract_run(&contract, filter);

    if (!getenv("ONLINE_CONTRACT_ONLY")) {
        cmocka_set_test_filter(filter);
        failed += cmocka_run_group_tests_name("the online vfs on a tenant", tests, NULL, NULL);
    }
    return failed ? 1 : 0;
}
