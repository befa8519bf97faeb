/* Several mappings of one drive: one stream of changes for all of them, and no other ties. */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

#include "base/thread.h"
#include "still_clock.h"

/* The whole drive again, under another name, or a folder of it (NULL: not). What `f` can do can be done
 * with it, except to end. */
static struct fixture map(struct fixture *f, const char *key, const char *folder_path)
{
    struct online_library library = {.account = fake_account(f->fake),
                                     .key = key,
                                     .drive_id = "b!drive",
                                     .is_verified = true,
                                     .url = "https://contoso.sharepoint.com/sites/a/Documents",
                                     .folder_path = folder_path};
    struct fixture other = *f;

    assert_int_equal(online_vfs_add(f->online, &other.root, &library, NULL), 0);
    return other;
}

static void unmap(struct fixture *f)
{
    online_vfs_remove(f->online, f->root);
}

/* A drive with folder/inner/file and other/file, seen whole and from folder/ on. */
static struct fixture map_part(struct fixture *f)
{
    struct fixture part;

    fake_put_text(f->fake, "folder/inner/file", "old");
    fake_put_text(f->fake, "other/file", "old");
    part = map(f, "part", "folder");
    assert_int_equal(fixture_list(f, ""), 2);
    assert_int_equal(fixture_list(f, "folder"), 1);
    assert_int_equal(fixture_list(f, "folder/inner"), 1);
    assert_int_equal(fixture_list(f, "other"), 1);
    assert_int_equal(fixture_list(&part, ""), 1);
    assert_int_equal(fixture_list(&part, "inner"), 1);
    return part;
}

static void set_patience(struct fixture *f, int64_t metadata_ms)
{
    f->options.metadata_ms = metadata_ms;
    online_vfs_configure(f->online, &f->options);
    fake_reset(f->fake);
}

/* --- what it costs --- */

static void online_follow__takes_one_token_for_all_mappings_of_a_drive(void **state)
{
    struct fixture *f = *state;

    (void)map_part(f);
    assert_int_equal(fake_count(f->fake, FAKE_DELTA), 1);
}

static void online_follow__brings_the_changes_of_a_drive_to_all_its_mappings(void **state)
{
    struct fixture *f = *state;
    struct fixture part = map_part(f);
    struct fixture twin = map(f, "twin", NULL);

    assert_int_equal(fixture_list(&twin, ""), 2);
    assert_int_equal(fixture_list(&twin, "folder"), 1);
    assert_int_equal(fixture_list(&twin, "folder/inner"), 1);
    still_clock_begin();
    set_patience(f, 0);
    fake_put_text(f->fake, "folder/inner/new", "x");
    fake_put_text(f->fake, "folder/inner/file", "newer");
    assert_int_equal(fixture_list(f, ""), 2);
    assert_int_equal(fake_count(f->fake, FAKE_DELTA), 1);
    set_patience(f, 1); /* what came this millisecond is fresh */
    assert_int_equal(fixture_list(f, "folder/inner"), 2);
    assert_int_equal(fixture_list(&part, "inner"), 2);
    assert_int_equal(fixture_list(&twin, "folder/inner"), 2);
    assert_int_equal(fake_total(f->fake), 0);
    assert_true(fixture_has_text(f, "folder/inner/file", "newer"));
    assert_true(fixture_has_text(&part, "inner/file", "newer"));
    assert_true(fixture_has_text(&twin, "folder/inner/file", "newer"));
}

static void online_follow__is_refused_once_for_all_mappings_of_a_drive(void **state)
{
    struct fixture *f = *state;
    struct fixture part;

    fake_fail(f->fake, FAKE_DELTA, ERR_INVALID, 0, 1);
    part = map_part(f);
    assert_int_equal(fake_count(f->fake, FAKE_DELTA), 1);
    set_patience(f, 0);
    fake_put_text(f->fake, "folder/inner/new", "x");
    assert_int_equal(fixture_list(f, "folder/inner"), 2);
    assert_int_equal(fixture_list(&part, "inner"), 2);
    assert_int_equal(fake_count(f->fake, FAKE_DELTA), 0);
}

/* It may be told of less than the first: what one is told is not for the other. */
static void online_follow__of_another_account_is_a_stream_of_its_own(void **state)
{
    struct fixture *f = *state;
    struct fake *fake = fake_new();
    struct fixture other = *f;

    fake_put_text(f->fake, "folder/file", "x");
    fake_put_text(fake, "folder/file", "x");
    other.fake = fake;
    other = map(&other, "of another", NULL);
    assert_int_equal(fixture_list(f, "folder"), 1);
    assert_int_equal(fixture_list(&other, "folder"), 1);
    assert_int_equal(fake_count(f->fake, FAKE_DELTA), 1);
    assert_int_equal(fake_count(fake, FAKE_DELTA), 1);
    set_patience(f, 0);
    fake_put_text(fake, "folder/new", "x");
    assert_int_equal(fixture_list(&other, "folder"), 2);
    assert_int_equal(fixture_list(f, "folder"), 1);
    fixture_stop(f);
    fake_free(fake);
}

struct told {
    struct mutex lock;
    struct cond more;
    uint64_t parents[2];
    bool were[2];
};

static void take_told(void *payload, uint64_t parent, const char *name, uint64_t id)
{
    struct told *told = payload;

    (void)id;
    mutex_lock(&told->lock);
    for (unsigned i = 0; i < 2; i++) {
        told->were[i] |= parent == told->parents[i] && name && strcmp(name, "new") == 0;
    }
    cond_broadcast(&told->more);
    mutex_unlock(&told->lock);
}

/* The second is used by nobody: what its windows show is told all the same. */
static void online_follow__tells_all_mappings_while_one_is_in_use(void **state)
{
    struct fixture *f = *state;
    struct told told = {0};
    struct fixture part;

    mutex_init(&told.lock);
    cond_init(&told.more);
    fixture_stop(f);
    f->options.poll_ms = 10;
    fixture_start(f);
    part = map_part(f);
    told.parents[0] = fixture_find(f, "folder/inner", NULL);
    told.parents[1] = fixture_find(&part, "inner", NULL);
    vfs_listen(f->vfs, take_told, &told);
    fake_put_text(f->fake, "folder/inner/new", "x");
    mutex_lock(&told.lock);
    for (unsigned i = 0; i < 400 && !(told.were[0] && told.were[1]); i++) {
        (void)cond_wait_ms(&told.more, &told.lock, 50);
    }
    assert_true(told.were[0]);
    assert_true(told.were[1]);
    mutex_unlock(&told.lock);
    vfs_listen(f->vfs, NULL, NULL);
    cond_clear(&told.more);
    mutex_clear(&told.lock);
}

/* --- what appears --- */

/* What leaves the sight of one mapping is not gone from the others. */
static void online_follow__shows_a_move_out_of_one_mapping_in_the_other(void **state)
{
    struct fixture *f = *state;
    struct fixture part;

    fake_put_text(f->fake, "folder/inner/file", "old");
    fake_mkdir(f->fake, "other");
    part = map(f, "part", "folder");
    assert_int_equal(fixture_list(f, ""), 2);
    assert_int_equal(fixture_list(f, "other"), 0);
    assert_int_equal(fixture_list(&part, ""), 1);
    assert_int_equal(fixture_list(&part, "inner"), 1);
    set_patience(f, 0);
    fake_move(f->fake, "folder/inner/file", "other");
    assert_int_equal(fixture_list(&part, "inner"), 0);
    assert_int_equal(fixture_list(f, "other"), 1);
    assert_true(fixture_has_text(f, "other/file", "old"));
}

static void online_follow__shows_in_one_mapping_what_is_changed_in_the_other(void **state)
{
    struct fixture *f = *state;
    struct fixture part = map_part(f);

    set_patience(f, 0);
    assert_int_equal(fixture_write_text(&part, "inner", "file", "ours"), 0);
    assert_true(fixture_has_text(f, "folder/inner/file", "ours"));
    assert_int_equal(fixture_write_text(&part, "inner", "new", "ours, too"), 0);
    assert_true(fixture_has_text(f, "folder/inner/new", "ours, too"));
    assert_int_equal(vfs_unlink(f->vfs, fixture_find(f, "folder/inner", NULL), "file", NULL, NULL),
                     0);
    assert_int_equal(fixture_list(&part, "inner"), 1);
    assert_int_equal(fixture_find(&part, "inner/file", NULL), 0);
}

static void online_follow__lets_no_save_overwrite_one_of_the_other_mapping(void **state)
{
    struct fixture *f = *state;
    struct fixture part;
    struct vfs_file *file = NULL;
    char copy[256] = "";

    fixture_stop(f);
    f->options.keeps_both = true;
    fixture_start(f);
    part = map_part(f);
    file = fixture_open(&part, "inner/file", VFS_READ | VFS_WRITE);
    fixture_write_at(&part, file, "by one name", 0);
    assert_int_equal(fixture_write_text(f, "folder/inner", "file", "by the other"), 0);
    (void)vfs_flush(f->vfs, file, NULL, NULL);
    vfs_close(f->vfs, file);
    assert_true(fake_has_text(f->fake, "folder/inner/file", "by the other"));
    fake_find_name(f->fake, "folder/inner", "file ", copy, sizeof(copy));
    assert_string_not_equal(copy, "");
    assert_int_equal(fake_children(f->fake, "folder/inner"), 2);
}

/* What waits in one mapping to be told to the server is no reason for the other to look away. */
static void online_follow__shows_what_others_do_to_what_settles_in_the_other(void **state)
{
    struct fixture *f = *state;
    struct fixture part;

    fixture_stop(f);
    f->options.settle_ms = 3600000;
    fixture_start(f);
    part = map_part(f);
    assert_int_equal(vfs_unlink(f->vfs, fixture_find(f, "folder/inner", NULL), "file", NULL, NULL),
                     0);
    assert_int_equal(fixture_list(f, "folder/inner"), 0);
    set_patience(f, 0);
    fake_put_text(f->fake, "folder/inner/file", "theirs");
    fake_rename(f->fake, "folder/inner/file", "renamed");
    assert_true(fixture_has_text(&part, "inner/renamed", "theirs"));
    assert_int_equal(fixture_list(&part, "inner"), 1);
}

/* --- mappings that come and go --- */

static void online_follow__goes_on_for_the_mapping_that_stays(void **state)
{
    struct fixture *f = *state;
    struct fixture part = map_part(f);

    unmap(&part);
    set_patience(f, 0);
    fake_put_text(f->fake, "folder/inner/new", "x");
    assert_int_equal(fixture_list(f, "folder/inner"), 2);
    assert_int_equal(fake_total(f->fake), fake_count(f->fake, FAKE_DELTA));
}

struct lister {
    struct fixture *f;
    const char *path;
    int64_t count;
};

static void *list_folder(void *payload)
{
    struct lister *lister = payload;

    lister->count = fixture_list(lister->f, lister->path);
    return NULL;
}

static void online_follow__brings_what_one_mapping_asked_for_before_it_went(void **state)
{
    struct fixture *f = *state;
    struct fixture part = map_part(f);
    struct lister lister = {.f = &part, .path = "inner"};
    struct thread thread = {0};

    set_patience(f, 0);
    fake_put_text(f->fake, "folder/inner/new", "x");
    fake_hold(f->fake, FAKE_DELTA);
    assert_int_equal(thread_start(&thread, "lister", list_folder, &lister, NULL), 0);
    fake_await_held(f->fake);
    unmap(&part);
    fake_release(f->fake);
    thread_join(&thread);
    set_patience(f, 600000);
    assert_int_equal(fixture_list(f, "folder/inner"), 2);
    assert_int_equal(fake_total(f->fake), 0);
}

/* Its first listing overtakes the answer that tells of older changes. */
static void online_follow__agrees_with_the_server_when_a_mapping_comes_meanwhile(void **state)
{
    struct fixture *f = *state;
    struct lister lister = {.f = f, .path = "folder/inner"};
    struct thread thread = {0};
    struct fixture part;

    fake_put_text(f->fake, "folder/inner/file", "old");
    assert_int_equal(fixture_list(f, "folder/inner"), 1);
    set_patience(f, 0);
    fake_put_text(f->fake, "folder/inner/file", "older than the mapping");
    fake_put_text(f->fake, "folder/inner/gone", "x");
    fake_hold(f->fake, FAKE_DELTA);
    assert_int_equal(thread_start(&thread, "lister", list_folder, &lister, NULL), 0);
    fake_await_held(f->fake);
    fake_put_text(f->fake, "folder/inner/file", "newer");
    fake_remove(f->fake, "folder/inner/gone");
    part = map(f, "part", "folder");
    assert_int_not_equal(fixture_find(&part, "inner/file", NULL), 0);
    fake_release(f->fake);
    thread_join(&thread);
    assert_int_equal(fixture_list(&part, "inner"), 1);
    assert_true(fixture_has_text(&part, "inner/file", "newer"));
    assert_int_equal(fixture_list(f, "folder/inner"), 1);
    assert_true(fixture_has_text(f, "folder/inner/file", "newer"));
}

static void online_follow__begins_anew_when_the_last_mapping_went(void **state)
{
    struct fixture *f = *state;
    struct fixture part = map_part(f);

    unmap(&part);
    unmap(f);
    fake_reset(f->fake);
    part = map(f, "part", "folder");
    assert_int_equal(fixture_list(&part, ""), 1);
    assert_int_equal(fixture_list(&part, "inner"), 1);
    assert_int_equal(fake_count(f->fake, FAKE_DELTA), 1);
    set_patience(f, 0);
    fake_put_text(f->fake, "folder/inner/new", "x");
    assert_int_equal(fixture_list(&part, "inner"), 2);
    assert_int_equal(fake_total(f->fake), fake_count(f->fake, FAKE_DELTA));
}

/* --- when it breaks --- */

static void online_follow__lists_all_mappings_again_after_the_stream_broke(void **state)
{
    struct fixture *f = *state;
    struct fixture part = map_part(f);

    set_patience(f, 0);
    fake_put_text(f->fake, "folder/inner/missed", "x");
    fake_resync(f->fake);
    assert_int_equal(fixture_list(&part, "inner"), 2);
    assert_int_equal(fixture_list(f, "folder/inner"), 2);
    assert_int_equal(fake_count(f->fake, FAKE_LIST), 2);
    set_patience(f, 0);
    fake_put_text(f->fake, "folder/inner/told", "x");
    assert_int_equal(fixture_list(&part, "inner"), 3);
    assert_int_equal(fixture_list(f, "folder/inner"), 3);
    assert_int_equal(fake_count(f->fake, FAKE_LIST), 0);
}

static void online_follow__fails_for_all_mappings_while_signed_out(void **state)
{
    struct fixture *f = *state;
    struct fixture part = map_part(f);

    set_patience(f, 0);
    fake_fail(f->fake, FAKE_DELTA, ERR_SIGNED_OUT, 0, 2);
    fake_put_text(f->fake, "folder/new", "x");
    assert_int_equal(fixture_list(f, ""), ERR_SIGNED_OUT);
    assert_int_equal(fixture_list(&part, ""), ERR_SIGNED_OUT);
    assert_int_equal(fixture_list(&part, ""), 2);
    assert_int_equal(fixture_list(f, "folder"), 2);
    assert_int_equal(fake_total(f->fake), fake_count(f->fake, FAKE_DELTA));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

static const struct CMUnitTest tests[] = {
    CASE(online_follow__takes_one_token_for_all_mappings_of_a_drive),
    CASE(online_follow__brings_the_changes_of_a_drive_to_all_its_mappings),
    CASE(online_follow__is_refused_once_for_all_mappings_of_a_drive),
    CASE(online_follow__of_another_account_is_a_stream_of_its_own),
    CASE(online_follow__tells_all_mappings_while_one_is_in_use),
    CASE(online_follow__shows_a_move_out_of_one_mapping_in_the_other),
    CASE(online_follow__shows_in_one_mapping_what_is_changed_in_the_other),
    CASE(online_follow__lets_no_save_overwrite_one_of_the_other_mapping),
    CASE(online_follow__shows_what_others_do_to_what_settles_in_the_other),
    CASE(online_follow__goes_on_for_the_mapping_that_stays),
    CASE(online_follow__brings_what_one_mapping_asked_for_before_it_went),
    CASE(online_follow__agrees_with_the_server_when_a_mapping_comes_meanwhile),
    CASE(online_follow__begins_anew_when_the_last_mapping_went),
    CASE(online_follow__lists_all_mappings_again_after_the_stream_broke),
    CASE(online_follow__fails_for_all_mappings_while_signed_out),
};

TEST_MAIN("mappings of one drive", tests)
