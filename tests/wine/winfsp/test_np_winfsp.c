/*
 * test_np_winfsp.c - the transport `np` on Windows, on a double of WinFsp's DLL: every callback is
 * called as the driver would, over the file system in memory.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define WIN32_NO_STATUS
#include <windows.h>
#undef WIN32_NO_STATUS
#include <ntstatus.h>

#include "base/str.h"
#include "base/win32.h"
#include "fixture.h"
#include "test.h"

#define RW (FILE_READ_DATA | FILE_WRITE_DATA)
#define FOLDER_FILE 1u /* FILE_DIRECTORY_FILE */

static void make_folder(const wchar_t *name)
{
    struct fsp_file_info info;
    void *context = NULL;

    assert_int_equal(
        calls()->create(fs(), in_library(name), FOLDER_FILE, 0, 0, NULL, 0, &context, &info),
        STATUS_SUCCESS);
    assert_int_equal(info.attributes, FILE_ATTRIBUTE_DIRECTORY);
    close_context(context);
}

static void assert_content(const wchar_t *name, const char *text)
{
    char data[256] = "";
    void *context = NULL;
    ULONG got = 0;

    assert_int_equal(open_named(&context, name, FILE_READ_DATA), STATUS_SUCCESS);
    assert_int_equal(calls()->read(fs(), context, data, 0, sizeof(data) - 1, &got),
                     *text ? STATUS_SUCCESS : STATUS_END_OF_FILE);
    assert_string_equal(data, text);
    close_context(context);
}

static fsp_status rename_named(const wchar_t *from, const wchar_t *to, BOOLEAN replaces)
{
    fsp_status status;
    void *context = NULL;

    assert_int_equal(open_named(&context, from, DELETE), STATUS_SUCCESS);
    status = calls()->rename(fs(), context, in_library(from), in_library(to), replaces);
    close_context(context);
    return status;
}

static fsp_status delete_named(const wchar_t *name)
{
    fsp_status status;
    void *context = NULL;

    assert_int_equal(open_named(&context, name, DELETE), STATUS_SUCCESS);
    status = calls()->can_delete(fs(), context, in_library(name));
    calls()->cleanup(fs(), context, in_library(name),
                     status == STATUS_SUCCESS ? FSP_CLEANUP_DELETE : 0);
    calls()->close(fs(), context);
    return status;
}

static fsp_status status_of(const wchar_t *name)
{
    return calls()->get_security_by_name(fs(), in_library(name), NULL, NULL, NULL);
}

static void content__is_what_was_written(void **state)
{
    struct fsp_file_info info;
    void *context = NULL;
    char data[16];
    ULONG done = 0;

    (void)state;
    make_file(L"\x00e4.txt", "0123456789");
    assert_content(L"\x00c4.TXT", "0123456789");
    assert_int_equal(open_named(&context, L"\x00e4.txt", RW), STATUS_SUCCESS);
    assert_int_equal(calls()->write(fs(), context, data, 20, 4, FALSE, TRUE, &done, &info),
                     STATUS_SUCCESS);
    assert_int_equal(done, 0); /* constrained: beyond the end */
    memcpy(data, "abcdefgh", 8);
    assert_int_equal(calls()->write(fs(), context, data, 6, 8, FALSE, TRUE, &done, &info),
                     STATUS_SUCCESS);
    assert_int_equal(done, 4);
    assert_int_equal(info.size_bytes, 10);
    assert_int_equal(calls()->write(fs(), context, data, 0, 2, TRUE, FALSE, &done, &info),
                     STATUS_SUCCESS);
    assert_int_equal(info.size_bytes, 12);
    assert_int_equal(calls()->flush(fs(), context, &info), STATUS_SUCCESS);
    assert_int_equal(calls()->flush(fs(), NULL, NULL), STATUS_SUCCESS);
    assert_int_equal(calls()->read(fs(), context, data, 12, 4, &done), STATUS_END_OF_FILE);
    close_context(context);
    assert_content(L"\x00e4.txt", "012345abcdab");
}

static void size__is_cut_and_grown(void **state)
{
    struct fsp_file_info info;
    void *context = NULL;

    (void)state;
    make_file(L"a", "0123456789");
    assert_int_equal(open_named(&context, L"a", RW), STATUS_SUCCESS);
    assert_int_equal(calls()->set_file_size(fs(), context, 100, TRUE, &info), STATUS_SUCCESS);
    assert_int_equal(info.size_bytes, 10); /* room is not content */
    assert_int_equal(calls()->set_file_size(fs(), context, 4, TRUE, &info), STATUS_SUCCESS);
    assert_int_equal(info.size_bytes, 4);
    assert_int_equal(calls()->set_file_size(fs(), context, 6, FALSE, &info), STATUS_SUCCESS);
    assert_int_equal(calls()->get_file_info(fs(), context, &info), STATUS_SUCCESS);
    assert_int_equal(info.size_bytes, 6);
    assert_int_equal(info.allocation_bytes, 4096);
    assert_int_equal(calls()->overwrite(fs(), context, 0, FALSE, 0, &info), STATUS_SUCCESS);
    assert_int_equal(info.size_bytes, 0);
    close_context(context);
    assert_content(L"a", "");
}

static void times__are_kept(void **state)
{
    const uint64_t when = UINT64_C(133500000000000000);
    struct fsp_file_info info;
    void *context = NULL;

    (void)state;
    make_file(L"a", "x");
    assert_int_equal(open_named(&context, L"a", FILE_WRITE_ATTRIBUTES), STATUS_SUCCESS);
    assert_int_equal(
        calls()->set_basic_info(fs(), context, INVALID_FILE_ATTRIBUTES, 0, 0, when, 0, &info),
        STATUS_SUCCESS);
    close_context(context);
    assert_int_equal(open_named(&context, L"a", FILE_READ_ATTRIBUTES), STATUS_SUCCESS);
    assert_int_equal(calls()->get_file_info(fs(), context, &info), STATUS_SUCCESS);
    assert_true(info.modified == when);
    assert_int_equal(info.attributes, FILE_ATTRIBUTE_NORMAL);
    close_context(context);
}

static void missing__is_a_name_or_a_path(void **state)
{
    struct fsp_file_info info;
    void *context = NULL;

    (void)state;
    make_file(L"a", "x");
    assert_int_equal(status_of(L"a"), STATUS_SUCCESS);
    assert_int_equal(status_of(L""), STATUS_SUCCESS);
    assert_int_equal(status_of(L"b"), STATUS_OBJECT_NAME_NOT_FOUND);
    assert_int_equal(status_of(L"b\\c"), STATUS_OBJECT_PATH_NOT_FOUND);
    assert_int_equal(open_named(&context, L"b", RW), STATUS_OBJECT_NAME_NOT_FOUND);
    assert_int_equal(open_named(&context, L"b\\c", RW), STATUS_OBJECT_PATH_NOT_FOUND);
    assert_int_equal(calls()->create(fs(), in_library(L"b\\c"), 0, RW, 0, NULL, 0, &context, &info),
                     STATUS_OBJECT_PATH_NOT_FOUND);
    assert_int_equal(calls()->create(fs(), in_library(L"A"), 0, RW, 0, NULL, 0, &context, &info),
                     STATUS_OBJECT_NAME_COLLISION);
    assert_int_equal(calls()->create(fs(), in_library(L"a?b"), 0, RW, 0, NULL, 0, &context, &info),
                     STATUS_OBJECT_NAME_INVALID);
    /* above the libraries nobody makes anything */
    assert_int_equal(
        calls()->create(fs(), (wchar_t *)(uintptr_t)L"\\x", 0, RW, 0, NULL, 0, &context, &info),
        STATUS_ACCESS_DENIED);
}

static void rename__replaces_only_when_told(void **state)
{
    (void)state;
    make_file(L"a", "aa");
    make_file(L"b", "bb");
    assert_int_equal(rename_named(L"a", L"b", FALSE), STATUS_OBJECT_NAME_COLLISION);
    assert_int_equal(rename_named(L"a", L"b", TRUE), STATUS_SUCCESS);
    assert_content(L"b", "aa");
    assert_int_equal(status_of(L"a"), STATUS_OBJECT_NAME_NOT_FOUND);
    make_folder(L"f");
    assert_int_equal(rename_named(L"b", L"f\\c", FALSE), STATUS_SUCCESS);
    assert_content(L"f\\c", "aa");
    assert_int_equal(rename_named(L"f\\c", L"nowhere\\c", FALSE), STATUS_OBJECT_PATH_NOT_FOUND);
    assert_content(L"f\\c", "aa");
}

/* As Word does it: a new file beside the old one, the names changed, the old one deleted. */
static bool copy_name(void *payload, const char *name, const struct vfs_attr *attr, uint64_t cookie)
{
    (void)attr;
    (void)cookie;
    snprintf(payload, 64, "%s", name);
    return true;
}

static void rename__changes_the_case_alone(void **state)
{
    struct winfsp_world *world = *state;
    struct vfs_dir *dir = NULL;
    char name[64] = "";

    make_file(L"readme", "x");
    assert_int_equal(rename_named(L"readme", L"README", FALSE), STATUS_SUCCESS);
    assert_int_equal(vfs_opendir(world->memory, &dir, world->library, NULL, NULL), 0);
    assert_int_equal(vfs_readdir(world->memory, dir, 0, copy_name, name, NULL, NULL), 0);
    vfs_closedir(world->memory, dir);
    assert_string_equal(name, "README");
    assert_content(L"readme", "x");
}

static void delete__lets_others_go_on(void **state)
{
    struct fsp_file_info info;
    void *open = NULL;
    char data[8] = "";
    ULONG got = 0;

    (void)state;
    assert_true(winfsp_volume(0)->params.flags & FSP_POSIX_UNLINK_RENAME);
    make_file(L"a", "still");
    assert_int_equal(open_named(&open, L"a", RW), STATUS_SUCCESS);
    assert_int_equal(calls()->set_delete(fs(), open, in_library(L"a"), TRUE), STATUS_SUCCESS);
    assert_int_equal(calls()->set_delete(fs(), open, in_library(L"a"), FALSE), STATUS_SUCCESS);
    assert_int_equal(delete_named(L"a"), STATUS_SUCCESS);
    assert_int_equal(status_of(L"a"), STATUS_OBJECT_NAME_NOT_FOUND);
    assert_int_equal(calls()->read(fs(), open, data, 0, 5, &got), STATUS_SUCCESS);
    assert_string_equal(data, "still");
    assert_int_equal(calls()->write(fs(), open, data, 0, 5, FALSE, FALSE, &got, &info),
                     STATUS_SUCCESS);
    make_file(L"a", "another");
    close_context(open);
    assert_content(L"a", "another");
}

/* What nobody may delete is refused while the program can still hear of it. */
static void delete__is_refused_above_the_libraries(void **state)
{
    wchar_t *name = (wchar_t *)(uintptr_t)L"\\finance\\Documents";
    struct fsp_file_info info;
    void *context = NULL;

    (void)state;
    assert_int_equal(calls()->open(fs(), name, FOLDER_FILE, DELETE, &context, &info),
                     STATUS_SUCCESS);
    assert_int_equal(calls()->set_delete(fs(), context, name, TRUE), STATUS_CANNOT_DELETE);
    close_context(context);
}

static void save__by_renaming_keeps_one_file(void **state)
{
    (void)state;
    make_file(L"report.docx", "old");
    make_file(L"~WRD0001.tmp", "new");
    assert_int_equal(rename_named(L"report.docx", L"~WRL0002.tmp", FALSE), STATUS_SUCCESS);
    assert_int_equal(rename_named(L"~WRD0001.tmp", L"report.docx", FALSE), STATUS_SUCCESS);
    assert_int_equal(delete_named(L"~WRL0002.tmp"), STATUS_SUCCESS);
    assert_content(L"report.docx", "new");
    assert_int_equal(status_of(L"~WRD0001.tmp"), STATUS_OBJECT_NAME_NOT_FOUND);
    assert_int_equal(status_of(L"~WRL0002.tmp"), STATUS_OBJECT_NAME_NOT_FOUND);
}

static void delete__takes_empty_folders_only(void **state)
{
    (void)state;
    make_folder(L"f");
    make_file(L"f\\a", "x");
    assert_int_equal(delete_named(L"f"), STATUS_DIRECTORY_NOT_EMPTY);
    assert_int_equal(delete_named(L"f\\a"), STATUS_SUCCESS);
    assert_int_equal(delete_named(L"f"), STATUS_SUCCESS);
    assert_int_equal(status_of(L"f"), STATUS_OBJECT_NAME_NOT_FOUND);
}

struct seen {
    unsigned count;
    unsigned dots;
    bool files[300];
    wchar_t last[256];
};

/* One answer; true when there are more. */
static bool take_answer(struct seen *seen, const char *buffer, ULONG used)
{
    ULONG at = 0;

    while (at + sizeof(uint16_t) <= used) {
        const struct fsp_dir_info *info = (const void *)(buffer + at);
        size_t units;

        if (info->size == 0) {
            return false;
        }
        units = (info->size - sizeof(*info)) / sizeof(wchar_t);
        memcpy(seen->last, info->name, units * sizeof(wchar_t));
        seen->last[units] = L'\0';
        if (seen->last[0] == L'.') {
            seen->dots++;
        } else {
            unsigned long number = wcstoul(seen->last + 1, NULL, 10);

            assert_true(number < 300 && !seen->files[number]);
            seen->files[number] = true;
            seen->count++;
        }
        at += (info->size + 7u) & ~7u;
    }
    return true;
}

static void list_all(struct seen *seen, void *context, ULONG room)
{
    char *buffer = malloc(room);
    ULONG used = 0;
    bool goes_on = true;

    assert_non_null(buffer);
    memset(seen, 0, sizeof(*seen));
    for (int i = 0; goes_on && i < 1000; i++) {
        wchar_t marker[256];

        memcpy(marker, seen->last, sizeof(marker));
        assert_int_equal(calls()->read_directory(fs(), context, NULL, *marker ? marker : NULL,
                                                 buffer, room, &used),
                         STATUS_SUCCESS);
        assert_true(used > 0);
        goes_on = take_answer(seen, buffer, used);
    }
    assert_false(goes_on);
    free(buffer);
}

static void listing__has_each_entry_once(void **state)
{
    struct seen seen;
    void *context = NULL;

    (void)state;
    make_folder(L"f");
    for (unsigned i = 0; i < 300; i++) {
        wchar_t name[32];

        _snwprintf(name, ARRAYSIZE(name), L"f\\n%u", i);
        make_file(name, "");
    }
    assert_int_equal(open_named(&context, L"f", FILE_LIST_DIRECTORY), STATUS_SUCCESS);
    list_all(&seen, context, 65536);
    assert_int_equal(seen.count, 300);
    assert_int_equal(seen.dots, 2);
    list_all(&seen, context, 400); /* again, in many answers */
    assert_int_equal(seen.count, 300);
    assert_int_equal(seen.dots, 2);
    close_context(context);
}

static void listing__goes_on_behind_any_name(void **state)
{
    wchar_t marker[] = L"n1";
    struct seen seen = {0};
    void *context = NULL;
    char buffer[4096];
    ULONG used = 0;

    (void)state;
    make_folder(L"f");
    make_file(L"f\\n0", "");
    make_file(L"f\\n1", "");
    make_file(L"f\\n2", "");
    assert_int_equal(open_named(&context, L"f", FILE_LIST_DIRECTORY), STATUS_SUCCESS);
    assert_int_equal(
        calls()->read_directory(fs(), context, NULL, marker, buffer, sizeof(buffer), &used),
        STATUS_SUCCESS);
    assert_false(take_answer(&seen, buffer, used));
    assert_int_equal(seen.dots, 0);
    assert_true(seen.count == 1 && seen.files[2]);
    close_context(context);
}

static void dir_info__answers_for_one_name(void **state)
{
    union {
        struct fsp_dir_info info;
        char room[sizeof(struct fsp_dir_info) + 512];
    } entry;
    void *context = NULL;

    (void)state;
    make_file(L"abc", "12345");
    assert_int_equal(open_named(&context, L"", FILE_LIST_DIRECTORY), STATUS_SUCCESS);
    assert_int_equal(
        calls()->get_dir_info_by_name(fs(), context, (wchar_t *)(uintptr_t)L"abc", &entry.info),
        STATUS_SUCCESS);
    assert_int_equal(entry.info.size, sizeof(entry.info) + 6);
    assert_int_equal(entry.info.file.size_bytes, 5);
    assert_int_equal(
        calls()->get_dir_info_by_name(fs(), context, (wchar_t *)(uintptr_t)L"abd", &entry.info),
        STATUS_OBJECT_NAME_NOT_FOUND);
    close_context(context);
}

static void security__is_for_the_user_and_the_system(void **state)
{
    union {
        SECURITY_DESCRIPTOR_RELATIVE head;
        char room[512];
    } descriptor;
    size_t size = 1;
    BOOL is_present = FALSE;
    BOOL is_default = FALSE;
    PSID owner = NULL;
    PSID group = NULL;
    PACL acl = NULL;

    (void)state;
    assert_int_equal(calls()->get_security_by_name(fs(), in_library(L""), NULL, &descriptor, &size),
                     STATUS_BUFFER_OVERFLOW);
    assert_true(size > 1 && size <= sizeof(descriptor));
    assert_int_equal(calls()->get_security(fs(), NULL, &descriptor, &size), STATUS_SUCCESS);
    assert_true(GetSecurityDescriptorDacl(&descriptor, &is_present, &acl, &is_default));
    assert_true(is_present && acl && acl->AceCount == 2);
    assert_true(GetSecurityDescriptorOwner(&descriptor, &owner, &is_default) && owner);
    assert_true(GetSecurityDescriptorGroup(&descriptor, &group, &is_default) && group);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, winfsp_set_up, winfsp_tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(content__is_what_was_written),
        TEST(size__is_cut_and_grown),
        TEST(times__are_kept),
        TEST(missing__is_a_name_or_a_path),
        TEST(rename__replaces_only_when_told),
        TEST(rename__changes_the_case_alone),
        TEST(save__by_renaming_keeps_one_file),
        TEST(delete__takes_empty_folders_only),
        TEST(delete__lets_others_go_on),
        TEST(delete__is_refused_above_the_libraries),
        TEST(listing__has_each_entry_once),
        TEST(listing__goes_on_behind_any_name),
        TEST(dir_info__answers_for_one_name),
        TEST(security__is_for_the_user_and_the_system),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests_name("np_winfsp", tests, NULL, NULL) ? 1 : 0;
}
