#include "shares.h"

#include <stdlib.h>
#include <string.h>

#include "ids.h"

static struct item *by_unique_id(struct tenant *t, const char *text)
{
    uint8_t guid[GUID_SIZE];
    char plain[37];
    text += *text == '{';
    if (strlen(text) < 36) {
        return NULL;
    }
    memcpy(plain, text, 36);
    plain[36] = '\0';
    for (size_t i = 0; guid_parse(guid, plain) && i < t->n_drives; i++) {
        uint64_t serial;
        if (unique_id_serial(&serial, t->drives[i]->id_key, guid) && serial != 1) {
            struct item *it = store_get(t->drives[i], serial);
            return it == NULL || store_is_gone(it) ? NULL : it;
        }
    }
    return NULL;
}

static struct item *by_link(struct tenant *t, const char *url)
{
    for (size_t i = 0; i < t->n_drives; i++) {
        struct drive *d = t->drives[i];
        for (size_t j = 0; j < d->n_explicit + d->cap_touched; j++) {
            struct item *it =
                j < d->n_explicit ? d->explicit_items[j] : d->touched[j - d->n_explicit];
            for (size_t k = 0; it != NULL && k < it->n_links; k++) {
                if (strcmp(it->links[k].web_url, url) == 0) {
                    return store_is_gone(it) ? NULL : it;
                }
            }
        }
    }
    return NULL;
}

/* The library whose URL is the longest beginning of the path. */
static struct item *by_document_path(struct tenant *t, const char *path)
{
    struct item *found = NULL;
    size_t longest = 0;
    for (size_t i = 0; i < t->n_drives; i++) {
        struct drive *d = t->drives[i];
        char *library = xasprintf("%s/%s", d->site->path, d->url_name);
        size_t n = strlen(library);
        if (n >= longest && strncasecmp(path, library, n) == 0 &&
            (path[n] == '/' || path[n] == '\0')) {
            const char *below = str_starts(path + n, "/Forms/") ? "" : path + n;
            longest = n;
            found = store_by_path(d, NULL, below);
        }
        free(library);
    }
    return found;
}

static struct item *by_url(struct tenant *t, const char *url)
{
    const char *host = str_starts(url, "https://") ? url + 8 : "";
    size_t n = strcspn(host, "/");
    const char *query = strchr(host, '?');
    bool is_ours =
        (n == strlen(t->sharepoint_host) && strncasecmp(host, t->sharepoint_host, n) == 0) ||
        (n == strlen(t->my_host) && strncasecmp(host, t->my_host, n) == 0);
    if (!is_ours) {
        return NULL;
    }
    if (query != NULL && strstr(url, "/_layouts/15/") != NULL) {
        char *guid = form_get(query + 1, "sourcedoc");
        guid = guid != NULL ? guid : form_get(query + 1, "UniqueId");
        struct item *it = guid == NULL ? NULL : by_unique_id(t, guid);
        free(guid);
        return it;
    }
    if (strncmp(host + n, "/:", 2) == 0) {
        return by_link(t, url);
    }
    char *path =
        url_decode(host + n, query == NULL ? strlen(host + n) : (size_t)(query - host) - n);
    struct item *it = path == NULL ? NULL : by_document_path(t, path);
    free(path);
    return it;
}

static void reply_shared(struct call *c, const char *token)
{
    cJSON *o = cJSON_CreateObject();
    char *context = xasprintf("%s/v1.0/$metadata#shares/$entity", c->rq->graph_url);
    cJSON_AddStringToObject(o, "@odata.context", context);
    free(context);
    cJSON_AddStringToObject(o, "id", token);
    cJSON_AddStringToObject(o, "name", c->item->name);
    cJSON_AddItemToObject(o, "owner", identity_json(c->item->created_by));
    c->rs->ru = 1;
    http_reply_json(c->rs, 200, o);
}

enum route_result shares_route(struct call *c, const char **path)
{
    const char *start = *path + (**path == '/');
    size_t n = strcspn(start, "/");
    char *token = url_decode(start, n);
    struct item *it = NULL;
    *path = start + n;
    if (token != NULL && str_starts(token, "u!")) {
        size_t len;
        char *bytes = base64url_decode(token + 2, strlen(token + 2), &len);
        char *url = bytes == NULL ? xstrdup("") : xstrndup(bytes, len);
        it = by_url(c->tenant, url);
        free(bytes);
        free(url);
    }
    c->item = it;
    c->drive = it == NULL ? NULL : it->drive;
    if (it == NULL || drive_access(it->drive, c->user) == ACCESS_NONE ||
        !item_is_visible(it, c->user)) {
        call_not_found(c);
        free(token);
        return ROUTE_ERROR;
    }
    static const char *const forms[] = {"/driveItem", "/root", "/items"};
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        size_t len = strlen(forms[i]);
        if (strncmp(*path, forms[i], len) == 0 && ((*path)[len] == '/' || (*path)[len] == '\0')) {
            *path += len;
            free(token);
            return ROUTE_DRIVE;
        }
    }
    if (**path != '\0') {
        free(token);
        return ROUTE_NOT_OURS;
    }
    reply_shared(c, token);
    free(token);
    return ROUTE_ERROR; /* answered */
}
