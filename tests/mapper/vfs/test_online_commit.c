/*
 * What may happen between the server's answer to an upload and the end of its row in the journal:
 * were the power lost then, the row would come back, and a change of the item that went before would
 * pass for somebody else's. The linker puts a function before journal_apply() that acts in between,
 * on the thread of the upload; and one before local_sync(), which a save calls when it knows where it
 * goes and is not in the journal yet.
 */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "local.h"
#include "mapper/journal.h"
#include "still_clock.h"

#define WAIT_MS 20000
#define PATIENCE_MS 300 /* of who waits for what cannot come: nothing is decided by its length */

static struct {
    void (*act)(struct fixture *f);
    struct fixture *f;
    bool is_armed;
    bool is_doubt_armed;
    bool is_full;    /* the journal takes nothing */
    int64_t removed; /* the row that ends */
    int64_t after;   /* of the last row that was added: the one that it comes after */
    int code;
} between;

int __real_journal_apply(struct journal *journal, const struct journal_change *changes,
                         size_t count, bool is_durable, struct error *err);
int __wrap_journal_apply(struct journal *journal, const struct journal_change *changes,
                         size_t count, bool is_durable, struct error *err);

int __wrap_journal_apply(struct journal *journal, const struct journal_change *changes,
                         size_t count, bool is_durable, struct error *err)
{
    if (between.is_full) {
        return error_set(err, ERR_NO_SPACE, "the test's disk is full");
    }
    if (changes[0].op == JOURNAL_ADD) {
        between.after = changes[0].row->after;
    } else if (changes[0].op == JOURNAL_REMOVE && between.is_armed) {
        between.is_armed = false;
        between.removed = changes[0].row->id;
        between.act(between.f);
    }
    if (between.is_doubt_armed && changes[0].row->doubt != JOURNAL_SURE) {
        int code = __real_journal_apply(journal, changes, count, is_durable, err);

        between.is_doubt_armed = false;
        between.act(between.f);
        return code;
    }
    return __real_journal_apply(journal, changes, count, is_durable, err);
}

static struct {
    void (*act)(struct fixture *f);
    struct fixture *f;
} at_sync; /* once */

int __real_local_sync(struct local_file *file, struct error *err);
int __wrap_local_sync(struct local_file *file, struct error *err);

int __wrap_local_sync(struct local_file *file, struct error *err)
{
    void (*act)(struct fixture * f) = at_sync.act;

    if (act) {
        at_sync.act = NULL;
        act(at_sync.f);
    }
    return __real_local_sync(file, err);
}

/* "a" is sent, and `act` is called in between. */
static void send_and(struct fixture *f, void (*act)(struct fixture *f))
{
    between.act = act;
    between.f = f;
    between.after = 0;
    between.is_armed = true;
    assert_int_equal(fixture_write_text(f, "", "a", "mine"), 0);
    assert_int_equal(online_vfs_wait_uploads(f->online, WAIT_MS), 0);
    assert_false(between.is_armed);
}

static struct vfs_call short_call(void)
{
    return (struct vfs_call){.deadline_ms = clock_mono_ms(clock_system()) + PATIENCE_MS};
}

static void rename_it(struct fixture *f)
{
    struct vfs_call call = short_call();

    between.code = vfs_rename(f->vfs, f->root, "a", f->root, "b", 0, &call, NULL);
}

static void rename_over_it(struct fixture *f)
{
    struct vfs_call call = short_call();

    between.code = vfs_rename(f->vfs, f->root, "other", f->root, "a", 0, &call, NULL);
}

static void save_again(struct fixture *f)
{
    between.code = fixture_write_text(f, "", "a", "mine, again");
}

static void commit_rename__waits_until_the_row_is_gone(void **state)
{
    struct fixture *f = *state;

    send_and(f, rename_it);
    assert_int_equal(between.code, ERR_TIMED_OUT);
    assert_int_equal(vfs_rename(f->vfs, f->root, "a", f->root, "b", 0, NULL, NULL), 0);
    assert_true(fake_has_text(f->fake, "b", "mine"));
    assert_null(fake_id(f->fake, "a"));
}

static void commit_rename__onto_it_waits_until_the_row_is_gone(void **state)
{
    struct fixture *f = *state;

    fake_put_text(f->fake, "other", "theirs");
    assert_true(fixture_has_text(f, "other", "theirs"));
    send_and(f, rename_over_it);
    assert_int_equal(between.code, ERR_TIMED_OUT);
    assert_int_equal(vfs_rename(f->vfs, f->root, "other", f->root, "a", 0, NULL, NULL), 0);
    assert_true(fake_has_text(f->fake, "a", "theirs"));
}

static void commit_save__comes_after_the_row_before_it(void **state)
{
    struct fixture *f = *state;

    send_and(f, save_again);
    assert_int_equal(between.code, 0);
    assert_int_equal(between.after, between.removed);
    assert_true(fake_has_text(f->fake, "a", "mine, again"));
    assert_int_equal(fake_versions(f->fake, "a"), 2);
    assert_int_equal(fixture_list(f, ""), 1);
    assert_int_equal(fixture_unsaved(f), 0);
}

static void count_one(void *payload, const struct online_vfs_upload *upload)
{
    (void)upload;
    ++*(unsigned *)payload;
}

static void let_the_first_end(struct fixture *f)
{
    int64_t until = clock_mono_ms(clock_system()) + WAIT_MS;
    unsigned left = 0;

    fake_release(f->fake);
    do {
        left = 0;
        usleep(1000);
        assert_int_equal(online_vfs_visit_uploads(f->online, count_one, &left, NULL), 0);
    } while (left > 1 && clock_mono_ms(clock_system()) < until);
    assert_int_equal(left, 1);
}

/* The third save asked where it goes when there was no item. It replaces the second one, which has
 * learnt of the item meanwhile. */
static void commit_save__of_what_became_an_item_meanwhile_is_no_conflict(void **state)
{
    struct fixture *f = *state;

    fake_hold(f->fake, FAKE_UPLOAD);
    assert_int_equal(fixture_write_text(f, "", "a", "first"), 0);
    fake_await_held(f->fake);
    f->options.upload_delay_ms = 600000;
    online_vfs_configure(f->online, &f->options);
    assert_int_equal(fixture_write_text(f, "", "a", "second"), 0);
    at_sync.f = f;
    at_sync.act = let_the_first_end;
    assert_int_equal(fixture_write_text(f, "", "a", "third"), 0);
    assert_null(at_sync.act);
    assert_int_equal(online_vfs_drain(f->online, WAIT_MS), 0);
    assert_true(fake_has_text(f->fake, "a", "third"));
    assert_int_equal(fake_versions(f->fake, "a"), 2);
    assert_int_equal(fake_children(f->fake, ""), 1);
    assert_int_equal(fixture_unsaved(f), 0);
}

/* --- the machine stops within a rename --- */

/* What its disk has at that moment, beside the spool. */
static char *image_of(struct fixture *f)
{
    char *image = NULL;

    assert_int_equal(str_format(&image, NULL, "%s/image", f->directory), 0);
    return image;
}

static void stop_machine(struct fixture *f)
{
    char *image = image_of(f);

    fixture_copy_spool(f, image);
    free(image);
    /* Nothing of what the first agent still does reaches the server. */
    fake_fail(f->fake, FAKE_UPLOAD, ERR_UNREACHABLE, 0, 1000);
    fake_fail(f->fake, FAKE_DELETE, ERR_UNREACHABLE, 0, 1000);
    fake_fail(f->fake, FAKE_UPDATE, ERR_UNREACHABLE, 0, 1000);
}

/* No upload starts by itself from here on, and deletes settle for long. */
static void wait_for_nothing(struct fixture *f)
{
    f->options.upload_delay_ms = 600000;
    f->options.settle_ms = 600000;
    online_vfs_configure(f->online, &f->options);
}

/* The drive has "doc" and "new", both known; a save of one of them waits. */
static void save_beside_new(struct fixture *f, const char *text_of_new, const char *name,
                            const char *text)
{
    fake_put_text(f->fake, "doc", "old");
    fake_put_text(f->fake, "new", text_of_new);
    assert_int_equal(fixture_list(f, ""), 2);
    wait_for_nothing(f);
    assert_int_equal(fixture_write_text(f, "", name, text), 0);
}

/* Renames; the power is off when the first row is to be taken away. The next agent has the rest. */
static void rename_and_die(struct fixture *f, const char *from, const char *to)
{
    between.act = stop_machine;
    between.f = f;
    between.is_armed = true;
    (void)vfs_rename(f->vfs, f->root, from, f->root, to, 0, NULL, NULL);
    assert_false(between.is_armed);
}

/* Renames "new" to "doc"; the power is off when the row of "doc" says that it may be replaced. */
static int rename_and_die_in_doubt(struct fixture *f)
{
    int code = 0;

    between.act = stop_machine;
    between.f = f;
    between.is_doubt_armed = true;
    code = vfs_rename(f->vfs, f->root, "new", f->root, "doc", 0, NULL, NULL);
    assert_false(between.is_doubt_armed);
    return code;
}

/* What is left to do is to start the next agent, on the disk as the power left it. */
static void bring_power_back(struct fixture *f)
{
    char *image = image_of(f);

    fixture_stop(f);
    for (int kind = 0; kind < FAKE_CALLS; kind++) {
        fake_fail(f->fake, kind, 0, 0, 0);
    }
    snprintf(f->spool, sizeof(f->spool), "%s", image);
    f->options.upload_delay_ms = 0;
    free(image);
}

static void go_on(struct fixture *f)
{
    bring_power_back(f);
    fixture_start(f);
    assert_int_equal(online_vfs_drain(f->online, WAIT_MS), 0);
    assert_int_equal(fixture_unsaved(f), 0);
}

static void power_cut__in_a_rename_sends_nothing_that_was_replaced(void **state)
{
    struct fixture *f = *state;

    save_beside_new(f, "what comes", "doc", "waits");
    rename_and_die(f, "new", "doc");
    assert_true(fake_has_text(f->fake, "doc", "what comes"));
    go_on(f);
    assert_true(fake_has_text(f->fake, "doc", "what comes"));
    assert_int_equal(fake_versions(f->fake, "doc"), 2);
    assert_int_equal(fake_children(f->fake, ""), 2); /* no copy; the source was to go later */
    assert_true(fixture_has_text(f, "doc", "what comes"));
}

static void power_cut__in_a_rename_of_what_waits_ends_it(void **state)
{
    struct fixture *f = *state;

    save_beside_new(f, "old, too", "new", "what comes");
    rename_and_die(f, "new", "doc");
    go_on(f);
    assert_true(fake_has_text(f->fake, "doc", "what comes"));
    assert_int_equal(fake_versions(f->fake, "doc"), 2);
    assert_int_equal(fake_children(f->fake, ""), 1);
    assert_int_equal(fixture_list(f, ""), 1);
}

/* The rename was done, and its source's item was to go a little later. */
static void power_cut__after_a_rename_of_what_waits_leaves_no_old_version(void **state)
{
    struct fixture *f = *state;

    save_beside_new(f, "old, too", "new", "what comes");
    assert_int_equal(vfs_rename(f->vfs, f->root, "new", f->root, "doc", 0, NULL, NULL), 0);
    stop_machine(f);
    go_on(f);
    assert_true(fake_has_text(f->fake, "doc", "what comes"));
    assert_int_equal(fake_versions(f->fake, "doc"), 2);
    assert_int_equal(fake_children(f->fake, ""), 1);
}

static void rename_onto_a_new_file_and_die(struct fixture *f, unsigned settle_ms)
{
    fake_put_text(f->fake, "doc", "what comes");
    assert_int_equal(fixture_list(f, ""), 1);
    wait_for_nothing(f);
    f->options.settle_ms = settle_ms;
    online_vfs_configure(f->online, &f->options);
    assert_int_equal(fixture_write_text(f, "", "fresh", "waits"), 0);
    rename_and_die(f, "doc", "fresh");
    assert_true(fake_has_text(f->fake, "fresh", "what comes"));
    go_on(f);
    assert_true(fake_has_text(f->fake, "fresh", "what comes"));
    assert_int_equal(fake_versions(f->fake, "fresh"), 1);
    assert_int_equal(fake_children(f->fake, ""), 1);
    assert_true(fixture_has_text(f, "fresh", "what comes"));
}

static void power_cut__in_a_rename_onto_a_new_file_makes_no_copy(void **state)
{
    rename_onto_a_new_file_and_die(*state, 0);
}

/* The new file beside it makes it look like a step of a save. */
static void power_cut__in_what_may_be_a_step_of_a_save_loses_no_name(void **state)
{
    rename_onto_a_new_file_and_die(*state, 600000);
}

/* The rows say that they may be replaced, and are not. */
static void power_cut__before_the_rename_sends_what_waits(void **state)
{
    struct fixture *f = *state;

    save_beside_new(f, "never comes", "doc", "waits");
    assert_int_not_equal(rename_and_die_in_doubt(f), 0);
    go_on(f);
    assert_true(fake_has_text(f->fake, "doc", "waits"));
    assert_true(fake_has_text(f->fake, "new", "never comes"));
    assert_int_equal(fake_versions(f->fake, "doc"), 2);
    assert_int_equal(fake_children(f->fake, ""), 2);
}

static void look_at_it(struct fixture *f)
{
    struct vfs_attr attr;

    between.code = fixture_find(f, "folder/a", &attr) ? (int)attr.size_bytes : -1;
}

/* The first upload of a new file ends after a restart, and its second save is looked at before the
 * journal names the item. */
static void commit_restart__the_next_save_is_of_the_item(void **state)
{
    struct fixture *f = *state;

    still_clock_begin(); /* nothing is sent again by itself */
    fake_put_text(f->fake, "folder/other", "x");
    assert_int_equal(fixture_list(f, "folder"), 1);
    fake_lose_uploads(f->fake, 1);
    assert_int_equal(fixture_write_text(f, "folder", "a", "the first"), 0);
    (void)online_vfs_wait_uploads(f->online, WAIT_MS);
    fake_fail(f->fake, FAKE_UPLOAD, ERR_UNREACHABLE, 0, UINT32_MAX);
    assert_int_equal(fixture_write_text(f, "folder", "a", "2nd"), 0);
    fixture_stop(f);
    fake_fail(f->fake, FAKE_UPLOAD, 0, 0, 0);
    between.act = look_at_it;
    between.f = f;
    between.code = 0;
    between.is_armed = true;
    fixture_start(f);
    assert_int_equal(online_vfs_retry_uploads(f->online, NULL, NULL, NULL), 0);
    assert_int_equal(online_vfs_wait_uploads(f->online, WAIT_MS), 0);
    assert_false(between.is_armed);
    assert_int_equal(between.code, 3);
    assert_int_equal(vfs_rename(f->vfs, fixture_find(f, "folder", NULL), "other",
                                fixture_find(f, "folder", NULL), "a", 0, NULL, NULL),
                     0);
    assert_int_equal(online_vfs_wait_uploads(f->online, WAIT_MS), 0);
    assert_int_equal(fake_children(f->fake, "folder"), 1);
    assert_true(fake_has_text(f->fake, "folder/a", "x"));
    assert_true(fixture_has_text(f, "folder/a", "x"));
}

/* Somebody else's version is not taken for the rename's, whatever its length is. */
static void power_cut__keeps_what_waits_when_another_saved(void **state)
{
    struct fixture *f = *state;
    char name[160];

    save_beside_new(f, "never comes", "doc", "waits");
    (void)rename_and_die_in_doubt(f);
    fake_put_text(f->fake, "doc", "THEIR words");
    go_on(f);
    assert_true(fake_has_text(f->fake, "doc", "THEIR words"));
    fake_find_name(f->fake, "", "(conflict ", name, sizeof(name));
    assert_true(fake_has_text(f->fake, name, "waits"));
}

/* The next agent asks whether the save was replaced, and its user writes on meanwhile. */
static void power_cut__in_a_rename_keeps_what_is_written_afterwards(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = NULL;

    save_beside_new(f, "what comes", "doc", "waits");
    rename_and_die(f, "new", "doc");
    bring_power_back(f);
    fake_hold(f->fake, FAKE_GET);
    fixture_start(f);
    fake_await_held(f->fake);
    file = fixture_open(f, "doc", VFS_READ | VFS_WRITE);
    fixture_write_at(f, file, "NEWER", 0);
    fake_release(f->fake);
    assert_int_equal(online_vfs_wait_uploads(f->online, WAIT_MS), 0);
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), 0);
    vfs_close(f->vfs, file);
    assert_int_equal(online_vfs_wait_uploads(f->online, WAIT_MS), 0);
    assert_true(fake_ever_held(f->fake, "NEWER", 5));
    assert_true(fake_ever_held(f->fake, "what comes", 10));
}

/* --- the journal takes nothing --- */

/* A program makes a file, or empties one, and writes nothing: a flush cannot know that it was the last
 * one, so that nobody is told by an error. */
static void full_journal__sends_an_empty_file_at_once(void **state)
{
    struct fixture *f = *state;

    fake_put_text(f->fake, "emptied", "old");
    between.is_full = true;
    assert_int_equal(fixture_write(f, "", "new", "", 0), 0);
    assert_int_equal(fixture_write(f, "", "emptied", "", 0), 0);
    between.is_full = false;
    assert_int_equal(fake_size(f->fake, "new"), 0);
    assert_int_equal(fake_size(f->fake, "emptied"), 0);
    assert_int_equal(fixture_unsaved(f), 0);
    fixture_restart(f);
    assert_int_equal(fixture_unsaved(f), 0);
    assert_int_equal(fixture_list(f, ""), 2);
    assert_int_equal(fake_versions(f->fake, "emptied"), 2);
}

/* And there is no line either: it is named, also by the next agent. */
static void full_journal__lists_what_cannot_be_sent(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fixture_write_text(f, "", "before", "before"), 0);
    assert_int_equal(online_vfs_wait_uploads(f->online, WAIT_MS), 0);
    assert_int_equal(fixture_list(f, ""), 1);
    between.is_full = true;
    fixture_cut_line(f, true);
    assert_int_equal(fixture_write(f, "", "new", "", 0), 0);
    between.is_full = false;
    assert_int_equal(fixture_unsaved(f), 1);
    fixture_restart(f);
    assert_int_equal(fixture_unsaved(f), 1);
}

int main(void)
{
#define COMMIT_TEST(f) \
    cmocka_unit_test_setup_teardown(f, fixture_setup_background, fixture_teardown)
    const struct CMUnitTest tests[] = {
        COMMIT_TEST(commit_rename__waits_until_the_row_is_gone),
        COMMIT_TEST(commit_rename__onto_it_waits_until_the_row_is_gone),
        COMMIT_TEST(commit_save__comes_after_the_row_before_it),
        COMMIT_TEST(commit_save__of_what_became_an_item_meanwhile_is_no_conflict),
        COMMIT_TEST(commit_restart__the_next_save_is_of_the_item),
        COMMIT_TEST(power_cut__in_a_rename_sends_nothing_that_was_replaced),
        COMMIT_TEST(power_cut__in_a_rename_of_what_waits_ends_it),
        COMMIT_TEST(power_cut__after_a_rename_of_what_waits_leaves_no_old_version),
        COMMIT_TEST(power_cut__in_a_rename_onto_a_new_file_makes_no_copy),
        COMMIT_TEST(power_cut__in_what_may_be_a_step_of_a_save_loses_no_name),
        COMMIT_TEST(power_cut__before_the_rename_sends_what_waits),
        COMMIT_TEST(power_cut__keeps_what_waits_when_another_saved),
        COMMIT_TEST(power_cut__in_a_rename_keeps_what_is_written_afterwards),
        COMMIT_TEST(full_journal__sends_an_empty_file_at_once),
        COMMIT_TEST(full_journal__lists_what_cannot_be_sent),
    };

    return cmocka_run_group_tests_name("the end of an upload", tests, NULL, NULL) ? 1 : 0;
}
