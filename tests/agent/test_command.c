#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands/command.h"
#include "test.h"

static void expect_safe(const char *text, bool keeps_newlines, const char *expected)
{
    char *written = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&written, &size);

    assert_non_null(out);
    command_write_safe(out, text, keeps_newlines);
    fclose(out);
    assert_string_equal(written, expected);
    free(written);
}

static void command_write_safe__lets_no_control_through(void **state)
{
    (void)state;
    expect_safe("a\x1b[2Jb\r\n\tc\x7f", false, "a?[2Jb???c?");
    expect_safe("\xc2\x9b[31mred \xc2\x85.", false, "?[31mred ?."); /* C1: CSI and NEL */
}

static void command_write_safe__keeps_what_people_write(void **state)
{
    (void)state;
    expect_safe("Übersicht – 予算 \xf0\x9f\x93\x81 \xef\xbf\xbd", false,
                "Übersicht – 予算 \xf0\x9f\x93\x81 \xef\xbf\xbd");
    expect_safe("two\nlines\n", true, "two\nlines\n");
}

static void command_write_safe__replaces_what_is_no_text(void **state)
{
    (void)state;
    expect_safe("a\x9b"
                "b",
                false, "a?b"); /* CSI on a terminal of one byte a character */
    expect_safe("a\xc3", false, "a?");
}

/* What `print` writes to stdout. */
static char *captured(void (*print)(const void *payload), const void *payload)
{
    char *text = calloc(1, 4096);
    FILE *file = tmpfile();
    int saved = dup(STDOUT_FILENO);

    assert_true(text && file && saved >= 0);
    fflush(stdout);
    assert_true(dup2(fileno(file), STDOUT_FILENO) >= 0);
    print(payload);
    fflush(stdout);
    assert_true(dup2(saved, STDOUT_FILENO) >= 0);
    close(saved);
    rewind(file);
    assert_true(fread(text, 1, 4095, file) > 0);
    fclose(file);
    return text;
}

static void print_json(const void *payload)
{
    command_print_json(payload);
}

static void command_print_json__escapes_all_controls(void **state)
{
    cJSON *object = cJSON_CreateObject();
    cJSON *again;
    char *text;

    (void)state;
    cJSON_AddStringToObject(object, "title", "\x1b[2J \xc2\x9b \x7f ü");
    text = captured(print_json, object);
    assert_null(strpbrk(text, "\x1b\x7f"));
    assert_null(strstr(text, "\xc2\x9b"));
    again = cJSON_Parse(text);
    assert_true(cJSON_Compare(object, again, true));
    cJSON_Delete(again);
    cJSON_Delete(object);
    free(text);
}

static void print_failure(const void *payload)
{
    assert_int_equal(command_fail("login", true, payload), COMMAND_FAILED);
}

static void command_fail__is_json_when_asked(void **state)
{
    struct error err;
    const cJSON *error;
    cJSON *answer;
    char *text;

    (void)state;
    (void)error_set(&err, ERR_DENIED, "declined");
    text = captured(print_failure, &err);
    answer = cJSON_Parse(text);
    error = cJSON_GetObjectItemCaseSensitive(answer, "error");
    assert_string_equal(answer_text(error, "code"), "DENIED");
    assert_string_equal(answer_text(error, "message"), "declined");
    cJSON_Delete(answer);
    free(text);
}

struct answer {
    const char *tenant;
    bool is_json;
    int64_t minutes;
    const char *path;
    const char *file;
    int exit_code;
};

/* A command with every kind of word; `words` end with NULL. */
static bool parse(struct answer *answer, const char *const *words)
{
    const struct command_word known[] = {
        {"tenant", .text = &answer->tenant},
        {"json", .flag = &answer->is_json},
        {"minutes", .number = &answer->minutes, .min = 1, .max = 60},
        {.text = &answer->path, .is_needed = true},
        {.text = &answer->file},
        {0}};
    char *argv[8] = {NULL};
    int argc = 0;

    for (; words[argc]; argc++) {
        argv[argc] = (char *)words[argc];
    }
    *answer = (struct answer){.minutes = -1};
    return command_parse(known, argc, argv, "usage: test\n", &answer->exit_code);
}

static void command_parse__takes_what_the_command_knows(void **state)
{
    static const char *const words[] = {
        "test", "a", "--tenant", "contoso.onmicrosoft.com", "--json", "--minutes=7", "b", NULL};
    static const char *const least[] = {"test", "--", "--json", NULL};
    struct answer answer;

    (void)state;
    assert_true(parse(&answer, words));
    assert_true(answer.is_json);
    assert_int_equal(answer.minutes, 7);
    assert_string_equal(answer.tenant, "contoso.onmicrosoft.com");
    assert_string_equal(answer.path, "a"); /* operands keep their order */
    assert_string_equal(answer.file, "b");
    assert_true(parse(&answer, least));
    assert_string_equal(answer.path, "--json");
    assert_null(answer.file); /* what is not there stays */
    assert_false(answer.is_json);
    assert_int_equal(answer.minutes, -1);
}

static void command_parse__refuses_the_rest(void **state)
{
    static const char *const refused[][6] = {
        {"test", NULL},
        {"test", "--json", NULL},
        {"test", "a", "--discard", NULL},
        {"test", "a", "--json=1", NULL},
        {"test", "a", "-j", NULL},
        {"test", "a", "b", "surplus", NULL},
        {"test", "a", "--tenant", NULL},
        {"test", "a", "--minutes", "0", NULL},
        {"test", "a", "--minutes", "61", NULL},
        {"test", "a", "--minutes", "6x", NULL},
    };
    struct answer answer;

    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        assert_false(parse(&answer, refused[i]));
        assert_int_equal(answer.exit_code, COMMAND_FAILED);
    }
}

static void command_parse__help_is_no_failure(void **state)
{
    static const char *const words[] = {"test", "--help", NULL};
    struct answer answer;

    (void)state;
    assert_false(parse(&answer, words));
    assert_int_equal(answer.exit_code, COMMAND_OK);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(command_write_safe__lets_no_control_through),
    cmocka_unit_test(command_write_safe__keeps_what_people_write),
    cmocka_unit_test(command_write_safe__replaces_what_is_no_text),
    cmocka_unit_test(command_print_json__escapes_all_controls),
    cmocka_unit_test(command_fail__is_json_when_asked),
    cmocka_unit_test(command_parse__takes_what_the_command_knows),
    cmocka_unit_test(command_parse__refuses_the_rest),
    cmocka_unit_test(command_parse__help_is_no_failure),
};

TEST_MAIN("command", tests)
