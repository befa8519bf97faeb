/* What the online vfs promises beyond the contract: requests, freshness, faults, the spool. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/thread.h"

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    fixture_begin(f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture_end(*state);
    free(*state);
    return 0;
}

static void restart(struct fixture *f)
{
    fixture_stop(f);
    fixture_start(f);
}

static void put_many(struct fixture *f, const char *folder, unsigned count)
{
    char path[64];

    for (unsigned i = 0; i < count; i++) {
        snprintf(path, sizeof(path), "%s/file%u", folder, i);
        fake_put_text(f->fake, path, "x");
    }
}

/* --- listing and lookup --- */

static void online_readdir__asks_again_only_when_the_listing_is_old(void **state)
{
    struct fixture *f = *state;

    put_many(f, "folder", 25);
    fake_set_page(f->fake, 10);
    assert_int_equal(fixture_list(f, "folder"), 25);
    assert_int_equal(fake_count(f->fake, FAKE_LIST), 3);
    fake_put_text(f->fake, "folder/new", "x");
    assert_int_equal(fixture_list(f, "folder"), 25);
    assert_int_equal(fake_count(f->fake, FAKE_LIST), 3);
    f->options.metadata_ms = 0;
    online_vfs_configure(f->online, &f->options);
    assert_int_equal(fixture_list(f, "folder"), 26);
    fake_remove(f->fake, "folder/file3");
    fake_rename(f->fake, "folder/file4", "renamed");
    assert_int_equal(fixture_list(f, "folder"), 25);
    assert_int_equal(fixture_find(f, "folder/file4", NULL), 0);
    assert_int_not_equal(fixture_find(f, "folder/renamed", NULL), 0);
}

static void online_lookup__of_a_listed_folder_asks_nothing(void **state)
{
    struct fixture *f = *state;
    struct vfs_attr attr;

    put_many(f, "folder", 5);
    fixture_list(f, "");
    fixture_list(f, "folder");
    fake_reset(f->fake);
    assert_int_not_equal(fixture_find(f, "folder/FILE3", &attr), 0);
    assert_int_equal(attr.size_bytes, 1);
    assert_int_equal(fixture_find(f, "folder/absent", NULL), 0);
    assert_int_equal(fake_total(f->fake), 0);
}

static void online_lookup__lists_a_folder_after_a_few_single_questions(void **state)
{
    struct fixture *f = *state;
    char path[32];

    put_many(f, "folder", 30);
    fixture_list(f, "");
    fake_reset(f->fake);
    for (unsigned i = 0; i < 30; i++) {
        snprintf(path, sizeof(path), "folder/file%u", i);
        assert_int_not_equal(fixture_find(f, path, NULL), 0);
    }
    assert_int_equal(fake_count(f->fake, FAKE_GET), 3);
    assert_int_equal(fake_count(f->fake, FAKE_LIST), 1);
}

static void online_lookup__remembers_for_a_moment_that_a_name_is_not_there(void **state)
{
    struct fixture *f = *state;

    fake_mkdir(f->fake, "folder");
    assert_int_equal(fixture_find(f, "folder/absent", NULL), 0);
    fake_reset(f->fake);
    assert_int_equal(fixture_find(f, "folder/absent", NULL), 0);
    assert_int_equal(fixture_write_text(f, "folder", "absent", "now it is"), 0);
    assert_int_equal(fake_total(f->fake), 1);
    assert_true(fake_has_text(f->fake, "folder/absent", "now it is"));
}

static void online_readdir__is_an_error_when_any_page_fails(void **state)
{
    struct fixture *f = *state;

    put_many(f, "folder", 25);
    fake_set_page(f->fake, 5);
    fake_fail(f->fake, FAKE_LIST, ERR_SERVER, 3, 1);
    assert_int_equal(fixture_list(f, "folder"), ERR_SERVER);
    assert_int_equal(fixture_list(f, "folder"), 25);
}

static bool take_all(void *payload, const char *name, const struct vfs_attr *attr, uint64_t cookie)
{
    uint64_t *last = payload;

    (void)name;
    (void)attr;
    *last = cookie;
    return true;
}

static void online_readdir__fails_again_after_an_error(void **state)
{
    struct fixture *f = *state;
    struct vfs_dir *dir = NULL;
    uint64_t last = 0;

    put_many(f, "folder", 25);
    fake_set_page(f->fake, 5);
    fake_fail(f->fake, FAKE_LIST, ERR_SERVER, 1, 1);
    assert_int_equal(vfs_opendir(f->vfs, &dir, fixture_find(f, "folder", NULL), NULL, NULL), 0);
    assert_int_equal(vfs_readdir(f->vfs, dir, 0, take_all, &last, NULL, NULL), 0);
    assert_int_equal(last, 5);
    assert_int_equal(vfs_readdir(f->vfs, dir, last, take_all, &last, NULL, NULL), ERR_SERVER);
    assert_int_equal(vfs_readdir(f->vfs, dir, last, take_all, &last, NULL, NULL), ERR_SERVER);
    last = 0;
    assert_int_equal(vfs_readdir(f->vfs, dir, 0, take_all, &last, NULL, NULL), 0);
    assert_int_equal(last, 5);
    vfs_closedir(f->vfs, dir);
}

static void online_readdir__of_more_than_may_be_remembered_is_complete(void **state)
{
    struct fixture *f = *state;
    struct online_vfs_stats stats = {0};

    put_many(f, "folder", 500);
    fixture_stop(f);
    f->options.max_items = 50;
    fake_set_page(f->fake, 20);
    fixture_start(f);
    assert_int_equal(fixture_list(f, "folder"), 500);
    assert_int_equal(fixture_list(f, "folder"), 500);
    put_many(f, "other", 60);
    assert_int_equal(fixture_list(f, "other"), 60);
    online_vfs_stats(f->online, &stats);
    assert_true(stats.items <= 500 + 3);
}

struct reader {
    struct fixture *f;
    struct thread thread;
    int64_t result;
};

static void *list_folder(void *payload)
{
    struct reader *reader = payload;

    reader->result = fixture_list(reader->f, "folder");
    return NULL;
}

static void online_readdir__of_many_at_once_asks_once(void **state)
{
    struct fixture *f = *state;
    struct reader readers[8];

    put_many(f, "folder", 100);
    fixture_find(f, "folder", NULL);
    fake_set_page(f->fake, 25);
    fake_set_latency(f->fake, 50);
    fake_reset(f->fake);
    for (size_t i = 0; i < 8; i++) {
        readers[i] = (struct reader){.f = f};
        assert_int_equal(thread_start(&readers[i].thread, "reader", list_folder, &readers[i], NULL),
                         0);
    }
    for (size_t i = 0; i < 8; i++) {
        thread_join(&readers[i].thread);
        assert_int_equal(readers[i].result, 100);
    }
    assert_int_equal(fake_count(f->fake, FAKE_LIST), 4);
}

static bool yes(void *payload)
{
    (void)payload;
    return true;
}

static void online_calls__end_by_deadline_or_when_cancelled(void **state)
{
    struct fixture *f = *state;
    struct vfs_call late = {.deadline_ms = clock_mono_ms(clock_system()) + 60};
    struct vfs_call cancelled = {.is_cancelled = yes};
    struct vfs_attr attr;

    fake_set_latency(f->fake, 30000);
    assert_int_equal(vfs_lookup(f->vfs, &attr, f->root, "a", &late, NULL), ERR_TIMED_OUT);
    assert_int_equal(vfs_lookup(f->vfs, &attr, f->root, "a", &cancelled, NULL), ERR_CANCELLED);
}

static void online_getattr__of_roots_asks_nothing(void **state)
{
    struct fixture *f = *state;
    struct vfs_attr attr;

    assert_int_equal(vfs_getattr(f->vfs, &attr, f->root, NULL, NULL, NULL), 0);
    assert_int_equal(attr.kind, VFS_FOLDER);
    assert_int_equal(fixture_list(f, ""), 0);
    assert_int_equal(vfs_getattr(f->vfs, &attr, VFS_ROOT, NULL, NULL, NULL), 0);
    assert_int_equal(fake_total(f->fake), 1);
}

/* --- libraries --- */

static void remember(void *payload, const char *key, const char *drive_id)
{
    snprintf(payload, 64, "%s=%s", key, drive_id);
}

static void online_add__verifies_a_hint_with_the_first_use_and_tells(void **state)
{
    struct fixture *f = *state;
    struct online_library library = {.account = fake_account(f->fake),
                                     .key = "hinted",
                                     .drive_id = "b!hint",
                                     .url = "https://contoso.sharepoint.com/sites/b/Documents"};
    struct vfs_attr attr;
    char told[64] = "";
    uint64_t root = 0;
    uint64_t again = 0;

    fake_put_text(f->fake, "a", "x");
    online_vfs_on_verified(f->online, remember, told);
    assert_int_equal(online_vfs_add(f->online, &root, &library, NULL), 0);
    assert_int_equal(online_vfs_add(f->online, &again, &library, NULL), 0);
    assert_int_equal(root, again);
    assert_int_equal(fake_total(f->fake), 0);
    fake_fail(f->fake, FAKE_VERIFY, ERR_UNREACHABLE, 0, 1);
    assert_int_equal(vfs_lookup(f->vfs, &attr, root, "a", NULL, NULL), ERR_UNREACHABLE);
    assert_int_equal(vfs_lookup(f->vfs, &attr, root, "a", NULL, NULL), 0);
    assert_int_equal(vfs_lookup(f->vfs, &attr, root, "a", NULL, NULL), 0);
    assert_int_equal(fake_count(f->fake, FAKE_VERIFY), 2);
    assert_string_equal(told, "hinted=b!verified");
    online_vfs_remove(f->online, root);
    assert_int_equal(vfs_lookup(f->vfs, &attr, root, "a", NULL, NULL), ERR_STALE);
    assert_int_equal(vfs_getattr(f->vfs, &attr, attr.id, NULL, NULL, NULL), ERR_STALE);
}

static void online_add__shows_a_folder_of_a_library(void **state)
{
    struct fixture *f = *state;
    struct online_library library = {.account = fake_account(f->fake),
                                     .key = "folder",
                                     .drive_id = "b!drive",
                                     .is_verified = true,
                                     .folder_path = "one/two"};
    struct vfs_attr attr;
    uint64_t root = 0;

    fake_put_text(f->fake, "one/two/three", "x");
    assert_int_equal(online_vfs_add(f->online, &root, &library, NULL), 0);
    assert_int_equal(vfs_lookup(f->vfs, &attr, root, "three", NULL, NULL), 0);
    assert_int_equal(vfs_mkdir(f->vfs, &attr, root, "four", NULL, NULL), 0);
    assert_non_null(fake_id(f->fake, "one/two/four"));
}

/* --- reading --- */

static void online_read__of_a_small_file_asks_twice_and_then_not_at_all(void **state)
{
    struct fixture *f = *state;

    fake_put_text(f->fake, "a.txt", "hello");
    fixture_list(f, "");
    fake_reset(f->fake);
    assert_true(fixture_has_text(f, "a.txt", "hello"));
    assert_true(fake_total(f->fake) <= 2);
    fake_reset(f->fake);
    assert_true(fixture_has_text(f, "a.txt", "hello"));
    assert_int_equal(fake_total(f->fake), 0);
}

static void online_open__sees_what_somebody_saved(void **state)
{
    struct fixture *f = *state;

    fake_put_text(f->fake, "a.txt", "one");
    assert_true(fixture_has_text(f, "a.txt", "one"));
    fake_put_text(f->fake, "a.txt", "two!");
    f->options.metadata_ms = 0;
    online_vfs_configure(f->online, &f->options);
    assert_true(fixture_has_text(f, "a.txt", "two!"));
}

static void online_read__believes_the_transfer_and_not_the_size(void **state)
{
    struct fixture *f = *state;
    char data[64];
    struct vfs_file *file = NULL;
    struct vfs_attr attr;
    size_t got = 0;

    fake_put_text(f->fake, "longer.docx", "twenty bytes of text");
    fake_claim_size(f->fake, "longer.docx", 10);
    fake_put_text(f->fake, "shorter.docx", "tiny");
    fake_claim_size(f->fake, "shorter.docx", 40000);
    assert_int_equal(
        vfs_open(f->vfs, &file, fixture_find(f, "longer.docx", &attr), VFS_READ, NULL, NULL), 0);
    assert_int_equal(vfs_read(f->vfs, file, data, 5, 0, &got, NULL, NULL), 0);
    assert_int_equal(vfs_getattr(f->vfs, &attr, attr.id, file, NULL, NULL), 0);
    assert_int_equal(attr.size_bytes, 20);
    assert_int_equal(vfs_read(f->vfs, file, data, 64, 0, &got, NULL, NULL), 0);
    assert_int_equal(got, 20);
    vfs_close(f->vfs, file);
    assert_true(fixture_has_text(f, "shorter.docx", "tiny"));
}

static void online_read__here_and_there_fetches_little(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = NULL;
    unsigned char data[4096];
    size_t got = 0;

    fake_put_large(f->fake, "large", 200u * 1024 * 1024);
    assert_int_equal(vfs_open(f->vfs, &file, fixture_find(f, "large", NULL), VFS_READ, NULL, NULL),
                     0);
    for (uint64_t i = 1; i <= 20; i++) {
        uint64_t at = i * 9000001;

        assert_int_equal(vfs_read(f->vfs, file, data, sizeof(data), at, &got, NULL, NULL), 0);
        assert_int_equal(got, sizeof(data));
        assert_int_equal(data[77], fake_byte(at + 77));
    }
    vfs_close(f->vfs, file);
    assert_true(fake_downloaded(f->fake) <= 20 * 2 * 16384);
    assert_int_equal(fake_count(f->fake, FAKE_DOWNLOAD), 20);
}

/* Reads all of a large file and checks it; returns the bytes. */
static uint64_t read_all(struct fixture *f, const char *name, size_t part)
{
    struct vfs_file *file = NULL;
    unsigned char *data = malloc(part);
    uint64_t at = 0;
    size_t got = 1;

    assert_int_equal(vfs_open(f->vfs, &file, fixture_find(f, name, NULL), VFS_READ, NULL, NULL), 0);
    while (got > 0) {
        assert_int_equal(vfs_read(f->vfs, file, data, part, at, &got, NULL, NULL), 0);
        for (size_t i = 0; i < got; i += 509) {
            assert_int_equal(data[i], fake_byte(at + i));
        }
        at += got;
    }
    vfs_close(f->vfs, file);
    free(data);
    return at;
}

static void online_read__in_order_is_few_transfers_and_each_byte_once(void **state)
{
    struct fixture *f = *state;
    uint64_t size = 100u * 1024 * 1024 + 77;

    fake_put_large(f->fake, "large", size);
    assert_int_equal(read_all(f, "large", 131072), size);
    assert_true(fake_count(f->fake, FAKE_DOWNLOAD) <= 3);
    if (fake_downloaded(f->fake) > size + 4 * 16384) {
        fail_msg("%llu bytes in %u transfers", (unsigned long long)fake_downloaded(f->fake),
                 fake_count(f->fake, FAKE_DOWNLOAD));
    }
}

static void online_read__of_more_than_the_cache_holds_works(void **state)
{
    struct fixture *f = *state;
    struct online_vfs_stats stats = {0};
    uint64_t size = 300u * 1024 * 1024;

    f->options.cache_bytes = 96u * 1024 * 1024;
    online_vfs_configure(f->online, &f->options);
    fake_put_large(f->fake, "large", size);
    assert_int_equal(read_all(f, "large", 1024 * 1024), size);
    online_vfs_stats(f->online, &stats);
    assert_true(stats.cache_bytes <= f->options.cache_bytes + 64u * 1024 * 1024);
}

static void online_read__reports_a_transfer_that_fails_and_goes_on_after(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = NULL;
    char data[8];
    size_t got = 0;

    fake_put_text(f->fake, "a.txt", "hello");
    fake_fail(f->fake, FAKE_DOWNLOAD, ERR_UNREACHABLE, 0, 1);
    assert_int_equal(vfs_open(f->vfs, &file, fixture_find(f, "a.txt", NULL), VFS_READ, NULL, NULL),
                     0);
    assert_int_equal(vfs_read(f->vfs, file, data, 8, 0, &got, NULL, NULL), ERR_UNREACHABLE);
    assert_int_equal(vfs_read(f->vfs, file, data, 8, 0, &got, NULL, NULL), 0);
    assert_int_equal(got, 5);
    vfs_close(f->vfs, file);
}

static void online_wipe__empties_the_cache_and_never_the_spool(void **state)
{
    struct fixture *f = *state;
    struct online_vfs_stats stats = {0};

    fake_put_text(f->fake, "a.txt", "hello");
    assert_true(fixture_has_text(f, "a.txt", "hello"));
    fake_fail(f->fake, FAKE_UPLOAD, ERR_SERVER, 0, 100);
    assert_int_equal(fixture_write_text(f, "", "b.txt", "unsent"), ERR_SERVER);
    assert_int_equal(online_vfs_wipe_cache(f->online, NULL), 0);
    online_vfs_stats(f->online, &stats);
    assert_int_equal(stats.cache_bytes, 0);
    assert_int_equal(stats.unsaved, 1);
}

/* --- writing --- */

static void online_create__is_one_request_in_a_listed_folder(void **state)
{
    struct fixture *f = *state;
    struct vfs_attr attr;
    char name[32];

    assert_int_equal(vfs_mkdir(f->vfs, &attr, f->root, "copied", NULL, NULL), 0);
    fake_reset(f->fake);
    for (unsigned i = 0; i < 50; i++) {
        snprintf(name, sizeof(name), "file%u", i);
        assert_int_equal(vfs_lookup(f->vfs, &attr, attr.id, "x", NULL, NULL), ERR_NOT_FOUND);
        assert_int_equal(fixture_write_text(f, "copied", name, name), 0);
    }
    assert_int_equal(fixture_list(f, "copied"), 50);
    assert_int_equal(fake_total(f->fake), 50);
}

static void online_create__of_an_empty_file_arrives(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fixture_write(f, "", "empty", "", 0), 0);
    assert_true(fake_has(f->fake, "empty", "", 0));
    assert_int_equal(fake_versions(f->fake, "empty"), 1);
    fake_put_text(f->fake, "full", "content");
    assert_int_equal(fixture_write(f, "", "full", "", 0), 0);
    assert_true(fake_has(f->fake, "full", "", 0));
    assert_int_equal(fixture_unsaved(f), 0);
}

/* A shell opens the file, duplicates the handle, closes the first and writes to the second. */
static void online_flush__before_the_first_write_sends_nothing_yet(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = NULL;
    struct vfs_attr attr;

    assert_int_equal(
        vfs_create(f->vfs, &file, &attr, f->root, "out", VFS_WRITE | VFS_TRUNCATE, NULL, NULL), 0);
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), 0);
    assert_int_equal(fake_count(f->fake, FAKE_UPLOAD), 0);
    assert_int_not_equal(fixture_find(f, "out", NULL), 0);
    assert_int_equal(vfs_write(f->vfs, file, "hi\n", 3, 0, NULL, NULL), 0);
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), 0);
    assert_true(fake_has_text(f->fake, "out", "hi\n"));
    assert_int_equal(fake_count(f->fake, FAKE_UPLOAD), 1);
    vfs_close(f->vfs, file);
    assert_int_equal(fake_versions(f->fake, "out"), 1);
    vfs_forget(f->vfs, attr.id, 1);
}

static void online_fsync__of_an_empty_file_sends_it(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = NULL;
    struct vfs_attr attr;

    assert_int_equal(vfs_create(f->vfs, &file, &attr, f->root, "a", VFS_WRITE, NULL, NULL), 0);
    assert_int_equal(vfs_fsync(f->vfs, file, NULL, NULL), 0);
    assert_true(fake_has(f->fake, "a", "", 0));
    vfs_close(f->vfs, file);
}

static void online_setattr__of_times_before_the_save_makes_one_version(void **state)
{
    struct fixture *f = *state;
    struct vfs_set set = {.flags = VFS_SET_MODIFIED, .modified_ms = 1600000000000};
    struct vfs_file *file = NULL;
    struct vfs_attr attr;

    assert_int_equal(vfs_create(f->vfs, &file, &attr, f->root, "a", VFS_WRITE, NULL, NULL), 0);
    assert_int_equal(vfs_write(f->vfs, file, "x", 1, 0, NULL, NULL), 0);
    assert_int_equal(vfs_setattr(f->vfs, &attr, attr.id, file, &set, NULL, NULL), 0);
    assert_true(attr.modified_ms == 1600000000000);
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), 0);
    vfs_close(f->vfs, file);
    assert_true(fake_modified(f->fake, "a") == 1600000000000);
    assert_int_equal(fake_total(f->fake), 3); /* look for the name, learn the root's id, upload */
    set.modified_ms = 1500000000000;
    assert_int_equal(vfs_setattr(f->vfs, &attr, attr.id, NULL, &set, NULL, NULL), 0);
    assert_int_equal(fake_count(f->fake, FAKE_UPDATE), 1);
    assert_true(fake_modified(f->fake, "a") == 1500000000000);
}

static void online_write__to_a_part_sends_all_of_the_file(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = NULL;
    unsigned char *want = malloc(300000);

    for (size_t i = 0; i < 300000; i++) {
        want[i] = fake_byte(i);
    }
    fake_put(f->fake, "a", want, 300000);
    assert_int_equal(
        vfs_open(f->vfs, &file, fixture_find(f, "a", NULL), VFS_READ | VFS_WRITE, NULL, NULL), 0);
    assert_int_equal(vfs_write(f->vfs, file, "patch", 5, 100000, NULL, NULL), 0);
    assert_int_equal(fake_count(f->fake, FAKE_DOWNLOAD), 0);
    assert_int_equal(vfs_write(f->vfs, file, "end", 3, 300000, NULL, NULL), 0);
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), 0);
    vfs_close(f->vfs, file);
    memcpy(want + 100000, "patch", 5);
    want = realloc(want, 300003);
    memcpy(want + 300000, "end", 3);
    assert_true(fake_has(f->fake, "a", want, 300003));
    free(want);
}

static void online_write__over_all_of_a_file_fetches_nothing(void **state)
{
    struct fixture *f = *state;

    fake_put_large(f->fake, "a", 5000000);
    assert_int_equal(fixture_write_text(f, "", "a", "short"), 0);
    assert_true(fake_has_text(f->fake, "a", "short"));
    assert_int_equal(fake_count(f->fake, FAKE_DOWNLOAD), 0);
}

static void online_read__after_a_save_asks_nothing(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fixture_write_text(f, "", "a", "saved here"), 0);
    fake_reset(f->fake);
    assert_true(fixture_has_text(f, "a", "saved here"));
    assert_int_equal(fake_total(f->fake), 0);
}

static void online_unlink__of_an_unsent_file_sends_nothing(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = NULL;
    struct vfs_attr attr;

    assert_int_equal(vfs_create(f->vfs, &file, &attr, f->root, "a", VFS_WRITE, NULL, NULL), 0);
    assert_int_equal(vfs_write(f->vfs, file, "x", 1, 0, NULL, NULL), 0);
    fake_reset(f->fake);
    assert_int_equal(vfs_unlink(f->vfs, f->root, "a", NULL, NULL), 0);
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), 0);
    vfs_close(f->vfs, file);
    assert_int_equal(fake_total(f->fake), 0);
    assert_int_equal(fixture_unsaved(f), 0);
}

static void online_rename__of_a_saved_temporary_keeps_the_old_item(void **state)
{
    struct fixture *f = *state;
    char id[40];

    fake_put_text(f->fake, "report", "old");
    snprintf(id, sizeof(id), "%s", fake_id(f->fake, "report"));
    fixture_list(f, "");
    assert_int_equal(fixture_write_text(f, "", "report.tmp", "new"), 0);
    fake_reset(f->fake);
    assert_int_equal(vfs_rename(f->vfs, f->root, "report.tmp", f->root, "report", 0, NULL, NULL),
                     0);
    assert_string_equal(fake_id(f->fake, "report"), id);
    assert_true(fake_has_text(f->fake, "report", "new"));
    assert_int_equal(fake_versions(f->fake, "report"), 2);
    assert_null(fake_id(f->fake, "report.tmp"));
    assert_int_equal(fake_total(f->fake), 2); /* upload, delete: the bytes are here */
}

static void online_rename__of_a_large_remote_file_moves_the_old_one_aside(void **state)
{
    struct fixture *f = *state;
    char id[40];

    fake_put_large(f->fake, "large", 200u * 1024 * 1024);
    fake_put_text(f->fake, "target", "old");
    snprintf(id, sizeof(id), "%s", fake_id(f->fake, "large"));
    assert_int_equal(vfs_rename(f->vfs, f->root, "large", f->root, "target", 0, NULL, NULL), 0);
    assert_string_equal(fake_id(f->fake, "target"), id);
    assert_int_equal(fixture_list(f, ""), 1);
    assert_int_equal(fake_downloaded(f->fake), 0);
}

static void online_rename__that_fails_leaves_both(void **state)
{
    struct fixture *f = *state;

    fake_put_text(f->fake, "a", "source");
    fake_put_text(f->fake, "b", "target");
    fixture_list(f, "");
    fake_fail(f->fake, FAKE_UPLOAD, ERR_SERVER, 0, 1);
    assert_int_equal(vfs_rename(f->vfs, f->root, "a", f->root, "b", 0, NULL, NULL), ERR_SERVER);
    assert_true(fixture_has_text(f, "a", "source"));
    assert_true(fixture_has_text(f, "b", "target"));
    fake_put_text(f->fake, "b", "somebody's");
    assert_int_equal(vfs_rename(f->vfs, f->root, "a", f->root, "b", 0, NULL, NULL), ERR_CHANGED);
    assert_true(fake_has_text(f->fake, "b", "somebody's"));
    assert_true(fake_has_text(f->fake, "a", "source"));
}

/* --- saves that fail --- */

struct seen {
    unsigned count;
    char path[64];
    char reason[200];
    char text[64];
};

static void see(void *payload, const struct online_vfs_unsaved *unsaved)
{
    struct seen *seen = payload;
    FILE *file = fopen(unsaved->spool_file, "r");

    seen->count++;
    snprintf(seen->path, sizeof(seen->path), "%s:%s", unsaved->key, unsaved->path);
    snprintf(seen->reason, sizeof(seen->reason), "%s", unsaved->reason);
    assert_non_null(file);
    assert_true(fread(seen->text, 1, sizeof(seen->text) - 1, file) == unsaved->size_bytes);
    fclose(file);
}

static void online_flush__that_fails_keeps_the_bytes_over_a_restart(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};

    fake_mkdir(f->fake, "fold er");
    fake_fail(f->fake, FAKE_UPLOAD, ERR_NO_SPACE, 0, 100);
    assert_int_equal(fixture_write_text(f, "fold er", "a%b.txt", "precious"), ERR_NO_SPACE);
    assert_int_equal(fixture_find(f, "fold er/a%b.txt", NULL), 0);
    restart(f);
    assert_int_equal(online_vfs_visit_unsaved(f->online, see, &seen, NULL), 0);
    assert_int_equal(seen.count, 1);
    assert_string_equal(seen.path, "library:fold er/a%b.txt");
    assert_string_equal(seen.text, "precious");
    assert_string_equal(seen.reason, "the test wants this to fail");
}

static void online_flush__that_failed_may_be_repeated(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = NULL;
    struct vfs_attr attr;

    assert_int_equal(vfs_create(f->vfs, &file, &attr, f->root, "a", VFS_WRITE, NULL, NULL), 0);
    assert_int_equal(vfs_write(f->vfs, file, "x", 1, 0, NULL, NULL), 0);
    fake_fail(f->fake, FAKE_UPLOAD, ERR_UNREACHABLE, 0, 1);
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), ERR_UNREACHABLE);
    assert_int_equal(fixture_unsaved(f), 1);
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), 0);
    assert_int_equal(fixture_unsaved(f), 0);
    vfs_close(f->vfs, file);
    assert_true(fake_has_text(f->fake, "a", "x"));
}

static void online_flush__onto_a_name_that_somebody_took_fails(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = NULL;
    struct vfs_attr attr;

    fixture_list(f, "");
    assert_int_equal(vfs_create(f->vfs, &file, &attr, f->root, "a", VFS_WRITE, NULL, NULL), 0);
    assert_int_equal(vfs_write(f->vfs, file, "mine", 4, 0, NULL, NULL), 0);
    fake_put_text(f->fake, "a", "theirs");
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), ERR_EXISTS);
    vfs_close(f->vfs, file);
    assert_true(fake_has_text(f->fake, "a", "theirs"));
    assert_int_equal(fixture_unsaved(f), 1);
}

static void online_drain__lets_no_new_save_start(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(online_vfs_drain(f->online, 10), 0);
    assert_int_equal(fixture_write_text(f, "", "a", "x"), ERR_UNREACHABLE);
    assert_int_equal(fixture_unsaved(f), 1);
}

/* --- who may --- */

static void online_open__knows_infected_and_checked_out(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = NULL;
    struct vfs_attr attr;

    fake_put_text(f->fake, "virus", "x");
    fake_mark(f->fake, "virus", true, NULL);
    fake_put_text(f->fake, "theirs", "x");
    fake_mark(f->fake, "theirs", false, "ben");
    fake_put_text(f->fake, "mine", "x");
    fake_mark(f->fake, "mine", false, "me");
    fixture_list(f, "");
    assert_int_equal(vfs_open(f->vfs, &file, fixture_find(f, "virus", NULL), VFS_READ, NULL, NULL),
                     ERR_DENIED);
    assert_int_equal(
        vfs_open(f->vfs, &file, fixture_find(f, "theirs", &attr), VFS_WRITE, NULL, NULL),
        ERR_READ_ONLY);
    assert_true(attr.is_read_only);
    assert_int_equal(vfs_open(f->vfs, &file, fixture_find(f, "mine", &attr), VFS_WRITE, NULL, NULL),
                     0);
    assert_false(attr.is_read_only);
    vfs_close(f->vfs, file);
}

static void online_calls__change_nothing_in_a_read_only_library(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = NULL;
    struct vfs_attr attr;

    fake_put_text(f->fake, "a", "x");
    fake_mkdir(f->fake, "d");
    fixture_list(f, "");
    f->options.is_read_only = true;
    online_vfs_configure(f->online, &f->options);
    assert_int_equal(vfs_create(f->vfs, &file, &attr, f->root, "b", VFS_WRITE, NULL, NULL),
                     ERR_READ_ONLY);
    assert_int_equal(vfs_mkdir(f->vfs, &attr, f->root, "e", NULL, NULL), ERR_READ_ONLY);
    assert_int_equal(vfs_unlink(f->vfs, f->root, "a", NULL, NULL), ERR_READ_ONLY);
    assert_int_equal(vfs_rmdir(f->vfs, f->root, "d", NULL, NULL), ERR_READ_ONLY);
    assert_int_equal(vfs_rename(f->vfs, f->root, "a", f->root, "c", 0, NULL, NULL), ERR_READ_ONLY);
    assert_int_equal(vfs_open(f->vfs, &file, fixture_find(f, "a", &attr), VFS_WRITE, NULL, NULL),
                     ERR_READ_ONLY);
    assert_true(attr.is_read_only);
    assert_true(fixture_has_text(f, "a", "x"));
}

static void online_write__remembers_that_the_service_denied_it(void **state)
{
    struct fixture *f = *state;
    struct vfs_attr attr;

    fake_put_text(f->fake, "a", "x");
    fake_fail(f->fake, FAKE_UPLOAD, ERR_DENIED, 0, 1);
    assert_int_equal(fixture_write_text(f, "", "a", "y"), ERR_DENIED);
    fixture_find(f, "a", &attr);
    assert_true(attr.is_read_only);
    assert_int_equal(fixture_write_text(f, "", "a", "y"), ERR_READ_ONLY);
}

static void online_unlink__of_what_is_open_lets_it_be_read_on(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = NULL;
    char data[16];
    size_t got = 0;

    fake_put_text(f->fake, "a", "still here");
    assert_int_equal(vfs_open(f->vfs, &file, fixture_find(f, "a", NULL), VFS_READ, NULL, NULL), 0);
    assert_int_equal(vfs_unlink(f->vfs, f->root, "a", NULL, NULL), 0);
    assert_null(fake_id(f->fake, "a"));
    assert_int_equal(vfs_read(f->vfs, file, data, 16, 0, &got, NULL, NULL), 0);
    assert_int_equal(got, 10);
    vfs_close(f->vfs, file);
}

#define ONLINE_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static const struct CMUnitTest tests[] = {
    ONLINE_TEST(online_readdir__asks_again_only_when_the_listing_is_old),
    ONLINE_TEST(online_lookup__of_a_listed_folder_asks_nothing),
    ONLINE_TEST(online_lookup__lists_a_folder_after_a_few_single_questions),
    ONLINE_TEST(online_lookup__remembers_for_a_moment_that_a_name_is_not_there),
    ONLINE_TEST(online_readdir__is_an_error_when_any_page_fails),
    ONLINE_TEST(online_readdir__fails_again_after_an_error),
    ONLINE_TEST(online_readdir__of_more_than_may_be_remembered_is_complete),
    ONLINE_TEST(online_readdir__of_many_at_once_asks_once),
    ONLINE_TEST(online_calls__end_by_deadline_or_when_cancelled),
    ONLINE_TEST(online_getattr__of_roots_asks_nothing),
    ONLINE_TEST(online_add__verifies_a_hint_with_the_first_use_and_tells),
    ONLINE_TEST(online_add__shows_a_folder_of_a_library),
    ONLINE_TEST(online_read__of_a_small_file_asks_twice_and_then_not_at_all),
    ONLINE_TEST(online_open__sees_what_somebody_saved),
    ONLINE_TEST(online_read__believes_the_transfer_and_not_the_size),
    ONLINE_TEST(online_read__here_and_there_fetches_little),
    ONLINE_TEST(online_read__in_order_is_few_transfers_and_each_byte_once),
    ONLINE_TEST(online_read__of_more_than_the_cache_holds_works),
    ONLINE_TEST(online_read__reports_a_transfer_that_fails_and_goes_on_after),
    ONLINE_TEST(online_wipe__empties_the_cache_and_never_the_spool),
    ONLINE_TEST(online_create__is_one_request_in_a_listed_folder),
    ONLINE_TEST(online_create__of_an_empty_file_arrives),
    ONLINE_TEST(online_flush__before_the_first_write_sends_nothing_yet),
    ONLINE_TEST(online_fsync__of_an_empty_file_sends_it),
    ONLINE_TEST(online_setattr__of_times_before_the_save_makes_one_version),
    ONLINE_TEST(online_write__to_a_part_sends_all_of_the_file),
    ONLINE_TEST(online_write__over_all_of_a_file_fetches_nothing),
    ONLINE_TEST(online_read__after_a_save_asks_nothing),
    ONLINE_TEST(online_unlink__of_an_unsent_file_sends_nothing),
    ONLINE_TEST(online_rename__of_a_saved_temporary_keeps_the_old_item),
    ONLINE_TEST(online_rename__of_a_large_remote_file_moves_the_old_one_aside),
    ONLINE_TEST(online_rename__that_fails_leaves_both),
    ONLINE_TEST(online_flush__that_fails_keeps_the_bytes_over_a_restart),
    ONLINE_TEST(online_flush__that_failed_may_be_repeated),
    ONLINE_TEST(online_flush__onto_a_name_that_somebody_took_fails),
    ONLINE_TEST(online_drain__lets_no_new_save_start),
    ONLINE_TEST(online_open__knows_infected_and_checked_out),
    ONLINE_TEST(online_calls__change_nothing_in_a_read_only_library),
    ONLINE_TEST(online_write__remembers_that_the_service_denied_it),
    ONLINE_TEST(online_unlink__of_what_is_open_lets_it_be_read_on),
};

TEST_MAIN("the online vfs", tests)
