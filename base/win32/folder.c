/*
 * folder.c - the part of file.h that is about folders.
 */
#include "base/file.h"

#include <stdlib.h>
#include <string.h>
#include <windows.h>
#include <aclapi.h>
#include <sddl.h>

#include "base/str.h"
#include "base/win32.h"
#include "win32/private.h"

#define DEPTH_LIMIT 200 /* of folders to remove; deeper ones are not ours */

/* One folder, for the user alone. What is there is left as it is. */
static int make_one(wchar_t *wide, SECURITY_ATTRIBUTES *security, const char *path,
                    struct error *err)
{
    DWORD os_code;

    if (CreateDirectoryW(wide, security)) {
        return 0;
    }
    os_code = GetLastError();
    if (GetFileAttributesW(wide) != INVALID_FILE_ATTRIBUTES) {
        return 0;
    }
    return win32_failed(err, os_code, "cannot make the folder '%s'", path);
}

/* Past "\\?\C:\" or "\\?\UNC\server\share\". */
static wchar_t *after_root(wchar_t *wide)
{
    int parts = 1;
    wchar_t *at = wide;

    if (wcsncmp(at, L"\\\\?\\", 4) == 0) {
        at += 4;
    }
    if (wcsncmp(at, L"UNC\\", 4) == 0) {
        at += 4;
        parts = 2;
    }
    while (parts > 0 && *at) {
        parts -= *at++ == L'\\';
    }
    return at;
}

int file_make_directories(const char *path, struct error *err)
{
    SECURITY_ATTRIBUTES security = {.nLength = sizeof(security)};
    wchar_t *wide = NULL;
    int code = win32_wide_path(&wide, path, err);

    if (code < 0) {
        return code;
    }
    security.lpSecurityDescriptor = win32_private_descriptor("FA", err);
    if (!security.lpSecurityDescriptor) {
        free(wide);
        return err ? err->code : ERR_IO;
    }
    for (wchar_t *at = after_root(wide); code == 0 && *at; at++) {
        if (*at == L'\\' && at[1]) {
            *at = L'\0';
            code = make_one(wide, &security, path, err);
            *at = L'\\';
        }
    }
    if (code == 0) {
        code = make_one(wide, &security, path, err);
    }
    LocalFree(security.lpSecurityDescriptor);
    free(wide);
    return code;
}

/* Whether the owner of `folder` is us, or whom the system makes the owner of what we make (the
 * administrators, for one of them). */
static int check_owner(HANDLE folder, const char *path, struct error *err)
{
    PSECURITY_DESCRIPTOR descriptor = NULL;
    PSID owner = NULL;
    PSID user = NULL;
    char *sid = NULL;
    wchar_t *wide = NULL;
    DWORD os_code;
    int code = win32_user_sid(&sid, err);

    if (code == 0) {
        code = win32_wide(&wide, sid, err);
    }
    if (code < 0) {
        goto out;
    }
    os_code = GetSecurityInfo(folder, SE_FILE_OBJECT, OWNER_SECURITY_INFORMATION, &owner, NULL,
                              NULL, NULL, &descriptor);
    if (os_code != ERROR_SUCCESS || !ConvertStringSidToSidW(wide, &user)) {
        code = win32_failed(err, os_code ? os_code : GetLastError(),
                            "cannot ask who owns the folder '%s'", path);
    } else if (!EqualSid(owner, user) && !IsWellKnownSid(owner, WinBuiltinAdministratorsSid) &&
               !IsWellKnownSid(owner, WinLocalSystemSid)) {
        code = error_set(err, ERR_DENIED, "folder '%s' belongs to another user", path);
    }
out:
    LocalFree(descriptor);
    LocalFree(user);
    free(wide);
    free(sid);
    return code;
}

/* Replaces who may enter. */
static int close_to_others(HANDLE folder, const char *path, struct error *err)
{
    PSECURITY_DESCRIPTOR descriptor = win32_private_descriptor("FA", err);
    PACL acl = NULL;
    BOOL is_present = FALSE;
    BOOL is_defaulted = FALSE;
    DWORD os_code;

    if (!descriptor) {
        return err ? err->code : ERR_IO;
    }
    os_code = GetSecurityDescriptorDacl(descriptor, &is_present, &acl, &is_defaulted)
                  ? SetSecurityInfo(folder, SE_FILE_OBJECT,
                                    DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION,
                                    NULL, NULL, acl, NULL)
                  : GetLastError();
    LocalFree(descriptor);
    return os_code == ERROR_SUCCESS
               ? 0
               : win32_failed(err, os_code, "cannot close to others the folder '%s'", path);
}

int file_make_private_directory(const char *path, struct error *err)
{
    BY_HANDLE_FILE_INFORMATION info;
    struct error local = {0};
    HANDLE folder;
    int code = file_make_directories(path, err);

    if (code < 0) {
        return code;
    }
    folder = private_open(path, READ_CONTROL | WRITE_DAC | FILE_READ_ATTRIBUTES, OPEN_EXISTING,
                          FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT, &local);
    if (folder == INVALID_HANDLE_VALUE) {
        return error_set(err, local.code, "%s", local.message);
    }
    if (!GetFileInformationByHandle(folder, &info)) {
        code = private_failed(err, "look at", path);
    } else if (!(info.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY)) {
        code = error_set(err, ERR_NOT_FOLDER, "'%s' is not a folder", path);
    } else if (info.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) {
        code = error_set(err, ERR_DENIED, "'%s' is a link and may lead anywhere", path);
    } else {
        code = check_owner(folder, path, err);
    }
    if (code == 0) {
        code = close_to_others(folder, path, err);
    }
    CloseHandle(folder);
    return code;
}

static int remove_inside(const wchar_t *folder, int depth);

static wchar_t *join(const wchar_t *folder, const wchar_t *name)
{
    size_t first = wcslen(folder);
    size_t second = wcslen(name) + 1;
    wchar_t *path = calloc(first + 1 + second, sizeof(*path));

    if (path) {
        memcpy(path, folder, first * sizeof(*path));
        path[first] = L'\\';
        memcpy(path + first + 1, name, second * sizeof(*path));
    }
    return path;
}

/* Links are removed and not followed. Returns 0 or GetLastError(). */
static int remove_entry(const wchar_t *path, DWORD attributes, int depth)
{
    bool is_folder = attributes & FILE_ATTRIBUTE_DIRECTORY;
    int result = 0;

    if (is_folder && !(attributes & FILE_ATTRIBUTE_REPARSE_POINT)) {
        result = remove_inside(path, depth);
    }
    if (result == 0 && (attributes & FILE_ATTRIBUTE_READONLY)) {
        SetFileAttributesW(path, attributes & ~(DWORD)FILE_ATTRIBUTE_READONLY);
    }
    if (result == 0 && !(is_folder ? RemoveDirectoryW(path) : DeleteFileW(path))) {
        result = (int)GetLastError();
    }
    return result;
}

static int remove_inside(const wchar_t *folder, int depth)
{
    WIN32_FIND_DATAW *found = calloc(1, sizeof(*found)); /* too large for a stack of folders */
    wchar_t *pattern = join(folder, L"*");
    HANDLE search;
    int result = 0;

    if (!found || !pattern || depth >= DEPTH_LIMIT) {
        free(found);
        free(pattern);
        return depth >= DEPTH_LIMIT ? ERROR_FILENAME_EXCED_RANGE : ERROR_NOT_ENOUGH_MEMORY;
    }
    search = FindFirstFileExW(pattern, FindExInfoBasic, found, FindExSearchNameMatch, NULL, 0);
    if (search == INVALID_HANDLE_VALUE) {
        result = (int)GetLastError();
    } else {
        do {
            if (wcscmp(found->cFileName, L".") != 0 && wcscmp(found->cFileName, L"..") != 0) {
                wchar_t *path = join(folder, found->cFileName);

                result = path ? remove_entry(path, found->dwFileAttributes, depth + 1)
                              : ERROR_NOT_ENOUGH_MEMORY;
                free(path);
            }
        } while (result == 0 && FindNextFileW(search, found));
        FindClose(search);
    }
    free(found);
    free(pattern);
    return result;
}

int file_remove_tree(const char *path, struct error *err)
{
    wchar_t *wide = NULL;
    DWORD attributes;
    int result = 0;
    int code = win32_wide_path(&wide, path, err);

    if (code < 0) {
        return code;
    }
    attributes = GetFileAttributesW(wide);
    result = attributes == INVALID_FILE_ATTRIBUTES ? (int)GetLastError()
                                                   : remove_entry(wide, attributes, 0);
    if (result != 0 && result != ERROR_FILE_NOT_FOUND && result != ERROR_PATH_NOT_FOUND) {
        code = win32_failed(err, (unsigned long)result, "cannot remove the folder '%s'", path);
    }
    free(wide);
    return code;
}

int file_make_temporary_directory(char **out, const char *name, struct error *err)
{
    wchar_t wide[MAX_PATH + 1];
    char *base = NULL;
    char *stem = NULL;
    char *path = NULL;
    DWORD length = GetTempPathW(MAX_PATH + 1, wide);
    int code = length == 0 || length > MAX_PATH
                   ? win32_failed(err, GetLastError(), "there is no folder for temporary files")
                   : win32_utf8(&base, wide, err);

    for (char *c = base; code == 0 && *c; c++) {
        *c = *c == '\\' ? '/' : *c;
    }
    if (code == 0) {
        code = str_format(&stem, err, "%s%s", base, name);
    }
    if (code == 0) {
        code = private_random_name(&path, stem, "-", err);
    }
    if (code == 0 && file_exists(path)) { /* 64 random bits: somebody is playing with us */
        code = error_set(err, ERR_EXISTS, "'%s' is there already", path);
    }
    if (code == 0) {
        code = file_make_private_directory(path, err);
    }
    if (code == 0) {
        free(*out);
        *out = path;
        path = NULL;
    }
    free(path);
    free(stem);
    free(base);
    return code;
}

/* NTFS writes names to its journal in order, and lets only administrators ask for more. */
int file_sync_directory(const char *path, struct error *err)
{
    return file_exists(path) ? 0 : error_set(err, ERR_NOT_FOUND, "there is no folder '%s'", path);
}
