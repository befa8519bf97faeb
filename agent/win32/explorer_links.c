#define COBJMACROS
#include "explorer_links.h"

#include <stdlib.h>
#include <windows.h>
#include <objbase.h>
#include <shlobj.h>

#include "base/file.h"
#include "base/str.h"
#include "base/win32.h"

static int failed(struct error *err, HRESULT result, const char *name)
{
    return error_set_os(err, ERR_IO, result, "the link '%.100s' for the navigation pane", name);
}

/* An item of the shell by its name alone: a path as such would be looked for, in this very process.
 * That is what is left where the shell makes no such item. */
static HRESULT set_target(IShellLinkW *link, const wchar_t *path)
{
    PIDLIST_ABSOLUTE item = SHSimpleIDListFromPath(path);
    HRESULT result;

    if (!item) {
        return IShellLinkW_SetPath(link, path);
    }
    result = IShellLinkW_SetIDList(link, item);
    ILFree(item);
    return result;
}

static HRESULT save(const wchar_t *file, const wchar_t *path)
{
    IShellLinkW *link = NULL;
    IPersistFile *persist = NULL;
    HRESULT result = CoCreateInstance(&CLSID_ShellLink, NULL, CLSCTX_INPROC_SERVER,
                                      &IID_IShellLinkW, (void **)&link);

    if (SUCCEEDED(result)) {
        result = set_target(link, path);
    }
    if (SUCCEEDED(result)) {
        result = IShellLinkW_QueryInterface(link, &IID_IPersistFile, (void **)&persist);
    }
    if (SUCCEEDED(result)) {
        result = IPersistFile_Save(persist, file, TRUE);
    }
    if (persist) {
        IPersistFile_Release(persist);
    }
    if (link) {
        IShellLinkW_Release(link);
    }
    return result;
}

static int write_link(const char *folder, const struct explorer_folder *shown, struct error *err)
{
    char *file = NULL;
    wchar_t *wide_file = NULL;
    wchar_t *wide_path = NULL;
    HRESULT result;
    int code = str_format(&file, err, "%s\\%s.lnk", folder, shown->name);

    if (code == 0) {
        code = win32_wide(&wide_file, file, err);
    }
    if (code == 0) {
        code = win32_wide(&wide_path, shown->path, err);
    }
    if (code == 0) {
        result = save(wide_file, wide_path);
        code = SUCCEEDED(result) ? 0 : failed(err, result, shown->name);
    }
    free(file);
    free(wide_file);
    free(wide_path);
    return code;
}

int explorer_links_write(const char *folder, const struct explorer_view *view, struct error *err)
{
    int code = explorer_links_remove(folder, err);

    if (code == 0) {
        code = file_make_private_directory(folder, err);
    }
    for (size_t i = 0; i < view->folder_count && code == 0; i++) {
        code = write_link(folder, &view->folders[i], err);
    }
    return code;
}

int explorer_links_remove(const char *folder, struct error *err)
{
    return file_exists(folder) ? file_remove_tree(folder, err) : 0;
}
