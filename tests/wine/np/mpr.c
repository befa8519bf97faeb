#include <stdlib.h>
#include <windows.h>
#include <npapi.h>
#include <winnetwk.h>

#include "mpr.h"

#include "base/win32.h"
#include "test.h"

struct mpr_world world;

void mpr_load(void)
{
    world.mpr = win32_system_library(L"mpr.dll");
    assert_non_null(world.mpr);
    world.dll = GetModuleHandleW(L"mooringnp.dll");
    assert_non_null(world.dll); /* mpr has loaded it, and nobody else */
}

FARPROC find_export(HMODULE module, const char *name)
{
    FARPROC function = GetProcAddress(module, name);

    if (!function) {
        print_error("there is no %s\n", name);
        abort();
    }
    return function;
}

NETRESOURCEW disk(const wchar_t *local, const wchar_t *remote)
{
    return (NETRESOURCEW){
        .dwType = RESOURCETYPE_DISK, .lpLocalName = W(local), .lpRemoteName = W(remote)};
}

DWORD add(const wchar_t *local, const wchar_t *remote)
{
    NETRESOURCEW resource = disk(local, remote);

    return CALL(world.mpr, add_fn, "WNetAddConnection2W")(&resource, NULL, NULL, CONNECT_TEMPORARY);
}

DWORD cancel(const wchar_t *name, BOOL force)
{
    return CALL(world.mpr, cancel_fn, "WNetCancelConnection2W")(name, 0, force);
}

DWORD add_directly(const wchar_t *local, const wchar_t *remote)
{
    NETRESOURCEW resource = disk(local, remote);

    return CALL(world.dll, PF_NPAddConnection, "NPAddConnection")(&resource, NULL, NULL);
}

DWORD mpr_list(struct mpr_entries *out, DWORD scope, const wchar_t *below)
{
    NETRESOURCEW container = {.dwScope = RESOURCE_GLOBALNET,
                              .dwType = RESOURCETYPE_DISK,
                              .dwUsage = RESOURCEUSAGE_CONTAINER,
                              .lpRemoteName = W(below),
                              .lpProvider = W(L"Mooring")};
    DWORD size = sizeof(out->buffer);
    HANDLE handle = NULL;
    DWORD status;

    out->count = (DWORD)-1;
    assert_int_equal(CALL(world.mpr, open_enum_fn, "WNetOpenEnumW")(
                         scope, RESOURCETYPE_DISK, 0, below ? &container : NULL, &handle),
                     NO_ERROR);
    status =
        CALL(world.mpr, enum_fn, "WNetEnumResourceW")(handle, &out->count, &out->buffer, &size);
    CALL(world.mpr, close_enum_fn, "WNetCloseEnum")(handle);
    return status;
}
