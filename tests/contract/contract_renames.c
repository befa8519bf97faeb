/* Renaming and moving. */
#include "vfs_contract_internal.h"

#include <stdio.h>
#include <string.h>

static int move(struct vfs_contract *c, uint64_t from, const char *name, uint64_t to,
                const char *new_name, unsigned flags)
{
    return vfs_rename(c->vfs, from, name, to, new_name, flags, NULL, NULL);
}

static void vfs_rename__keeps_the_item(void **state)
{
    struct vfs_contract *c = *state;
    uint64_t id = 0;

    contract_put_text(c, c->folder, "old", "content");
    id = contract_id(c, c->folder, "old");
    expect_ok(c, move(c, c->folder, "old", c->folder, "new", 0));
    assert_false(contract_exists(c, c->folder, "old"));
    assert_int_equal(contract_id(c, c->folder, "new"), id);
    contract_has_text(c, c->folder, "new", "content");
    vfs_forget(c->vfs, id, 2);
}

static void vfs_rename__moves_to_another_folder_with_all_that_is_below(void **state)
{
    struct vfs_contract *c = *state;
    uint64_t a = contract_mkdir(c, c->folder, "a");
    uint64_t b = contract_mkdir(c, c->folder, "b");
    uint64_t sub = contract_mkdir(c, a, "sub");
    uint64_t moved = 0;

    contract_put_text(c, sub, "file", "below");
    contract_put_text(c, a, "file", "beside");
    expect_ok(c, move(c, a, "file", b, "renamed", 0));
    contract_has_text(c, b, "renamed", "beside");
    assert_false(contract_exists(c, a, "file"));
    expect_ok(c, move(c, a, "sub", b, "sub", 0));
    assert_false(contract_exists(c, a, "sub"));
    moved = contract_id(c, b, "sub");
    assert_int_equal(moved, sub);
    contract_has_text(c, moved, "file", "below");
    vfs_forget(c->vfs, moved, 2);
    vfs_forget(c->vfs, a, 1);
    vfs_forget(c->vfs, b, 1);
}

static void vfs_rename__onto_a_file_gives_it_the_new_content(void **state)
{
    struct vfs_contract *c = *state;
    struct vfs_attr attr;
    uint64_t target = 0;
    uint64_t source = 0;
    uint64_t now = 0;
    int code = 0;

    contract_put_text(c, c->folder, "Document.docx", "version 1");
    contract_put_text(c, c->folder, "save.tmp", "the second version");
    target = contract_id(c, c->folder, "Document.docx");
    source = contract_id(c, c->folder, "save.tmp");
    expect_ok(c, move(c, c->folder, "save.tmp", c->folder, "Document.docx", 0));
    assert_false(contract_exists(c, c->folder, "save.tmp"));
    contract_has_text(c, c->folder, "Document.docx", "the second version");
    now = contract_id(c, c->folder, "Document.docx");
    if (c->keeps_item_on_replace) {
        assert_int_equal(now, target);
        code = vfs_getattr(c->vfs, &attr, source, NULL, NULL, NULL);
        if (code == 0) {
            assert_int_equal(attr.size_bytes, 18);
        } else {
            expect_code(c, ERR_STALE, code);
        }
    }
    vfs_forget(c->vfs, now, 1);
    vfs_forget(c->vfs, target, 1);
    vfs_forget(c->vfs, source, 1);
}

static void vfs_rename__does_not_replace_when_told_so(void **state)
{
    struct vfs_contract *c = *state;

    contract_put_text(c, c->folder, "a", "aaa");
    contract_put_text(c, c->folder, "b", "bbb");
    expect_code(c, ERR_EXISTS, move(c, c->folder, "a", c->folder, "b", VFS_RENAME_NO_REPLACE));
    expect_code(c, ERR_EXISTS, move(c, c->folder, "a", c->folder, "B", VFS_RENAME_NO_REPLACE));
    contract_has_text(c, c->folder, "a", "aaa");
    contract_has_text(c, c->folder, "b", "bbb");
    expect_ok(c, move(c, c->folder, "a", c->folder, "c", VFS_RENAME_NO_REPLACE));
    contract_has_text(c, c->folder, "c", "aaa");
}

static bool copy_name(void *payload, const char *name, const struct vfs_attr *attr, uint64_t cookie)
{
    (void)attr;
    (void)cookie;
    snprintf(payload, 64, "%s", name);
    return true;
}

static void vfs_rename__changes_the_case_alone(void **state)
{
    struct vfs_contract *c = *state;
    struct vfs_dir *dir = NULL;
    char name[64] = "";
    uint64_t id = 0;

    if (c->is_behind_kernel) {
        skip(); /* Linux finds both names to be one file, and leaves it at that */
    }
    contract_put_text(c, c->folder, "readme", "x");
    id = contract_id(c, c->folder, "readme");
    expect_ok(c, move(c, c->folder, "readme", c->folder, "README", VFS_RENAME_NO_REPLACE));
    expect_ok(c, vfs_opendir(c->vfs, &dir, c->folder, NULL, NULL));
    expect_ok(c, vfs_readdir(c->vfs, dir, 0, copy_name, name, NULL, NULL));
    vfs_closedir(c->vfs, dir);
    assert_string_equal(name, "README");
    assert_int_equal(contract_id(c, c->folder, "readme"), id);
    vfs_forget(c->vfs, id, 2);
}

/* Whoever is behind a kernel must see to it that it does not remember the other spelling. */
static void vfs_rename__by_one_case_leaves_no_other_case_behind(void **state)
{
    struct vfs_contract *c = *state;
    uint64_t id = 0;

    contract_put_text(c, c->folder, "a.txt", "one");
    id = contract_id(c, c->folder, "A.TXT");
    expect_ok(c, move(c, c->folder, "A.TXT", c->folder, "b.txt", 0));
    contract_put_text(c, c->folder, "a.txt", "two");
    contract_has_text(c, c->folder, "b.txt", "one");
    contract_has_text(c, c->folder, "a.txt", "two");
    vfs_forget(c->vfs, id, 1);
    expect_ok(c, vfs_unlink(c->vfs, c->folder, "B.TXT", NULL, NULL));
    assert_false(contract_exists(c, c->folder, "b.txt"));
    contract_has_text(c, c->folder, "a.txt", "two");
}

static void vfs_rename__onto_itself_changes_nothing(void **state)
{
    struct vfs_contract *c = *state;

    contract_put_text(c, c->folder, "file", "x");
    expect_ok(c, move(c, c->folder, "file", c->folder, "file", 0));
    contract_has_text(c, c->folder, "file", "x");
}

static void vfs_rename__refuses_a_folder_into_itself(void **state)
{
    struct vfs_contract *c = *state;
    uint64_t a = contract_mkdir(c, c->folder, "a");
    uint64_t b = contract_mkdir(c, a, "b");

    expect_code(c, ERR_INVALID, move(c, c->folder, "a", a, "a", 0));
    expect_code(c, ERR_INVALID, move(c, c->folder, "a", b, "new", 0));
    assert_true(contract_exists(c, a, "b"));
    vfs_forget(c->vfs, b, 1);
    vfs_forget(c->vfs, a, 1);
}

static void vfs_rename__replaces_a_folder_only_when_it_is_empty(void **state)
{
    struct vfs_contract *c = *state;
    uint64_t a = contract_mkdir(c, c->folder, "a");
    uint64_t b = contract_mkdir(c, c->folder, "b");
    uint64_t now = 0;

    contract_put_text(c, a, "in a", "x");
    contract_put_text(c, b, "in b", "x");
    expect_code(c, ERR_NOT_EMPTY, move(c, c->folder, "a", c->folder, "b", 0));
    expect_ok(c, vfs_unlink(c->vfs, b, "in b", NULL, NULL));
    expect_ok(c, move(c, c->folder, "a", c->folder, "b", 0));
    assert_false(contract_exists(c, c->folder, "a"));
    now = contract_id(c, c->folder, "b");
    assert_true(contract_exists(c, now, "in a"));
    vfs_forget(c->vfs, now, 1);
    vfs_forget(c->vfs, a, 1);
    vfs_forget(c->vfs, b, 1);
}

static void vfs_rename__refuses_the_other_kind_and_what_is_missing(void **state)
{
    struct vfs_contract *c = *state;

    vfs_forget(c->vfs, contract_mkdir(c, c->folder, "folder"), 1);
    contract_put_text(c, c->folder, "file", "x");
    expect_code(c, ERR_NOT_FOLDER, move(c, c->folder, "folder", c->folder, "file", 0));
    expect_code(c, ERR_IS_FOLDER, move(c, c->folder, "file", c->folder, "folder", 0));
    expect_code(c, ERR_NOT_FOUND, move(c, c->folder, "none", c->folder, "other", 0));
    contract_has_text(c, c->folder, "file", "x");
}

/* An editor that renames its temporary file into place before it closes it. */
static void vfs_rename__lets_an_open_source_go_on_writing(void **state)
{
    struct vfs_contract *c = *state;
    struct vfs_file *file = NULL;
    struct vfs_attr attr;

    contract_put_text(c, c->folder, "target", "old");
    expect_ok(c, vfs_create(c->vfs, &file, &attr, c->folder, "temp", VFS_WRITE, NULL, NULL));
    expect_ok(c, vfs_write(c->vfs, file, "new ", 4, 0, NULL, NULL));
    expect_ok(c, move(c, c->folder, "temp", c->folder, "target", 0));
    expect_ok(c, vfs_write(c->vfs, file, "content", 7, 4, NULL, NULL));
    contract_close(c, file);
    contract_has_text(c, c->folder, "target", "new content");
    assert_false(contract_exists(c, c->folder, "temp"));
    vfs_forget(c->vfs, attr.id, 1);
}

/* A reader of what is replaced goes on in the old version, or gets an error; never the new bytes.
 */
static void vfs_rename__does_not_mix_into_an_open_target(void **state)
{
    struct vfs_contract *c = *state;
    struct vfs_file *file = NULL;
    char data[16] = "";
    size_t got = 0;
    uint64_t id = 0;

    contract_put_text(c, c->folder, "target", "old content");
    contract_put_text(c, c->folder, "temp", "NEW CONTENT");
    id = contract_id(c, c->folder, "target");
    expect_ok(c, vfs_open(c->vfs, &file, id, VFS_READ, NULL, NULL));
    assert_int_equal(contract_read(c, file, data, 4, 0), 4);
    expect_ok(c, move(c, c->folder, "temp", c->folder, "target", 0));
    if (vfs_read(c->vfs, file, data, 16, 4, &got, NULL, NULL) == 0) {
        assert_int_equal(got, 7);
        assert_memory_equal(data, "content", 7);
    }
    vfs_close(c->vfs, file);
    contract_has_text(c, c->folder, "target", "NEW CONTENT");
    vfs_forget(c->vfs, id, 1);
}

struct contract_list contract_renames(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(vfs_rename__keeps_the_item),
        cmocka_unit_test(vfs_rename__moves_to_another_folder_with_all_that_is_below),
        cmocka_unit_test(vfs_rename__onto_a_file_gives_it_the_new_content),
        cmocka_unit_test(vfs_rename__does_not_replace_when_told_so),
        cmocka_unit_test(vfs_rename__changes_the_case_alone),
        cmocka_unit_test(vfs_rename__by_one_case_leaves_no_other_case_behind),
        cmocka_unit_test(vfs_rename__onto_itself_changes_nothing),
        cmocka_unit_test(vfs_rename__refuses_a_folder_into_itself),
        cmocka_unit_test(vfs_rename__replaces_a_folder_only_when_it_is_empty),
        cmocka_unit_test(vfs_rename__refuses_the_other_kind_and_what_is_missing),
        cmocka_unit_test(vfs_rename__lets_an_open_source_go_on_writing),
        cmocka_unit_test(vfs_rename__does_not_mix_into_an_open_target),
    };

    return (struct contract_list){tests, sizeof(tests) / sizeof(tests[0])};
}
