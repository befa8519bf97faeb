#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/log.h"
#include "base/process.h"
#include "base/str.h"
#include "prompt.h"
#include "test.h"

/* A browser that writes its argument beside itself, and then does `rest`. */
static char *make_browser(const char *directory, const char *rest)
{
    char *path = NULL;
    char *script = NULL;

    assert_int_equal(str_format(&path, NULL, "%s/browser", directory), 0);
    assert_int_equal(
        str_format(&script, NULL, "#!/bin/sh\nprintf %%s \"$1\" >%s/seen\n%s\n", directory, rest),
        0);
    assert_int_equal(file_write_atomic(path, script, strlen(script), NULL), 0);
    assert_int_equal(chmod(path, 0700), 0);
    setenv("BROWSER", path, 1);
    free(script);
    return path;
}

static void expect_seen(const char *directory, const char *url)
{
    char *path = NULL;
    struct buf text;

    assert_int_equal(str_format(&path, NULL, "%s/seen", directory), 0);
    buf_init(&text, 1000);
    if (url) {
        assert_int_equal(file_read_all(&text, path, NULL), 0);
        assert_string_equal(buf_text(&text), url);
    } else {
        assert_false(file_exists(path));
    }
    buf_clear(&text);
    free(path);
}

static int set_up(void **state)
{
    char *directory = NULL;
    int code = file_make_temporary_directory(&directory, "mooring-prompt", NULL);

    *state = directory;
    return code;
}

static int tear_down(void **state)
{
    file_remove_tree(*state, NULL);
    free(*state);
    return 0;
}

static void prompt_open_browser__leaves_nothing_of_a_short_one(void **state)
{
    char *path = make_browser(*state, "exit 0");
    struct process *browser = NULL;

    prompt_open_browser(&browser, "https://login.example/authorize?a=1&b=$(id)");
    assert_null(browser);
    expect_seen(*state, "https://login.example/authorize?a=1&b=$(id)");
    free(path);
}

static void prompt_open_browser__hands_out_one_that_goes_on(void **state)
{
    char *path = make_browser(*state, "while [ ! -e \"$0.over\" ]; do sleep 0.1; done; exit 7");
    struct process *browser = NULL;
    int exit_code = 0;
    char *over = NULL;

    prompt_open_browser(&browser, "http://localhost:1/");
    assert_non_null(browser);
    assert_int_equal(str_format(&over, NULL, "%s.over", path), 0);
    assert_int_equal(file_write_atomic(over, "", 0, NULL), 0);
    free(over);
    assert_int_equal(process_wait(browser, &exit_code, 20000, NULL), 0);
    assert_int_equal(exit_code, 7);
    process_free(browser);
    free(path);
}

static void prompt_open_browser__opens_addresses_only(void **state)
{
    static const char *const refused[] = {"--version", "file:///etc/passwd", "javascript:1", ""};
    char *path = make_browser(*state, "exit 0");
    struct process *browser = NULL;

    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        prompt_open_browser(&browser, refused[i]);
        expect_seen(*state, NULL);
    }
    free(path);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct log_options quiet = {.level = LOG_LEVEL_OFF};
    const struct CMUnitTest tests[] = {
        TEST(prompt_open_browser__leaves_nothing_of_a_short_one),
        TEST(prompt_open_browser__hands_out_one_that_goes_on),
        TEST(prompt_open_browser__opens_addresses_only),
    };

    log_open(&quiet, NULL);
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests_name("prompt", tests, NULL, NULL) ? 1 : 0;
}
