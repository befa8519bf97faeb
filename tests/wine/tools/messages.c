/*
 * messages.c - what Event Viewer does to show one of our events: takes the text of its number from
 * the resources of a program, and puts the event's own sentence into it.
 *
 *   messages PROGRAM ID SENTENCE       prints it; ID with its severity, as ReportEvent() was given it
 */
#include <stdio.h>
#include <stdlib.h>
#include <windows.h>

int wmain(int argc, wchar_t **argv); /* by -municode */

int wmain(int argc, wchar_t **argv)
{
    wchar_t text[1024];
    DWORD_PTR sentences[1];
    HMODULE program;

    if (argc != 4) {
        return 2;
    }
    program = LoadLibraryExW(argv[1], NULL, LOAD_LIBRARY_AS_DATAFILE);
    if (!program) {
        printf("cannot load: %lu\n", GetLastError());
        return 1;
    }
    sentences[0] = (DWORD_PTR)argv[3];
    if (!FormatMessageW(FORMAT_MESSAGE_FROM_HMODULE | FORMAT_MESSAGE_ARGUMENT_ARRAY, program,
                        wcstoul(argv[2], NULL, 0), 0x409, text, 1024, (va_list *)sentences)) {
        printf("no text: %lu\n", GetLastError());
        return 1;
    }
    printf("%ls\n", text);
    return 0;
}
