/*
 * doors.c - addresses of an item, and links to it (graph-facts 2.3, 2.12).
 */
#include "mapper/graph_doors.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "graph/client.h"
#include "graph/json.h"
#include "graph/parse_doors.h"
#include "graph/request.h"
#include "graph/token.h"

#define SELECT                                                                              \
    "$select=id,name,eTag,size,file,folder,package,remoteItem,root,parentReference,webUrl," \
    "webDavUrl,lastModifiedDateTime"
#define LINK_MAX 8192

void graph_address_clear(struct graph_address *address)
{
    free(address->drive_id);
    free(address->item_id);
    free(address->name);
    free(address->etag);
    free(address->web_url);
    free(address->document_url);
    *address = (struct graph_address){0};
}

static int get_address(struct graph_address *out, struct account *account, const char *url,
                       const struct call *call, struct error *err)
{
    struct http_response response = {0};
    int code = graph_get(&response, account, url, COST_ITEM, call, err);

    if (code == 0) {
        code = parse_address(out, response.body.data, response.body.size, err);
    }
    if (code < 0) {
        graph_address_clear(out);
    }
    http_response_clear(&response);
    return code;
}

int graph_get_address(struct graph_address *out, struct account *account, const char *drive_id,
                      const char *path, const struct call *call, struct error *err)
{
    char *url = NULL;
    int code;

    memset(out, 0, sizeof(*out));
    code =
        *path ? request_path_url(&url, account_graph_url(account), drive_id, path, "?" SELECT, err)
              : request_item_url(&url, account_graph_url(account), drive_id, NULL, "?" SELECT, err);
    if (code == 0) {
        code = str_copy(&out->drive_id, drive_id, err);
    }
    if (code == 0) {
        code = get_address(out, account, url, call, err);
    }
    free(url);
    return code;
}

int graph_follow_link(struct graph_address *out, struct account *account, const char *link,
                      const struct call *call, struct error *err)
{
    char *encoded = NULL;
    char *url = NULL;
    int code;

    memset(out, 0, sizeof(*out));
    if (!str_starts_with(link, "https://") || strlen(link) > LINK_MAX) {
        return error_set(err, ERR_INVALID, "this is no address of SharePoint");
    }
    code = str_base64url_encode(&encoded, link, strlen(link), err);
    if (code == 0) {
        code = str_format(&url, err, "%s/v1.0/shares/u!%s/driveItem?" SELECT,
                          account_graph_url(account), encoded);
    }
    if (code == 0) {
        code = get_address(out, account, url, call, err);
    }
    if (code == 0 && !out->drive_id) {
        graph_address_clear(out);
        code = error_set(err, ERR_PROTOCOL, "an item came without its drive");
    }
    free(encoded);
    free(url);
    return code;
}

/* --- links --- */

int graph_create_link(char **url, struct account *account, const char *drive_id,
                      const char *item_id, const char *type, const char *scope,
                      const struct call *call, struct error *err)
{
    struct graph_request request = {.method = "POST", .cost_ru = COST_WRITE, .is_idempotent = true};
    struct http_response response = {0};
    cJSON *json = cJSON_CreateObject();
    char *body = NULL;
    char *address = NULL;
    int code = request_item_url(&address, account_graph_url(account), drive_id, item_id,
                                "/createLink", err);

    cJSON_AddStringToObject(json, "type", type);
    if (scope) {
        cJSON_AddStringToObject(json, "scope", scope);
    }
    body = cJSON_PrintUnformatted(json);
    if (code == 0 && !body) {
        code = error_set(err, ERR_NO_MEMORY, "no memory for a link");
    }
    if (code == 0) {
        request.url = address;
        request.body = body;
        code = graph_send(&response, account, &request, call, err);
    }
    if (code == 0) {
        code = parse_link(url, response.body.data, response.body.size, err);
    }
    http_response_clear(&response);
    cJSON_Delete(json);
    cJSON_free(body);
    free(address);
    return code;
}
