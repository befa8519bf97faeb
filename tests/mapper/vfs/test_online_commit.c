/*
 * What may happen between the server's answer to an upload and the end of its row in the journal:
 * were the power lost then, the row would come back, and a change of the item that went before would
 * pass for somebody else's. The linker puts a function before journal_apply() that acts in between,
 * on the thread of the upload.
 */
#include "fixture.h"

#include <stdlib.h>

#include "base/clock.h"
#include "mapper/journal.h"

#define WAIT_MS 20000
#define PATIENCE_MS 300 /* of who waits for what cannot come: nothing is decided by its length */

static struct {
    void (*act)(struct fixture *f);
    struct fixture *f;
    bool is_armed;
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
    if (changes[0].op == JOURNAL_ADD) {
        between.after = changes[0].row->after;
    } else if (changes[0].op == JOURNAL_REMOVE && between.is_armed) {
        between.is_armed = false;
        between.removed = changes[0].row->id;
        between.act(between.f);
    }
    return __real_journal_apply(journal, changes, count, is_durable, err);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    fixture_prepare(f);
    f->options.saves_in_background = true;
    f->options.keeps_both = true;
    fixture_start(f);
    *state = f;
    return 0;
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

int main(void)
{
#define COMMIT_TEST(f) cmocka_unit_test_setup_teardown(f, setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        COMMIT_TEST(commit_rename__waits_until_the_row_is_gone),
        COMMIT_TEST(commit_rename__onto_it_waits_until_the_row_is_gone),
        COMMIT_TEST(commit_save__comes_after_the_row_before_it),
    };

    return cmocka_run_group_tests_name("the end of an upload", tests, NULL, NULL) ? 1 : 0;
}
