/*
 * window.c - sends to the agent's window what Windows sends to the windows of a session.
 *
 *   window find        is there one?
 *   window query       WM_QUERYENDSESSION: prints the answer
 *   window cancel      WM_ENDSESSION with FALSE: somebody else said no
 *   window end         WM_ENDSESSION: returns when the agent let the session go on ending
 *   window resume      WM_POWERBROADCAST, PBT_APMRESUMEAUTOMATIC
 */
#include <stdio.h>
#include <wchar.h>
#include <windows.h>

#define WAIT_MS 120000

static int send(HWND window, UINT message, WPARAM first, LPARAM second)
{
    DWORD_PTR answer = 0;

    if (!SendMessageTimeoutW(window, message, first, second, SMTO_NORMAL, WAIT_MS, &answer)) {
        printf("no answer: %lu\n", GetLastError());
        return 1;
    }
    printf("answer %lu\n", (unsigned long)answer);
    return 0;
}

int wmain(int argc, wchar_t **argv); /* by -municode */

int wmain(int argc, wchar_t **argv)
{
    HWND window = FindWindowW(L"MooringAgent", NULL);

    if (argc != 2) {
        return 2;
    }
    if (!window) {
        printf("there is no window\n");
        return 1;
    }
    if (wcscmp(argv[1], L"find") == 0) {
        printf("visible %d, top level %d\n", IsWindowVisible(window), !GetParent(window));
        return 0;
    }
    if (wcscmp(argv[1], L"query") == 0) {
        return send(window, WM_QUERYENDSESSION, 0, ENDSESSION_LOGOFF);
    }
    if (wcscmp(argv[1], L"cancel") == 0) {
        return send(window, WM_ENDSESSION, FALSE, ENDSESSION_LOGOFF);
    }
    if (wcscmp(argv[1], L"end") == 0) {
        return send(window, WM_ENDSESSION, TRUE, ENDSESSION_LOGOFF);
    }
    if (wcscmp(argv[1], L"resume") == 0) {
        return send(window, WM_POWERBROADCAST, PBT_APMRESUMEAUTOMATIC, 0);
    }
    return 2;
}
