/*
 * test_base_posix.c - what base promises with the words of POSIX: modes, links, signals.
 */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/process.h"
#include "base/str.h"
#include "scratch.h"
#include "test.h"

static void file_write_atomic__makes_it_for_the_user_alone(void **state)
{
    char *path = in_scratch("atomic");
    struct stat st;

    (void)state;
    assert_int_equal(file_write_atomic(path, "one", 3, NULL), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    free(path);
}

static void file_private_directory__is_closed_to_others(void **state)
{
    char *path = in_scratch("deep/er/private");
    char *link_path = in_scratch("link");
    struct stat st;
    struct error err = {0};

    (void)state;
    assert_int_equal(file_make_private_directory(path, &err), 0);
    assert_int_equal(chmod(path, 0755), 0);
    assert_int_equal(file_make_private_directory(path, &err), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(symlink(path, link_path), 0);
    assert_true(file_make_private_directory(link_path, &err) < 0); /* a link may lead anywhere */
    free(path);
    free(link_path);
}

static void process__runs_and_is_stopped(void **state)
{
    const char *echo[] = {"sh", "-c", "test \"$MOORING_X\" = yes && exit 7", NULL};
    const char *add[] = {"MOORING_X=yes", NULL};
    const char *sleeper[] = {"sleep", "1000", NULL};
    const char *missing[] = {"/nonexistent/program", NULL};
    struct process_options options = {.argv = echo, .environment_add = add};
    struct process *process = NULL;
    int status = 0;

    (void)state;
    assert_int_equal(process_start(&process, &options, NULL), 0);
    assert_int_equal(process_wait(process, &status, 10000, NULL), 0);
    assert_int_equal(status, 7);
    process_free(process);

    options.argv = sleeper;
    assert_int_equal(process_start(&process, &options, NULL), 0);
    assert_int_equal(process_wait(process, &status, 0, NULL), ERR_TIMED_OUT);
    process_stop(process, 10000);
    assert_int_equal(process_wait(process, &status, 0, NULL), 0);
    assert_int_equal(status, 128 + 15);
    process_free(process);

    options.argv = missing;
    assert_int_equal(process_start(&process, &options, NULL), 0);
    assert_int_equal(process_wait(process, &status, 10000, NULL), 0);
    assert_int_equal(status, 127);
    process_free(process);
}

static void remove_tree__takes_links_not_their_targets(void **state)
{
    char *tree = in_scratch("tree");
    char *inside = in_scratch("tree/link");
    char *kept = in_scratch("kept");

    (void)state;
    assert_int_equal(file_make_directories(tree, NULL), 0);
    assert_int_equal(file_make_directories(kept, NULL), 0);
    assert_int_equal(symlink(kept, inside), 0);
    assert_int_equal(file_remove_tree(tree, NULL), 0);
    assert_false(file_exists(tree));
    assert_true(file_exists(kept));
    assert_int_equal(file_remove_tree(tree, NULL), 0);
    free(tree);
    free(inside);
    free(kept);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(file_write_atomic__makes_it_for_the_user_alone),
        cmocka_unit_test(file_private_directory__is_closed_to_others),
        cmocka_unit_test(process__runs_and_is_stopped),
        cmocka_unit_test(remove_tree__takes_links_not_their_targets),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests_name("base", tests, make_scratch, remove_scratch);
}
