/* Saves in the background: closing returns when the journal has the file, and from then on nothing
 * but its user takes it away. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "still_clock.h"
#include "waiting.h"

/* --- the way of a file --- */

static void journal_close__returns_before_the_server_has_it(void **state)
{
    struct fixture *f = *state;
    struct vfs_attr attr;

    waiting_hold(f, WAITING_NEVER_MS);
    assert_int_equal(fixture_write_text(f, "", "a", "mine"), 0);
    assert_int_equal(fake_count(f->fake, FAKE_UPLOAD), 0);
    assert_true(fixture_has_text(f, "a", "mine"));
    assert_true(fixture_find(f, "a", &attr) != 0);
    assert_int_equal(attr.size_bytes, 4);
    assert_int_equal(fixture_list(f, ""), 1);
    assert_int_equal(fixture_unsaved(f), 0);
    assert_int_equal(waiting_look(f).count, 1);
    waiting_hold(f, 0);
    waiting_drain(f);
    assert_true(fake_has_text(f->fake, "a", "mine"));
    assert_int_equal(fake_versions(f->fake, "a"), 1);
    assert_int_equal(waiting_look(f).count, 0);
    fake_reset(f->fake);
    assert_true(fixture_has_text(f, "a", "mine"));
    assert_int_equal(fake_downloaded(f->fake), 0);
}

static void journal_load__sends_what_a_dead_agent_left(void **state)
{
    struct fixture *f = *state;

    fake_put_text(f->fake, "old", "theirs");
    waiting_hold(f, WAITING_NEVER_MS);
    assert_int_equal(fixture_write_text(f, "", "new", "made"), 0);
    assert_int_equal(fixture_write_text(f, "", "old", "changed"), 0);
    fake_fail(f->fake, FAKE_UPLOAD, ERR_UNREACHABLE, 0, UINT32_MAX); /* until it was looked at */
    fixture_restart(f);
    assert_int_equal(waiting_look(f).count, 2);
    assert_true(fixture_has_text(f, "old", "changed")); /* before it is sent, too */
    fake_fail(f->fake, FAKE_UPLOAD, 0, 0, 0);
    waiting_send_all(f);
    assert_true(fake_has_text(f->fake, "new", "made"));
    assert_true(fake_has_text(f->fake, "old", "changed"));
    assert_int_equal(fake_versions(f->fake, "old"), 2);
    assert_int_equal(waiting_look(f).count, 0);
    assert_int_equal(fixture_unsaved(f), 0);
}

/* Sizes by name, as a listing has them. */
struct listed {
    uint64_t new_size;
    uint64_t old_size;
    unsigned count;
};

static bool see_entry(void *payload, const char *name, const struct vfs_attr *attr, uint64_t next)
{
    struct listed *listed = payload;

    (void)next;
    listed->count++;
    listed->new_size = strcmp(name, "new") == 0 ? attr->size_bytes : listed->new_size;
    listed->old_size = strcmp(name, "old") == 0 ? attr->size_bytes : listed->old_size;
    return true;
}

static struct listed list(struct fixture *f, const char *path)
{
    struct listed listed = {0};
    struct vfs_dir *dir = NULL;
    unsigned had = 0;

    assert_int_equal(vfs_opendir(f->vfs, &dir, fixture_find(f, path, NULL), NULL, NULL), 0);
    do {
        had = listed.count;
        assert_int_equal(vfs_readdir(f->vfs, dir, had, see_entry, &listed, NULL, NULL), 0);
    } while (listed.count > had);
    vfs_closedir(f->vfs, dir);
    return listed;
}

static void journal_load__shows_what_waits_as_it_was_closed(void **state)
{
    static const char *const folders[] = {"", "sub"};
    struct fixture *f = *state;
    struct vfs_attr attr;

    fake_put_text(f->fake, "old", "theirs");
    fake_put_text(f->fake, "sub/old", "theirs");
    waiting_hold(f, WAITING_NEVER_MS);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(fixture_write_text(f, folders[i], "new", "made"), 0);
        assert_int_equal(fixture_write_text(f, folders[i], "old", "changed here"), 0);
    }
    fake_fail(f->fake, FAKE_UPLOAD, ERR_UNREACHABLE, 0, 1000); /* the line is down */
    fixture_restart(f);
    for (size_t i = 0; i < 2; i++) {
        struct listed listed = list(f, folders[i]);

        assert_int_equal(listed.count, i == 0 ? 3 : 2);
        assert_int_equal(listed.new_size, 4);
        assert_int_equal(listed.old_size, 12);
    }
    fixture_restart(f); /* and without a listing */
    assert_true(fixture_find(f, "sub/new", &attr) != 0);
    assert_int_equal(attr.size_bytes, 4);
    assert_true(fixture_find(f, "sub/old", &attr) != 0);
    assert_int_equal(attr.size_bytes, 12);
    assert_true(fixture_has_text(f, "sub/new", "made"));
    assert_true(fixture_has_text(f, "new", "made"));
    assert_int_equal(fixture_write_text(f, "", "new", "made again"), 0);
    fake_fail(f->fake, FAKE_UPLOAD, 0, 0, 0);
    waiting_drain(f);
    waiting_send_all(f);
    assert_true(fake_has_text(f->fake, "new", "made again"));
    assert_true(fake_has_text(f->fake, "sub/new", "made"));
    assert_true(fake_has_text(f->fake, "sub/old", "changed here"));
    assert_int_equal(fake_versions(f->fake, "old"), 2);
    assert_in_range(fake_versions(f->fake, "new"), 1, 2); /* what may have arrived goes first */
    assert_int_equal(fake_children(f->fake, ""), 3);
    assert_int_equal(fixture_list(f, ""), 3);
    assert_int_equal(waiting_look(f).count, 0);
}

static void journal_put__again_replaces_what_waits(void **state)
{
    struct fixture *f = *state;
    char text[32];

    fake_put_text(f->fake, "a", "old");
    waiting_hold(f, WAITING_NEVER_MS);
    for (int i = 0; i < 10; i++) {
        snprintf(text, sizeof(text), "version %d", i);
        assert_int_equal(fixture_write_text(f, "", "a", text), 0);
        assert_true(fixture_has_text(f, "a", text));
    }
    assert_int_equal(waiting_look(f).count, 1);
    waiting_drain(f);
    assert_true(fake_has_text(f->fake, "a", "version 9"));
    assert_int_equal(fake_versions(f->fake, "a"), 2);
}

static void journal_put__while_one_is_sent_follows_it(void **state)
{
    struct fixture *f = *state;

    fake_hold(f->fake, FAKE_UPLOAD);
    assert_int_equal(fixture_write_text(f, "", "a", "first"), 0);
    fake_await_held(f->fake);
    assert_int_equal(waiting_look(f).state, UPLOAD_RUNNING);
    assert_int_equal(fixture_write_text(f, "", "a", "second"), 0);
    assert_int_equal(fixture_write_text(f, "", "a", "third"), 0);
    fake_release(f->fake);
    waiting_until_sent(f);
    assert_true(fake_has_text(f->fake, "a", "third"));
    assert_int_equal(fake_versions(f->fake, "a"), 2);
    assert_int_equal(fake_children(f->fake, ""), 1);
}

static void journal_write__leaves_what_was_closed_as_it_was(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = NULL;
    char data[32] = {0};
    size_t got = 0;

    waiting_hold(f, WAITING_NEVER_MS);
    assert_int_equal(fixture_write_text(f, "", "a", "closed bytes"), 0);
    file = fixture_open(f, "a", VFS_READ | VFS_WRITE);
    fixture_write_at(f, file, "XX", 3);
    fixture_write_at(f, file, " and more", 12);
    assert_int_equal(vfs_read(f->vfs, file, data, 31, 0, &got, NULL, NULL), 0);
    assert_string_equal(data, "cloXXd bytes and more");
    waiting_drain(f);
    assert_true(fake_has_text(f->fake, "a", "closed bytes"));
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), 0);
    vfs_close(f->vfs, file);
    waiting_drain(f);
    assert_true(fake_has_text(f->fake, "a", "cloXXd bytes and more"));
    assert_int_equal(fake_versions(f->fake, "a"), 2);
    assert_int_equal(fixture_unsaved(f), 0);
}

static void journal_write__behind_the_end_needs_no_copy(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = NULL;
    char first[200];

    waiting_hold(f, WAITING_NEVER_MS);
    assert_int_equal(fixture_write_text(f, "", "log", "one\n"), 0);
    snprintf(first, sizeof(first), "%s", waiting_look(f).file);
    file = fixture_open(f, "log", VFS_WRITE);
    fixture_write_at(f, file, "two\n", 4);
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), 0);
    fixture_write_at(f, file, "three\n", 8);
    assert_string_equal(waiting_look(f).file, first);
    waiting_drain(f);
    assert_true(fake_has_text(f->fake, "log", "one\ntwo\n"));
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), 0);
    vfs_close(f->vfs, file);
    waiting_drain(f);
    assert_true(fake_has_text(f->fake, "log", "one\ntwo\nthree\n"));
    fixture_restart(f);
    assert_int_equal(waiting_look(f).count, 0);
}

static void journal_truncate__of_a_waiting_file_makes_one_version(void **state)
{
    struct fixture *f = *state;
    struct vfs_attr attr;
    struct vfs_set set = {.flags = VFS_SET_SIZE, .size_bytes = 2};

    waiting_hold(f, WAITING_NEVER_MS);
    assert_int_equal(fixture_write_text(f, "", "a", "12345"), 0);
    assert_int_equal(vfs_setattr(f->vfs, &attr, fixture_find(f, "a", NULL), NULL, &set, NULL, NULL),
                     0);
    assert_int_equal(attr.size_bytes, 2);
    assert_true(fixture_has_text(f, "a", "12"));
    waiting_drain(f);
    assert_true(fake_has_text(f->fake, "a", "12"));
    assert_int_equal(fake_versions(f->fake, "a"), 1);
}

static void journal_setattr__of_times_goes_along(void **state)
{
    struct fixture *f = *state;
    struct vfs_attr attr;
    struct vfs_set set = {.flags = VFS_SET_MODIFIED, .modified_ms = 1600000000000};

    waiting_hold(f, WAITING_NEVER_MS);
    assert_int_equal(fixture_write_text(f, "", "a", "text"), 0);
    assert_int_equal(vfs_setattr(f->vfs, &attr, fixture_find(f, "a", NULL), NULL, &set, NULL, NULL),
                     0);
    assert_true(attr.modified_ms == 1600000000000);
    fixture_restart(f);
    waiting_drain(f);
    assert_int_equal(fake_count(f->fake, FAKE_UPDATE), 0);
    assert_true(fake_modified(f->fake, "a") == 1600000000000);
}

static void journal_fsync__waits_for_the_disk_alone(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = NULL;
    struct vfs_attr attr;

    assert_int_equal(vfs_create(f->vfs, &file, &attr, f->root, "a", VFS_WRITE, NULL, NULL), 0);
    for (int i = 0; i < 3; i++) {
        fixture_write_at(f, file, "text", (uint64_t)i * 4);
        assert_int_equal(vfs_fsync(f->vfs, file, NULL, NULL), 0);
    }
    assert_int_equal(fake_count(f->fake, FAKE_UPLOAD), 0);
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), 0);
    vfs_close(f->vfs, file);
    vfs_forget(f->vfs, attr.id, 1);
    waiting_until_sent(f);
    assert_int_equal(fake_versions(f->fake, "a"), 1);
    assert_true(fake_has_text(f->fake, "a", "texttexttext"));
}

/* --- names --- */

static void journal_rename__of_a_waiting_file_sends_the_new_name_only(void **state)
{
    struct fixture *f = *state;

    fake_mkdir(f->fake, "d");
    fixture_list(f, "");
    waiting_hold(f, WAITING_NEVER_MS);
    assert_int_equal(fixture_write_text(f, "", "a", "text"), 0);
    assert_int_equal(
        vfs_rename(f->vfs, f->root, "a", fixture_find(f, "d", NULL), "b", 0, NULL, NULL), 0);
    assert_true(fixture_has_text(f, "d/b", "text"));
    assert_int_equal(fixture_find(f, "a", NULL), 0);
    assert_string_equal(waiting_look(f).path, "d/b");
    fixture_restart(f);
    waiting_drain(f);
    assert_true(fake_has_text(f->fake, "d/b", "text"));
    assert_null(fake_id(f->fake, "a"));
    assert_int_equal(fake_count(f->fake, FAKE_UPDATE), 0);
}

static void journal_rename__of_a_waiting_file_onto_another_is_one_version(void **state)
{
    struct fixture *f = *state;
    char id[40];

    fake_put_text(f->fake, "report", "old");
    snprintf(id, sizeof(id), "%s", fake_id(f->fake, "report"));
    fixture_list(f, "");
    waiting_hold(f, WAITING_NEVER_MS);
    assert_int_equal(fixture_write_text(f, "", "report.tmp", "new"), 0);
    fake_reset(f->fake);
    assert_int_equal(vfs_rename(f->vfs, f->root, "report.tmp", f->root, "report", 0, NULL, NULL),
                     0);
    assert_int_equal(fake_total(f->fake), 0);
    assert_true(fixture_has_text(f, "report", "new"));
    assert_int_equal(fixture_find(f, "report.tmp", NULL), 0);
    assert_int_equal(waiting_look(f).count, 1);
    waiting_drain(f);
    assert_string_equal(fake_id(f->fake, "report"), id);
    assert_true(fake_has_text(f->fake, "report", "new"));
    assert_int_equal(fake_versions(f->fake, "report"), 2);
    assert_int_equal(fake_children(f->fake, ""), 1);
}

static void journal_rename__onto_a_waiting_change_replaces_that(void **state)
{
    struct fixture *f = *state;

    fake_put_text(f->fake, "report", "old");
    fixture_list(f, "");
    waiting_hold(f, WAITING_NEVER_MS);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(fixture_write_text(f, "", "tmp", i == 2 ? "newest" : "newer"), 0);
        assert_int_equal(vfs_rename(f->vfs, f->root, "tmp", f->root, "report", 0, NULL, NULL), 0);
    }
    assert_int_equal(waiting_look(f).count, 1);
    waiting_drain(f);
    assert_true(fake_has_text(f->fake, "report", "newest"));
    assert_int_equal(fake_versions(f->fake, "report"), 2);
    assert_int_equal(fake_children(f->fake, ""), 1);
    assert_int_equal(fixture_unsaved(f), 0);
}

static void journal_rename__onto_a_file_that_waits_itself(void **state)
{
    struct fixture *f = *state;

    waiting_hold(f, WAITING_NEVER_MS);
    assert_int_equal(fixture_write_text(f, "", "report", "old"), 0);
    assert_int_equal(fixture_write_text(f, "", "tmp", "new"), 0);
    assert_int_equal(vfs_rename(f->vfs, f->root, "tmp", f->root, "report", 0, NULL, NULL), 0);
    assert_true(fixture_has_text(f, "report", "new"));
    assert_int_equal(waiting_look(f).count, 1);
    waiting_drain(f);
    assert_true(fake_has_text(f->fake, "report", "new"));
    assert_int_equal(fake_children(f->fake, ""), 1);
}

static void journal_unlink__of_a_waiting_file_sends_nothing(void **state)
{
    struct fixture *f = *state;

    waiting_hold(f, WAITING_NEVER_MS);
    assert_int_equal(fixture_write_text(f, "", "a", "text"), 0);
    fake_reset(f->fake);
    assert_int_equal(vfs_unlink(f->vfs, f->root, "a", NULL, NULL), 0);
    assert_int_equal(waiting_look(f).count, 0);
    assert_int_equal(fixture_find(f, "a", NULL), 0);
    fixture_restart(f);
    assert_int_equal(waiting_look(f).count, 0);
    waiting_drain(f);
    assert_int_equal(fake_count(f->fake, FAKE_UPLOAD), 0);
}

static void journal_unmap__keeps_and_sends_what_waits(void **state)
{
    struct fixture *f = *state;

    waiting_hold(f, WAITING_NEVER_MS);
    assert_int_equal(fixture_write_text(f, "", "a", "text"), 0);
    online_vfs_remove(f->online, f->root);
    assert_int_equal(waiting_look(f).count, 1);
    waiting_drain(f);
    assert_true(fake_has_text(f->fake, "a", "text"));
}

/* --- failures --- */

static void journal_retry__goes_on_after_an_outage(void **state)
{
    struct fixture *f = *state;

    still_clock_begin(); /* it is not sent again by itself */
    fake_fail(f->fake, FAKE_UPLOAD, ERR_UNREACHABLE, 0, 1);
    assert_int_equal(fixture_write_text(f, "", "a", "text"), 0);
    waiting_until_sent(f); /* nothing that can be sent now */
    assert_int_equal(waiting_look(f).count, 1);
    assert_int_equal(waiting_look(f).state, UPLOAD_RETRY);
    assert_int_equal(fixture_unsaved(f), 0);
    assert_true(fixture_has_text(f, "a", "text"));
    waiting_send_now(f);
    assert_true(fake_has_text(f->fake, "a", "text"));
    assert_int_equal(waiting_look(f).count, 0);
}

static void journal_retry__finds_what_arrived_without_an_answer(void **state)
{
    struct fixture *f = *state;

    still_clock_begin(); /* nothing is sent again by itself */
    fake_lose_uploads(f->fake, 1);
    assert_int_equal(fixture_write_text(f, "", "a", "text"), 0);
    waiting_until_sent(f);
    assert_int_equal(fixture_write_text(f, "", "a", "newer"), 0);
    waiting_send_all(f);
    assert_int_equal(fake_children(f->fake, ""), 1);
    assert_true(fake_has_text(f->fake, "a", "newer"));
    assert_int_equal(fake_versions(f->fake, "a"), 2);
}

static void journal_block__names_what_needs_a_person(void **state)
{
    struct fixture *f = *state;
    struct waiting_seen seen;

    fake_fail(f->fake, FAKE_UPLOAD, ERR_DENIED, 0, 1);
    assert_int_equal(fixture_write_text(f, "", "a", "text"), 0);
    waiting_until_sent(f);
    seen = waiting_look(f);
    assert_int_equal(seen.state, UPLOAD_BLOCKED);
    assert_non_null(strstr(seen.reason, "the test wants this to fail"));
    assert_int_equal(fixture_unsaved(f), 1);
    fixture_restart(f);
    assert_int_equal(waiting_look(f).state, UPLOAD_BLOCKED);
    waiting_send_now(f);
    assert_true(fake_has_text(f->fake, "a", "text"));
    assert_int_equal(fixture_unsaved(f), 0);
}

static void journal_discard__drops_it_for_good(void **state)
{
    struct fixture *f = *state;

    fake_put_text(f->fake, "old", "theirs");
    waiting_hold(f, WAITING_NEVER_MS);
    assert_int_equal(fixture_write_text(f, "", "old", "mine"), 0);
    assert_int_equal(online_vfs_discard_upload(f->online, waiting_look(f).id, NULL), 0);
    assert_int_equal(waiting_look(f).count, 0);
    assert_true(fixture_has_text(f, "old", "theirs"));
    assert_int_equal(fixture_write_text(f, "", "new", "mine"), 0);
    assert_int_equal(online_vfs_discard_upload(f->online, waiting_look(f).id, NULL), 0);
    assert_int_equal(fixture_find(f, "new", NULL), 0);
    assert_int_equal(online_vfs_discard_upload(f->online, "nothing", NULL), ERR_NOT_FOUND);
    assert_int_equal(online_vfs_discard_upload(f->online, "../x", NULL), ERR_INVALID);
    fixture_restart(f);
    assert_int_equal(waiting_look(f).count, 0);
    assert_int_equal(fixture_unsaved(f), 0);
    assert_int_equal(fake_count(f->fake, FAKE_UPLOAD), 0);
}

/* --- limits --- */

static void journal_write__beyond_the_limit_of_uploads_is_refused(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = NULL;
    struct vfs_attr attr;

    f->options.upload_blocked_above = 10;
    online_vfs_configure(f->online, &f->options);
    assert_int_equal(vfs_create(f->vfs, &file, &attr, f->root, "a", VFS_WRITE, NULL, NULL), 0);
    assert_int_equal(vfs_write(f->vfs, file, "0123456789", 10, 0, NULL, NULL), 0);
    assert_int_equal(vfs_write(f->vfs, file, "x", 1, 10, NULL, NULL), ERR_TOO_LARGE);
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), 0);
    vfs_close(f->vfs, file);
    vfs_forget(f->vfs, attr.id, 1);
    waiting_until_sent(f);
    assert_true(fake_has_text(f->fake, "a", "0123456789"));
}

static void journal_put__of_thousands_keeps_few_descriptors(void **state)
{
    struct fixture *f = *state;
    char name[32];
    int fd = -1;

    waiting_hold(f, WAITING_NEVER_MS);
    fixture_list(f, "");
    for (int i = 0; i < 500; i++) {
        snprintf(name, sizeof(name), "f%d", i);
        assert_int_equal(fixture_write_text(f, "", name, name), 0);
    }
    fd = dup(0);
    assert_true(fd < 100);
    close(fd);
    assert_true(fixture_has_text(f, "f250", "f250"));
    waiting_drain(f);
    assert_int_equal(fake_children(f->fake, ""), 500);
    assert_true(fake_has_text(f->fake, "f499", "f499"));
}

#define JOURNAL_TEST(f) \
    cmocka_unit_test_setup_teardown(f, fixture_setup_background, fixture_teardown)

static const struct CMUnitTest tests[] = {
    JOURNAL_TEST(journal_close__returns_before_the_server_has_it),
    JOURNAL_TEST(journal_load__sends_what_a_dead_agent_left),
    JOURNAL_TEST(journal_load__shows_what_waits_as_it_was_closed),
    JOURNAL_TEST(journal_put__again_replaces_what_waits),
    JOURNAL_TEST(journal_put__while_one_is_sent_follows_it),
    JOURNAL_TEST(journal_write__leaves_what_was_closed_as_it_was),
    JOURNAL_TEST(journal_write__behind_the_end_needs_no_copy),
    JOURNAL_TEST(journal_truncate__of_a_waiting_file_makes_one_version),
    JOURNAL_TEST(journal_setattr__of_times_goes_along),
    JOURNAL_TEST(journal_fsync__waits_for_the_disk_alone),
    JOURNAL_TEST(journal_rename__of_a_waiting_file_sends_the_new_name_only),
    JOURNAL_TEST(journal_rename__of_a_waiting_file_onto_another_is_one_version),
    JOURNAL_TEST(journal_rename__onto_a_waiting_change_replaces_that),
    JOURNAL_TEST(journal_rename__onto_a_file_that_waits_itself),
    JOURNAL_TEST(journal_unlink__of_a_waiting_file_sends_nothing),
    JOURNAL_TEST(journal_unmap__keeps_and_sends_what_waits),
    JOURNAL_TEST(journal_retry__goes_on_after_an_outage),
    JOURNAL_TEST(journal_retry__finds_what_arrived_without_an_answer),
    JOURNAL_TEST(journal_block__names_what_needs_a_person),
    JOURNAL_TEST(journal_discard__drops_it_for_good),
    JOURNAL_TEST(journal_write__beyond_the_limit_of_uploads_is_refused),
    JOURNAL_TEST(journal_put__of_thousands_keeps_few_descriptors),
};

TEST_MAIN("the journal of the online vfs", tests)
