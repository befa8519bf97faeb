#include "local.h"

#include <stdlib.h>
#include <string.h>
#include <windows.h>
#include <winioctl.h>

#include "base/file.h"
#include "base/str.h"
#include "base/thread.h"
#include "base/win32.h"

#define COPY_BYTES (256u * 1024)
#define PART_MAX (1u << 30) /* a DWORD counts what goes in one call */

struct local_file {
    char *path;
    struct mutex lock; /* guards the rest */
    HANDLE handle;     /* INVALID_HANDLE_VALUE: parked */
    unsigned users;    /* calls that use it now */
    unsigned refs;
};

/* Others may read, rename and delete it meanwhile, as elsewhere. */
static HANDLE open_path(const char *path, bool is_new, struct error *err)
{
    SECURITY_ATTRIBUTES security = {.nLength = sizeof(security)};
    HANDLE handle = INVALID_HANDLE_VALUE;
    wchar_t *wide = NULL;
    DWORD bytes;

    if (win32_wide_path(&wide, path, err) < 0) {
        return handle;
    }
    if (is_new) {
        security.lpSecurityDescriptor = win32_private_descriptor("FA", err);
    }
    if (!is_new || security.lpSecurityDescriptor) {
        handle = CreateFileW(wide, GENERIC_READ | GENERIC_WRITE,
                             FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, &security,
                             is_new ? CREATE_NEW : OPEN_EXISTING,
                             FILE_ATTRIBUTE_NORMAL | FILE_FLAG_OPEN_REPARSE_POINT, NULL);
        if (handle == INVALID_HANDLE_VALUE) {
            win32_failed(err, GetLastError(), "cannot open '%s'", path);
        }
    }
    if (is_new && handle != INVALID_HANDLE_VALUE) {
        /* without it, every hole of a large file is written with zeros; some file systems lack it */
        DeviceIoControl(handle, FSCTL_SET_SPARSE, NULL, 0, NULL, 0, &bytes, NULL);
    }
    LocalFree(security.lpSecurityDescriptor);
    free(wide);
    return handle;
}

int local_open(struct local_file **out, const char *path, bool is_new, struct error *err)
{
    struct local_file *file = calloc(1, sizeof(*file));
    struct error local = {0};
    int code = file ? str_copy(&file->path, path, err) : ERR_NO_MEMORY;

    if (code < 0) {
        free(file);
        return error_set(err, ERR_NO_MEMORY, "no memory for a local file");
    }
    file->handle = open_path(path, is_new, &local);
    if (file->handle == INVALID_HANDLE_VALUE) {
        free(file->path);
        free(file);
        if (err) {
            *err = local;
        }
        return local.code;
    }
    mutex_init(&file->lock);
    file->refs = 1;
    *out = file;
    return 0;
}

struct local_file *local_ref(struct local_file *file)
{
    mutex_lock(&file->lock);
    file->refs++;
    mutex_unlock(&file->lock);
    return file;
}

void local_close(struct local_file *file)
{
    bool is_last = false;

    if (!file) {
        return;
    }
    mutex_lock(&file->lock);
    is_last = --file->refs == 0;
    mutex_unlock(&file->lock);
    if (is_last) {
        if (file->handle != INVALID_HANDLE_VALUE) {
            CloseHandle(file->handle);
        }
        mutex_clear(&file->lock);
        free(file->path);
        free(file);
    }
}

void local_park(struct local_file *file)
{
    mutex_lock(&file->lock);
    if (file->handle != INVALID_HANDLE_VALUE && file->users == 0) {
        CloseHandle(file->handle);
        file->handle = INVALID_HANDLE_VALUE;
    }
    mutex_unlock(&file->lock);
}

/* The handle, until give_handle(). */
static int take_handle(struct local_file *file, HANDLE *handle, struct error *err)
{
    struct error local = {0};
    int code = 0;

    mutex_lock(&file->lock);
    if (file->handle == INVALID_HANDLE_VALUE) {
        file->handle = open_path(file->path, false, &local);
        code = file->handle == INVALID_HANDLE_VALUE ? local.code : 0;
    }
    if (code == 0) {
        file->users++;
        *handle = file->handle;
    } else if (err) {
        *err = local;
    }
    mutex_unlock(&file->lock);
    return code;
}

static void give_handle(struct local_file *file)
{
    mutex_lock(&file->lock);
    file->users--;
    mutex_unlock(&file->lock);
}

/* Where the next part is, and how long it is: reads and writes of several threads have no common
 * position. */
static DWORD next_part(OVERLAPPED *place, uint64_t offset, size_t left)
{
    *place = (OVERLAPPED){.Offset = (DWORD)offset, .OffsetHigh = (DWORD)(offset >> 32)};
    return left > PART_MAX ? PART_MAX : (DWORD)left;
}

static int read_handle(HANDLE handle, char *data, size_t size, uint64_t offset, size_t *got,
                       struct error *err)
{
    while (*got < size) {
        OVERLAPPED place;
        DWORD part = next_part(&place, offset + *got, size - *got);
        DWORD done = 0;

        if (!ReadFile(handle, data + *got, part, &done, &place) &&
            GetLastError() != ERROR_HANDLE_EOF) {
            return error_set_os(err, ERR_IO, (long)GetLastError(), "cannot read a local file");
        }
        if (done == 0) {
            break;
        }
        *got += done;
    }
    return 0;
}

int local_read(struct local_file *file, void *data, size_t size, uint64_t offset, size_t *got,
               struct error *err)
{
    HANDLE handle;
    int code = take_handle(file, &handle, err);

    *got = 0;
    if (code == 0) {
        code = read_handle(handle, data, size, offset, got, err);
        give_handle(file);
    }
    return code;
}

static int write_handle(HANDLE handle, const char *data, size_t size, uint64_t offset,
                        struct error *err)
{
    size_t written = 0;

    while (written < size) {
        OVERLAPPED place;
        DWORD part = next_part(&place, offset + written, size - written);
        DWORD done = 0;

        if (!WriteFile(handle, data + written, part, &done, &place) || done == 0) {
            return win32_failed(err,
                                done == 0 && GetLastError() == 0 ? ERROR_DISK_FULL : GetLastError(),
                                "cannot write a local file");
        }
        written += done;
    }
    return 0;
}

int local_write(struct local_file *file, const void *data, size_t size, uint64_t offset,
                struct error *err)
{
    HANDLE handle;
    int code = take_handle(file, &handle, err);

    if (code == 0) {
        code = write_handle(handle, data, size, offset, err);
        give_handle(file);
    }
    return code;
}

static int set_size(HANDLE handle, uint64_t size, struct error *err)
{
    FILE_END_OF_FILE_INFO end = {.EndOfFile = {.QuadPart = (LONGLONG)size}};

    return SetFileInformationByHandle(handle, FileEndOfFileInfo, &end, sizeof(end))
               ? 0
               : win32_failed(err, GetLastError(), "cannot change the size of a local file");
}

int local_truncate(struct local_file *file, uint64_t size, struct error *err)
{
    HANDLE handle;
    int code = take_handle(file, &handle, err);

    if (code == 0) {
        code = set_size(handle, size, err);
        give_handle(file);
    }
    return code;
}

int local_sync(struct local_file *file, struct error *err)
{
    HANDLE handle;
    int code = take_handle(file, &handle, err);

    if (code == 0) {
        if (!FlushFileBuffers(handle)) {
            code = win32_failed(err, GetLastError(), "cannot sync a local file");
        }
        give_handle(file);
    }
    return code;
}

static int copy_bytes(HANDLE to, HANDLE from, uint64_t size, struct error *err)
{
    char *data = malloc(COPY_BYTES);
    int code = data ? 0 : error_set(err, ERR_NO_MEMORY, "no memory to copy a file");
    uint64_t at = 0;

    while (code == 0 && at < size) {
        size_t part = size - at < COPY_BYTES ? (size_t)(size - at) : COPY_BYTES;
        size_t got = 0;

        code = read_handle(from, data, part, at, &got, err);
        if (code == 0) {
            code = write_handle(to, data, got, at, err);
        }
        if (code == 0 && got < part) {
            break; /* a hole at the end: the size is set after */
        }
        at += got;
    }
    free(data);
    return code;
}

int local_copy(struct local_file *to, struct local_file *from, uint64_t size, struct error *err)
{
    HANDLE from_handle;
    HANDLE to_handle;
    int code = take_handle(from, &from_handle, err);

    if (code < 0) {
        return code;
    }
    code = take_handle(to, &to_handle, err);
    if (code == 0) {
        code = copy_bytes(to_handle, from_handle, size, err);
        if (code == 0) {
            code = set_size(to_handle, size, err);
        }
        give_handle(to);
    }
    give_handle(from);
    return code;
}

void local_punch(struct local_file *file, uint64_t offset, uint64_t size)
{
    FILE_ZERO_DATA_INFORMATION range = {.FileOffset = {.QuadPart = (LONGLONG)offset},
                                        .BeyondFinalZero = {.QuadPart = (LONGLONG)(offset + size)}};
    HANDLE handle;
    DWORD bytes;

    if (take_handle(file, &handle, NULL) == 0) {
        DeviceIoControl(handle, FSCTL_SET_ZERO_DATA, &range, sizeof(range), NULL, 0, &bytes, NULL);
        give_handle(file);
    }
}

int local_move(const char *from, const char *to, struct error *err)
{
    return file_rename(from, to, err);
}

int local_each(const char *directory, void (*visit)(void *payload, const char *name), void *payload,
               struct error *err)
{
    WIN32_FIND_DATAW found;
    HANDLE search;
    char *pattern = NULL;
    wchar_t *wide = NULL;
    int code = str_format(&pattern, err, "%s/*", directory);

    if (code == 0) {
        code = win32_wide_path(&wide, pattern, err);
    }
    if (code < 0) {
        goto out;
    }
    search = FindFirstFileW(wide, &found);
    if (search == INVALID_HANDLE_VALUE) {
        code = win32_failed(err, GetLastError(), "cannot list '%s'", directory);
        goto out;
    }
    do {
        char *name = NULL;

        if (wcscmp(found.cFileName, L".") != 0 && wcscmp(found.cFileName, L"..") != 0 &&
            win32_utf8(&name, found.cFileName, NULL) == 0) {
            visit(payload, name);
        }
        free(name);
    } while (FindNextFileW(search, &found));
    FindClose(search);
out:
    free(wide);
    free(pattern);
    return code;
}

void local_time_text(char *out, size_t size, int64_t wall_ms)
{
    uint64_t ticks = ((uint64_t)wall_ms + UINT64_C(11644473600000)) * 10000; /* since 1601 */
    FILETIME utc = {.dwLowDateTime = (DWORD)ticks, .dwHighDateTime = (DWORD)(ticks >> 32)};
    SYSTEMTIME parts = {0};
    SYSTEMTIME here = {0};

    if (FileTimeToSystemTime(&utc, &parts) &&
        SystemTimeToTzSpecificLocalTime(NULL, &parts, &here)) {
        snprintf(out, size, "%04u-%02u-%02u %02u-%02u-%02u", here.wYear, here.wMonth, here.wDay,
                 here.wHour, here.wMinute, here.wSecond);
    } else if (size > 0) {
        *out = '\0';
    }
}
