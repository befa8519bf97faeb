/*
 * The watch of policy's sources, on real files and the real inotify; and the moment of quiet, with
 * a clock of numbers.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "base/thread.h"
#include "debounce.h"
#include "fixture.h"
#include "policy/watch.h"
#include "test.h"

#define WAIT_MS 20000

/* --- debounce --- */

static void debounce__tells_nothing_when_nothing_changed(void **state)
{
    struct debounce d = {0};

    (void)state;
    assert_int_equal(debounce_wait_ms(&d, 5000), -1);
    assert_false(debounce_take(&d, 5000));
}

static void debounce__waits_for_a_moment_of_quiet(void **state)
{
    struct debounce d = {0};

    (void)state;
    debounce_note(&d, 1000);
    assert_int_equal(debounce_wait_ms(&d, 1100), 200);
    debounce_note(&d, 1200);
    assert_int_equal(debounce_wait_ms(&d, 1300), 200);
    assert_false(debounce_take(&d, 1499));
    assert_true(debounce_take(&d, 1500));
    assert_false(debounce_take(&d, 1600));
}

static void debounce__tells_of_what_is_never_quiet(void **state)
{
    struct debounce d = {0};
    int64_t now = 0;

    (void)state;
    while (now < DEBOUNCE_MOST_MS) {
        debounce_note(&d, now);
        assert_false(debounce_take(&d, now));
        now += 100;
    }
    assert_true(debounce_take(&d, now));
}

/* --- the watch --- */

static void make_folder(struct fixture *f, const char *name)
{
    assert_int_equal(file_make_directories(fixture_path(f, name), NULL), 0);
}

struct watched {
    struct fixture *f;
    struct policy_watch *watch;
    struct mutex mutex;
    struct cond cond;
    int told;
};

static void on_changed(void *payload)
{
    struct watched *w = payload;

    mutex_lock(&w->mutex);
    w->told++;
    cond_broadcast(&w->cond);
    mutex_unlock(&w->mutex);
}

/* Waits until it was told more often than `before`. */
static int await(struct watched *w, int before)
{
    int64_t end = clock_mono_ms(clock_system()) + WAIT_MS;
    int told;

    mutex_lock(&w->mutex);
    while (w->told <= before && clock_mono_ms(clock_system()) < end) {
        cond_wait_ms(&w->cond, &w->mutex, 100);
    }
    told = w->told;
    mutex_unlock(&w->mutex);
    assert_true(told > before);
    return told;
}

static int begin(struct watched *w, void **state)
{
    *w = (struct watched){.f = *state};
    mutex_init(&w->mutex);
    cond_init(&w->cond);
    assert_int_equal(policy_watch_start(&w->watch, &w->f->sources, on_changed, w, NULL), 0);
    return await(w, 0);
}

static void end(struct watched *w)
{
    policy_watch_stop(w->watch);
    cond_clear(&w->cond);
    mutex_clear(&w->mutex);
}

static void make_link(struct watched *w, const char *target, const char *name)
{
    char *temporary = NULL;

    assert_int_equal(str_format(&temporary, NULL, "%s.new", fixture_path(w->f, name)), 0);
    assert_int_equal(symlink(target, temporary), 0);
    assert_int_equal(rename(temporary, fixture_path(w->f, name)), 0);
    free(temporary);
}

static void policy_watch__tells_once_after_it_started(void **state)
{
    struct watched w;

    assert_int_equal(begin(&w, state), 1);
    end(&w);
    assert_int_equal(w.told, 1);
}

static void policy_watch__sees_a_file_appear_change_and_go(void **state)
{
    struct watched w;
    int told = begin(&w, state);

    fixture_write(w.f, "machine.yaml", "CacheMinutes: 1\n");
    told = await(&w, told);
    fixture_write(w.f, "machine.yaml", "CacheMinutes: 2\n");
    told = await(&w, told);
    assert_int_equal(unlink(fixture_path(w.f, "machine.yaml")), 0);
    await(&w, told);
    end(&w);
}

static void policy_watch__sees_a_file_replaced_by_rename(void **state)
{
    struct watched w;
    int told;

    fixture_write(*state, "machine.yaml", "CacheMinutes: 1\n");
    told = begin(&w, state);
    assert_int_equal(
        file_write_atomic(fixture_path(w.f, "machine.yaml"), "CacheMinutes: 2\n", 16, NULL), 0);
    told = await(&w, told);
    assert_int_equal(
        file_write_atomic(fixture_path(w.f, "machine.yaml"), "CacheMinutes: 3\n", 16, NULL), 0);
    await(&w, told);
    end(&w);
}

static void policy_watch__sees_folders_that_were_not_there(void **state)
{
    struct watched w;
    struct fixture *f = *state;
    int told;

    assert_int_equal(str_copy(&f->sources.machine_file, fixture_path(f, "a/b/policy.yaml"), NULL),
                     0);
    told = begin(&w, state);
    make_folder(f, "a/b");
    fixture_write(f, "a/b/policy.yaml", "CacheMinutes: 1\n");
    told = await(&w, told);
    fixture_write(f, "policy.d/10-x.yaml", "CacheMinutes: 2\n");
    told = await(&w, told);
    fixture_write(f, "policy.d/20-y.yaml", "CacheMinutes: 3\n");
    await(&w, told);
    end(&w);
}

/* Kubernetes: policy.yaml -> ..data/policy.yaml, ..data -> ..1, and only ..data is turned. */
static void policy_watch__sees_links_turned(void **state)
{
    struct watched w;
    struct fixture *f = *state;
    int told;

    make_folder(f, "k/..1");
    make_folder(f, "k/..2");
    fixture_write(f, "k/..1/policy.yaml", "CacheMinutes: 1\n");
    fixture_write(f, "k/..2/policy.yaml", "CacheMinutes: 2\n");
    assert_int_equal(symlink("..1", fixture_path(f, "k/..data")), 0);
    assert_int_equal(symlink("..data/policy.yaml", fixture_path(f, "k/policy.yaml")), 0);
    assert_int_equal(str_copy(&f->sources.machine_file, fixture_path(f, "k/policy.yaml"), NULL), 0);
    told = begin(&w, state);
    make_link(&w, "..2", "k/..data");
    told = await(&w, told);
    fixture_write(f, "k/..2/policy.yaml", "CacheMinutes: 3\n"); /* where the link leads now */
    await(&w, told);
    end(&w);
}

static void policy_watch__sees_behind_links_in_policy_d(void **state)
{
    struct watched w;
    struct fixture *f = *state;
    int told;

    fixture_write(f, "stow/10.yaml", "CacheMinutes: 1\n");
    fixture_write(f, "policy.d/00.yaml", "CacheMinutes: 1\n");
    assert_int_equal(symlink("../stow/10.yaml", fixture_path(f, "policy.d/10.yaml")), 0);
    told = begin(&w, state);
    fixture_write(f, "stow/10.yaml", "CacheMinutes: 2\n");
    await(&w, told);
    end(&w);
}

static void policy_watch__sees_an_override_and_a_machine_policy_beside_it(void **state)
{
    struct watched w;
    struct fixture *f = *state;
    int told;

    assert_int_equal(str_copy(&f->sources.override_file, fixture_path(f, "o.yaml"), NULL), 0);
    told = begin(&w, state);
    fixture_write(f, "o.yaml", "CacheMinutes: 2\n");
    told = await(&w, told);
    fixture_write(f, "machine.yaml", "CacheMinutes: 2\n");
    await(&w, told);
    end(&w);
}

/* What is beside the sources tells nobody: the next true change is the second call, not the third. */
static void policy_watch__is_silent_about_other_files(void **state)
{
    struct watched w;
    int told = begin(&w, state);

    fixture_write(w.f, "other.yaml", "x\n");
    fixture_write(w.f, "machine.yaml.swp", "x\n");
    assert_int_equal(unlink(fixture_path(w.f, "other.yaml")), 0);
    usleep(2 * DEBOUNCE_MOST_MS * 1000); /* it would be told in this time */
    /* By a rename: one event, however slowly it is written. */
    assert_int_equal(
        file_write_atomic(fixture_path(w.f, "machine.yaml"), "CacheMinutes: 1\n", 16, NULL), 0);
    assert_int_equal(await(&w, told), told + 1);
    end(&w);
}

static void policy_watch__survives_a_loop_of_links(void **state)
{
    struct watched w;
    struct fixture *f = *state;
    int told;

    assert_int_equal(symlink("machine.yaml", fixture_path(f, "machine.yaml")), 0);
    told = begin(&w, state);
    assert_int_equal(unlink(fixture_path(f, "machine.yaml")), 0);
    fixture_write(f, "machine.yaml", "CacheMinutes: 1\n");
    await(&w, told);
    end(&w);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(debounce__tells_nothing_when_nothing_changed),
        cmocka_unit_test(debounce__waits_for_a_moment_of_quiet),
        cmocka_unit_test(debounce__tells_of_what_is_never_quiet),
        TEST(policy_watch__tells_once_after_it_started),
        TEST(policy_watch__sees_a_file_appear_change_and_go),
        TEST(policy_watch__sees_a_file_replaced_by_rename),
        TEST(policy_watch__sees_folders_that_were_not_there),
        TEST(policy_watch__sees_links_turned),
        TEST(policy_watch__sees_behind_links_in_policy_d),
        TEST(policy_watch__sees_an_override_and_a_machine_policy_beside_it),
        TEST(policy_watch__is_silent_about_other_files),
        TEST(policy_watch__survives_a_loop_of_links),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests_name("watch", tests, NULL, NULL) ? 1 : 0;
}
