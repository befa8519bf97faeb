/* Versions of content, and what is taken back. */
#include "vfs_contract_internal.h"

#include <string.h>

static uint64_t version_by_name(struct vfs_contract *c, const char *name)
{
    struct vfs_attr attr;

    expect_ok(c, vfs_lookup(c->vfs, &attr, c->folder, name, NULL, NULL));
    vfs_forget(c->vfs, attr.id, 1);
    assert_true(attr.version != 0);
    return attr.version;
}

static uint64_t version_of_open(struct vfs_contract *c, const struct vfs_attr *attr,
                                struct vfs_file *file)
{
    struct vfs_attr now;

    expect_ok(c, vfs_getattr(c->vfs, &now, attr->id, file, NULL, NULL));
    return now.version;
}

static struct vfs_file *open_by_name(struct vfs_contract *c, struct vfs_attr *attr,
                                     const char *name, unsigned flags)
{
    struct vfs_file *file = NULL;

    expect_ok(c, vfs_lookup(c->vfs, attr, c->folder, name, NULL, NULL));
    expect_ok(c, vfs_open(c->vfs, &file, attr->id, flags, NULL, NULL));
    return file;
}

static void write_text(struct vfs_contract *c, struct vfs_file *file, const char *text)
{
    expect_ok(c, vfs_write(c->vfs, file, text, strlen(text), 0, NULL, NULL));
}

static bool lacks_versions(struct vfs_contract *c)
{
    if (!c->has_versions) {
        skip();
    }
    return !c->has_versions;
}

static void vfs_version__changes_with_each_write_and_not_by_saving(void **state)
{
    struct vfs_contract *c = *state;
    struct vfs_file *file = NULL;
    struct vfs_attr attr;
    uint64_t before = 0;
    uint64_t first = 0;
    uint64_t second = 0;

    if (lacks_versions(c)) {
        return;
    }
    contract_put_text(c, c->folder, "file", "same length");
    before = version_by_name(c, "file");
    assert_true(version_by_name(c, "file") == before);
    file = open_by_name(c, &attr, "file", VFS_READ | VFS_WRITE);
    assert_true(version_of_open(c, &attr, file) == before);
    write_text(c, file, "SAME LENGTH");
    first = version_of_open(c, &attr, file);
    assert_true(first != before);
    assert_true(version_by_name(c, "file") == first);
    write_text(c, file, "same LENGTH");
    second = version_of_open(c, &attr, file);
    assert_true(second != first && second != before);
    expect_ok(c, vfs_flush(c->vfs, file, NULL, NULL));
    assert_true(version_of_open(c, &attr, file) == second);
    vfs_close(c->vfs, file);
    assert_true(version_by_name(c, "file") == second);
    vfs_forget(c->vfs, attr.id, 1);
}

static void vfs_version__changes_when_somebody_else_saves(void **state)
{
    struct vfs_contract *c = *state;
    struct vfs_file *file = NULL;
    struct vfs_attr attr;
    uint64_t before = 0;
    char bytes[8];

    if (lacks_versions(c)) {
        return;
    }
    if (!c->edit) {
        skip();
        return;
    }
    contract_put_text(c, c->folder, "file", "ours..");
    before = version_by_name(c, "file");
    expect_ok(c, c->edit(c, c->folder_name, "file", "theirs", 6, NULL));
    /* it need not be seen at once; but who reads their bytes is not told our number */
    file = open_by_name(c, &attr, "file", VFS_READ);
    assert_int_equal(contract_read(c, file, bytes, 6, 0), 6);
    assert_true((memcmp(bytes, "theirs", 6) == 0) == (version_of_open(c, &attr, file) != before));
    vfs_close(c->vfs, file);
    vfs_forget(c->vfs, attr.id, 1);
}

static void vfs_abandon__leaves_what_was_there(void **state)
{
    struct vfs_contract *c = *state;
    struct vfs_file *reader = NULL;
    struct vfs_file *file = NULL;
    struct vfs_attr attr;

    if (lacks_versions(c)) {
        return;
    }
    contract_put_text(c, c->folder, "file", "what was there");
    file = open_by_name(c, &attr, "file", VFS_WRITE | VFS_TRUNCATE);
    write_text(c, file, "half of");
    vfs_abandon(c->vfs, file);
    contract_has_text(c, c->folder, "file", "what was there");
    vfs_forget(c->vfs, attr.id, 1);

    file = open_by_name(c, &attr, "file", VFS_READ | VFS_WRITE);
    reader = open_by_name(c, &attr, "file", VFS_READ);
    write_text(c, file, "WHAT");
    vfs_abandon(c->vfs, file);
    contract_has_text(c, c->folder, "file", "what was there");
    vfs_close(c->vfs, reader);
    contract_has_text(c, c->folder, "file", "what was there");
    vfs_forget(c->vfs, attr.id, 2);
}

static void vfs_abandon__takes_a_new_file_away(void **state)
{
    struct vfs_contract *c = *state;
    struct vfs_file *file = NULL;
    struct vfs_attr attr;

    if (lacks_versions(c)) {
        return;
    }
    expect_ok(c, vfs_create(c->vfs, &file, &attr, c->folder, "new",
                            VFS_READ | VFS_WRITE | VFS_EXCLUSIVE, NULL, NULL));
    write_text(c, file, "half of a file");
    vfs_abandon(c->vfs, file);
    vfs_forget(c->vfs, attr.id, 1);
    assert_false(contract_exists(c, c->folder, "new"));
    contract_put_text(c, c->folder, "new", "whole");
    contract_has_text(c, c->folder, "new", "whole");
}

static void vfs_abandon__keeps_what_was_flushed(void **state)
{
    struct vfs_contract *c = *state;
    struct vfs_file *file = NULL;
    struct vfs_attr attr;

    if (lacks_versions(c)) {
        return;
    }
    contract_put_text(c, c->folder, "file", "first");
    file = open_by_name(c, &attr, "file", VFS_READ | VFS_WRITE);
    write_text(c, file, "again");
    expect_ok(c, vfs_flush(c->vfs, file, NULL, NULL));
    vfs_abandon(c->vfs, file); /* nothing is unsaved */
    vfs_forget(c->vfs, attr.id, 1);
    contract_has_text(c, c->folder, "file", "again");
    file = open_by_name(c, &attr, "file", VFS_READ);
    vfs_abandon(c->vfs, file); /* never written */
    vfs_forget(c->vfs, attr.id, 1);
    contract_has_text(c, c->folder, "file", "again");
}

static void vfs_abandon__takes_nothing_from_another_writer(void **state)
{
    struct vfs_contract *c = *state;
    struct vfs_file *mine = NULL;
    struct vfs_file *file = NULL;
    struct vfs_attr attr;

    if (lacks_versions(c)) {
        return;
    }
    contract_put_text(c, c->folder, "file", "....");
    file = open_by_name(c, &attr, "file", VFS_READ | VFS_WRITE);
    mine = open_by_name(c, &attr, "file", VFS_READ | VFS_WRITE);
    expect_ok(c, vfs_write(c->vfs, file, "a", 1, 0, NULL, NULL));
    expect_ok(c, vfs_write(c->vfs, mine, "b", 1, 1, NULL, NULL));
    vfs_abandon(c->vfs, file);
    contract_close(c, mine);
    vfs_forget(c->vfs, attr.id, 2);
    contract_has_text(c, c->folder, "file", "ab..");
}

struct contract_list contract_versions(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(vfs_version__changes_with_each_write_and_not_by_saving),
        cmocka_unit_test(vfs_version__changes_when_somebody_else_saves),
        cmocka_unit_test(vfs_abandon__leaves_what_was_there),
        cmocka_unit_test(vfs_abandon__takes_a_new_file_away),
        cmocka_unit_test(vfs_abandon__keeps_what_was_flushed),
        cmocka_unit_test(vfs_abandon__takes_nothing_from_another_writer),
    };

    return (struct contract_list){tests, sizeof(tests) / sizeof(tests[0])};
}
