/* What the online vfs promises beyond the contract: requests, freshness, listings, reading. */
#include "fixture.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "still_clock.h"

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
    still_clock_begin();
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

static void online_open__uses_the_address_that_a_look_up_brought(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = NULL;
    struct vfs_attr attr;
    size_t got = 0;
    char byte = 0;

    still_clock_begin();
    fake_put_text(f->fake, "a", "x");
    assert_int_equal(vfs_lookup(f->vfs, &attr, f->root, "a", NULL, NULL), 0);
    assert_int_equal(vfs_open(f->vfs, &file, attr.id, VFS_READ, NULL, NULL), 0);
    assert_int_equal(vfs_read(f->vfs, file, &byte, 1, 0, &got, NULL, NULL), 0);
    assert_int_equal(byte, 'x');
    vfs_close(f->vfs, file);
    vfs_forget(f->vfs, attr.id, 1);
    assert_int_equal(fake_count(f->fake, FAKE_GET), 1);
}

static void online_getattr__of_roots_asks_nothing(void **state)
{
    struct fixture *f = *state;
    struct vfs_attr attr;

    assert_int_equal(vfs_getattr(f->vfs, &attr, f->root, NULL, NULL, NULL), 0);
    assert_int_equal(attr.kind, VFS_FOLDER);
    assert_int_equal(fixture_list(f, ""), 0);
    assert_int_equal(vfs_getattr(f->vfs, &attr, VFS_ROOT, NULL, NULL, NULL), 0);
    assert_int_equal(fake_total(f->fake), 2); /* a token for changes, and the listing */
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

/* Who is told, and takes his time. */
struct slow_ear {
    struct fixture *f;
    uint64_t root;
    atomic_bool has_begun;
    atomic_bool is_over;
};

static void hear_slowly(void *payload, const char *key, const char *drive_id)
{
    struct slow_ear *ear = payload;

    (void)key;
    (void)drive_id;
    atomic_store(&ear->has_begun, true);
    usleep(50 * 1000); /* so that it shows when nobody waits for it */
    atomic_store(&ear->is_over, true);
}

static void *look(void *payload)
{
    struct slow_ear *ear = payload;
    struct vfs_attr attr;

    return vfs_lookup(ear->f->vfs, &attr, ear->root, "a", NULL, NULL) == 0 ? NULL : ear;
}

static void online_on_verified__returns_when_nobody_is_being_told(void **state)
{
    struct fixture *f = *state;
    struct online_library library = {.account = fake_account(f->fake),
                                     .key = "hinted",
                                     .drive_id = "b!hint",
                                     .url = "https://contoso.sharepoint.com/sites/b/Documents"};
    struct slow_ear ear = {.f = f};
    struct thread thread = {.is_running = false};
    int64_t until_ms = clock_mono_ms(clock_system()) + 20000;

    fake_put_text(f->fake, "a", "x");
    online_vfs_on_verified(f->online, hear_slowly, &ear);
    assert_int_equal(online_vfs_add(f->online, &ear.root, &library, NULL), 0);
    assert_int_equal(thread_start(&thread, "look", look, &ear, NULL), 0);
    while (!atomic_load(&ear.has_begun) && clock_mono_ms(clock_system()) < until_ms) {
        usleep(1000);
    }
    online_vfs_on_verified(f->online, NULL, NULL);
    assert_true(atomic_load(&ear.is_over));
    thread_join(&thread);
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
    /* 3; a machine that is very busy makes the one long transfer look slow */
    assert_true(fake_count(f->fake, FAKE_DOWNLOAD) <= 3 + 7);
    if (fake_downloaded(f->fake) > size + 4 * 16384) {
        fail_msg("%llu bytes in %u transfers", (unsigned long long)fake_downloaded(f->fake),
                 fake_count(f->fake, FAKE_DOWNLOAD));
    }
}

/* A copying program: the long transfer from the first byte on. */
static void online_read__in_large_pieces_is_one_transfer(void **state)
{
    struct fixture *f = *state;
    uint64_t size = 100u * 1024 * 1024 + 77;

    fake_put_large(f->fake, "large", size);
    assert_int_equal(read_all(f, "large", 1024 * 1024), size);
    /* 1; a machine that is very busy makes it look slow */
    assert_true(fake_count(f->fake, FAKE_DOWNLOAD) <= 1 + 7);
    assert_true(fake_downloaded(f->fake) <= size + 4 * 16384);
}

/* ... that wanted no more than its first piece after all. */
static void online_read__of_the_first_piece_brings_little_more(void **state)
{
    struct fixture *f = *state;
    const uint64_t piece = 512u * 1024;
    struct vfs_file *file = NULL;
    unsigned char *data = malloc(piece);
    size_t got = 0;

    fake_put_large(f->fake, "large", 100u * 1024 * 1024);
    assert_int_equal(vfs_open(f->vfs, &file, fixture_find(f, "large", NULL), VFS_READ, NULL, NULL),
                     0);
    assert_int_equal(vfs_read(f->vfs, file, data, piece, 0, &got, NULL, NULL), 0);
    assert_int_equal(got, piece);
    for (int i = 0; i < 20000 && fake_downloaded(f->fake) < 1024 * 1024; i++) {
        usleep(1000);
    }
    usleep(50 * 1000); /* if it goes on, let it */
    assert_in_range(fake_downloaded(f->fake), 1024 * 1024, piece + 1024 * 1024 + 4 * 16384);
    vfs_close(f->vfs, file);
    free(data);
}

static void online_read__in_order_of_a_slow_connection_takes_several(void **state)
{
    struct fixture *f = *state;
    uint64_t size = 72u * 1024 * 1024 + 77;

    fake_set_pace(f->fake, 2); /* at most 8 MiB a second each */
    fake_put_large(f->fake, "large", size);
    assert_int_equal(read_all(f, "large", 131072), size);
    assert_in_range(fake_most_downloads(f->fake), 2, 5); /* one may be at its end */
    assert_in_range(fake_count(f->fake, FAKE_DOWNLOAD), 4, 8);
    assert_in_range(fake_downloaded(f->fake), size, size + 8 * 16384);
}

/* A slow transfer is cut at a multiple of 16 MiB, which is nobody's boundary: who reads across it waits
 * for the end of it, and then for what the next one brings, which may be long in ending. */
static void online_read__goes_on_across_the_end_of_a_transfer_that_was_cut(void **state)
{
    struct fixture *f = *state;
    const uint64_t cut = 16u * 1024 * 1024;
    struct vfs_call call = {0};
    struct vfs_file *file = NULL;
    unsigned char data[100003];
    uint64_t at = 0;
    size_t got = 0;

    fake_set_pace(f->fake, 2);
    fake_put_large(f->fake, "large", 4 * cut);
    fake_stop_downloads_at(f->fake, cut + 1024 * 1024);
    assert_int_equal(vfs_open(f->vfs, &file, fixture_find(f, "large", NULL), VFS_READ, NULL, NULL),
                     0);
    for (; at < cut + sizeof(data); at += sizeof(data)) {
        call.deadline_ms = clock_mono_ms(clock_system()) + 10000;
        assert_int_equal(vfs_read(f->vfs, file, data, sizeof(data), at, &got, &call, NULL), 0);
        assert_int_equal(data[9], fake_byte(at + 9));
        assert_true(clock_mono_ms(clock_system()) < call.deadline_ms); /* it was woken */
    }
    vfs_close(f->vfs, file);
}

struct waiter {
    struct fixture *f;
    struct vfs_file *file;
    struct thread thread;
    uint64_t offset;
    int code;
};

static void *read_one(void *payload)
{
    struct waiter *w = payload;
    unsigned char data[4096];
    size_t got = 0;

    w->code = vfs_read(w->f->vfs, w->file, data, sizeof(data), w->offset, &got, NULL, NULL);
    if (w->code == 0 && (got != sizeof(data) || data[9] != fake_byte(w->offset + 9))) {
        w->code = ERR_IO;
    }
    return NULL;
}

/* Pieces of a long transfer are put together before they are written, while nobody waits. */
static void online_read__gets_what_arrived_though_no_more_comes(void **state)
{
    struct fixture *f = *state;
    struct vfs_call call = {.deadline_ms = clock_mono_ms(clock_system()) + 60000};
    struct waiter waiters[4];
    unsigned char data[131072];
    uint64_t arrived = 0;
    size_t got = 0;

    fake_put_large(f->fake, "large", 64u * 1024 * 1024);
    fake_stop_downloads_at(f->fake, 2 * 1024 * 1024 + 5 * 16384); /* in the middle of a piece */
    waiters[0].file = NULL;
    assert_int_equal(
        vfs_open(f->vfs, &waiters[0].file, fixture_find(f, "large", NULL), VFS_READ, NULL, NULL),
        0);
    for (; arrived < 2 * 1024 * 1024; arrived += sizeof(data)) {
        assert_int_equal(
            vfs_read(f->vfs, waiters[0].file, data, sizeof(data), arrived, &got, &call, NULL), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        waiters[i] =
            (struct waiter){.f = f, .file = waiters[0].file, .offset = arrived + i * 16384 + 4096};
        assert_int_equal(thread_start(&waiters[i].thread, "reader", read_one, &waiters[i], NULL),
                         0);
    }
    for (size_t i = 0; i < 4; i++) {
        thread_join(&waiters[i].thread);
        assert_int_equal(waiters[i].code, 0);
    }
    vfs_close(f->vfs, waiters[0].file);
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

#define ONLINE_TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

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
    ONLINE_TEST(online_open__uses_the_address_that_a_look_up_brought),
    ONLINE_TEST(online_getattr__of_roots_asks_nothing),
    ONLINE_TEST(online_add__verifies_a_hint_with_the_first_use_and_tells),
    ONLINE_TEST(online_on_verified__returns_when_nobody_is_being_told),
    ONLINE_TEST(online_add__shows_a_folder_of_a_library),
    ONLINE_TEST(online_read__of_a_small_file_asks_twice_and_then_not_at_all),
    ONLINE_TEST(online_open__sees_what_somebody_saved),
    ONLINE_TEST(online_read__believes_the_transfer_and_not_the_size),
    ONLINE_TEST(online_read__here_and_there_fetches_little),
    ONLINE_TEST(online_read__in_order_is_few_transfers_and_each_byte_once),
    ONLINE_TEST(online_read__in_large_pieces_is_one_transfer),
    ONLINE_TEST(online_read__of_the_first_piece_brings_little_more),
    ONLINE_TEST(online_read__in_order_of_a_slow_connection_takes_several),
    ONLINE_TEST(online_read__goes_on_across_the_end_of_a_transfer_that_was_cut),
    ONLINE_TEST(online_read__gets_what_arrived_though_no_more_comes),
    ONLINE_TEST(online_read__of_more_than_the_cache_holds_works),
    ONLINE_TEST(online_read__reports_a_transfer_that_fails_and_goes_on_after),
    ONLINE_TEST(online_wipe__empties_the_cache_and_never_the_spool),
};

TEST_MAIN("reading through the online vfs", tests)
