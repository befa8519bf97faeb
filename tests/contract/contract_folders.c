/* Folders: make, remove, list; and the space that is left. */
#include "vfs_contract_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void vfs_mkdir__refuses_what_is_there(void **state)
{
    struct vfs_contract *c = *state;
    struct vfs_attr attr;
    uint64_t file = 0;

    vfs_forget(c->vfs, contract_mkdir(c, c->folder, "folder"), 1);
    contract_put_text(c, c->folder, "file", "x");
    expect_code(c, ERR_EXISTS, vfs_mkdir(c->vfs, &attr, c->folder, "folder", NULL, NULL));
    expect_code(c, ERR_EXISTS, vfs_mkdir(c->vfs, &attr, c->folder, "FOLDER", NULL, NULL));
    expect_code(c, ERR_EXISTS, vfs_mkdir(c->vfs, &attr, c->folder, "file", NULL, NULL));
    file = contract_id(c, c->folder, "file");
    expect_code(c, ERR_NOT_FOLDER, vfs_mkdir(c->vfs, &attr, file, "below", NULL, NULL));
    vfs_forget(c->vfs, file, 1);
}

static void vfs_rmdir__takes_empty_folders_only(void **state)
{
    struct vfs_contract *c = *state;
    struct vfs_attr attr;
    uint64_t id = contract_mkdir(c, c->folder, "folder");

    contract_put_text(c, id, "file", "x");
    expect_code(c, ERR_NOT_EMPTY, vfs_rmdir(c->vfs, c->folder, "folder", NULL, NULL));
    expect_ok(c, vfs_unlink(c->vfs, id, "file", NULL, NULL));
    expect_ok(c, vfs_rmdir(c->vfs, c->folder, "folder", NULL, NULL));
    assert_false(contract_exists(c, c->folder, "folder"));
    if (!c->is_behind_kernel) {
        expect_code(c, ERR_STALE, vfs_getattr(c->vfs, &attr, id, NULL, NULL, NULL));
    }
    vfs_forget(c->vfs, id, 1);
}

static void vfs_unlink__and_rmdir_do_not_take_the_other_kind(void **state)
{
    struct vfs_contract *c = *state;

    vfs_forget(c->vfs, contract_mkdir(c, c->folder, "folder"), 1);
    contract_put_text(c, c->folder, "file", "x");
    expect_code(c, ERR_NOT_FOLDER, vfs_rmdir(c->vfs, c->folder, "file", NULL, NULL));
    expect_code(c, ERR_IS_FOLDER, vfs_unlink(c->vfs, c->folder, "folder", NULL, NULL));
    expect_code(c, ERR_NOT_FOUND, vfs_unlink(c->vfs, c->folder, "none", NULL, NULL));
    expect_code(c, ERR_NOT_FOUND, vfs_rmdir(c->vfs, c->folder, "none", NULL, NULL));
    assert_true(contract_exists(c, c->folder, "file"));
    assert_true(contract_exists(c, c->folder, "folder"));
}

/* Entries named "e<number>", counted. Takes `room` entries, then says no. */
struct window {
    unsigned char *times; /* how often each number came */
    size_t count;         /* of numbers */
    size_t room;
    size_t taken;
    uint64_t cookie;
    size_t folders;
};

static bool take(void *payload, const char *name, const struct vfs_attr *attr, uint64_t cookie)
{
    struct window *w = payload;
    unsigned number = 0;

    if (w->taken == w->room) {
        return false;
    }
    assert_true(cookie > 0 && cookie <= VFS_COOKIE_MAX);
    assert_string_not_equal(name, ".");
    assert_string_not_equal(name, "..");
    if (sscanf(name, "e%u", &number) == 1 && number < w->count) {
        w->times[number]++;
        w->folders += attr->kind == VFS_FOLDER;
        if (attr->kind == VFS_FILE) {
            assert_int_equal(attr->size_bytes, number % 5);
        }
    }
    w->taken++;
    w->cookie = cookie;
    return true;
}

/* Lists on from w->cookie by windows of `room` until the end or until `limit` windows. */
static void list(struct vfs_contract *c, struct vfs_dir *dir, struct window *w, size_t room,
                 size_t limit)
{
    do {
        w->room = room;
        w->taken = 0;
        expect_ok(c, vfs_readdir(c->vfs, dir, w->cookie, take, w, NULL, NULL));
    } while (w->taken > 0 && --limit > 0);
}

static void fill_folder(struct vfs_contract *c, size_t count)
{
    char name[32];

    for (size_t i = 0; i < count; i++) {
        snprintf(name, sizeof(name), "e%zu", i);
        if (i % 50 == 7) {
            vfs_forget(c->vfs, contract_mkdir(c, c->folder, name), 1);
        } else {
            contract_put(c, c->folder, name, "12345", i % 5);
        }
    }
}

static struct vfs_dir *open_folder(struct vfs_contract *c)
{
    struct vfs_dir *dir = NULL;

    expect_ok(c, vfs_opendir(c->vfs, &dir, c->folder, NULL, NULL));
    return dir;
}

static void vfs_readdir__lists_every_entry_once_in_windows_of_any_size(void **state)
{
    static const size_t rooms[] = {1, 7, 100, 100000};
    struct vfs_contract *c = *state;
    size_t count = c->is_slow ? 300 : 3000;
    struct window w = {.times = calloc(count, 1), .count = count};

    assert_non_null(w.times);
    fill_folder(c, count);
    for (size_t r = 0; r < sizeof(rooms) / sizeof(rooms[0]); r++) {
        struct vfs_dir *dir = NULL;

        if (c->is_behind_kernel && rooms[r] < 100) { /* each seek would list hundreds again */
            continue;
        }
        dir = open_folder(c);
        memset(w.times, 0, count);
        w.cookie = 0;
        w.folders = 0;
        list(c, dir, &w, rooms[r], SIZE_MAX);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(w.times[i], 1);
        }
        assert_int_equal(w.folders, (count + 42) / 50);
        vfs_closedir(c->vfs, dir);
    }
    free(w.times);
}

static void vfs_readdir__begins_again_at_zero_with_what_is_there_now(void **state)
{
    struct vfs_contract *c = *state;
    unsigned char times[4] = {0};
    struct window w = {.times = times, .count = 4};
    struct vfs_dir *dir = NULL;

    contract_put_text(c, c->folder, "e0", "");
    contract_put_text(c, c->folder, "e1", "1");
    dir = open_folder(c);
    list(c, dir, &w, 1, SIZE_MAX);
    contract_put_text(c, c->folder, "e2", "12");
    expect_ok(c, vfs_unlink(c->vfs, c->folder, "e0", NULL, NULL));
    memset(times, 0, sizeof(times));
    w.cookie = 0;
    list(c, dir, &w, 10, SIZE_MAX);
    vfs_closedir(c->vfs, dir);
    assert_int_equal(times[0], 0);
    assert_int_equal(times[1], 1);
    assert_int_equal(times[2], 1);
    assert_int_equal(times[3], 0);
}

/* What stays from start to end appears once, whatever is made, deleted and renamed around it. */
static void vfs_readdir__shows_what_stays_once_while_others_come_and_go(void **state)
{
    enum { COUNT = 200 };
    struct vfs_contract *c = *state;
    unsigned char times[COUNT] = {0};
    struct window w = {.times = times, .count = COUNT};
    struct vfs_dir *dir = NULL;
    char name[32];

    fill_folder(c, COUNT);
    dir = open_folder(c);
    list(c, dir, &w, 9, 10);
    for (int i = 0; i < COUNT; i += 10) { /* all of which are files */
        snprintf(name, sizeof(name), "e%d", i);
        expect_ok(c, vfs_unlink(c->vfs, c->folder, name, NULL, NULL));
        snprintf(name, sizeof(name), "new%d", i);
        contract_put_text(c, c->folder, name, "x");
    }
    list(c, dir, &w, 9, SIZE_MAX);
    vfs_closedir(c->vfs, dir);
    for (int i = 0; i < COUNT; i++) {
        if (i % 10 != 0) {
            assert_int_equal(times[i], 1);
        } else {
            assert_in_range(times[i], 0, 1);
        }
    }
}

static void vfs_readdir__of_an_empty_folder_ends_at_once(void **state)
{
    struct vfs_contract *c = *state;
    struct vfs_dir *dir = open_folder(c);
    struct window w = {.count = 0};

    list(c, dir, &w, 10, SIZE_MAX);
    assert_int_equal(w.cookie, 0);
    vfs_closedir(c->vfs, dir);
}

static void vfs_opendir__refuses_a_file(void **state)
{
    struct vfs_contract *c = *state;
    struct vfs_dir *dir = NULL;
    uint64_t id = 0;

    contract_put_text(c, c->folder, "file", "x");
    id = contract_id(c, c->folder, "file");
    expect_code(c, ERR_NOT_FOLDER, vfs_opendir(c->vfs, &dir, id, NULL, NULL));
    vfs_forget(c->vfs, id, 1);
}

static void vfs_statfs__is_unknown_or_makes_sense(void **state)
{
    struct vfs_contract *c = *state;
    struct vfs_space space = {1, 2};

    expect_ok(c, vfs_statfs(c->vfs, &space, c->folder, NULL, NULL));
    assert_true(space.free_bytes <= space.total_bytes);
}

struct contract_list contract_folders(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(vfs_mkdir__refuses_what_is_there),
        cmocka_unit_test(vfs_rmdir__takes_empty_folders_only),
        cmocka_unit_test(vfs_unlink__and_rmdir_do_not_take_the_other_kind),
        cmocka_unit_test(vfs_readdir__lists_every_entry_once_in_windows_of_any_size),
        cmocka_unit_test(vfs_readdir__begins_again_at_zero_with_what_is_there_now),
        cmocka_unit_test(vfs_readdir__shows_what_stays_once_while_others_come_and_go),
        cmocka_unit_test(vfs_readdir__of_an_empty_folder_ends_at_once),
        cmocka_unit_test(vfs_opendir__refuses_a_file),
        cmocka_unit_test(vfs_statfs__is_unknown_or_makes_sense),
    };

    return (struct contract_list){tests, sizeof(tests) / sizeof(tests[0])};
}
