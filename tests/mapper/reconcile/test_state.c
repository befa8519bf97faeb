#include "test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "mapper/state.h"
#include "sample.h"

static char *directory;

static int set_up(void **unused)
{
    (void)unused;
    return file_make_temporary_directory(&directory, "mooring-test-state", NULL);
}

static int tear_down(void **unused)
{
    int code = file_remove_tree(directory, NULL);

    (void)unused;
    str_free(&directory);
    return code;
}

static struct state *open_state(struct str_list *notes)
{
    struct state *state = NULL;
    struct error err = {0};

    if (state_open(&state, directory, notes, &err) < 0) {
        fail_msg("%s", err.message);
    }
    return state;
}

static size_t count_files(const char *beginning)
{
    DIR *dir = opendir(directory);
    struct dirent *entry;
    size_t count = 0;

    while ((entry = readdir(dir))) {
        count += strncmp(entry->d_name, beginning, strlen(beginning)) == 0 ? 1 : 0;
    }
    closedir(dir);
    return count;
}

static void write_file(const char *name, const char *content, size_t size)
{
    char path[200];

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    assert_int_equal(file_write_atomic(path, content, size, NULL), 0);
}

static void state__remembers_libraries_whole(void **unused)
{
    struct state *state = open_state(NULL);
    struct library_list saved = {0};
    struct library_list loaded = {0};
    struct library *library;

    (void)unused;
    library = sample_add(&saved, "/sites/Ärzte", "Pläne '; DROP TABLE libraries;--");
    library->letter = 'P';
    library->is_read_only = true;
    library->is_favorite = true;
    library->is_verified = true;
    library->query_hash = INT64_MAX;
    library->missing = 1;
    library->sources = LIBRARY_FROM_SEARCH | LIBRARY_FROM_STATE;
    library->verdict = LIBRARY_OVER_LIMIT;
    sample_text(&library->drive_id, "b!x");
    sample_text(&library->name, "Name");
    sample_text(&library->reason, "because");
    library = sample_add(&saved, "/sites/a", "Docs/x");
    library->kind = LIBRARY_FOLDER;
    sample_text(&library->folder_path, "x");
    assert_int_equal(state_save_libraries(state, SAMPLE_TENANT, &saved, NULL), 0);
    state_close(state);
    state = open_state(NULL);
    assert_int_equal(state_load_libraries(state, &loaded, SAMPLE_TENANT, NULL), 0);
    assert_int_equal(loaded.count, 2);
    for (size_t i = 0; i < 2; i++) {
        const struct library *a = &saved.items[i];
        const struct library *b = library_list_find(&loaded, a->key);

        assert_non_null(b);
        assert_int_equal(a->kind, b->kind);
        assert_true(str_equal(a->tenant_id, b->tenant_id) && str_equal(a->tenant, b->tenant));
        assert_true(str_equal(a->site_id, b->site_id) && str_equal(a->list_id, b->list_id));
        assert_true(str_equal(a->drive_id, b->drive_id) && str_equal(a->site_url, b->site_url));
        assert_true(str_equal(a->url, b->url) && str_equal(a->site_title, b->site_title));
        assert_true(str_equal(a->title, b->title) && str_equal(a->folder_path, b->folder_path));
        assert_true(str_equal(a->name, b->name) && str_equal(a->reason, b->reason));
        assert_int_equal(a->letter, b->letter);
        assert_int_equal(a->is_read_only, b->is_read_only);
        assert_int_equal(a->is_favorite, b->is_favorite);
        assert_int_equal(a->is_verified, b->is_verified);
        assert_true(a->query_hash == b->query_hash);
        assert_int_equal(a->sources, b->sources);
        assert_int_equal(a->missing, b->missing);
        assert_int_equal(a->verdict, b->verdict);
    }
    library_list_clear(&saved);
    library_list_clear(&loaded);
    state_close(state);
}

static void state__replaces_one_tenant_only(void **unused)
{
    struct state *state = open_state(NULL);
    struct library_list list = {0};
    struct library_list loaded = {0};
    static const char other[] = "99999999-2222-3333-4444-555555555555";

    (void)unused;
    sample_add(&list, "/sites/a", "A");
    sample_add(&list, "/sites/b", "B");
    assert_int_equal(state_save_libraries(state, SAMPLE_TENANT, &list, NULL), 0);
    library_list_clear(&list);
    sample_add(&list, "/sites/c", "C");
    sample_text(&list.items[0].tenant_id, other);
    sample_text(&list.items[0].key, "other/c/c");
    assert_int_equal(state_save_libraries(state, other, &list, NULL), 0);
    library_list_clear(&list);
    sample_add(&list, "/sites/b", "B"); /* list-0 in b: another key than before */
    assert_int_equal(state_save_libraries(state, SAMPLE_TENANT, &list, NULL), 0);
    assert_int_equal(state_load_libraries(state, &loaded, SAMPLE_TENANT, NULL), 0);
    assert_int_equal(loaded.count, 1);
    assert_string_equal(loaded.items[0].title, "B");
    library_list_clear(&loaded);
    assert_int_equal(state_load_libraries(state, &loaded, NULL, NULL), 0);
    assert_int_equal(loaded.count, 2);
    library_list_clear(&loaded);
    library_list_clear(&list);
    state_close(state);
}

static void state__keeps_a_confirmed_drive_id(void **unused)
{
    struct state *state = open_state(NULL);
    struct library_list list = {0};
    struct library_list loaded = {0};

    (void)unused;
    sample_add(&list, "/sites/a", "A");
    sample_text(&list.items[0].drive_id, "b!hint");
    assert_int_equal(state_save_libraries(state, SAMPLE_TENANT, &list, NULL), 0);
    assert_int_equal(state_save_drive(state, list.items[0].key, "b!real", NULL), 0);
    assert_int_equal(state_save_drive(state, "unknown", "b!real", NULL), 0);
    /* a round that began before the confirmation ends after it */
    assert_int_equal(state_save_libraries(state, SAMPLE_TENANT, &list, NULL), 0);
    assert_int_equal(state_load_libraries(state, &loaded, SAMPLE_TENANT, NULL), 0);
    assert_string_equal(loaded.items[0].drive_id, "b!real");
    assert_true(loaded.items[0].is_verified);
    library_list_clear(&loaded);
    list.items[0].is_verified = true;
    sample_text(&list.items[0].drive_id, "b!newer");
    assert_int_equal(state_save_libraries(state, SAMPLE_TENANT, &list, NULL), 0);
    assert_int_equal(state_load_libraries(state, &loaded, SAMPLE_TENANT, NULL), 0);
    assert_string_equal(loaded.items[0].drive_id, "b!newer");
    library_list_clear(&loaded);
    library_list_clear(&list);
    state_close(state);
}

static void state__records_what_was_made_and_taken_away(void **unused)
{
    struct state *state = open_state(NULL);
    struct plan_mapping_list loaded = {0};
    char path_a[] = "contoso/a/A";
    char path_b[] = "contoso/b/B";
    char key[] = "k";
    char label[] = "Label";
    struct plan_step step = {
        .kind = PLAN_ATTACH,
        .mapping = {
            .path = path_a, .key = key, .label = label, .letter = 'P', .is_read_only = true}};

    (void)unused;
    assert_int_equal(state_record(state, &step, NULL), 0);
    step.mapping.path = path_b;
    step.mapping.letter = '\0';
    assert_int_equal(state_record(state, &step, NULL), 0);
    step.kind = PLAN_UPDATE;
    step.mapping.letter = 'Q';
    assert_int_equal(state_record(state, &step, NULL), 0);
    state_close(state);
    state = open_state(NULL); /* the next agent */
    assert_int_equal(state_load_mappings(state, &loaded, NULL), 0);
    assert_int_equal(loaded.count, 2);
    assert_string_equal(loaded.items[0].path, path_a);
    assert_string_equal(loaded.items[0].label, label);
    assert_string_equal(loaded.items[0].key, key);
    assert_int_equal(loaded.items[0].letter, 'P');
    assert_true(loaded.items[0].is_read_only);
    assert_int_equal(loaded.items[1].letter, 'Q');
    plan_mapping_list_clear(&loaded);
    step.kind = PLAN_DETACH;
    assert_int_equal(state_record(state, &step, NULL), 0);
    assert_int_equal(state_load_mappings(state, &loaded, NULL), 0);
    assert_int_equal(loaded.count, 1);
    plan_mapping_list_clear(&loaded);
    state_close(state);
}

/* Copies one file of the test's folder to another. */
static void copy_file(const char *from, const char *to)
{
    struct buf content;
    char path[200];

    buf_init(&content, 10000000);
    snprintf(path, sizeof(path), "%s/%s", directory, from);
    assert_int_equal(file_read_all(&content, path, NULL), 0);
    write_file(to, buf_text(&content), content.size);
    buf_clear(&content);
}

static void state__survives_a_process_that_just_ends(void **unused)
{
    struct state *state = open_state(NULL);
    char path[] = "contoso/a/A";
    struct plan_step step = {.kind = PLAN_ATTACH, .mapping = {.path = path}};
    struct plan_mapping_list loaded = {0};

    (void)unused;
    assert_int_equal(state_record(state, &step, NULL), 0);
    /* what a killed process leaves: the files as they are now, before it can tidy up */
    copy_file("state.db", "copy");
    copy_file("state.db-wal", "copy-wal");
    state_close(state);
    copy_file("copy", "state.db");
    copy_file("copy-wal", "state.db-wal");
    state = open_state(NULL);
    assert_int_equal(state_load_mappings(state, &loaded, NULL), 0);
    assert_int_equal(loaded.count, 1);
    plan_mapping_list_clear(&loaded);
    state_close(state);
}

static void state__sets_a_broken_file_aside(void **unused)
{
    struct str_list notes = {0};
    struct state *state;
    char rubbish[5000];

    (void)unused;
    memset(rubbish, 'x', sizeof(rubbish));
    for (size_t i = 1; i <= 3; i++) {
        write_file("state.db", rubbish, sizeof(rubbish));
        state = open_state(&notes);
        state_close(state);
        assert_int_equal(notes.count, i);
        assert_non_null(strstr(notes.items[i - 1], "broken"));
        assert_int_equal(count_files("state.db.broken-"), i); /* never deleted */
    }
    state = open_state(&notes);
    assert_int_equal(notes.count, 3);
    state_close(state);
    str_list_clear(&notes);
}

static void state__sets_a_damaged_file_aside(void **unused)
{
    struct str_list notes = {0};
    struct library_list list = {0};
    struct state *state = open_state(NULL);
    struct buf content;
    char path[200];

    (void)unused;
    for (int i = 0; i < 200; i++) {
        char name[16];

        snprintf(name, sizeof(name), "L%d", i);
        sample_add(&list, "/sites/a", name);
    }
    assert_int_equal(state_save_libraries(state, SAMPLE_TENANT, &list, NULL), 0);
    state_close(state);
    snprintf(path, sizeof(path), "%s/state.db", directory);
    buf_init(&content, 10000000);
    assert_int_equal(file_read_all(&content, path, NULL), 0);
    assert_true(content.size > 20000);
    memset(content.data + 8192, 0xA5, 4096);
    assert_int_equal(file_write_atomic(path, content.data, content.size, NULL), 0);
    buf_clear(&content);
    state = open_state(&notes);
    assert_int_equal(notes.count, 1);
    state_close(state);
    str_list_clear(&notes);
    library_list_clear(&list);
}

static void state__sets_a_newer_file_aside(void **unused)
{
    struct str_list notes = {0};
    struct state *state = open_state(NULL);
    struct buf content;
    char path[200];

    (void)unused;
    state_close(state);
    snprintf(path, sizeof(path), "%s/state.db", directory);
    buf_init(&content, 10000000);
    assert_int_equal(file_read_all(&content, path, NULL), 0);
    content.data[63] = 99; /* user_version: bytes 60 to 63 of the header, big-endian */
    assert_int_equal(file_write_atomic(path, content.data, content.size, NULL), 0);
    buf_clear(&content);
    state = open_state(&notes);
    assert_int_equal(notes.count, 1);
    assert_non_null(strstr(notes.items[0], "newer"));
    assert_int_equal(count_files("state.db.newer-"), 1);
    state_close(state);
    str_list_clear(&notes);
}

static void state__sets_a_file_with_other_tables_aside(void **unused)
{
    struct str_list notes = {0};
    struct state *state = open_state(NULL);
    struct buf content;
    char path[200];
    char *at;

    (void)unused;
    state_close(state);
    snprintf(path, sizeof(path), "%s/state.db", directory);
    buf_init(&content, 10000000);
    assert_int_equal(file_read_all(&content, path, NULL), 0);
    at = content.data; /* there are NULs in it */
    while (memcmp(at, "query_hash", 10) != 0) {
        at++;
        assert_true(at + 10 <= content.data + content.size);
    }
    memcpy(at, "other_name", 10);
    assert_int_equal(file_write_atomic(path, content.data, content.size, NULL), 0);
    buf_clear(&content);
    state = open_state(&notes);
    assert_int_equal(notes.count, 1);
    state_close(state);
    str_list_clear(&notes);
}

#ifndef _WIN32
static void state__is_for_the_user_alone(void **unused)
{
    struct state *state;
    struct state *second = NULL;
    struct stat info;
    char path[200];
    struct error err = {0};

    (void)unused;
    assert_int_equal(chmod(directory, 0755), 0);
    state = open_state(NULL);
    assert_int_equal(stat(directory, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    snprintf(path, sizeof(path), "%s/state.db", directory);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    snprintf(path, sizeof(path), "%s/state.db-wal", directory);
    if (stat(path, &info) == 0) {
        assert_int_equal(info.st_mode & 0777, 0600);
    }
    assert_int_equal(state_open(&second, directory, NULL, &err), ERR_BUSY); /* one agent */
    assert_null(second);
    state_close(state);
    assert_int_equal(count_files("state.db.broken-"), 0);
}
#endif

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
static const struct CMUnitTest tests[] = {
    CASE(state__remembers_libraries_whole),
    CASE(state__replaces_one_tenant_only),
    CASE(state__keeps_a_confirmed_drive_id),
    CASE(state__records_what_was_made_and_taken_away),
    CASE(state__survives_a_process_that_just_ends),
    CASE(state__sets_a_broken_file_aside),
    CASE(state__sets_a_damaged_file_aside),
    CASE(state__sets_a_newer_file_aside),
    CASE(state__sets_a_file_with_other_tables_aside),
#ifndef _WIN32 /* modes; base promises it there */
    CASE(state__is_for_the_user_alone),
#endif
};

TEST_MAIN("state", tests)
