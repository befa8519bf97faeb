/*
 * namespace_tree.c - the folders, mappings and links of the namespace, and how they come and go.
 */
#include "namespace_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"

#define DEPTH_MAX 16
#define MAPPINGS_MAX 20000

static size_t bucket_of(uint64_t id)
{
    return (size_t)(id * UINT64_C(0x9E3779B97F4A7C15) >> 40) % NAMESPACE_BUCKETS;
}

static void entry_free(struct entry *entry)
{
    if (entry) {
        free(entry->children);
        str_free(&entry->name);
        str_free(&entry->path);
        str_free(&entry->label);
        free(entry);
    }
}

static struct entry *entry_new(enum entry_kind kind, const char *name, size_t length,
                               struct error *err)
{
    struct entry *entry = calloc(1, sizeof(*entry));

    if (!entry || str_copy_n(&entry->name, name, length, err) < 0) {
        free(entry);
        error_set(err, ERR_NO_MEMORY, "no memory for an entry of the namespace");
        return NULL;
    }
    entry->kind = kind;
    entry->made_ms = clock_wall_ms(clock_system());
    return entry;
}

static void insert_id(struct namespace *ns, struct entry *entry, uint64_t id)
{
    entry->id = id;
    entry->next_by_id = ns->by_id[bucket_of(id)];
    ns->by_id[bucket_of(id)] = entry;
}

int entries_init(struct namespace *ns, struct error *err)
{
    ns->root = entry_new(ENTRY_FOLDER, "", 0, err);
    if (!ns->root) {
        return ERR_NO_MEMORY;
    }
    insert_id(ns, ns->root, VFS_ROOT);
    return 0;
}

void entries_clear(struct namespace *ns)
{
    for (size_t i = 0; i < NAMESPACE_BUCKETS; i++) {
        for (struct entry *entry = ns->by_id[i], *next = NULL; entry; entry = next) {
            next = entry->next_by_id;
            entry_free(entry);
        }
    }
}

struct entry *entry_find(struct namespace *ns, uint64_t id)
{
    struct entry *entry = ns->by_id[bucket_of(id)];

    while (entry && entry->id != id) {
        entry = entry->next_by_id;
    }
    return entry;
}

/* Index of the child `name`, or where it would stand. */
static size_t position(const struct entry *folder, const char *name, bool *is_there)
{
    size_t low = 0;
    size_t high = folder->child_count;

    *is_there = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = str_compare_nocase(folder->children[middle]->name, name);

        if (order == 0) {
            *is_there = true;
            return middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct entry *entry_child(const struct entry *folder, const char *name, bool with_labels)
{
    bool is_there = false;
    size_t at = position(folder, name, &is_there);

    if (is_there) {
        return folder->children[at];
    }
    for (size_t i = 0; with_labels && i < folder->child_count; i++) {
        const struct entry *child = folder->children[i];

        if (child->label && str_equal_nocase(child->label, name)) {
            return folder->children[i];
        }
    }
    return NULL;
}

static void notice(struct notices *notices, const struct entry *parent, const struct entry *entry)
{
    struct notice *item = &notices->items[notices->count];

    /* without memory the kernel's copy just lives until it times out */
    if (notices->count < sizeof(notices->items) / sizeof(notices->items[0])) {
        *item = (struct notice){.parent = parent->id, .id = entry->id};
        if (str_copy(&item->name, entry->name, NULL) == 0) {
            notices->count++;
        }
    }
}

void notices_tell(struct namespace *ns, struct notices *notices)
{
    for (size_t i = 0; i < notices->count; i++) {
        struct notice *item = &notices->items[i];

        listener_tell(&ns->listener, item->parent, item->name, item->id);
        str_free(&item->name);
    }
    notices->count = 0;
}

/* Puts the entry into the folder and gives it an id; on failure it stays the caller's. */
static int link_entry(struct namespace *ns, struct entry *folder, struct entry *entry,
                      struct error *err)
{
    bool is_there = false;
    size_t at = position(folder, entry->name, &is_there);

    if (folder->child_count == folder->child_capacity) {
        size_t capacity = folder->child_capacity ? folder->child_capacity * 2 : 4;
        struct entry **children = realloc(folder->children, capacity * sizeof(struct entry *));

        if (!children) {
            return error_set(err, ERR_NO_MEMORY, "no memory for an entry of the namespace");
        }
        folder->children = children;
        folder->child_capacity = capacity;
    }
    memmove(folder->children + at + 1, folder->children + at,
            (folder->child_count - at) * sizeof(struct entry *));
    folder->children[at] = entry;
    folder->child_count++;
    folder->made_ms = clock_wall_ms(clock_system());
    entry->parent = folder;
    insert_id(ns, entry, VFS_NAMESPACE_BIT | ++ns->last_id);
    return 0;
}

static void remove_id(struct namespace *ns, struct entry *entry)
{
    struct entry **at = &ns->by_id[bucket_of(entry->id)];

    while (*at != entry) {
        at = &(*at)->next_by_id;
    }
    *at = entry->next_by_id;
}

void entry_release(struct namespace *ns, struct entry *entry, uint64_t count)
{
    entry->holds -= count < entry->holds ? count : entry->holds;
    if (entry->holds == 0 && !entry->parent && entry != ns->root) {
        remove_id(ns, entry);
        entry_free(entry);
    }
}

/* Takes the entry away, and the folders above that become empty by it. */
static void unlink_entry(struct namespace *ns, struct entry *entry, struct notices *notices)
{
    while (entry != ns->root) {
        struct entry *folder = entry->parent;
        bool is_there = false;
        size_t at = position(folder, entry->name, &is_there);

        memmove(folder->children + at, folder->children + at + 1,
                (folder->child_count - at - 1) * sizeof(struct entry *));
        folder->child_count--;
        folder->made_ms = clock_wall_ms(clock_system());
        notice(notices, folder, entry);
        entry->parent = NULL;
        entry_release(ns, entry, 0);
        if (folder->child_count > 0) {
            break;
        }
        entry = folder;
    }
}

/* The next component of *path into `name`; moves on. False at the end. */
static bool next_component(const char **path, const char **name, size_t *length)
{
    *name = *path;
    *length = strcspn(*path, "/");
    *path += *length + ((*path)[*length] == '/');
    return *length > 0;
}

static int check_path(const char *path, struct error *err)
{
    const char *at = path;
    const char *name = NULL;
    size_t length = 0;
    size_t total = strnlen(path, DEPTH_MAX * (VFS_NAME_MAX + 1) + 1);
    int depth = 0;

    if (total > DEPTH_MAX * (VFS_NAME_MAX + 1) || !str_is_utf8(path, total)) {
        return error_set(err, ERR_INVALID, "the path of a mapping is too long or not UTF-8");
    }
    while (next_component(&at, &name, &length)) {
        if (length > VFS_NAME_MAX || ++depth > DEPTH_MAX || (length == 1 && name[0] == '.') ||
            (length == 2 && name[0] == '.' && name[1] == '.')) {
            return error_set(err, ERR_INVALID, "a mapping cannot have the path '%s'", path);
        }
        if (depth == 1 && length == strlen(NAMESPACE_LETTERS) &&
            str_starts_with_nocase(name, NAMESPACE_LETTERS)) {
            return error_set(err, ERR_INVALID, "'%s' is the folder of the drive letters",
                             NAMESPACE_LETTERS);
        }
    }
    if (depth == 0 || *at || path[total - 1] == '/') {
        return error_set(err, ERR_INVALID, "a mapping cannot have the path '%s'", path);
    }
    return 0;
}

struct entry *entry_at(struct namespace *ns, const char *path)
{
    struct entry *entry = ns->root;
    char part[VFS_NAME_MAX + 1];
    const char *name = NULL;
    size_t length = 0;

    while (entry && next_component(&path, &name, &length)) {
        if (length > VFS_NAME_MAX || entry->kind != ENTRY_FOLDER) {
            return NULL;
        }
        memcpy(part, name, length);
        part[length] = '\0';
        entry = entry_child(entry, part, false);
    }
    return entry && entry->kind == ENTRY_MAPPING && !*path ? entry : NULL;
}

/* Finds or makes the folders above the last component; *rest is that component. */
static int make_folders(struct namespace *ns, struct entry **out, const char **rest,
                        const char *path, struct notices *notices, struct error *err)
{
    struct entry *folder = ns->root;
    char part[VFS_NAME_MAX + 1];
    const char *slash = NULL;
    int code = 0;

    for (; (slash = strchr(path, '/')) != NULL; path = slash + 1) {
        struct entry *child = NULL;
        size_t length = (size_t)(slash - path);

        memcpy(part, path, length);
        part[length] = '\0';
        child = entry_child(folder, part, false);
        if (child && child->kind != ENTRY_FOLDER) {
            code = error_set(err, ERR_EXISTS, "'%s' is inside a mapping", path);
            break;
        }
        if (!child) {
            child = entry_new(ENTRY_FOLDER, part, length, err);
            code = child ? link_entry(ns, folder, child, err) : ERR_NO_MEMORY;
            if (code < 0) {
                entry_free(child);
                break;
            }
            notice(notices, folder, child);
        }
        folder = child;
    }
    *out = folder;
    *rest = path;
    return code;
}

/* Makes `entry` the child of the folder that `path` names; folders that were made for nothing go
 * again. Takes `entry` over only on success. */
static int place(struct namespace *ns, struct entry *entry, const char *path,
                 struct notices *notices, struct error *err)
{
    struct entry *folder = NULL;
    const char *rest = NULL;
    int code = make_folders(ns, &folder, &rest, path, notices, err);

    if (code == 0 && entry_child(folder, rest, false)) {
        code = error_set(err, ERR_EXISTS, "there is something else at '%s' already", path);
    }
    if (code == 0) {
        code = link_entry(ns, folder, entry, err);
    }
    if (code == 0) {
        notice(notices, folder, entry);
    } else if (folder != ns->root && folder->child_count == 0) {
        unlink_entry(ns, folder, notices);
    }
    return code;
}

static struct entry *link_of(struct namespace *ns, char letter)
{
    char name[2] = {letter, '\0'};
    struct entry *folder = entry_child(ns->root, NAMESPACE_LETTERS, false);

    return letter && folder ? entry_child(folder, name, false) : NULL;
}

static void drop_letter(struct namespace *ns, struct entry *mapping, struct notices *notices)
{
    struct entry *link = link_of(ns, mapping->letter);

    if (link) {
        unlink_entry(ns, link, notices);
    }
    mapping->letter = 0;
}

static int give_letter(struct namespace *ns, struct entry *mapping, char letter,
                       struct notices *notices, struct error *err)
{
    char path[sizeof(NAMESPACE_LETTERS) + 2] = NAMESPACE_LETTERS "/?";
    struct entry *link = NULL;
    int code = 0;

    if (letter == mapping->letter) {
        return 0;
    }
    if (letter && link_of(ns, letter)) {
        return error_set(err, ERR_EXISTS, "the letter '%c' belongs to another mapping", letter);
    }
    if (letter) {
        link = entry_new(ENTRY_LINK, &letter, 1, err);
        code = link ? str_format(&link->path, err, "../%s", mapping->path) : ERR_NO_MEMORY;
    }
    if (code == 0 && letter) {
        path[sizeof(NAMESPACE_LETTERS)] = letter;
        code = place(ns, link, path, notices, err);
    }
    if (code < 0) {
        entry_free(link);
        return code;
    }
    drop_letter(ns, mapping, notices);
    mapping->letter = letter;
    return 0;
}

static int fill_mapping(struct entry *entry, const struct mapping *mapping, struct error *err)
{
    int code = str_copy(&entry->path, mapping->path, err);

    if (code == 0 && mapping->label && mapping->label[0]) {
        code = str_copy(&entry->label, mapping->label, err);
    }
    entry->root_id = mapping->root_id;
    return code;
}

static int add_mapping(struct namespace *ns, const struct mapping *mapping, struct notices *notices,
                       struct error *err)
{
    const char *slash = strrchr(mapping->path, '/');
    const char *name = slash ? slash + 1 : mapping->path;
    struct entry *entry = entry_new(ENTRY_MAPPING, name, strlen(name), err);
    int code = entry ? fill_mapping(entry, mapping, err) : ERR_NO_MEMORY;

    if (code == 0) {
        code = place(ns, entry, mapping->path, notices, err);
    }
    if (code < 0) {
        entry_free(entry);
        return code;
    }
    entry->next_by_root = ns->by_root[bucket_of(entry->root_id)];
    ns->by_root[bucket_of(entry->root_id)] = entry;
    ns->mapping_count++;
    code = give_letter(ns, entry, mapping->letter, notices, err);
    if (code < 0) {
        entries_detach(ns, entry, notices);
    }
    return code;
}

static int check_mapping(const struct namespace *ns, const struct mapping *mapping,
                         struct error *err)
{
    if (mapping->letter && (mapping->letter < 'A' || mapping->letter > 'Z')) {
        return error_set(err, ERR_INVALID, "a drive letter is one of A to Z");
    }
    if (mapping->root_id == VFS_ROOT || (mapping->root_id & VFS_NAMESPACE_BIT)) {
        return error_set(err, ERR_INVALID, "the mapping '%s' has no folder", mapping->path);
    }
    if (ns->mapping_count >= MAPPINGS_MAX) {
        return error_set(err, ERR_LIMIT, "more than %d mappings", MAPPINGS_MAX);
    }
    return check_path(mapping->path, err);
}

int entries_attach(struct namespace *ns, const struct mapping *mapping, struct notices *notices,
                   struct error *err)
{
    struct entry *entry = NULL;
    int code = check_mapping(ns, mapping, err);

    if (code < 0) {
        return code;
    }
    entry = entry_at(ns, mapping->path);
    if (entry && entry->root_id == mapping->root_id) {
        code = str_copy(&entry->label, mapping->label && mapping->label[0] ? mapping->label : NULL,
                        err);
        return code < 0 ? code : give_letter(ns, entry, mapping->letter, notices, err);
    }
    if (entry) { /* another folder is another item: nothing of the old one may live on below it */
        if (mapping->letter && mapping->letter != entry->letter && link_of(ns, mapping->letter)) {
            return error_set(err, ERR_EXISTS, "the letter '%c' belongs to another mapping",
                             mapping->letter);
        }
        entries_detach(ns, entry, notices);
    }
    return add_mapping(ns, mapping, notices, err);
}

void entries_detach(struct namespace *ns, struct entry *mapping, struct notices *notices)
{
    struct entry **at = &ns->by_root[bucket_of(mapping->root_id)];

    drop_letter(ns, mapping, notices);
    while (*at != mapping) {
        at = &(*at)->next_by_root;
    }
    *at = mapping->next_by_root;
    ns->mapping_count--;
    unlink_entry(ns, mapping, notices);
}

size_t entries_showing(struct namespace *ns, uint64_t root_id, uint64_t *ids, size_t limit)
{
    size_t count = 0;

    for (const struct entry *entry = ns->by_root[bucket_of(root_id)]; entry && count < limit;
         entry = entry->next_by_root) {
        if (entry->root_id == root_id) {
            ids[count++] = entry->id;
        }
    }
    return count;
}
