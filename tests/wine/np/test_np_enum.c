/*
 * test_np_enum.c - what mooringnp.dll tells of servers, shares and letters, and how it takes paths
 * apart.
 */
#include <stdlib.h>
#include <string.h>
#include <windows.h>
#include <npapi.h>
#include <winnetwk.h>

#include "base/str.h"
#include "fixture.h"
#include "test.h"
#include "transport/np_protocol.h"

/* All entries of ours, `step` at a time with little room, as "local=remote;". */
static void list(char **out, DWORD scope, const wchar_t *remote, DWORD step, DWORD room)
{
    NETRESOURCEW below = {.dwType = RESOURCETYPE_DISK,
                          .lpRemoteName = (wchar_t *)remote,
                          .lpProvider = W(L"Mooring")};
    char *buffer = malloc(room);
    HANDLE handle = NULL;
    DWORD status;

    assert_non_null(buffer);
    assert_int_equal(str_copy(out, "", NULL), 0);
    assert_int_equal(CALL(world.dll, PF_NPOpenEnum, "NPOpenEnum")(scope, RESOURCETYPE_DISK, 0,
                                                                  remote ? &below : NULL, &handle),
                     WN_SUCCESS);
    for (;;) {
        NETRESOURCEW *entries = (NETRESOURCEW *)buffer;
        DWORD count = step;
        DWORD size = room;

        status =
            CALL(world.dll, PF_NPEnumResource, "NPEnumResource")(handle, &count, buffer, &size);
        if (status != WN_SUCCESS) {
            break;
        }
        assert_true(count > 0 && count <= step);
        for (DWORD i = 0; i < count; i++) {
            char *so_far = *out;

            *out = NULL;
            assert_true(wcscmp(entries[i].lpProvider, L"Mooring") == 0);
            assert_int_equal(str_format(out, NULL, "%s%ls=%ls;", so_far,
                                        entries[i].lpLocalName ? entries[i].lpLocalName : L"",
                                        entries[i].lpRemoteName),
                             0);
            free(so_far);
        }
    }
    assert_int_equal(status, WN_NO_MORE_ENTRIES);
    assert_int_equal(CALL(world.dll, close_enum_fn, "NPCloseEnum")(handle), WN_SUCCESS);
    free(buffer);
}

static void enumeration__lists_the_letters(void **state)
{
    char *seen = NULL;

    (void)state;
    assert_int_equal(add(L"P:", L"\\\\mooring\\contoso\\a"), NO_ERROR);
    assert_int_equal(add(L"S:", L"\\\\mooring\\fabrikam"), NO_ERROR);
    assert_true(DefineDosDeviceW(DDD_RAW_TARGET_PATH, L"R:", L"\\Device\\Mup\\fileserver\\share"));
    list(&seen, RESOURCE_CONNECTED, NULL, 1, 4096);
    assert_string_equal(seen, "P:=\\\\mooring\\contoso\\a;S:=\\\\mooring\\fabrikam;");
    list(&seen, RESOURCE_CONNECTED, NULL, (DWORD)-1, 150);
    assert_string_equal(seen, "P:=\\\\mooring\\contoso\\a;S:=\\\\mooring\\fabrikam;");
    str_free(&seen);
}

static void enumeration__lists_the_tenants(void **state)
{
    static const char all[] = "=\\\\mooring\\contoso;=\\\\mooring\\fabrikam;=\\\\mooring\\wingtip;"
                              "=\\\\mooring\\tailspin;=\\\\mooring\\litware;";
    NETRESOURCEW below = {.lpRemoteName = W(L"\\\\mooring\\contoso")};
    PF_NPOpenEnum open = CALL(world.dll, PF_NPOpenEnum, "NPOpenEnum");
    HANDLE handle = NULL;
    char *seen = NULL;

    (void)state;
    list(&seen, RESOURCE_GLOBALNET, NULL, (DWORD)-1, 4096);
    assert_string_equal(seen, "=\\\\mooring;");
    list(&seen, RESOURCE_CONTEXT, NULL, 5, 4096);
    assert_string_equal(seen, "=\\\\mooring;");
    list(&seen, RESOURCE_GLOBALNET, L"\\\\mooring", (DWORD)-1, 4096);
    assert_string_equal(seen, all);
    list(&seen, RESOURCE_GLOBALNET, L"\\\\mooring", 3, 150);
    assert_string_equal(seen, all);
    assert_int_equal(open(RESOURCE_GLOBALNET, 0, 0, &below, &handle), WN_NOT_CONTAINER);
    below.lpRemoteName = W(L"\\\\fileserver");
    assert_int_equal(open(RESOURCE_GLOBALNET, 0, 0, &below, &handle), WN_BAD_NETNAME);
    assert_int_equal(open(RESOURCE_CONNECTED, RESOURCETYPE_PRINT, 0, NULL, &handle), WN_BAD_VALUE);
    str_free(&seen);
}

static void enumeration__says_how_much_room_it_needs(void **state)
{
    union {
        NETRESOURCEW entry;
        char room[512];
    } buffer;
    HANDLE handle = NULL;
    DWORD count = 5;
    DWORD size = 20;

    (void)state;
    assert_int_equal(
        CALL(world.dll, PF_NPOpenEnum, "NPOpenEnum")(RESOURCE_CONTEXT, 0, 0, NULL, &handle),
        WN_SUCCESS);
    assert_int_equal(
        CALL(world.dll, PF_NPEnumResource, "NPEnumResource")(handle, &count, &buffer, &size),
        WN_MORE_DATA);
    assert_int_equal(count, 0);
    assert_true(size > 20 && size <= sizeof(buffer));
    count = 5;
    assert_int_equal(
        CALL(world.dll, PF_NPEnumResource, "NPEnumResource")(handle, &count, &buffer, &size),
        WN_SUCCESS);
    assert_int_equal(count, 1);
    assert_true(wcscmp(buffer.entry.lpRemoteName, L"\\\\mooring") == 0);
    CALL(world.dll, close_enum_fn, "NPCloseEnum")(handle);
}

/* Through mpr, with whatever else is in it. */
static void enumeration__reaches_programs_through_windows(void **state)
{
    struct mpr_entries seen;
    bool is_there = false;

    (void)state;
    assert_int_equal(add(L"T:", L"\\\\mooring\\contoso\\t"), NO_ERROR);
    assert_int_equal(mpr_list(&seen, RESOURCE_CONNECTED, NULL), NO_ERROR);
    for (DWORD i = 0; i < seen.count; i++) {
        const NETRESOURCEW *entry = &seen.buffer.entries[i];

        is_there = is_there || (wcscmp(entry->lpLocalName, L"T:") == 0 &&
                                wcscmp(entry->lpRemoteName, L"\\\\mooring\\contoso\\t") == 0);
    }
    assert_true(is_there);
}

static void resource_information__splits_a_path(void **state)
{
    union {
        NETRESOURCEW entry;
        char room[1024];
    } buffer;
    NETRESOURCEW asked = {.lpRemoteName = W(L"\\\\mooring\\contoso\\finance\\a.txt")};
    wchar_t *rest = NULL;
    DWORD size = sizeof(buffer);

    (void)state;
    assert_int_equal(CALL(world.mpr, information_fn, "WNetGetResourceInformationW")(&asked, &buffer,
                                                                                    &size, &rest),
                     NO_ERROR);
    assert_true(wcscmp(buffer.entry.lpRemoteName, L"\\\\mooring\\contoso") == 0);
    assert_true(wcscmp(rest, L"\\finance\\a.txt") == 0);
    assert_true((char *)rest > buffer.room && (char *)rest < buffer.room + sizeof(buffer));
    assert_true(wcscmp(buffer.entry.lpProvider, L"Mooring") == 0);

    asked.lpRemoteName = W(L"\\\\mooring\\nobody\\x");
    size = sizeof(buffer);
    assert_int_equal(CALL(world.dll, PF_NPGetResourceInformation,
                          "NPGetResourceInformation")(&asked, &buffer, &size, &rest),
                     WN_BAD_NETNAME);
    asked.lpRemoteName = W(L"\\\\mooring");
    size = 1;
    assert_int_equal(CALL(world.dll, PF_NPGetResourceInformation,
                          "NPGetResourceInformation")(&asked, &buffer, &size, &rest),
                     WN_MORE_DATA);
    assert_int_equal(CALL(world.dll, PF_NPGetResourceInformation,
                          "NPGetResourceInformation")(&asked, &buffer, &size, &rest),
                     WN_SUCCESS);
    assert_int_equal(buffer.entry.dwUsage, RESOURCEUSAGE_CONTAINER);
    assert_null(rest);
}

static void resource_parent__goes_up_to_the_network(void **state)
{
    static const wchar_t *const steps[] = {L"\\\\mooring\\contoso\\a\\b",
                                           L"\\\\mooring\\contoso\\a", L"\\\\mooring\\contoso",
                                           L"\\\\mooring"};
    PF_NPGetResourceParent parent = CALL(world.dll, PF_NPGetResourceParent, "NPGetResourceParent");
    union {
        NETRESOURCEW entry;
        char room[1024];
    } buffer;
    NETRESOURCEW asked = {0};
    DWORD size;

    (void)state;
    for (size_t i = 0; i + 1 < ARRAYSIZE(steps); i++) {
        asked.lpRemoteName = (wchar_t *)steps[i];
        size = sizeof(buffer);
        assert_int_equal(parent(&asked, &buffer, &size), WN_SUCCESS);
        assert_true(wcscmp(buffer.entry.lpRemoteName, steps[i + 1]) == 0);
    }
    asked.lpRemoteName = W(L"\\\\mooring\\contoso\\");
    assert_int_equal(parent(&asked, &buffer, &size), WN_SUCCESS);
    assert_true(wcscmp(buffer.entry.lpRemoteName, L"\\\\mooring") == 0);
    asked.lpRemoteName = W(L"\\\\mooring");
    assert_int_equal(parent(&asked, &buffer, &size), WN_SUCCESS);
    assert_null(buffer.entry.lpRemoteName);
    asked.lpRemoteName = W(FOREIGN);
    assert_int_equal(parent(&asked, &buffer, &size), WN_BAD_NETNAME);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(enumeration__lists_the_letters),
        TEST(enumeration__lists_the_tenants),
        TEST(enumeration__says_how_much_room_it_needs),
        TEST(enumeration__reaches_programs_through_windows),
        TEST(resource_information__splits_a_path),
        TEST(resource_parent__goes_up_to_the_network),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests_name("np_enum", tests, set_up_all, tear_down_all) ? 1 : 0;
}
