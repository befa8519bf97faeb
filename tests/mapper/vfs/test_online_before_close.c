/* WriteMode=BeforeClose and ConflictMode=KeepBoth: what others do to a file meanwhile takes nothing of
 * either away. */
#include "fixture.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "local.h"
#include "still_clock.h"
#include "waiting.h"

#define WAIT_MS 20000

static int setup(void **state)
{
    struct fixture *f = fixture_new();

    f->options.keeps_both = true;
    fixture_start(f);
    *state = f;
    return 0;
}

static void before_close__of_a_file_that_others_deleted_keeps_the_save(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = NULL;
    char name[160];

    fake_put_text(f->fake, "a.txt", "old!");
    assert_int_equal(
        vfs_open(f->vfs, &file, fixture_find(f, "a.txt", NULL), VFS_READ | VFS_WRITE, NULL, NULL),
        0);
    assert_int_equal(vfs_write(f->vfs, file, "mine", 4, 0, NULL, NULL), 0);
    fake_remove(f->fake, "a.txt");
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), 0);
    vfs_close(f->vfs, file);
    assert_null(fake_id(f->fake, "a.txt")); /* it does not come back as itself */
    fake_find_name(f->fake, "", "(conflict ", name, sizeof(name));
    assert_true(fake_has_text(f->fake, name, "mine"));
    assert_int_equal(fixture_unsaved(f), 0);
}

static void before_close__renaming_onto_a_changed_file_keeps_both(void **state)
{
    struct fixture *f = *state;
    char name[160];

    fake_put_text(f->fake, "a.txt", "old!");
    fake_put_text(f->fake, "b.txt", "mine");
    assert_int_equal(fixture_list(f, ""), 2);
    fake_put_text(f->fake, "a.txt", "theirs");
    assert_int_equal(vfs_rename(f->vfs, f->root, "b.txt", f->root, "a.txt", 0, NULL, NULL), 0);
    assert_true(fake_has_text(f->fake, "a.txt", "theirs"));
    fake_find_name(f->fake, "", "a (conflict ", name, sizeof(name));
    assert_true(fake_has_text(f->fake, name, "mine"));
    assert_int_equal(fake_children(f->fake, ""), 2);
    assert_true(fixture_has_text(f, "a.txt", "theirs"));
    assert_true(fixture_has_text(f, name, "mine"));
    assert_int_equal(fixture_find(f, "b.txt", NULL), 0);
}

/* As a program does that saves beside the file. */
static void before_close__a_save_by_rename_onto_a_changed_file_keeps_both(void **state)
{
    struct fixture *f = *state;
    char name[160];

    fake_put_text(f->fake, "a.txt", "old!");
    assert_int_equal(fixture_list(f, ""), 1);
    fake_put_text(f->fake, "a.txt", "theirs");
    assert_int_equal(fixture_write_text(f, "", "4913", "mine"), 0); /* stays here */
    assert_int_equal(vfs_rename(f->vfs, f->root, "4913", f->root, "a.txt", 0, NULL, NULL), 0);
    assert_true(fake_has_text(f->fake, "a.txt", "theirs"));
    fake_find_name(f->fake, "", "a (conflict ", name, sizeof(name));
    assert_true(fake_has_text(f->fake, name, "mine"));
    assert_int_equal(fixture_unsaved(f), 0);
}

/* SharePoint rewrites what it got: no conflict, and the item stays. */
static void before_close__renaming_onto_a_rewritten_file_replaces_it(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fixture_write_text(f, "", "a.docx", "mine"), 0);
    fake_put_text(f->fake, "b.docx", "mine, newer");
    assert_int_equal(fixture_list(f, ""), 2);
    fake_rewrite(f->fake, "a.docx", "mine, with properties");
    assert_int_equal(vfs_rename(f->vfs, f->root, "b.docx", f->root, "a.docx", 0, NULL, NULL), 0);
    assert_true(fake_has_text(f->fake, "a.docx", "mine, newer"));
    assert_int_equal(online_vfs_drain(f->online, WAIT_MS), 0);
    assert_int_equal(fake_children(f->fake, ""), 1);
}

static void before_close__renaming_onto_a_deleted_file_takes_its_name(void **state)
{
    struct fixture *f = *state;

    fake_put_text(f->fake, "a.txt", "old!");
    fake_put_text(f->fake, "b.txt", "mine");
    assert_int_equal(fixture_list(f, ""), 2);
    fake_remove(f->fake, "a.txt");
    assert_int_equal(vfs_rename(f->vfs, f->root, "b.txt", f->root, "a.txt", 0, NULL, NULL), 0);
    assert_true(fake_has_text(f->fake, "a.txt", "mine"));
    assert_int_equal(fake_children(f->fake, ""), 1);
    assert_int_equal(fixture_list(f, ""), 1);
}

static void close_with_a_dead_line(struct fixture *f, unsigned flags)
{
    struct vfs_file *file = NULL;
    struct vfs_attr attr;

    fake_fail(f->fake, FAKE_UPLOAD, ERR_UNREACHABLE, 0, UINT32_MAX);
    assert_int_equal(vfs_create(f->vfs, &file, &attr, f->root, "a.txt", flags, NULL, NULL), 0);
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), 0);
    vfs_close(f->vfs, file);
    vfs_forget(f->vfs, attr.id, 1);
}

static void line_is_back(struct fixture *f)
{
    fake_fail(f->fake, FAKE_UPLOAD, 0, 0, 0);
    /* A try that ran while the line came back fails once more. */
    for (int i = 0; i < WAIT_MS / 10 && fake_size(f->fake, "a.txt") != 0; i++) {
        online_vfs_wake_uploads(f->online);
        usleep(10000);
    }
    assert_int_equal(online_vfs_wait_uploads(f->online, WAIT_MS), 0);
    assert_int_equal(fake_size(f->fake, "a.txt"), 0);
    assert_int_equal(fake_children(f->fake, ""), 1);
    assert_int_equal(fixture_unsaved(f), 0);
}

/* An empty file is sent with its last handle, where no close can fail any more: so it waits. */
static void before_close__a_new_empty_file_outlives_a_dead_line(void **state)
{
    struct fixture *f = *state;

    close_with_a_dead_line(f, VFS_WRITE);
    assert_int_not_equal(fixture_find(f, "a.txt", NULL), 0);
    line_is_back(f);
}

static void before_close__an_emptied_file_outlives_a_dead_line(void **state)
{
    struct fixture *f = *state;
    struct vfs_attr attr;

    fake_put_text(f->fake, "a.txt", "old!");
    close_with_a_dead_line(f, VFS_WRITE | VFS_TRUNCATE);
    assert_int_not_equal(fixture_find(f, "a.txt", &attr), 0);
    assert_int_equal(attr.size_bytes, 0);
    line_is_back(f);
}

/* It arrived, but not the answer: no conflict with itself. */
static void before_close__an_empty_file_whose_answer_is_lost_is_there_once(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = NULL;
    struct vfs_attr attr;

    fake_lose_uploads(f->fake, 1);
    assert_int_equal(vfs_create(f->vfs, &file, &attr, f->root, "a.txt", VFS_WRITE, NULL, NULL), 0);
    vfs_close(f->vfs, file);
    vfs_forget(f->vfs, attr.id, 1);
    line_is_back(f);
    assert_int_equal(fixture_list(f, ""), 1);
}

/* What looks temporary is sent by the thread that settles. */
static void before_close__what_settled_outlives_a_dead_line(void **state)
{
    struct fixture *f = *state;

    fixture_stop(f);
    f->options.settle_ms = 1;
    fixture_start(f);
    close_with_a_dead_line(f, VFS_WRITE);
    assert_int_equal(online_vfs_settle(f->online, WAIT_MS), 0);
    assert_int_not_equal(fixture_find(f, "a.txt", NULL), 0);
    line_is_back(f);
}

/* --- the answer to a save was lost, and the program writes on --- */

static struct vfs_file *open_and_lose_by(struct fixture *f, const char *text, int code)
{
    struct vfs_file *file = NULL;

    fake_put_text(f->fake, "a.txt", "old!");
    assert_int_equal(
        vfs_open(f->vfs, &file, fixture_find(f, "a.txt", NULL), VFS_READ | VFS_WRITE, NULL, NULL),
        0);
    assert_int_equal(vfs_write(f->vfs, file, text, strlen(text), 0, NULL, NULL), 0);
    fake_lose_upload_by(f->fake, code);
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), code);
    assert_true(fake_has_text(f->fake, "a.txt", text));
    return file;
}

static struct vfs_file *open_and_lose(struct fixture *f, const char *text)
{
    return open_and_lose_by(f, text, ERR_TIMED_OUT);
}

static void save_on(struct fixture *f, struct vfs_file *file, const char *text)
{
    assert_int_equal(vfs_write(f->vfs, file, text, strlen(text), 0, NULL, NULL), 0);
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), 0);
    vfs_close(f->vfs, file);
    assert_true(fake_has_text(f->fake, "a.txt", text));
    assert_int_equal(fake_children(f->fake, ""), 1);
    assert_true(fixture_has_text(f, "a.txt", text));
    assert_int_equal(fixture_unsaved(f), 0);
}

static void before_close__a_save_goes_over_one_whose_answer_was_lost(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = open_and_lose(f, "first");

    save_on(f, file, "the second");
    assert_int_equal(fake_versions(f->fake, "a.txt"), 3);
}

/* A proxy's page, say, or one that does not end. */
static void before_close__a_save_goes_over_one_whose_answer_was_nonsense(void **state)
{
    static const int codes[] = {ERR_PROTOCOL, ERR_LIMIT};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        save_on(f, open_and_lose_by(f, "first", codes[i]), "the second");
        fixture_restart(f);
    }
}

/* The line was dead in between: what arrived is the one before the last. */
static void before_close__a_save_goes_over_an_older_one_whose_answer_was_lost(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = open_and_lose(f, "first");

    assert_int_equal(vfs_write(f->vfs, file, "second", 6, 0, NULL, NULL), 0);
    fake_fail(f->fake, FAKE_UPLOAD, ERR_UNREACHABLE, 0, 1);
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), ERR_UNREACHABLE);
    save_on(f, file, "the third");
}

static void before_close__a_new_file_goes_over_itself_when_the_answer_was_lost(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = NULL;
    struct vfs_attr attr;

    assert_int_equal(vfs_create(f->vfs, &file, &attr, f->root, "a.txt", VFS_WRITE, NULL, NULL), 0);
    assert_int_equal(vfs_write(f->vfs, file, "first", 5, 0, NULL, NULL), 0);
    fake_lose_uploads(f->fake, 1);
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), ERR_TIMED_OUT);
    save_on(f, file, "the second");
    vfs_forget(f->vfs, attr.id, 1);
    assert_int_equal(fake_versions(f->fake, "a.txt"), 2);
}

/* What others made of it since is not taken for what was lost. */
static void before_close__of_what_others_saved_after_a_lost_answer_is_a_conflict(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = open_and_lose(f, "first");
    char name[160];

    fake_put_text(f->fake, "a.txt", "other");
    assert_int_equal(vfs_write(f->vfs, file, "the second", 10, 0, NULL, NULL), 0);
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), 0);
    vfs_close(f->vfs, file);
    assert_true(fake_has_text(f->fake, "a.txt", "other"));
    fake_find_name(f->fake, "", "(conflict ", name, sizeof(name));
    assert_true(fake_has_text(f->fake, name, "the second"));
}

/* --- a large file on a slow disk --- */

/* Each read takes a second, by the clock that stands still else. */
static struct {
    atomic_bool is_slow;
    atomic_size_t bytes;
} disk;

int __real_local_read(struct local_file *file, void *data, size_t size, uint64_t offset,
                      size_t *got, struct error *err);
int __wrap_local_read(struct local_file *file, void *data, size_t size, uint64_t offset,
                      size_t *got, struct error *err);

int __wrap_local_read(struct local_file *file, void *data, size_t size, uint64_t offset,
                      size_t *got, struct error *err)
{
    if (atomic_load(&disk.is_slow)) {
        still_clock_advance(1000);
        atomic_fetch_add(&disk.bytes, size);
    }
    return __real_local_read(file, data, size, offset, got, err);
}

/* A program that was told that its save failed does not wait until all of it was read again. */
static void before_close__a_lost_answer_to_a_large_save_fails_soon(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = NULL;
    size_t size = 8u << 20;
    char *data = calloc(1, size);

    assert_non_null(data);
    fake_put_text(f->fake, "a.txt", "old!");
    file = fixture_open(f, "a.txt", VFS_READ | VFS_WRITE);
    assert_int_equal(vfs_write(f->vfs, file, data, size, 0, NULL, NULL), 0);
    fake_lose_uploads(f->fake, 1);
    still_clock_begin();
    atomic_store(&disk.bytes, 0);
    atomic_store(&disk.is_slow, true);
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), ERR_TIMED_OUT);
    atomic_store(&disk.is_slow, false);
    assert_in_range(atomic_load(&disk.bytes), size, size + size / 2); /* the upload read all */
    vfs_close(f->vfs, file);
    assert_true(fake_ever_held(f->fake, data, size));
    free(data);
}

/* --- a new size, given to a file that somebody reads --- */

static int resize(struct fixture *f, uint64_t size)
{
    struct vfs_set set = {.flags = VFS_SET_SIZE, .size_bytes = size};
    struct vfs_attr attr;

    return vfs_setattr(f->vfs, &attr, fixture_find(f, "a.txt", NULL), NULL, &set, NULL, NULL);
}

static void before_close__a_size_that_was_not_saved_is_saved_when_it_is_set_again(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *reader = NULL;

    fake_put_text(f->fake, "a.txt", "old!");
    assert_int_equal(
        vfs_open(f->vfs, &reader, fixture_find(f, "a.txt", NULL), VFS_READ, NULL, NULL), 0);
    fake_fail(f->fake, FAKE_UPLOAD, ERR_UNREACHABLE, 0, 1);
    assert_int_equal(resize(f, 3), ERR_UNREACHABLE);
    assert_int_equal(resize(f, 3), 0);
    assert_true(fake_has_text(f->fake, "a.txt", "old"));
    vfs_close(f->vfs, reader);
    assert_true(fixture_has_text(f, "a.txt", "old"));
    assert_int_equal(fixture_unsaved(f), 0);
}

/* Nobody has it open: what is on the server by now is asked for, not what was there before. */
static void before_close__a_size_whose_answer_was_lost_can_be_set_again(void **state)
{
    struct fixture *f = *state;

    fake_put_text(f->fake, "a.txt", "old!");
    assert_true(fixture_has_text(f, "a.txt", "old!"));
    fake_lose_uploads(f->fake, 1);
    assert_int_equal(resize(f, 3), ERR_TIMED_OUT);
    assert_true(fake_has_text(f->fake, "a.txt", "old"));
    assert_int_equal(online_vfs_wipe_cache(f->online, NULL), 0);
    assert_int_equal(resize(f, 2), 0);
    assert_true(fake_has_text(f->fake, "a.txt", "ol"));
    assert_int_equal(fake_children(f->fake, ""), 1);
}

/* `uploads list` shows it, and nobody sends it: who asks for that is told. */
static void before_close__what_is_unsaved_is_not_tried_again(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    unsigned count = 77;
    char id[64];

    fake_fail(f->fake, FAKE_UPLOAD, ERR_DENIED, 0, 1);
    assert_int_equal(fixture_write_text(f, "", "a.txt", "mine"), ERR_DENIED);
    assert_int_equal(waiting_look(f).state, UPLOAD_UNSAVED);
    snprintf(id, sizeof(id), "%s", waiting_look(f).id);
    assert_int_equal(online_vfs_retry_uploads(f->online, id, &count, &err), ERR_NOT_PERMITTED);
    assert_non_null(strstr(err.message, id));
    assert_non_null(strstr(err.message, "export"));
    assert_int_equal(count, 0);
    assert_int_equal(online_vfs_discard_upload(f->online, id, NULL), 0);
    assert_int_equal(online_vfs_retry_uploads(f->online, id, &count, &err), ERR_NOT_FOUND);
}

int main(void)
{
#define BEFORE_CLOSE_TEST(f) cmocka_unit_test_setup_teardown(f, setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        BEFORE_CLOSE_TEST(before_close__what_is_unsaved_is_not_tried_again),
        BEFORE_CLOSE_TEST(before_close__of_a_file_that_others_deleted_keeps_the_save),
        BEFORE_CLOSE_TEST(before_close__renaming_onto_a_changed_file_keeps_both),
        BEFORE_CLOSE_TEST(before_close__a_save_by_rename_onto_a_changed_file_keeps_both),
        BEFORE_CLOSE_TEST(before_close__renaming_onto_a_rewritten_file_replaces_it),
        BEFORE_CLOSE_TEST(before_close__renaming_onto_a_deleted_file_takes_its_name),
        BEFORE_CLOSE_TEST(before_close__a_new_empty_file_outlives_a_dead_line),
        BEFORE_CLOSE_TEST(before_close__an_emptied_file_outlives_a_dead_line),
        BEFORE_CLOSE_TEST(before_close__an_empty_file_whose_answer_is_lost_is_there_once),
        BEFORE_CLOSE_TEST(before_close__what_settled_outlives_a_dead_line),
        BEFORE_CLOSE_TEST(before_close__a_save_goes_over_one_whose_answer_was_lost),
        BEFORE_CLOSE_TEST(before_close__a_save_goes_over_one_whose_answer_was_nonsense),
        BEFORE_CLOSE_TEST(before_close__a_save_goes_over_an_older_one_whose_answer_was_lost),
        BEFORE_CLOSE_TEST(before_close__a_new_file_goes_over_itself_when_the_answer_was_lost),
        BEFORE_CLOSE_TEST(before_close__of_what_others_saved_after_a_lost_answer_is_a_conflict),
        BEFORE_CLOSE_TEST(before_close__a_lost_answer_to_a_large_save_fails_soon),
        BEFORE_CLOSE_TEST(before_close__a_size_that_was_not_saved_is_saved_when_it_is_set_again),
        BEFORE_CLOSE_TEST(before_close__a_size_whose_answer_was_lost_can_be_set_again),
    };

    return cmocka_run_group_tests_name("conflicts before close", tests, NULL, NULL) ? 1 : 0;
}
