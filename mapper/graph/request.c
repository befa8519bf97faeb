#include "graph/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"

#define URL_MAX 8192u
#define CONFLICT "@microsoft.graph.conflictBehavior"

/* --- URLs --- */

static int add_encoded(struct buf *url, const char *text, const char *kept, struct error *err)
{
    static const char hex[] = "0123456789ABCDEF";
    static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    int code = 0;

    for (; *text && code == 0; text++) {
        unsigned char c = (unsigned char)*text;
        char escaped[3] = {'%', hex[c >> 4], hex[c & 15]};

        if (strchr(safe, c) || strchr(kept, c)) {
            code = buf_add(url, text, 1, err);
        } else {
            code = buf_add(url, escaped, sizeof(escaped), err);
        }
    }
    return code;
}

static int add_id(struct buf *url, const char *id, struct error *err)
{
    if (!*id || strcmp(id, ".") == 0 || strcmp(id, "..") == 0) {
        return error_set(err, ERR_INVALID, "an id is empty");
    }
    return add_encoded(url, id, "!,", err);
}

/* A segment of a path; "." and ".." would be taken for steps by whoever normalises URLs. */
static int add_name(struct buf *url, const char *name, size_t length, struct error *err)
{
    char *copy = NULL;
    int code = str_copy_n(&copy, name, length, err);

    if (code == 0 && (!*copy || strcmp(copy, ".") == 0 || strcmp(copy, "..") == 0)) {
        code = error_set(err, ERR_BAD_NAME, "'%s' is no name", copy);
    }
    if (code == 0) {
        code = add_encoded(url, copy, "", err);
    }
    free(copy);
    return code;
}

static int finish(char **out, struct buf *url, int code, const char *tail, struct error *err)
{
    if (code == 0) {
        code = buf_add_text(url, tail ? tail : "", err);
    }
    if (code == 0) {
        char *text = buf_take(url);

        if (text) {
            free(*out);
            *out = text;
        } else {
            code = error_set(err, ERR_NO_MEMORY, "no memory for a URL");
        }
    }
    if (code == ERR_LIMIT) {
        code = error_set(err, ERR_NAME_TOO_LONG, "the path is too long");
    }
    buf_clear(url);
    return code;
}

static int begin_drive(struct buf *url, const char *base, const char *drive_id, struct error *err)
{
    int code;

    buf_init(url, URL_MAX);
    code = buf_add_format(url, err, "%s/v1.0/drives/", base);
    return code == 0 ? add_id(url, drive_id, err) : code;
}

static int begin_item(struct buf *url, const char *base, const char *drive_id, const char *item_id,
                      struct error *err)
{
    int code = begin_drive(url, base, drive_id, err);

    if (code < 0 || !item_id) {
        return code == 0 ? buf_add_text(url, "/root", err) : code;
    }
    code = buf_add_text(url, "/items/", err);
    return code == 0 ? add_id(url, item_id, err) : code;
}

int request_drive_url(char **out, const char *base, const char *drive_id, const char *tail,
                      struct error *err)
{
    struct buf url;
    int code = begin_drive(&url, base, drive_id, err);

    return finish(out, &url, code, tail, err);
}

int request_item_url(char **out, const char *base, const char *drive_id, const char *item_id,
                     const char *tail, struct error *err)
{
    struct buf url;
    int code = begin_item(&url, base, drive_id, item_id, err);

    return finish(out, &url, code, tail, err);
}

int request_part_url(char **out, const char *drive_id, const char *item_id, const char *tail,
                     struct error *err)
{
    char *url = NULL;
    int code = request_item_url(&url, "", drive_id, item_id, tail, err);

    if (code == 0) {
        code = str_copy(out, url + strlen("/v1.0"), err);
    }
    free(url);
    return code;
}

static int close_path(struct buf *url, const char *tail, struct error *err)
{
    return tail && tail[0] == '/' ? buf_add_text(url, ":", err) : 0;
}

int request_child_url(char **out, const char *base, const char *drive_id, const char *folder_id,
                      const char *name, const char *tail, struct error *err)
{
    struct buf url;
    int code = begin_item(&url, base, drive_id, folder_id, err);

    if (code == 0) {
        code = buf_add_text(&url, ":/", err);
    }
    if (code == 0) {
        code = add_name(&url, name, strlen(name), err);
    }
    if (code == 0) {
        code = close_path(&url, tail, err);
    }
    return finish(out, &url, code, tail, err);
}

static int add_path(struct buf *url, const char *path, struct error *err)
{
    int code = 0;

    while (code == 0 && *path) {
        size_t length = strcspn(path, "/");

        if (length > 0) {
            code = buf_add_text(url, "/", err);
            if (code == 0) {
                code = add_name(url, path, length, err);
            }
        }
        path += length + (path[length] == '/');
    }
    return code;
}

int request_path_url(char **out, const char *base, const char *drive_id, const char *path,
                     const char *tail, struct error *err)
{
    struct buf url;
    int code;

    if (path[strspn(path, "/")] == '\0') {
        return request_item_url(out, base, drive_id, NULL, tail, err);
    }
    code = begin_item(&url, base, drive_id, NULL, err);
    if (code == 0) {
        code = buf_add_text(&url, ":", err);
    }
    if (code == 0) {
        code = add_path(&url, path, err);
    }
    if (code == 0) {
        code = close_path(&url, tail, err);
    }
    return finish(out, &url, code, tail, err);
}

static int begin_site(struct buf *url, const char *base, const char *site_id, struct error *err)
{
    int code;

    buf_init(url, URL_MAX);
    code = buf_add_format(url, err, "%s/v1.0/sites/", base);
    return code == 0 ? add_id(url, site_id, err) : code;
}

int request_site_url(char **out, const char *base, const char *site_id, const char *tail,
                     struct error *err)
{
    struct buf url;
    int code = begin_site(&url, base, site_id, err);

    return finish(out, &url, code, tail, err);
}

int request_site_path_url(char **out, const char *base, const char *host, const char *server_path,
                          struct error *err)
{
    struct buf url;
    int code = begin_site(&url, base, host, err);

    if (code == 0 && server_path[strspn(server_path, "/")] != '\0') {
        code = buf_add_text(&url, ":", err);
        if (code == 0) {
            code = add_path(&url, server_path, err);
        }
    }
    return finish(out, &url, code, NULL, err);
}

int request_list_drive_url(char **out, const char *base, const char *site_id, const char *list_id,
                           const char *tail, struct error *err)
{
    struct buf url;
    int code = begin_site(&url, base, site_id, err);

    if (code == 0) {
        code = buf_add_text(&url, "/lists/", err);
    }
    if (code == 0) {
        code = add_id(&url, list_id, err);
    }
    if (code == 0) {
        code = buf_add_text(&url, "/drive", err);
    }
    return finish(out, &url, code, tail, err);
}

/* --- bodies --- */

/* Prints and frees `json`. Members that could not be added for want of memory show as `is_whole`
 * false. */
static int print_json(char **out, cJSON *json, bool is_whole, struct error *err)
{
    char *printed = json && is_whole ? cJSON_PrintUnformatted(json) : NULL;
    int code = printed ? str_copy(out, printed, err)
                       : error_set(err, ERR_NO_MEMORY, "no memory for a request");

    cJSON_free(printed);
    cJSON_Delete(json);
    return code;
}

static bool add_times(cJSON *json, int64_t created_ms, int64_t modified_ms)
{
    char text[32];
    cJSON *times;
    bool is_whole;

    if (created_ms < 0 && modified_ms < 0) {
        return true;
    }
    times = cJSON_AddObjectToObject(json, "fileSystemInfo");
    is_whole = times != NULL;
    /* the service keeps whole seconds (graph-facts 2.3) */
    if (is_whole && created_ms >= 0) {
        clock_format_iso(text, sizeof(text), created_ms / 1000 * 1000);
        is_whole = cJSON_AddStringToObject(times, "createdDateTime", text) != NULL;
    }
    if (is_whole && modified_ms >= 0) {
        clock_format_iso(text, sizeof(text), modified_ms / 1000 * 1000);
        is_whole = cJSON_AddStringToObject(times, "lastModifiedDateTime", text) != NULL;
    }
    return is_whole;
}

int request_folder_body(char **out, const char *name, struct error *err)
{
    cJSON *json = cJSON_CreateObject();
    bool is_whole = cJSON_AddStringToObject(json, "name", name) &&
                    cJSON_AddObjectToObject(json, "folder") &&
                    cJSON_AddStringToObject(json, CONFLICT, "fail");

    return print_json(out, json, is_whole, err);
}

int request_update_body(char **out, const struct graph_update *update, struct error *err)
{
    cJSON *json = cJSON_CreateObject();
    bool is_whole = json != NULL;

    if (is_whole && update->name) {
        is_whole = cJSON_AddStringToObject(json, "name", update->name) != NULL;
    }
    if (is_whole && update->parent_id) {
        cJSON *parent = cJSON_AddObjectToObject(json, "parentReference");

        is_whole = cJSON_AddStringToObject(parent, "id", update->parent_id) != NULL;
    }
    is_whole = is_whole && add_times(json, update->created_ms, update->modified_ms);
    return print_json(out, json, is_whole, err);
}

int request_session_body(char **out, const struct graph_upload *upload, uint64_t size_bytes,
                         struct error *err)
{
    cJSON *json = cJSON_CreateObject();
    cJSON *item = cJSON_AddObjectToObject(json, "item");
    /* Always said: what the default is, documents and clients disagree on (graph-facts 2.9). */
    bool is_whole = cJSON_AddStringToObject(item, CONFLICT, upload->item_id ? "replace" : "fail") &&
                    cJSON_AddNumberToObject(item, "fileSize", (double)size_bytes);

    if (is_whole && !upload->item_id) {
        is_whole = cJSON_AddStringToObject(item, "name", upload->name) != NULL;
    }
    is_whole = is_whole && add_times(item, upload->created_ms, upload->modified_ms);
    return print_json(out, json, is_whole, err);
}

int request_search_body(char **out, enum graph_hit_kind kind, const char *kql, unsigned from,
                        unsigned size, struct error *err)
{
    static const char *const types[] = {"site", "list", "drive"};
    cJSON *json = cJSON_CreateObject();
    cJSON *requests = cJSON_AddArrayToObject(json, "requests");
    cJSON *request = cJSON_CreateObject();
    cJSON *entities;
    cJSON *query;
    bool is_whole;

    if (!cJSON_AddItemToArray(requests, request)) {
        cJSON_Delete(request);
        cJSON_Delete(json);
        return error_set(err, ERR_NO_MEMORY, "no memory for a request");
    }
    entities = cJSON_AddArrayToObject(request, "entityTypes");
    query = cJSON_AddObjectToObject(request, "query");
    is_whole = entities && cJSON_AddItemToArray(entities, cJSON_CreateString(types[kind])) &&
               cJSON_AddStringToObject(query, "queryString", kql) &&
               cJSON_AddNumberToObject(request, "from", from) &&
               cJSON_AddNumberToObject(request, "size", size);
    return print_json(out, json, is_whole, err);
}

/* A part of a $batch, named by its place from 1 on; NULL for want of memory. */
static cJSON *add_part(cJSON *requests, size_t index, const char *method, const char *url)
{
    cJSON *part = cJSON_CreateObject();
    char id[24];

    snprintf(id, sizeof(id), "%zu", index + 1);
    if (!cJSON_AddItemToArray(requests, part)) {
        cJSON_Delete(part);
        return NULL;
    }
    return cJSON_AddStringToObject(part, "id", id) &&
                   cJSON_AddStringToObject(part, "method", method) &&
                   cJSON_AddStringToObject(part, "url", url)
               ? part
               : NULL;
}

static bool add_before(cJSON *part, size_t index)
{
    cJSON *earlier = cJSON_AddArrayToObject(part, "dependsOn");
    char id[24];

    snprintf(id, sizeof(id), "%zu", index);
    return earlier && cJSON_AddItemToArray(earlier, cJSON_CreateString(id));
}

static int batch_body(char **out, const char *method, const char *const *urls,
                      const size_t *indexes, size_t count, bool is_ordered, struct error *err)
{
    cJSON *json = cJSON_CreateObject();
    cJSON *requests = cJSON_AddArrayToObject(json, "requests");
    bool is_whole = requests != NULL;

    for (size_t i = 0; is_whole && i < count; i++) {
        cJSON *part = add_part(requests, i, method, urls[indexes ? indexes[i] : i]);

        is_whole = part && (!is_ordered || i == 0 || add_before(part, i));
    }
    return print_json(out, json, is_whole, err);
}

int request_batch_body(char **out, const char *method, const char *const *urls,
                       const size_t *indexes, size_t count, struct error *err)
{
    return batch_body(out, method, urls, indexes, count, false, err);
}

int request_pages_body(char **out, const char *const *urls, size_t count, bool is_ordered,
                       struct error *err)
{
    return batch_body(out, "GET", urls, NULL, count, is_ordered, err);
}

/* With a body, the Content-Type is mandatory (graph-facts section 3). */
static bool add_write(cJSON *part, const struct request_part *write)
{
    cJSON *headers =
        write->body || write->if_match ? cJSON_AddObjectToObject(part, "headers") : NULL;

    if (write->if_match && !cJSON_AddStringToObject(headers, "If-Match", write->if_match)) {
        return false;
    }
    return !write->body || (cJSON_AddStringToObject(headers, "Content-Type", "application/json") &&
                            cJSON_AddRawToObject(part, "body", write->body));
}

int request_writes_body(char **out, const struct request_part *parts, size_t count,
                        struct error *err)
{
    cJSON *json = cJSON_CreateObject();
    cJSON *requests = cJSON_AddArrayToObject(json, "requests");
    bool is_whole = requests != NULL;

    for (size_t i = 0; is_whole && i < count; i++) {
        cJSON *part = add_part(requests, i, parts[i].method, parts[i].url);

        is_whole = part && add_write(part, &parts[i]);
    }
    return print_json(out, json, is_whole, err);
}
