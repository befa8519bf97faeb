#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define NAMES_MAX 200u

struct names {
    char names[NAMES_MAX][96];
    unsigned count;
};

static void note(void *payload, const char *name, const struct vfs_attr *attr)
{
    struct names *names = payload;

    (void)attr;
    for (unsigned i = 0; i < names->count; i++) {
        if (strcmp(names->names[i], name) == 0) {
            return;
        }
    }
    if (names->count < NAMES_MAX) {
        snprintf(names->names[names->count++], sizeof(names->names[0]), "%s", name);
    }
}

static bool add_file(struct play *p, struct world_tree *tree, const char *path,
                     const struct vfs_attr *attr)
{
    struct vfs_file *file = NULL;
    struct error err = {0};
    char *data = calloc(1, (size_t)attr->size_bytes + 1);
    char hash[65];
    size_t got = 0;
    int code = vfs_open(p->world->vfs, &file, attr->id, VFS_READ, NULL, &err);

    if (!data) {
        abort();
    }
    if (code == 0) {
        code =
            vfs_read(p->world->vfs, file, data, (size_t)attr->size_bytes + 1, 0, &got, NULL, &err);
        vfs_close(p->world->vfs, file);
    }
    if (code < 0 || got != attr->size_bytes) {
        free(data);
        return play_fail(p, "'%s' cannot be read when all is at rest: %s, %zu of %llu bytes", path,
                         code < 0 ? err.message : "", got, (unsigned long long)attr->size_bytes);
    }
    world_hash(hash, data, got);
    world_add(tree, path, false, got, hash);
    free(data);
    return true;
}

static bool walk(struct play *p, struct world_tree *tree, uint64_t id, const char *above)
{
    struct names *names = calloc(1, sizeof(*names));
    bool is_good = names && play_list(p, id, note, names);

    for (unsigned i = 0; is_good && i < names->count; i++) {
        struct vfs_attr attr;
        char path[200];
        int code = vfs_lookup(p->world->vfs, &attr, id, names->names[i], NULL, NULL);

        snprintf(path, sizeof(path), "%s%s", above, names->names[i]);
        if (code < 0) {
            is_good = play_fail(p, "'%s' is listed, and not found: %s", path, error_name(code));
            break;
        }
        if (attr.kind == VFS_FOLDER) {
            char below[200];

            world_add(tree, path, true, 0, "");
            snprintf(below, sizeof(below), "%.198s/", path);
            is_good = walk(p, tree, attr.id, below);
        } else {
            is_good = add_file(p, tree, path, &attr);
        }
        vfs_forget(p->world->vfs, attr.id, 1);
    }
    free(names);
    return is_good;
}

static bool is_scratch(const char *path)
{
    const char *slash = strrchr(path, '/');

    return str_starts_with_nocase(slash ? slash + 1 : path, "~WRD");
}

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct world_entry *)a)->path, ((const struct world_entry *)b)->path);
}

static void sort(struct world_tree *tree)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < tree->count; i++) {
        if (!is_scratch(tree->entries[i].path)) {
            tree->entries[kept++] = tree->entries[i];
        }
    }
    tree->count = kept;
    qsort(tree->entries, tree->count, sizeof(tree->entries[0]), compare);
}

static bool same_trees(const struct world_tree *view, const struct world_tree *truth, char *why,
                       size_t size)
{
    for (unsigned i = 0; i < view->count || i < truth->count; i++) {
        const struct world_entry *v = i < view->count ? &view->entries[i] : NULL;
        const struct world_entry *t = i < truth->count ? &truth->entries[i] : NULL;
        int order = !v ? 1 : !t ? -1 : strcmp(v->path, t->path);

        if (order != 0) {
            snprintf(why, size, "'%s' is %s", order < 0 ? v->path : t->path,
                     order < 0 ? "shown, and not on the server" : "on the server, and not shown");
            return false;
        }
        if (v->is_folder != t->is_folder || v->size != t->size ||
            (!v->is_folder && strcmp(v->sha256, t->sha256) != 0)) {
            snprintf(why, size, "'%s' is shown with %llu bytes (%.8s), and has %llu (%.8s)",
                     v->path, (unsigned long long)v->size, v->sha256, (unsigned long long)t->size,
                     t->sha256);
            return false;
        }
    }
    return true;
}

/* Only the shared files may be in conflict. */
static bool no_false_conflict(const struct world_tree *tree, char *why, size_t size)
{
    for (unsigned i = 0; i < tree->count; i++) {
        const char *path = tree->entries[i].path;

        if (strstr(path, "(conflict") && !strstr(path, " shared")) {
            snprintf(why, size, "'%s' is a copy of what nobody else changed", path);
            return false;
        }
    }
    return true;
}

/* Scratch files are never on the server, but documents that were renamed so. */
static bool no_scratch(const struct world_tree *tree, const struct play *plays, unsigned workers,
                       char *why, size_t size)
{
    for (unsigned i = 0; i < tree->count; i++) {
        const char *path = tree->entries[i].path;

        for (unsigned w = 0; is_scratch(path) && w < workers; w++) {
            const struct shadow *s = plays[w].shadow;
            const char *slash = strrchr(path, '/');
            char name[64];

            shadow_file_name(s, name, FILE_SCRATCH, false);
            if (!s->has_renamed_away && str_equal_nocase(slash ? slash + 1 : path, name)) {
                snprintf(why, size, "'%s' is a scratch file on the server", path);
                return false;
            }
        }
    }
    return true;
}

bool check_view(struct play *plays, unsigned workers, char *why, size_t size)
{
    struct play *p = &plays[0];
    struct world_tree *view = calloc(1, sizeof(*view));
    struct world_tree *truth = calloc(1, sizeof(*truth));
    bool is_good = view && truth && walk(p, view, p->world->root, "");

    if (!is_good) {
        snprintf(why, size, "%s", p->shadow->failure);
    } else {
        is_good = no_false_conflict(view, why, size);
    }
    if (is_good && world_type.truth) {
        world_type.truth(p->world, truth);
        is_good = no_scratch(truth, plays, workers, why, size);
        sort(view);
        sort(truth);
        is_good = is_good && same_trees(view, truth, why, size);
    }
    free(view);
    free(truth);
    return is_good;
}

bool check_shared(struct world *world, const struct shadow *shadow, char *why, size_t size)
{
    char *text = NULL;
    bool is_there = true;

    if (!shadow->shared_last || !world_type.ever_held) {
        return true;
    }
    text = malloc(shadow->shared_size + 1);
    if (!text) {
        abort();
    }
    shadow_text(text, shadow->shared_size, shadow->shared_last);
    is_there = world_type.ever_held(world, text);
    free(text);
    if (!is_there) {
        snprintf(why, size, "what worker %u closed last in its shared file (%08x) is lost",
                 shadow->number, shadow->shared_last);
    }
    return is_there;
}

bool check_scratch(struct play *p)
{
    for (unsigned dir = 0; dir < DIRS; dir++) {
        struct shadow_name *slot = &p->shadow->names[dir][FILE_SCRATCH];
        char name[64];
        char *data = NULL;
        size_t size = 0;

        if (slot->inode == NOTHING) {
            continue;
        }
        shadow_file_name(p->shadow, name, FILE_SCRATCH, false);
        if (!play_read_file(p, dir, name, &data, &size)) {
            return false;
        }
        if (!data) {
            p->shadow->inodes[slot->inode].is_linked = false;
            shadow_put_inode(p->shadow, slot->inode);
            slot->inode = NOTHING;
        }
        free(data);
    }
    return true;
}
