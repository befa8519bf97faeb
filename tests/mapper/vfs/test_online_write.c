/* What the online vfs promises beyond the contract: saves, the spool, who may write. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "still_clock.h"

/* --- writing --- */

static void online_create__is_one_request_in_a_listed_folder(void **state)
{
    struct fixture *f = *state;
    struct vfs_attr attr;
    char name[32];

    assert_int_equal(vfs_mkdir(f->vfs, &attr, f->root, "copied", NULL, NULL), 0);
    fake_reset(f->fake);
    for (unsigned i = 0; i < 50; i++) {
        snprintf(name, sizeof(name), "file%u", i);
        assert_int_equal(vfs_lookup(f->vfs, &attr, attr.id, "x", NULL, NULL), ERR_NOT_FOUND);
        assert_int_equal(fixture_write_text(f, "copied", name, name), 0);
    }
    assert_int_equal(fixture_list(f, "copied"), 50);
    assert_int_equal(fake_total(f->fake), 50);
}

static void online_create__of_an_empty_file_arrives(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fixture_write(f, "", "empty", "", 0), 0);
    assert_true(fake_has(f->fake, "empty", "", 0));
    assert_int_equal(fake_versions(f->fake, "empty"), 1);
    fake_put_text(f->fake, "full", "content");
    assert_int_equal(fixture_write(f, "", "full", "", 0), 0);
    assert_true(fake_has(f->fake, "full", "", 0));
    assert_int_equal(fixture_unsaved(f), 0);
}

/* A shell opens the file, duplicates the handle, closes the first and writes to the second. */
static void online_flush__before_the_first_write_sends_nothing_yet(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = NULL;
    struct vfs_attr attr;

    assert_int_equal(
        vfs_create(f->vfs, &file, &attr, f->root, "out", VFS_WRITE | VFS_TRUNCATE, NULL, NULL), 0);
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), 0);
    assert_int_equal(fake_count(f->fake, FAKE_UPLOAD), 0);
    assert_int_not_equal(fixture_find(f, "out", NULL), 0);
    assert_int_equal(vfs_write(f->vfs, file, "hi\n", 3, 0, NULL, NULL), 0);
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), 0);
    assert_true(fake_has_text(f->fake, "out", "hi\n"));
    assert_int_equal(fake_count(f->fake, FAKE_UPLOAD), 1);
    vfs_close(f->vfs, file);
    assert_int_equal(fake_versions(f->fake, "out"), 1);
    vfs_forget(f->vfs, attr.id, 1);
}

static void online_fsync__of_an_empty_file_sends_it(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = NULL;
    struct vfs_attr attr;

    assert_int_equal(vfs_create(f->vfs, &file, &attr, f->root, "a", VFS_WRITE, NULL, NULL), 0);
    assert_int_equal(vfs_fsync(f->vfs, file, NULL, NULL), 0);
    assert_true(fake_has(f->fake, "a", "", 0));
    vfs_close(f->vfs, file);
}

static void online_setattr__of_times_before_the_save_makes_one_version(void **state)
{
    struct fixture *f = *state;
    struct vfs_set set = {.flags = VFS_SET_MODIFIED, .modified_ms = 1600000000000};
    struct vfs_file *file = NULL;
    struct vfs_attr attr;

    assert_int_equal(vfs_create(f->vfs, &file, &attr, f->root, "a", VFS_WRITE, NULL, NULL), 0);
    assert_int_equal(vfs_write(f->vfs, file, "x", 1, 0, NULL, NULL), 0);
    assert_int_equal(vfs_setattr(f->vfs, &attr, attr.id, file, &set, NULL, NULL), 0);
    assert_true(attr.modified_ms == 1600000000000);
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), 0);
    vfs_close(f->vfs, file);
    assert_true(fake_modified(f->fake, "a") == 1600000000000);
    assert_int_equal(fake_total(f->fake), 3); /* look for the name, learn the root's id, upload */
    set.modified_ms = 1500000000000;
    assert_int_equal(vfs_setattr(f->vfs, &attr, attr.id, NULL, &set, NULL, NULL), 0);
    assert_int_equal(fake_count(f->fake, FAKE_UPDATE), 1);
    assert_true(fake_modified(f->fake, "a") == 1500000000000);
}

/* "touch -d": the request that makes an empty file takes no times along. */
static void touch(struct fixture *f, const char *name)
{
    struct vfs_set set = {.flags = VFS_SET_MODIFIED, .modified_ms = 1600000000000};
    struct vfs_file *file = NULL;
    struct vfs_attr attr;

    assert_int_equal(vfs_create(f->vfs, &file, &attr, f->root, name, VFS_WRITE, NULL, NULL), 0);
    assert_int_equal(vfs_setattr(f->vfs, &attr, attr.id, file, &set, NULL, NULL), 0);
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), 0);
    vfs_close(f->vfs, file);
    assert_int_equal(online_vfs_wait_uploads(f->online, 20000), 0);
    vfs_forget(f->vfs, attr.id, 1);
    assert_int_equal(fake_size(f->fake, name), 0);
    assert_true(fake_modified(f->fake, name) == 1600000000000);
    assert_int_not_equal(fixture_find(f, name, &attr), 0);
    assert_true(attr.modified_ms == 1600000000000);
}

static void online_setattr__of_times_of_a_new_empty_file_arrives(void **state)
{
    struct fixture *f = *state;

    touch(f, "before close");
    f->options.saves_in_background = true;
    online_vfs_configure(f->online, &f->options);
    touch(f, "in the background");
}

static void online_setattr__of_times_that_are_forbidden_keeps_no_save(void **state)
{
    struct vfs_set set = {.flags = VFS_SET_MODIFIED, .modified_ms = 1600000000000};
    struct fixture *f = *state;
    struct vfs_file *file = NULL;
    struct vfs_attr attr;

    f->options.saves_in_background = true;
    online_vfs_configure(f->online, &f->options);
    fake_fail(f->fake, FAKE_UPDATE, ERR_DENIED, 0, UINT32_MAX);
    assert_int_equal(vfs_create(f->vfs, &file, &attr, f->root, "a", VFS_WRITE, NULL, NULL), 0);
    assert_int_equal(vfs_setattr(f->vfs, &attr, attr.id, file, &set, NULL, NULL), 0);
    vfs_close(f->vfs, file);
    vfs_forget(f->vfs, attr.id, 1);
    assert_int_equal(online_vfs_wait_uploads(f->online, 20000), 0);
    assert_int_equal(fake_size(f->fake, "a"), 0);
    assert_int_equal(fake_count(f->fake, FAKE_UPDATE), 1);
    assert_int_equal(fixture_unsaved(f), 0);
}

static void online_setattr__of_times_of_an_empty_file_that_fails_may_be_repeated(void **state)
{
    struct vfs_set set = {.flags = VFS_SET_MODIFIED, .modified_ms = 1600000000000};
    struct fixture *f = *state;
    struct vfs_file *file = NULL;
    struct vfs_attr attr;

    assert_int_equal(vfs_create(f->vfs, &file, &attr, f->root, "a", VFS_WRITE, NULL, NULL), 0);
    assert_int_equal(vfs_setattr(f->vfs, &attr, attr.id, file, &set, NULL, NULL), 0);
    fake_fail(f->fake, FAKE_UPDATE, ERR_THROTTLED, 0, 1);
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), ERR_THROTTLED);
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), 0);
    vfs_close(f->vfs, file);
    vfs_forget(f->vfs, attr.id, 1);
    assert_true(fake_modified(f->fake, "a") == 1600000000000);
    assert_int_equal(fake_children(f->fake, ""), 1);
}

static void online_write__to_a_part_sends_all_of_the_file(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = NULL;
    unsigned char *want = malloc(300000);

    for (size_t i = 0; i < 300000; i++) {
        want[i] = fake_byte(i);
    }
    fake_put(f->fake, "a", want, 300000);
    assert_int_equal(
        vfs_open(f->vfs, &file, fixture_find(f, "a", NULL), VFS_READ | VFS_WRITE, NULL, NULL), 0);
    assert_int_equal(vfs_write(f->vfs, file, "patch", 5, 100000, NULL, NULL), 0);
    assert_int_equal(fake_count(f->fake, FAKE_DOWNLOAD), 0);
    assert_int_equal(vfs_write(f->vfs, file, "end", 3, 300000, NULL, NULL), 0);
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), 0);
    vfs_close(f->vfs, file);
    memcpy(want + 100000, "patch", 5);
    want = realloc(want, 300003);
    memcpy(want + 300000, "end", 3);
    assert_true(fake_has(f->fake, "a", want, 300003));
    free(want);
}

static void online_write__over_all_of_a_file_fetches_nothing(void **state)
{
    struct fixture *f = *state;

    fake_put_large(f->fake, "a", 5000000);
    assert_int_equal(fixture_write_text(f, "", "a", "short"), 0);
    assert_true(fake_has_text(f->fake, "a", "short"));
    assert_int_equal(fake_count(f->fake, FAKE_DOWNLOAD), 0);
}

static void online_read__after_a_save_asks_nothing(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fixture_write_text(f, "", "a", "saved here"), 0);
    fake_reset(f->fake);
    assert_true(fixture_has_text(f, "a", "saved here"));
    assert_int_equal(fake_total(f->fake), 0);
}

static void online_unlink__of_an_unsent_file_sends_nothing(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = NULL;
    struct vfs_attr attr;

    assert_int_equal(vfs_create(f->vfs, &file, &attr, f->root, "a", VFS_WRITE, NULL, NULL), 0);
    assert_int_equal(vfs_write(f->vfs, file, "x", 1, 0, NULL, NULL), 0);
    fake_reset(f->fake);
    assert_int_equal(vfs_unlink(f->vfs, f->root, "a", NULL, NULL), 0);
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), 0);
    vfs_close(f->vfs, file);
    assert_int_equal(fake_total(f->fake), 0);
    assert_int_equal(fixture_unsaved(f), 0);
}

static void online_rename__of_a_saved_temporary_keeps_the_old_item(void **state)
{
    struct fixture *f = *state;
    char id[40];

    fake_put_text(f->fake, "report", "old");
    snprintf(id, sizeof(id), "%s", fake_id(f->fake, "report"));
    still_clock_begin(); /* what was saved a moment ago is known */
    fixture_list(f, "");
    assert_int_equal(fixture_write_text(f, "", "report.tmp", "new"), 0);
    fake_reset(f->fake);
    assert_int_equal(vfs_rename(f->vfs, f->root, "report.tmp", f->root, "report", 0, NULL, NULL),
                     0);
    assert_string_equal(fake_id(f->fake, "report"), id);
    assert_true(fake_has_text(f->fake, "report", "new"));
    assert_int_equal(fake_versions(f->fake, "report"), 2);
    assert_null(fake_id(f->fake, "report.tmp"));
    assert_int_equal(fake_total(f->fake), 2); /* upload, delete: the bytes are here */
}

static void online_rename__of_a_large_remote_file_moves_the_old_one_aside(void **state)
{
    struct fixture *f = *state;
    char id[40];

    fake_put_large(f->fake, "large", 200u * 1024 * 1024);
    fake_put_text(f->fake, "target", "old");
    snprintf(id, sizeof(id), "%s", fake_id(f->fake, "large"));
    assert_int_equal(vfs_rename(f->vfs, f->root, "large", f->root, "target", 0, NULL, NULL), 0);
    assert_string_equal(fake_id(f->fake, "target"), id);
    assert_int_equal(fixture_list(f, ""), 1);
    assert_int_equal(fake_downloaded(f->fake), 0);
}

/* The handle goes with the content, and was not written before. */
static void online_rename__of_an_open_file_onto_another_takes_later_writes(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = NULL;
    char *id = NULL;

    fake_put_text(f->fake, "a", "what comes");
    fake_put_text(f->fake, "b", "old");
    assert_int_equal(str_copy(&id, fake_id(f->fake, "b"), NULL), 0);
    assert_int_equal(
        vfs_open(f->vfs, &file, fixture_find(f, "a", NULL), VFS_READ | VFS_WRITE, NULL, NULL), 0);
    assert_int_equal(vfs_rename(f->vfs, f->root, "a", f->root, "b", 0, NULL, NULL), 0);
    assert_true(fake_has_text(f->fake, "b", "what comes"));
    assert_int_equal(vfs_write(f->vfs, file, "came", 4, 5, NULL, NULL), 0);
    assert_true(fixture_has_text(f, "b", "what cames"));
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), 0);
    vfs_close(f->vfs, file);
    assert_true(fake_has_text(f->fake, "b", "what cames"));
    assert_string_equal(fake_id(f->fake, "b"), id);
    assert_int_equal(fake_versions(f->fake, "b"), 3);
    assert_int_equal(fake_children(f->fake, ""), 1);
    assert_true(fixture_has_text(f, "b", "what cames"));
    assert_int_equal(fixture_unsaved(f), 0);
    free(id);
}

/* ... and one that nothing is written to makes no version of its own. */
static void online_rename__of_an_open_file_that_fails_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = NULL;

    fake_put_text(f->fake, "a", "what comes");
    fake_put_text(f->fake, "b", "old");
    assert_int_equal(
        vfs_open(f->vfs, &file, fixture_find(f, "a", NULL), VFS_READ | VFS_WRITE, NULL, NULL), 0);
    fake_fail(f->fake, FAKE_UPLOAD, ERR_SERVER, 0, 1);
    assert_int_equal(vfs_rename(f->vfs, f->root, "a", f->root, "b", 0, NULL, NULL), ERR_SERVER);
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), 0);
    vfs_close(f->vfs, file);
    assert_int_equal(fake_versions(f->fake, "a"), 1);
    assert_true(fake_has_text(f->fake, "b", "old"));
    assert_true(fixture_has_text(f, "a", "what comes"));
    assert_int_equal(fixture_unsaved(f), 0);
}

static void online_rename__that_fails_leaves_both(void **state)
{
    struct fixture *f = *state;

    fake_put_text(f->fake, "a", "source");
    fake_put_text(f->fake, "b", "target");
    fixture_list(f, "");
    fake_fail(f->fake, FAKE_UPLOAD, ERR_SERVER, 0, 1);
    assert_int_equal(vfs_rename(f->vfs, f->root, "a", f->root, "b", 0, NULL, NULL), ERR_SERVER);
    assert_true(fixture_has_text(f, "a", "source"));
    assert_true(fixture_has_text(f, "b", "target"));
    fake_put_text(f->fake, "b", "somebody's");
    assert_int_equal(vfs_rename(f->vfs, f->root, "a", f->root, "b", 0, NULL, NULL), ERR_CHANGED);
    assert_true(fake_has_text(f->fake, "b", "somebody's"));
    assert_true(fake_has_text(f->fake, "a", "source"));
}

/* --- saves that fail --- */

struct seen {
    unsigned count;
    char path[64];
    char reason[200];
    char text[64];
};

static void see(void *payload, const struct online_vfs_unsaved *unsaved)
{
    struct seen *seen = payload;
    FILE *file = fopen(unsaved->spool_file, "r");

    seen->count++;
    snprintf(seen->path, sizeof(seen->path), "%s:%s", unsaved->key, unsaved->path);
    snprintf(seen->reason, sizeof(seen->reason), "%s", unsaved->reason);
    assert_non_null(file);
    assert_true(fread(seen->text, 1, sizeof(seen->text) - 1, file) == unsaved->size_bytes);
    fclose(file);
}

static void online_flush__that_fails_keeps_the_bytes_over_a_restart(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};

    fake_mkdir(f->fake, "fold er");
    fake_fail(f->fake, FAKE_UPLOAD, ERR_NO_SPACE, 0, 100);
    assert_int_equal(fixture_write_text(f, "fold er", "a%b.txt", "precious"), ERR_NO_SPACE);
    assert_int_equal(fixture_find(f, "fold er/a%b.txt", NULL), 0);
    fixture_restart(f);
    assert_int_equal(online_vfs_visit_unsaved(f->online, see, &seen, NULL), 0);
    assert_int_equal(seen.count, 1);
    assert_string_equal(seen.path, "library:fold er/a%b.txt");
    assert_string_equal(seen.text, "precious");
    assert_string_equal(seen.reason, "the test wants this to fail; make room, then save again");
}

static void online_flush__that_failed_may_be_repeated(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = NULL;
    struct vfs_attr attr;

    assert_int_equal(vfs_create(f->vfs, &file, &attr, f->root, "a", VFS_WRITE, NULL, NULL), 0);
    assert_int_equal(vfs_write(f->vfs, file, "x", 1, 0, NULL, NULL), 0);
    fake_fail(f->fake, FAKE_UPLOAD, ERR_UNREACHABLE, 0, 1);
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), ERR_UNREACHABLE);
    assert_int_equal(fixture_unsaved(f), 1);
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), 0);
    assert_int_equal(fixture_unsaved(f), 0);
    vfs_close(f->vfs, file);
    assert_true(fake_has_text(f->fake, "a", "x"));
}

static void online_flush__onto_a_name_that_somebody_took_fails(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = NULL;
    struct vfs_attr attr;

    fixture_list(f, "");
    assert_int_equal(vfs_create(f->vfs, &file, &attr, f->root, "a", VFS_WRITE, NULL, NULL), 0);
    assert_int_equal(vfs_write(f->vfs, file, "mine", 4, 0, NULL, NULL), 0);
    fake_put_text(f->fake, "a", "theirs");
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), ERR_EXISTS);
    vfs_close(f->vfs, file);
    assert_true(fake_has_text(f->fake, "a", "theirs"));
    assert_int_equal(fixture_unsaved(f), 1);
}

static void online_drain__lets_no_new_save_start(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(online_vfs_drain(f->online, 10), 0);
    assert_int_equal(fixture_write_text(f, "", "a", "x"), ERR_UNREACHABLE);
    assert_int_equal(fixture_unsaved(f), 1);
}

/* --- who may --- */

static void online_open__knows_infected_and_checked_out(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = NULL;
    struct vfs_attr attr;

    fake_put_text(f->fake, "virus", "x");
    fake_mark(f->fake, "virus", true, NULL);
    fake_put_text(f->fake, "theirs", "x");
    fake_mark(f->fake, "theirs", false, "ben");
    fake_put_text(f->fake, "mine", "x");
    fake_mark(f->fake, "mine", false, "me");
    fixture_list(f, "");
    assert_int_equal(vfs_open(f->vfs, &file, fixture_find(f, "virus", NULL), VFS_READ, NULL, NULL),
                     ERR_DENIED);
    assert_int_equal(
        vfs_open(f->vfs, &file, fixture_find(f, "theirs", &attr), VFS_WRITE, NULL, NULL),
        ERR_READ_ONLY);
    assert_true(attr.is_read_only);
    assert_int_equal(vfs_open(f->vfs, &file, fixture_find(f, "mine", &attr), VFS_WRITE, NULL, NULL),
                     0);
    assert_false(attr.is_read_only);
    vfs_close(f->vfs, file);
}

static void online_calls__change_nothing_in_a_read_only_library(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = NULL;
    struct vfs_attr attr;

    fake_put_text(f->fake, "a", "x");
    fake_mkdir(f->fake, "d");
    fixture_list(f, "");
    f->options.is_read_only = true;
    online_vfs_configure(f->online, &f->options);
    assert_int_equal(vfs_create(f->vfs, &file, &attr, f->root, "b", VFS_WRITE, NULL, NULL),
                     ERR_READ_ONLY);
    assert_int_equal(vfs_mkdir(f->vfs, &attr, f->root, "e", NULL, NULL), ERR_READ_ONLY);
    assert_int_equal(vfs_unlink(f->vfs, f->root, "a", NULL, NULL), ERR_READ_ONLY);
    assert_int_equal(vfs_rmdir(f->vfs, f->root, "d", NULL, NULL), ERR_READ_ONLY);
    assert_int_equal(vfs_rename(f->vfs, f->root, "a", f->root, "c", 0, NULL, NULL), ERR_READ_ONLY);
    assert_int_equal(vfs_open(f->vfs, &file, fixture_find(f, "a", &attr), VFS_WRITE, NULL, NULL),
                     ERR_READ_ONLY);
    assert_true(attr.is_read_only);
    assert_true(fixture_has_text(f, "a", "x"));
}

static void online_write__remembers_that_the_service_denied_it(void **state)
{
    struct fixture *f = *state;
    struct vfs_attr attr;

    fake_put_text(f->fake, "a", "x");
    fake_fail(f->fake, FAKE_UPLOAD, ERR_DENIED, 0, 1);
    assert_int_equal(fixture_write_text(f, "", "a", "y"), ERR_DENIED);
    fixture_find(f, "a", &attr);
    assert_true(attr.is_read_only);
    assert_int_equal(fixture_write_text(f, "", "a", "y"), ERR_READ_ONLY);
}

static void online_unlink__of_what_is_open_lets_it_be_read_on(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = NULL;
    char data[16];
    size_t got = 0;

    fake_put_text(f->fake, "a", "still here");
    assert_int_equal(vfs_open(f->vfs, &file, fixture_find(f, "a", NULL), VFS_READ, NULL, NULL), 0);
    assert_int_equal(vfs_unlink(f->vfs, f->root, "a", NULL, NULL), 0);
    assert_null(fake_id(f->fake, "a"));
    assert_int_equal(vfs_read(f->vfs, file, data, 16, 0, &got, NULL, NULL), 0);
    assert_int_equal(got, 10);
    vfs_close(f->vfs, file);
}

#define ONLINE_TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

static const struct CMUnitTest tests[] = {
    ONLINE_TEST(online_create__is_one_request_in_a_listed_folder),
    ONLINE_TEST(online_create__of_an_empty_file_arrives),
    ONLINE_TEST(online_flush__before_the_first_write_sends_nothing_yet),
    ONLINE_TEST(online_fsync__of_an_empty_file_sends_it),
    ONLINE_TEST(online_setattr__of_times_before_the_save_makes_one_version),
    ONLINE_TEST(online_setattr__of_times_of_a_new_empty_file_arrives),
    ONLINE_TEST(online_setattr__of_times_that_are_forbidden_keeps_no_save),
    ONLINE_TEST(online_setattr__of_times_of_an_empty_file_that_fails_may_be_repeated),
    ONLINE_TEST(online_write__to_a_part_sends_all_of_the_file),
    ONLINE_TEST(online_write__over_all_of_a_file_fetches_nothing),
    ONLINE_TEST(online_read__after_a_save_asks_nothing),
    ONLINE_TEST(online_unlink__of_an_unsent_file_sends_nothing),
    ONLINE_TEST(online_rename__of_a_saved_temporary_keeps_the_old_item),
    ONLINE_TEST(online_rename__of_a_large_remote_file_moves_the_old_one_aside),
    ONLINE_TEST(online_rename__of_an_open_file_onto_another_takes_later_writes),
    ONLINE_TEST(online_rename__of_an_open_file_that_fails_changes_nothing),
    ONLINE_TEST(online_rename__that_fails_leaves_both),
    ONLINE_TEST(online_flush__that_fails_keeps_the_bytes_over_a_restart),
    ONLINE_TEST(online_flush__that_failed_may_be_repeated),
    ONLINE_TEST(online_flush__onto_a_name_that_somebody_took_fails),
    ONLINE_TEST(online_drain__lets_no_new_save_start),
    ONLINE_TEST(online_open__knows_infected_and_checked_out),
    ONLINE_TEST(online_calls__change_nothing_in_a_read_only_library),
    ONLINE_TEST(online_write__remembers_that_the_service_denied_it),
    ONLINE_TEST(online_unlink__of_what_is_open_lets_it_be_read_on),
};

TEST_MAIN("writing through the online vfs", tests)
