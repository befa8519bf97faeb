#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store.h"
#include "upload.h"
#include "graph_copy.h"

void world_lock(struct world *w)
{
    pthread_mutex_lock(&w->lock);
}

void world_unlock(struct world *w)
{
    pthread_mutex_unlock(&w->lock);
}

int64_t world_now_ms(struct world *w)
{
    return now_ms() + atomic_load(&w->clock_offset_ms);
}

int64_t world_now(struct world *w)
{
    return world_now_ms(w) / 1000;
}

struct tenant *world_tenant(struct world *w, const char *key)
{
    for (size_t i = 0; i < w->n_tenants; i++) {
        struct tenant *t = &w->tenants[i];
        if (str_ieq(key, t->name) || str_ieq(key, t->id) || str_ieq(key, t->initial_domain) ||
            str_ieq(key, t->sharepoint_host) || str_ieq(key, t->my_host)) {
            return t;
        }
    }
    return NULL;
}

struct user *tenant_user(struct tenant *t, const char *key)
{
    for (size_t i = 0; i < t->n_users; i++) {
        struct user *u = &t->users[i];
        if (str_ieq(key, u->name) || str_ieq(key, u->id) || str_ieq(key, u->upn)) {
            return u;
        }
    }
    return NULL;
}

struct group *tenant_group(struct tenant *t, const char *key)
{
    for (size_t i = 0; i < t->n_groups; i++) {
        if (str_ieq(key, t->groups[i].id) || str_ieq(key, t->groups[i].display_name)) {
            return &t->groups[i];
        }
    }
    return NULL;
}

struct site *tenant_root_site(struct tenant *t)
{
    return tenant_site_by_path(t, "");
}

struct site *tenant_site_by_path(struct tenant *t, const char *path)
{
    path += strspn(path, "/");
    size_t n = strlen(path);
    while (n > 0 && path[n - 1] == '/') {
        n--;
    }
    char *key = xasprintf("%s%.*s", n > 0 ? "/" : "", (int)n, path);
    struct site *found = NULL;
    for (size_t i = 0; i < t->n_sites && found == NULL; i++) {
        if (name_compare(t->sites[i]->path, key) == 0) {
            found = t->sites[i];
        }
    }
    free(key);
    return found;
}

struct site *tenant_site_by_key(struct tenant *t, const char *key)
{
    if (str_ieq(key, "root") || str_ieq(key, t->sharepoint_host)) {
        return tenant_root_site(t);
    }
    for (size_t i = 0; i < t->n_sites; i++) {
        struct site *s = t->sites[i];
        if (str_ieq(key, s->id) || (s->parent == NULL && str_ieq(key, s->site_guid))) {
            return s;
        }
    }
    return NULL;
}

struct drive *tenant_drive(struct tenant *t, const char *drive_id)
{
    for (size_t i = 0; i < t->n_drives; i++) { /* in any case of letters: rclone sends lower ones */
        if (str_ieq(drive_id, t->drives[i]->id)) {
            return t->drives[i];
        }
    }
    return NULL;
}

struct drive *site_drive(struct site *s, const char *key)
{
    for (size_t i = 0; i < s->n_drives; i++) {
        const struct drive *d = s->drives[i];
        if (str_ieq(key, d->list_guid) || str_ieq(key, d->id) || name_compare(key, d->name) == 0 ||
            name_compare(key, d->url_name) == 0) {
            return s->drives[i];
        }
    }
    return NULL;
}

struct drive *tenant_drive_by_path(struct tenant *t, const char *path)
{
    struct drive *d = tenant_drive(t, path);
    if (d != NULL) {
        return d;
    }
    if (str_starts(path, "OneDrive:")) {
        struct user *u = tenant_user(t, path + strlen("OneDrive:"));
        return u == NULL ? NULL : u->drive;
    }
    const char *last = strrchr(path, '/');
    if (last == NULL) {
        return NULL;
    }
    char *site_path = xstrndup(path, (size_t)(last - path));
    struct site *s = tenant_site_by_path(t, site_path);
    free(site_path);
    return s == NULL ? NULL : site_drive(s, last + 1);
}

enum access drive_access(const struct drive *d, const struct user *u)
{
    for (size_t i = 0; i < d->n_access; i++) {
        if (d->access[i].user == u) {
            return d->access[i].access;
        }
    }
    if (u == NULL || u->tenant != d->tenant || (d->owner != NULL && d->owner != u)) {
        return ACCESS_NONE; /* a OneDrive is its owner's */
    }
    return d->default_access;
}

enum access site_access(const struct site *s, const struct user *u)
{
    enum access best = s->n_drives == 0 ? ACCESS_READ : ACCESS_NONE;
    for (size_t i = 0; i < s->n_drives; i++) {
        enum access a = drive_access(s->drives[i], u);
        best = a > best ? a : best;
    }
    return best;
}

enum switch_type {
    SWITCH_BOOL,
    SWITCH_INT,
    SWITCH_TEXT,
};

#define BOOL_SWITCH(name)                                   \
    {                                                       \
#name, SWITCH_BOOL, offsetof(struct switches, name) \
    }
#define INT_SWITCH(name)                                   \
    {                                                      \
#name, SWITCH_INT, offsetof(struct switches, name) \
    }

static const struct {
    const char *name;
    enum switch_type type;
    size_t offset;
} switch_table[] = {
    BOOL_SWITCH(aip_size_mismatch),
    BOOL_SWITCH(children_short_pages),
    BOOL_SWITCH(china),
    BOOL_SWITCH(content_accepts_authorization),
    BOOL_SWITCH(content_ignores_range),
    INT_SWITCH(copy_polls),
    BOOL_SWITCH(delta_duplicates),
    BOOL_SWITCH(delta_empty_pages),
    BOOL_SWITCH(delta_function_links),
    BOOL_SWITCH(inner_error_swapped),
    BOOL_SWITCH(links_disabled),
    BOOL_SWITCH(list_pages),
    BOOL_SWITCH(lock_on_if_match_delete),
    INT_SWITCH(max_page),
    BOOL_SWITCH(no_downloadurl_in_lists),
    BOOL_SWITCH(office_enrichment),
    BOOL_SWITCH(office_enrichment_late),
    BOOL_SWITCH(office_enrichment_version),
    BOOL_SWITCH(put_honours_if_match),
    {"resync_code", SWITCH_TEXT, offsetof(struct switches, resync_code)},
    BOOL_SWITCH(session_bumps_etag),
    BOOL_SWITCH(session_default_fail),
    BOOL_SWITCH(unknown_members),
    INT_SWITCH(upload_max_seconds),
    INT_SWITCH(upload_seconds),
    INT_SWITCH(url_seconds),
    INT_SWITCH(versions_page),
};

bool world_switch_set(struct switches *sw, const char *name, const cJSON *value)
{
    for (size_t i = 0; i < COUNT_OF(switch_table); i++) {
        char *field = (char *)sw + switch_table[i].offset;
        if (strcmp(name, switch_table[i].name) != 0) {
            continue;
        }
        if (switch_table[i].type == SWITCH_BOOL && cJSON_IsBool(value)) {
            *(bool *)field = cJSON_IsTrue(value);
            return true;
        }
        if (switch_table[i].type == SWITCH_INT && cJSON_IsNumber(value) && value->valueint >= 0) {
            *(int *)field = value->valueint;
            return true;
        }
        if (switch_table[i].type == SWITCH_TEXT && cJSON_IsString(value)) {
            snprintf(field, sizeof(sw->resync_code), "%s", value->valuestring);
            return true;
        }
        return false;
    }
    return false;
}

static void free_tenant(struct tenant *t)
{
    for (size_t i = 0; i < t->n_groups; i++) {
        struct group *g = &t->groups[i];
        for (size_t j = 0; j < g->n_channels; j++) {
            free(g->channels[j].id);
            free(g->channels[j].name);
            free(g->channels[j].folder);
        }
        free(g->channels);
        free(g->display_name);
        free(g->description);
    }
    for (size_t i = 0; i < t->n_drives; i++) {
        store_free_drive(t->drives[i]);
    }
    for (size_t i = 0; i < t->n_sites; i++) {
        struct site *s = t->sites[i];
        free(s->path);
        free(s->name);
        free(s->title);
        free(s->description);
        free(s->template_name);
        free(s->web_url);
        free(s->id);
        free(s->drives);
        free(s);
    }
    for (size_t i = 0; i < t->n_users; i++) {
        free(t->users[i].name);
        free(t->users[i].upn);
        free(t->users[i].display_name);
    }
    free(t->groups);
    free(t->drives);
    free(t->sites);
    free(t->users);
    free(t->name);
    free(t->display_name);
    free(t->initial_domain);
    free(t->sharepoint_host);
    free(t->my_host);
}

void world_free(struct world *w)
{
    if (w == NULL) {
        return;
    }
    uploads_free(w);
    copy_jobs_free(w);
    for (size_t i = 0; i < w->n_tenants; i++) {
        free_tenant(&w->tenants[i]);
    }
    free(w->tenants);
    cJSON_Delete(w->scenario);
    free(w->blob_dir);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

struct drive *world_drive_by_index(struct world *w, unsigned index)
{
    for (size_t i = 0; i < w->n_tenants; i++) {
        struct tenant *t = &w->tenants[i];
        if (t->n_drives > 0 && index >= t->drives[0]->index &&
            index - t->drives[0]->index < t->n_drives) {
            return t->drives[index - t->drives[0]->index];
        }
    }
    return NULL;
}
