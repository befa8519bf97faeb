/* What policy and service keep a program from doing, and how it shows. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

static void put_many(struct fixture *f, const char *folder, unsigned count)
{
    char path[64];

    for (unsigned i = 0; i < count; i++) {
        snprintf(path, sizeof(path), "%s/file%u", folder, i);
        fake_put_text(f->fake, path, "x");
    }
}

static int unlink_number(struct fixture *f, uint64_t folder, unsigned number)
{
    char name[32];

    snprintf(name, sizeof(name), "file%u", number);
    return vfs_unlink(f->vfs, folder, name, NULL, NULL);
}

/* --- mass deletes --- */

static void online_unlink__fails_from_the_threshold_on_until_it_is_allowed(void **state)
{
    struct fixture *f = *state;
    struct online_vfs_deletes deletes = {0};
    uint64_t folder = 0;

    put_many(f, "folder", 20);
    f->options.delete_threshold = 5;
    online_vfs_configure(f->online, &f->options);
    fixture_list(f, "folder");
    folder = fixture_find(f, "folder", NULL);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(unlink_number(f, folder, i), 0);
    }
    fake_reset(f->fake);
    assert_int_equal(unlink_number(f, folder, 5), ERR_DENIED);
    assert_int_equal(unlink_number(f, folder, 6), ERR_DENIED);
    assert_int_equal(fake_count(f->fake, FAKE_DELETE), 0);
    assert_int_equal(fixture_list(f, "folder"), 15);
    online_vfs_deletes(f->online, &deletes);
    assert_true(deletes.is_paused);
    assert_int_equal(deletes.refused, 2);
    online_vfs_allow_deletes(f->online, 10);
    for (unsigned i = 5; i < 20; i++) {
        assert_int_equal(unlink_number(f, folder, i), 0);
    }
    online_vfs_deletes(f->online, &deletes);
    assert_false(deletes.is_paused);
    assert_true(deletes.allowed_ms > 0);
}

static void online_unlink__does_not_count_what_was_refused_or_never_sent(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = NULL;
    struct vfs_attr attr;
    uint64_t folder = 0;

    put_many(f, "folder", 5);
    f->options.delete_threshold = 2;
    online_vfs_configure(f->online, &f->options);
    fixture_list(f, "folder");
    folder = fixture_find(f, "folder", NULL);
    fake_fail(f->fake, FAKE_DELETE, ERR_DENIED, 0, 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(unlink_number(f, folder, 0), ERR_DENIED);
    }
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(vfs_create(f->vfs, &file, &attr, folder, "scratch", VFS_WRITE, NULL, NULL),
                         0);
        assert_int_equal(vfs_unlink(f->vfs, folder, "scratch", NULL, NULL), 0);
        vfs_close(f->vfs, file);
        vfs_forget(f->vfs, attr.id, 1);
    }
    assert_int_equal(unlink_number(f, folder, 0), 0);
    assert_int_equal(unlink_number(f, folder, 1), 0);
    assert_int_equal(unlink_number(f, folder, 2), ERR_DENIED);
}

static void online_unlink__drops_the_content_from_the_cache(void **state)
{
    struct fixture *f = *state;
    struct online_vfs_stats stats = {0};

    fake_put_text(f->fake, "folder/file", "content");
    assert_true(fixture_has_text(f, "folder/file", "content"));
    online_vfs_stats(f->online, &stats);
    assert_int_equal(stats.cache_bytes, 7);
    assert_int_equal(vfs_unlink(f->vfs, fixture_find(f, "folder", NULL), "file", NULL, NULL), 0);
    online_vfs_stats(f->online, &stats);
    assert_int_equal(stats.cache_bytes, 0);
}

static void online_unlink__that_is_refused_leaves_the_item_to_be_changed(void **state)
{
    struct fixture *f = *state;
    uint64_t folder = 0;

    put_many(f, "folder", 2);
    fixture_list(f, "folder");
    folder = fixture_find(f, "folder", NULL);
    fake_fail(f->fake, FAKE_DELETE, ERR_DENIED, 0, 1);
    assert_int_equal(unlink_number(f, folder, 0), ERR_DENIED);
    assert_int_equal(fixture_write_text(f, "folder", "file0", "still writable"), 0);
    assert_true(fake_has_text(f->fake, "folder/file0", "still writable"));
}

/* --- kinds of files --- */

static void block_extensions(struct fixture *f, struct str_list *list)
{
    assert_int_equal(str_list_add(list, ".exe", NULL), 0);
    assert_int_equal(str_list_add(list, "*.tar.gz", NULL), 0);
    f->options.blocked_extensions = list;
    online_vfs_configure(f->online, &f->options);
}

static void online_create__of_a_blocked_extension_is_denied(void **state)
{
    struct fixture *f = *state;
    struct str_list list = {0};
    struct vfs_attr attr;
    uint64_t folder = 0;

    fake_put_text(f->fake, "folder/setup.EXE", "there already");
    fake_put_text(f->fake, "folder/other.txt", "x");
    block_extensions(f, &list);
    fixture_list(f, "folder");
    folder = fixture_find(f, "folder", NULL);
    assert_int_equal(fixture_write_text(f, "folder", "a.exe", "x"), ERR_DENIED);
    assert_int_equal(fixture_write_text(f, "folder", "a.tar.gz", "x"), ERR_DENIED);
    assert_int_equal(fixture_write_text(f, "folder", "exe", "x"), 0);
    assert_int_equal(fixture_write_text(f, "folder", "a.gz", "x"), 0);
    assert_int_equal(vfs_rename(f->vfs, folder, "other.txt", folder, "other.Exe", 0, NULL, NULL),
                     ERR_DENIED);
    assert_int_equal(fixture_write_text(f, "folder", "setup.EXE", "changed"), ERR_DENIED);
    assert_int_not_equal(fixture_find(f, "folder/setup.EXE", &attr), 0);
    assert_true(attr.is_read_only);
    assert_true(fixture_has_text(f, "folder/setup.EXE", "there already"));
    assert_int_equal(vfs_mkdir(f->vfs, &attr, folder, "folder.exe", NULL, NULL), 0);
    vfs_forget(f->vfs, attr.id, 1);
    assert_int_equal(vfs_unlink(f->vfs, folder, "setup.EXE", NULL, NULL), 0);
    str_list_clear(&list);
}

/* --- who reads --- */

static void own_program(char *out, size_t size)
{
    char path[512] = {0};

    assert_true(readlink("/proc/self/exe", path, sizeof(path) - 1) > 0);
    snprintf(out, size, "%s", strrchr(path, '/') + 1);
}

static void online_open__by_a_scanner_causes_no_download(void **state)
{
    struct fixture *f = *state;
    struct vfs_call scan = {.pid = (uint32_t)getpid()};
    struct str_list list = {0};
    struct vfs_file *file = NULL;
    struct vfs_attr attr;
    char program[256];
    uint64_t id = 0;

    own_program(program, sizeof(program));
    fake_put_text(f->fake, "folder/file", "content");
    fixture_list(f, "folder");
    id = fixture_find(f, "folder/file", NULL);
    assert_int_equal(vfs_open(f->vfs, &file, id, VFS_READ, &scan, NULL), 0);
    vfs_close(f->vfs, file);
    assert_int_equal(str_list_add(&list, "some-indexer", NULL), 0);
    assert_int_equal(str_list_add(&list, program, NULL), 0);
    f->options.scanner_processes = &list;
    online_vfs_configure(f->online, &f->options);
    fake_reset(f->fake);
    assert_int_equal(vfs_open(f->vfs, &file, id, VFS_READ, &scan, NULL), ERR_DENIED);
    assert_int_equal(vfs_getattr(f->vfs, &attr, id, NULL, &scan, NULL), 0);
    assert_int_equal(attr.size_bytes, 7);
    assert_int_equal(fake_total(f->fake), 0);
    assert_true(fixture_has_text(f, "folder/file", "content"));
    assert_int_equal(vfs_open(f->vfs, &file, id, VFS_READ, &scan, NULL), 0); /* it is here now */
    vfs_close(f->vfs, file);
    str_list_clear(&list);
}

/* --- notebooks --- */

static void online_readdir__shows_a_notebook_as_a_link(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = NULL;
    struct vfs_attr attr;
    char expected[256];
    uint64_t folder = 0;

    fake_put_text(f->fake, "folder/file", "x");
    fake_make_notebook(f->fake, "folder/Plans");
    snprintf(expected, sizeof(expected),
             "[InternetShortcut]\r\nURL=https://contoso.sharepoint.com/notes/%s\r\n",
             fake_id(f->fake, "folder/Plans"));
    assert_int_not_equal(fixture_find(f, "folder/Plans.url", &attr), 0);
    assert_int_equal(fixture_list(f, "folder"), 2);
    folder = fixture_find(f, "folder", NULL);
    assert_int_equal(fixture_find(f, "folder/Plans", NULL), 0);
    assert_int_equal(attr.kind, VFS_FILE);
    assert_int_equal(attr.size_bytes, strlen(expected));
    assert_true(attr.is_read_only);
    fake_reset(f->fake);
    assert_true(fixture_has_text(f, "folder/Plans.url", expected));
    assert_int_equal(fake_total(f->fake), 0);
    assert_int_equal(vfs_open(f->vfs, &file, attr.id, VFS_WRITE, NULL, NULL), ERR_READ_ONLY);
    assert_int_equal(vfs_unlink(f->vfs, folder, "Plans.url", NULL, NULL), ERR_READ_ONLY);
    assert_int_equal(vfs_rename(f->vfs, folder, "Plans.url", folder, "x.url", 0, NULL, NULL),
                     ERR_READ_ONLY);
    assert_int_equal(fake_count(f->fake, FAKE_DELETE), 0);
}

/* --- a library to read --- */

static void online_write__shows_a_library_read_only_after_refusals(void **state)
{
    struct fixture *f = *state;
    struct vfs_attr attr;
    char name[32];
    uint64_t folder = 0;

    for (unsigned i = 0; i < 3; i++) {
        snprintf(name, sizeof(name), "folder%u", i);
        fake_mkdir(f->fake, name);
    }
    put_many(f, "other", 2);
    fixture_list(f, "");
    fake_fail(f->fake, FAKE_MKDIR, ERR_DENIED, 0, 100);
    for (unsigned i = 0; i < 3; i++) {
        snprintf(name, sizeof(name), "folder%u", i);
        folder = fixture_find(f, name, NULL);
        assert_int_equal(vfs_mkdir(f->vfs, &attr, folder, "new", NULL, NULL), ERR_DENIED);
    }
    assert_int_not_equal(fixture_find(f, "other", &attr), 0);
    assert_true(attr.is_read_only);
    assert_int_equal(vfs_mkdir(f->vfs, &attr, attr.id, "new", NULL, NULL), ERR_READ_ONLY);
    assert_int_equal(fake_count(f->fake, FAKE_MKDIR), 3);
}

#define LIMIT_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

static const struct CMUnitTest tests[] = {
    LIMIT_TEST(online_unlink__fails_from_the_threshold_on_until_it_is_allowed),
    LIMIT_TEST(online_unlink__does_not_count_what_was_refused_or_never_sent),
    LIMIT_TEST(online_unlink__drops_the_content_from_the_cache),
    LIMIT_TEST(online_unlink__that_is_refused_leaves_the_item_to_be_changed),
    LIMIT_TEST(online_create__of_a_blocked_extension_is_denied),
    LIMIT_TEST(online_open__by_a_scanner_causes_no_download),
    LIMIT_TEST(online_readdir__shows_a_notebook_as_a_link),
    LIMIT_TEST(online_write__shows_a_library_read_only_after_refusals),
};

TEST_MAIN("limits of the online vfs", tests)
