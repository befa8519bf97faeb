/*
 * setup.c - the agents of other sessions. An agent is known by where its program lies, which is a
 * folder that only administrators can write, and by nothing that a user could fake.
 */
#include "setup.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>
#include <tlhelp32.h>
#include <userenv.h>
#include <wtsapi32.h>

#include "base/log.h"
#include "base/process.h"
#include "base/str.h"
#include "base/thread.h"
#include "base/win32.h"

#define EVENT_NAME L"Global\\Mooring-stop-%lu"
#define AGENT L"mooring-agent.exe"
#define CONSOLE L"mooring.exe" /* `mooring agent` runs in it; other commands are left alone */
#define ENDED_BY_FORCE 1
#define FORCE_MS 10000
#define AGENTS_MAX 4096

enum { EVENT_NAME_UNITS = 64, PATH_UNITS = 32768 };

/* ---- in the agent ---- */

struct setup_listener {
    struct thread thread;
    HANDLE event;
    HANDLE over;
};

static void event_name(wchar_t name[EVENT_NAME_UNITS], DWORD process)
{
    _snwprintf(name, EVENT_NAME_UNITS, EVENT_NAME, (unsigned long)process);
    name[EVENT_NAME_UNITS - 1] = L'\0';
}

static void *listen_for_stop(void *payload)
{
    struct setup_listener *listener = payload;
    HANDLE handles[] = {listener->event, listener->over};

    if (WaitForMultipleObjects(2, handles, FALSE, INFINITE) == WAIT_OBJECT_0) {
        log_info(LOG_AGENT, "an installer asks for the end");
        process_request_stop();
    }
    return NULL;
}

static int open_event(struct setup_listener *listener, struct error *err)
{
    wchar_t name[EVENT_NAME_UNITS];
    SECURITY_ATTRIBUTES security = {.nLength = sizeof(security)};
    DWORD os_code;

    security.lpSecurityDescriptor = win32_private_descriptor("GA", err);
    if (!security.lpSecurityDescriptor) {
        return ERR_IO;
    }
    event_name(name, GetCurrentProcessId());
    listener->event = CreateEventW(&security, TRUE, FALSE, name);
    os_code = GetLastError();
    LocalFree(security.lpSecurityDescriptor);
    if (!listener->event) {
        return win32_failed(err, os_code, "cannot listen to installers");
    }
    if (os_code == ERROR_ALREADY_EXISTS) {
        return error_set(err, ERR_BUSY, "another program has the event for installers");
    }
    return 0;
}

int setup_listen(struct setup_listener **out, struct error *err)
{
    struct setup_listener *listener = calloc(1, sizeof(*listener));
    int code;

    if (!listener) {
        return error_set(err, ERR_NO_MEMORY, "no memory to listen to installers");
    }
    code = open_event(listener, err);
    if (code == 0) {
        listener->over = CreateEventW(NULL, TRUE, FALSE, NULL);
        code = listener->over
                   ? thread_start(&listener->thread, "setup", listen_for_stop, listener, err)
                   : win32_failed(err, GetLastError(), "cannot listen to installers");
    }
    if (code < 0) {
        setup_listen_end(listener);
        return code;
    }
    *out = listener;
    return 0;
}

void setup_listen_end(struct setup_listener *listener)
{
    if (!listener) {
        return;
    }
    if (listener->over) {
        SetEvent(listener->over);
    }
    thread_join(&listener->thread);
    if (listener->event) {
        CloseHandle(listener->event);
    }
    if (listener->over) {
        CloseHandle(listener->over);
    }
    free(listener);
}

/* ---- in the installer ---- */

/* *out = the folder of this program with its last '\'. The caller frees. */
static int own_folder(wchar_t **out, struct error *err)
{
    wchar_t *path = calloc(PATH_UNITS, sizeof(*path));
    DWORD units = PATH_UNITS;
    wchar_t *slash;

    if (!path) {
        return error_set(err, ERR_NO_MEMORY, "no memory for the program's path");
    }
    if (!QueryFullProcessImageNameW(GetCurrentProcess(), 0, path, &units)) {
        DWORD os_code = GetLastError();

        free(path);
        return win32_failed(err, os_code, "cannot ask where this program is");
    }
    slash = wcsrchr(path, L'\\');
    if (slash) {
        slash[1] = L'\0';
    }
    *out = path;
    return 0;
}

static bool is_ours(HANDLE process, const wchar_t *folder, const wchar_t *name, wchar_t *path)
{
    DWORD units = PATH_UNITS;
    size_t length = wcslen(folder);

    return QueryFullProcessImageNameW(process, 0, path, &units) &&
           _wcsnicmp(path, folder, length) == 0 && _wcsicmp(path + length, name) == 0;
}

struct running {
    HANDLE *agents;
    size_t count;
    bool is_denied; /* there is one that we may not touch */
};

static void running_clear(struct running *running)
{
    for (size_t i = 0; i < running->count; i++) {
        CloseHandle(running->agents[i]);
    }
    free(running->agents);
}

/* False: there is no such event, or it is not ours to set. */
static bool ask_to_stop(DWORD process)
{
    wchar_t name[EVENT_NAME_UNITS];
    HANDLE event;
    bool is_asked;

    event_name(name, process);
    event = OpenEventW(EVENT_MODIFY_STATE, FALSE, name);
    is_asked = event && SetEvent(event);
    if (event) {
        CloseHandle(event);
    }
    return is_asked;
}

static void consider(struct running *running, const PROCESSENTRY32W *entry, const wchar_t *folder,
                     wchar_t *path)
{
    bool is_agent = _wcsicmp(entry->szExeFile, AGENT) == 0;
    HANDLE process;

    if ((!is_agent && _wcsicmp(entry->szExeFile, CONSOLE) != 0) ||
        entry->th32ProcessID == GetCurrentProcessId()) {
        return;
    }
    process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION | SYNCHRONIZE | PROCESS_TERMINATE,
                          FALSE, entry->th32ProcessID);
    if (!process) {
        running->is_denied |= is_agent && GetLastError() == ERROR_ACCESS_DENIED;
        return;
    }
    if (is_ours(process, folder, entry->szExeFile, path) &&
        (ask_to_stop(entry->th32ProcessID) || is_agent) && running->count < AGENTS_MAX) {
        running->agents[running->count++] = process;
        return;
    }
    CloseHandle(process);
}

static int find_running(struct running *running, struct error *err)
{
    PROCESSENTRY32W entry = {.dwSize = sizeof(entry)};
    wchar_t *folder = NULL;
    wchar_t *path = calloc(PATH_UNITS, sizeof(*path));
    HANDLE snapshot = INVALID_HANDLE_VALUE;
    int code = own_folder(&folder, err);

    running->agents = calloc(AGENTS_MAX, sizeof(*running->agents));
    if (code == 0 && (!running->agents || !path)) {
        code = error_set(err, ERR_NO_MEMORY, "no memory for the list of agents");
    }
    if (code == 0) {
        snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
        if (snapshot == INVALID_HANDLE_VALUE) {
            code = win32_failed(err, GetLastError(), "cannot list what runs");
        }
    }
    for (BOOL more = code == 0 && Process32FirstW(snapshot, &entry); more;
         more = Process32NextW(snapshot, &entry)) {
        consider(running, &entry, folder, path);
    }
    if (snapshot != INVALID_HANDLE_VALUE) {
        CloseHandle(snapshot);
    }
    free(folder);
    free(path);
    return code;
}

int setup_stop_agents(struct setup_stopped *out, int64_t wait_ms, struct error *err)
{
    struct running running = {0};
    ULONGLONG end = GetTickCount64() + (ULONGLONG)wait_ms;
    int code = find_running(&running, err);

    memset(out, 0, sizeof(*out));
    for (size_t i = 0; code == 0 && i < running.count; i++) {
        ULONGLONG now = GetTickCount64();

        if (WaitForSingleObject(running.agents[i], now < end ? (DWORD)(end - now) : 0) ==
            WAIT_OBJECT_0) {
            out->ended++;
        } else if (TerminateProcess(running.agents[i], ENDED_BY_FORCE)) {
            WaitForSingleObject(running.agents[i], FORCE_MS);
            out->killed++;
        }
    }
    if (code == 0 && running.is_denied) {
        code = error_set(err, ERR_DENIED,
                         "there are agents of other users, which only the system may end");
    }
    running_clear(&running);
    return code;
}

/* False: nobody is signed in there, or the user's agent cannot be started. */
static bool start_in_session(DWORD session, const wchar_t *program, const wchar_t *folder)
{
    STARTUPINFOW startup = {.cb = sizeof(startup), .lpDesktop = (wchar_t *)L"winsta0\\default"};
    PROCESS_INFORMATION process = {0};
    void *environment = NULL;
    HANDLE token = NULL;
    BOOL is_started = FALSE;

    if (!WTSQueryUserToken(session, &token)) {
        return false;
    }
    if (CreateEnvironmentBlock(&environment, token, FALSE)) {
        is_started = CreateProcessAsUserW(token, program, NULL, NULL, NULL, FALSE,
                                          CREATE_UNICODE_ENVIRONMENT | CREATE_BREAKAWAY_FROM_JOB |
                                              DETACHED_PROCESS,
                                          environment, folder, &startup, &process);
        if (!is_started) { /* the installer's job lets nobody out */
            is_started = CreateProcessAsUserW(token, program, NULL, NULL, NULL, FALSE,
                                              CREATE_UNICODE_ENVIRONMENT | DETACHED_PROCESS,
                                              environment, folder, &startup, &process);
        }
        DestroyEnvironmentBlock(environment);
    }
    if (is_started) {
        CloseHandle(process.hThread);
        CloseHandle(process.hProcess);
    }
    CloseHandle(token);
    return is_started;
}

int setup_start_agents(size_t *count, struct error *err)
{
    WTS_SESSION_INFOW *sessions = NULL;
    wchar_t *folder = NULL;
    wchar_t *program = NULL;
    DWORD session_count = 0;
    int code = own_folder(&folder, err);

    *count = 0;
    if (code == 0) {
        size_t units = wcslen(folder) + sizeof(AGENT) / sizeof(wchar_t);

        program = calloc(units, sizeof(*program));
        if (program) {
            _snwprintf(program, units, L"%ls%ls", folder, AGENT);
        } else {
            code = error_set(err, ERR_NO_MEMORY, "no memory for the program's path");
        }
    }
    if (code == 0 &&
        !WTSEnumerateSessionsW(WTS_CURRENT_SERVER_HANDLE, 0, 1, &sessions, &session_count)) {
        code = win32_failed(err, GetLastError(), "cannot list the sessions");
    }
    for (DWORD i = 0; code == 0 && i < session_count; i++) {
        if ((sessions[i].State == WTSActive || sessions[i].State == WTSDisconnected) &&
            start_in_session(sessions[i].SessionId, program, folder)) {
            ++*count;
        }
    }
    WTSFreeMemory(sessions);
    free(program);
    free(folder);
    return code;
}
