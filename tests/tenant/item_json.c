#include "item_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generate.h"
#include "ids.h"
#include "preauth.h"

bool list_names(const char *text, const char *word)
{
    size_t len = strlen(word);
    while (text != NULL && *text != '\0') {
        text += strspn(text, ", ");
        size_t n = strcspn(text, ",(");
        if (n == len && strncasecmp(text, word, n) == 0) {
            return true;
        }
        text += n;
        if (*text == '(') {
            const char *end = strchr(text, ')');
            text = end == NULL ? NULL : end + 1;
        }
    }
    return false;
}

void item_view_init(struct item_view *v, const struct http_request *rq)
{
    *v = (struct item_view){
        .rq = rq, .select = http_query(rq, "select"), .expand = http_query(rq, "expand")};
    if (v->select != NULL && v->select[0] == '\0') {
        free(v->select);
        v->select = NULL;
    }
}

void item_view_clear(struct item_view *v)
{
    free(v->select);
    free(v->expand);
    free(v->parent_path);
    v->select = v->expand = v->parent_path = NULL;
}

bool item_view_expands(const struct item_view *v, const char *relation)
{
    return list_names(v->expand, relation);
}

static bool wants(const struct item_view *v, const char *field)
{
    return v->select == NULL || list_names(v->select, field);
}

/* Members that come only when they are asked for. */
static bool asks(const struct item_view *v, const char *field)
{
    return v->select != NULL && list_names(v->select, field);
}

static void unique_id(char out[37], const struct item *it, bool upper_case)
{
    uint8_t guid[GUID_SIZE];
    unique_id_make(guid, it->drive->id_key, it->serial);
    guid_format(out, guid, upper_case);
}

void item_id_of(char out[40], const struct drive *d, uint64_t serial)
{
    uint8_t guid[GUID_SIZE];
    unique_id_make(guid, d->id_key, serial);
    item_id_format(out, d->id_prefix, guid);
}

void item_id(char out[40], const struct item *it)
{
    item_id_of(out, it->drive, it->serial);
}

void item_etag(char out[64], const struct item *it)
{
    char guid[37];
    unique_id(guid, it, true);
    snprintf(out, 64, "\"{%s},%u\"", guid, it->etag_n);
}

void item_ctag(char out[64], const struct item *it)
{
    char guid[37];
    unique_id(guid, it, true);
    snprintf(out, 64, "\"c:{%s},%u\"", guid, it->ctag_n);
}

static const struct {
    const char *ending;
    const char *type;
    bool is_office;
} types[] = {
    {".docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", true},
    {".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", true},
    {".pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation", true},
    {".doc", "application/msword", false},
    {".xls", "application/vnd.ms-excel", false},
    {".csv", "text/csv", false},
    {".txt", "text/plain", false},
    {".md", "text/markdown", false},
    {".html", "text/html", false},
    {".json", "application/json", false},
    {".pdf", "application/pdf", false},
    {".jpg", "image/jpeg", false},
    {".png", "image/png", false},
    {".mp4", "video/mp4", false},
    {".zip", "application/x-zip-compressed", false},
};

static size_t type_index(const char *name)
{
    const char *dot = strrchr(name, '.');
    size_t i = 0;
    while (i < COUNT_OF(types) && (dot == NULL || !str_ieq(dot, types[i].ending))) {
        i++;
    }
    return i;
}

const char *mime_type(const char *name)
{
    size_t i = type_index(name);
    return i < COUNT_OF(types) ? types[i].type : "application/octet-stream";
}

bool is_office_name(const char *name)
{
    size_t i = type_index(name);
    return i < COUNT_OF(types) && types[i].is_office;
}

char *item_web_url(const struct item *it, bool as_document)
{
    struct drive *d = it->drive;
    if (!as_document && it->kind == ITEM_FILE && is_office_name(it->name)) {
        char guid[37];
        char *file = url_encode(it->name);
        unique_id(guid, it, true);
        char *url =
            xasprintf("%s/_layouts/15/"
                      "Doc.aspx?sourcedoc=%%7B%s%%7D&file=%s&action=default&mobileredirect=true",
                      d->site->web_url, guid, file);
        free(file);
        return url;
    }
    if (it->parent_serial == 0) {
        return xstrdup(d->web_url);
    }
    char *above = store_path(store_get(d, it->parent_serial));
    char *path = xasprintf("%s/%s", above, it->name);
    char *encoded = url_encode_path(path);
    char *url = xasprintf("%s%s", d->web_url, encoded);
    free(above);
    free(path);
    free(encoded);
    return url;
}

char *item_download_url(const struct http_request *rq, const struct item *it, unsigned version)
{
    struct tenant *t = it->drive->tenant;
    char guid[37];
    struct preauth p = {
        .kind = PREAUTH_FILE,
        .drive = it->drive->index,
        .serial = it->serial,
        .version = version,
        .expires = world_now(t->world) + t->switches.url_seconds,
    };
    char *tempauth = preauth_make(t->world, &p);
    char *site = url_encode_path(it->drive->site->path);
    unique_id(guid, it, false);
    char *url = xasprintf(
        "%s%s/_layouts/15/download.aspx?UniqueId=%s&Translate=false&tempauth=%s&ApiVersion=2.0",
        rq->content_url, site, guid, tempauth);
    free(site);
    free(tempauth);
    return url;
}

static void add_time(cJSON *o, const char *name, int64_t unix_seconds)
{
    char text[32];
    format_iso(text, unix_seconds);
    cJSON_AddStringToObject(o, name, text);
}

cJSON *identity_json(const struct user *u)
{
    cJSON *set = cJSON_CreateObject();
    cJSON *user = cJSON_AddObjectToObject(set, "user");
    cJSON_AddStringToObject(user, "displayName", u == NULL ? "System Account" : u->display_name);
    if (u != NULL) {
        cJSON_AddStringToObject(user, "email", u->upn);
        cJSON_AddStringToObject(user, "id", u->id);
    }
    return set;
}

static void add_file(cJSON *o, const struct item *it)
{
    cJSON *file = cJSON_AddObjectToObject(o, "file");
    cJSON_AddStringToObject(file, "mimeType", mime_type(it->name));
    content_hash_small(it->content);
    if (it->content->has_hash) {
        char *hash = base64_encode(it->content->hash, sizeof(it->content->hash));
        cJSON_AddStringToObject(cJSON_AddObjectToObject(file, "hashes"), "quickXorHash", hash);
        free(hash);
    }
}

static void add_parent(cJSON *o, const struct item *it, const struct item_view *v)
{
    cJSON *ref = cJSON_AddObjectToObject(o, "parentReference");
    cJSON_AddStringToObject(ref, "driveType", it->drive->drive_type);
    cJSON_AddStringToObject(ref, "driveId", it->drive->id);
    if (it->parent_serial == 0) {
        return;
    }
    char id[40];
    item_id_of(id, it->drive, it->parent_serial);
    cJSON_AddStringToObject(ref, "id", id);
    if (v->is_delta) {
        return;
    }
    char *path = v->parent_path;
    if (path == NULL) {
        char *plain = store_path(store_get(it->drive, it->parent_serial));
        path = url_encode_path(plain);
        free(plain);
    }
    char *full = xasprintf("/drives/%s/root:%s", it->drive->id, path);
    cJSON_AddStringToObject(ref, "path", full);
    free(full);
    if (path != v->parent_path) {
        free(path);
    }
}

static void add_sharepoint_ids(cJSON *o, const struct item *it)
{
    cJSON *ids = cJSON_AddObjectToObject(o, "sharepointIds");
    char guid[37];
    char number[24];
    unique_id(guid, it, false);
    snprintf(number, sizeof(number), "%llu", (unsigned long long)(it->serial & 0xffffffff));
    cJSON_AddStringToObject(ids, "listId", it->drive->list_guid);
    cJSON_AddStringToObject(ids, "listItemId", number);
    cJSON_AddStringToObject(ids, "listItemUniqueId", guid);
    cJSON_AddStringToObject(ids, "siteId", it->drive->site->site_guid);
    cJSON_AddStringToObject(ids, "siteUrl", it->drive->site->web_url);
    cJSON_AddStringToObject(ids, "tenantId", it->drive->tenant->id);
    cJSON_AddStringToObject(ids, "webId", it->drive->site->web_guid);
}

static void add_file_system_info(cJSON *o, const struct item *it)
{
    cJSON *info = cJSON_AddObjectToObject(o, "fileSystemInfo");
    add_time(info, "createdDateTime", it->fs_created);
    add_time(info, "lastModifiedDateTime", it->fs_modified);
}

static void add_folder(cJSON *o, const struct item *it)
{
    cJSON_AddNumberToObject(cJSON_AddObjectToObject(o, "folder"), "childCount",
                            (double)store_child_count(it));
}

static void add_remote(cJSON *o, const struct item *it)
{
    struct item *target =
        it->remote_drive == NULL ? NULL : store_get(it->remote_drive, it->remote_serial);
    cJSON *remote = cJSON_AddObjectToObject(o, "remoteItem");
    char id[40];
    if (target == NULL) {
        return;
    }
    item_id(id, target);
    cJSON_AddStringToObject(remote, "id", id);
    cJSON_AddStringToObject(remote, "name",
                            target->parent_serial == 0 ? target->drive->name : target->name);
    cJSON_AddNumberToObject(remote, "size", (double)store_size(target));
    add_file_system_info(remote, target);
    if (target->kind == ITEM_FILE) {
        add_file(remote, target);
    } else {
        add_folder(remote, target);
    }
    char *url = item_web_url(target, true);
    cJSON_AddStringToObject(remote, "webUrl", url);
    cJSON_AddStringToObject(remote, "webDavUrl", url);
    free(url);
    cJSON *ref = cJSON_AddObjectToObject(remote, "parentReference");
    cJSON_AddStringToObject(ref, "driveId", target->drive->id);
    cJSON_AddStringToObject(ref, "driveType", target->drive->drive_type);
    add_sharepoint_ids(remote, target);
}

static void add_facet(cJSON *o, const struct item *it, const struct item_view *v)
{
    switch (it->kind) {
    case ITEM_FILE:
        if (wants(v, "file")) {
            add_file(o, it);
        }
        break;
    case ITEM_FOLDER:
        if (wants(v, "folder")) {
            add_folder(o, it);
        }
        break;
    case ITEM_PACKAGE:
        if (wants(v, "package")) {
            cJSON_AddStringToObject(cJSON_AddObjectToObject(o, "package"), "type", "oneNote");
        }
        break;
    case ITEM_REMOTE:
        if (wants(v, "remoteItem")) {
            add_remote(o, it);
        }
        break;
    }
    if (it->parent_serial == 0 && wants(v, "root")) {
        cJSON_AddObjectToObject(o, "root");
    }
    if (it->malware != NULL && wants(v, "malware")) {
        cJSON_AddStringToObject(cJSON_AddObjectToObject(o, "malware"), "description", it->malware);
    }
    if (it->n_links > 0 && wants(v, "shared")) {
        cJSON_AddStringToObject(cJSON_AddObjectToObject(o, "shared"), "scope", "users");
    }
    if (it->description != NULL && wants(v, "description")) {
        cJSON_AddStringToObject(o, "description", it->description);
    }
}

static void add_publication(cJSON *o, const struct item *it)
{
    cJSON *p = cJSON_AddObjectToObject(o, "publication");
    char id[24];
    snprintf(id, sizeof(id), "%u.0", it->version_n);
    cJSON_AddStringToObject(p, "level", it->checked_out_by != NULL ? "checkout" : "published");
    cJSON_AddStringToObject(p, "versionId", id);
    if (it->checked_out_by != NULL) {
        cJSON_AddItemToObject(p, "checkedOutBy", identity_json(it->checked_out_by));
    }
}

static void add_urls(cJSON *o, const struct item *it, const struct item_view *v)
{
    if (wants(v, "webUrl")) {
        char *url = item_web_url(it, v->is_delta);
        cJSON_AddStringToObject(o, "webUrl", url);
        free(url);
    }
    if (asks(v, "webDavUrl")) {
        /* From search it can be the page of the list item instead (facts, 2.3). */
        char *url = v->is_search ? xasprintf("%s/Forms/DispForm.aspx?ID=%llu", it->drive->web_url,
                                             (unsigned long long)(it->serial & 0xffffffff))
                                 : item_web_url(it, true);
        cJSON_AddStringToObject(o, "webDavUrl", url);
        free(url);
    }
    bool by_default = v->select == NULL && !v->no_download_url;
    if (it->kind == ITEM_FILE && it->malware == NULL &&
        (by_default || asks(v, "@microsoft.graph.downloadUrl") || asks(v, "content.downloadUrl"))) {
        char *url = item_download_url(v->rq, it, 0);
        cJSON_AddStringToObject(o, "@microsoft.graph.downloadUrl", url);
        free(url);
    }
}

static void add_tags(cJSON *o, const struct item *it, const struct item_view *v)
{
    char tag[64];
    item_etag(tag, it);
    if (v->select != NULL) {
        cJSON_AddStringToObject(o, "@odata.etag", tag);
    }
    if (wants(v, "eTag")) {
        cJSON_AddStringToObject(o, "eTag", tag);
    }
    if (!v->is_delta && wants(v, "cTag")) {
        item_ctag(tag, it);
        cJSON_AddStringToObject(o, "cTag", tag);
    }
}

static void add_people_and_times(cJSON *o, const struct item *it, const struct item_view *v)
{
    if (wants(v, "createdDateTime")) {
        add_time(o, "createdDateTime", it->created);
    }
    if (wants(v, "lastModifiedDateTime")) {
        add_time(o, "lastModifiedDateTime", it->modified);
    }
    if (!v->is_search && wants(v, "createdBy")) {
        cJSON_AddItemToObject(o, "createdBy", identity_json(it->created_by));
    }
    if (!v->is_search && wants(v, "lastModifiedBy")) {
        cJSON_AddItemToObject(o, "lastModifiedBy", identity_json(it->modified_by));
    }
    if (wants(v, "fileSystemInfo")) {
        add_file_system_info(o, it);
    }
}

cJSON *item_json(const struct item *it, const struct item_view *v)
{
    cJSON *o = cJSON_CreateObject();
    if (v->is_delta) {
        cJSON_AddStringToObject(o, "@odata.type", "#microsoft.graph.driveItem");
    }
    add_tags(o, it, v);
    if (wants(v, "id")) {
        char id[40];
        item_id(id, it);
        cJSON_AddStringToObject(o, "id", id);
    }
    if (wants(v, "name")) {
        cJSON_AddStringToObject(o, "name", it->name);
    }
    if (wants(v, "size")) {
        cJSON_AddNumberToObject(o, "size", (double)store_size(it));
    }
    add_urls(o, it, v);
    add_people_and_times(o, it, v);
    if (!v->is_search && wants(v, "parentReference")) {
        add_parent(o, it, v);
    }
    add_facet(o, it, v);
    if (asks(v, "sharepointIds")) {
        add_sharepoint_ids(o, it);
    }
    if (it->kind == ITEM_FILE && asks(v, "publication")) {
        add_publication(o, it);
    }
    if (item_view_expands(v, "thumbnails")) {
        cJSON_AddItemToObject(o, "thumbnails", thumbnails_json(v->rq, it));
    }
    return o;
}

void item_reply(const struct http_request *rq, struct http_response *rs, int status,
                const struct item *it)
{
    struct item_view v;
    item_view_init(&v, rq);
    cJSON *o = item_json(it, &v);
    char *context =
        xasprintf("%s/v1.0/$metadata#drives('%s')/items/$entity", rq->graph_url, it->drive->id);
    cJSON_AddItemToObject(o, "@odata.context", cJSON_CreateString(context));
    free(context);
    item_view_clear(&v);
    http_reply_json(rs, status, o);
}
