#include "graph/parse.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "graph/fault.h"
#include "graph/json.h"
#include "graph/parse_json.h"
#include "graph/retry.h"

/* --- drives and sites --- */

void graph_drive_clear(struct graph_drive *drive)
{
    free(drive->id);
    free(drive->name);
    free(drive->drive_type);
    free(drive->web_url);
    memset(drive, 0, sizeof(*drive));
}

void graph_drives_clear(struct graph_drives *drives)
{
    for (size_t i = 0; i < drives->count; i++) {
        graph_drive_clear(&drives->drives[i]);
    }
    free(drives->drives);
    memset(drives, 0, sizeof(*drives));
}

static uint64_t positive(const cJSON *object, const char *name)
{
    int64_t value = 0;

    return json_int64(object, name, &value) && value > 0 ? (uint64_t)value : 0;
}

static int read_drive(struct graph_drive *drive, const cJSON *json, struct error *err)
{
    const cJSON *quota = cJSON_GetObjectItemCaseSensitive(json, "quota");
    int code;

    memset(drive, 0, sizeof(*drive));
    drive->quota_total = positive(quota, "total");
    drive->quota_remaining = positive(quota, "remaining");
    code = json_copy_text(&drive->id, json, "id", err);
    if (code == 0) {
        code = json_copy_text(&drive->name, json, "name", err);
    }
    if (code == 0) {
        code = json_copy_text(&drive->drive_type, json, "driveType", err);
    }
    if (code == 0) {
        code = json_copy_text(&drive->web_url, json, "webUrl", err);
    }
    if (code == 0 && (!drive->id || !*drive->id)) {
        code = error_set(err, ERR_PROTOCOL, "a library in the answer has no id");
    }
    if (code < 0) {
        graph_drive_clear(drive);
    }
    return code;
}

int graph_parse_drive(struct graph_drive *out, const char *body, size_t size, struct error *err)
{
    cJSON *json = json_parse_object(body, size, "the answer", err);
    struct graph_drive drive;
    int code;

    if (!json) {
        return ERR_PROTOCOL;
    }
    code = read_drive(&drive, json, err);
    if (code == 0) {
        *out = drive;
    }
    cJSON_Delete(json);
    return code;
}

static int read_drives(struct graph_drives *drives, const cJSON *json, struct error *err)
{
    const cJSON *values = cJSON_GetObjectItemCaseSensitive(json, "value");
    const cJSON *value;
    int count = cJSON_GetArraySize(values);

    if (!cJSON_IsArray(values) || count > PARSE_ITEMS_MAX) {
        return error_set(err, ERR_PROTOCOL, "the answer has no usable 'value'");
    }
    drives->drives = calloc(count ? (size_t)count : 1, sizeof(*drives->drives));
    if (!drives->drives) {
        return error_set(err, ERR_NO_MEMORY, "no memory for an answer");
    }
    cJSON_ArrayForEach(value, values)
    {
        int code = read_drive(&drives->drives[drives->count], value, err);

        if (code < 0) {
            return code;
        }
        drives->count++;
    }
    return 0;
}

int parse_drives(struct graph_drives *out, char **next_link, const char *body, size_t size,
                 struct error *err)
{
    cJSON *json = json_parse_object(body, size, "the answer", err);
    struct graph_drives drives = {0};
    int code;

    if (!json) {
        return ERR_PROTOCOL;
    }
    code = read_drives(&drives, json, err);
    if (code == 0) {
        code = json_copy_text(next_link, json, "@odata.nextLink", err);
    }
    if (code == 0) {
        *out = drives;
    } else {
        graph_drives_clear(&drives);
    }
    cJSON_Delete(json);
    return code;
}

void graph_site_clear(struct graph_site *site)
{
    free(site->id);
    free(site->name);
    free(site->title);
    free(site->web_url);
    memset(site, 0, sizeof(*site));
}

static void cut_slashes(char *url)
{
    size_t length = url ? strlen(url) : 0;

    while (length > 0 && url[length - 1] == '/') {
        url[--length] = '\0';
    }
}

static int read_site(struct graph_site *out, const cJSON *json, struct error *err)
{
    struct graph_site site = {0};
    int code = json_copy_text(&site.id, json, "id", err);

    if (code == 0) {
        code = json_copy_text(&site.name, json, "name", err);
    }
    if (code == 0) {
        code = json_copy_text(&site.title, json, "displayName", err);
    }
    if (code == 0) {
        code = json_copy_text(&site.web_url, json, "webUrl", err);
    }
    cut_slashes(site.web_url);
    if (code == 0 && (!site.id || !*site.id)) {
        code = error_set(err, ERR_PROTOCOL, "the site in the answer has no id");
    }
    if (code == 0) {
        *out = site;
    } else {
        graph_site_clear(&site);
    }
    return code;
}

int graph_parse_site(struct graph_site *out, const char *body, size_t size, struct error *err)
{
    cJSON *json = json_parse_object(body, size, "the answer", err);
    int code;

    if (!json) {
        return ERR_PROTOCOL;
    }
    code = read_site(out, json, err);
    cJSON_Delete(json);
    return code;
}

void graph_sites_clear(struct graph_sites *sites)
{
    for (size_t i = 0; i < sites->count; i++) {
        graph_site_clear(&sites->sites[i]);
    }
    free(sites->sites);
    memset(sites, 0, sizeof(*sites));
}

static int read_sites(struct graph_sites *sites, const cJSON *json, struct error *err)
{
    const cJSON *values = cJSON_GetObjectItemCaseSensitive(json, "value");
    const cJSON *value;
    int count = cJSON_GetArraySize(values);

    if (!cJSON_IsArray(values) || count > PARSE_ITEMS_MAX) {
        return error_set(err, ERR_PROTOCOL, "the answer has no usable 'value'");
    }
    sites->sites = calloc(count ? (size_t)count : 1, sizeof(*sites->sites));
    if (!sites->sites) {
        return error_set(err, ERR_NO_MEMORY, "no memory for an answer");
    }
    cJSON_ArrayForEach(value, values)
    {
        int code = read_site(&sites->sites[sites->count], value, err);

        if (code < 0) {
            return code;
        }
        sites->count++;
    }
    return 0;
}

int parse_sites(struct graph_sites *out, char **next_link, const char *body, size_t size,
                struct error *err)
{
    cJSON *json = json_parse_object(body, size, "the answer", err);
    struct graph_sites sites = {0};
    int code;

    if (!json) {
        return ERR_PROTOCOL;
    }
    code = read_sites(&sites, json, err);
    if (code == 0) {
        code = json_copy_text(next_link, json, "@odata.nextLink", err);
    }
    if (code == 0) {
        *out = sites;
    } else {
        graph_sites_clear(&sites);
    }
    cJSON_Delete(json);
    return code;
}

/* --- search --- */

void graph_hits_clear(struct graph_hits *hits)
{
    for (size_t i = 0; i < hits->count; i++) {
        free(hits->hits[i].id);
        free(hits->hits[i].site_id);
        free(hits->hits[i].name);
        free(hits->hits[i].title);
        free(hits->hits[i].web_url);
    }
    free(hits->hits);
    memset(hits, 0, sizeof(*hits));
}

static bool is_of_kind(const cJSON *resource, enum graph_hit_kind kind)
{
    static const char *const types[] = {"#microsoft.graph.site", "#microsoft.graph.list",
                                        "#microsoft.graph.drive"};
    const char *type = json_text(resource, "@odata.type");

    return !type || str_equal_nocase(type, types[kind]);
}

/* A hit's id is its resource's; some carry it only as hitId (graph-facts 1.1). */
static int read_hit(struct graph_hit *hit, const cJSON *json, struct error *err)
{
    const cJSON *resource = cJSON_GetObjectItemCaseSensitive(json, "resource");
    const cJSON *parent = cJSON_GetObjectItemCaseSensitive(resource, "parentReference");
    int code = json_copy_text(&hit->id, json_text(resource, "id") ? resource : json,
                              json_text(resource, "id") ? "id" : "hitId", err);

    if (code == 0) {
        code = json_copy_text(&hit->site_id, parent, "siteId", err);
    }
    if (code == 0) {
        code = json_copy_text(&hit->name, resource, "name", err);
    }
    if (code == 0) {
        code = json_copy_text(&hit->title, resource, "displayName", err);
    }
    if (code == 0) {
        code = json_copy_text(&hit->web_url, resource, "webUrl", err);
    }
    return code;
}

static int read_container(struct graph_hits *out, enum graph_hit_kind kind, const cJSON *container,
                          struct error *err)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(container, "hits");
    const cJSON *json;
    int count = cJSON_GetArraySize(list);

    out->has_more =
        cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(container, "moreResultsAvailable"));
    if (count > PARSE_ITEMS_MAX) {
        return error_set(err, ERR_PROTOCOL, "the answer has %d hits, more than a page can", count);
    }
    out->hits = calloc(count ? (size_t)count : 1, sizeof(*out->hits));
    if (!out->hits) {
        return error_set(err, ERR_NO_MEMORY, "no memory for an answer");
    }
    cJSON_ArrayForEach(json, list)
    {
        struct graph_hit *hit = &out->hits[out->count];
        int code;

        if (!is_of_kind(cJSON_GetObjectItemCaseSensitive(json, "resource"), kind)) {
            continue;
        }
        out->count++;
        hit->kind = kind;
        code = read_hit(hit, json, err);
        if (code < 0) {
            return code;
        }
        if (!hit->id || !*hit->id) {
            return error_set(err, ERR_PROTOCOL, "a hit in the answer has no id");
        }
    }
    return 0;
}

int parse_hits(struct graph_hits *out, enum graph_hit_kind kind, const char *body, size_t size,
               struct error *err)
{
    cJSON *json = json_parse_object(body, size, "the answer", err);
    const cJSON *first = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(json, "value"), 0);
    const cJSON *container =
        cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(first, "hitsContainers"), 0);
    struct graph_hits hits = {0};
    int code;

    if (!json) {
        return ERR_PROTOCOL;
    }
    if (cJSON_IsObject(container)) {
        code = read_container(&hits, kind, container, err);
    } else {
        code = error_set(err, ERR_PROTOCOL, "the answer of the search has no hitsContainers");
    }
    if (code == 0) {
        *out = hits;
    } else {
        graph_hits_clear(&hits);
    }
    cJSON_Delete(json);
    return code;
}

/* --- $batch --- */

void graph_answers_clear(struct graph_answer *answers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(answers[i].body);
        memset(&answers[i], 0, sizeof(answers[i]));
    }
}

/* A part's body is JSON, or a text (base64url) for anything else. */
static int copy_body(struct graph_answer *answer, const cJSON *body, struct error *err)
{
    char *text;
    int code = 0;

    if (!body) {
        return 0;
    }
    if (cJSON_IsString(body)) {
        code = str_copy(&answer->body, body->valuestring, err);
    } else {
        text = cJSON_PrintUnformatted(body);
        code = text ? str_copy(&answer->body, text, err)
                    : error_set(err, ERR_NO_MEMORY, "no memory for an answer");
        cJSON_free(text);
    }
    answer->body_size = answer->body ? strlen(answer->body) : 0;
    return code;
}

int64_t part_retry_after(const cJSON *part, int64_t wall_ms)
{
    const cJSON *headers = cJSON_GetObjectItemCaseSensitive(part, "headers");
    const cJSON *header;

    cJSON_ArrayForEach(header, headers)
    {
        if (header->string && str_equal_nocase(header->string, "Retry-After") &&
            cJSON_IsString(header)) {
            return retry_parse_after(header->valuestring, wall_ms);
        }
    }
    return -1;
}

int parse_batch(struct graph_answer *answers, const size_t *indexes, int64_t *retry_after_ms,
                size_t count, const char *body, size_t size, int64_t wall_ms, struct error *err)
{
    cJSON *json = json_parse_object(body, size, "the answer", err);
    const cJSON *parts = cJSON_GetObjectItemCaseSensitive(json, "responses");
    const cJSON *part;
    int code = 0;

    if (!json) {
        return ERR_PROTOCOL;
    }
    if (!cJSON_IsArray(parts)) {
        code = error_set(err, ERR_PROTOCOL, "the answer of a batch has no 'responses'");
        parts = NULL;
    }
    cJSON_ArrayForEach(part, parts)
    {
        int64_t id = 0;
        int64_t status = 0;
        struct graph_answer *answer;

        if (!json_int64(part, "id", &id) || id < 1 || (uint64_t)id > count ||
            !json_int64(part, "status", &status) || status < 100 || status > 599) {
            continue;
        }
        answer = &answers[indexes[id - 1]];
        graph_answers_clear(answer, 1);
        answer->status = (int)status;
        retry_after_ms[id - 1] = part_retry_after(part, wall_ms);
        code = copy_body(answer, cJSON_GetObjectItemCaseSensitive(part, "body"), err);
        if (code < 0) {
            break;
        }
    }
    cJSON_Delete(json);
    return code;
}
