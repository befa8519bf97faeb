/* Names: what is equal, what is refused, what is found. */
#include "vfs_contract_internal.h"

#include <stdio.h>
#include <string.h>

static void vfs_lookup__finds_without_case_and_shows_the_case_it_was_made_with(void **state)
{
    static const char *const pairs[][2] = {
        {"ReadMe.TXT", "readme.txt"},
        {"\xC3\x9C"
         "bersicht Gr\xC3\xB6sse.docx",
         "\xC3\xBC"
         "BERSICHT GR\xC3\x96SSE.DOCX"},
        {"\xCE\xA9mega", "\xCF\x89MEGA"},
        {"\xD0\x94\xD0\xBE\xD0\xBC", "\xD0\xB4\xD0\x9E\xD0\x9C"},
    };
    struct vfs_contract *c = *state;

    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        uint64_t id = 0;
        uint64_t same = 0;

        contract_put_text(c, c->folder, pairs[i][0], "x");
        id = contract_id(c, c->folder, pairs[i][0]);
        same = contract_id(c, c->folder, pairs[i][1]);
        assert_int_equal(id, same);
        vfs_forget(c->vfs, id, 2);
    }
}

struct seen {
    char names[8][64];
    size_t count;
};

static bool remember(void *payload, const char *name, const struct vfs_attr *attr, uint64_t cookie)
{
    struct seen *seen = payload;

    (void)attr;
    (void)cookie;
    assert_in_range(seen->count, 0, 7);
    snprintf(seen->names[seen->count++], 64, "%s", name);
    return true;
}

static void vfs_create__opens_the_same_file_by_another_case(void **state)
{
    struct vfs_contract *c = *state;
    struct seen seen = {.count = 0};
    struct vfs_dir *dir = NULL;

    contract_put_text(c, c->folder, "Report.docx", "first");
    contract_put_text(c, c->folder, "REPORT.DOCX", "second");
    contract_has_text(c, c->folder, "Report.docx", "second");
    expect_ok(c, vfs_opendir(c->vfs, &dir, c->folder, NULL, NULL));
    expect_ok(c, vfs_readdir(c->vfs, dir, 0, remember, &seen, NULL, NULL));
    vfs_closedir(c->vfs, dir);
    assert_int_equal(seen.count, 1);
    assert_string_equal(seen.names[0], "Report.docx");
}

static void vfs_lookup__says_what_is_missing(void **state)
{
    struct vfs_contract *c = *state;
    struct vfs_attr attr;
    uint64_t file = 0;

    expect_code(c, ERR_NOT_FOUND, vfs_lookup(c->vfs, &attr, c->folder, "nothing", NULL, NULL));
    contract_put_text(c, c->folder, "file", "x");
    file = contract_id(c, c->folder, "file");
    expect_code(c, ERR_NOT_FOLDER, vfs_lookup(c->vfs, &attr, file, "below", NULL, NULL));
    vfs_forget(c->vfs, file, 1);
}

static void vfs_lookup__gives_one_id_until_all_holds_are_gone(void **state)
{
    struct vfs_contract *c = *state;
    struct vfs_attr attr;
    uint64_t id = 0;

    contract_put_text(c, c->folder, "file", "four");
    id = contract_id(c, c->folder, "file");
    for (int i = 0; i < 50; i++) {
        assert_int_equal(contract_id(c, c->folder, "file"), id);
    }
    vfs_forget(c->vfs, id, 50);
    expect_ok(c, vfs_getattr(c->vfs, &attr, id, NULL, NULL, NULL));
    assert_int_equal(attr.id, id);
    assert_int_equal(attr.size_bytes, 4);
    vfs_forget(c->vfs, id, 1);
}

static int try_create(struct vfs_contract *c, const char *name)
{
    struct vfs_file *file = NULL;
    struct vfs_attr attr;
    int code = vfs_create(c->vfs, &file, &attr, c->folder, name, VFS_WRITE, NULL, NULL);

    if (code == 0) {
        vfs_close(c->vfs, file);
        vfs_forget(c->vfs, attr.id, 1);
    }
    return code;
}

static void vfs_calls__refuse_what_is_no_name(void **state)
{
    static const char *const no_names[] = {"", ".", "..", "a/b", "/"};
    struct vfs_contract *c = *state;
    char long_name[300];
    struct vfs_attr attr;

    if (c->is_behind_kernel) {
        skip();
    }
    for (size_t i = 0; i < sizeof(no_names) / sizeof(no_names[0]); i++) {
        expect_code(c, ERR_INVALID, try_create(c, no_names[i]));
        expect_code(c, ERR_INVALID, vfs_lookup(c->vfs, &attr, c->folder, no_names[i], NULL, NULL));
        expect_code(c, ERR_INVALID, vfs_unlink(c->vfs, c->folder, no_names[i], NULL, NULL));
    }
    memset(long_name, 'n', sizeof(long_name));
    long_name[256] = '\0';
    expect_code(c, ERR_NOT_FOUND, vfs_lookup(c->vfs, &attr, c->folder, long_name, NULL, NULL));
    expect_code(c, ERR_BAD_NAME, try_create(c, "not \xFF utf-8"));
    expect_code(c, ERR_NOT_FOUND,
                vfs_lookup(c->vfs, &attr, c->folder, "not \xFF utf-8", NULL, NULL));
}

static void vfs_create__says_that_a_name_is_too_long(void **state)
{
    struct vfs_contract *c = *state;
    char name[300];
    struct vfs_attr attr;

    contract_put_text(c, c->folder, "good", "x");
    memset(name, 'n', sizeof(name));
    name[256] = '\0';
    expect_code(c, ERR_NAME_TOO_LONG, try_create(c, name));
    expect_code(c, ERR_NAME_TOO_LONG, vfs_mkdir(c->vfs, &attr, c->folder, name, NULL, NULL));
    expect_code(c, ERR_NAME_TOO_LONG,
                vfs_rename(c->vfs, c->folder, "good", c->folder, name, 0, NULL, NULL));
    contract_has_text(c, c->folder, "good", "x");
    name[255] = '\0';
    contract_put_text(c, c->folder, name, "y");
    contract_has_text(c, c->folder, name, "y");
}

static void vfs_create__refuses_names_that_the_service_refuses(void **state)
{
    static const char *const refused[] = {
        "a:b",     "a*b",  "a?b",      "a\"b",        "a<b",       "a>b",
        "a|b",     "a\\b", " leading", "trailing ",   "trailing.", "CON",
        "nul.txt", "COM1", "lpt9.doc", "x_vti_y.txt", ".lock",     "tab\there",
    };
    struct vfs_contract *c = *state;
    struct vfs_attr attr;

    if (!c->checks_names) {
        skip();
    }
    contract_put_text(c, c->folder, "good", "x");
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        expect_code(c, ERR_BAD_NAME, try_create(c, refused[i]));
        expect_code(c, ERR_BAD_NAME, vfs_mkdir(c->vfs, &attr, c->folder, refused[i], NULL, NULL));
        expect_code(c, ERR_BAD_NAME,
                    vfs_rename(c->vfs, c->folder, "good", c->folder, refused[i], 0, NULL, NULL));
        assert_false(contract_exists(c, c->folder, refused[i]));
    }
    contract_has_text(c, c->folder, "good", "x");
}

static void vfs_create__takes_every_name_that_the_service_takes(void **state)
{
    static const char *const names[] = {
        "100% #1.txt",
        "a  b",
        "it's (1) & [2]; {3}, 4 = 5 + 6 @ $7 ! ^ `8`.txt",
        ".hidden",
        "~x.txt",
        "\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E.txt",
        "\xF0\x9F\x98\x80.txt",
        "a%20b.txt",
        "console.txt",
        "com10",
        "x..y",
        "-rf",
        "e\xCC\x81.txt",
    };
    struct vfs_contract *c = *state;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        contract_put_text(c, c->folder, names[i], names[i]);
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        contract_has_text(c, c->folder, names[i], names[i]);
        expect_ok(c, vfs_unlink(c->vfs, c->folder, names[i], NULL, NULL));
    }
}

struct contract_list contract_names(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(vfs_lookup__finds_without_case_and_shows_the_case_it_was_made_with),
        cmocka_unit_test(vfs_create__opens_the_same_file_by_another_case),
        cmocka_unit_test(vfs_lookup__says_what_is_missing),
        cmocka_unit_test(vfs_lookup__gives_one_id_until_all_holds_are_gone),
        cmocka_unit_test(vfs_calls__refuse_what_is_no_name),
        cmocka_unit_test(vfs_create__says_that_a_name_is_too_long),
        cmocka_unit_test(vfs_create__refuses_names_that_the_service_refuses),
        cmocka_unit_test(vfs_create__takes_every_name_that_the_service_takes),
    };

    return (struct contract_list){tests, sizeof(tests) / sizeof(tests[0])};
}
