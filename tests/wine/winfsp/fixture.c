#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

#include "fixture.h"

#include "base/process.h"
#include "base/str.h"
#include "base/win32.h"
#include "test.h"

#define RW (FILE_READ_DATA | FILE_WRITE_DATA)
#define WINFSP_KEY L"SOFTWARE\\WOW6432Node\\WinFsp"

/* What must work for a test to say anything. */
static void must(bool is_good, const char *what)
{
    if (!is_good) {
        fprintf(stderr, "%s did not work\n", what);
        abort();
    }
}

static wchar_t *own_folder(void)
{
    wchar_t *wide = NULL;
    char *path = NULL;

    must(process_own_path(&path, NULL) == 0, "process_own_path");
    *strrchr(path, '\\') = '\0';
    must(str_format(&path, NULL, "%s\\winfsp\\", path) == 0, "str_format");
    must(win32_wide(&wide, path, NULL) == 0, "win32_wide");
    free(path);
    return wide;
}

void winfsp_install(bool is_there)
{
    wchar_t *folder = own_folder();
    HKEY key = NULL;

    RegDeleteTreeW(HKEY_LOCAL_MACHINE, WINFSP_KEY);
    RegDeleteTreeW(HKEY_LOCAL_MACHINE, L"SOFTWARE\\WinFsp");
    if (is_there) {
        must(RegCreateKeyExW(HKEY_LOCAL_MACHINE, L"SOFTWARE\\WinFsp", 0, NULL, 0,
                             KEY_SET_VALUE | KEY_WOW64_32KEY, NULL, &key, NULL) == ERROR_SUCCESS,
             "RegCreateKeyEx");
        must(RegSetValueExW(key, L"InstallDir", 0, REG_SZ, (const BYTE *)folder,
                            (DWORD)((wcslen(folder) + 1) * sizeof(*folder))) == ERROR_SUCCESS,
             "RegSetValueEx");
        RegCloseKey(key);
    }
    free(folder);
}

struct double_volume *winfsp_volume(int index)
{
    HMODULE module = GetModuleHandleW(WINFSP_DLL);
    FARPROC function = module ? GetProcAddress(module, "DoubleVolume") : NULL;

    must(function != NULL, "DoubleVolume");
    return ((double_volume_fn)(void *)function)(index);
}

int winfsp_show(struct winfsp_world *out, struct vfs *vfs, uint64_t library,
                const struct transport_options *options, char letter, struct error *err)
{
    const struct mapping mapping = {
        .path = "contoso/finance/Documents", .root_id = library, .letter = letter};
    int code;

    winfsp_install(true);
    SetEnvironmentVariableW(L"MOORING_FSP_VERSION", NULL);
    code = transport_create(&out->transport, "np", options, err);
    if (code == 0) {
        code = transport_start(out->transport, vfs, err);
    }
    if (code == 0) {
        code = transport_attach(out->transport, &mapping, err);
    }
    return code;
}

int winfsp_begin(struct winfsp_world *out, const struct memfs_options *memory,
                 const struct transport_options *options, char letter, struct error *err)
{
    struct vfs_attr attr;
    int code;

    *out = (struct winfsp_world){0};
    code = memfs_new(&out->memory, memory, err);
    if (code == 0) {
        code = vfs_mkdir(out->memory, &attr, VFS_ROOT, "library", NULL, err);
    }
    if (code == 0) {
        out->library = attr.id;
        code = winfsp_show(out, out->memory, attr.id, options, letter, err);
    }
    return code;
}

void winfsp_end(struct winfsp_world *world)
{
    transport_stop(world->transport, 2000);
    if (world->memory) {
        vfs_forget(world->memory, world->library, world->library ? 1 : 0);
        vfs_unref(world->memory);
    }
    winfsp_install(false);
    *world = (struct winfsp_world){0};
}

int winfsp_set_up(void **state)
{
    const struct transport_options options = {.max_threads = 3};
    struct winfsp_world *world = calloc(1, sizeof(*world));
    struct error err = {0};

    assert_non_null(world);
    *state = world;
    if (winfsp_begin(world, NULL, &options, 'X', &err) < 0) {
        print_error("%s\n", err.message);
        fail();
    }
    return 0;
}

int winfsp_tear_down(void **state)
{
    winfsp_end(*state);
    free(*state);
    return 0;
}

wchar_t *in_library(const wchar_t *name)
{
    static wchar_t names[4][300];
    static int next;
    wchar_t *out = names[next++ % 4];

    _snwprintf(out, 299, L"\\finance\\Documents%ls%ls", *name ? L"\\" : L"", name);
    return out;
}

const struct fsp_interface *calls(void)
{
    return winfsp_volume(0)->interface;
}

fsp_fs fs(void)
{
    return &winfsp_volume(0)->base;
}

fsp_status open_named(void **context, const wchar_t *name, uint32_t access)
{
    struct fsp_file_info info;

    return calls()->open(fs(), in_library(name), 0, access, context, &info);
}

void close_context(void *context)
{
    calls()->cleanup(fs(), context, NULL, 0);
    calls()->close(fs(), context);
}

void make_file(const wchar_t *name, const char *text)
{
    struct fsp_file_info info;
    void *context = NULL;
    ULONG done = 0;

    assert_int_equal(calls()->create(fs(), in_library(name), 0, RW, 0, NULL, 0, &context, &info),
                     0);
    assert_int_equal(calls()->write(fs(), context, (void *)(uintptr_t)text, 0, (ULONG)strlen(text),
                                    FALSE, FALSE, &done, &info),
                     0);
    assert_int_equal(done, strlen(text));
    assert_int_equal(info.size_bytes, strlen(text));
    close_context(context);
}
