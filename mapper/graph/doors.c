/*
 * doors.c - addresses of an item, and links to it (graph-facts 2.3, 2.12).
 */
#include "mapper/graph_doors.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "graph/client.h"
#include "graph/json.h"
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

/* Only this may reach a browser or Office: a server must not name files of this machine, nor
 * programs. */
static bool is_https(const char *url)
{
    return url && str_starts_with(url, "https://");
}

static enum graph_item_kind kind_of(const cJSON *json)
{
    if (cJSON_HasObjectItem(json, "package")) {
        return GRAPH_PACKAGE;
    }
    if (cJSON_HasObjectItem(json, "remoteItem")) {
        return GRAPH_REMOTE;
    }
    return cJSON_HasObjectItem(json, "folder") || cJSON_HasObjectItem(json, "root") ? GRAPH_FOLDER
                                                                                    : GRAPH_FILE;
}

/* webUrl of an Office file is the viewer's page as a rule, and the document's URL elsewhere. */
static int read_urls(struct graph_address *out, const cJSON *json, struct error *err)
{
    const char *web = json_text(json, "webUrl");
    const char *document = json_text(json, "webDavUrl");
    int code = str_copy(&out->web_url, is_https(web) ? web : NULL, err);

    if (!is_https(document)) {
        document = out->web_url && !strstr(out->web_url, "/_layouts/") ? out->web_url : NULL;
    }
    if (code == 0 && out->kind == GRAPH_FILE) {
        code = str_copy(&out->document_url, document, err);
    }
    return code;
}

static int parse_address(struct graph_address *out, const char *body, size_t size,
                         struct error *err)
{
    cJSON *json = json_parse_object(body, size, "an item", err);
    const cJSON *parent = cJSON_GetObjectItemCaseSensitive(json, "parentReference");
    const char *when = json_text(json, "lastModifiedDateTime");
    int64_t bytes = 0;
    int code = json ? 0 : ERR_PROTOCOL;

    if (json) {
        out->kind = kind_of(json);
        out->is_root = cJSON_HasObjectItem(json, "root");
        code = json_copy_text(&out->item_id, json, "id", err);
    }
    if (code == 0 && !out->item_id) {
        code = error_set(err, ERR_PROTOCOL, "an item came without its id");
    }
    if (code == 0) {
        code = json_copy_text(&out->name, json, "name", err);
    }
    if (code == 0) {
        code = json_copy_text(&out->etag, json, "eTag", err);
    }
    if (code == 0 && !out->drive_id) {
        code = json_copy_text(&out->drive_id, parent, "driveId", err);
    }
    if (code == 0) {
        code = read_urls(out, json, err);
    }
    if (code == 0 && when) {
        (void)clock_parse_iso(when, &out->modified_ms);
    }
    if (code == 0 && json_int64(json, "size", &bytes) && bytes >= 0) {
        out->size_bytes = (uint64_t)bytes;
    }
    cJSON_Delete(json);
    return code;
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
    if (!is_https(link) || strlen(link) > LINK_MAX) {
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

static int parse_link(char **url, const char *body, size_t size, struct error *err)
{
    cJSON *json = json_parse_object(body, size, "a link", err);
    const char *text = json_text(cJSON_GetObjectItemCaseSensitive(json, "link"), "webUrl");
    int code = json ? 0 : ERR_PROTOCOL;

    if (code == 0) {
        code = is_https(text) ? str_copy(url, text, err)
                              : error_set(err, ERR_PROTOCOL, "a link came without its address");
    }
    cJSON_Delete(json);
    return code;
}

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
