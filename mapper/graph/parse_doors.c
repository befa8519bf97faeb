#include "graph/parse_doors.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "graph/json.h"

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

int parse_address(struct graph_address *out, const char *body, size_t size, struct error *err)
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

int parse_link(char **url, const char *body, size_t size, struct error *err)
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

static int parse_entry(struct graph_history_entry *out, const cJSON *json, struct error *err)
{
    const cJSON *by = cJSON_GetObjectItemCaseSensitive(json, "lastModifiedBy");
    const char *when = json_text(json, "lastModifiedDateTime");
    int64_t size = 0;
    int code = json_copy_text(&out->id, json, "id", err);

    if (code == 0 && !out->id) {
        code = error_set(err, ERR_PROTOCOL, "a version came without its id");
    }
    if (code == 0) {
        code = json_copy_text(&out->user, cJSON_GetObjectItemCaseSensitive(by, "user"),
                              "displayName", err);
    }
    if (code == 0 && when) {
        (void)clock_parse_iso(when, &out->modified_ms);
    }
    if (code == 0 && json_int64(json, "size", &size) && size >= 0) {
        out->size_bytes = (uint64_t)size;
    }
    return code;
}

/* Room for `count` entries more. */
static int grow(struct graph_history *out, size_t count, struct error *err)
{
    struct graph_history_entry *entries =
        realloc(out->entries, (out->count + count) * sizeof(*entries));

    if (!entries) {
        return error_set(err, ERR_NO_MEMORY, "no memory for versions");
    }
    memset(entries + out->count, 0, count * sizeof(*entries));
    out->entries = entries;
    return 0;
}

int parse_history(struct graph_history *out, char **next_link, const char *body, size_t size,
                  struct error *err)
{
    cJSON *json = json_parse_object(body, size, "versions", err);
    const cJSON *array = cJSON_GetObjectItemCaseSensitive(json, "value");
    size_t count = (size_t)cJSON_GetArraySize(array);
    size_t room = PARSE_HISTORY_MAX - out->count;
    const cJSON *entry;
    int code = json ? 0 : ERR_PROTOCOL;

    if (code == 0 && !cJSON_IsArray(array)) {
        code = error_set(err, ERR_PROTOCOL, "the list of versions is not one");
    }
    if (code == 0 && count > room) {
        out->has_more = true;
        count = room;
    }
    if (code == 0 && count > 0) {
        code = grow(out, count, err);
    }
    for (entry = array ? array->child : NULL; code == 0 && entry && count > 0;
         entry = entry->next) {
        code = parse_entry(&out->entries[out->count++], entry, err);
        count--;
    }
    str_free(next_link);
    if (code == 0) {
        code = json_copy_text(next_link, json, "@odata.nextLink", err);
    }
    cJSON_Delete(json);
    return code;
}
