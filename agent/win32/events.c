#include "events.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <winsock2.h>
#include <windows.h>
#include <ws2ipdef.h>
#include <iphlpapi.h>

#include "base/log.h"
#include "base/thread.h"
#include "base/win32.h"

#define WINDOW_CLASS L"MooringAgent"
#define MESSAGE_OVER WM_APP
#define START_MS 10000
/* Of 0x100 to 0x3FF, higher ones are ended first; the default is 0x280. Programs
 * that have files of ours open shall close them before we end. */
#define SHUTDOWN_LEVEL 0x180
#define END_MS 60000 /* the system ends us long before, unless the user lets us go on */

struct agent_events {
    agent_event_fn handler;
    void *payload;
    struct thread thread;
    HANDLE ready; /* the window is there, or cannot be */
    HANDLE over;  /* agent_events_stop() was called */
    HANDLE network;
    _Atomic(HWND) window; /* NULL: there is no display */
    atomic_bool is_over;
};

static void tell(struct agent_events *events, enum agent_event event)
{
    if (!atomic_load(&events->is_over)) {
        events->handler(events->payload, event);
    }
}

/* The session goes on ending when this returns, and may end us then. */
static void end_session(struct agent_events *events, HWND window)
{
    ShutdownBlockReasonCreate(window, L"Files are on their way to Microsoft 365");
    tell(events, AGENT_EVENT_END);
    WaitForSingleObject(events->over, END_MS);
    ShutdownBlockReasonDestroy(window);
}

static LRESULT CALLBACK on_message(HWND window, UINT message, WPARAM first, LPARAM second)
{
    struct agent_events *events = (struct agent_events *)GetWindowLongPtrW(window, GWLP_USERDATA);

    if (events) {
        switch (message) {
        case WM_QUERYENDSESSION:
            return TRUE;
        case WM_ENDSESSION:
            if (first) {
                end_session(events, window);
            }
            return 0;
        case WM_CLOSE: /* `taskkill` without /F, installers */
            tell(events, AGENT_EVENT_END);
            return 0;
        case WM_POWERBROADCAST:
            if (first == PBT_APMRESUMEAUTOMATIC) {
                tell(events, AGENT_EVENT_RESUME);
            }
            return TRUE;
        case MESSAGE_OVER: /* only the thread that made a window can destroy it */
            DestroyWindow(window);
            return 0;
        case WM_DESTROY:
            PostQuitMessage(0);
            return 0;
        default:
            break;
        }
    }
    return DefWindowProcW(window, message, first, second);
}

static void *serve(void *payload)
{
    struct agent_events *events = payload;
    WNDCLASSEXW type = {.cbSize = sizeof(type),
                        .lpfnWndProc = on_message,
                        .hInstance = GetModuleHandleW(NULL),
                        .lpszClassName = WINDOW_CLASS};
    HWND window = NULL;
    MSG message;

    if (RegisterClassExW(&type)) {
        window = CreateWindowExW(0, WINDOW_CLASS, L"Mooring", WS_OVERLAPPED, 0, 0, 0, 0, NULL, NULL,
                                 type.hInstance, NULL);
    }
    if (window) {
        SetWindowLongPtrW(window, GWLP_USERDATA, (LONG_PTR)events);
    }
    atomic_store(&events->window, window);
    SetEvent(events->ready);
    while (window && GetMessageW(&message, NULL, 0, 0) > 0) {
        DispatchMessageW(&message);
    }
    return NULL;
}

/* On a thread of the system. */
static VOID NETIOAPI_API_ on_network(PVOID payload, PMIB_IPINTERFACE_ROW row,
                                     MIB_NOTIFICATION_TYPE type)
{
    struct agent_events *events = payload;

    (void)row;
    if (type != MibInitialNotification) {
        tell(events, AGENT_EVENT_NETWORK);
    }
}

static int start(struct agent_events *events, struct error *err)
{
    int code;

    events->ready = CreateEventW(NULL, TRUE, FALSE, NULL);
    events->over = CreateEventW(NULL, TRUE, FALSE, NULL);
    if (!events->ready || !events->over) {
        return win32_failed(err, GetLastError(), "no event for the session's messages");
    }
    code = thread_start(&events->thread, "events", serve, events, err);
    if (code < 0) {
        return code;
    }
    WaitForSingleObject(events->ready, START_MS);
    (void)SetProcessShutdownParameters(SHUTDOWN_LEVEL, 0);
    if (!atomic_load(&events->window)) {
        log_info(LOG_AGENT, "there is no display: nobody tells that the session ends");
    }
    if (NotifyIpInterfaceChange(AF_UNSPEC, on_network, events, FALSE, &events->network) !=
        NO_ERROR) {
        events->network = NULL;
        log_info(LOG_AGENT, "changes of the network are not told");
    }
    return 0;
}

int agent_events_start(struct agent_events **out, agent_event_fn handler, void *payload,
                       struct error *err)
{
    struct agent_events *events = calloc(1, sizeof(*events));
    int code;

    if (!events) {
        return error_set(err, ERR_NO_MEMORY, "no memory for the session's messages");
    }
    events->handler = handler;
    events->payload = payload;
    code = start(events, err);
    if (code < 0) {
        agent_events_stop(events);
        return code;
    }
    *out = events;
    return 0;
}

void agent_events_stop(struct agent_events *events)
{
    HWND window;

    if (!events) {
        return;
    }
    atomic_store(&events->is_over, true);
    if (events->network) {
        CancelMibChangeNotify2(events->network); /* waits for a call that runs */
    }
    if (events->over) {
        SetEvent(events->over);
    }
    window = atomic_load(&events->window);
    if (window) {
        PostMessageW(window, MESSAGE_OVER, 0, 0);
    }
    thread_join(&events->thread);
    if (events->ready) {
        CloseHandle(events->ready);
    }
    if (events->over) {
        CloseHandle(events->over);
    }
    free(events);
}
