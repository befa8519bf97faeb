/*
 * letter.c - a program as users have them, for tests/wine/test_letter.sh: what it does with files it
 * does by the functions of Windows, and it says so line by line.
 *
 *   letter map LETTER NAME          makes LETTER: a remote drive at \\NAME (SERVER/SHARE), by Wine's mount
 *                                   manager; the test has put the folder behind it
 *   letter unmap LETTER
 *   letter kind LETTER              what kind of drive it is, and what is behind it
 *   letter use FOLDER               writes, reads, lists, renames, replaces, deletes in FOLDER
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <windows.h>
#include <winioctl.h>

/* Wine's own request (its include/ddk/mountmgr.h): real Windows has none like it. */
#define DEFINE_UNIX_DRIVE \
    CTL_CODE((ULONG)'m', 32, METHOD_BUFFERED, FILE_READ_ACCESS | FILE_WRITE_ACCESS)
struct unix_drive {
    ULONG size;
    ULONG type;
    ULONG fs_type;
    DWORD serial;
    ULONGLONG unix_dev;
    WCHAR letter;
    USHORT mount_point_offset;
    USHORT device_offset;
    USHORT label_offset;
};

static int failed(const char *what)
{
    printf("FAILED %s: %lu\n", what, GetLastError());
    return 1;
}

static int define(WCHAR letter, ULONG type, const wchar_t *name)
{
    union {
        struct unix_drive drive;
        char bytes[512];
    } request;
    HANDLE manager = CreateFileW(L"\\\\.\\MountPointManager", GENERIC_READ | GENERIC_WRITE,
                                 FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);
    DWORD done = 0;
    BOOL is_done;

    if (manager == INVALID_HANDLE_VALUE) {
        return failed("open the mount manager");
    }
    memset(&request, 0, sizeof(request));
    request.drive.size = sizeof(request.drive);
    request.drive.type = type;
    request.drive.letter = letter;
    if (name) {
        request.drive.mount_point_offset = sizeof(request.drive);
        request.drive.size +=
            (ULONG)snprintf(request.bytes + sizeof(request.drive),
                            sizeof(request) - sizeof(request.drive), "unc/%ls", name) +
            1;
    }
    is_done = DeviceIoControl(manager, DEFINE_UNIX_DRIVE, &request, request.drive.size, NULL, 0,
                              &done, NULL);
    CloseHandle(manager);
    return is_done ? 0 : failed("define the drive");
}

static int show_kind(WCHAR letter)
{
    wchar_t root[] = {letter, L':', L'\\', 0};
    wchar_t drive[] = {letter, L':', 0};
    wchar_t name[300] = L"";
    DWORD size = 300;
    DWORD code = WNetGetConnectionW(drive, name, &size);

    printf("kind %u\n", GetDriveTypeW(root));
    printf("behind %ls (%lu)\n", name, (unsigned long)code);
    return 0;
}

static wchar_t *join(const wchar_t *folder, const wchar_t *name)
{
    static wchar_t paths[4][600];
    static unsigned next;
    wchar_t *path = paths[next++ % 4];

    _snwprintf(path, 600, L"%ls\\%ls", folder, name);
    return path;
}

static int write_file(const wchar_t *path, const char *text, DWORD disposition)
{
    HANDLE file = CreateFileW(path, GENERIC_WRITE, FILE_SHARE_READ, NULL, disposition, 0, NULL);
    DWORD done = 0;

    if (file == INVALID_HANDLE_VALUE) {
        return failed("create");
    }
    if (!WriteFile(file, text, (DWORD)strlen(text), &done, NULL) || done != strlen(text)) {
        CloseHandle(file);
        return failed("write");
    }
    return CloseHandle(file) ? 0 : failed("close");
}

static int check_file(const wchar_t *path, const char *wanted)
{
    char text[300] = "";
    HANDLE file = CreateFileW(path, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
    DWORD done = 0;

    if (file == INVALID_HANDLE_VALUE) {
        return failed("open");
    }
    if (!ReadFile(file, text, sizeof(text) - 1, &done, NULL)) {
        CloseHandle(file);
        return failed("read");
    }
    CloseHandle(file);
    if (strcmp(text, wanted) != 0) {
        printf("FAILED read: '%s' is not '%s'\n", text, wanted);
        return 1;
    }
    return 0;
}

static int count(const wchar_t *folder, const wchar_t *pattern)
{
    WIN32_FIND_DATAW entry;
    HANDLE search = FindFirstFileW(join(folder, pattern), &entry);
    int found = 0;

    while (search != INVALID_HANDLE_VALUE) {
        found++;
        if (!FindNextFileW(search, &entry)) {
            FindClose(search);
            break;
        }
    }
    return found;
}

static int step(const char *name, int result)
{
    if (result == 0) {
        printf("ok %s\n", name);
    }
    return result;
}

static int use(const wchar_t *folder)
{
    const wchar_t *first = L"From Windows \x00e4.txt";
    const wchar_t *second = L"Renamed.txt";

    if (step("write", write_file(join(folder, first), "one", CREATE_NEW)) ||
        step("read", check_file(join(folder, first), "one")) ||
        step("create again is refused", CreateFileW(join(folder, first), GENERIC_WRITE, 0, NULL,
                                                    CREATE_NEW, 0, NULL) != INVALID_HANDLE_VALUE ||
                                            GetLastError() != ERROR_FILE_EXISTS) ||
        step("list", count(folder, L"From Windows*.txt") == 1 ? 0 : failed("list")) ||
        step("rename",
             MoveFileW(join(folder, first), join(folder, second)) ? 0 : failed("rename")) ||
        step("read the new name", check_file(join(folder, second), "one")) ||
        step("the old name is gone",
             GetFileAttributesW(join(folder, first)) == INVALID_FILE_ATTRIBUTES ? 0
                                                                                : failed("old")) ||
        step("replace as editors do",
             write_file(join(folder, L"new.tmp"), "two, and longer", CREATE_NEW) ||
                 !MoveFileExW(join(folder, L"new.tmp"), join(folder, second),
                              MOVEFILE_REPLACE_EXISTING)) ||
        step("read what replaced it", check_file(join(folder, second), "two, and longer")) ||
        step("folder", CreateDirectoryW(join(folder, L"Folder"), NULL) ? 0 : failed("folder")) ||
        step("move into it", MoveFileW(join(folder, second), join(folder, L"Folder\\Kept.txt"))
                                 ? 0
                                 : failed("move")) ||
        step("write to be deleted", write_file(join(folder, L"gone.txt"), "x", CREATE_NEW)) ||
        step("delete", DeleteFileW(join(folder, L"gone.txt")) ? 0 : failed("delete")) ||
        step("a folder with files is kept",
             RemoveDirectoryW(join(folder, L"Folder")) || GetLastError() != ERROR_DIR_NOT_EMPTY)) {
        return 1;
    }
    printf("done\n");
    return 0;
}

int wmain(int argc, wchar_t **argv); /* by -municode */

int wmain(int argc, wchar_t **argv)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    if (argc == 4 && wcscmp(argv[1], L"map") == 0) {
        return define(argv[2][0], DRIVE_REMOTE, argv[3]);
    }
    if (argc == 3 && wcscmp(argv[1], L"unmap") == 0) {
        return define(argv[2][0], DRIVE_NO_ROOT_DIR, NULL);
    }
    if (argc == 3 && wcscmp(argv[1], L"kind") == 0) {
        return show_kind(argv[2][0]);
    }
    if (argc == 3 && wcscmp(argv[1], L"use") == 0) {
        return use(argv[2]);
    }
    return 2;
}
