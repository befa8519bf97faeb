/*
 * A file is deleted, which settles, while what was closed of it waits to be sent: whether the delete
 * is the middle of a save is not known yet, so no crash may lose that content.
 */
#include "fixture.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "waiting.h"

#define WAIT_MS 20000

struct shelf {
    struct fixture *f;
    char id[64]; /* of "doc" */
};

static struct shelf test;

static int setup(void **state)
{
    struct fixture *f = fixture_new_settling();

    f->options.upload_delay_ms = WAITING_NEVER_MS;
    fixture_start(f);
    fake_put_text(f->fake, "doc", "old");
    assert_int_equal(fixture_list(f, ""), 1);
    test.f = f;
    snprintf(test.id, sizeof(test.id), "%s", fake_id(f->fake, "doc"));
    assert_int_equal(fixture_write_text(f, "", "doc", "unsent"), 0);
    *state = f;
    return 0;
}

static unsigned settling(struct fixture *f)
{
    return waiting_look_for(f, UPLOAD_SETTLING).count;
}

static struct waiting_seen waiting(struct fixture *f)
{
    return waiting_look_for(f, UPLOAD_WAITING);
}

/* All that can be done is, and nothing is left. */
static void finish(struct fixture *f)
{
    assert_int_equal(online_vfs_settle(f->online, WAIT_MS), 0);
    for (int i = 0; i < WAIT_MS / 10 && waiting_look(f).count > 0; i++) {
        (void)online_vfs_retry_uploads(f->online, waiting_look(f).id, NULL,
                                       NULL); /* now, or sent */
        usleep(10000);
    }
    assert_int_equal(waiting_look(f).count, 0);
    assert_int_equal(fixture_unsaved(f), 0);
}

/* One file, the item of before; "": none. */
static void assert_only_doc(struct fixture *f, const char *text)
{
    unsigned count = *text ? 1 : 0;

    assert_int_equal(fake_children(f->fake, ""), count);
    assert_int_equal(fixture_list(f, ""), count);
    if (*text) {
        assert_true(fake_has_text(f->fake, "doc", text));
        assert_string_equal(fake_id(f->fake, "doc"), test.id);
        assert_true(fixture_has_text(f, "doc", text));
    }
}

/* Not while a try of it is on its way. */
static void give_up_delete(struct fixture *f)
{
    int code = ERR_BUSY;

    for (int i = 0; i < WAIT_MS && code == ERR_BUSY; i++) {
        code = online_vfs_discard_upload(f->online, waiting_look_for(f, UPLOAD_SETTLING).id, NULL);
        usleep(code == ERR_BUSY ? 1000 : 0);
    }
    assert_int_equal(code, 0);
}

static void shelf_delete__sends_nothing_and_says_so(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    unsigned count = 77;

    assert_int_equal(fixture_delete(f, "doc"), 0);
    assert_int_equal(settling(f), 1);
    assert_int_equal(waiting(f).count, 1);
    assert_non_null(strstr(waiting(f).reason, "deleted"));
    assert_int_equal(fixture_list(f, ""), 0);
    assert_int_equal(fixture_unsaved(f), 0);
    assert_int_equal(online_vfs_retry_uploads(f->online, NULL, &count, NULL), 0);
    assert_int_equal(count, 0);
    assert_int_equal(online_vfs_retry_uploads(f->online, waiting(f).id, &count, &err),
                     ERR_NOT_PERMITTED);
    assert_non_null(strstr(err.message, waiting(f).id));
    assert_non_null(strstr(err.message, "deleted"));
    assert_int_equal(waiting(f).count, 1);
    finish(f);
    assert_only_doc(f, "");
    assert_false(fake_ever_held(f->fake, "unsent", 6));
}

static void shelf_crash__in_the_middle_of_a_save_loses_no_content(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fixture_delete(f, "doc"), 0);
    fixture_crash(f, false);
    finish(f);
    assert_only_doc(f, "unsent");
}

/* The program has the file open, and goes on in what is its own alone. */
static void shelf_handle__does_not_change_what_waits(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = fixture_open(f, "doc", VFS_READ | VFS_WRITE);

    assert_int_equal(fixture_delete(f, "doc"), 0);
    fixture_write_at(f, file, "other", 0);
    vfs_close(f->vfs, file);
    fixture_crash(f, false);
    finish(f);
    assert_only_doc(f, "unsent");
}

static void shelf_refused__is_sent_as_before(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fixture_delete(f, "doc"), 0);
    fake_fail(f->fake, FAKE_DELETE, ERR_DENIED, 0, 1);
    assert_int_equal(online_vfs_settle(f->online, WAIT_MS), 0);
    assert_int_equal(fixture_list(f, ""), 1);
    assert_true(fixture_has_text(f, "doc", "unsent"));
    assert_true(fake_has_text(f->fake, "doc", "old"));
    finish(f);
    assert_only_doc(f, "unsent");
}

static void shelf_discard__of_the_delete_shows_what_waits(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fixture_delete(f, "doc"), 0);
    give_up_delete(f);
    assert_int_equal(settling(f), 0);
    assert_true(fixture_has_text(f, "doc", "unsent"));
    finish(f);
    assert_only_doc(f, "unsent");
}

static void shelf_discard__of_what_waits_leaves_the_delete(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fixture_delete(f, "doc"), 0);
    assert_int_equal(online_vfs_discard_upload(f->online, waiting(f).id, NULL), 0);
    assert_int_equal(waiting(f).count, 0);
    assert_int_equal(settling(f), 1);
    fixture_crash(f, false);
    finish(f);
    assert_only_doc(f, "old");
}

/* Handles of before the delete do not write into the file that others read and write now. */
static void shelf_refused__has_a_file_of_its_own(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *before = fixture_open(f, "doc", VFS_READ | VFS_WRITE);
    struct vfs_file *after = NULL;

    assert_int_equal(fixture_delete(f, "doc"), 0);
    fake_fail(f->fake, FAKE_DELETE, ERR_DENIED, 0, 1);
    assert_int_equal(online_vfs_settle(f->online, WAIT_MS), 0);
    assert_int_equal(fixture_list(f, ""), 1);
    after = fixture_open(f, "doc", VFS_READ | VFS_WRITE);
    fixture_write_at(f, after, " and more", 6);
    fixture_write_at(f, before, "??", 6);
    fixture_write_at(f, before, "????", 0);
    assert_int_equal(vfs_flush(f->vfs, after, NULL, NULL), 0);
    vfs_close(f->vfs, before);
    vfs_close(f->vfs, after);
    finish(f);
    assert_only_doc(f, "unsent and more");
}

static void shelf_adopt__by_a_new_file_takes_its_place(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fixture_delete(f, "doc"), 0);
    assert_int_equal(fixture_write_text(f, "", "doc", "new"), 0);
    assert_int_equal(settling(f), 0);
    assert_int_equal(waiting(f).count, 1);
    fixture_crash(f, false);
    finish(f);
    assert_only_doc(f, "new");
    assert_false(fake_ever_held(f->fake, "unsent", 6));
    assert_int_equal(fake_versions(f->fake, "doc"), 2);
}

/* Between the place and the save of the new file: what was there is sent. */
static void shelf_adopt__keeps_it_until_the_new_one_is_safe(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = NULL;
    struct vfs_attr attr;
    char image[160];

    assert_int_equal(fixture_delete(f, "doc"), 0);
    assert_int_equal(
        vfs_create(f->vfs, &file, &attr, f->root, "doc", VFS_READ | VFS_WRITE, NULL, NULL), 0);
    fixture_write_at(f, file, "half", 0);
    fixture_kill(f, image, sizeof(image));
    vfs_close(f->vfs, file);
    vfs_forget(f->vfs, attr.id, 1);
    fixture_begin_next(f, image, false);
    assert_int_equal(online_vfs_settle(f->online, WAIT_MS), 0);
    waiting_until_sent(f);
    assert_true(fake_has_text(f->fake, "doc", "unsent"));
    assert_string_equal(fake_id(f->fake, "doc"), test.id);
}

static void shelf_adopt__by_a_file_that_waits_is_one_row(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fixture_write_text(f, "", "fresh", "new"), 0);
    assert_int_equal(fixture_delete(f, "doc"), 0);
    assert_int_equal(fixture_rename(f, "fresh", "doc"), 0);
    assert_int_equal(waiting_look(f).count, 1);
    fixture_crash(f, false);
    finish(f);
    assert_only_doc(f, "new");
    assert_false(fake_ever_held(f->fake, "unsent", 6));
}

/* A scratch name: the new file was not to be sent, but is in the journal. */
static void shelf_adopt__by_a_temporary_file_is_one_row(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fixture_write_text(f, "", "1A2B3C4D", "new"), 0);
    assert_int_equal(fixture_delete(f, "doc"), 0);
    assert_int_equal(fixture_rename(f, "1A2B3C4D", "doc"), 0);
    assert_int_equal(waiting_look(f).count, 1);
    fixture_crash(f, false);
    finish(f);
    assert_only_doc(f, "new");
    assert_false(fake_ever_held(f->fake, "unsent", 6));
}

/* Killed before the temporary file got the name: both contents are there. */
static void shelf_crash__has_the_new_content_under_its_own_name(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fixture_write_text(f, "", "1A2B3C4D", "new"), 0);
    assert_int_equal(fixture_delete(f, "doc"), 0);
    fixture_crash(f, false);
    finish(f);
    assert_true(fake_has_text(f->fake, "doc", "unsent"));
    assert_string_equal(fake_id(f->fake, "doc"), test.id);
    assert_true(fake_has_text(f->fake, "1A2B3C4D", "new"));
    assert_int_equal(fake_children(f->fake, ""), 2);
}

static void shelf_left__is_not_sent_before_the_delete(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fixture_delete(f, "doc"), 0);
    waiting_decide_in_vain(f);
    fixture_crash(f, true);
    assert_int_equal(settling(f), 1);
    assert_int_equal(waiting(f).count, 1);
    assert_int_equal(fixture_list(f, ""), 0);
    fixture_cut_line(f, false);
    finish(f);
    assert_only_doc(f, "");
    assert_false(fake_ever_held(f->fake, "unsent", 6));
}

static void shelf_left__is_shown_when_the_delete_is_given_up(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fixture_delete(f, "doc"), 0);
    waiting_decide_in_vain(f);
    fixture_crash(f, true);
    assert_int_equal(fixture_list(f, ""), 0);
    give_up_delete(f);
    assert_int_equal(fixture_list(f, ""), 1);
    assert_true(fixture_has_text(f, "doc", "unsent"));
    fixture_cut_line(f, false);
    finish(f);
    assert_only_doc(f, "unsent");
}

static void shelf_left__gives_its_place_to_the_next_save(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fixture_delete(f, "doc"), 0);
    waiting_decide_in_vain(f);
    fixture_crash(f, true);
    assert_int_equal(fixture_list(f, ""), 0);
    assert_int_equal(fixture_write_text(f, "", "doc", "new"), 0);
    fixture_cut_line(f, false);
    finish(f);
    assert_only_doc(f, "new");
}

static void shelf_end__of_a_session_is_the_end_of_both(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fixture_delete(f, "doc"), 0);
    fixture_cut_line(f, true);
    fixture_stop(f);
    fixture_cut_line(f, false);
    fixture_start(f);
    finish(f);
    assert_only_doc(f, "");
    assert_false(fake_ever_held(f->fake, "unsent", 6));
}

/* Killed when the server has deleted the items and nobody here knows: no copy comes of what waited. */
static void crash_at_the_answer(struct fixture *f)
{
    char image[160];

    fake_hold(f->fake, FAKE_DELETE);
    (void)online_vfs_settle(f->online, 0);
    fake_await_held(f->fake);
    snprintf(image, sizeof(image), "%s/image", f->directory);
    fixture_copy_spool(f, image);
    fake_release(f->fake);
    fixture_stop(f);
    snprintf(f->spool, sizeof(f->spool), "%s", image);
    fixture_start(f);
    finish(f);
    assert_only_doc(f, "");
}

static void shelf_crash__after_the_server_did_it_makes_no_copy(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fixture_delete(f, "doc"), 0);
    crash_at_the_answer(f);
}

static void shelf_crash__after_the_server_did_many_makes_no_copy(void **state)
{
    struct fixture *f = *state;

    fake_put_text(f->fake, "doc2", "old");
    f->options.metadata_ms = 0; /* each look asks for changes */
    online_vfs_configure(f->online, &f->options);
    assert_int_equal(fixture_list(f, ""), 2);
    assert_int_equal(fixture_write_text(f, "", "doc2", "unsent"), 0);
    assert_int_equal(fixture_delete(f, "doc"), 0);
    assert_int_equal(fixture_delete(f, "doc2"), 0);
    assert_int_equal(settling(f), 2);
    crash_at_the_answer(f);
}

int main(void)
{
#define SHELF_TEST(f) cmocka_unit_test_setup_teardown(f, setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        SHELF_TEST(shelf_delete__sends_nothing_and_says_so),
        SHELF_TEST(shelf_crash__in_the_middle_of_a_save_loses_no_content),
        SHELF_TEST(shelf_handle__does_not_change_what_waits),
        SHELF_TEST(shelf_refused__is_sent_as_before),
        SHELF_TEST(shelf_discard__of_the_delete_shows_what_waits),
        SHELF_TEST(shelf_discard__of_what_waits_leaves_the_delete),
        SHELF_TEST(shelf_refused__has_a_file_of_its_own),
        SHELF_TEST(shelf_adopt__by_a_new_file_takes_its_place),
        SHELF_TEST(shelf_adopt__keeps_it_until_the_new_one_is_safe),
        SHELF_TEST(shelf_adopt__by_a_file_that_waits_is_one_row),
        SHELF_TEST(shelf_adopt__by_a_temporary_file_is_one_row),
        SHELF_TEST(shelf_crash__has_the_new_content_under_its_own_name),
        SHELF_TEST(shelf_left__is_not_sent_before_the_delete),
        SHELF_TEST(shelf_left__is_shown_when_the_delete_is_given_up),
        SHELF_TEST(shelf_left__gives_its_place_to_the_next_save),
        SHELF_TEST(shelf_end__of_a_session_is_the_end_of_both),
        SHELF_TEST(shelf_crash__after_the_server_did_it_makes_no_copy),
        SHELF_TEST(shelf_crash__after_the_server_did_many_makes_no_copy),
    };

    return cmocka_run_group_tests_name("what waits of a file that is deleted", tests, NULL, NULL)
               ? 1
               : 0;
}
