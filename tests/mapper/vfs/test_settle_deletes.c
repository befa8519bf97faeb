/* Deletes that are due together reach the server in one request, each with its own success. */
#include "fixture.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "still_clock.h"
#include "waiting.h"

#define WAIT_MS 20000

static int setup(void **state)
{
    struct fixture *f = fixture_new_settling();

    fixture_start(f);
    *state = f;
    return 0;
}

static void name_of(char *out, size_t size, unsigned i)
{
    snprintf(out, size, "file %u.txt", i);
}

/* `count` files are on the server; a program deletes them all, and none is told yet. */
static void delete_files(struct fixture *f, unsigned count)
{
    char name[32];

    for (unsigned i = 0; i < count; i++) {
        name_of(name, sizeof(name), i);
        fake_put_text(f->fake, name, "text");
    }
    assert_int_equal(fixture_list(f, ""), count);
    for (unsigned i = 0; i < count; i++) {
        name_of(name, sizeof(name), i);
        assert_int_equal(fixture_delete(f, name), 0);
    }
    fake_reset(f->fake);
    assert_int_equal(fake_children(f->fake, ""), count);
}

/* Time stands still: who is refused for now is due when somebody asks for all. */
static void settle_until(struct fixture *f, unsigned children)
{
    for (int i = 0; i < WAIT_MS / 5 && fake_children(f->fake, "") > children; i++) {
        (void)online_vfs_settle(f->online, 0);
        usleep(5000);
    }
    assert_int_equal(fake_children(f->fake, ""), children);
}

static void deletes__that_are_due_together_are_one_request(void **state)
{
    struct fixture *f = *state;

    delete_files(f, GRAPH_BATCH_ITEMS * 2 + 5);
    assert_int_equal(online_vfs_settle(f->online, WAIT_MS), 0);
    assert_int_equal(fake_children(f->fake, ""), 0);
    assert_int_equal(fake_count(f->fake, FAKE_BATCH), 3);
    assert_int_equal(fake_count(f->fake, FAKE_DELETE), GRAPH_BATCH_ITEMS * 2 + 5);
    assert_int_equal(fixture_list(f, ""), 0);
}

/* It is asked for once more by itself, and refused again: it is there as before. */
static void deletes__of_which_one_is_refused_bring_that_one_back(void **state)
{
    struct fixture *f = *state;

    delete_files(f, 3);
    fake_fail(f->fake, FAKE_DELETE, ERR_DENIED, 2, 2);
    assert_int_equal(online_vfs_settle(f->online, WAIT_MS), 0);
    assert_int_equal(fake_count(f->fake, FAKE_BATCH), 1);
    assert_int_equal(fake_count(f->fake, FAKE_DELETE), 4);
    assert_int_equal(fake_children(f->fake, ""), 1);
    assert_true(fixture_has_text(f, "file 2.txt", "text"));
    assert_int_equal(fixture_list(f, ""), 1);
}

/* None of the others, and nobody who waits for their names, waits for its time to come: what is asked
 * for later is looked at first. */
static void deletes__that_are_refused_for_now_are_left_for_later(void **state)
{
    struct fixture *f = *state;

    delete_files(f, 5);
    fake_fail(f->fake, FAKE_DELETE, ERR_THROTTLED, 2, 3);
    still_clock_begin();
    (void)online_vfs_settle(f->online, 0);
    waiting_until_tried(f);
    assert_int_equal(fake_count(f->fake, FAKE_BATCH), 1);
    assert_int_equal(online_vfs_settle(f->online, WAIT_MS), 0);
    assert_int_equal(fake_children(f->fake, ""), 0);
    assert_int_equal(fake_count(f->fake, FAKE_BATCH), 1 + 2);
    assert_int_equal(fake_count(f->fake, FAKE_GET), 3);
    assert_int_equal(fake_count(f->fake, FAKE_DELETE), 5 + 3);
}

/* The name is free when the server has answered, and not before. */
static void deletes__on_their_way_keep_their_names(void **state)
{
    struct fixture *f = *state;
    struct vfs_call call = {.deadline_ms = clock_mono_ms(clock_system()) + 50};
    struct vfs_attr attr;

    delete_files(f, 3);
    fake_hold(f->fake, FAKE_BATCH);
    (void)online_vfs_settle(f->online, 0);
    fake_await_held(f->fake);
    assert_int_equal(vfs_mkdir(f->vfs, &attr, f->root, "file 1.txt", &call, NULL), ERR_TIMED_OUT);
    fake_release(f->fake);
    assert_int_equal(vfs_mkdir(f->vfs, &attr, f->root, "file 1.txt", NULL, NULL), 0);
    vfs_forget(f->vfs, attr.id, 1);
    assert_int_equal(online_vfs_settle(f->online, WAIT_MS), 0);
    assert_int_equal(fake_count(f->fake, FAKE_DELETE), 3);
    assert_int_equal(fake_children(f->fake, ""), 1);
}

/* From then on the server is asked about each before: it may be days later. One batch asks, and one
 * deletes what is as it was. */
static void deletes__without_a_line_wait_for_it(void **state)
{
    struct fixture *f = *state;
    char name[32];

    delete_files(f, 5);
    fake_fail(f->fake, FAKE_BATCH, ERR_UNREACHABLE, 0, 1);
    still_clock_begin(); /* none is tried again by itself */
    assert_int_equal(online_vfs_settle(f->online, 0), 5);
    waiting_until_tried(f);
    assert_int_equal(fake_count(f->fake, FAKE_DELETE), 0);
    assert_int_equal(fake_children(f->fake, ""), 5);
    assert_int_equal(fixture_list(f, ""), 0);
    name_of(name, sizeof(name), 4);
    fake_put_text(f->fake, name, "somebody else's");
    assert_int_equal(online_vfs_settle(f->online, WAIT_MS), 0);
    assert_int_equal(fake_count(f->fake, FAKE_BATCH), 1 + 2);
    assert_int_equal(fake_count(f->fake, FAKE_DELETE), 4);
    assert_int_equal(fake_children(f->fake, ""), 1);
    assert_true(fixture_has_text(f, name, "somebody else's"));
}

/* Nothing is deleted of which nobody knows how it is now. */
static void deletes__that_cannot_be_asked_for_go_on_waiting(void **state)
{
    struct fixture *f = *state;
    char name[32];

    delete_files(f, 5);
    fake_fail(f->fake, FAKE_BATCH, ERR_UNREACHABLE, 0, 3);
    fake_fail(f->fake, FAKE_GET, ERR_THROTTLED, 1, 1);
    still_clock_begin();
    assert_int_equal(online_vfs_settle(f->online, 0), 5);
    waiting_until_tried(f);
    name_of(name, sizeof(name), 3);
    fake_put_text(f->fake, name, "somebody else's");
    settle_until(f, 1);
    assert_int_equal(fake_count(f->fake, FAKE_DELETE), 4);
    assert_true(fixture_has_text(f, name, "somebody else's"));
}

/* Somebody wants the name, and does not get it: the thread hears that there is a next time. It waits for
 * nothing else; that one comes after two seconds. */
static void deletes__that_fail_for_somebody_else_are_tried_again(void **state)
{
    struct fixture *f = *state;
    int64_t until_ms = clock_mono_ms(clock_system()) + WAIT_MS;
    struct vfs_attr attr;

    delete_files(f, 1);
    fake_fail(f->fake, FAKE_DELETE, ERR_UNREACHABLE, 0, 1);
    assert_int_equal(vfs_mkdir(f->vfs, &attr, f->root, "file 0.txt", NULL, NULL), ERR_UNREACHABLE);
    while (fake_children(f->fake, "") > 0 && clock_mono_ms(clock_system()) < until_ms) {
        usleep(20000);
    }
    assert_int_equal(fake_children(f->fake, ""), 0);
    assert_int_equal(fake_count(f->fake, FAKE_DELETE), 2);
}

/* Whatever is wrong with the request as a whole says nothing about one of them. */
static void deletes__whose_batch_is_refused_go_one_by_one(void **state)
{
    struct fixture *f = *state;

    delete_files(f, 5);
    fake_fail(f->fake, FAKE_BATCH, ERR_INVALID, 0, 1);
    assert_int_equal(online_vfs_settle(f->online, WAIT_MS), 0);
    assert_int_equal(fake_count(f->fake, FAKE_DELETE), 5);
    assert_int_equal(fake_children(f->fake, ""), 0);
    assert_int_equal(fixture_list(f, ""), 0);
}

#define DELETES_TEST(f) cmocka_unit_test_setup_teardown(f, setup, fixture_teardown)

static const struct CMUnitTest tests[] = {
    DELETES_TEST(deletes__that_are_due_together_are_one_request),
    DELETES_TEST(deletes__of_which_one_is_refused_bring_that_one_back),
    DELETES_TEST(deletes__that_are_refused_for_now_are_left_for_later),
    DELETES_TEST(deletes__on_their_way_keep_their_names),
    DELETES_TEST(deletes__without_a_line_wait_for_it),
    DELETES_TEST(deletes__that_cannot_be_asked_for_go_on_waiting),
    DELETES_TEST(deletes__that_fail_for_somebody_else_are_tried_again),
    DELETES_TEST(deletes__whose_batch_is_refused_go_one_by_one),
};

TEST_MAIN("deletes that wait", tests)
