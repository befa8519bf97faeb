#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/process.h"
#include "base/str.h"
#include "base/thread.h"
#include "scratch.h"
#include "test.h"

static void error_set__cuts_at_a_character(void **state)
{
    struct error err;
    char text[400];

    (void)state;
    memset(text, 'a', sizeof(text));
    for (size_t i = 1; i + 2 < sizeof(text); i += 2) {
        memcpy(text + i, "\xC3\xBC", 2);
    }
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(error_set(&err, ERR_NOT_FOUND, "%s", text), ERR_NOT_FOUND);
    assert_true(str_is_utf8(err.message, strlen(err.message)));
    assert_in_range(strlen(err.message), sizeof(err.message) - 3, sizeof(err.message) - 1);
}

static void error_set__has_no_newline(void **state)
{
    struct error err;

    (void)state;
    error_set(&err, ERR_IO, "a\nb\rc");
    assert_string_equal(err.message, "a b c");
    error_prefix(&err, "file '%s'", "x\ny");
    assert_string_equal(err.message, "file 'x y': a b c");
    assert_int_equal(error_set(NULL, ERR_IO, "nobody listens"), ERR_IO);
}

static void error_codes__have_names_and_texts(void **state)
{
    (void)state;
#define CHECK(name, code, retry, text)            \
    assert_string_equal(error_name(code), #name); \
    assert_string_equal(error_text(code), text);  \
    assert_int_equal(error_retry(code), retry);
    ERROR_CODES(CHECK)
#undef CHECK
    assert_string_equal(error_name(-9999), "UNKNOWN");
    assert_int_equal(error_from_errno(ENOSPC), ERR_NO_SPACE);
    assert_int_equal(error_from_errno(ELOOP), ERR_IO);
}

static void buf_add__keeps_the_limit(void **state)
{
    struct buf buf;
    struct error err = {0};

    (void)state;
    buf_init(&buf, 10);
    assert_string_equal(buf_text(&buf), "");
    assert_int_equal(buf_add_text(&buf, "12345", &err), 0);
    assert_int_equal(buf_add_format(&buf, &err, "%d", 678901), ERR_LIMIT);
    assert_string_equal(buf_text(&buf), "12345");
    assert_int_equal(buf_add_text(&buf, "67890", &err), 0);
    assert_string_equal(buf_text(&buf), "1234567890");
    assert_int_equal(buf_add(&buf, "x", 1, &err), ERR_LIMIT);
    free(buf_take(&buf));
    assert_int_equal(buf.size, 0);
    buf_clear(&buf);
}

static void clock_iso__goes_both_ways(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } rows[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2026-03-02T08:11:45Z", 1772439105000},
        {"2000-02-29T23:59:59.250Z", 951868799250},
        {"0001-01-01T00:00:00Z", -62135596800000},
    };
    char text[40];
    int64_t ms;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_true(clock_parse_iso(rows[i].text, &ms));
        assert_true(ms == rows[i].ms);
        clock_format_iso(text, sizeof(text), ms);
        assert_string_equal(text, rows[i].text);
    }
    assert_true(clock_parse_iso("2026-03-02T09:11:45.1234567+01:00", &ms));
    assert_true(ms == 1772439105123);
    assert_false(clock_parse_iso("2026-02-29T00:00:00Z", &ms));
    assert_false(clock_parse_iso("2026-03-02 08:11:45Z", &ms));
    assert_false(clock_parse_iso("2026-03-02T08:11:45", &ms));
    assert_false(clock_parse_iso("2026-03-02T08:11:45Zx", &ms));
    assert_false(clock_parse_iso("", &ms));
}

static void clock_http_date__is_read(void **state)
{
    int64_t ms;

    (void)state;
    assert_true(clock_parse_http_date("Mon, 02 Mar 2026 08:11:45 GMT", &ms));
    assert_true(ms == 1772439105000);
    assert_false(clock_parse_http_date("Mon, 02 Foo 2026 08:11:45 GMT", &ms));
    assert_false(clock_parse_http_date("120", &ms));
    assert_false(clock_parse_http_date("Mon,", &ms));
}

static void file_write_atomic__replaces(void **state)
{
    char *path = in_scratch("atomic");
    struct buf buf;

    (void)state;
    buf_init(&buf, 100);
    assert_int_equal(file_write_atomic(path, "one", 3, NULL), 0);
    assert_int_equal(file_write_atomic(path, "second", 6, NULL), 0);
    assert_int_equal(file_read_all(&buf, path, NULL), 0);
    assert_string_equal(buf_text(&buf), "second");
    buf_clear(&buf);
    buf_init(&buf, 3);
    assert_int_equal(file_read_all(&buf, path, NULL), ERR_LIMIT);
    buf_clear(&buf);
    free(path);
}

static void file_rename__replaces_what_is_there(void **state)
{
    char *from = in_scratch("from");
    char *to = in_scratch("to");
    struct buf buf;

    (void)state;
    buf_init(&buf, 100);
    assert_int_equal(file_write_atomic(from, "new", 3, NULL), 0);
    assert_int_equal(file_write_atomic(to, "old", 3, NULL), 0);
    assert_int_equal(file_rename(from, to, NULL), 0);
    assert_int_equal(file_read_all(&buf, to, NULL), 0);
    assert_string_equal(buf_text(&buf), "new");
    assert_false(file_exists(from));
    assert_int_equal(file_rename(from, to, NULL), ERR_NOT_FOUND);
    buf_clear(&buf);
    free(from);
    free(to);
}

static void file_open_stream__appends_bytes_as_they_are(void **state)
{
    char *path = in_scratch("str\xC3\xBC\xF0\x9F\x93\x81");
    struct buf buf;
    int64_t size = 0;

    (void)state;
    buf_init(&buf, 100);
    for (int i = 0; i < 2; i++) {
        FILE *stream = file_open_stream(path, "ae", NULL);

        assert_non_null(stream);
        assert_int_equal(fputs("a\nb\r\n", stream) >= 0, 1);
        assert_int_equal(fclose(stream), 0);
    }
    assert_int_equal(file_read_all(&buf, path, NULL), 0);
    assert_string_equal(buf_text(&buf), "a\nb\r\na\nb\r\n");
    assert_int_equal(file_size(path, &size, NULL), 0);
    assert_true(size == 10);
    assert_null(file_open_stream("/nonexistent/x", "r", NULL));
    buf_clear(&buf);
    free(path);
}

static void file_write_atomic__names_what_is_wrong(void **state)
{
    struct error err = {0};

    (void)state;
    assert_int_equal(file_write_atomic("/nonexistent/x", "a", 1, &err), ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, "/nonexistent/x"));
}

static void file_lock__is_exclusive(void **state)
{
    char *path = in_scratch("lock");
    struct file_lock *first = NULL;
    struct file_lock *second = NULL;
    struct error err = {0};

    (void)state;
    assert_int_equal(file_lock(&first, path, 0, &err), 0);
    assert_int_equal(file_lock(&second, path, 30, &err), ERR_BUSY);
    assert_null(second);
    file_unlock(first);
    assert_int_equal(file_lock(&second, path, 0, &err), 0);
    file_unlock(second);
    free(path);
}

static void log__rotates_and_stays_one_line(void **state)
{
    char *directory = in_scratch("log");
    const struct log_options options = {.level = LOG_LEVEL_INFO,
                                        .directory = directory,
                                        .name = "t",
                                        .max_bytes = 400,
                                        .max_files = 3};
    char *path = NULL;
    struct buf buf;

    (void)state;
    buf_init(&buf, 10000);
    assert_int_equal(log_open(&options, NULL), 0);
    for (int i = 0; i < 20; i++) {
        log_info(LOG_AGENT, "line %d with\na forged second line", i);
        log_debug(LOG_AGENT, "not shown at this level");
    }
    log_close();
    assert_int_equal(str_format(&path, NULL, "%s/t.log", directory), 0);
    assert_int_equal(file_read_all(&buf, path, NULL), 0);
    assert_true(buf.size > 0 && buf.size <= 400);
    assert_non_null(strstr(buf_text(&buf), "line 19 with a forged"));
    assert_null(strstr(buf_text(&buf), "not shown"));
    assert_int_equal(str_format(&path, NULL, "%s/t.2.log", directory), 0);
    assert_true(file_exists(path));
    assert_int_equal(str_format(&path, NULL, "%s/t.3.log", directory), 0);
    assert_false(file_exists(path));
    buf_clear(&buf);
    free(path);
    free(directory);
}

#ifdef _WIN32
#define OWN_NAME "\\test_base.exe"
#else
#define OWN_NAME "/test_base"
#endif

static void process_own_folder__is_where_this_program_lies(void **state)
{
    char *folder = NULL;
    char *again = NULL;
    char *path = NULL;

    (void)state;
    assert_int_equal(process_own_path(&path, NULL), 0);
    assert_int_equal(process_own_folder(&folder, NULL), 0);
    assert_int_equal(str_format(&again, NULL, "%s" OWN_NAME, folder), 0);
    assert_string_equal(again, path);
    free(again);
    free(folder);
    free(path);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(error_set__cuts_at_a_character),
        cmocka_unit_test(error_set__has_no_newline),
        cmocka_unit_test(process_own_folder__is_where_this_program_lies),
        cmocka_unit_test(error_codes__have_names_and_texts),
        cmocka_unit_test(buf_add__keeps_the_limit),
        cmocka_unit_test(clock_iso__goes_both_ways),
        cmocka_unit_test(clock_http_date__is_read),
        cmocka_unit_test(file_write_atomic__replaces),
        cmocka_unit_test(file_write_atomic__names_what_is_wrong),
        cmocka_unit_test(file_rename__replaces_what_is_there),
        cmocka_unit_test(file_open_stream__appends_bytes_as_they_are),
        cmocka_unit_test(file_lock__is_exclusive),
        cmocka_unit_test(log__rotates_and_stays_one_line),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests_name("base", tests, make_scratch, remove_scratch);
}
