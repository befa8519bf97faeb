/*
 * test_places.c - several agents of one user (agent/win32/paths.c): each session has a lock, a pipe
 * and a place for its files, and what one left in its journal is another's to send.
 */
#include <stdlib.h>
#include <string.h>
#include <windows.h>

#include "base/file.h"
#include "base/str.h"
#include "base/win32.h"
#include "np_tag.h"
#include "paths.h"
#include "test.h"

struct world {
    char *folder;
    char *journal;
};

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    wchar_t *wide = NULL;

    assert_non_null(world);
    assert_int_equal(file_make_temporary_directory(&world->folder, "mooring-places", NULL), 0);
    assert_int_equal(str_format(&world->journal, NULL, "%s\\journal", world->folder), 0);
    assert_int_equal(win32_wide(&wide, world->folder, NULL), 0);
    assert_true(SetEnvironmentVariableW(L"LOCALAPPDATA", wide));
    free(wide);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;

    file_remove_tree(world->folder, NULL);
    free(world->folder);
    free(world->journal);
    free(world);
    return 0;
}

static void begin(struct agent_paths *paths, const struct world *world, unsigned place)
{
    struct error err = {0};

    assert_int_equal(agent_paths_init(paths, NULL), 0);
    if (agent_paths_claim(paths, world->journal, &err) < 0) {
        print_error("%s\n", err.message);
        fail();
    }
    assert_int_equal(paths->place, place);
}

static void put(const struct world *world, const char *folder, const char *name)
{
    char *path = NULL;

    assert_int_equal(str_format(&path, NULL, "%s%s", world->journal, folder), 0);
    assert_int_equal(file_make_private_directory(path, NULL), 0);
    assert_int_equal(str_format(&path, NULL, "%s%s\\%s", world->journal, folder, name), 0);
    assert_int_equal(file_write_atomic(path, "x", 1, NULL), 0);
    free(path);
}

static void paths__carry_the_session(void **state)
{
    struct agent_paths paths;
    DWORD session = 0;
    char *end = NULL;

    (void)state;
    assert_true(ProcessIdToSessionId(GetCurrentProcessId(), &session));
    assert_int_equal(agent_paths_init(&paths, NULL), 0);
    assert_int_equal(str_format(&end, NULL, "-%lu", (unsigned long)session), 0);
    assert_true(str_ends_with(paths.socket, end));
    assert_int_equal(str_format(&end, NULL, "session-%lu.lock", (unsigned long)session), 0);
    assert_true(str_ends_with(paths.lock, end));
    free(end);
    agent_paths_clear(&paths);
}

static void places__are_one_agents_each(void **state)
{
    struct agent_paths first;
    struct agent_paths second;
    char *placed = NULL;

    begin(&first, *state, 1);
    begin(&second, *state, 2);
    assert_string_not_equal(first.state, second.state);
    assert_string_equal(first.tokens, second.tokens);
    assert_int_equal(agent_paths_placed(&placed, &first, "c:\\cache", NULL), 0);
    assert_string_equal(placed, "c:\\cache");
    assert_int_equal(agent_paths_placed(&placed, &second, "c:\\cache", NULL), 0);
    assert_string_equal(placed, "c:\\cache-2");
    free(placed);
    agent_paths_clear(&first);
    begin(&first, *state, 1);
    agent_paths_clear(&first);
    agent_paths_clear(&second);
}

static void places__with_unsent_files_come_first(void **state)
{
    struct world *world = *state;
    struct agent_paths first;
    struct agent_paths second;

    put(world, "-2", "journal.db");
    put(world, "-2", "journal.db-wal");
    begin(&first, world, 1); /* nothing waits there */
    agent_paths_clear(&first);
    put(world, "-2", "0123abcd");
    begin(&first, world, 2);
    begin(&second, world, 1); /* it is taken */
    agent_paths_clear(&second);
    agent_paths_clear(&first);
    put(world, "", "4567");
    begin(&first, world, 1);
    begin(&second, world, 2);
    agent_paths_clear(&second);
    agent_paths_clear(&first);
}

static void tag__follows_from_the_user_alone(void **state)
{
    char *tag = NULL;
    char *other = NULL;

    (void)state;
    /* the first 30 bits of SHA-256("S-1-5-21-1-2-3-1001") */
    assert_int_equal(np_tag_of(&tag, "S-1-5-21-1-2-3-1001", NULL), 0);
    assert_string_equal(tag, "yfu6xz");
    assert_int_equal(np_tag_of(&other, "S-1-5-21-1-2-3-1002", NULL), 0);
    assert_string_equal(other, "x6jd3t");
    free(tag);
    free(other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(paths__carry_the_session),
        TEST(places__are_one_agents_each),
        TEST(places__with_unsent_files_come_first),
        cmocka_unit_test(tag__follows_from_the_user_alone),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests_name("places", tests, NULL, NULL) ? 1 : 0;
}
