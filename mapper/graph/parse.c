#include "graph/parse.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "graph/json.h"
#include "graph/parse_json.h"

static const cJSON *member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static const cJSON *object_member(const cJSON *object, const char *name)
{
    const cJSON *found = member(object, name);

    return cJSON_IsObject(found) ? found : NULL;
}

static uint64_t unsigned_of(const cJSON *value)
{
    int64_t number = 0;

    return json_number(value, &number) && number > 0 ? (uint64_t)number : 0;
}

/* --- items --- */

void graph_item_clear(struct graph_item *item)
{
    free(item->id);
    free(item->name);
    free(item->etag);
    free(item->ctag);
    free(item->parent_id);
    free(item->web_url);
    free(item->quick_xor_hash);
    free(item->download_url);
    free(item->remote_drive_id);
    free(item->remote_item_id);
    free(item->checked_out_by);
    memset(item, 0, sizeof(*item));
}

void graph_items_clear(struct graph_items *page)
{
    for (size_t i = 0; i < page->count; i++) {
        graph_item_clear(&page->items[i]);
    }
    free(page->items);
    free(page->next_link);
    free(page->delta_link);
    memset(page, 0, sizeof(*page));
}

static bool is_name(const char *name)
{
    return *name && !strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/* What is read of an item. A page has 1,000 of them with a dozen members each, so the members are
 * gone through once, not once for each name. */
enum item_member {
    ID,
    NAME,
    SIZE,
    ETAG,
    CTAG,
    FILE_FACET,
    FOLDER,
    PACKAGE,
    REMOTE,
    DELETED,
    ROOT,
    TIMES,
    PARENT,
    CREATED,
    MODIFIED,
    WEB_URL,
    MALWARE,
    PUBLICATION,
    DOWNLOAD_URL,
    ITEM_MEMBERS
};
static const char *const item_members[ITEM_MEMBERS] = {
    [ID] = "id",
    [NAME] = "name",
    [SIZE] = "size",
    [ETAG] = "eTag",
    [CTAG] = "cTag",
    [FILE_FACET] = "file",
    [FOLDER] = "folder",
    [PACKAGE] = "package",
    [REMOTE] = "remoteItem",
    [DELETED] = "deleted",
    [ROOT] = "root",
    [TIMES] = "fileSystemInfo",
    [PARENT] = "parentReference",
    [CREATED] = "createdDateTime",
    [MODIFIED] = "lastModifiedDateTime",
    [WEB_URL] = "webUrl",
    [MALWARE] = "malware",
    [PUBLICATION] = "publication",
    [DOWNLOAD_URL] = "@microsoft.graph.downloadUrl",
};

static void find_members(const cJSON *found[ITEM_MEMBERS], const cJSON *json)
{
    memset(found, 0, ITEM_MEMBERS * sizeof(const cJSON *));
    for (const cJSON *at = json->child; at; at = at->next) {
        const char *name = at->string ? at->string : "";

        for (size_t i = 0; i < ITEM_MEMBERS; i++) {
            if (name[0] == item_members[i][0] && strcmp(name, item_members[i]) == 0) {
                found[i] = found[i] ? found[i] : at; /* the first of that name, as elsewhere */
                break;
            }
        }
    }
}

static const cJSON *object_of(const cJSON *value)
{
    return cJSON_IsObject(value) ? value : NULL;
}

static int copy_text(char **out, const cJSON *value, struct error *err)
{
    const char *text = cJSON_GetStringValue(value);

    return text && str_is_utf8(text, strlen(text)) ? str_copy(out, text, err) : 0;
}

static int64_t time_of(const cJSON *times, const char *name, const cJSON *outer)
{
    const char *inner = json_text(times, name);
    const char *text = inner ? inner : cJSON_GetStringValue(outer);
    int64_t when = 0;

    return text && clock_parse_iso(text, &when) ? when : 0;
}

/* file XOR folder XOR package XOR remoteItem, which has a facet of its own inside
 * (graph-facts 2.3). */
static void read_kind(struct graph_item *item, const cJSON *const found[ITEM_MEMBERS])
{
    const cJSON *remote = object_of(found[REMOTE]);

    if (found[DELETED]) {
        item->kind = GRAPH_DELETED;
    } else if (remote) {
        item->kind = GRAPH_REMOTE;
        item->is_remote_folder = member(remote, "folder") != NULL;
    } else if (found[PACKAGE]) {
        item->kind = GRAPH_PACKAGE;
    } else if (found[FOLDER] || item->is_root) {
        item->kind = GRAPH_FOLDER;
    } else {
        item->kind = GRAPH_FILE;
    }
}

static int copy_remote(struct graph_item *item, const cJSON *remote, struct error *err)
{
    int code;

    if (!remote) {
        return 0;
    }
    code = json_copy_text(&item->remote_item_id, remote, "id", err);
    if (code == 0) {
        code = json_copy_text(&item->remote_drive_id, object_member(remote, "parentReference"),
                              "driveId", err);
    }
    return code;
}

/* publication is only there when asked for; who has it checked out may be a user with or without a
 * name. */
static int copy_checkout(struct graph_item *item, const cJSON *publication, struct error *err)
{
    const cJSON *by = object_member(publication, "checkedOutBy");
    const cJSON *user = object_member(by, "user");
    int code;

    item->is_checked_out = str_equal(json_text(publication, "level"), "checkout");
    if (!item->is_checked_out) {
        return 0;
    }
    /* the id first: only that tells whether it is the signed-in user */
    code = json_copy_text(&item->checked_out_by, user, "id", err);
    if (code == 0 && !item->checked_out_by) {
        code = json_copy_text(&item->checked_out_by, user, "displayName", err);
    }
    return code;
}

static int copy_item_texts(struct graph_item *item, const cJSON *const found[ITEM_MEMBERS],
                           struct error *err)
{
    const struct {
        char **out;
        enum item_member from;
    } texts[] = {
        {&item->id, ID},     {&item->name, NAME},       {&item->etag, ETAG},
        {&item->ctag, CTAG}, {&item->web_url, WEB_URL}, {&item->download_url, DOWNLOAD_URL},
    };
    int code = 0;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]) && code == 0; i++) {
        code = copy_text(texts[i].out, found[texts[i].from], err);
    }
    if (code == 0) {
        code = json_copy_text(&item->parent_id, object_of(found[PARENT]), "id", err);
    }
    if (code == 0) {
        code = json_copy_text(&item->quick_xor_hash,
                              object_member(object_of(found[FILE_FACET]), "hashes"), "quickXorHash",
                              err);
    }
    return code;
}

int read_item(struct graph_item *item, const cJSON *json, struct error *err)
{
    const cJSON *found[ITEM_MEMBERS];
    const cJSON *folder;
    int code;

    find_members(found, json);
    folder = object_of(found[FOLDER]);
    memset(item, 0, sizeof(*item));
    item->child_count = -1;
    item->is_root = found[ROOT] != NULL;
    item->is_infected = found[MALWARE] != NULL;
    item->size_bytes = unsigned_of(found[SIZE]);
    item->modified_ms = time_of(object_of(found[TIMES]), item_members[MODIFIED], found[MODIFIED]);
    item->created_ms = time_of(object_of(found[TIMES]), item_members[CREATED], found[CREATED]);
    if (folder && !json_int64(folder, "childCount", &item->child_count)) {
        item->child_count = -1;
    }
    read_kind(item, found);
    code = copy_item_texts(item, found, err);
    if (code == 0) {
        code = copy_remote(item, object_of(found[REMOTE]), err);
    }
    if (code == 0) {
        code = copy_checkout(item, object_of(found[PUBLICATION]), err);
    }
    if (code == 0 && (!item->id || !*item->id)) {
        code = error_set(err, ERR_PROTOCOL, "an item in the answer has no id");
    }
    if (code == 0 && item->name && !is_name(item->name)) {
        code = error_set(err, ERR_PROTOCOL, "an item in the answer has an impossible name");
    }
    if (code < 0) {
        graph_item_clear(item);
    }
    return code;
}

int parse_item(struct graph_item *out, const char *body, size_t size, struct error *err)
{
    cJSON *json = json_parse_object(body, size, "the answer", err);
    struct graph_item item;
    int code;

    if (!json) {
        return ERR_PROTOCOL;
    }
    code = read_item(&item, json, err);
    if (code == 0) {
        *out = item;
    }
    cJSON_Delete(json);
    return code;
}

/* --- uploads --- */

int parse_session(char **upload_url, const char *body, size_t size, struct error *err)
{
    cJSON *json = json_parse_object(body, size, "the answer", err);
    int code;

    if (!json) {
        return ERR_PROTOCOL;
    }
    if (json_text(json, "uploadUrl")) {
        code = json_copy_text(upload_url, json, "uploadUrl", err);
    } else {
        code = error_set(err, ERR_PROTOCOL, "the answer has no uploadUrl");
    }
    cJSON_Delete(json);
    return code;
}

int parse_next_range(uint64_t *offset, const char *body, size_t size, struct error *err)
{
    cJSON *json = json_parse_object(body, size, "the upload's status", err);
    const cJSON *ranges = json ? member(json, "nextExpectedRanges") : NULL;
    const char *text = cJSON_GetStringValue(cJSON_GetArrayItem(ranges, 0));
    char digits[24] = "";
    int64_t value = 0;
    size_t length = text ? strcspn(text, "-") : 0;
    int code = 0;

    if (length > 0 && length < sizeof(digits)) {
        memcpy(digits, text, length);
        digits[length] = '\0';
    }
    if (!str_to_int64(digits, 0, INT64_MAX, &value)) {
        code = error_set(err, ERR_PROTOCOL, "the upload's status has no nextExpectedRanges");
    } else {
        *offset = (uint64_t)value;
    }
    cJSON_Delete(json);
    return code;
}

static bool read_number(const char **at, uint64_t *out)
{
    char digits[24];
    size_t length = strspn(*at, "0123456789");
    int64_t value;

    if (length == 0 || length >= sizeof(digits)) {
        return false;
    }
    memcpy(digits, *at, length);
    digits[length] = '\0';
    if (!str_to_int64(digits, 0, INT64_MAX, &value)) {
        return false;
    }
    *out = (uint64_t)value;
    *at += length;
    return true;
}

bool parse_content_range(const char *text, uint64_t *first, uint64_t *last, int64_t *total)
{
    uint64_t whole;

    if (!str_starts_with_nocase(text, "bytes ")) {
        return false;
    }
    text += strlen("bytes ");
    if (!read_number(&text, first) || *text++ != '-' || !read_number(&text, last) ||
        *text++ != '/' || *last < *first) {
        return false;
    }
    if (strcmp(text, "*") == 0) {
        *total = -1;
        return true;
    }
    if (!read_number(&text, &whole) || *text || whole <= *last) {
        return false;
    }
    *total = (int64_t)whole;
    return true;
}
