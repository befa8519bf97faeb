/*
 * opened.c - a stand-in for what Windows opens things with: Office, a browser, an editor. Writes how
 * many arguments it was given, and each on a line, into the file that MOORING_OPENED names; with
 * `--clipboard` it prints the text of the clipboard instead.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

#include "base/process.h"
#include "base/win32.h"

static int print_clipboard(void)
{
    const wchar_t *text = NULL;
    char *utf8 = NULL;
    HANDLE memory = OpenClipboard(NULL) ? GetClipboardData(CF_UNICODETEXT) : NULL;

    text = memory ? GlobalLock(memory) : NULL;
    if (!text || win32_utf8(&utf8, text, NULL) < 0) {
        return 1;
    }
    printf("%s\n", utf8);
    free(utf8);
    GlobalUnlock(memory);
    CloseClipboard();
    return 0;
}

int main(int argc, char **argv)
{
    const char *path = getenv("MOORING_OPENED");
    char part[1024];
    FILE *out;

    if (process_arguments(&argc, &argv, NULL) < 0) {
        return 2;
    }
    if (argc == 2 && strcmp(argv[1], "--clipboard") == 0) {
        return print_clipboard();
    }
    if (!path || snprintf(part, sizeof(part), "%s.part", path) >= (int)sizeof(part)) {
        return 2;
    }
    out = fopen(part, "wb");
    if (!out) {
        return 2;
    }
    fprintf(out, "%d\n", argc - 1);
    for (int i = 1; i < argc; i++) {
        fprintf(out, "%s\n", argv[i]);
    }
    fclose(out);
    return rename(part, path) == 0 ? 0 : 2; /* who waits for it finds it whole */
}
