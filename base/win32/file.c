#include "base/file.h"

#include <fcntl.h>
#include <io.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

#include "base/clock.h"
#include "base/secret.h"
#include "base/str.h"
#include "base/win32.h"
#include "win32/private.h"

#define SHARE_ALL (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)
#define REPLACE_WAIT_MS 2000 /* a scanner that looks at the file lets go of it soon */
#define REPLACE_PAUSE_MS 20

int private_failed(struct error *err, const char *what, const char *path)
{
    return win32_failed(err, GetLastError(), "cannot %s '%s'", what, path);
}

HANDLE private_open(const char *path, DWORD access, DWORD disposition, DWORD flags,
                    struct error *err)
{
    SECURITY_ATTRIBUTES security = {.nLength = sizeof(security)};
    HANDLE handle = INVALID_HANDLE_VALUE;
    wchar_t *wide = NULL;
    DWORD os_code = ERROR_SUCCESS;

    if (win32_wide_path(&wide, path, err) < 0) {
        return INVALID_HANDLE_VALUE;
    }
    if (disposition != OPEN_EXISTING) {
        security.lpSecurityDescriptor = win32_private_descriptor("FA", err);
        if (!security.lpSecurityDescriptor) {
            goto out;
        }
    }
    handle = CreateFileW(wide, access, SHARE_ALL, &security, disposition, flags, NULL);
    if (handle == INVALID_HANDLE_VALUE) {
        os_code = GetLastError();
        private_failed(err, "open", path);
    }
out:
    LocalFree(security.lpSecurityDescriptor);
    free(wide);
    SetLastError(os_code);
    return handle;
}

int file_read_all(struct buf *out, const char *path, struct error *err)
{
    char block[16384];
    struct error local = {0};
    DWORD got = 0;
    int code = 0;
    HANDLE file =
        private_open(path, GENERIC_READ, OPEN_EXISTING, FILE_FLAG_SEQUENTIAL_SCAN, &local);

    if (file == INVALID_HANDLE_VALUE) {
        if (err) {
            *err = local;
        }
        return local.code;
    }
    while (code == 0) {
        if (!ReadFile(file, block, sizeof(block), &got, NULL)) {
            code = private_failed(err, "read", path);
        } else if (got == 0) {
            break;
        } else {
            code = buf_add(out, block, got, err);
            if (code < 0) {
                error_prefix(err, "'%s' is too large", path);
            }
        }
    }
    CloseHandle(file);
    return code;
}

static int write_all(HANDLE file, const char *data, size_t size, const char *path,
                     struct error *err)
{
    while (size > 0) {
        DWORD part = size > (1u << 30) ? 1u << 30 : (DWORD)size;
        DWORD done = 0;

        if (!WriteFile(file, data, part, &done, NULL)) {
            return private_failed(err, "write", path);
        }
        data += done;
        size -= done;
    }
    return FlushFileBuffers(file) ? 0 : private_failed(err, "write", path);
}

int private_random_name(char **out, const char *stem, const char *separator, struct error *err)
{
    unsigned char random[8];
    char digits[2 * sizeof(random) + 1];
    int code = secret_random(random, sizeof(random), err);

    if (code < 0) {
        return code;
    }
    for (size_t i = 0; i < sizeof(random); i++) {
        snprintf(digits + 2 * i, 3, "%02x", random[i]);
    }
    return str_format(out, err, "%s%s%s", stem, separator, digits);
}

int file_rename(const char *from, const char *to, struct error *err)
{
    int64_t end = clock_mono_ms(clock_system()) + REPLACE_WAIT_MS;
    wchar_t *wide_from = NULL;
    wchar_t *wide_to = NULL;
    int code = win32_wide_path(&wide_from, from, err);

    if (code == 0) {
        code = win32_wide_path(&wide_to, to, err);
    }
    while (code == 0 &&
           !MoveFileExW(wide_from, wide_to, MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH)) {
        DWORD os_code = GetLastError();

        if ((os_code != ERROR_ACCESS_DENIED && os_code != ERROR_SHARING_VIOLATION) ||
            clock_mono_ms(clock_system()) >= end) {
            code = win32_failed(err, os_code, "cannot rename '%s' to '%s'", from, to);
        } else {
            Sleep(REPLACE_PAUSE_MS);
        }
    }
    free(wide_from);
    free(wide_to);
    return code;
}

int file_write_atomic(const char *path, const void *data, size_t size, struct error *err)
{
    struct error local = {0};
    char *temp = NULL;
    HANDLE file;
    int code = private_random_name(&temp, path, ".", err);

    if (code < 0) {
        return code;
    }
    file = private_open(temp, GENERIC_WRITE, CREATE_NEW, FILE_ATTRIBUTE_NORMAL, &local);
    if (file == INVALID_HANDLE_VALUE) {
        code = error_set_os(err, local.code, local.os_code, "cannot make a file beside '%s'", path);
        goto out;
    }
    code = write_all(file, data, size, path, err);
    CloseHandle(file);
    if (code == 0) {
        code = file_rename(temp, path, err);
    }
    if (code < 0) {
        file_remove(temp, NULL);
    }
out:
    free(temp);
    return code;
}

FILE *file_open_stream(const char *path, const char *mode, struct error *err)
{
    bool is_both = strchr(mode, '+') != NULL;
    DWORD access = mode[0] == 'r'   ? GENERIC_READ
                   : mode[0] == 'a' ? FILE_APPEND_DATA | FILE_READ_ATTRIBUTES | SYNCHRONIZE
                                    : GENERIC_WRITE;
    DWORD disposition = mode[0] == 'r'      ? OPEN_EXISTING
                        : strchr(mode, 'x') ? CREATE_NEW
                        : mode[0] == 'w'    ? CREATE_ALWAYS
                                            : OPEN_ALWAYS;
    const char plain[] = {mode[0], 'b', is_both ? '+' : '\0', '\0'}; /* bytes as they are */
    HANDLE handle = private_open(path, is_both ? access | GENERIC_READ | GENERIC_WRITE : access,
                                 disposition, FILE_ATTRIBUTE_NORMAL, err);
    FILE *stream = NULL;
    int fd;

    if (handle == INVALID_HANDLE_VALUE) {
        return NULL;
    }
    fd = _open_osfhandle((intptr_t)handle,
                         _O_BINARY | _O_NOINHERIT | (mode[0] == 'a' ? _O_APPEND : 0));
    if (fd < 0) {
        CloseHandle(handle);
    } else {
        stream = _fdopen(fd, plain);
    }
    if (!stream) {
        error_set(err, ERR_LIMIT, "cannot open '%s': too many open files", path);
        if (fd >= 0) {
            _close(fd);
        }
    }
    return stream;
}

static int attributes_of(WIN32_FILE_ATTRIBUTE_DATA *out, const char *path, struct error *err)
{
    wchar_t *wide = NULL;
    int code = win32_wide_path(&wide, path, err);

    if (code == 0 && !GetFileAttributesExW(wide, GetFileExInfoStandard, out)) {
        code = private_failed(err, "look at", path);
    }
    free(wide);
    return code;
}

int file_size(const char *path, int64_t *size, struct error *err)
{
    WIN32_FILE_ATTRIBUTE_DATA data;
    int code = attributes_of(&data, path, err);

    if (code == 0) {
        *size = (int64_t)((uint64_t)data.nFileSizeHigh << 32 | data.nFileSizeLow);
    }
    return code;
}

bool file_exists(const char *path)
{
    WIN32_FILE_ATTRIBUTE_DATA data;

    return attributes_of(&data, path, NULL) == 0;
}

int file_remove(const char *path, struct error *err)
{
    wchar_t *wide = NULL;
    int code = win32_wide_path(&wide, path, err);

    if (code == 0 && !DeleteFileW(wide) && GetLastError() != ERROR_FILE_NOT_FOUND &&
        GetLastError() != ERROR_PATH_NOT_FOUND) {
        code = private_failed(err, "remove", path);
    }
    free(wide);
    return code;
}

struct file_lock {
    HANDLE file;
};

int file_lock(struct file_lock **lock, const char *path, int64_t wait_ms, struct error *err)
{
    int64_t end = clock_mono_ms(clock_system()) + wait_ms;
    struct error local = {0};
    struct file_lock *made = calloc(1, sizeof(*made));
    int code = 0;

    if (!made) {
        return error_set(err, ERR_NO_MEMORY, "no memory for a lock");
    }
    made->file = private_open(path, GENERIC_READ | GENERIC_WRITE, OPEN_ALWAYS,
                              FILE_FLAG_OPEN_REPARSE_POINT, &local);
    if (made->file == INVALID_HANDLE_VALUE) {
        code = error_set(err, local.code, "%s", local.message);
        goto out;
    }
    for (;;) {
        OVERLAPPED first = {0};

        if (LockFileEx(made->file, LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0,
                       &first)) {
            break;
        }
        if (GetLastError() != ERROR_LOCK_VIOLATION && GetLastError() != ERROR_IO_PENDING) {
            code = private_failed(err, "lock", path);
            goto out;
        }
        if (clock_mono_ms(clock_system()) >= end) {
            code = error_set(err, ERR_BUSY, "'%s' is locked by another process", path);
            goto out;
        }
        Sleep(20);
    }
    *lock = made;
    made = NULL;
out:
    file_unlock(made);
    return code;
}

void file_unlock(struct file_lock *lock)
{
    if (lock) {
        if (lock->file != INVALID_HANDLE_VALUE) {
            CloseHandle(lock->file);
        }
        free(lock);
    }
}

int file_free_bytes(const char *path, uint64_t *bytes, struct error *err)
{
    ULARGE_INTEGER available;
    wchar_t *wide = NULL;
    int code = win32_wide_path(&wide, path, err);

    if (code == 0 && !GetDiskFreeSpaceExW(wide, &available, NULL, NULL)) {
        code = private_failed(err, "ask the free space of", path);
    } else if (code == 0) {
        *bytes = available.QuadPart;
    }
    free(wide);
    return code;
}
