#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

#include "base/win32.h"
#include "guard.h"

/* A program goes by no other name here than that of its file. */
void caller_names(uint32_t pid, char program[CALLER_NAME_SIZE], char title[CALLER_NAME_SIZE])
{
    HANDLE process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, pid);
    wchar_t wide[4096];
    DWORD units = sizeof(wide) / sizeof(wide[0]);
    char *path = NULL;

    *program = '\0';
    *title = '\0';
    if (process && QueryFullProcessImageNameW(process, 0, wide, &units) &&
        win32_utf8(&path, wide, NULL) == 0) {
        const char *name = strrchr(path, '\\');

        snprintf(program, CALLER_NAME_SIZE, "%s", name ? name + 1 : path);
    }
    free(path);
    if (process) {
        CloseHandle(process);
    }
}
