/* Saves of a file that others change, delete or hold meanwhile: both versions stay, and no more than
 * these. */
#include "fixture.h"

#include <string.h>
#include <unistd.h>

#include "base/thread.h"
#include "still_clock.h"
#include "waiting.h"

/* The name of the one entry that the folder has beside `name`, on the server. */
static void assert_copy(struct fixture *f, const char *ending, const char *text)
{
    struct vfs_attr attr;
    char name[256] = "";

    assert_int_equal(fake_children(f->fake, ""), 2);
    fake_find_name(f->fake, "", "(conflict Anna Muster ", name, sizeof(name));
    assert_true(strlen(name) > 0);
    assert_non_null(strstr(name, ending));
    assert_true(fake_has_text(f->fake, name, text));
    assert_true(fixture_find(f, name, &attr) != 0);
    assert_true(fixture_has_text(f, name, text));
}

/* What a program does to a file while its save is on its way. */
struct meanwhile {
    struct fixture *f;
    int (*act)(struct fixture *f);
    struct vfs_file *file;
    int code;
};

static void before_close__keeps_both_versions(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = NULL;
    char name[160];

    f->options.saves_in_background = false;
    online_vfs_configure(f->online, &f->options);
    fake_put_text(f->fake, "a.txt", "old!");
    file = fixture_open(f, "a.txt", VFS_READ | VFS_WRITE);
    fixture_write_at(f, file, "mine", 0);
    fake_put_text(f->fake, "a.txt", "theirs");
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), 0);
    vfs_close(f->vfs, file);
    assert_true(fake_has_text(f->fake, "a.txt", "theirs"));
    fake_find_name(f->fake, "", "(conflict ", name, sizeof(name));
    assert_true(fake_has_text(f->fake, name, "mine")); /* when flush returned */
    assert_int_equal(fake_children(f->fake, ""), 2);
    waiting_until_sent(f);
    assert_int_equal(waiting_look(f).count, 0);
    assert_int_equal(fixture_unsaved(f), 0);
    assert_true(fixture_has_text(f, "a.txt", "theirs"));
    assert_true(fixture_has_text(f, name, "mine"));
}

static void *flush(void *payload)
{
    struct meanwhile *meanwhile = payload;

    meanwhile->code = vfs_flush(meanwhile->f->vfs, meanwhile->file, NULL, NULL);
    return NULL;
}

/* Asked as soon as a call has to wait: what it waits for goes on then. */
static bool go_on(void *payload)
{
    fake_release(payload);
    return false;
}

/* Times that are set, by the file's name, while the save becomes a copy are the copy's: it has what the
 * program wrote. */
static void before_close__times_follow_the_copy(void **state)
{
    struct fixture *f = *state;
    struct meanwhile meanwhile = {.f = f, .code = -1};
    struct thread thread = {.is_running = false};
    struct vfs_set set = {.flags = VFS_SET_MODIFIED, .modified_ms = 1000000000000};
    struct vfs_call call = {.is_cancelled = go_on, .payload = f->fake};
    struct vfs_attr attr;
    char name[160];

    f->options.saves_in_background = false;
    online_vfs_configure(f->online, &f->options);
    fake_put_text(f->fake, "a.txt", "old!");
    meanwhile.file = fixture_open(f, "a.txt", VFS_READ | VFS_WRITE);
    fixture_write_at(f, meanwhile.file, "mine", 0);
    fake_put_text(f->fake, "a.txt", "theirs");
    fake_hold(f->fake, FAKE_UPLOAD);
    assert_int_equal(thread_start(&thread, "meanwhile", flush, &meanwhile, NULL), 0);
    fake_await_held(f->fake);
    assert_int_equal(
        vfs_setattr(f->vfs, &attr, fixture_find(f, "a.txt", NULL), NULL, &set, &call, NULL), 0);
    thread_join(&thread);
    assert_int_equal(meanwhile.code, 0);
    vfs_close(f->vfs, meanwhile.file);
    fake_find_name(f->fake, "", "(conflict ", name, sizeof(name));
    assert_true(fake_has_text(f->fake, name, "mine"));
    assert_int_equal(fake_modified(f->fake, name), set.modified_ms);
    assert_int_not_equal(fake_modified(f->fake, "a.txt"), set.modified_ms);
    assert_true(fake_has_text(f->fake, "a.txt", "theirs"));
}

static void journal_conflict__keeps_both_versions(void **state)
{
    struct fixture *f = *state;

    fake_put_text(f->fake, "Report.docx", "old");
    waiting_hold(f, WAITING_NEVER_MS);
    assert_int_equal(fixture_write_text(f, "", "Report.docx", "mine"), 0);
    fake_put_text(f->fake, "Report.docx", "theirs");
    waiting_drain(f);
    assert_true(fake_has_text(f->fake, "Report.docx", "theirs"));
    assert_copy(f, ").docx", "mine");
    assert_true(fixture_has_text(f, "Report.docx", "theirs"));
    assert_int_equal(waiting_look(f).count, 0);
    assert_int_equal(fixture_unsaved(f), 0);
}

static void *act(void *payload)
{
    struct meanwhile *meanwhile = payload;

    meanwhile->code = meanwhile->act(meanwhile->f);
    return NULL;
}

static int delete_it(struct fixture *f)
{
    return fixture_delete(f, "a.txt");
}

static int rename_it(struct fixture *f)
{
    return fixture_rename(f, "a.txt", "b.txt");
}

/* The save becomes a conflict copy, and `act_on` is about what others made of the file. */
static void conflict_while(struct fixture *f, int (*act_on)(struct fixture *f))
{
    struct meanwhile meanwhile = {.f = f, .act = act_on, .code = -1};
    struct thread thread = {.is_running = false};

    fake_put_text(f->fake, "a.txt", "old");
    fake_put_text(f->fake, "b.txt", "b");
    assert_int_equal(fixture_list(f, ""), 2);
    waiting_hold(f, WAITING_NEVER_MS);
    assert_int_equal(fixture_write_text(f, "", "a.txt", "mine"), 0);
    fake_put_text(f->fake, "a.txt", "theirs");
    fake_hold(f->fake, FAKE_UPLOAD);
    assert_int_equal(online_vfs_retry_uploads(f->online, waiting_look(f).id, NULL, NULL), 0);
    fake_await_held(f->fake);
    assert_int_equal(thread_start(&thread, "meanwhile", act, &meanwhile, NULL), 0);
    usleep(50 * 1000); /* so that it waits for the save; nothing depends on it when all is right */
    fake_release(f->fake);
    thread_join(&thread);
    assert_int_equal(meanwhile.code, 0);
    waiting_drain(f);
}

static void journal_conflict__is_not_deleted_with_the_file(void **state)
{
    struct fixture *f = *state;

    conflict_while(f, delete_it);
    assert_int_equal(fake_size(f->fake, "a.txt"), -1);
    assert_copy(f, ").txt", "mine");
}

static void journal_conflict__is_not_what_is_renamed(void **state)
{
    struct fixture *f = *state;

    conflict_while(f, rename_it);
    assert_int_equal(fake_size(f->fake, "a.txt"), -1);
    assert_true(fake_has_text(f->fake, "b.txt", "theirs"));
    assert_copy(f, ").txt", "mine");
}

static void journal_conflict__of_a_name_that_was_taken_keeps_both(void **state)
{
    struct fixture *f = *state;

    waiting_hold(f, WAITING_NEVER_MS);
    fixture_list(f, "");
    assert_int_equal(fixture_write_text(f, "", "a", "mine"), 0);
    fake_put_text(f->fake, "a", "theirs");
    waiting_drain(f);
    assert_true(fake_has_text(f->fake, "a", "theirs"));
    assert_copy(f, ")", "mine");
}

static void journal_conflict__brings_no_deleted_item_back(void **state)
{
    struct fixture *f = *state;
    char name[256] = "";

    fake_put_text(f->fake, "a.txt", "old");
    waiting_hold(f, WAITING_NEVER_MS);
    assert_int_equal(fixture_write_text(f, "", "a.txt", "mine"), 0);
    fake_remove(f->fake, "a.txt");
    waiting_drain(f);
    assert_null(fake_id(f->fake, "a.txt"));
    fake_find_name(f->fake, "", "(conflict", name, sizeof(name));
    assert_true(fake_has_text(f->fake, name, "mine"));
    assert_int_equal(waiting_look(f).count, 0);
}

static void journal_conflict__of_a_deleted_folder_waits_for_a_person(void **state)
{
    struct fixture *f = *state;

    fake_mkdir(f->fake, "d");
    waiting_hold(f, WAITING_NEVER_MS);
    assert_int_equal(fixture_write_text(f, "d", "a", "mine"), 0);
    fake_remove(f->fake, "d");
    waiting_drain(f);
    assert_int_equal(waiting_look(f).state, UPLOAD_BLOCKED);
    assert_non_null(strstr(waiting_look(f).reason, "folder is gone"));
    assert_true(access(waiting_look(f).file, R_OK) == 0);
}

static void journal_conflict__is_refused_when_policy_says_so(void **state)
{
    struct fixture *f = *state;

    fake_put_text(f->fake, "a", "old");
    f->options.keeps_both = false;
    waiting_hold(f, WAITING_NEVER_MS);
    assert_int_equal(fixture_write_text(f, "", "a", "mine"), 0);
    fake_put_text(f->fake, "a", "theirs");
    waiting_drain(f);
    assert_int_equal(waiting_look(f).state, UPLOAD_CONFLICT);
    assert_int_equal(fake_children(f->fake, ""), 1);
    assert_true(fake_has_text(f->fake, "a", "theirs"));
    assert_true(fixture_has_text(f, "a", "mine"));
    assert_int_equal(fixture_unsaved(f), 1);
}

static void journal_conflict__with_open_handles_goes_on_in_the_copy(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = NULL;

    fake_put_text(f->fake, "a.txt", "old");
    waiting_hold(f, WAITING_NEVER_MS);
    file = fixture_open(f, "a.txt", VFS_READ | VFS_WRITE);
    fixture_write_at(f, file, "mine", 0);
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), 0);
    fake_put_text(f->fake, "a.txt", "theirs");
    waiting_drain(f);
    assert_copy(f, ").txt", "mine");
    fixture_write_at(f, file, " again", 4);
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), 0);
    vfs_close(f->vfs, file);
    waiting_drain(f);
    assert_copy(f, ").txt", "mine again");
    assert_true(fake_has_text(f->fake, "a.txt", "theirs"));
}

static void journal_conflict__is_none_when_the_service_rewrote_our_save(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = NULL;

    fake_put_text(f->fake, "a.docx", "old");
    file = fixture_open(f, "a.docx", VFS_READ | VFS_WRITE);
    for (int i = 0; i < 4; i++) {
        fixture_write_at(f, file, i % 2 ? "odd" : "evn", 0);
        assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), 0);
        waiting_until_sent(f);
        fake_rewrite(f->fake, "a.docx", "enriched");
    }
    vfs_close(f->vfs, file);
    assert_int_equal(fake_children(f->fake, ""), 1);
    assert_int_equal(fake_count(f->fake, FAKE_VERSIONS), 3);
    assert_int_equal(waiting_look(f).count, 0);
    file = fixture_open(f, "a.docx", VFS_READ | VFS_WRITE); /* knows the rewritten one */
    fixture_write_at(f, file, "new", 0);
    fake_put_text(f->fake, "a.docx", "somebody's");
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), 0);
    vfs_close(f->vfs, file);
    waiting_until_sent(f);
    assert_int_equal(fake_children(f->fake, ""), 2);
    assert_true(fake_has_text(f->fake, "a.docx", "somebody's"));
}

/* A save that the service refuses so many times; nothing is sent again by itself. */
static void save_refused(struct fixture *f, const char *name, int code, unsigned times)
{
    fake_put_text(f->fake, name, "old");
    fake_fail(f->fake, FAKE_UPLOAD, code, 0, times);
    still_clock_begin();
    assert_int_equal(fixture_write_text(f, "", name, "mine"), 0);
    waiting_until_sent(f);
}

/* Others find that too: the service says so, and the item has the version that was sent along. */
static void journal_conflict__is_none_when_nobody_changed_it(void **state)
{
    struct fixture *f = *state;

    save_refused(f, "a", ERR_CHANGED, 5);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(waiting_look(f).count, 1);
        waiting_send_now(f);
    }
    assert_true(fake_has_text(f->fake, "a", "mine"));
    assert_int_equal(fake_children(f->fake, ""), 1);
    assert_int_equal(fake_versions(f->fake, "a"), 2);
}

static void journal_conflict__that_is_said_without_end_is_believed(void **state)
{
    struct fixture *f = *state;

    save_refused(f, "a.txt", ERR_CHANGED, 6);
    for (int i = 0; i < 5; i++) {
        waiting_send_now(f);
    }
    assert_copy(f, ").txt", "mine");
    assert_true(fake_has_text(f->fake, "a.txt", "old"));
}

/* A save that failed for other reasons before is asked about as any other. */
static void journal_conflict__is_none_after_other_failures(void **state)
{
    struct fixture *f = *state;

    save_refused(f, "a", ERR_LOCKED, 4);
    for (int i = 0; i < 3; i++) {
        waiting_send_now(f);
    }
    assert_int_equal(waiting_look(f).state, UPLOAD_RETRY);
    fake_fail(f->fake, FAKE_UPLOAD, ERR_CHANGED, 0, 1);
    waiting_send_now(f);
    assert_int_equal(waiting_look(f).count, 1);
    waiting_send_now(f);
    assert_true(fake_has_text(f->fake, "a", "mine"));
    assert_int_equal(fake_children(f->fake, ""), 1);
}

static void journal_lock__is_waited_for(void **state)
{
    struct fixture *f = *state;

    save_refused(f, "a", ERR_LOCKED, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(waiting_look(f).state, UPLOAD_RETRY);
        assert_non_null(strstr(waiting_look(f).reason, "until the file is free"));
        waiting_send_now(f);
    }
    assert_true(fake_has_text(f->fake, "a", "mine"));
    assert_int_equal(fake_versions(f->fake, "a"), 2);
}

#define CONFLICT_TEST(f) \
    cmocka_unit_test_setup_teardown(f, fixture_setup_background, fixture_teardown)

static const struct CMUnitTest tests[] = {
    CONFLICT_TEST(before_close__keeps_both_versions),
    CONFLICT_TEST(before_close__times_follow_the_copy),
    CONFLICT_TEST(journal_conflict__keeps_both_versions),
    CONFLICT_TEST(journal_conflict__is_not_deleted_with_the_file),
    CONFLICT_TEST(journal_conflict__is_not_what_is_renamed),
    CONFLICT_TEST(journal_conflict__of_a_name_that_was_taken_keeps_both),
    CONFLICT_TEST(journal_conflict__brings_no_deleted_item_back),
    CONFLICT_TEST(journal_conflict__of_a_deleted_folder_waits_for_a_person),
    CONFLICT_TEST(journal_conflict__is_refused_when_policy_says_so),
    CONFLICT_TEST(journal_conflict__with_open_handles_goes_on_in_the_copy),
    CONFLICT_TEST(journal_conflict__is_none_when_the_service_rewrote_our_save),
    CONFLICT_TEST(journal_conflict__is_none_when_nobody_changed_it),
    CONFLICT_TEST(journal_conflict__that_is_said_without_end_is_believed),
    CONFLICT_TEST(journal_conflict__is_none_after_other_failures),
    CONFLICT_TEST(journal_lock__is_waited_for),
};

TEST_MAIN("two versions of a file", tests)
