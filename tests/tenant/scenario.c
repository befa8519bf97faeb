/* Reads a scenario file into a world. tests/tenant/README.md describes the format. */
#include <dirent.h>
#include <errno.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ids.h"
#include "scenario.h"
#include "store.h"
#include "world.h"

bool load_fail(struct loader *l, const char *fmt, ...)
{
    struct strbuf sb = {0};
    va_list ap;
    va_start(ap, fmt);
    sb_vprintf(&sb, fmt, ap);
    va_end(ap);
    if (l->error == NULL) { /* the first one is the cause */
        l->error = sb_take(&sb);
    }
    sb_clear(&sb);
    return false;
}

const char *load_text(const cJSON *object, const char *name, const char *fallback)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsString(v) ? v->valuestring : fallback;
}

int64_t load_int(const cJSON *object, const char *name, int64_t fallback)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsNumber(v) ? (int64_t)v->valuedouble : fallback;
}

bool load_bool(const cJSON *object, const char *name, bool fallback)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsBool(v) ? cJSON_IsTrue(v) : fallback;
}

/* The id of the scenario, or one that depends on what the thing is called: stable from run to run.
 */
static void load_guid(char out[GUID_TEXT], const cJSON *object, const char *name, const char *fmt,
                      ...) PRINTF_LIKE(4, 5);
static void load_guid(char out[GUID_TEXT], const cJSON *object, const char *name, const char *fmt,
                      ...)
{
    const char *given = load_text(object, name, NULL);
    uint8_t bytes[GUID_SIZE];
    if (given != NULL && guid_parse(bytes, given)) {
        guid_format(out, bytes, false);
        return;
    }
    struct strbuf key = {0};
    va_list ap;
    va_start(ap, fmt);
    sb_vprintf(&key, fmt, ap);
    va_end(ap);
    guid_from_text(out, key.data);
    sb_clear(&key);
}

static bool parse_access(enum access *out, const char *text)
{
    static const char *const names[] = {
        [ACCESS_NONE] = "none", [ACCESS_READ] = "read", [ACCESS_WRITE] = "write"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (text != NULL && strcmp(text, names[i]) == 0) {
            *out = (enum access)i;
            return true;
        }
    }
    return false;
}

bool drive_set_access(struct drive *d, struct user *u, const char *access)
{
    enum access a;
    if (!parse_access(&a, access)) {
        return false;
    }
    for (size_t i = 0; i < d->n_access; i++) {
        if (d->access[i].user == u) {
            d->access[i].access = a;
            return true;
        }
    }
    d->access = xrealloc(d->access, (d->n_access + 1) * sizeof(*d->access));
    d->access[d->n_access++] = (struct drive_access){.user = u, .access = a};
    return true;
}

static bool load_access(struct loader *l, struct drive *d, const cJSON *access)
{
    const cJSON *entry;
    cJSON_ArrayForEach(entry, access)
    {
        const char *value = cJSON_IsString(entry) ? entry->valuestring : NULL;
        if (strcmp(entry->string, "*") == 0) {
            if (!parse_access(&d->default_access, value)) {
                return load_fail(l, "%s: access is none, read or write", d->web_url);
            }
            continue;
        }
        struct user *u = tenant_user(d->tenant, entry->string);
        if (u == NULL || !drive_set_access(d, u, value)) {
            return load_fail(l, "%s: access of '%s': no such user, or not none, read or write",
                             d->web_url, entry->string);
        }
    }
    return true;
}

static struct drive *add_drive(struct loader *l, struct site *s, const char *name,
                               const char *url_name, const cJSON *spec)
{
    char list_guid[GUID_TEXT];
    struct tenant *t = s->tenant;
    load_guid(list_guid, spec, "id", "list:%s/%s", s->web_url, url_name);
    struct drive *d = store_new_drive(s, name, url_name, list_guid);
    d->index = l->n_drives++;
    s->drives = xrealloc(s->drives, (s->n_drives + 1) * sizeof(struct drive *));
    s->drives[s->n_drives++] = d;
    t->drives = xrealloc(t->drives, (t->n_drives + 1) * sizeof(struct drive *));
    t->drives[t->n_drives++] = d;
    free(d->description);
    d->description = xstrdup(load_text(spec, "description", ""));
    d->is_hidden = load_bool(spec, "hidden", false);
    d->is_system = load_bool(spec, "system", false);
    d->require_checkout = load_bool(spec, "require_checkout", false);
    d->no_versions = !load_bool(spec, "versions", true);
    d->quota_total = load_int(spec, "quota", d->quota_total);
    return d;
}

static bool load_library(struct loader *l, struct site *s, const cJSON *spec)
{
    const char *url_name = load_text(spec, "path", "Shared Documents");
    const char *title = load_text(
        spec, "title", strcmp(url_name, "Shared Documents") == 0 ? "Documents" : url_name);
    struct drive *d = add_drive(l, s, title, url_name, spec);
    return load_access(l, d, cJSON_GetObjectItemCaseSensitive(spec, "access")) &&
           load_tree(l, d->root, cJSON_GetObjectItemCaseSensitive(spec, "tree"));
}

static struct site *add_site(struct tenant *t, struct site *parent, const char *host,
                             const char *path, const cJSON *spec)
{
    struct site *s = xcalloc(1, sizeof(*s));
    const char *last = strrchr(path, '/');
    char *encoded = url_encode_path(path);
    int64_t created;
    s->tenant = t;
    s->parent = parent;
    s->path = xstrdup(path);
    s->name = xstrdup(last == NULL ? path : last + 1);
    s->title = xstrdup(load_text(spec, "title", s->name));
    s->description = xstrdup(load_text(spec, "description", ""));
    s->template_name = xstrdup(load_text(spec, "template", "GROUP"));
    s->web_url = xasprintf("https://%s%s", host, encoded);
    free(encoded);
    if (parent != NULL) {
        memcpy(s->site_guid, parent->site_guid, sizeof(s->site_guid));
    } else {
        load_guid(s->site_guid, spec, "site_id", "site:%s", s->web_url);
    }
    load_guid(s->web_guid, spec, "web_id", "web:%s", s->web_url);
    s->id = xasprintf("%s,%s,%s", host, s->site_guid, s->web_guid);
    if (!parse_iso(&created, load_text(spec, "created", "2025-01-10T09:00:00Z"))) {
        created = SCENARIO_TIME;
    }
    s->created = s->modified = created;
    s->is_hidden = load_bool(spec, "hidden", false);
    s->is_followed = load_bool(spec, "followed", true);
    s->spec = spec;
    t->sites = xrealloc(t->sites, (t->n_sites + 1) * sizeof(struct site *));
    t->sites[t->n_sites++] = s;
    return s;
}

static bool load_channels(struct loader *l, struct group *g, const cJSON *channels)
{
    const cJSON *spec;
    cJSON_ArrayForEach(spec, channels)
    {
        const char *library = load_text(spec, "library", NULL);
        struct channel c = {.is_private = load_bool(spec, "private", false),
                            .is_shared = load_bool(spec, "shared", false),
                            .shared_with = cJSON_GetObjectItemCaseSensitive(spec, "shared_with"),
                            .foreign_tenant = load_text(spec, "foreign_tenant", NULL)};
        c.drive = library != NULL         ? tenant_drive_by_path(g->tenant, library)
                  : g->site->n_drives > 0 ? g->site->drives[0]
                                          : NULL;
        if (c.drive == NULL) {
            return load_fail(l, "%s: channel without a library", g->site->path);
        }
        c.name = xstrdup(load_text(spec, "name", "General"));
        c.folder = xstrdup(load_text(spec, "folder", c.name));
        char *key = xasprintf("channel:%s:%s", g->id, c.name);
        c.id = xasprintf("19:%016llx%016llx@thread.tacv2", (unsigned long long)hash_text(key),
                         (unsigned long long)mix64(hash_text(key)));
        free(key);
        if (load_text(spec, "id", NULL)) {
            free(c.id);
            c.id = xstrdup(load_text(spec, "id", NULL));
        }
        g->channels = xrealloc(g->channels, (g->n_channels + 1) * sizeof(*g->channels));
        g->channels[g->n_channels++] = c;
        if (c.folder[0] != '\0' && store_by_path(c.drive, NULL, c.folder) == NULL &&
            name_problem(c.folder, true, true) == NULL) {
            store_add(c.drive->root, c.folder, ITEM_FOLDER, NULL, NULL);
        }
    }
    return true;
}

/* Groups are counted first, so that pointers to them stay good. */
static bool load_groups(struct loader *l, struct tenant *t)
{
    t->groups = xcalloc(t->n_sites + 1, sizeof(*t->groups));
    for (size_t i = 0; i < t->n_sites; i++) {
        struct site *s = t->sites[i];
        const cJSON *team = cJSON_GetObjectItemCaseSensitive(s->spec, "team");
        if (s->is_personal || s->parent != NULL ||
            (team == NULL && !load_bool(s->spec, "group", false))) {
            continue;
        }
        struct group *g = &t->groups[t->n_groups++];
        g->tenant = t;
        g->site = s;
        s->group = g;
        load_guid(g->id, s->spec, "group_id", "group:%s", s->web_url);
        g->display_name = xstrdup(s->title);
        g->description = xstrdup(s->description);
        g->is_team = team != NULL && !cJSON_IsFalse(team);
        if (!load_channels(l, g, cJSON_GetObjectItemCaseSensitive(team, "channels"))) {
            return false;
        }
    }
    return true;
}

static bool load_site(struct loader *l, struct tenant *t, struct site *parent, const cJSON *spec)
{
    const char *given = load_text(spec, "path", NULL);
    if (given == NULL) {
        return load_fail(l, "tenant %s: a site without path", t->name);
    }
    given += strspn(given, "/");
    char *path = given[0] == '\0' ? xstrdup("")
                                  : xasprintf("%s/%s", parent == NULL ? "" : parent->path, given);
    if (tenant_site_by_path(t, path) != NULL) {
        load_fail(l, "tenant %s: the site %s comes twice", t->name, path);
        free(path);
        return false;
    }
    struct site *s = add_site(t, parent, t->sharepoint_host, path, spec);
    const cJSON *libraries = cJSON_GetObjectItemCaseSensitive(spec, "libraries");
    const cJSON *child;
    free(path);
    if (libraries == NULL && !load_library(l, s, NULL)) {
        return false;
    }
    cJSON_ArrayForEach(child, libraries)
    {
        if (!load_library(l, s, child)) {
            return false;
        }
    }
    cJSON_ArrayForEach(child, cJSON_GetObjectItemCaseSensitive(spec, "subsites"))
    {
        if (!load_site(l, t, s, child)) {
            return false;
        }
    }
    return true;
}

/* "generate" of a tenant: many sites alike. */
static bool generate_sites(struct loader *l, struct tenant *t, const cJSON *spec)
{
    int64_t n_sites = load_int(spec, "sites", 0);
    int64_t n_libraries = load_int(spec, "libraries_per_site", 1);
    const char *prefix = load_text(spec, "path_prefix", "/sites/project-");
    const char *title = load_text(spec, "title", "Project");
    const cJSON *tree = cJSON_GetObjectItemCaseSensitive(spec, "tree");
    for (int64_t i = 1; i <= n_sites; i++) {
        char *path = xasprintf("%s%03lld", prefix, (long long)i);
        struct site *s = add_site(t, NULL, t->sharepoint_host, path, spec);
        free(path);
        free(s->title);
        s->title = xasprintf("%s %03lld", title, (long long)i);
        for (int64_t j = 1; j <= n_libraries; j++) {
            char *name = j == 1 ? xstrdup("Documents") : xasprintf("Archive %lld", (long long)j);
            struct drive *d = add_drive(l, s, name, j == 1 ? "Shared Documents" : name, NULL);
            free(name);
            if (!load_tree(l, d->root, tree)) {
                return false;
            }
        }
    }
    return true;
}

static bool load_onedrive(struct loader *l, struct user *u)
{
    const cJSON *spec = cJSON_GetObjectItemCaseSensitive(u->spec, "onedrive");
    struct tenant *t = u->tenant;
    if (cJSON_IsFalse(spec)) {
        return true;
    }
    char *path = xasprintf("/personal/%s", u->upn);
    for (char *p = path; *p != '\0'; p++) {
        if (*p == '.' || *p == '@') {
            *p = '_';
        }
    }
    struct site *s = add_site(t, NULL, t->my_host, path, NULL);
    free(path);
    free(s->title);
    free(s->template_name);
    s->title = xstrdup(u->display_name);
    s->template_name = xstrdup("SPSPERS");
    s->is_personal = true;
    s->is_followed = false;
    u->drive = add_drive(l, s, "OneDrive", "Documents", cJSON_IsObject(spec) ? spec : NULL);
    u->drive->drive_type = "business";
    u->drive->owner = u;
    if (!cJSON_HasObjectItem(spec, "quota")) {
        u->drive->quota_total = INT64_C(1) << 40;
    }
    return load_tree(l, u->drive->root, cJSON_GetObjectItemCaseSensitive(spec, "tree"));
}

static bool load_users(struct loader *l, struct tenant *t)
{
    const cJSON *users = cJSON_GetObjectItemCaseSensitive(t->spec, "users");
    const cJSON *spec;
    t->users = xcalloc((size_t)cJSON_GetArraySize(users) + 1, sizeof(*t->users));
    cJSON_ArrayForEach(spec, users)
    {
        struct user *u = &t->users[t->n_users++];
        const char *name = load_text(spec, "name", NULL);
        if (name == NULL) {
            return load_fail(l, "tenant %s: a user without name", t->name);
        }
        const char *upn = load_text(spec, "upn", NULL);
        u->tenant = t;
        u->name = xstrdup(name);
        u->upn = upn != NULL ? xstrdup(upn) : xasprintf("%s@%s", name, t->initial_domain);
        u->display_name = xstrdup(load_text(spec, "display_name", name));
        load_guid(u->id, spec, "id", "user:%s", u->upn);
        u->spec = spec;
        u->followed_sites = cJSON_GetObjectItemCaseSensitive(spec, "followed_sites");
    }
    return true;
}

static bool load_switches(struct loader *l, struct tenant *t)
{
    const cJSON *sw;
    t->switches = (struct switches){
        .url_seconds = 3600,
        .upload_seconds = 900,
        .upload_max_seconds = 86400,
        .max_page = 1000,
        .copy_polls = 1,
        .resync_code = "resyncRequired",
    };
    cJSON_ArrayForEach(sw, cJSON_GetObjectItemCaseSensitive(t->spec, "switches"))
    {
        if (!world_switch_set(&t->switches, sw->string, sw)) {
            return load_fail(l, "tenant %s: switch '%s' is unknown or has the wrong type", t->name,
                             sw->string);
        }
    }
    return true;
}

static bool load_tenant(struct loader *l, struct tenant *t, const cJSON *spec)
{
    const char *name = load_text(spec, "name", NULL);
    const char *domain = load_text(spec, "domain", NULL);
    const cJSON *site;
    if (name == NULL) {
        return load_fail(l, "a tenant without name");
    }
    t->world = l->world;
    t->spec = spec;
    t->name = xstrdup(name);
    t->display_name = xstrdup(load_text(spec, "display_name", name));
    t->initial_domain = domain != NULL ? xstrdup(domain) : xasprintf("%s.onmicrosoft.com", name);
    load_guid(t->id, spec, "id", "tenant:%s", t->initial_domain);
    const char *label = load_text(spec, "sharepoint_host", NULL);
    t->sharepoint_host = label != NULL ? xstrdup(label) : xasprintf("%s.sharepoint.com", name);
    t->my_host = xasprintf("%.*s-my%s", (int)strcspn(t->sharepoint_host, "."), t->sharepoint_host,
                           strchrnul(t->sharepoint_host, '.'));
    if (!load_switches(l, t) || !load_users(l, t)) {
        return false;
    }
    cJSON_ArrayForEach(site, cJSON_GetObjectItemCaseSensitive(spec, "sites"))
    {
        if (!load_site(l, t, NULL, site)) {
            return false;
        }
    }
    if (!generate_sites(l, t, cJSON_GetObjectItemCaseSensitive(spec, "generate"))) {
        return false;
    }
    if (tenant_root_site(t) == NULL) { /* every tenant has one; this one has no library */
        struct site *root = add_site(t, NULL, t->sharepoint_host, "", NULL);
        free(root->title);
        root->title = xstrdup("Communication site");
    }
    for (size_t i = 0; i < t->n_users; i++) {
        if (!load_onedrive(l, &t->users[i])) {
            return false;
        }
    }
    return load_groups(l, t);
}

static bool load_world(struct loader *l, const char *path)
{
    size_t len;
    char *text = read_file(path, 64u << 20, &len);
    const cJSON *spec;
    if (text == NULL) {
        return load_fail(l, "%s: %s", path, strerror(errno));
    }
    l->world->scenario = cJSON_Parse(text);
    free(text);
    if (l->world->scenario == NULL) {
        return load_fail(l, "%s: not JSON", path);
    }
    const cJSON *tenants = cJSON_GetObjectItemCaseSensitive(l->world->scenario, "tenants");
    size_t n = (size_t)cJSON_GetArraySize(tenants);
    if (n == 0) {
        return load_fail(l, "%s: no tenants", path);
    }
    l->world->tenants = xcalloc(n, sizeof(struct tenant));
    cJSON_ArrayForEach(spec, tenants)
    {
        if (!load_tenant(l, &l->world->tenants[l->world->n_tenants++], spec)) {
            return false;
        }
    }
    return load_shortcuts(l);
}

static void empty_dir(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *e;
    while (dir != NULL && (e = readdir(dir)) != NULL) {
        if (e->d_name[0] != '.') {
            unlinkat(dirfd(dir), e->d_name, 0);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
}

struct world *world_new(const char *scenario_path, const char *state_dir, char **error)
{
    struct world *w = xcalloc(1, sizeof(*w));
    struct loader l = {.world = w};
    setlocale(LC_CTYPE, "C.UTF-8"); /* names compare by Unicode's upper case */
    pthread_mutex_init(&w->lock, NULL);
    random_bytes(w->url_key, sizeof(w->url_key));
    w->blob_dir = xasprintf("%s/blobs", state_dir);
    if (make_dir(w->blob_dir) != 0) {
        load_fail(&l, "%s: %s", w->blob_dir, strerror(errno));
    } else {
        empty_dir(w->blob_dir);
        load_world(&l, scenario_path);
    }
    free(l.shortcuts);
    if (l.error != NULL) {
        *error = l.error;
        world_free(w);
        return NULL;
    }
    return w;
}
