/* The "tree" of a library in a scenario. */
#include <stdlib.h>
#include <string.h>

#include "docx.h"
#include "ids.h"
#include "scenario.h"

struct content *load_content(const cJSON *spec, const char *name)
{
    const cJSON *text = cJSON_GetObjectItemCaseSensitive(spec, "text");
    const cJSON *size = cJSON_GetObjectItemCaseSensitive(spec, "size");
    if (cJSON_IsString(text)) {
        return content_new_text(text->valuestring, (int64_t)strlen(text->valuestring));
    }
    const char *document = load_text(spec, "document", NULL);
    if (document != NULL) {
        struct strbuf bytes = {0};
        docx_make(&bytes, document);
        struct content *c = content_new_text(bytes.data, (int64_t)bytes.len);
        sb_clear(&bytes);
        return c;
    }
    if (cJSON_IsNumber(size) && size->valuedouble >= 0) {
        uint64_t seed = (uint64_t)load_int(spec, "seed", 0);
        return content_new_seed(seed != 0 ? seed : hash_text(name), (int64_t)size->valuedouble);
    }
    return NULL;
}

static bool load_generate(struct loader *l, struct item *folder, const cJSON *spec)
{
    struct generator_spec g = {
        .folders = (unsigned)load_int(spec, "folders", 0),
        .files_per_folder = (unsigned)load_int(spec, "files_per_folder", 0),
        .files_in_top = (unsigned)load_int(spec, "files", 0),
        .size = load_int(spec, "size", 1024),
        .size_max = load_int(spec, "size_max", 0),
        .prefix = load_text(spec, "prefix", NULL),
        .folder_prefix = load_text(spec, "folder_prefix", NULL),
        .extensions = load_text(spec, "extensions", NULL),
        .seed = (uint64_t)load_int(spec, "seed", 0),
        .mtime = SCENARIO_TIME,
    };
    g.depth = (unsigned)load_int(spec, "depth", g.folders > 0 ? 1 : 0);
    if (g.seed == 0) {
        g.seed = hash_text(folder->drive->id) + folder->serial;
    }
    const char *mtime = load_text(spec, "mtime", NULL);
    if (mtime != NULL && !parse_iso(&g.mtime, mtime)) {
        return load_fail(l, "%s: '%s' is no time", folder->name, mtime);
    }
    if ((g.depth > 0) != (g.folders > 0) || g.size < 0) {
        return load_fail(l, "%s: generate needs folders and depth, or neither", folder->name);
    }
    store_generate(folder, &g);
    return true;
}

static struct user *load_user(struct loader *l, struct drive *d, const char *name)
{
    struct user *u = name == NULL ? NULL : tenant_user(d->tenant, name);
    if (name != NULL && u == NULL) {
        load_fail(l, "%s: no user '%s'", d->web_url, name);
    }
    return u;
}

/* What else a file or folder can be. */
static bool load_facets(struct loader *l, struct item *it, const cJSON *spec)
{
    const cJSON *lock = cJSON_GetObjectItemCaseSensitive(spec, "lock");
    const char *malware = load_text(spec, "malware", NULL);
    const char *label = load_text(spec, "label", NULL);
    const char *description = load_text(spec, "description", NULL);
    const cJSON *version;
    if (lock != NULL) {
        it->lock.shape = (enum lock_shape)load_int(lock, "shape", LOCK_RESOURCE_LOCKED);
        it->lock.is_shared = load_bool(lock, "shared", false);
        it->lock.owner = load_user(l, it->drive, load_text(lock, "by", NULL));
    }
    it->checked_out_by = load_user(l, it->drive, load_text(spec, "checked_out_by", NULL));
    it->malware = malware == NULL ? NULL : xstrdup(malware);
    it->retention_label = label == NULL ? NULL : xstrdup(label);
    it->description = description == NULL ? NULL : xstrdup(description);
    it->is_on_hold = load_bool(spec, "hold", false);
    it->is_record_locked = load_bool(spec, "record", false);
    cJSON_ArrayForEach(version, cJSON_GetObjectItemCaseSensitive(spec, "versions"))
    {
        struct content *c = load_content(version, it->name);
        if (c == NULL || it->kind != ITEM_FILE) {
            content_unref(c);
            return load_fail(l, "%s: a version needs text or size", it->name);
        }
        store_add_old_version(it, c, it->created_by);
    }
    return l->error == NULL;
}

static bool load_times(struct loader *l, struct item *it, const cJSON *spec)
{
    const char *mtime = load_text(spec, "mtime", NULL);
    int64_t t = SCENARIO_TIME + (int64_t)(it->serial * 61);
    if (mtime != NULL && !parse_iso(&t, mtime)) {
        return load_fail(l, "%s: '%s' is no time", it->name, mtime);
    }
    it->modified = it->fs_modified = t;
    it->created = it->fs_created = t - 3600;
    return true;
}

static bool load_item(struct loader *l, struct item *folder, const cJSON *spec)
{
    const char *name = load_text(spec, "name", NULL);
    struct drive *d = folder->drive;
    const char *author = load_text(spec, "by", NULL);
    struct user *by = author != NULL           ? load_user(l, d, author)
                      : d->tenant->n_users > 0 ? &d->tenant->users[0]
                                               : NULL;
    if (name == NULL || strchr(name, '/') != NULL || store_child(folder, name) != NULL) {
        return load_fail(l, "%s: an item has no name, or one that is taken: '%s'", d->web_url,
                         name == NULL ? "" : name);
    }
    struct content *content = load_content(spec, name);
    struct item *it;
    if (content != NULL) {
        it = store_add(folder, name, ITEM_FILE, content, by);
    } else if (cJSON_HasObjectItem(spec, "package")) {
        it = store_add(folder, name, ITEM_PACKAGE, NULL, by);
    } else if (cJSON_HasObjectItem(spec, "shortcut")) {
        it = store_add(folder, name, ITEM_REMOTE, NULL, by);
        l->shortcuts = xrealloc(l->shortcuts, (l->n_shortcuts + 1) * sizeof(*l->shortcuts));
        l->shortcuts[l->n_shortcuts++] =
            (struct shortcut){it, cJSON_GetObjectItemCaseSensitive(spec, "shortcut")};
    } else {
        it = store_add(folder, name, ITEM_FOLDER, NULL, by);
        if (!load_tree(l, it, spec)) {
            return false;
        }
    }
    return load_facets(l, it, spec) && load_times(l, it, spec);
}

bool load_tree(struct loader *l, struct item *folder, const cJSON *spec)
{
    const cJSON *generate = cJSON_GetObjectItemCaseSensitive(spec, "generate");
    const cJSON *child;
    if (generate != NULL && !load_generate(l, folder, generate)) {
        return false;
    }
    cJSON_ArrayForEach(child, cJSON_GetObjectItemCaseSensitive(spec, "items"))
    {
        if (!load_item(l, folder, child)) {
            return false;
        }
    }
    return true;
}

bool load_shortcuts(struct loader *l)
{
    for (size_t i = 0; i < l->n_shortcuts; i++) {
        struct item *it = l->shortcuts[i].item;
        const char *library = load_text(l->shortcuts[i].spec, "library", "");
        const char *path = load_text(l->shortcuts[i].spec, "path", "");
        struct drive *d = tenant_drive_by_path(it->drive->tenant, library);
        struct item *target = d == NULL ? NULL : store_by_path(d, NULL, path);
        if (target == NULL) {
            return load_fail(l, "%s: the shortcut leads nowhere", it->name);
        }
        it->remote_drive = d;
        it->remote_serial = target->serial;
    }
    return true;
}
