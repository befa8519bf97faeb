/* Deletes and renames that wait are in the journal: what the next agent makes of them. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "still_clock.h"
#include "waiting.h"

#define WAIT_MS 20000
#define LONG_MS 3600000

static int setup(void **state)
{
    struct fixture *f = fixture_new_settling();

    fixture_start(f);
    fake_put_text(f->fake, "doc", "old");
    fake_put_text(f->fake, "other", "other");
    assert_int_equal(fixture_list(f, ""), 2);
    *state = f;
    return 0;
}

static struct waiting_seen look(struct fixture *f)
{
    return waiting_look_for(f, UPLOAD_SETTLING);
}

static void wait_settled(struct fixture *f)
{
    assert_int_equal(online_vfs_settle(f->online, WAIT_MS), 0);
    assert_int_equal(look(f).count, 0);
}

/* The thread did what it was asked for, and so many go on waiting. */
static void wait_left(struct fixture *f, unsigned count)
{
    for (int i = 0; i < WAIT_MS && look(f).count != count; i++) {
        usleep(1000);
    }
    assert_int_equal(look(f).count, count);
}

/* ... and all that was closed is on the server. */
static void wait_sent(struct fixture *f)
{
    wait_settled(f);
    waiting_send_all(f);
}

/* Only what settles waits. */
static void wait_uploaded(struct fixture *f)
{
    for (int i = 0; i < WAIT_MS && waiting_look(f).count > look(f).count; i++) {
        usleep(1000);
    }
    assert_int_equal(waiting_look(f).count, look(f).count);
}

static void settle_list__names_what_waits(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fixture_delete(f, "doc"), 0);
    assert_int_equal(look(f).count, 1);
    assert_string_equal(look(f).path, "doc");
    assert_non_null(strstr(look(f).reason, "deleted"));
    assert_int_equal(fixture_rename(f, "other", "other.bak"), 0);
    assert_int_equal(look(f).count, 2);
    assert_string_equal(look(f).path, "other");
    assert_non_null(strstr(look(f).reason, "renamed to 'other.bak'"));
    wait_settled(f);
    assert_null(fake_id(f->fake, "doc"));
    assert_non_null(fake_id(f->fake, "other.bak"));
}

static void settle_crash__in_the_middle_of_a_save_keeps_the_document(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fixture_delete(f, "doc"), 0);
    assert_int_equal(fixture_rename(f, "other", "other~"), 0);
    fixture_crash(f, false);
    assert_int_equal(look(f).count, 0);
    assert_int_equal(fixture_list(f, ""), 2);
    wait_settled(f);
    assert_true(fake_has_text(f->fake, "doc", "old"));
    assert_true(fake_has_text(f->fake, "other", "other"));
    fixture_restart(f); /* and it is no work of the one after the next */
    wait_settled(f);
    assert_true(fake_has_text(f->fake, "doc", "old"));
}

static void settle_crash__does_not_forget_what_was_decided(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fixture_delete(f, "doc"), 0);
    waiting_decide_in_vain(f);
    fixture_crash(f, false);
    assert_int_equal(fixture_list(f, ""), 1); /* before the server is told, too */
    wait_settled(f);
    assert_null(fake_id(f->fake, "doc"));
    assert_int_equal(fixture_list(f, ""), 1);
}

static void settle_crash__does_not_forget_a_rename(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fixture_rename(f, "doc", "doc.bak"), 0);
    waiting_decide_in_vain(f);
    fixture_crash(f, false);
    wait_settled(f);
    assert_true(fake_has_text(f->fake, "doc.bak", "old"));
    assert_null(fake_id(f->fake, "doc"));
    assert_true(fixture_has_text(f, "doc.bak", "old"));
    assert_int_equal(fixture_list(f, ""), 2);
}

static void settle_end__of_a_session_without_a_line_is_no_end_of_it(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fixture_delete(f, "doc"), 0);
    fixture_cut_line(f, true);
    fixture_stop(f);
    fixture_cut_line(f, false);
    fixture_start(f);
    wait_settled(f);
    assert_null(fake_id(f->fake, "doc"));
}

static void settle_left__gives_way_to_others(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fixture_delete(f, "doc"), 0);
    assert_int_equal(fixture_rename(f, "other", "other.bak"), 0);
    waiting_decide_in_vain(f);
    fixture_crash(f, true);
    fake_put_text(f->fake, "doc", "theirs");
    fake_rename(f->fake, "other", "renamed");
    fixture_cut_line(f, false);
    wait_settled(f);
    assert_true(fake_has_text(f->fake, "renamed", "other"));
    assert_null(fake_id(f->fake, "other.bak"));
    assert_true(fake_has_text(f->fake, "doc", "theirs"));
    assert_true(fixture_has_text(f, "doc", "theirs"));
}

static void settle_left__is_a_place_for_the_next_save(void **state)
{
    struct fixture *f = *state;
    char id[64];

    snprintf(id, sizeof(id), "%s", fake_id(f->fake, "doc"));
    assert_int_equal(fixture_delete(f, "doc"), 0);
    waiting_decide_in_vain(f);
    fixture_crash(f, true);
    assert_int_equal(fixture_list(f, ""), 1);
    assert_int_equal(fixture_write_text(f, "", "doc", "new"), 0);
    fixture_cut_line(f, false);
    wait_sent(f);
    assert_true(fake_has_text(f->fake, "doc", "new"));
    assert_string_equal(fake_id(f->fake, "doc"), id);
    assert_int_equal(fake_children(f->fake, ""), 2);
}

static void settle_discard__shows_the_document_again(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fixture_delete(f, "doc"), 0);
    assert_int_equal(fixture_list(f, ""), 1);
    assert_int_equal(online_vfs_discard_upload(f->online, look(f).id, NULL), 0);
    assert_int_equal(look(f).count, 0);
    assert_int_equal(fixture_list(f, ""), 2);
    assert_true(fixture_has_text(f, "doc", "old"));
    wait_settled(f);
    assert_true(fake_has_text(f->fake, "doc", "old"));
}

static int retry(struct fixture *f, const char *id, unsigned *count, struct error *err)
{
    *count = 77;
    return online_vfs_retry_uploads(f->online, id, count, err);
}

/* The settling time of the one that is named is over; the other one waits on. */
static void settle_retry__tells_the_server_of_what_is_named(void **state)
{
    struct fixture *f = *state;
    char id[64];
    unsigned count = 0;

    assert_int_equal(fixture_rename(f, "other", "other.bak"), 0);
    snprintf(id, sizeof(id), "%s", look(f).id);
    assert_int_equal(fixture_delete(f, "doc"), 0);
    assert_int_equal(retry(f, NULL, &count, NULL), 0); /* none of them failed */
    assert_int_equal(count, 0);
    assert_int_equal(retry(f, id, &count, NULL), 0);
    assert_int_equal(count, 1);
    wait_left(f, 1);
    assert_true(fake_has_text(f->fake, "other.bak", "other"));
    assert_string_equal(look(f).path, "doc");
    assert_true(fake_has_text(f->fake, "doc", "old"));
    assert_int_equal(retry(f, look(f).id, &count, NULL), 0);
    wait_left(f, 0);
    assert_null(fake_id(f->fake, "doc"));
}

static void settle_retry__of_an_unknown_id_names_it(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    unsigned count = 0;

    assert_int_equal(fixture_delete(f, "doc"), 0);
    assert_int_equal(retry(f, "change-4711", &count, &err), ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, "'change-4711'"));
    assert_int_equal(count, 0);
    assert_int_equal(retry(f, "", &count, &err), ERR_INVALID);
    assert_int_equal(look(f).count, 1);
    wait_settled(f);
}

/* Nothing is due by itself while the clock stands still. */
static void settle_retry__without_an_id_tries_what_failed(void **state)
{
    struct fixture *f = *state;
    unsigned count = 0;

    still_clock_begin();
    assert_int_equal(fixture_delete(f, "doc"), 0);
    assert_int_equal(fixture_rename(f, "other", "other.bak"), 0);
    waiting_decide_in_vain(f);
    fixture_cut_line(f, false);
    assert_int_equal(retry(f, NULL, &count, NULL), 0);
    assert_int_equal(count, 2);
    wait_left(f, 0);
    assert_null(fake_id(f->fake, "doc"));
    assert_true(fake_has_text(f->fake, "other.bak", "other"));
}

/* Who asks for it after its library went hears why nothing happens. */
static void settle_retry__without_its_library_says_so(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    unsigned count = 0;

    assert_int_equal(fixture_delete(f, "doc"), 0);
    waiting_decide_in_vain(f);
    fixture_stop(f);
    assert_int_equal(online_vfs_new(&f->online, &f->options, NULL), 0);
    f->vfs = online_vfs_vfs(f->online);
    assert_int_equal(look(f).count, 1);
    assert_int_equal(retry(f, look(f).id, &count, &err), ERR_NOT_PERMITTED);
    assert_non_null(strstr(err.message, look(f).id));
    assert_non_null(strstr(err.message, "library"));
    assert_int_equal(look(f).count, 1);
    fixture_cut_line(f, false);
    fixture_restart(f);
    wait_settled(f);
    assert_null(fake_id(f->fake, "doc"));
}

/* Sets of changes have no cTag: the eTag says then what was deleted. */
static void settle_delete__of_what_changes_told_of_gives_way_to_others(void **state)
{
    struct fixture *f = *state;

    f->options.metadata_ms = 0;
    online_vfs_configure(f->online, &f->options);
    fake_put_text(f->fake, "late", "one");
    assert_int_equal(fixture_list(f, ""), 3);
    f->options.metadata_ms = LONG_MS;
    online_vfs_configure(f->online, &f->options);
    assert_int_equal(fixture_delete(f, "late"), 0);
    waiting_decide_in_vain(f);
    fake_put_text(f->fake, "late", "theirs");
    fixture_cut_line(f, false);
    wait_settled(f);
    assert_true(fake_has_text(f->fake, "late", "theirs"));
}

/* It waited while it was empty; what was written then is the same file's, in the journal, too. */
static void settle_crash__of_a_new_file_that_was_filled_makes_no_copy(void **state)
{
    struct fixture *f = *state;

    fixture_cut_line(f, true);
    assert_int_equal(fixture_write(f, "", "fresh", "", 0), 0);
    assert_int_equal(fixture_write_text(f, "", "fresh", "filled"), 0);
    fixture_crash(f, false);
    waiting_send_all(f);
    assert_true(fake_has_text(f->fake, "fresh", "filled"));
    assert_int_equal(fake_children(f->fake, ""), 3);
    assert_int_equal(fixture_list(f, ""), 3);
    assert_int_equal(fixture_unsaved(f), 0);
}

/* What others did while it waited was passed over: undone is not known. */
static void settle_refused__shows_what_others_made_of_it(void **state)
{
    struct fixture *f = *state;

    fixture_stop(f);
    f->options.metadata_ms = 0; /* each look asks for changes */
    fixture_start(f);
    assert_int_equal(fixture_list(f, ""), 2);
    assert_int_equal(fixture_rename(f, "doc", "doc.bak"), 0);
    fake_rename(f->fake, "doc", "theirs");
    assert_int_equal(fixture_list(f, ""), 2);
    assert_int_not_equal(fixture_find(f, "doc.bak", NULL), 0);
    fake_fail(f->fake, FAKE_UPDATE, ERR_DENIED, 0, 1);
    assert_int_equal(online_vfs_settle(f->online, WAIT_MS), 0);
    assert_int_equal(fixture_list(f, ""), 2);
    assert_true(fixture_has_text(f, "theirs", "old"));
    assert_int_equal(fixture_find(f, "doc", NULL), 0);
    assert_int_equal(fixture_find(f, "doc.bak", NULL), 0);
}

/* The agent dies while what was closed is in the journal, and the rename settles. */
static void settle_crash__of_a_rename_that_was_saved_on_forgets_neither(void **state)
{
    struct fixture *f = *state;
    char id[64];

    snprintf(id, sizeof(id), "%s", fake_id(f->fake, "doc"));
    fixture_cut_line(f, true);
    assert_int_equal(fixture_rename(f, "doc", "doc.bak"), 0);
    assert_int_equal(fixture_write_text(f, "", "doc.bak", "new"), 0);
    fixture_crash(f, false);
    wait_sent(f);
    assert_true(fake_has_text(f->fake, "doc.bak", "new"));
    assert_string_equal(fake_id(f->fake, "doc.bak"), id);
    assert_null(fake_id(f->fake, "doc"));
    assert_true(fixture_has_text(f, "doc.bak", "new"));
    assert_int_equal(fixture_list(f, ""), 2);
    assert_int_equal(fake_children(f->fake, ""), 2);
}

/* The save arrives before the rename is tried: what it changed is no doing of others. */
static void settle_left__renames_what_was_saved_since(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fixture_rename(f, "doc", "doc.bak"), 0);
    assert_int_equal(fixture_write_text(f, "", "doc.bak", "new"), 0);
    assert_int_equal(fixture_rename(f, "doc.bak", "doc~"), 0);
    wait_uploaded(f);
    assert_true(fake_has_text(f->fake, "doc", "new"));
    fixture_crash(f, false);
    wait_sent(f);
    assert_true(fake_has_text(f->fake, "doc~", "new"));
    assert_int_equal(fake_children(f->fake, ""), 2);
}

/* It has the name of what was deleted before, which the server has still. */
static void settle_crash__of_a_rename_to_what_was_deleted_does_both(void **state)
{
    struct fixture *f = *state;
    char id[64];

    snprintf(id, sizeof(id), "%s", fake_id(f->fake, "other"));
    fixture_cut_line(f, true);
    assert_int_equal(fixture_write_text(f, "", "fresh", "fresh"), 0); /* so that it may be a save */
    assert_int_equal(fixture_rename(f, "other", "other~"), 0);
    assert_int_equal(fixture_delete(f, "doc"), 0);
    assert_int_equal(fixture_rename(f, "other~", "doc"), 0);
    assert_int_equal(look(f).count, 2);
    assert_int_equal(fixture_write_text(f, "", "doc", "new"), 0);
    fixture_crash(f, false);
    wait_sent(f);
    assert_true(fake_has_text(f->fake, "doc", "new"));
    assert_string_equal(fake_id(f->fake, "doc"), id);
    assert_null(fake_id(f->fake, "other"));
    assert_int_equal(fake_children(f->fake, ""), 2);
}

/* What is renamed onto it is its new content, as a save is. */
static void settle_crash__of_a_rename_that_was_replaced_forgets_neither(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fixture_rename(f, "doc", "doc.bak"), 0);
    assert_int_equal(fixture_rename(f, "other", "doc.bak"), 0);
    fixture_crash(f, false);
    wait_sent(f);
    assert_true(fake_has_text(f->fake, "doc.bak", "other"));
    assert_null(fake_id(f->fake, "doc"));
}

/* The new version is the item's that was deleted, also when it was saved while its rename settled. */
static void settle_delete__of_what_was_renamed_and_saved_is_a_place(void **state)
{
    struct fixture *f = *state;
    char id[64];

    snprintf(id, sizeof(id), "%s", fake_id(f->fake, "doc"));
    assert_int_equal(fixture_rename(f, "doc", "doc.bak"), 0);
    assert_int_equal(fixture_write_text(f, "", "doc.bak", "between"), 0);
    wait_uploaded(f);
    assert_int_equal(fixture_delete(f, "doc.bak"), 0);
    assert_int_equal(fixture_write_text(f, "", "doc", "new"), 0);
    wait_sent(f);
    assert_true(fake_has_text(f->fake, "doc", "new"));
    assert_string_equal(fake_id(f->fake, "doc"), id);
    assert_int_equal(fake_children(f->fake, ""), 2);
}

int main(void)
{
#define SETTLE_TEST(f) cmocka_unit_test_setup_teardown(f, setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        SETTLE_TEST(settle_refused__shows_what_others_made_of_it),
        SETTLE_TEST(settle_list__names_what_waits),
        SETTLE_TEST(settle_crash__in_the_middle_of_a_save_keeps_the_document),
        SETTLE_TEST(settle_crash__does_not_forget_what_was_decided),
        SETTLE_TEST(settle_crash__does_not_forget_a_rename),
        SETTLE_TEST(settle_end__of_a_session_without_a_line_is_no_end_of_it),
        SETTLE_TEST(settle_left__gives_way_to_others),
        SETTLE_TEST(settle_left__is_a_place_for_the_next_save),
        SETTLE_TEST(settle_crash__of_a_new_file_that_was_filled_makes_no_copy),
        SETTLE_TEST(settle_crash__of_a_rename_that_was_saved_on_forgets_neither),
        SETTLE_TEST(settle_crash__of_a_rename_to_what_was_deleted_does_both),
        SETTLE_TEST(settle_crash__of_a_rename_that_was_replaced_forgets_neither),
        SETTLE_TEST(settle_left__renames_what_was_saved_since),
        SETTLE_TEST(settle_delete__of_what_was_renamed_and_saved_is_a_place),
        SETTLE_TEST(settle_retry__tells_the_server_of_what_is_named),
        SETTLE_TEST(settle_retry__of_an_unknown_id_names_it),
        SETTLE_TEST(settle_retry__without_an_id_tries_what_failed),
        SETTLE_TEST(settle_retry__without_its_library_says_so),
        SETTLE_TEST(settle_discard__shows_the_document_again),
        SETTLE_TEST(settle_delete__of_what_changes_told_of_gives_way_to_others),
    };

    return cmocka_run_group_tests_name("what settles, in the journal", tests, NULL, NULL) ? 1 : 0;
}
