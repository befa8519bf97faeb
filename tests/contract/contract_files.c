/* Files: open, create, read, write, sizes, times, limits. */
#include "vfs_contract_internal.h"

#include <stdlib.h>
#include <string.h>

static struct vfs_file *open_id(struct vfs_contract *c, uint64_t id, unsigned flags)
{
    struct vfs_file *file = NULL;

    expect_ok(c, vfs_open(c->vfs, &file, id, flags, NULL, NULL));
    return file;
}

static struct vfs_file *create(struct vfs_contract *c, struct vfs_attr *attr, const char *name,
                               unsigned flags)
{
    struct vfs_file *file = NULL;

    expect_ok(c, vfs_create(c->vfs, &file, attr, c->folder, name, flags, NULL, NULL));
    return file;
}

static void write_text(struct vfs_contract *c, struct vfs_file *file, const char *text,
                       uint64_t offset)
{
    expect_ok(c, vfs_write(c->vfs, file, text, strlen(text), offset, NULL, NULL));
}

static void vfs_create__makes_an_empty_file(void **state)
{
    struct vfs_contract *c = *state;
    struct vfs_attr attr;
    struct vfs_file *file = create(c, &attr, "empty", VFS_WRITE | VFS_EXCLUSIVE);

    assert_int_equal(attr.kind, VFS_FILE);
    assert_int_equal(attr.size_bytes, 0);
    contract_close(c, file);
    assert_int_equal(contract_id(c, c->folder, "empty"), attr.id);
    contract_has(c, c->folder, "empty", "", 0);
    vfs_forget(c->vfs, attr.id, 2);
}

static void vfs_create__is_exclusive_opens_or_truncates_as_asked(void **state)
{
    struct vfs_contract *c = *state;
    struct vfs_file *file = NULL;
    struct vfs_attr attr;

    contract_put_text(c, c->folder, "file", "content");
    expect_code(
        c, ERR_EXISTS,
        vfs_create(c->vfs, &file, &attr, c->folder, "file", VFS_WRITE | VFS_EXCLUSIVE, NULL, NULL));
    contract_has_text(c, c->folder, "file", "content");

    file = create(c, &attr, "file", VFS_READ | VFS_WRITE);
    assert_int_equal(attr.size_bytes, 7);
    write_text(c, file, "CON", 0);
    contract_close(c, file);
    vfs_forget(c->vfs, attr.id, 1);
    contract_has_text(c, c->folder, "file", "CONtent");

    file = create(c, &attr, "file", VFS_WRITE | VFS_TRUNCATE);
    assert_int_equal(attr.size_bytes, 0);
    write_text(c, file, "new", 0);
    contract_close(c, file);
    vfs_forget(c->vfs, attr.id, 1);
    contract_has_text(c, c->folder, "file", "new");
}

static void vfs_create__refuses_a_folder_and_a_file_as_parent(void **state)
{
    struct vfs_contract *c = *state;
    struct vfs_file *file = NULL;
    struct vfs_attr attr;
    uint64_t parent = 0;

    vfs_forget(c->vfs, contract_mkdir(c, c->folder, "folder"), 1);
    expect_code(c, ERR_IS_FOLDER,
                vfs_create(c->vfs, &file, &attr, c->folder, "folder", VFS_WRITE, NULL, NULL));
    expect_code(c, ERR_EXISTS,
                vfs_create(c->vfs, &file, &attr, c->folder, "folder", VFS_WRITE | VFS_EXCLUSIVE,
                           NULL, NULL));
    contract_put_text(c, c->folder, "file", "x");
    parent = contract_id(c, c->folder, "file");
    expect_code(c, ERR_NOT_FOLDER,
                vfs_create(c->vfs, &file, &attr, parent, "below", VFS_WRITE, NULL, NULL));
    vfs_forget(c->vfs, parent, 1);
}

static void vfs_open__refuses_a_folder(void **state)
{
    struct vfs_contract *c = *state;
    struct vfs_file *file = NULL;
    uint64_t id = contract_mkdir(c, c->folder, "folder");

    expect_code(c, ERR_IS_FOLDER, vfs_open(c->vfs, &file, id, VFS_WRITE, NULL, NULL));
    vfs_forget(c->vfs, id, 1);
}

static void vfs_open__truncates_when_asked(void **state)
{
    struct vfs_contract *c = *state;
    uint64_t id = 0;

    contract_put_text(c, c->folder, "file", "something long");
    id = contract_id(c, c->folder, "file");
    contract_close(c, open_id(c, id, VFS_WRITE | VFS_TRUNCATE));
    contract_has(c, c->folder, "file", "", 0);
    vfs_forget(c->vfs, id, 1);
}

static void vfs_read__returns_what_was_written_in_pieces(void **state)
{
    struct vfs_contract *c = *state;
    size_t size = c->is_slow ? 700001 : 3000001;
    unsigned char *bytes = malloc(size);
    struct vfs_file *file = NULL;
    struct vfs_attr attr;

    assert_non_null(bytes);
    contract_fill(bytes, size, 0, 1);
    file = create(c, &attr, "big", VFS_READ | VFS_WRITE);
    for (size_t at = 0, step = 1; at < size; at += step) {
        step = step * 7 % 100003 + 1;
        step = step < size - at ? step : size - at;
        expect_ok(c, vfs_write(c->vfs, file, bytes + at, step, at, NULL, NULL));
    }
    contract_fill(bytes + 65000, 70000, 0, 2); /* over what is there, in place */
    expect_ok(c, vfs_write(c->vfs, file, bytes + 65000, 70000, 65000, NULL, NULL));
    contract_close(c, file);
    contract_has(c, c->folder, "big", bytes, size);
    vfs_forget(c->vfs, attr.id, 1);
    free(bytes);
}

static void vfs_read__is_short_only_at_the_end(void **state)
{
    struct vfs_contract *c = *state;
    struct vfs_file *file = NULL;
    char data[16];
    uint64_t id = 0;

    contract_put_text(c, c->folder, "file", "0123456789");
    id = contract_id(c, c->folder, "file");
    file = open_id(c, id, VFS_READ);
    assert_int_equal(contract_read(c, file, data, 4, 3), 4);
    assert_memory_equal(data, "3456", 4);
    assert_int_equal(contract_read(c, file, data, 16, 8), 2);
    assert_memory_equal(data, "89", 2);
    assert_int_equal(contract_read(c, file, data, 16, 10), 0);
    assert_int_equal(contract_read(c, file, data, 16, 1000000), 0);
    vfs_close(c->vfs, file);
    vfs_forget(c->vfs, id, 1);
}

static void vfs_write__beyond_the_end_fills_with_zeros(void **state)
{
    static const char want[100003] = {'a', 'b', 'c'};
    struct vfs_contract *c = *state;
    struct vfs_attr attr;
    char *copy = malloc(sizeof(want));
    struct vfs_file *file = create(c, &attr, "sparse", VFS_WRITE);

    assert_non_null(copy);
    memcpy(copy, want, sizeof(want));
    memcpy(copy + 100000, "xyz", 3);
    write_text(c, file, "abc", 0);
    write_text(c, file, "xyz", 100000);
    contract_close(c, file);
    contract_has(c, c->folder, "sparse", copy, sizeof(want));
    vfs_forget(c->vfs, attr.id, 1);
    free(copy);
}

static void set_size(struct vfs_contract *c, uint64_t id, struct vfs_file *file, uint64_t size)
{
    struct vfs_set set = {.flags = VFS_SET_SIZE, .size_bytes = size};
    struct vfs_attr attr;

    expect_ok(c, vfs_setattr(c->vfs, &attr, id, file, &set, NULL, NULL));
    assert_int_equal(attr.size_bytes, size);
}

static void vfs_setattr__shrinks_and_grows_an_open_file(void **state)
{
    struct vfs_contract *c = *state;
    struct vfs_file *file = NULL;
    struct vfs_attr attr;
    uint64_t id = 0;

    contract_put_text(c, c->folder, "file", "0123456789");
    id = contract_id(c, c->folder, "file");
    file = open_id(c, id, VFS_READ | VFS_WRITE);
    set_size(c, id, file, 4);
    set_size(c, id, file, 8); /* the old bytes do not come back */
    expect_ok(c, vfs_getattr(c->vfs, &attr, id, file, NULL, NULL));
    assert_int_equal(attr.size_bytes, 8);
    write_text(c, file, "89", 8);
    contract_close(c, file);
    contract_has(c, c->folder, "file",
                 "0123\0\0\0\0"
                 "89",
                 10);
    vfs_forget(c->vfs, id, 1);
}

static void vfs_setattr__shrinks_and_grows_by_path(void **state)
{
    struct vfs_contract *c = *state;
    uint64_t id = 0;

    contract_put_text(c, c->folder, "file", "0123456789");
    id = contract_id(c, c->folder, "file");
    set_size(c, id, NULL, 4);
    contract_has_text(c, c->folder, "file", "0123");
    set_size(c, id, NULL, 8);
    contract_has(c, c->folder, "file", "0123\0\0\0", 8);
    set_size(c, id, NULL, 0);
    contract_has(c, c->folder, "file", "", 0);
    vfs_forget(c->vfs, id, 1);
}

static void vfs_setattr__refuses_the_size_of_a_folder(void **state)
{
    struct vfs_contract *c = *state;
    struct vfs_set set = {.flags = VFS_SET_SIZE, .size_bytes = 1};
    struct vfs_attr attr;
    uint64_t id = contract_mkdir(c, c->folder, "folder");

    expect_code(c, ERR_IS_FOLDER, vfs_setattr(c->vfs, &attr, id, NULL, &set, NULL, NULL));
    vfs_forget(c->vfs, id, 1);
}

static void vfs_setattr__keeps_the_time_a_program_set(void **state)
{
    struct vfs_contract *c = *state;
    struct vfs_set set = {.flags = VFS_SET_MODIFIED, .modified_ms = INT64_C(1234567890000)};
    struct vfs_attr attr;
    struct vfs_file *file = create(c, &attr, "copied", VFS_WRITE);
    uint64_t id = attr.id;

    write_text(c, file, "as cp -p does", 0);
    expect_ok(c, vfs_setattr(c->vfs, &attr, id, file, &set, NULL, NULL));
    contract_close(c, file);
    expect_ok(c, vfs_getattr(c->vfs, &attr, id, NULL, NULL, NULL));
    assert_int_equal(attr.modified_ms, set.modified_ms);

    set.modified_ms = INT64_C(987654321000);
    expect_ok(c, vfs_setattr(c->vfs, &attr, id, NULL, &set, NULL, NULL));
    assert_int_equal(attr.modified_ms, set.modified_ms);
    expect_ok(c, vfs_getattr(c->vfs, &attr, id, NULL, NULL, NULL));
    assert_int_equal(attr.modified_ms, set.modified_ms);
    contract_has_text(c, c->folder, "copied", "as cp -p does");
    vfs_forget(c->vfs, id, 1);
}

static void vfs_write__is_seen_by_other_open_files_and_by_getattr(void **state)
{
    struct vfs_contract *c = *state;
    struct vfs_file *writer = NULL;
    struct vfs_file *reader = NULL;
    struct vfs_attr attr;
    char data[16];
    uint64_t id = 0;

    contract_put_text(c, c->folder, "log", "one\n");
    id = contract_id(c, c->folder, "log");
    reader = open_id(c, id, VFS_READ);
    writer = open_id(c, id, VFS_WRITE);
    write_text(c, writer, "two\n", 4);
    expect_ok(c, vfs_getattr(c->vfs, &attr, id, NULL, NULL, NULL));
    assert_int_equal(attr.size_bytes, 8);
    assert_int_equal(contract_read(c, reader, data, 16, 0), 8);
    assert_memory_equal(data, "one\ntwo\n", 8);
    vfs_close(c->vfs, reader);
    contract_close(c, writer);
    contract_has_text(c, c->folder, "log", "one\ntwo\n");
    vfs_forget(c->vfs, id, 1);
}

static void vfs_flush__may_come_often_and_between_writes(void **state)
{
    struct vfs_contract *c = *state;
    struct vfs_attr attr;
    struct vfs_file *file = create(c, &attr, "file", VFS_WRITE);

    write_text(c, file, "aaa", 0);
    expect_ok(c, vfs_flush(c->vfs, file, NULL, NULL));
    expect_ok(c, vfs_flush(c->vfs, file, NULL, NULL));
    contract_has_text(c, c->folder, "file", "aaa");
    write_text(c, file, "bbb", 3);
    expect_ok(c, vfs_fsync(c->vfs, file, NULL, NULL));
    contract_has_text(c, c->folder, "file", "aaabbb");
    write_text(c, file, "ccc", 6);
    contract_close(c, file);
    contract_has_text(c, c->folder, "file", "aaabbbccc");
    vfs_forget(c->vfs, attr.id, 1);
}

static void vfs_unlink__lets_open_files_go_on(void **state)
{
    struct vfs_contract *c = *state;
    struct vfs_file *file = NULL;
    struct vfs_attr attr;
    char data[32];
    uint64_t id = 0;
    uint64_t other = 0;

    contract_put_text(c, c->folder, "file", "still there");
    id = contract_id(c, c->folder, "file");
    file = open_id(c, id, VFS_READ | VFS_WRITE);
    expect_ok(c, vfs_unlink(c->vfs, c->folder, "file", NULL, NULL));
    assert_false(contract_exists(c, c->folder, "file"));
    assert_int_equal(contract_read(c, file, data, 32, 0), 11);
    assert_memory_equal(data, "still there", 11);
    write_text(c, file, "STILL", 0);
    assert_int_equal(contract_read(c, file, data, 5, 0), 5);
    assert_memory_equal(data, "STILL", 5);
    expect_ok(c, vfs_getattr(c->vfs, &attr, id, file, NULL, NULL));
    assert_int_equal(attr.size_bytes, 11);
    if (!c->is_behind_kernel) {
        expect_code(c, ERR_STALE, vfs_getattr(c->vfs, &attr, id, NULL, NULL, NULL));
    }
    contract_put_text(c, c->folder, "file", "another");
    other = contract_id(c, c->folder, "file");
    assert_true(other != id);
    contract_close(c, file); /* what nobody can find any more is dropped without an error */
    contract_has_text(c, c->folder, "file", "another");
    vfs_forget(c->vfs, other, 1);
    vfs_forget(c->vfs, id, 1);
}

static void vfs_open__answers_stale_for_what_was_deleted(void **state)
{
    struct vfs_contract *c = *state;
    struct vfs_file *file = NULL;
    uint64_t id = 0;

    if (c->is_behind_kernel) {
        skip();
    }
    contract_put_text(c, c->folder, "file", "x");
    id = contract_id(c, c->folder, "file");
    expect_ok(c, vfs_unlink(c->vfs, c->folder, "file", NULL, NULL));
    expect_code(c, ERR_STALE, vfs_open(c->vfs, &file, id, VFS_READ, NULL, NULL));
    vfs_forget(c->vfs, id, 1);
}

/* A file of `size` bytes, of which only the ends were written. */
static uint64_t make_sized(struct vfs_contract *c, const char *name, uint64_t size)
{
    struct vfs_attr attr;
    struct vfs_file *file = create(c, &attr, name, VFS_WRITE);

    write_text(c, file, "start", 0);
    write_text(c, file, "e", size - 1);
    contract_close(c, file);
    return attr.id;
}

static void vfs_open__refuses_files_above_the_size_limit(void **state)
{
    struct vfs_contract *c = *state;
    struct vfs_file *file = NULL;
    struct vfs_attr attr;
    uint64_t id = 0;

    if (c->blocked_above == 0) {
        skip();
    }
    id = make_sized(c, "blocked", c->blocked_above + 1);
    expect_code(c, ERR_TOO_LARGE, vfs_open(c->vfs, &file, id, VFS_READ, NULL, NULL));
    expect_code(c, ERR_TOO_LARGE,
                vfs_open(c->vfs, &file, id, VFS_WRITE | VFS_TRUNCATE, NULL, NULL));
    expect_ok(c, vfs_getattr(c->vfs, &attr, id, NULL, NULL, NULL));
    assert_int_equal(attr.size_bytes, c->blocked_above + 1);
    if (!c->is_behind_kernel && !c->hides_blocked) {
        assert_true(attr.is_blocked);
    }
    expect_ok(c, vfs_unlink(c->vfs, c->folder, "blocked", NULL, NULL));
    vfs_forget(c->vfs, id, 1);
}

static void vfs_open__opens_large_files_to_read_only(void **state)
{
    struct vfs_contract *c = *state;
    struct vfs_set set = {.flags = VFS_SET_SIZE, .size_bytes = 0};
    struct vfs_file *file = NULL;
    struct vfs_attr attr;
    char data[5];
    uint64_t id = 0;

    if (c->read_only_above == 0) {
        skip();
    }
    id = make_sized(c, "large", c->read_only_above + 1);
    expect_code(c, ERR_READ_ONLY, vfs_open(c->vfs, &file, id, VFS_WRITE, NULL, NULL));
    expect_code(c, ERR_READ_ONLY, vfs_setattr(c->vfs, &attr, id, NULL, &set, NULL, NULL));
    expect_ok(c, vfs_getattr(c->vfs, &attr, id, NULL, NULL, NULL));
    assert_true(attr.is_read_only);
    assert_int_equal(attr.size_bytes, c->read_only_above + 1);
    file = open_id(c, id, VFS_READ);
    assert_int_equal(contract_read(c, file, data, 5, 0), 5);
    assert_memory_equal(data, "start", 5);
    vfs_close(c->vfs, file);
    expect_ok(c, vfs_unlink(c->vfs, c->folder, "large", NULL, NULL));
    vfs_forget(c->vfs, id, 1);
}

/* Reads the whole file piece by piece through one handle while somebody else replaces it: all
 * pieces are of one version, or the read fails. */
static void vfs_read__never_mixes_two_versions(void **state)
{
    enum { SIZE = 600000, STEP = 50000 };
    struct vfs_contract *c = *state;
    unsigned char *bytes = malloc(SIZE);
    struct vfs_file *file = NULL;
    struct error err = {0};
    uint64_t id = 0;
    int code = 0;

    if (!c->edit) {
        free(bytes);
        skip();
    }
    assert_non_null(bytes);
    memset(bytes, 'A', SIZE);
    contract_put(c, c->folder, "file", bytes, SIZE);
    id = contract_id(c, c->folder, "file");
    file = open_id(c, id, VFS_READ);
    assert_int_equal(contract_read(c, file, bytes, STEP, 0), STEP);
    memset(bytes, 'B', SIZE);
    expect_ok(c, c->edit(c, c->folder_name, "file", bytes, SIZE, &err));
    for (uint64_t at = STEP; code == 0 && at < SIZE; at += STEP) {
        size_t got = 0;

        code = vfs_read(c->vfs, file, bytes, STEP, at, &got, NULL, NULL);
        for (size_t i = 0; code == 0 && i < got; i++) {
            assert_int_equal(bytes[i], 'A');
        }
    }
    vfs_close(c->vfs, file);
    vfs_forget(c->vfs, id, 1);
    free(bytes);
}

/* A save onto what somebody else saved meanwhile: flush says so, and theirs is not overwritten. */
static void vfs_flush__reports_that_somebody_else_was_first(void **state)
{
    struct vfs_contract *c = *state;
    struct vfs_file *file = NULL;
    struct error err = {0};
    uint64_t id = 0;

    if (!c->edit) {
        skip();
    }
    contract_put_text(c, c->folder, "file", "base");
    id = contract_id(c, c->folder, "file");
    file = open_id(c, id, VFS_READ | VFS_WRITE);
    write_text(c, file, "mine", 0);
    expect_ok(c, c->edit(c, c->folder_name, "file", "theirs", 6, &err));
    expect_code(c, ERR_CHANGED, vfs_flush(c->vfs, file, NULL, NULL));
    vfs_close(c->vfs, file);
    vfs_forget(c->vfs, id, 1);
}

struct contract_list contract_files(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(vfs_create__makes_an_empty_file),
        cmocka_unit_test(vfs_create__is_exclusive_opens_or_truncates_as_asked),
        cmocka_unit_test(vfs_create__refuses_a_folder_and_a_file_as_parent),
        cmocka_unit_test(vfs_open__refuses_a_folder),
        cmocka_unit_test(vfs_open__truncates_when_asked),
        cmocka_unit_test(vfs_read__returns_what_was_written_in_pieces),
        cmocka_unit_test(vfs_read__is_short_only_at_the_end),
        cmocka_unit_test(vfs_write__beyond_the_end_fills_with_zeros),
        cmocka_unit_test(vfs_setattr__shrinks_and_grows_an_open_file),
        cmocka_unit_test(vfs_setattr__shrinks_and_grows_by_path),
        cmocka_unit_test(vfs_setattr__refuses_the_size_of_a_folder),
        cmocka_unit_test(vfs_setattr__keeps_the_time_a_program_set),
        cmocka_unit_test(vfs_write__is_seen_by_other_open_files_and_by_getattr),
        cmocka_unit_test(vfs_flush__may_come_often_and_between_writes),
        cmocka_unit_test(vfs_unlink__lets_open_files_go_on),
        cmocka_unit_test(vfs_open__answers_stale_for_what_was_deleted),
        cmocka_unit_test(vfs_open__refuses_files_above_the_size_limit),
        cmocka_unit_test(vfs_open__opens_large_files_to_read_only),
        cmocka_unit_test(vfs_read__never_mixes_two_versions),
        cmocka_unit_test(vfs_flush__reports_that_somebody_else_was_first),
    };

    return (struct contract_list){tests, sizeof(tests) / sizeof(tests[0])};
}
