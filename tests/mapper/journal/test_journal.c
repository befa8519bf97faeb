/* Rows that outlive the process, and what comes after a try that failed. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "mapper/journal.h"
#include "mapper/store.h"

#define HOUR 3600000

static char *directory;

static int setup(void **state)
{
    (void)state;
    return file_make_temporary_directory(&directory, "mooring-journal", NULL);
}

static int teardown(void **state)
{
    (void)state;
    (void)file_remove_tree(directory, NULL);
    str_free(&directory);
    return 0;
}

static struct journal *open_journal(void)
{
    struct journal *journal = NULL;

    assert_int_equal(journal_open(&journal, directory, NULL, NULL), 0);
    return journal;
}

static struct journal_row make_row(const char *name)
{
    struct journal_row row = {.kind = JOURNAL_UPLOAD,
                              .state = JOURNAL_PENDING,
                              .size_bytes = UINT64_C(250) << 30,
                              .modified_ms = -1,
                              .attempts = 3,
                              .may_have_arrived = true};

    assert_int_equal(str_copy(&row.name, name, NULL), 0);
    return row;
}

static size_t count_rows(struct journal *journal)
{
    struct journal_rows rows = {0};
    size_t count = 0;

    assert_int_equal(journal_load(journal, &rows, NULL), 0);
    count = rows.count;
    journal_rows_clear(&rows);
    return count;
}

static void journal_owe_removal__goes_with_the_next_commit_or_the_end(void **state)
{
    struct journal *journal = open_journal();
    struct journal_row rows[3] = {make_row("a"), make_row("b"), make_row("c")};
    struct journal_change add[] = {
        {JOURNAL_ADD, &rows[0]}, {JOURNAL_ADD, &rows[1]}, {JOURNAL_ADD, &rows[2]}};

    (void)state;
    assert_int_equal(journal_apply(journal, add, 2, true, NULL), 0);
    journal_owe_removal(journal, rows[0].id);
    assert_int_equal(count_rows(journal), 2);
    assert_int_equal(journal_apply(journal, &add[2], 1, true, NULL), 0);
    assert_int_equal(count_rows(journal), 2); /* b and c */
    journal_owe_removal(journal, rows[1].id);
    journal_owe_removal(journal, rows[2].id);
    journal_close(journal);
    journal = open_journal();
    assert_int_equal(count_rows(journal), 0);
    journal_close(journal);
    for (size_t i = 0; i < 3; i++) {
        journal_row_clear(&rows[i]);
    }
}

static void journal_apply__is_whole_and_survives(void **state)
{
    struct journal *journal = open_journal();
    struct journal_row first = make_row("Straße 'x'; --.docx");
    struct journal_row second = make_row("second");
    struct journal_change add[] = {{JOURNAL_ADD, &first}, {JOURNAL_ADD, &second}};
    struct journal_change change[] = {{JOURNAL_REMOVE, &first}, {JOURNAL_UPDATE, &second}};
    struct journal_rows rows = {0};

    (void)state;
    assert_int_equal(journal_apply(journal, add, 2, true, NULL), 0);
    assert_true(first.id > 0 && second.id > first.id);
    journal_close(journal);
    journal = open_journal();
    assert_int_equal(journal_load(journal, &rows, NULL), 0);
    assert_int_equal(rows.count, 2);
    assert_string_equal(rows.items[0].name, first.name);
    assert_true(rows.items[0].size_bytes == UINT64_C(250) << 30);
    assert_true(rows.items[0].modified_ms == -1);
    assert_true(rows.items[0].may_have_arrived);
    assert_string_equal(rows.items[0].item_id, "");
    journal_rows_clear(&rows);
    second.state = JOURNAL_BLOCKED;
    assert_int_equal(journal_apply(journal, change, 2, false, NULL), 0);
    assert_int_equal(journal_load(journal, &rows, NULL), 0);
    assert_int_equal(rows.count, 1);
    assert_int_equal(rows.items[0].state, JOURNAL_BLOCKED);
    journal_rows_clear(&rows);
    journal_row_clear(&first);
    journal_row_clear(&second);
    journal_close(journal);
}

static void journal_open__is_for_one_agent_alone(void **state)
{
    struct journal *journal = open_journal();
    struct journal *other = NULL;

    (void)state;
    assert_int_equal(journal_open(&other, directory, NULL, NULL), ERR_BUSY);
    journal_close(journal);
}

static void journal_open__puts_a_broken_file_aside(void **state)
{
    struct str_list notes = {0};
    struct journal *journal = NULL;
    char path[300];

    (void)state;
    snprintf(path, sizeof(path), "%s/journal.db", directory);
    assert_int_equal(
        file_write_atomic(path, "this is no database, and it is long enough", 42, NULL), 0);
    assert_int_equal(journal_open(&journal, directory, &notes, NULL), 0);
    assert_int_equal(notes.count, 1);
    str_list_clear(&notes);
    journal_close(journal);
}

/* The tables of the first version, as they were. */
static void journal_open__goes_on_with_what_an_older_agent_left(void **state)
{
    static const char *const checks[] = {NULL};
    static const struct store_schema first = {
        .file_name = "journal.db",
        .what = "journal",
        .version = 1,
        .tables =
            "CREATE TABLE work(id INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER, state INTEGER,"
            " library TEXT, drive_id TEXT, parent_id TEXT, name TEXT, path TEXT, item_id TEXT,"
            " version TEXT, spool TEXT, size INTEGER, modified INTEGER, created INTEGER,"
            " since INTEGER, due INTEGER, locked INTEGER, sent INTEGER, after INTEGER,"
            " attempts INTEGER, may_have_arrived INTEGER, is_copy INTEGER, reason TEXT,"
            " session_url TEXT);"
            "INSERT INTO work(kind, state, name, item_id, size) VALUES(1, 4, 'left', 'id', 7);",
        .checks = checks,
    };
    struct store *store = NULL;
    struct journal *journal = NULL;
    struct journal_rows rows = {0};
    struct str_list notes = {0};

    (void)state;
    assert_int_equal(store_open(&store, directory, &first, NULL, NULL), 0);
    store_close(store);
    assert_int_equal(journal_open(&journal, directory, &notes, NULL), 0);
    assert_int_equal(notes.count, 0);
    assert_int_equal(journal_load(journal, &rows, NULL), 0);
    assert_int_equal(rows.count, 1);
    assert_string_equal(rows.items[0].name, "left");
    assert_int_equal(rows.items[0].state, JOURNAL_CONFLICT);
    assert_int_equal(rows.items[0].doubt, JOURNAL_SURE);
    assert_string_equal(rows.items[0].other_id, "");
    journal_rows_clear(&rows);
    journal_close(journal);
}

/* The header of a file is as easily damaged as the rest of it. */
static void journal_open__puts_one_of_no_version_aside(void **state)
{
    static const char *const checks[] = {NULL};
    static const struct store_schema made_up = {.file_name = "journal.db",
                                                .what = "journal",
                                                .version = 1,
                                                .tables = "CREATE TABLE work(id INTEGER);",
                                                .checks = checks};
    struct store *store = NULL;
    struct journal *journal = NULL;
    struct str_list notes = {0};

    (void)state;
    assert_int_equal(store_open(&store, directory, &made_up, NULL, NULL), 0);
    assert_int_equal(store_run(store, "PRAGMA user_version=-100000", NULL), 0);
    store_close(store);
    assert_int_equal(journal_open(&journal, directory, &notes, NULL), 0);
    assert_int_equal(notes.count, 1);
    assert_non_null(strstr(notes.items[0], "broken"));
    str_list_clear(&notes);
    journal_close(journal);
}

/* --- what comes next --- */

static enum journal_step next(const char *item_id, int code, int64_t locked_ms, bool keeps_both,
                              int64_t *wait_ms)
{
    struct journal_row row = {.item_id = (char *)item_id, .locked_ms = locked_ms};
    struct journal_try tried = {
        .code = code, .now_ms = 10 * HOUR, .keeps_both = keeps_both, .random = 7};
    int64_t due_ms = 0;
    enum journal_step step = journal_next(&row, &tried, &due_ms);

    *wait_ms = due_ms - tried.now_ms;
    return step;
}

static void journal_next__follows_its_table(void **state)
{
    static const struct {
        int code;
        enum journal_step fresh;   /* a new file, KeepBoth */
        enum journal_step replace; /* KeepBoth */
        enum journal_step refuse;  /* a replace, Refuse */
    } cases[] = {
        {ERR_NOT_FOUND, JOURNAL_STEP_BLOCK, JOURNAL_STEP_COPY, JOURNAL_STEP_CONFLICT},
        {ERR_GONE, JOURNAL_STEP_BLOCK, JOURNAL_STEP_COPY, JOURNAL_STEP_CONFLICT},
        {ERR_EXISTS, JOURNAL_STEP_COPY, JOURNAL_STEP_COMPARE, JOURNAL_STEP_COMPARE},
        {ERR_CHANGED, JOURNAL_STEP_COPY, JOURNAL_STEP_COMPARE, JOURNAL_STEP_COMPARE},
        {ERR_LOCKED, JOURNAL_STEP_RETRY, JOURNAL_STEP_RETRY, JOURNAL_STEP_RETRY},
        {ERR_NO_SPACE, JOURNAL_STEP_RETRY, JOURNAL_STEP_RETRY, JOURNAL_STEP_RETRY},
        {ERR_SIGNED_OUT, JOURNAL_STEP_RETRY, JOURNAL_STEP_RETRY, JOURNAL_STEP_RETRY},
        {ERR_UNREACHABLE, JOURNAL_STEP_RETRY, JOURNAL_STEP_RETRY, JOURNAL_STEP_RETRY},
        {ERR_THROTTLED, JOURNAL_STEP_RETRY, JOURNAL_STEP_RETRY, JOURNAL_STEP_RETRY},
        {ERR_DENIED, JOURNAL_STEP_BLOCK, JOURNAL_STEP_BLOCK, JOURNAL_STEP_BLOCK},
        {ERR_BAD_NAME, JOURNAL_STEP_BLOCK, JOURNAL_STEP_BLOCK, JOURNAL_STEP_BLOCK},
        {ERR_NAME_TOO_LONG, JOURNAL_STEP_BLOCK, JOURNAL_STEP_BLOCK, JOURNAL_STEP_BLOCK},
        {ERR_TOO_LARGE, JOURNAL_STEP_BLOCK, JOURNAL_STEP_BLOCK, JOURNAL_STEP_BLOCK},
    };
    int64_t wait_ms = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(next("", cases[i].code, 0, true, &wait_ms), cases[i].fresh);
        assert_int_equal(next("01ABC", cases[i].code, 0, true, &wait_ms), cases[i].replace);
        assert_int_equal(next("01ABC", cases[i].code, 0, false, &wait_ms), cases[i].refuse);
    }
}

static void journal_next__waits_an_hour_for_a_lock(void **state)
{
    int64_t wait_ms = 0;

    (void)state;
    assert_int_equal(next("01ABC", ERR_LOCKED, 9 * HOUR + 1, true, &wait_ms), JOURNAL_STEP_RETRY);
    assert_true(wait_ms > 0);
    assert_int_equal(next("01ABC", ERR_LOCKED, 9 * HOUR, true, &wait_ms), JOURNAL_STEP_COPY);
    assert_int_equal(next("01ABC", ERR_LOCKED, 9 * HOUR, false, &wait_ms), JOURNAL_STEP_CONFLICT);
}

static void journal_next__backs_off_up_to_five_minutes(void **state)
{
    struct journal_row row = {.item_id = (char *)""};
    struct journal_try tried = {.code = ERR_SERVER, .now_ms = HOUR, .random = UINT32_MAX};
    int64_t due_ms = 0;

    (void)state;
    for (row.attempts = 0; row.attempts < 1000; row.attempts++) {
        tried.random += 12345;
        assert_int_equal(journal_next(&row, &tried, &due_ms), JOURNAL_STEP_RETRY);
        assert_in_range(due_ms - HOUR, 1000, 300000);
        assert_true(row.attempts < 20 || due_ms - HOUR >= 150000);
    }
}

#define JOURNAL_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static const struct CMUnitTest tests[] = {
    JOURNAL_TEST(journal_apply__is_whole_and_survives),
    JOURNAL_TEST(journal_owe_removal__goes_with_the_next_commit_or_the_end),
    JOURNAL_TEST(journal_open__is_for_one_agent_alone),
    JOURNAL_TEST(journal_open__puts_a_broken_file_aside),
    JOURNAL_TEST(journal_open__goes_on_with_what_an_older_agent_left),
    JOURNAL_TEST(journal_open__puts_one_of_no_version_aside),
    cmocka_unit_test(journal_next__follows_its_table),
    cmocka_unit_test(journal_next__waits_an_hour_for_a_lock),
    cmocka_unit_test(journal_next__backs_off_up_to_five_minutes),
};

TEST_MAIN("the journal's rows", tests)
