/* The folders above the libraries, over the file system in memory. */
#include "test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "transport/memfs.h"
#include "transport/namespace.h"
#include "vfs_contract.h"

struct heard {
    char names[32][64];
    uint64_t parents[32];
    size_t count;
};

struct setup {
    struct vfs *inner;
    struct namespace *ns;
    struct vfs *vfs;
    uint64_t library; /* folder of the inner vfs */
    struct heard heard;
};

static uint64_t make_library(struct setup *s, const char *name)
{
    struct vfs_attr attr;

    assert_int_equal(vfs_mkdir(s->inner, &attr, VFS_ROOT, name, NULL, NULL), 0);
    return attr.id;
}

static int set_up(void **state)
{
    struct setup *s = calloc(1, sizeof(*s));

    assert_non_null(s);
    assert_int_equal(memfs_new(&s->inner, NULL, NULL), 0);
    s->library = make_library(s, "library");
    assert_int_equal(namespace_new(&s->ns, s->inner, NULL), 0);
    s->vfs = namespace_vfs(s->ns);
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct setup *s = *state;

    vfs_unref(s->vfs);
    vfs_unref(s->inner);
    free(s);
    return 0;
}

static int attach(struct setup *s, const char *path, uint64_t root_id, char letter,
                  const char *label)
{
    struct mapping mapping = {.path = path, .root_id = root_id, .letter = letter, .label = label};

    return namespace_attach(s->ns, &mapping, NULL);
}

/* Walks a path; 0 or the first error. */
static int walk(struct setup *s, struct vfs_attr *attr, const char *path)
{
    uint64_t id = VFS_ROOT;
    char part[256];
    int code = 0;

    while (code == 0 && *path) {
        size_t length = strcspn(path, "/");

        memcpy(part, path, length);
        part[length] = '\0';
        path += length + (path[length] == '/');
        code = vfs_lookup(s->vfs, attr, id, part, NULL, NULL);
        vfs_forget(s->vfs, id, 1);
        id = attr->id;
    }
    if (code == 0) {
        vfs_forget(s->vfs, id, 1);
    }
    return code;
}

static bool join(void *payload, const char *name, const struct vfs_attr *attr, uint64_t cookie)
{
    char *text = payload;
    size_t length = strlen(text);

    (void)attr;
    (void)cookie;
    snprintf(text + length, 512 - length, "%s%s", length ? " " : "", name);
    return true;
}

static void expect_listing(struct setup *s, const char *path, const char *want)
{
    struct vfs_attr attr = {.id = VFS_ROOT};
    struct vfs_dir *dir = NULL;
    char names[512] = "";

    assert_int_equal(walk(s, &attr, path), 0);
    assert_int_equal(vfs_opendir(s->vfs, &dir, attr.id, NULL, NULL), 0);
    assert_int_equal(vfs_readdir(s->vfs, dir, 0, join, names, NULL, NULL), 0);
    vfs_closedir(s->vfs, dir);
    assert_string_equal(names, want);
}

static void namespace_attach__shows_the_folders_above_and_what_is_below(void **state)
{
    struct setup *s = *state;
    struct vfs_attr attr;

    assert_int_equal(memfs_edit(s->inner, s->library, "file", "abc", 3, NULL), 0);
    assert_int_equal(attach(s, "contoso/finance/Documents", s->library, 0, NULL), 0);
    assert_int_equal(attach(s, "contoso/OneDrive", make_library(s, "other"), 0, NULL), 0);
    expect_listing(s, "", "contoso");
    expect_listing(s, "contoso", "finance OneDrive");
    expect_listing(s, "contoso/finance/Documents", "file");
    assert_int_equal(walk(s, &attr, "CONTOSO/Finance/documents/FILE"), 0);
    assert_int_equal(attr.size_bytes, 3);
    assert_false(attr.id & VFS_NAMESPACE_BIT);
    assert_int_equal(walk(s, &attr, "contoso/finance"), 0);
    assert_true(attr.is_read_only);
    assert_true(attr.id & VFS_NAMESPACE_BIT);
    assert_int_equal(walk(s, &attr, "contoso/none"), ERR_NOT_FOUND);
}

static void namespace_attach__again_changes_nothing_or_takes_over(void **state)
{
    struct setup *s = *state;
    uint64_t other = make_library(s, "other");
    struct vfs_attr before;
    struct vfs_attr attr;

    assert_int_equal(memfs_edit(s->inner, other, "in other", "", 0, NULL), 0);
    assert_int_equal(attach(s, "t/s/l", s->library, 'F', "Label"), 0);
    assert_int_equal(walk(s, &before, "t/s/l"), 0);
    assert_int_equal(attach(s, "t/s/l", s->library, 'F', "Label"), 0);
    assert_int_equal(attach(s, "t/s/l", s->library, 'G', "New label"), 0);
    assert_int_equal(walk(s, &attr, "t/s/l"), 0);
    assert_int_equal(attr.id, before.id);
    expect_listing(s, "drives", "G");
    assert_int_equal(walk(s, &attr, "t/s/Label"), ERR_NOT_FOUND);
    assert_int_equal(walk(s, &attr, "t/s/new LABEL"), 0);
    assert_int_equal(attach(s, "t/s/l", other, 0, NULL), 0);
    assert_int_equal(walk(s, &attr, "t/s/l"), 0);
    assert_true(attr.id != before.id);
    expect_listing(s, "t/s/l", "in other");
    expect_listing(s, "", "t");
}

static void namespace_attach__refuses_mappings_inside_each_other(void **state)
{
    struct setup *s = *state;

    assert_int_equal(attach(s, "t/s/l", s->library, 0, NULL), 0);
    assert_int_equal(attach(s, "t/s/l/below", s->library, 0, NULL), ERR_EXISTS);
    assert_int_equal(attach(s, "T/S", s->library, 0, NULL), ERR_EXISTS);
    assert_int_equal(attach(s, "t", s->library, 0, NULL), ERR_EXISTS);
    expect_listing(s, "", "t");
    expect_listing(s, "t", "s");
    expect_listing(s, "t/s", "l");
}

static void namespace_attach__refuses_what_is_no_path(void **state)
{
    static const char *const paths[] = {
        "",    "/a",       "a/",         "a//b",
        "a/.", "../b",     "drives/x",   "DRIVES/x",
        "/",   "a/b/../c", "bad \xFF/x", "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17",
    };
    struct setup *s = *state;

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        assert_int_equal(attach(s, paths[i], s->library, 0, NULL), ERR_INVALID);
    }
    assert_int_equal(attach(s, "a/b", VFS_ROOT, 0, NULL), ERR_INVALID);
    assert_int_equal(attach(s, "a/b", s->library, '?', NULL), ERR_INVALID);
    expect_listing(s, "", "");
}

static void namespace_letters__are_links_that_stay_inside(void **state)
{
    struct setup *s = *state;
    struct vfs_attr attr;
    char *target = NULL;

    assert_int_equal(attach(s, "t/s/l", s->library, 'H', NULL), 0);
    assert_int_equal(attach(s, "t/s/m", make_library(s, "m"), 'H', NULL), ERR_EXISTS);
    assert_int_equal(attach(s, "t/s/n", make_library(s, "n"), 'I', NULL), 0);
    expect_listing(s, "drives", "H I");
    expect_listing(s, "t/s", "l n");
    assert_int_equal(walk(s, &attr, "drives/h"), 0);
    assert_int_equal(attr.kind, VFS_LINK);
    assert_int_equal(vfs_readlink(s->vfs, &target, attr.id, NULL), 0);
    assert_string_equal(target, "../t/s/l");
    assert_int_equal(attr.size_bytes, strlen(target));
    str_free(&target);
    assert_int_equal(namespace_detach(s->ns, "t/s/l", NULL), 0);
    assert_int_equal(namespace_detach(s->ns, "t/s/n", NULL), 0);
    expect_listing(s, "", "");
}

static void namespace_lookup__takes_the_label_but_a_name_goes_first(void **state)
{
    struct setup *s = *state;
    struct vfs_attr attr;
    struct vfs_attr want;

    assert_int_equal(attach(s, "t/s/Docs", s->library, 0, "Lists"), 0);
    assert_int_equal(walk(s, &want, "t/s/Docs"), 0);
    assert_int_equal(walk(s, &attr, "t/s/lists"), 0);
    assert_int_equal(attr.id, want.id);
    expect_listing(s, "t/s", "Docs");
    assert_int_equal(attach(s, "t/s/Lists", make_library(s, "x"), 0, NULL), 0);
    assert_int_equal(walk(s, &attr, "t/s/Lists"), 0);
    assert_true(attr.id != want.id);
}

static void namespace_detach__takes_empty_folders_along_and_lets_files_go_on(void **state)
{
    struct setup *s = *state;
    struct vfs_file *file = NULL;
    struct vfs_attr folder;
    struct vfs_attr attr;
    char data[8];
    size_t got = 0;

    assert_int_equal(attach(s, "t/s/l", s->library, 0, NULL), 0);
    assert_int_equal(attach(s, "t/other", make_library(s, "x"), 0, NULL), 0);
    assert_int_equal(vfs_lookup(s->vfs, &folder, VFS_ROOT, "t", NULL, NULL), 0);
    assert_int_equal(vfs_lookup(s->vfs, &folder, folder.id, "s", NULL, NULL), 0);
    assert_int_equal(vfs_lookup(s->vfs, &folder, folder.id, "l", NULL, NULL), 0);
    assert_int_equal(
        vfs_create(s->vfs, &file, &attr, folder.id, "f", VFS_READ | VFS_WRITE, NULL, NULL), 0);
    assert_int_equal(namespace_detach(s->ns, "T/S/L", NULL), 0);
    assert_int_equal(namespace_detach(s->ns, "t/s/l", NULL), 0);
    assert_int_equal(namespace_detach(s->ns, "never/was", NULL), 0);
    expect_listing(s, "t", "other");
    assert_int_equal(vfs_getattr(s->vfs, &attr, folder.id, NULL, NULL, NULL), ERR_STALE);
    assert_int_equal(vfs_lookup(s->vfs, &attr, folder.id, "f", NULL, NULL), ERR_STALE);
    assert_int_equal(vfs_write(s->vfs, file, "go on", 5, 0, NULL, NULL), 0);
    assert_int_equal(vfs_read(s->vfs, file, data, 8, 0, &got, NULL, NULL), 0);
    assert_int_equal(got, 5);
    vfs_close(s->vfs, file);
    vfs_forget(s->vfs, folder.id, 1);
    assert_int_equal(attach(s, "t/s/l", s->library, 0, NULL), 0);
    assert_int_equal(walk(s, &attr, "t/s/l/f"), 0);
    assert_true(walk(s, &attr, "t/s/l") == 0 && attr.id != folder.id);
}

static void namespace_folders__cannot_be_changed(void **state)
{
    struct setup *s = *state;
    struct vfs_set set = {.flags = VFS_SET_MODIFIED, .modified_ms = 1000};
    struct vfs_file *file = NULL;
    struct vfs_attr attr;
    struct vfs_attr l;

    assert_int_equal(attach(s, "l", s->library, 'H', NULL), 0);
    assert_int_equal(walk(s, &l, "l"), 0);
    assert_int_equal(vfs_create(s->vfs, &file, &attr, VFS_ROOT, "x", VFS_WRITE, NULL, NULL),
                     ERR_DENIED);
    assert_int_equal(vfs_mkdir(s->vfs, &attr, VFS_ROOT, "x", NULL, NULL), ERR_DENIED);
    assert_int_equal(vfs_rmdir(s->vfs, VFS_ROOT, "l", NULL, NULL), ERR_DENIED);
    assert_int_equal(vfs_unlink(s->vfs, VFS_ROOT, "l", NULL, NULL), ERR_DENIED);
    assert_int_equal(vfs_rename(s->vfs, VFS_ROOT, "l", VFS_ROOT, "m", 0, NULL, NULL), ERR_DENIED);
    assert_int_equal(memfs_edit(s->inner, s->library, "f", "", 0, NULL), 0);
    assert_int_equal(vfs_rename(s->vfs, l.id, "f", VFS_ROOT, "f", 0, NULL, NULL), ERR_DENIED);
    assert_int_equal(vfs_open(s->vfs, &file, l.id, VFS_READ, NULL, NULL), ERR_IS_FOLDER);
    assert_int_equal(vfs_setattr(s->vfs, &attr, l.id, NULL, &set, NULL, NULL), 0);
}

static void visit(void *payload, const struct mapping *m)
{
    char *text = payload;
    size_t length = strlen(text);

    snprintf(text + length, 512 - length, "%s:%c:%s ", m->path, m->letter ? m->letter : '-',
             m->label ? m->label : "");
}

static void namespace_enumerate__gives_all_in_order(void **state)
{
    struct setup *s = *state;
    char text[512] = "";

    assert_int_equal(attach(s, "b/x", s->library, 'Z', NULL), 0);
    assert_int_equal(attach(s, "A/y", make_library(s, "y"), 0, "Why"), 0);
    assert_int_equal(attach(s, "a/x", make_library(s, "x"), 0, NULL), 0);
    assert_int_equal(namespace_enumerate(s->ns, visit, text, NULL), 0);
    assert_string_equal(text, "a/x:-: A/y:-:Why b/x:Z: ");
}

static void hear(void *payload, uint64_t parent, const char *name, uint64_t id)
{
    struct heard *heard = payload;

    (void)id;
    assert_in_range(heard->count, 0, 31);
    heard->parents[heard->count] = parent;
    snprintf(heard->names[heard->count++], 64, "%s", name ? name : "(itself)");
}

static bool was_heard(const struct heard *heard, uint64_t parent, const char *name)
{
    for (size_t i = 0; i < heard->count; i++) {
        if (heard->parents[i] == parent && strcmp(heard->names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static void namespace_listen__hears_its_own_changes_and_those_below(void **state)
{
    struct setup *s = *state;
    struct vfs_attr l;

    vfs_listen(s->vfs, hear, &s->heard);
    assert_int_equal(attach(s, "t/l", s->library, 'K', NULL), 0);
    assert_true(was_heard(&s->heard, VFS_ROOT, "t"));
    assert_true(was_heard(&s->heard, VFS_ROOT, "drives"));
    assert_int_equal(walk(s, &l, "t/l"), 0);
    s->heard.count = 0;
    assert_int_equal(memfs_edit(s->inner, s->library, "file", "x", 1, NULL), 0);
    assert_true(was_heard(&s->heard, l.id, "file")); /* by the id that is known above */
    s->heard.count = 0;
    assert_int_equal(namespace_detach(s->ns, "t/l", NULL), 0);
    assert_true(was_heard(&s->heard, VFS_ROOT, "t"));
    assert_true(was_heard(&s->heard, VFS_ROOT, "drives"));
    vfs_listen(s->vfs, NULL, NULL);
    s->heard.count = 0;
    assert_int_equal(attach(s, "t/l", s->library, 0, NULL), 0);
    assert_int_equal(s->heard.count, 0);
}

static void namespace_attach__carries_thousands(void **state)
{
    struct setup *s = *state;
    struct vfs_attr attr;
    char path[64];

    for (int i = 0; i < 5000; i++) {
        snprintf(path, sizeof(path), "contoso/site%d/Documents", i);
        assert_int_equal(attach(s, path, s->library, 0, "Label"), 0);
    }
    assert_int_equal(walk(s, &attr, "contoso/site4999/documents"), 0);
    assert_int_equal(walk(s, &attr, "contoso/site17/LABEL"), 0);
    for (int i = 0; i < 5000; i++) {
        snprintf(path, sizeof(path), "contoso/site%d/Documents", i);
        assert_int_equal(namespace_detach(s->ns, path, NULL), 0);
    }
    expect_listing(s, "", "");
}

/* One thread attaches and detaches, the others walk, list and open. */
struct stress {
    struct setup *s;
    unsigned number;
    unsigned wrong;
};

static void *come_and_go(void *payload)
{
    struct stress *t = payload;
    char path[32];

    snprintf(path, sizeof(path), "t/s%u/l", t->number);
    for (int i = 0; i < 400; i++) {
        t->wrong += attach(t->s, path, t->s->library, (char)('F' + t->number), "label") != 0;
        t->wrong += namespace_detach(t->s->ns, path, NULL) != 0;
    }
    return NULL;
}

static bool ignore(void *payload, const char *name, const struct vfs_attr *attr, uint64_t cookie)
{
    (void)payload;
    (void)name;
    (void)attr;
    (void)cookie;
    return true;
}

static void *look(void *payload)
{
    static const char *const paths[] = {"t/s0/l/file", "t/s1/label", "drives/F", "t/s2"};
    struct stress *t = payload;

    for (int i = 0; i < 800; i++) {
        struct vfs_attr attr = {.id = VFS_ROOT};
        struct vfs_dir *dir = NULL;
        int code = walk(t->s, &attr, paths[i % 4]);

        t->wrong += code != 0 && code != ERR_NOT_FOUND && code != ERR_STALE;
        if (vfs_opendir(t->s->vfs, &dir, VFS_ROOT, NULL, NULL) == 0) {
            t->wrong += vfs_readdir(t->s->vfs, dir, 0, ignore, NULL, NULL, NULL) != 0;
            vfs_closedir(t->s->vfs, dir);
        }
    }
    return NULL;
}

static void namespace_calls__survive_mappings_that_come_and_go(void **state)
{
    struct setup *s = *state;
    struct stress work[6];
    pthread_t threads[6];

    assert_int_equal(memfs_edit(s->inner, s->library, "file", "x", 1, NULL), 0);
    for (unsigned i = 0; i < 6; i++) {
        work[i] = (struct stress){.s = s, .number = i};
        assert_int_equal(pthread_create(&threads[i], NULL, i < 3 ? come_and_go : look, &work[i]),
                         0);
    }
    for (unsigned i = 0; i < 6; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(work[i].wrong, 0);
    }
    expect_listing(s, "", "");
}

/* The whole contract below a mapping. */
static int make(struct vfs_contract *c, struct error *err)
{
    void *state = NULL;
    struct vfs_attr attr;
    struct setup *s = NULL;
    int code = 0;

    set_up(&state);
    s = state;
    code = attach(s, "root", s->library, 0, NULL);
    if (code == 0) {
        code = vfs_lookup(s->vfs, &attr, VFS_ROOT, "root", NULL, err);
    }
    c->payload = s;
    c->vfs = s->vfs;
    c->root = attr.id;
    return code;
}

static void end(struct vfs_contract *c)
{
    void *state = c->payload;

    vfs_forget(c->vfs, c->root, 1);
    tear_down(&state);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
#define ROW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
        ROW(namespace_attach__shows_the_folders_above_and_what_is_below),
        ROW(namespace_attach__again_changes_nothing_or_takes_over),
        ROW(namespace_attach__refuses_mappings_inside_each_other),
        ROW(namespace_attach__refuses_what_is_no_path),
        ROW(namespace_letters__are_links_that_stay_inside),
        ROW(namespace_lookup__takes_the_label_but_a_name_goes_first),
        ROW(namespace_detach__takes_empty_folders_along_and_lets_files_go_on),
        ROW(namespace_folders__cannot_be_changed),
        ROW(namespace_enumerate__gives_all_in_order),
        ROW(namespace_listen__hears_its_own_changes_and_those_below),
        ROW(namespace_attach__carries_thousands),
        ROW(namespace_calls__survive_mappings_that_come_and_go),
#undef ROW
    };
    struct vfs_contract contract = {.name = "the vfs contract below a mapping",
                                    .make = make,
                                    .end = end,
                                    .checks_names = true,
                                    .keeps_item_on_replace = true};
    const char *filter = argc > 1 ? argv[1] : NULL;
    int failed = 0;

    if (filter) {
        cmocka_set_test_filter(filter);
    }
    failed = cmocka_run_group_tests_name("namespace", tests, NULL, NULL);
    failed += vfs_contract_run(&contract, filter);
    return failed ? 1 : 0;
}
