/* What an agent takes at most: of the line, of the disk, and of other users' sight. */
#include "fixture.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "still_clock.h"
#include "waiting.h"

#define FILES 12
#define AT_ONCE 8

static struct online_vfs_stats stats_of(struct fixture *f)
{
    struct online_vfs_stats stats = {0};

    online_vfs_stats(f->online, &stats);
    return stats;
}

static void bounds_uploads__are_sent_eight_at_once(void **state)
{
    struct fixture *f = *state;
    struct online_vfs_stats stats = {0};
    unsigned at_once = 0;
    char name[32];

    fake_hold_many(f->fake, FAKE_UPLOAD, FILES);
    for (int i = 0; i < FILES; i++) {
        snprintf(name, sizeof(name), "f%d", i);
        assert_int_equal(fixture_write_text(f, "", name, name), 0);
    }
    for (int i = 0; i < WAITING_LONG_MS && fake_count(f->fake, FAKE_UPLOAD) < AT_ONCE; i++) {
        usleep(1000);
    }
    at_once = fake_count(f->fake, FAKE_UPLOAD);
    stats = stats_of(f);
    fake_release(f->fake); /* before anything ends the test */
    assert_int_equal(at_once, AT_ONCE);
    assert_int_equal(stats.uploads_running, AT_ONCE);
    assert_int_equal(stats.uploads_waiting, FILES - AT_ONCE);
    waiting_until_sent(f);
    assert_int_equal(fake_children(f->fake, ""), FILES);
}

static void await_cache(struct fixture *f, uint64_t most)
{
    for (int i = 0; i < WAITING_LONG_MS && stats_of(f).cache_bytes > most; i++) {
        usleep(1000);
    }
    assert_in_range(stats_of(f).cache_bytes, 0, most);
}

static void bounds_cache__drops_what_is_not_read_for_its_time(void **state)
{
    struct fixture *f = *state;

    still_clock_begin();
    fake_put_text(f->fake, "a.txt", "hello");
    assert_true(fixture_has_text(f, "a.txt", "hello"));
    assert_int_equal(stats_of(f).cache_bytes, 5);
    still_clock_advance(60000);
    f->options.cache_ms = 60000;
    online_vfs_configure(f->online, &f->options);
    await_cache(f, 0);
    still_clock_end();
    assert_true(fixture_has_text(f, "a.txt", "hello"));
    assert_int_equal(fake_count(f->fake, FAKE_DOWNLOAD), 2);
}

static void bounds_cache__is_no_larger_than_it_may_be(void **state)
{
    struct fixture *f = *state;
    char data[4096];
    char name[32];

    for (int i = 0; i < FILES; i++) {
        snprintf(name, sizeof(name), "f%d", i);
        fake_put_large(f->fake, name, 100000);
    }
    for (int i = 0; i < FILES; i++) {
        struct vfs_file *file = NULL;
        uint64_t at = 0;
        size_t got = 1;

        snprintf(name, sizeof(name), "f%d", i);
        file = fixture_open(f, name, VFS_READ);
        for (; got > 0; at += got) {
            assert_int_equal(vfs_read(f->vfs, file, data, sizeof(data), at, &got, NULL, NULL), 0);
        }
        assert_int_equal(at, 100000);
        vfs_close(f->vfs, file);
    }
    assert_int_equal(stats_of(f).cache_bytes, FILES * 100000);
    f->options.cache_bytes = 300000;
    online_vfs_configure(f->online, &f->options);
    await_cache(f, 300000);
    assert_in_range(stats_of(f).cache_bytes, 100000, 300000); /* the newest stay */
}

static void bounds_folders__are_for_their_user_alone(void **state)
{
    struct fixture *f = *state;
    struct stat cache;
    struct stat spool;

    assert_int_equal(stat(f->cache, &cache), 0);
    assert_int_equal(stat(f->spool, &spool), 0);
    assert_int_equal(cache.st_mode & 077, 0);
    assert_int_equal(spool.st_mode & 077, 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(bounds_uploads__are_sent_eight_at_once,
                                    fixture_setup_background, fixture_teardown),
    cmocka_unit_test_setup_teardown(bounds_cache__drops_what_is_not_read_for_its_time,
                                    fixture_setup, fixture_teardown),
    cmocka_unit_test_setup_teardown(bounds_cache__is_no_larger_than_it_may_be, fixture_setup,
                                    fixture_teardown),
    cmocka_unit_test_setup_teardown(bounds_folders__are_for_their_user_alone, fixture_setup,
                                    fixture_teardown),
};

TEST_MAIN("what an agent takes at most", tests)
