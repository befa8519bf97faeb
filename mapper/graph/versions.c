/*
 * versions.c - who made the last versions of a file, and when (graph-facts 2.11).
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "graph/client.h"
#include "graph/json.h"
#include "graph/request.h"
#include "graph/token.h"
#include "mapper/graph.h"

#define VERSIONS_MAX 1000

void graph_versions_clear(struct graph_versions *versions)
{
    for (size_t i = 0; i < versions->count; i++) {
        free(versions->versions[i].user_id);
    }
    free(versions->versions);
    *versions = (struct graph_versions){0};
}

static int parse_version(struct graph_version *out, const cJSON *json, struct error *err)
{
    const cJSON *by = cJSON_GetObjectItemCaseSensitive(json, "lastModifiedBy");
    const char *when = json_text(json, "lastModifiedDateTime");
    const char *id = json_text(cJSON_GetObjectItemCaseSensitive(by, "user"), "id");
    int64_t size = 0;

    if (when) {
        (void)clock_parse_iso(when, &out->modified_ms);
    }
    if (json_int64(json, "size", &size) && size >= 0) {
        out->size_bytes = (uint64_t)size;
    }
    return str_copy(&out->user_id, id ? id : "", err); /* a program's own: nobody we know */
}

static int parse_versions(struct graph_versions *out, const char *body, size_t size,
                          struct error *err)
{
    cJSON *json = json_parse_object(body, size, "versions", err);
    const cJSON *array = cJSON_GetObjectItemCaseSensitive(json, "value");
    const cJSON *entry = NULL;
    int count = cJSON_GetArraySize(array);
    int code = 0;

    if (!json) {
        return ERR_PROTOCOL;
    }
    if (!cJSON_IsArray(array) || count > VERSIONS_MAX) {
        code = error_set(err, ERR_PROTOCOL, "the list of versions is not one");
    }
    if (code == 0 && count > 0) {
        out->versions = calloc((size_t)count, sizeof(*out->versions));
        code = out->versions ? 0 : error_set(err, ERR_NO_MEMORY, "no memory for versions");
    }
    if (code == 0) {
        cJSON_ArrayForEach(entry, array)
        {
            code = code < 0 ? code : parse_version(&out->versions[out->count], entry, err);
            out->count += code == 0;
        }
    }
    cJSON_Delete(json);
    return code;
}

int graph_list_versions(struct graph_versions *out, struct account *account, const char *drive_id,
                        const char *item_id, const struct call *call, struct error *err)
{
    struct http_response response = {0};
    char *url = NULL;
    int code =
        request_item_url(&url, account_graph_url(account), drive_id, item_id, "/versions", err);

    memset(out, 0, sizeof(*out));
    if (code == 0) {
        code = graph_get(&response, account, url, COST_LIST, call, err);
    }
    if (code == 0) {
        code = parse_versions(out, response.body.data, response.body.size, err);
    }
    if (code < 0) {
        graph_versions_clear(out);
    }
    http_response_clear(&response);
    free(url);
    return code;
}
