/* What somebody else does to a library appears here, by counted requests. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/thread.h"

/* From now on everything is asked for when somebody looks. */
static void make_impatient(struct fixture *f)
{
    f->options.metadata_ms = 0;
    online_vfs_configure(f->online, &f->options);
    fake_reset(f->fake);
}

static void pause_ms(int64_t ms)
{
    struct timespec t = {ms / 1000, (ms % 1000) * 1000000};

    nanosleep(&t, NULL);
}

static void put_many(struct fixture *f, const char *folder, unsigned count)
{
    char path[64];

    for (unsigned i = 0; i < count; i++) {
        snprintf(path, sizeof(path), "%s%sfile%u", folder, *folder ? "/" : "", i);
        fake_put_text(f->fake, path, "x");
    }
}

/* --- what it costs --- */

static void online_follow__takes_a_token_before_the_first_listing(void **state)
{
    struct fixture *f = *state;

    put_many(f, "folder", 3);
    put_many(f, "other", 3);
    assert_int_not_equal(fixture_find(f, "folder", NULL), 0);
    assert_int_equal(fake_count(f->fake, FAKE_DELTA), 0);
    assert_int_equal(fixture_list(f, "folder"), 3);
    assert_int_equal(fixture_list(f, "other"), 3);
    assert_int_equal(fake_count(f->fake, FAKE_DELTA), 1);
}

static void online_follow__brings_all_folders_up_to_date_by_one_request(void **state)
{
    struct fixture *f = *state;

    put_many(f, "folder", 3);
    put_many(f, "other", 3);
    fixture_list(f, "");
    fixture_list(f, "folder");
    fixture_list(f, "other");
    make_impatient(f);
    fake_put_text(f->fake, "folder/new", "x");
    fake_remove(f->fake, "other/file1");
    assert_int_equal(fixture_list(f, "folder"), 4);
    assert_int_equal(fixture_list(f, "other"), 2);
    assert_int_equal(fake_count(f->fake, FAKE_LIST), 0);
    assert_int_equal(fake_total(f->fake), fake_count(f->fake, FAKE_DELTA));
}

static void online_follow__asks_once_in_the_time_that_a_listing_is_believed(void **state)
{
    struct fixture *f = *state;

    put_many(f, "folder", 3);
    fixture_list(f, "");
    fixture_list(f, "folder");
    f->options.metadata_ms = 1;
    online_vfs_configure(f->online, &f->options);
    pause_ms(5);
    fake_put_text(f->fake, "folder/new", "x");
    assert_int_equal(fixture_list(f, ""), 1);
    f->options.metadata_ms = 600000;
    online_vfs_configure(f->online, &f->options);
    fake_reset(f->fake);
    assert_int_equal(fixture_list(f, "folder"), 4);
    assert_int_not_equal(fixture_find(f, "folder/new", NULL), 0);
    assert_int_equal(fixture_find(f, "folder/absent", NULL), 0);
    assert_int_equal(fake_total(f->fake), 0);
}

/* --- what appears --- */

static void online_follow__shows_a_foreign_rename_under_the_same_id(void **state)
{
    struct fixture *f = *state;
    uint64_t id = 0;

    put_many(f, "folder", 3);
    fixture_list(f, "");
    fixture_list(f, "folder");
    id = fixture_find(f, "folder/file1", NULL);
    make_impatient(f);
    fake_rename(f->fake, "folder/file1", "renamed");
    assert_int_equal(fixture_find(f, "folder/renamed", NULL), id);
    assert_int_equal(fixture_find(f, "folder/file1", NULL), 0);
    assert_int_equal(fake_total(f->fake), fake_count(f->fake, FAKE_DELTA));
}

static void online_follow__moves_a_folder_with_all_that_is_in_it(void **state)
{
    struct fixture *f = *state;
    uint64_t id = 0;

    put_many(f, "a/inner", 3);
    fake_mkdir(f->fake, "b");
    fixture_list(f, "");
    fixture_list(f, "a");
    fixture_list(f, "b");
    fixture_list(f, "a/inner");
    id = fixture_find(f, "a/inner/file2", NULL);
    make_impatient(f);
    fake_move(f->fake, "a/inner", "b");
    assert_int_equal(fixture_list(f, "a"), 0);
    assert_int_equal(fixture_find(f, "b/inner/file2", NULL), id);
    assert_int_equal(fake_total(f->fake), fake_count(f->fake, FAKE_DELTA));
}

static void online_follow__lets_items_swap_their_names(void **state)
{
    struct fixture *f = *state;
    uint64_t one = 0;
    uint64_t two = 0;

    fake_put_text(f->fake, "folder/one", "1");
    fake_put_text(f->fake, "folder/two", "2");
    fixture_list(f, "");
    fixture_list(f, "folder");
    one = fixture_find(f, "folder/one", NULL);
    two = fixture_find(f, "folder/two", NULL);
    make_impatient(f);
    fake_rename(f->fake, "folder/one", "aside");
    fake_rename(f->fake, "folder/two", "one");
    fake_rename(f->fake, "folder/aside", "two");
    assert_int_equal(fixture_find(f, "folder/one", NULL), two);
    assert_int_equal(fixture_find(f, "folder/two", NULL), one);
    assert_int_equal(fixture_list(f, "folder"), 2);
}

static void online_follow__understands_awkward_sets(void **state)
{
    struct fixture *f = *state;
    uint64_t id = 0;

    put_many(f, "a", 20);
    fixture_list(f, "");
    fixture_list(f, "a");
    id = fixture_find(f, "a/file3", NULL);
    make_impatient(f);
    fake_set_awkward(f->fake, true);
    fake_set_page(f->fake, 2);
    /* moved out of a folder that is deleted then, into one that is new */
    fake_mkdir(f->fake, "b");
    fake_move(f->fake, "a/file3", "b");
    fake_put_text(f->fake, "a/file4", "changed");
    fake_remove(f->fake, "a");
    fake_put_text(f->fake, "c", "new");
    assert_int_equal(fixture_list(f, ""), 2);
    assert_int_equal(fixture_find(f, "a", NULL), 0);
    assert_true(fixture_has_text(f, "c", "new"));
    assert_int_equal(fixture_find(f, "b/file3", NULL), id);
}

static void online_follow__reads_the_new_content_of_a_file_that_was_edited(void **state)
{
    struct fixture *f = *state;
    struct vfs_attr attr;

    fake_put_text(f->fake, "folder/file", "old");
    fixture_list(f, "");
    fixture_list(f, "folder");
    assert_true(fixture_has_text(f, "folder/file", "old"));
    make_impatient(f);
    fake_put_text(f->fake, "folder/file", "newer");
    assert_int_not_equal(fixture_find(f, "folder/file", &attr), 0);
    assert_int_equal(attr.size_bytes, 5);
    assert_int_equal(fake_count(f->fake, FAKE_GET), 0);
    assert_true(fixture_has_text(f, "folder/file", "newer"));
    assert_int_equal(fake_count(f->fake, FAKE_GET), 1);
}

static void online_follow__keeps_what_is_cached_over_a_rename(void **state)
{
    struct fixture *f = *state;

    fake_put_text(f->fake, "folder/file", "content");
    fixture_list(f, "");
    fixture_list(f, "folder");
    assert_true(fixture_has_text(f, "folder/file", "content"));
    make_impatient(f);
    fake_rename(f->fake, "folder/file", "renamed");
    assert_true(fixture_has_text(f, "folder/renamed", "content"));
    assert_int_equal(fake_count(f->fake, FAKE_DOWNLOAD), 0);
}

/* --- our own changes --- */

static void online_follow__takes_no_echo_for_a_change(void **state)
{
    struct fixture *f = *state;

    put_many(f, "folder", 3);
    fixture_list(f, "");
    fixture_list(f, "folder");
    assert_int_equal(fixture_write_text(f, "folder", "mine", "mine"), 0);
    make_impatient(f);
    assert_int_equal(fixture_list(f, "folder"), 4);
    assert_true(fixture_has_text(f, "folder/mine", "mine"));
    assert_int_equal(fixture_write_text(f, "folder", "mine", "again"), 0);
    assert_int_equal(fixture_list(f, "folder"), 4);
    assert_int_equal(fake_versions(f->fake, "folder/mine"), 2);
    assert_int_equal(fake_count(f->fake, FAKE_DOWNLOAD), 0);
}

static void online_follow__does_not_bring_back_what_we_deleted(void **state)
{
    struct fixture *f = *state;
    uint64_t folder = 0;

    put_many(f, "folder", 3);
    fixture_list(f, "folder");
    folder = fixture_find(f, "folder", NULL);
    fake_put_text(f->fake, "folder/file1", "changed before");
    make_impatient(f);
    assert_int_equal(vfs_unlink(f->vfs, folder, "file1", NULL, NULL), 0);
    assert_int_equal(fixture_list(f, "folder"), 2);
}

struct writer {
    struct fixture *f;
    int code;
};

static void *write_meanwhile(void *payload)
{
    struct writer *writer = payload;

    writer->code = fixture_write_text(writer->f, "folder", "file1", "ours");
    return NULL;
}

/* Their change and our save cross each other: in the end all that is shown is what the server has.
 */
static void online_follow__agrees_with_the_server_when_changes_cross(void **state)
{
    struct fixture *f = *state;
    struct writer writer = {.f = f};
    struct thread thread = {0};
    struct vfs_attr attr;

    put_many(f, "folder", 3);
    fixture_list(f, "folder");
    make_impatient(f);
    fake_set_latency(f->fake, 20);
    for (unsigned i = 0; i < 10; i++) {
        char name[32];
        char text[32];

        assert_int_equal(thread_start(&thread, "writer", write_meanwhile, &writer, NULL), 0);
        snprintf(name, sizeof(name), "folder/theirs%u", i);
        snprintf(text, sizeof(text), "%.*s", (int)i + 1, "0123456789");
        fake_put_text(f->fake, name, text);
        fake_rename(f->fake, "folder/file2", i % 2 ? "file2" : "file2b");
        fake_rename(f->fake, i % 2 ? "folder/file2" : "folder/file2b", i % 2 ? "file2b" : "file2");
        fixture_list(f, "folder");
        thread_join(&thread);
        assert_int_equal(fixture_list(f, "folder"), 3 + 1 + i);
        assert_int_not_equal(fixture_find(f, name, &attr), 0);
        assert_int_equal(attr.size_bytes, i + 1);
        assert_int_not_equal(fixture_find(f, i % 2 ? "folder/file2b" : "folder/file2", NULL), 0);
        fake_rename(f->fake, i % 2 ? "folder/file2b" : "folder/file2", "file2");
    }
}

/* --- open files --- */

static void online_follow__leaves_an_open_file_its_version(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = NULL;
    char data[16] = {0};
    size_t got = 0;

    fake_put_text(f->fake, "folder/file", "old");
    fixture_list(f, "folder");
    assert_int_equal(
        vfs_open(f->vfs, &file, fixture_find(f, "folder/file", NULL), VFS_READ, NULL, NULL), 0);
    assert_int_equal(vfs_read(f->vfs, file, data, sizeof(data), 0, &got, NULL, NULL), 0);
    make_impatient(f);
    fake_put_text(f->fake, "folder/file", "newer");
    fixture_list(f, "folder");
    assert_int_equal(vfs_read(f->vfs, file, data, sizeof(data), 0, &got, NULL, NULL), 0);
    assert_int_equal(got, 3);
    assert_memory_equal(data, "old", 3);
    assert_true(fixture_has_text(f, "folder/file", "newer"));
    fake_remove(f->fake, "folder/file");
    assert_int_equal(fixture_list(f, "folder"), 0);
    assert_int_equal(vfs_read(f->vfs, file, data, sizeof(data), 0, &got, NULL, NULL), 0);
    assert_memory_equal(data, "old", 3);
    vfs_close(f->vfs, file);
}

static void online_follow__lets_no_save_overwrite_a_foreign_edit(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = NULL;

    fake_put_text(f->fake, "folder/file", "old");
    fixture_list(f, "folder");
    assert_int_equal(vfs_open(f->vfs, &file, fixture_find(f, "folder/file", NULL),
                              VFS_READ | VFS_WRITE, NULL, NULL),
                     0);
    make_impatient(f);
    fake_put_text(f->fake, "folder/file", "theirs");
    fixture_list(f, "folder");
    assert_int_equal(vfs_write(f->vfs, file, "ours", 4, 0, NULL, NULL), 0);
    (void)vfs_flush(f->vfs, file, NULL, NULL);
    vfs_close(f->vfs, file);
    assert_true(fake_has_text(f->fake, "folder/file", "theirs"));
}

static void online_follow__lets_no_save_bring_a_deleted_file_back(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = NULL;

    fake_put_text(f->fake, "folder/file", "old");
    fixture_list(f, "folder");
    assert_int_equal(vfs_open(f->vfs, &file, fixture_find(f, "folder/file", NULL),
                              VFS_READ | VFS_WRITE, NULL, NULL),
                     0);
    assert_int_equal(vfs_write(f->vfs, file, "ours", 4, 0, NULL, NULL), 0);
    make_impatient(f);
    fake_remove(f->fake, "folder/file");
    assert_int_equal(fixture_list(f, "folder"), 0);
    (void)vfs_flush(f->vfs, file, NULL, NULL);
    vfs_close(f->vfs, file);
    assert_null(fake_id(f->fake, "folder/file"));
}

/* What is shown may be replaced: only a version that a program has read binds its save. */
static void online_rename__replaces_what_others_changed_and_we_show(void **state)
{
    struct fixture *f = *state;
    uint64_t folder = 0;

    fake_put_text(f->fake, "folder/file", "old");
    fixture_list(f, "");
    fixture_list(f, "folder");
    make_impatient(f);
    fake_put_text(f->fake, "folder/file", "theirs");
    fixture_list(f, "folder");
    folder = fixture_find(f, "folder", NULL);
    assert_int_equal(fixture_write_text(f, "folder", "temp", "ours"), 0);
    assert_int_equal(vfs_rename(f->vfs, folder, "temp", folder, "file", 0, NULL, NULL), 0);
    assert_true(fake_has_text(f->fake, "folder/file", "ours"));
    assert_int_equal(fixture_list(f, "folder"), 1);
}

static void online_write__replaces_what_others_changed_and_we_show(void **state)
{
    struct fixture *f = *state;

    fake_put_text(f->fake, "folder/file", "old");
    fixture_list(f, "");
    fixture_list(f, "folder");
    make_impatient(f);
    fake_put_text(f->fake, "folder/file", "theirs");
    fixture_list(f, "folder");
    assert_int_equal(fixture_write_text(f, "folder", "file", "ours"), 0);
    assert_true(fake_has_text(f->fake, "folder/file", "ours"));
}

/* --- what is mapped --- */

static void online_follow__of_a_mapped_folder_leaves_the_rest_alone(void **state)
{
    struct fixture *f = *state;
    struct online_library library = {.account = fake_account(f->fake),
                                     .key = "part",
                                     .drive_id = "b!drive",
                                     .is_verified = true,
                                     .url = "https://contoso.sharepoint.com/sites/a/Documents",
                                     .folder_path = "folder/inner"};
    uint64_t whole = f->root;

    put_many(f, "folder/inner", 2);
    put_many(f, "folder/inner/deep", 2);
    assert_int_equal(online_vfs_add(f->online, &f->root, &library, NULL), 0);
    assert_int_equal(fixture_list(f, ""), 3);
    assert_int_equal(fixture_list(f, "deep"), 2);
    make_impatient(f);
    fake_put_text(f->fake, "folder/inner/new", "x");
    fake_put_text(f->fake, "elsewhere/new", "x");
    fake_move(f->fake, "folder/inner/file0", "elsewhere");
    fake_remove(f->fake, "folder/inner/deep");
    assert_int_equal(fixture_list(f, ""), 2);
    assert_int_not_equal(fixture_find(f, "new", NULL), 0);
    assert_int_equal(fake_count(f->fake, FAKE_LIST), 0);
    online_vfs_remove(f->online, f->root);
    f->root = whole;
}

static void *list_root(void *payload)
{
    (void)fixture_list(payload, "");
    return NULL;
}

static void online_follow__of_a_library_that_is_taken_away_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct thread thread = {0};

    put_many(f, "", 3);
    fixture_list(f, "");
    make_impatient(f);
    put_many(f, "", 9);
    fake_set_latency(f->fake, 100);
    assert_int_equal(thread_start(&thread, "lister", list_root, f, NULL), 0);
    pause_ms(30);
    online_vfs_remove(f->online, f->root);
    thread_join(&thread);
}

/* --- when it breaks --- */

static void online_follow__lists_again_after_the_stream_broke(void **state)
{
    struct fixture *f = *state;

    put_many(f, "folder", 3);
    put_many(f, "other", 3);
    fixture_list(f, "");
    fixture_list(f, "folder");
    fixture_list(f, "other");
    make_impatient(f);
    fake_put_text(f->fake, "folder/missed", "x");
    fake_resync(f->fake);
    assert_int_equal(fixture_list(f, "folder"), 4);
    assert_int_equal(fake_count(f->fake, FAKE_LIST), 1);
    fake_put_text(f->fake, "folder/told", "x");
    fake_reset(f->fake);
    assert_int_equal(fixture_list(f, "folder"), 5);
    assert_int_equal(fake_count(f->fake, FAKE_LIST), 0);
    assert_int_equal(fixture_list(f, "other"), 3);
    assert_int_equal(fake_count(f->fake, FAKE_LIST), 1);
}

static void online_follow__applies_nothing_of_a_set_that_breaks_off(void **state)
{
    struct fixture *f = *state;

    put_many(f, "", 3);
    fixture_list(f, "");
    make_impatient(f);
    fake_set_page(f->fake, 1);
    put_many(f, "", 9);
    fake_fail(f->fake, FAKE_DELTA, ERR_UNREACHABLE, 2, 1);
    assert_int_equal(fixture_list(f, ""), ERR_UNREACHABLE);
    assert_int_equal(fixture_list(f, ""), 9);
    assert_int_equal(fake_count(f->fake, FAKE_LIST), 0);
}

static void online_follow__does_without_where_the_service_refuses_it(void **state)
{
    struct fixture *f = *state;

    put_many(f, "folder", 3);
    fake_fail(f->fake, FAKE_DELTA, ERR_INVALID, 0, 1000);
    assert_int_equal(fixture_list(f, "folder"), 3);
    make_impatient(f);
    fake_put_text(f->fake, "folder/new", "x");
    assert_int_equal(fixture_list(f, "folder"), 4);
    assert_int_equal(fake_count(f->fake, FAKE_DELTA), 0);
}

static void online_follow__lists_where_delta_fails_alone(void **state)
{
    struct fixture *f = *state;

    put_many(f, "", 3);
    assert_int_equal(fixture_list(f, ""), 3);
    make_impatient(f);
    fake_put_text(f->fake, "new", "x");
    fake_fail(f->fake, FAKE_DELTA, ERR_SERVER, 0, 1);
    assert_int_equal(fixture_list(f, ""), 4);
    assert_int_equal(fake_count(f->fake, FAKE_LIST), 1);
}

/* --- while nobody asks --- */

struct told {
    struct mutex lock;
    struct cond more;
    char names[8][64];
    unsigned count;
};

static void take_told(void *payload, uint64_t parent, const char *name, uint64_t id)
{
    struct told *told = payload;

    (void)parent;
    (void)id;
    mutex_lock(&told->lock);
    if (name && told->count < 8) {
        snprintf(told->names[told->count++], sizeof(told->names[0]), "%s", name);
    }
    cond_broadcast(&told->more);
    mutex_unlock(&told->lock);
}

static bool was_told(struct told *told, const char *name, int64_t wait_ms)
{
    int64_t end_ms = clock_mono_ms(clock_system()) + wait_ms;
    bool was = false;

    mutex_lock(&told->lock);
    while (!was) {
        for (unsigned i = 0; i < told->count; i++) {
            was = was || strcmp(told->names[i], name) == 0;
        }
        if (was || clock_mono_ms(clock_system()) >= end_ms) {
            break;
        }
        (void)cond_wait_ms(&told->more, &told->lock, 50);
    }
    mutex_unlock(&told->lock);
    return was;
}

static void online_follow__tells_of_changes_while_a_library_is_in_use(void **state)
{
    struct fixture *f = *state;
    struct told told = {0};

    mutex_init(&told.lock);
    cond_init(&told.more);
    put_many(f, "folder", 3);
    fixture_stop(f);
    f->options.poll_ms = 10;
    fixture_start(f);
    vfs_listen(f->vfs, take_told, &told);
    fixture_list(f, "folder");
    fake_put_text(f->fake, "folder/new", "x");
    fake_remove(f->fake, "folder/file1");
    fake_rename(f->fake, "folder/file2", "renamed");
    assert_true(was_told(&told, "new", 20000));
    assert_true(was_told(&told, "file1", 20000));
    assert_true(was_told(&told, "file2", 20000));
    assert_true(was_told(&told, "renamed", 20000));
    vfs_listen(f->vfs, NULL, NULL);
    cond_clear(&told.more);
    mutex_clear(&told.lock);
}

static void online_follow__asks_nothing_for_libraries_that_nobody_opened(void **state)
{
    struct fixture *f = *state;

    fixture_stop(f);
    f->options.poll_ms = 1;
    fixture_start(f);
    pause_ms(50);
    assert_int_equal(fake_total(f->fake), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

static const struct CMUnitTest tests[] = {
    CASE(online_follow__takes_a_token_before_the_first_listing),
    CASE(online_follow__brings_all_folders_up_to_date_by_one_request),
    CASE(online_follow__asks_once_in_the_time_that_a_listing_is_believed),
    CASE(online_follow__shows_a_foreign_rename_under_the_same_id),
    CASE(online_follow__moves_a_folder_with_all_that_is_in_it),
    CASE(online_follow__lets_items_swap_their_names),
    CASE(online_follow__understands_awkward_sets),
    CASE(online_follow__reads_the_new_content_of_a_file_that_was_edited),
    CASE(online_follow__keeps_what_is_cached_over_a_rename),
    CASE(online_follow__takes_no_echo_for_a_change),
    CASE(online_follow__does_not_bring_back_what_we_deleted),
    CASE(online_follow__agrees_with_the_server_when_changes_cross),
    CASE(online_follow__leaves_an_open_file_its_version),
    CASE(online_follow__lets_no_save_overwrite_a_foreign_edit),
    CASE(online_follow__lets_no_save_bring_a_deleted_file_back),
    CASE(online_rename__replaces_what_others_changed_and_we_show),
    CASE(online_write__replaces_what_others_changed_and_we_show),
    CASE(online_follow__of_a_mapped_folder_leaves_the_rest_alone),
    CASE(online_follow__of_a_library_that_is_taken_away_changes_nothing),
    CASE(online_follow__lists_again_after_the_stream_broke),
    CASE(online_follow__applies_nothing_of_a_set_that_breaks_off),
    CASE(online_follow__does_without_where_the_service_refuses_it),
    CASE(online_follow__lists_where_delta_fails_alone),
    CASE(online_follow__tells_of_changes_while_a_library_is_in_use),
    CASE(online_follow__asks_nothing_for_libraries_that_nobody_opened),
};

TEST_MAIN("changes by others", tests)
