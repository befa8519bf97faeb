/*
 * agent.c - one question over the pipe, one answer, as protocol.md says.
 */
#include <stdlib.h>
#include <string.h>
#include <windows.h>
#include <aclapi.h>
#include <npapi.h>
#include <sddl.h>

#include "provider.h"

#define ALL_MS 2000    /* one question in all */
#define CONNECT_MS 300 /* all instances of the pipe may be taken for a moment */
#define PIPE_UNITS 256
#define PATH_UNITS 1024

union user {
    TOKEN_USER token;
    char room[sizeof(TOKEN_USER) + SECURITY_MAX_SID_SIZE];
};

/* Who asks: a service may ask for a user whose token the thread has. */
static bool find_caller(union user *user, DWORD *session)
{
    HANDLE token = NULL;
    DWORD size = 0;
    bool is_good;

    if (!OpenThreadToken(GetCurrentThread(), TOKEN_QUERY, TRUE, &token) &&
        !OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token)) {
        return false;
    }
    is_good = GetTokenInformation(token, TokenUser, user, sizeof(*user), &size) &&
              GetTokenInformation(token, TokenSessionId, session, sizeof(*session), &size);
    CloseHandle(token);
    return is_good;
}

static bool pipe_name(wchar_t name[PIPE_UNITS], const union user *user, DWORD session)
{
    static const wchar_t prefix[] = L"" NP_PIPE_PREFIX;
    wchar_t digits[11] = {0};
    wchar_t *at = digits + ARRAYSIZE(digits) - 1;
    wchar_t *sid = NULL;

    if (!ConvertSidToStringSidW(user->token.User.Sid, &sid)) {
        return false;
    }
    do {
        *--at = (wchar_t)(L'0' + session % 10);
        session /= 10;
    } while (session > 0);
    /* longest: 18 + 184 + 1 + 10 */
    lstrcpynW(name, prefix, PIPE_UNITS);
    lstrcpynW(name + wcslen(name), sid, (int)(PIPE_UNITS - wcslen(name)));
    lstrcpynW(name + wcslen(name), L"-", (int)(PIPE_UNITS - wcslen(name)));
    lstrcpynW(name + wcslen(name), at, (int)(PIPE_UNITS - wcslen(name)));
    LocalFree(sid);
    return true;
}

/* Nobody can make another user the owner of a pipe without being an administrator. */
static bool is_users(HANDLE pipe, PSID user)
{
    PSECURITY_DESCRIPTOR descriptor = NULL;
    PSID owner = NULL;
    bool is_good = GetSecurityInfo(pipe, SE_KERNEL_OBJECT, OWNER_SECURITY_INFORMATION, &owner, NULL,
                                   NULL, NULL, &descriptor) == ERROR_SUCCESS &&
                   EqualSid(owner, user);

    LocalFree(descriptor);
    return is_good;
}

/* Another program of the same user could do as it likes with this user's files anyhow; but it
 * could not without effort take the place of the agent. */
static bool is_agents_program(DWORD process)
{
    wchar_t folder[PATH_UNITS];
    wchar_t path[PATH_UNITS];
    DWORD size = ARRAYSIZE(path);
    size_t units;
    HANDLE handle;
    bool is_good;

    if (!names_registered(L"AgentFolder", folder, ARRAYSIZE(folder))) {
        return false;
    }
    handle = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, process);
    if (!handle) {
        return false;
    }
    is_good = QueryFullProcessImageNameW(handle, 0, path, &size);
    CloseHandle(handle);
    units = wcslen(folder);
    while (units > 0 && folder[units - 1] == L'\\') {
        units--;
    }
    return is_good && units > 0 && wcslen(path) > units &&
           CompareStringOrdinal(path, (int)units, folder, (int)units, TRUE) == CSTR_EQUAL &&
           path[units] == L'\\' && !wcschr(path + units + 1, L'\\');
}

static bool is_agent(HANDLE pipe, const union user *user, DWORD session)
{
    ULONG process = 0;
    ULONG theirs = 0;

    /* the agent itself has no use for us, and would wait for itself */
    return GetNamedPipeServerProcessId(pipe, &process) && process != GetCurrentProcessId() &&
           GetNamedPipeServerSessionId(pipe, &theirs) && theirs == session &&
           is_users(pipe, user->token.User.Sid) && is_agents_program(process);
}

static HANDLE open_pipe(const wchar_t *name)
{
    ULONGLONG end = GetTickCount64() + CONNECT_MS;

    for (;;) {
        HANDLE pipe = CreateFileW(
            name, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING,
            FILE_FLAG_OVERLAPPED | SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION, NULL);
        ULONGLONG now = GetTickCount64();

        if (pipe != INVALID_HANDLE_VALUE || GetLastError() != ERROR_PIPE_BUSY || now >= end) {
            return pipe;
        }
        WaitNamedPipeW(name, (DWORD)(end - now));
    }
}

static bool check_answer(const struct np_answer *answer, DWORD size)
{
    const unsigned char *at = (const unsigned char *)(answer + 1);
    size_t left;

    if (size < sizeof(*answer) || answer->magic != NP_MAGIC ||
        answer->bytes != size - sizeof(*answer)) {
        return false;
    }
    left = answer->bytes;
    for (DWORD i = 0; i < answer->count; i++) {
        size_t bytes;

        if (left < sizeof(uint16_t)) {
            return false;
        }
        bytes = sizeof(uint16_t) + (size_t)(at[0] | at[1] << 8) * sizeof(wchar_t);
        if (bytes > left || bytes / sizeof(wchar_t) > NP_REMOTE_UNITS) {
            return false;
        }
        at += bytes;
        left -= bytes;
    }
    return left == 0;
}

const unsigned char *agent_entry(const struct np_answer *answer, DWORD index, size_t *units)
{
    const unsigned char *at = (const unsigned char *)(answer + 1);

    for (;; index--) {
        *units = (size_t)(at[0] | at[1] << 8);
        at += sizeof(uint16_t);
        if (index == 0) {
            return at;
        }
        at += *units * sizeof(wchar_t);
    }
}

/* Sends and receives; true with *got when an answer came before `end`. */
static bool transact(HANDLE pipe, void *request, DWORD size, void *answer, DWORD *got,
                     ULONGLONG end)
{
    DWORD mode = PIPE_READMODE_MESSAGE;
    OVERLAPPED overlapped = {.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL)};
    ULONGLONG now = GetTickCount64();
    bool is_good = false;

    if (overlapped.hEvent && now < end && SetNamedPipeHandleState(pipe, &mode, NULL, NULL)) {
        is_good = TransactNamedPipe(pipe, request, size, answer, NP_ANSWER_BYTES, got, &overlapped);
        if (is_good || GetLastError() == ERROR_IO_PENDING) {
            if (WaitForSingleObject(overlapped.hEvent, (DWORD)(end - now)) != WAIT_OBJECT_0) {
                CancelIoEx(pipe, &overlapped);
            }
            /* after a cancel this waits only until the system let go of our memory */
            is_good = GetOverlappedResult(pipe, &overlapped, got, TRUE);
        }
    }
    if (overlapped.hEvent) {
        CloseHandle(overlapped.hEvent);
    }
    return is_good;
}

static DWORD make_request(unsigned char *out, const struct agent_question *question)
{
    struct np_request request = {
        .magic = NP_MAGIC,
        .op = (uint16_t)question->op,
        .flags = (uint16_t)question->flags,
        .start = question->start,
        .local_units = (uint16_t)(question->local ? wcslen(question->local) : 0),
        .remote_units = (uint16_t)(question->remote ? wcslen(question->remote) : 0)};
    size_t at = sizeof(request);

    memcpy(out, &request, sizeof(request));
    if (question->local) {
        memcpy(out + at, question->local, request.local_units * sizeof(wchar_t));
        at += request.local_units * sizeof(wchar_t);
    }
    if (question->remote) {
        memcpy(out + at, question->remote, request.remote_units * sizeof(wchar_t));
        at += request.remote_units * sizeof(wchar_t);
    }
    return (DWORD)at;
}

DWORD agent_ask(struct np_answer **answer, const struct agent_question *question)
{
    unsigned char
        request[sizeof(struct np_request) + (LETTER_UNITS + NP_REMOTE_UNITS) * sizeof(wchar_t)];
    ULONGLONG end = GetTickCount64() + ALL_MS;
    struct np_answer *got = NULL;
    wchar_t name[PIPE_UNITS];
    HANDLE pipe = INVALID_HANDLE_VALUE;
    DWORD status = WN_NO_NETWORK;
    DWORD session = 0;
    union user user;
    DWORD size = 0;

    if (!find_caller(&user, &session) || !pipe_name(name, &user, session)) {
        return WN_NO_NETWORK;
    }
    pipe = open_pipe(name);
    if (pipe == INVALID_HANDLE_VALUE) {
        return GetLastError() == ERROR_PIPE_BUSY ? WN_NET_ERROR : WN_NO_NETWORK;
    }
    if (is_agent(pipe, &user, session)) {
        got = malloc(NP_ANSWER_BYTES);
        status = got ? WN_NET_ERROR : WN_OUT_OF_MEMORY;
    }
    if (got && transact(pipe, request, make_request(request, question), got, &size, end) &&
        check_answer(got, size)) {
        status = got->status;
        if (answer) {
            *answer = got;
            got = NULL;
        }
    }
    free(got);
    CloseHandle(pipe);
    return status;
}
