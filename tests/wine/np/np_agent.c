/*
 * np_agent.c - a double of the agent for mooringnp.dll: it answers on the pipe as protocol.md says,
 * with a small made-up world, or misbehaves.
 *
 *   np_agent serve     16 clients at once; letters become links to a device that does not exist
 *   np_agent hang      takes one client and never answers
 *   np_agent garbage   answers with nonsense: a different kind for each request
 *   np_agent squat     as serve; the test has told the DLL that the agent lies elsewhere
 *
 * It counts the bytes that arrive in HKCU\Software\MooringTest, value Bytes, says there (value
 * Ready) that the pipe is its own, and ends with who started it, or after two minutes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>
#include <npapi.h>

#include "base/str.h"
#include "base/win32.h"
#include "transport/np_protocol.h"

enum { THREADS = 16, PAGE = 2, REQUEST_BYTES = 4096, LIFE_MS = 120000 };
enum mode { SERVE, HANG, GARBAGE };

static const wchar_t *const shares[] = {L"\\\\mooring\\contoso", L"\\\\mooring\\fabrikam",
                                        L"\\\\mooring\\wingtip", L"\\\\mooring\\tailspin",
                                        L"\\\\mooring\\litware"};

struct server {
    wchar_t *name;
    PSECURITY_DESCRIPTOR descriptor;
    enum mode mode;
    LONG bytes;
    LONG requests;
};

struct message {
    struct np_request head;
    wchar_t local[8];
    wchar_t remote[NP_REMOTE_UNITS];
};

static bool parse(struct message *out, const unsigned char *data, DWORD size)
{
    memset(out, 0, sizeof(*out));
    if (size < sizeof(out->head)) {
        return false;
    }
    memcpy(&out->head, data, sizeof(out->head));
    if (out->head.magic != NP_MAGIC || out->head.local_units >= 8 ||
        out->head.remote_units >= NP_REMOTE_UNITS ||
        size != sizeof(out->head) + 2u * (out->head.local_units + out->head.remote_units)) {
        return false;
    }
    memcpy(out->local, data + sizeof(out->head), 2u * out->head.local_units);
    memcpy(out->remote, data + sizeof(out->head) + 2u * out->head.local_units,
           2u * out->head.remote_units);
    return true;
}

static bool exists(const wchar_t *remote)
{
    for (size_t i = 0; i < ARRAYSIZE(shares); i++) {
        size_t units = wcslen(shares[i]);

        if (_wcsnicmp(remote, shares[i], units) == 0 &&
            (!remote[units] || remote[units] == L'\\')) {
            return true;
        }
    }
    return false;
}

static DWORD connect_letter(const struct message *message)
{
    wchar_t target[NP_REMOTE_UNITS + 64];

    if (!exists(message->remote)) {
        return WN_BAD_NETNAME;
    }
    if (!message->local[0]) {
        return WN_SUCCESS;
    }
    _snwprintf(target, ARRAYSIZE(target), L"\\Device\\Volume{00000000-1111}%ls",
               message->remote + 1);
    return DefineDosDeviceW(DDD_RAW_TARGET_PATH | DDD_NO_BROADCAST_SYSTEM, message->local, target)
               ? WN_SUCCESS
               : WN_NET_ERROR;
}

static DWORD disconnect(const struct message *message)
{
    wchar_t target[NP_REMOTE_UNITS] = L"";

    if (!message->local[0]) {
        return exists(message->remote) ? WN_SUCCESS : WN_NOT_CONNECTED;
    }
    if (!QueryDosDeviceW(message->local, target, ARRAYSIZE(target))) {
        return WN_NOT_CONNECTED;
    }
    if (wcsstr(target, L"in-use") && !(message->head.flags & NP_FORCE)) {
        return WN_OPEN_FILES;
    }
    return DefineDosDeviceW(DDD_REMOVE_DEFINITION, message->local, NULL) ? WN_SUCCESS
                                                                         : WN_NET_ERROR;
}

static void add_children(struct np_answer *answer, const struct message *message)
{
    unsigned char *at = (unsigned char *)(answer + 1);

    for (DWORD i = message->head.start; i < ARRAYSIZE(shares) && answer->count < PAGE; i++) {
        uint16_t units = (uint16_t)wcslen(shares[i]);

        memcpy(at, &units, sizeof(units));
        memcpy(at + sizeof(units), shares[i], units * sizeof(wchar_t));
        at += sizeof(units) + units * sizeof(wchar_t);
        answer->count++;
    }
    answer->bytes = (uint32_t)(at - (unsigned char *)(answer + 1));
}

static DWORD answer_well(unsigned char *out, const struct message *message)
{
    struct np_answer *answer = (struct np_answer *)out;

    *answer = (struct np_answer){.magic = NP_MAGIC, .status = WN_NOT_SUPPORTED};
    switch (message->head.op) {
    case NP_CONNECT:
        answer->status = connect_letter(message);
        break;
    case NP_DISCONNECT:
        answer->status = disconnect(message);
        break;
    case NP_EXISTS:
        answer->status = exists(message->remote) ? WN_SUCCESS : WN_BAD_NETNAME;
        break;
    case NP_CHILDREN:
        answer->status = WN_SUCCESS;
        add_children(answer, message);
        break;
    default:
        break;
    }
    return (DWORD)(sizeof(*answer) + answer->bytes);
}

/* Each breaks one rule of protocol.md, and would otherwise be a success. */
static DWORD answer_badly(unsigned char *out, LONG request)
{
    struct np_answer answer = {.magic = NP_MAGIC, .status = WN_SUCCESS};
    DWORD size = sizeof(answer);

    memset(out, 0xFF, NP_ANSWER_BYTES + 64);
    switch (request % 6) {
    case 0:
        answer.magic = 0;
        break;
    case 1:
        size = 7;
        break;
    case 2: /* entries that are not there */
        answer.count = 3;
        break;
    case 3: /* an entry longer than the answer */
        answer.count = 1;
        answer.bytes = 8;
        size += 8;
        break;
    case 4: /* more bytes than entries */
        answer.bytes = 100;
        size += 100;
        break;
    default: /* more than may be */
        answer.bytes = NP_ANSWER_BYTES;
        size = NP_ANSWER_BYTES + (DWORD)sizeof(answer);
        break;
    }
    memcpy(out, &answer, sizeof(answer));
    return size;
}

static void tell(const wchar_t *value, DWORD number)
{
    RegSetKeyValueW(HKEY_CURRENT_USER, L"Software\\MooringTest", value, REG_DWORD, &number,
                    sizeof(number));
}

static void count_bytes(struct server *server, DWORD size)
{
    tell(L"Bytes", (DWORD)InterlockedAdd(&server->bytes, (LONG)size));
}

static void serve_one(struct server *server, HANDLE pipe)
{
    static const DWORD answer_bytes = NP_ANSWER_BYTES + 64;
    unsigned char request[REQUEST_BYTES];
    unsigned char *answer = malloc(answer_bytes);
    struct message message;
    DWORD size = 0;

    if (answer && ReadFile(pipe, request, sizeof(request), &size, NULL)) {
        count_bytes(server, size);
        if (server->mode == HANG) {
            Sleep(LIFE_MS);
        }
        if (server->mode == GARBAGE) {
            size = answer_badly(answer, InterlockedIncrement(&server->requests));
        } else if (parse(&message, request, size)) {
            size = answer_well(answer, &message);
        } else {
            size = 0;
        }
        if (size > 0) {
            WriteFile(pipe, answer, size, &size, NULL);
            FlushFileBuffers(pipe);
        }
    }
    free(answer);
}

static DWORD WINAPI serve(LPVOID payload)
{
    struct server *server = payload;
    SECURITY_ATTRIBUTES security = {.nLength = sizeof(security),
                                    .lpSecurityDescriptor = server->descriptor};

    for (;;) {
        HANDLE pipe =
            CreateNamedPipeW(server->name, PIPE_ACCESS_DUPLEX,
                             PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE | PIPE_REJECT_REMOTE_CLIENTS,
                             server->mode == HANG ? 1 : THREADS, 65536, 65536, 0, &security);

        if (pipe == INVALID_HANDLE_VALUE) {
            Sleep(10); /* the last client's instance is still being taken down */
            continue;
        }
        tell(L"Ready", 1);
        if (ConnectNamedPipe(pipe, NULL) || GetLastError() == ERROR_PIPE_CONNECTED) {
            serve_one(server, pipe);
        }
        DisconnectNamedPipe(pipe);
        CloseHandle(pipe);
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct server server = {0};
    char *sid = NULL;
    char *name = NULL;
    DWORD session = 0;
    int threads;

    server.mode = argc > 1 && strcmp(argv[1], "hang") == 0      ? HANG
                  : argc > 1 && strcmp(argv[1], "garbage") == 0 ? GARBAGE
                                                                : SERVE;
    if (win32_user_sid(&sid, NULL) < 0 || !ProcessIdToSessionId(GetCurrentProcessId(), &session) ||
        str_format(&name, NULL, "%s%s-%lu", NP_PIPE_PREFIX, sid, (unsigned long)session) < 0 ||
        win32_wide(&server.name, name, NULL) < 0) {
        return 1;
    }
    server.descriptor = win32_private_descriptor("GRGW", NULL);
    if (!server.descriptor) {
        return 1;
    }
    RegDeleteTreeW(HKEY_CURRENT_USER, L"Software\\MooringTest");
    threads = server.mode == HANG ? 1 : THREADS;
    for (int i = 0; i < threads; i++) {
        HANDLE thread = CreateThread(NULL, 0, serve, &server, 0, NULL);

        if (!thread) {
            return 1;
        }
        CloseHandle(thread);
    }
    Sleep(LIFE_MS);
    return 0;
}
