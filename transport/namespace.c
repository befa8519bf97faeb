/*
 * namespace.c - the vfs around a vfs: answers for its own folders, and hands on what is below a
 * mapping.
 */
#include "namespace_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* A listing: of our own folder as it was at its beginning, or one of the inner vfs. */
struct own_entry {
    char *name;
    struct vfs_attr attr;
};
struct own_dir {
    struct vfs_dir *inner;     /* NULL: our own */
    uint64_t id;               /* of our folder */
    struct own_entry *entries; /* its cookie is index + 1 */
    size_t count;
};

static struct namespace *ns_of(struct vfs *vfs)
{
    return (struct namespace *)vfs;
}

static bool is_ours(uint64_t id)
{
    return id == VFS_ROOT || (id & VFS_NAMESPACE_BIT);
}

static void describe(struct vfs_attr *out, const struct entry *entry)
{
    *out = (struct vfs_attr){.id = entry->id,
                             .kind = entry->kind == ENTRY_LINK ? VFS_LINK : VFS_FOLDER,
                             .is_read_only = entry->kind == ENTRY_FOLDER,
                             .size_bytes = entry->kind == ENTRY_LINK ? strlen(entry->path) : 0,
                             .modified_ms = entry->made_ms,
                             .created_ms = entry->made_ms};
}

/* The live entry of an id of ours; the lock is held. */
static int find_live(struct namespace *ns, struct entry **out, uint64_t id, struct error *err)
{
    struct entry *entry = entry_find(ns, id);

    if (!entry || (!entry->parent && entry != ns->root)) {
        return error_set(err, ERR_STALE, "the mapping was taken away");
    }
    *out = entry;
    return 0;
}

/* What stands behind an id: *inner is the id in the inner vfs (0 for our own folders and links),
 * *attr is set when the id is ours. */
static int resolve(struct namespace *ns, uint64_t *inner, struct vfs_attr *attr, uint64_t id,
                   struct error *err)
{
    struct entry *entry = NULL;
    int code = 0;

    if (!is_ours(id)) {
        *inner = id;
        return 0;
    }
    mutex_lock(&ns->lock);
    code = find_live(ns, &entry, id, err);
    if (code == 0) {
        *inner = entry->kind == ENTRY_MAPPING ? entry->root_id : 0;
        describe(attr, entry);
    }
    mutex_unlock(&ns->lock);
    return code;
}

static int refuse(struct error *err)
{
    return error_set(err, ERR_DENIED, "the folders above the libraries cannot be changed");
}

/* As resolve(), for a folder in which something is to be changed: only below mappings. */
static int resolve_parent(struct namespace *ns, uint64_t *inner, uint64_t id, struct error *err)
{
    struct vfs_attr attr = {0};
    int code = resolve(ns, inner, &attr, id, err);

    if (code == 0 && *inner == 0) {
        code = attr.kind == VFS_LINK ? error_set(err, ERR_NOT_FOLDER, "a letter is not a folder")
                                     : refuse(err);
    }
    return code;
}

static int ns_lookup(struct vfs *vfs, struct vfs_attr *out, uint64_t parent, const char *name,
                     const struct vfs_call *call, struct error *err)
{
    struct namespace *ns = ns_of(vfs);
    struct entry *entry = NULL;
    struct entry *child = NULL;
    uint64_t root_id = parent;
    int code = 0;

    if (is_ours(parent)) {
        mutex_lock(&ns->lock);
        code = find_live(ns, &entry, parent, err);
        if (code == 0 && entry->kind == ENTRY_LINK) {
            code = error_set(err, ERR_NOT_FOLDER, "a letter is not a folder");
        } else if (code == 0 && entry->kind == ENTRY_FOLDER) {
            root_id = 0;
            child = entry_child(entry, name, true);
            if (child) {
                child->holds++;
                describe(out, child);
            } else {
                code = error_set(err, ERR_NOT_FOUND, "there is no '%s'", name);
            }
        } else if (code == 0) {
            root_id = entry->root_id;
        }
        mutex_unlock(&ns->lock);
    }
    return code < 0 || root_id == 0 ? code : vfs_lookup(ns->inner, out, root_id, name, call, err);
}

static void ns_forget(struct vfs *vfs, uint64_t id, uint64_t count)
{
    struct namespace *ns = ns_of(vfs);
    struct entry *entry = NULL;

    if (!is_ours(id)) {
        vfs_forget(ns->inner, id, count);
        return;
    }
    mutex_lock(&ns->lock);
    entry = entry_find(ns, id);
    if (entry) {
        entry_release(ns, entry, count);
    }
    mutex_unlock(&ns->lock);
}

static int ns_getattr(struct vfs *vfs, struct vfs_attr *out, uint64_t id, struct vfs_file *file,
                      const struct vfs_call *call, struct error *err)
{
    struct namespace *ns = ns_of(vfs);
    uint64_t inner = 0;

    if (is_ours(id)) {
        return resolve(ns, &inner, out, id, err);
    }
    return vfs_getattr(ns->inner, out, id, file, call, err);
}

/* Times of our own folders are accepted without effect, so that `cp -a` onto a mapping works. */
static int ns_setattr(struct vfs *vfs, struct vfs_attr *out, uint64_t id, struct vfs_file *file,
                      const struct vfs_set *set, const struct vfs_call *call, struct error *err)
{
    struct namespace *ns = ns_of(vfs);
    uint64_t inner = 0;

    if (!is_ours(id)) {
        return vfs_setattr(ns->inner, out, id, file, set, call, err);
    }
    if (set->flags & VFS_SET_SIZE) {
        return error_set(err, ERR_IS_FOLDER, "a folder has no size to set");
    }
    return resolve(ns, &inner, out, id, err);
}

static void drop_entries(struct own_dir *dir)
{
    for (size_t i = 0; i < dir->count; i++) {
        str_free(&dir->entries[i].name);
    }
    free(dir->entries);
    dir->entries = NULL;
    dir->count = 0;
}

/* Copies the folder as it is now into `dir`, or finds that it is a mapping (*inner). */
static int snapshot(struct namespace *ns, struct own_dir *dir, uint64_t *inner, struct error *err)
{
    struct entry *entry = NULL;
    int code = 0;

    drop_entries(dir);
    mutex_lock(&ns->lock);
    code = find_live(ns, &entry, dir->id, err);
    *inner = code == 0 && entry->kind == ENTRY_MAPPING ? entry->root_id : 0;
    if (code == 0 && entry->kind == ENTRY_LINK) {
        code = error_set(err, ERR_NOT_FOLDER, "a letter is not a folder");
    }
    if (code == 0 && entry->kind == ENTRY_FOLDER && entry->child_count > 0) {
        dir->entries = calloc(entry->child_count, sizeof(*dir->entries));
        if (!dir->entries) {
            code = error_set(err, ERR_NO_MEMORY, "no memory for a listing");
        }
        for (size_t i = 0; code == 0 && i < entry->child_count; i++) {
            code = str_copy(&dir->entries[i].name, entry->children[i]->name, err);
            describe(&dir->entries[i].attr, entry->children[i]);
            dir->count += code == 0;
        }
    }
    mutex_unlock(&ns->lock);
    return code;
}

static int ns_opendir(struct vfs *vfs, struct vfs_dir **out, uint64_t id,
                      const struct vfs_call *call, struct error *err)
{
    struct namespace *ns = ns_of(vfs);
    struct own_dir *dir = calloc(1, sizeof(*dir));
    uint64_t inner = id;
    int code = 0;

    if (!dir) {
        return error_set(err, ERR_NO_MEMORY, "no memory for a listing");
    }
    dir->id = id;
    if (is_ours(id)) {
        code = snapshot(ns, dir, &inner, err);
    }
    if (code == 0 && inner != 0) {
        code = vfs_opendir(ns->inner, &dir->inner, inner, call, err);
    }
    if (code < 0) {
        drop_entries(dir);
        free(dir);
        return code;
    }
    *out = (struct vfs_dir *)dir;
    return 0;
}

static int ns_readdir(struct vfs *vfs, struct vfs_dir *opaque, uint64_t cookie, vfs_entry_fn fill,
                      void *payload, const struct vfs_call *call, struct error *err)
{
    struct namespace *ns = ns_of(vfs);
    struct own_dir *dir = (struct own_dir *)opaque;
    uint64_t inner = 0;
    int code = 0;

    if (dir->inner) {
        return vfs_readdir(ns->inner, dir->inner, cookie, fill, payload, call, err);
    }
    if (cookie == 0) {
        code = snapshot(ns, dir, &inner, err);
    }
    for (size_t i = (size_t)cookie; code == 0 && i < dir->count; i++) {
        if (!fill(payload, dir->entries[i].name, &dir->entries[i].attr, i + 1)) {
            break;
        }
    }
    return code;
}

static void ns_closedir(struct vfs *vfs, struct vfs_dir *opaque)
{
    struct own_dir *dir = (struct own_dir *)opaque;

    vfs_closedir(ns_of(vfs)->inner, dir->inner);
    drop_entries(dir);
    free(dir);
}

static int ns_open(struct vfs *vfs, struct vfs_file **out, uint64_t id, unsigned flags,
                   const struct vfs_call *call, struct error *err)
{
    struct vfs_attr attr;
    uint64_t inner = 0;
    int code = 0;

    if (!is_ours(id)) {
        return vfs_open(ns_of(vfs)->inner, out, id, flags, call, err);
    }
    code = resolve(ns_of(vfs), &inner, &attr, id, err);
    return code < 0 ? code : error_set(err, ERR_IS_FOLDER, "a folder cannot be opened as a file");
}

static int ns_create(struct vfs *vfs, struct vfs_file **out, struct vfs_attr *attr, uint64_t parent,
                     const char *name, unsigned flags, const struct vfs_call *call,
                     struct error *err)
{
    uint64_t inner = 0;
    int code = resolve_parent(ns_of(vfs), &inner, parent, err);

    return code < 0 ? code
                    : vfs_create(ns_of(vfs)->inner, out, attr, inner, name, flags, call, err);
}

static int ns_read(struct vfs *vfs, struct vfs_file *file, void *data, size_t size, uint64_t offset,
                   size_t *got, const struct vfs_call *call, struct error *err)
{
    return vfs_read(ns_of(vfs)->inner, file, data, size, offset, got, call, err);
}

static int ns_write(struct vfs *vfs, struct vfs_file *file, const void *data, size_t size,
                    uint64_t offset, const struct vfs_call *call, struct error *err)
{
    return vfs_write(ns_of(vfs)->inner, file, data, size, offset, call, err);
}

static int ns_flush(struct vfs *vfs, struct vfs_file *file, const struct vfs_call *call,
                    struct error *err)
{
    return vfs_flush(ns_of(vfs)->inner, file, call, err);
}

static int ns_fsync(struct vfs *vfs, struct vfs_file *file, const struct vfs_call *call,
                    struct error *err)
{
    return vfs_fsync(ns_of(vfs)->inner, file, call, err);
}

static void ns_close(struct vfs *vfs, struct vfs_file *file)
{
    vfs_close(ns_of(vfs)->inner, file);
}

static void ns_abandon(struct vfs *vfs, struct vfs_file *file)
{
    vfs_abandon(ns_of(vfs)->inner, file);
}

static int ns_mkdir(struct vfs *vfs, struct vfs_attr *out, uint64_t parent, const char *name,
                    const struct vfs_call *call, struct error *err)
{
    uint64_t inner = 0;
    int code = resolve_parent(ns_of(vfs), &inner, parent, err);

    return code < 0 ? code : vfs_mkdir(ns_of(vfs)->inner, out, inner, name, call, err);
}

static int ns_unlink(struct vfs *vfs, uint64_t parent, const char *name,
                     const struct vfs_call *call, struct error *err)
{
    uint64_t inner = 0;
    int code = resolve_parent(ns_of(vfs), &inner, parent, err);

    return code < 0 ? code : vfs_unlink(ns_of(vfs)->inner, inner, name, call, err);
}

static int ns_rmdir(struct vfs *vfs, uint64_t parent, const char *name, const struct vfs_call *call,
                    struct error *err)
{
    uint64_t inner = 0;
    int code = resolve_parent(ns_of(vfs), &inner, parent, err);

    return code < 0 ? code : vfs_rmdir(ns_of(vfs)->inner, inner, name, call, err);
}

static int ns_rename(struct vfs *vfs, uint64_t parent, const char *name, uint64_t new_parent,
                     const char *new_name, unsigned flags, const struct vfs_call *call,
                     struct error *err)
{
    struct namespace *ns = ns_of(vfs);
    uint64_t from = 0;
    uint64_t to = 0;
    int code = resolve_parent(ns, &from, parent, err);

    if (code == 0) {
        code = resolve_parent(ns, &to, new_parent, err);
    }
    return code < 0 ? code : vfs_rename(ns->inner, from, name, to, new_name, flags, call, err);
}

static int ns_statfs(struct vfs *vfs, struct vfs_space *out, uint64_t id,
                     const struct vfs_call *call, struct error *err)
{
    struct vfs_attr attr;
    uint64_t inner = 0;
    int code = resolve(ns_of(vfs), &inner, &attr, id, err);

    if (code == 0 && inner == 0) {
        *out = (struct vfs_space){.total_bytes = 0};
        return 0;
    }
    return code < 0 ? code : vfs_statfs(ns_of(vfs)->inner, out, inner, call, err);
}

static int ns_attribute(struct vfs *vfs, char **out, uint64_t id, const char *name,
                        const struct vfs_call *call, struct error *err)
{
    struct vfs_attr attr;
    uint64_t inner = 0;
    int code = resolve(ns_of(vfs), &inner, &attr, id, err);

    if (code == 0 && inner == 0) {
        return error_set(err, ERR_NOT_FOUND, "folders above libraries have no attributes");
    }
    return code < 0 ? code : vfs_attribute(ns_of(vfs)->inner, out, inner, name, call, err);
}

static int ns_readlink(struct vfs *vfs, char **out, uint64_t id, struct error *err)
{
    struct namespace *ns = ns_of(vfs);
    struct entry *entry = NULL;
    char *target = NULL;
    int code = 0;

    if (!is_ours(id)) {
        return vfs_readlink(ns->inner, out, id, err);
    }
    mutex_lock(&ns->lock);
    code = find_live(ns, &entry, id, err);
    if (code == 0 && entry->kind != ENTRY_LINK) {
        code = error_set(err, ERR_INVALID, "'%s' is not a link", entry->name);
    }
    if (code == 0) {
        code = str_copy(&target, entry->path, err);
    }
    mutex_unlock(&ns->lock);
    if (code == 0) {
        *out = target;
    }
    return code;
}

static void ns_listen(struct vfs *vfs, vfs_changed_fn changed, void *payload)
{
    listener_set(&ns_of(vfs)->listener, changed, payload);
}

/* A change in the inner vfs. The folder of a mapping is known above by the mapping's id. */
static void inner_changed(void *payload, uint64_t parent, const char *name, uint64_t id)
{
    struct namespace *ns = payload;
    uint64_t ids[16];
    size_t count = 0;

    mutex_lock(&ns->lock);
    count = entries_showing(ns, name ? parent : id, ids, sizeof(ids) / sizeof(ids[0]));
    mutex_unlock(&ns->lock);
    for (size_t i = 0; i < count; i++) {
        listener_tell(&ns->listener, name ? ids[i] : parent, name, name ? id : ids[i]);
    }
    if (parent != VFS_ROOT && id != VFS_ROOT) {
        listener_tell(&ns->listener, parent, name, id);
    }
}

static void ns_free(struct vfs *vfs)
{
    struct namespace *ns = ns_of(vfs);

    if (ns->inner) {
        vfs_listen(ns->inner, NULL, NULL);
        vfs_unref(ns->inner);
    }
    entries_clear(ns);
    listener_clear(&ns->listener);
    mutex_clear(&ns->lock);
    free(ns);
}

static const struct vfs_ops ns_ops = {
    .lookup = ns_lookup,
    .forget = ns_forget,
    .getattr = ns_getattr,
    .setattr = ns_setattr,
    .opendir = ns_opendir,
    .readdir = ns_readdir,
    .closedir = ns_closedir,
    .open = ns_open,
    .create = ns_create,
    .read = ns_read,
    .write = ns_write,
    .flush = ns_flush,
    .fsync = ns_fsync,
    .close = ns_close,
    .abandon = ns_abandon,
    .mkdir = ns_mkdir,
    .unlink = ns_unlink,
    .rmdir = ns_rmdir,
    .rename = ns_rename,
    .statfs = ns_statfs,
    .readlink = ns_readlink,
    .attribute = ns_attribute,
    .listen = ns_listen,
    .free = ns_free,
};

int namespace_new(struct namespace **out, struct vfs *inner, struct error *err)
{
    struct namespace *ns = calloc(1, sizeof(*ns));
    int code = 0;

    if (!ns) {
        return error_set(err, ERR_NO_MEMORY, "no memory for the namespace");
    }
    vfs_init(&ns->base, &ns_ops);
    mutex_init(&ns->lock);
    listener_init(&ns->listener);
    code = entries_init(ns, err);
    if (code < 0) {
        ns_free(&ns->base);
        return code;
    }
    ns->inner = vfs_ref(inner);
    vfs_listen(inner, inner_changed, ns);
    *out = ns;
    return 0;
}

struct vfs *namespace_vfs(struct namespace *ns)
{
    return &ns->base;
}

int namespace_attach(struct namespace *ns, const struct mapping *mapping, struct error *err)
{
    struct notices notices = {.count = 0};
    int code = 0;

    mutex_lock(&ns->lock);
    code = entries_attach(ns, mapping, &notices, err);
    mutex_unlock(&ns->lock);
    notices_tell(ns, &notices);
    return code;
}

int namespace_detach(struct namespace *ns, const char *path, struct error *err)
{
    struct notices notices = {.count = 0};
    struct entry *entry = NULL;

    (void)err; /* not attached is what was wanted */
    mutex_lock(&ns->lock);
    entry = entry_at(ns, path);
    if (entry) {
        entries_detach(ns, entry, &notices);
    }
    mutex_unlock(&ns->lock);
    notices_tell(ns, &notices);
    return 0;
}

static int by_path(const void *a, const void *b)
{
    return str_compare_nocase(((const struct mapping *)a)->path, ((const struct mapping *)b)->path);
}

/* Copies all mappings; texts are owned by the copies. */
static int copy_mappings(struct namespace *ns, struct mapping **out, size_t *count,
                         struct error *err)
{
    struct mapping *copies = NULL;
    int code = 0;

    *count = 0;
    mutex_lock(&ns->lock);
    copies = calloc(ns->mapping_count + 1, sizeof(*copies));
    if (!copies) {
        code = error_set(err, ERR_NO_MEMORY, "no memory for a list of mappings");
    }
    for (size_t i = 0; code == 0 && i < NAMESPACE_BUCKETS; i++) {
        for (struct entry *entry = ns->by_root[i]; code == 0 && entry;
             entry = entry->next_by_root) {
            char *path = NULL;
            char *label = NULL;

            code = str_copy(&path, entry->path, err);
            if (code == 0) {
                code = str_copy(&label, entry->label, err);
            }
            copies[(*count)++] = (struct mapping){
                .path = path, .label = label, .root_id = entry->root_id, .letter = entry->letter};
        }
    }
    mutex_unlock(&ns->lock);
    *out = copies;
    return code;
}

int namespace_enumerate(struct namespace *ns, transport_visit_fn visit, void *payload,
                        struct error *err)
{
    struct mapping *copies = NULL;
    size_t count = 0;
    int code = copy_mappings(ns, &copies, &count, err);

    if (code == 0) {
        qsort(copies, count, sizeof(*copies), by_path);
    }
    for (size_t i = 0; i < count; i++) {
        if (code == 0) {
            visit(payload, &copies[i]);
        }
        free((char *)copies[i].path);
        free((char *)copies[i].label);
    }
    free(copies);
    return code;
}
