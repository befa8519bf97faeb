/* The contract on the file system in memory, and what is special about it. */
#include "test.h"

#include <string.h>

#include "base/clock.h"
#include "contract_memfs.h"

static int make(struct vfs_contract *c, struct error *err)
{
    struct memfs_options options = contract_memfs_options(c);

    c->root = VFS_ROOT;
    return memfs_new(&c->vfs, &options, err);
}

static void end(struct vfs_contract *c)
{
    vfs_unref(c->vfs);
}

static int edit(struct vfs_contract *c, const char *folder, const char *name, const void *data,
                size_t size, struct error *err)
{
    return contract_memfs_edit(c->vfs, c->root, folder, name, data, size, err);
}

static void memfs_write__stops_when_the_memory_it_may_use_is_full(void **state)
{
    struct memfs_options options = {.max_bytes = 1000};
    struct vfs_file *file = NULL;
    struct vfs_attr attr;
    struct vfs_space space;
    struct vfs *vfs = NULL;
    char data[600] = {0};

    (void)state;
    assert_int_equal(memfs_new(&vfs, &options, NULL), 0);
    assert_int_equal(vfs_create(vfs, &file, &attr, VFS_ROOT, "a", VFS_WRITE, NULL, NULL), 0);
    assert_int_equal(vfs_write(vfs, file, data, 600, 0, NULL, NULL), 0);
    assert_int_equal(vfs_write(vfs, file, data, 600, 600, NULL, NULL), ERR_NO_SPACE);
    assert_int_equal(vfs_getattr(vfs, &attr, attr.id, file, NULL, NULL), 0);
    assert_int_equal(attr.size_bytes, 600);
    assert_int_equal(vfs_statfs(vfs, &space, VFS_ROOT, NULL, NULL), 0);
    assert_int_equal(space.free_bytes, 400);
    vfs_close(vfs, file);
    vfs_forget(vfs, attr.id, 1);
    assert_int_equal(vfs_unlink(vfs, VFS_ROOT, "a", NULL, NULL), 0);
    assert_int_equal(vfs_statfs(vfs, &space, VFS_ROOT, NULL, NULL), 0);
    assert_int_equal(space.free_bytes, 1000);
    vfs_unref(vfs);
}

static bool yes(void *payload)
{
    (void)payload;
    return true;
}

static void memfs_calls__end_by_deadline_or_when_cancelled(void **state)
{
    struct memfs_options options = {.delay_ms = 60000};
    struct vfs_call late = {.deadline_ms = clock_mono_ms(clock_system()) + 30};
    struct vfs_call cancelled = {.is_cancelled = yes};
    struct vfs_attr attr;
    struct vfs *vfs = NULL;

    (void)state;
    assert_int_equal(memfs_new(&vfs, &options, NULL), 0);
    assert_int_equal(vfs_getattr(vfs, &attr, VFS_ROOT, NULL, &late, NULL), ERR_TIMED_OUT);
    assert_int_equal(vfs_getattr(vfs, &attr, VFS_ROOT, NULL, &cancelled, NULL), ERR_CANCELLED);
    vfs_unref(vfs);
}

struct heard {
    unsigned entries;
    unsigned items;
    uint64_t id;
};

static void hear(void *payload, uint64_t parent, const char *name, uint64_t id)
{
    struct heard *heard = payload;

    heard->entries += name != NULL && parent == VFS_ROOT;
    heard->items += name == NULL;
    heard->id = id;
}

static void memfs_edit__tells_the_listener_until_it_is_taken_away(void **state)
{
    struct heard heard = {0};
    struct vfs_attr attr;
    struct vfs *vfs = NULL;

    (void)state;
    assert_int_equal(memfs_new(&vfs, NULL, NULL), 0);
    vfs_listen(vfs, hear, &heard);
    assert_int_equal(memfs_edit(vfs, VFS_ROOT, "new", "abc", 3, NULL), 0);
    assert_int_equal(heard.entries, 1);
    assert_int_equal(heard.items, 1);
    assert_int_equal(vfs_lookup(vfs, &attr, VFS_ROOT, "new", NULL, NULL), 0);
    assert_int_equal(attr.id, heard.id);
    assert_int_equal(attr.size_bytes, 3);
    vfs_listen(vfs, NULL, NULL);
    assert_int_equal(memfs_edit(vfs, VFS_ROOT, "new", NULL, 0, NULL), 0);
    assert_int_equal(heard.entries, 1);
    assert_int_equal(vfs_getattr(vfs, &attr, attr.id, NULL, NULL, NULL), ERR_STALE);
    vfs_forget(vfs, attr.id, 1);
    vfs_unref(vfs);
}

static void memfs_ids__that_nobody_has_are_stale(void **state)
{
    struct vfs_attr attr;
    struct vfs *vfs = NULL;

    (void)state;
    assert_int_equal(memfs_new(&vfs, NULL, NULL), 0);
    assert_int_equal(vfs_getattr(vfs, &attr, 4711, NULL, NULL, NULL), ERR_STALE);
    vfs_forget(vfs, 4711, 3);
    vfs_unref(vfs);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memfs_write__stops_when_the_memory_it_may_use_is_full),
        cmocka_unit_test(memfs_calls__end_by_deadline_or_when_cancelled),
        cmocka_unit_test(memfs_edit__tells_the_listener_until_it_is_taken_away),
        cmocka_unit_test(memfs_ids__that_nobody_has_are_stale),
    };
    struct vfs_contract contract = {
        .name = "the vfs contract on memfs",
        .make = make,
        .end = end,
        .edit = edit,
        .checks_names = true,
        .has_versions = true,
        .keeps_item_on_replace = true,
        .blocked_above = 8 * 1024 * 1024,
        .read_only_above = 4 * 1024 * 1024,
    };
    const char *filter = argc > 1 ? argv[1] : NULL;
    int failed = vfs_contract_run(&contract, filter);

    failed += cmocka_run_group_tests_name("memfs", tests, NULL, NULL);
    return failed ? 1 : 0;
}
