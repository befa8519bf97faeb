#include "wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "graph/token_store.h"

#define CLIENT_ID "00000000-0000-0000-0000-000000000001"

/* What an earlier sign-in would have left. */
static void store_token(const struct wire *wire, const char *directory, const char *tenant_name,
                        const char *tenant_id, const char *user)
{
    struct token_data data = {.serial = 1};
    struct error err = {0};
    char *path = NULL;

    data.refresh_token = tenant_refresh_token(wire->tenant, tenant_name, user);
    if (token_store_path(&path, directory, tenant_id, CLIENT_ID, wire->tenant->login_url, &err) <
            0 ||
        token_store_write(path, &data, &err) < 0) {
        fail_msg("%s", err.message);
    }
    token_data_clear(&data);
    free(path);
}

struct account *wire_account(struct wire *wire, const char *tenant, const char *user)
{
    struct account *account = NULL;
    struct error err = {0};
    char *directory = NULL;
    const char *tenant_id = wire->tenant->tenant_id;
    const cJSON *one;

    cJSON_ArrayForEach(one, cJSON_GetObjectItemCaseSensitive(wire->tenant->ready, "tenants"))
    {
        const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(one, "name"));

        if (tenant && str_equal(name, tenant)) {
            tenant_id = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(one, "id"));
        }
    }
    assert_int_equal(str_format(&directory, &err, "%s/tokens-%s-%s", wire->tenant->directory,
                                tenant ? tenant : "", user ? user : ""),
                     0);
    assert_ok(file_make_private_directory(directory, &err), err);
    store_token(wire, directory, tenant, tenant_id, user);
    {
        struct account_options options = {
            .tenant = tenant_id,
            .client_id = CLIENT_ID,
            .cloud = CLOUD_CUSTOM,
            .login_url = wire->tenant->login_url,
            .graph_url = wire->tenant->graph_url,
            .token_directory = directory,
        };

        assert_ok(account_new(&account, wire->graph, &options, &err), err);
    }
    free(directory);
    return account;
}

/* The library the tests work in. */
static void find_library(struct wire *wire)
{
    struct graph_drives drives = {0};
    struct graph_site site = {0};
    struct error err = {0};

    assert_ok(graph_get_site(&site, wire->account, wire->tenant->sharepoint_host, "/sites/finance",
                             NULL, &err),
              err);
    assert_ok(graph_list_site_drives(&drives, wire->account, site.id, NULL, &err), err);
    for (size_t i = 0; i < drives.count; i++) {
        if (str_ends_with(drives.drives[i].web_url, "/sites/finance/Shared%20Documents")) {
            str_copy(&wire->drive_id, drives.drives[i].id, NULL);
        }
    }
    str_copy(&wire->site_id, site.id, NULL);
    assert_non_null(wire->drive_id);
    graph_drives_clear(&drives);
    graph_site_clear(&site);
}

struct wire *wire_start_with(const struct tenant_fixture_options *tenant,
                             const struct graph_options *graph)
{
    struct tenant_fixture_options tenant_options = {0};
    struct graph_options graph_options = {0};
    struct wire *wire = calloc(1, sizeof(*wire));
    struct error err = {0};

    if (tenant) {
        tenant_options = *tenant;
    }
    if (graph) {
        graph_options = *graph;
    }
    tenant_options.has_http2 = tenant_options.has_http2 || getenv("WIRE_HTTP2");
    wire->tenant = tenant_fixture_start(&tenant_options);
    graph_options.ca_file = wire->tenant->ca_file;
    assert_ok(graph_new(&wire->graph, &graph_options, &err), err);
    wire->account = wire_account(wire, NULL, NULL);
    if (!tenant_options.scenario) {
        find_library(wire);
    }
    return wire;
}

struct wire *wire_start(void)
{
    return wire_start_with(NULL, NULL);
}

void wire_stop(struct wire *wire)
{
    account_unref(wire->account);
    graph_free(wire->graph);
    tenant_fixture_stop(wire->tenant);
    free(wire->drive_id);
    free(wire->site_id);
    free(wire);
}

int wire_setup(void **state)
{
    *state = wire_start();
    return 0;
}

int wire_teardown(void **state)
{
    wire_stop(*state);
    return 0;
}

int wire_reset(void **state)
{
    struct wire *wire = *state;

    tenant_tell(wire->tenant, "clear-faults", "{}");
    tenant_tell(wire->tenant, "clear-log", "{}");
    return 0;
}

char *wire_item_id(struct wire *wire, const char *path)
{
    struct graph_item item = {0};
    struct error err = {0};
    char *id = NULL;

    assert_ok(graph_get_item_by_path(&item, wire->account, wire->drive_id, path, NULL, &err), err);
    str_copy(&id, item.id, NULL);
    graph_item_clear(&item);
    return id;
}

unsigned char wire_byte(unsigned seed, uint64_t offset)
{
    uint64_t x = (offset / 8 + 1) * 0x9E3779B97F4A7C15u + seed;

    x ^= x >> 29;
    x *= 0xBF58476D1CE4E5B9u;
    x ^= x >> 32;
    return (unsigned char)(x >> (offset % 8 * 8));
}

static int read_source(void *payload, void *data, size_t size, uint64_t offset, size_t *got,
                       struct error *err)
{
    const struct wire_source *source = payload;
    unsigned char *bytes = data;

    (void)err;
    for (size_t i = 0; i < size; i++) {
        bytes[i] = wire_byte(source->seed, offset + i);
    }
    *got = size;
    return 0;
}

void wire_source_init(struct wire_source *source, uint64_t size, unsigned seed)
{
    source->seed = seed;
    source->source.read = read_source;
    source->source.payload = source;
    source->source.size_bytes = size;
}
