/*
 * Scratch files that stay here, and deletes and renames that wait: the rules, one by one. Whole
 * saves are in tests/saves.
 */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "local_only.h"
#include "still_clock.h"
#include "waiting.h"

#define HOUR_MS 3600000
#define WAIT_MS 20000

static struct str_list patterns;

static void begin(struct fixture *f)
{
    f->options.settle_ms = HOUR_MS; /* only when told to */
    f->options.local_only = &patterns;
    fixture_start(f);
}

static int setup(void **state)
{
    struct fixture *f = fixture_new();

    patterns = (struct str_list){.limit = 10};
    assert_int_equal(str_list_add(&patterns, "*.tmp", NULL), 0);
    assert_int_equal(str_list_add(&patterns, "~$*", NULL), 0);
    begin(f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    str_list_clear(&patterns);
    return fixture_teardown(state);
}

static int rename_file(struct fixture *f, const char *from, const char *to)
{
    return vfs_rename(f->vfs, f->root, from, f->root, to, 0, NULL, NULL);
}

static int unlink_file(struct fixture *f, const char *name)
{
    return vfs_unlink(f->vfs, f->root, name, NULL, NULL);
}

static bool is_there(struct fixture *f, const char *name)
{
    return fixture_find(f, name, NULL) != 0;
}

/* --- local-only --- */

static void local_only__asks_and_tells_the_server_nothing(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fixture_list(f, ""), 0);
    fake_reset(f->fake);
    assert_int_equal(fixture_write_text(f, "", "work.tmp", "scratch"), 0);
    assert_int_equal(fixture_write_text(f, "", "~$a.docx", "me"), 0);
    assert_true(fixture_has_text(f, "work.tmp", "scratch"));
    assert_int_equal(rename_file(f, "work.tmp", "other.tmp"), 0);
    assert_int_equal(fixture_write_text(f, "", "other.tmp", "again"), 0);
    assert_true(fixture_has_text(f, "other.tmp", "again"));
    assert_int_equal(fixture_list(f, ""), 2);
    assert_int_equal(unlink_file(f, "other.tmp"), 0);
    assert_int_equal(unlink_file(f, "~$a.docx"), 0);
    assert_int_equal(fixture_list(f, ""), 0);
    assert_int_equal(fake_total(f->fake), 0);
    assert_int_equal(fixture_unsaved(f), 0);
}

static void local_only__stays_when_the_folder_is_listed_anew(void **state)
{
    struct fixture *f = *state;
    struct online_vfs_options stale = f->options;

    assert_int_equal(fixture_write_text(f, "", "work.tmp", "scratch"), 0);
    stale.metadata_ms = 0;
    online_vfs_configure(f->online, &stale);
    fake_put_text(f->fake, "a.txt", "a");
    assert_int_equal(fixture_list(f, ""), 2);
    assert_true(fixture_has_text(f, "work.tmp", "scratch"));
}

static void local_only__with_another_name_is_saved_once(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fixture_write_text(f, "", "work.tmp", "scratch"), 0);
    assert_int_equal(rename_file(f, "work.tmp", "done.txt"), 0);
    assert_true(fake_has_text(f->fake, "done.txt", "scratch"));
    assert_int_equal(fake_versions(f->fake, "done.txt"), 1);
    assert_null(fake_id(f->fake, "work.tmp"));
}

static void local_only__of_the_server_is_an_ordinary_file(void **state)
{
    struct fixture *f = *state;

    fake_put_text(f->fake, "theirs.tmp", "theirs");
    assert_int_equal(fixture_list(f, ""), 1);
    assert_int_equal(fixture_write_text(f, "", "theirs.tmp", "mine"), 0);
    assert_true(fake_has_text(f->fake, "theirs.tmp", "mine"));
}

static void local_only__is_named_after_the_session_unless_worthless(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fixture_write_text(f, "", "work.tmp", "scratch"), 0);
    assert_int_equal(fixture_write_text(f, "", "empty.tmp", ""), 0);
    assert_int_equal(fixture_write_text(f, "", "~$a.docx", "me"), 0);
    fixture_stop(f);
    begin(f);
    assert_int_equal(fixture_unsaved(f), 1);
    assert_false(is_there(f, "work.tmp"));
}

static void local_only__needs_a_folder_that_may_be_written(void **state)
{
    struct fixture *f = *state;
    struct online_vfs_options read_only = f->options;

    read_only.is_read_only = true;
    online_vfs_configure(f->online, &read_only);
    assert_int_equal(fixture_write_text(f, "", "work.tmp", "x"), ERR_READ_ONLY);
}

static void name_is_temporary__knows_what_programs_make(void **state)
{
    static const char *const temporary[] = {"5F2A1C00", "20261024", ".photo.jpg.Ab3dEf",
                                            "a.txt~",   "atmp3f21", "b.part"};
    static const char *const lasting[] = {"5F2A1C0",  "Report.docx", ".bashrc", "5F2A1C00.xlsx",
                                          ".git.abc", "part",        "",        "x.bak"};

    (void)state;
    for (size_t i = 0; i < sizeof(temporary) / sizeof(temporary[0]); i++) {
        assert_true(name_is_temporary(temporary[i]));
    }
    for (size_t i = 0; i < sizeof(lasting) / sizeof(lasting[0]); i++) {
        assert_false(name_is_temporary(lasting[i]));
    }
}

/* --- what waits --- */

static void settle__shows_a_delete_at_once_and_sends_it_later(void **state)
{
    struct fixture *f = *state;
    struct online_vfs_options stale = f->options;

    fake_put_text(f->fake, "a.txt", "a");
    assert_int_equal(fixture_list(f, ""), 1);
    assert_int_equal(unlink_file(f, "a.txt"), 0);
    assert_non_null(fake_id(f->fake, "a.txt"));
    assert_false(is_there(f, "a.txt"));
    stale.metadata_ms = 0; /* the server still lists it */
    online_vfs_configure(f->online, &stale);
    assert_int_equal(fixture_list(f, ""), 0);
    assert_false(is_there(f, "a.txt"));
    assert_int_equal(online_vfs_settle(f->online, WAIT_MS), 0);
    assert_null(fake_id(f->fake, "a.txt"));
    assert_int_equal(fixture_list(f, ""), 0);
}

static void settle__sends_the_plain_rename_when_nothing_follows(void **state)
{
    struct fixture *f = *state;
    char id[64];

    fake_put_text(f->fake, "a.txt", "a");
    snprintf(id, sizeof(id), "%s", fake_id(f->fake, "a.txt"));
    assert_int_equal(rename_file(f, "a.txt", "a.bak"), 0);
    assert_non_null(fake_id(f->fake, "a.txt"));
    assert_true(fixture_has_text(f, "a.bak", "a"));
    assert_int_equal(online_vfs_settle(f->online, WAIT_MS), 0);
    assert_string_equal(fake_id(f->fake, "a.bak"), id);
    assert_true(fixture_has_text(f, "a.bak", "a"));
    assert_int_equal(fixture_list(f, ""), 1);
}

static void settle__lets_a_plain_rename_go_at_once(void **state)
{
    struct fixture *f = *state;

    fake_put_text(f->fake, "a.txt", "a");
    assert_int_equal(rename_file(f, "a.txt", "b.txt"), 0);
    assert_non_null(fake_id(f->fake, "b.txt"));
}

static void settle__undoes_a_delete_that_is_refused(void **state)
{
    struct fixture *f = *state;

    fake_put_text(f->fake, "held.txt", "held");
    assert_int_equal(fixture_list(f, ""), 1);
    fake_fail(f->fake, FAKE_DELETE, ERR_DENIED, 0, 1);
    assert_int_equal(unlink_file(f, "held.txt"), 0);
    assert_int_equal(online_vfs_settle(f->online, WAIT_MS), 0);
    assert_int_equal(fixture_list(f, ""), 1);
    assert_true(fixture_has_text(f, "held.txt", "held"));
}

static void settle__undoes_a_rename_that_is_refused(void **state)
{
    struct fixture *f = *state;

    fake_put_text(f->fake, "held.txt", "held");
    assert_int_equal(fixture_list(f, ""), 1);
    fake_fail(f->fake, FAKE_UPDATE, ERR_DENIED, 0, 1);
    assert_int_equal(rename_file(f, "held.txt", "held.bak"), 0);
    assert_int_equal(online_vfs_settle(f->online, WAIT_MS), 0);
    assert_true(is_there(f, "held.txt"));
    assert_false(is_there(f, "held.bak"));
}

static void settle__tries_again_when_the_line_is_dead(void **state)
{
    struct fixture *f = *state;

    fake_put_text(f->fake, "a.txt", "a");
    assert_int_equal(fixture_list(f, ""), 1);
    fake_fail(f->fake, FAKE_DELETE, ERR_UNREACHABLE, 0, 1);
    assert_int_equal(unlink_file(f, "a.txt"), 0);
    still_clock_begin(); /* not by itself */
    assert_int_equal(online_vfs_settle(f->online, 0), 1);
    waiting_until_tried(f);
    assert_false(is_there(f, "a.txt"));
    assert_int_equal(online_vfs_settle(f->online, WAIT_MS), 0);
    assert_null(fake_id(f->fake, "a.txt"));
}

static void settle__of_a_removed_tree_is_one_request(void **state)
{
    struct fixture *f = *state;
    uint64_t folder = 0;
    char name[32];

    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof(name), "tree/%d.txt", i);
        fake_put_text(f->fake, name, "x");
    }
    assert_int_equal(fixture_list(f, "tree"), 20);
    fake_reset(f->fake);
    folder = fixture_find(f, "tree", NULL);
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof(name), "%d.txt", i);
        assert_int_equal(vfs_unlink(f->vfs, folder, name, NULL, NULL), 0);
    }
    assert_int_equal(vfs_rmdir(f->vfs, f->root, "tree", NULL, NULL), 0);
    assert_int_equal(online_vfs_settle(f->online, WAIT_MS), 0);
    assert_int_equal(fake_count(f->fake, FAKE_DELETE), 1);
    assert_null(fake_id(f->fake, "tree"));
}

static void settle__makes_room_for_a_folder_of_that_name(void **state)
{
    struct fixture *f = *state;
    struct vfs_attr attr;

    fake_put_text(f->fake, "a", "a");
    assert_int_equal(fixture_list(f, ""), 1);
    assert_int_equal(unlink_file(f, "a"), 0);
    assert_int_equal(vfs_mkdir(f->vfs, &attr, f->root, "a", NULL, NULL), 0);
    vfs_forget(f->vfs, attr.id, 1);
    assert_int_equal(attr.kind, VFS_FOLDER);
}

static void settle__makes_room_for_another_document(void **state)
{
    struct fixture *f = *state;
    char id[64];

    fake_put_text(f->fake, "a.txt", "a");
    fake_put_text(f->fake, "b.txt", "b");
    snprintf(id, sizeof(id), "%s", fake_id(f->fake, "b.txt"));
    assert_int_equal(fixture_list(f, ""), 2);
    assert_int_equal(unlink_file(f, "a.txt"), 0);
    assert_int_equal(rename_file(f, "b.txt", "a.txt"), 0);
    assert_string_equal(fake_id(f->fake, "a.txt"), id);
    assert_true(fixture_has_text(f, "a.txt", "b"));
}

static void settle__at_the_end_is_done_by_draining(void **state)
{
    struct fixture *f = *state;

    fake_put_text(f->fake, "a.txt", "a");
    assert_int_equal(fixture_list(f, ""), 1);
    assert_int_equal(unlink_file(f, "a.txt"), 0);
    assert_int_equal(fixture_write_text(f, "", "20261024", "a diary"), 0);
    assert_null(fake_id(f->fake, "20261024"));
    assert_int_equal(online_vfs_drain(f->online, WAIT_MS), 0);
    assert_null(fake_id(f->fake, "a.txt"));
    assert_true(fake_has_text(f->fake, "20261024", "a diary"));
}

/* As the end of a session does it: without waiting first, to know whether to. */
static void settle__at_the_end_is_waited_for(void **state)
{
    struct fixture *f = *state;
    char name[32];

    fake_put_text(f->fake, "a.txt", "a");
    assert_int_equal(fixture_list(f, ""), 1);
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof(name), "202610%02d", i);
        assert_int_equal(fixture_write_text(f, "", name, "a diary"), 0);
    }
    assert_int_equal(unlink_file(f, "a.txt"), 0);
    if (online_vfs_drain(f->online, 0) > 0) {
        assert_int_equal(online_vfs_drain(f->online, WAIT_MS), 0);
    }
    assert_null(fake_id(f->fake, "a.txt"));
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof(name), "202610%02d", i);
        assert_true(fake_has_text(f->fake, name, "a diary"));
    }
    assert_int_equal(fixture_unsaved(f), 0);
}

static void settle__never_puts_content_over_another_users(void **state)
{
    struct fixture *f = *state;

    fake_put_text(f->fake, "a.txt", "old");
    assert_int_equal(fixture_list(f, ""), 1);
    assert_int_equal(fixture_write_text(f, "", "new.tmp", "mine"), 0);
    assert_int_equal(unlink_file(f, "a.txt"), 0);
    fake_put_text(f->fake, "a.txt", "theirs, meanwhile");
    assert_int_equal(rename_file(f, "new.tmp", "a.txt"), ERR_CHANGED);
    assert_true(fake_has_text(f->fake, "a.txt", "theirs, meanwhile"));
    assert_int_equal(fixture_unsaved(f), 1);
}

/* The server knows the file by its old name only, and no stream of changes covers it. */
static void settle_rename__is_not_undone_by_asking_for_the_new_name(void **state)
{
    struct fixture *f = *state;

    fake_put_text(f->fake, "a.txt", "text");
    fake_mkdir(f->fake, "folder");
    f->options.metadata_ms = 0;
    online_vfs_configure(f->online, &f->options);
    assert_true(is_there(f, "a.txt"));
    assert_int_equal(rename_file(f, "a.txt", "a.bak"), 0);
    assert_true(fake_has_text(f->fake, "a.txt", "text"));
    for (unsigned i = 0; i < 3; i++) {
        fake_resync(f->fake);
        assert_true(is_there(f, "a.bak"));
        fake_resync(f->fake);
        assert_int_equal(fixture_list(f, ""), 2);
    }
    assert_int_equal(online_vfs_settle(f->online, WAIT_MS), 0);
    assert_true(fake_has_text(f->fake, "a.bak", "text"));
    assert_int_equal(fake_size(f->fake, "a.txt"), -1);
}

static void settle_move__is_not_undone_by_listing_the_new_folder(void **state)
{
    struct fixture *f = *state;
    uint64_t folder = 0;

    fake_put_text(f->fake, "a.txt", "text");
    fake_mkdir(f->fake, "folder");
    f->options.metadata_ms = 0;
    online_vfs_configure(f->online, &f->options);
    folder = fixture_find(f, "folder", NULL);
    assert_true(is_there(f, "a.txt"));
    assert_int_equal(vfs_rename(f->vfs, f->root, "a.txt", folder, "a.bak", 0, NULL, NULL), 0);
    for (unsigned i = 0; i < 3; i++) {
        fake_resync(f->fake);
        assert_int_equal(fixture_list(f, "folder"), 1);
    }
    assert_int_equal(online_vfs_settle(f->online, WAIT_MS), 0);
    assert_true(fake_has_text(f->fake, "folder/a.bak", "text"));
}

/* --- what a program put aside cannot be sent --- */

/* "doc" was renamed to its backup, which becomes a file of its own when `source` takes its place; then
 * `call` fails once: the backup's content comes here, and is sent. */
static void put_aside(struct fixture *f, const char *source, enum fake_call call, int code,
                      char *id, size_t size)
{
    fake_put_text(f->fake, "doc", "old");
    fixture_restart(f);
    assert_int_equal(fixture_list(f, ""), 1);
    snprintf(id, size, "%s", fake_id(f->fake, "doc"));
    assert_int_equal(fixture_write_text(f, "", source, "new"), 0);
    assert_int_equal(rename_file(f, "doc", "doc.bak"), 0);
    fake_fail(f->fake, call, code, 0, 1);
}

/* The next version went where it belongs, whatever became of the backup. */
static void assert_replaced(struct fixture *f, const char *id)
{
    assert_true(fake_has_text(f->fake, "doc", "new"));
    assert_string_equal(fake_id(f->fake, "doc"), id);
    assert_true(fixture_has_text(f, "doc", "new"));
    assert_int_equal(fake_versions(f->fake, "doc"), 2);
}

/* By a rename, and the service answers so to the backup. */
static void replace_and_fail(struct fixture *f, int code)
{
    char id[64];

    put_aside(f, "work.tmp", FAKE_UPLOAD, code, id, sizeof(id));
    assert_int_equal(rename_file(f, "work.tmp", "doc"), 0);
    assert_replaced(f, id);
}

static void adopt__by_a_rename_outlives_the_backup(void **state)
{
    struct fixture *f = *state;

    replace_and_fail(f, ERR_UNREACHABLE);
    assert_true(fixture_has_text(f, "doc.bak", "old"));
    waiting_until_sent(f);
    assert_true(fake_has_text(f->fake, "doc.bak", "old"));
    assert_int_equal(fixture_list(f, ""), 2);
    assert_int_equal(fixture_unsaved(f), 0);
}

static void adopt__by_a_new_file_outlives_the_backup(void **state)
{
    struct fixture *f = *state;
    char id[64];

    put_aside(f, "work.tmp", FAKE_UPLOAD, ERR_UNREACHABLE, id, sizeof(id));
    assert_int_equal(fixture_write_text(f, "", "doc", "new"), 0);
    assert_replaced(f, id);
    waiting_until_sent(f);
    assert_true(fake_has_text(f->fake, "doc.bak", "old"));
    assert_int_equal(fixture_unsaved(f), 0);
}

/* What stays behind cannot be fetched: the program still has its new content where it wrote it, and goes
 * back to the backup. */
static void fail_to_adopt(struct fixture *f, const char *source)
{
    char id[64];

    put_aside(f, source, FAKE_DOWNLOAD, ERR_UNREACHABLE, id, sizeof(id));
    assert_int_equal(rename_file(f, source, "doc"), ERR_UNREACHABLE);
    assert_true(fixture_has_text(f, source, "new"));
    assert_false(is_there(f, "doc"));
    assert_int_equal(rename_file(f, "doc.bak", "doc"), 0);
    assert_true(fixture_has_text(f, "doc", "old"));
    assert_true(fixture_has_text(f, source, "new"));
    assert_int_equal(rename_file(f, "doc", "doc.bak"), 0);
    assert_int_equal(rename_file(f, source, "doc"), 0); /* once more */
    assert_replaced(f, id);
    assert_true(fixture_has_text(f, "doc.bak", "old"));
    assert_int_equal(fixture_list(f, ""), 2);
}

static void adopt__that_fails_leaves_a_scratch_file(void **state)
{
    fail_to_adopt(*state, "work.tmp");
}

static void adopt__that_fails_leaves_a_new_file_waiting(void **state)
{
    fail_to_adopt(*state, "1A2B3C4D");
}

/* Nobody is told by an error, since his own save is well: so it is listed. */
static void adopt__lists_a_backup_that_is_refused(void **state)
{
    struct fixture *f = *state;

    replace_and_fail(f, ERR_DENIED);
    assert_null(fake_id(f->fake, "doc.bak"));
    assert_int_equal(waiting_look_for(f, UPLOAD_UNSAVED).count, 1);
    assert_string_equal(waiting_look_for(f, UPLOAD_UNSAVED).path, "doc.bak");
}

int main(int argc, char **argv)
{
#define SAVE_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        SAVE_TEST(settle_rename__is_not_undone_by_asking_for_the_new_name),
        SAVE_TEST(settle_move__is_not_undone_by_listing_the_new_folder),
        SAVE_TEST(local_only__asks_and_tells_the_server_nothing),
        SAVE_TEST(local_only__stays_when_the_folder_is_listed_anew),
        SAVE_TEST(local_only__with_another_name_is_saved_once),
        SAVE_TEST(local_only__of_the_server_is_an_ordinary_file),
        SAVE_TEST(local_only__is_named_after_the_session_unless_worthless),
        SAVE_TEST(local_only__needs_a_folder_that_may_be_written),
        SAVE_TEST(name_is_temporary__knows_what_programs_make),
        SAVE_TEST(settle__shows_a_delete_at_once_and_sends_it_later),
        SAVE_TEST(settle__sends_the_plain_rename_when_nothing_follows),
        SAVE_TEST(settle__lets_a_plain_rename_go_at_once),
        SAVE_TEST(settle__undoes_a_delete_that_is_refused),
        SAVE_TEST(settle__undoes_a_rename_that_is_refused),
        SAVE_TEST(settle__tries_again_when_the_line_is_dead),
        SAVE_TEST(settle__of_a_removed_tree_is_one_request),
        SAVE_TEST(settle__makes_room_for_a_folder_of_that_name),
        SAVE_TEST(settle__makes_room_for_another_document),
        SAVE_TEST(settle__at_the_end_is_done_by_draining),
        SAVE_TEST(settle__at_the_end_is_waited_for),
        SAVE_TEST(settle__never_puts_content_over_another_users),
        SAVE_TEST(adopt__by_a_rename_outlives_the_backup),
        SAVE_TEST(adopt__by_a_new_file_outlives_the_backup),
        SAVE_TEST(adopt__that_fails_leaves_a_scratch_file),
        SAVE_TEST(adopt__that_fails_leaves_a_new_file_waiting),
        SAVE_TEST(adopt__lists_a_backup_that_is_refused),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests_name("saves on the online vfs", tests, NULL, NULL) ? 1 : 0;
}
