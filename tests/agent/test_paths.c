#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "paths.h"
#include "test.h"

static int set_up(void **state)
{
    char *directory = NULL;

    unsetenv("XDG_STATE_HOME");
    unsetenv("XDG_RUNTIME_DIR");
    if (file_make_temporary_directory(&directory, "mooring-paths", NULL) != 0) {
        return -1;
    }
    *state = directory;
    return setenv("HOME", directory, 1);
}

static int tear_down(void **state)
{
    file_remove_tree(*state, NULL);
    free(*state);
    return 0;
}

static void expect_private(const char *path)
{
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
}

static void agent_paths_init__follows_the_user_alone(void **state)
{
    struct agent_paths paths;
    char *expected = NULL;

    assert_int_equal(agent_paths_init(&paths, NULL), 0);
    assert_int_equal(str_format(&expected, NULL, "%s/.local/state/mooring", (const char *)*state),
                     0);
    assert_string_equal(paths.state, expected);
    assert_true(str_starts_with(paths.socket, expected)); /* there is no session */
    expect_private(paths.state);
    expect_private(paths.runtime);
    expect_private(paths.tokens);
    free(expected);
    agent_paths_clear(&paths);
}

static void agent_paths_init__uses_the_session_folder(void **state)
{
    struct agent_paths paths;

    setenv("XDG_RUNTIME_DIR", *state, 1);
    assert_int_equal(agent_paths_init(&paths, NULL), 0);
    assert_true(str_starts_with(paths.socket, *state));
    assert_non_null(strstr(paths.socket, "/mooring/agent.sock"));
    assert_null(strstr(paths.socket, ".local"));
    agent_paths_clear(&paths);
}

static void agent_paths_init__leaves_another_users_session_folder(void **state)
{
    struct stat st;
    struct agent_paths paths;

    (void)state;
    if (stat("/proc/1", &st) != 0 || st.st_uid == geteuid()) {
        skip(); /* run as root: nothing here is somebody else's */
    }
    setenv("XDG_RUNTIME_DIR", "/proc/1", 1);
    assert_int_equal(agent_paths_init(&paths, NULL), 0);
    assert_false(str_starts_with(paths.runtime, "/proc/1"));
    agent_paths_clear(&paths);
}

static void agent_paths_init__says_what_is_missing(void **state)
{
    struct agent_paths paths;
    struct error err = {0};

    (void)state;
    unsetenv("HOME");
    assert_int_equal(agent_paths_init(&paths, &err), ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, "HOME"));
    setenv("XDG_STATE_HOME", "relative", 1);
    assert_int_equal(agent_paths_init(&paths, &err), ERR_NOT_FOUND);
}

static void agent_paths_init__refuses_a_path_no_socket_can_have(void **state)
{
    struct agent_paths paths;
    struct error err = {0};
    char *deep = NULL;

    assert_int_equal(str_format(&deep, NULL, "%s/%0100d", (const char *)*state, 0), 0);
    setenv("XDG_STATE_HOME", deep, 1);
    assert_int_equal(agent_paths_init(&paths, &err), ERR_INVALID);
    assert_non_null(strstr(err.message, "longer than"));
    assert_null(paths.state);
    free(deep);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static const struct CMUnitTest tests[] = {
    TEST(agent_paths_init__follows_the_user_alone),
    TEST(agent_paths_init__uses_the_session_folder),
    TEST(agent_paths_init__leaves_another_users_session_folder),
    TEST(agent_paths_init__says_what_is_missing),
    TEST(agent_paths_init__refuses_a_path_no_socket_can_have),
};

TEST_MAIN("paths", tests)
