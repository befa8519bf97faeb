/*
 * channel.c - named pipes. The pipe's descriptor lets in this user and nobody else, no client comes
 * over the network, and each end looks who the other one is before it believes anything.
 */
#include "channel.h"

#include <stdlib.h>
#include <windows.h>
#include <aclapi.h>
#include <sddl.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/win32.h"

#define INSTANCES 20 /* 16 requests, those being turned away, and one that waits for a client */
#define PIPE_BYTES 65536
#define SEND_MS 10000 /* for who does not read what is sent */
#define CONNECT_MS 5000
#define PAUSE_MS 1000

struct channel {
    HANDLE pipe; /* INVALID_HANDLE_VALUE: ended */
    HANDLE done; /* of one operation; manual reset */
    HANDLE wake; /* manual reset */
};

struct channel_listener {
    wchar_t *name;
    PSECURITY_DESCRIPTOR descriptor;
    HANDLE next;      /* the instance that waits for a client; INVALID_HANDLE_VALUE: none */
    HANDLE connected; /* manual reset */
    HANDLE stop;      /* manual reset */
    OVERLAPPED connecting;
};

static DWORD milliseconds(int64_t wait_ms)
{
    return wait_ms < 0 ? INFINITE : wait_ms >= INFINITE ? INFINITE - 1 : (DWORD)wait_ms;
}

static int make_channel(struct channel **out, HANDLE pipe, struct error *err)
{
    struct channel *channel = calloc(1, sizeof(*channel));

    if (!channel) {
        CloseHandle(pipe);
        return error_set(err, ERR_NO_MEMORY, "no memory for a control channel");
    }
    channel->pipe = pipe;
    channel->done = CreateEventW(NULL, TRUE, FALSE, NULL);
    channel->wake = CreateEventW(NULL, TRUE, FALSE, NULL);
    if (!channel->done || !channel->wake) {
        int code = win32_failed(err, GetLastError(), "no event for a control channel");

        channel_close(channel);
        return code;
    }
    *out = channel;
    return 0;
}

/* Whoever made the pipe first owns its name, and could be somebody else: only a pipe whose owner is
 * this user is talked to. Nobody can make another user the owner without being an administrator. */
static int check_owner(HANDLE pipe, const char *path, struct error *err)
{
    PSECURITY_DESCRIPTOR descriptor = NULL;
    wchar_t *wide = NULL;
    char *sid = NULL;
    PSID owner = NULL;
    PSID user = NULL;
    DWORD os_code;
    int code = win32_user_sid(&sid, err);

    if (code == 0) {
        code = win32_wide(&wide, sid, err);
    }
    if (code < 0) {
        free(sid);
        return code;
    }
    os_code = GetSecurityInfo(pipe, SE_KERNEL_OBJECT, OWNER_SECURITY_INFORMATION, &owner, NULL,
                              NULL, NULL, &descriptor);
    if (os_code != ERROR_SUCCESS || !ConvertStringSidToSidW(wide, &user)) {
        code =
            win32_failed(err, os_code ? os_code : GetLastError(), "cannot ask who owns '%s'", path);
    } else if (!EqualSid(owner, user)) {
        code = error_set(err, ERR_DENIED, "what listens at '%s' belongs to another user", path);
    }
    LocalFree(descriptor);
    LocalFree(user);
    free(wide);
    free(sid);
    return code;
}

/* All instances may be taken for a moment. */
static int open_pipe(HANDLE *out, const wchar_t *name, const char *path, struct error *err)
{
    int64_t end = clock_mono_ms(clock_system()) + CONNECT_MS;

    for (;;) {
        /* a server that is not ours learns who we are and cannot act as us */
        HANDLE pipe = CreateFileW(
            name, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING,
            FILE_FLAG_OVERLAPPED | SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION, NULL);
        DWORD os_code = pipe == INVALID_HANDLE_VALUE ? GetLastError() : ERROR_SUCCESS;

        if (os_code == ERROR_SUCCESS) {
            *out = pipe;
            return 0;
        }
        if (os_code == ERROR_FILE_NOT_FOUND) {
            return error_set(err, ERR_NOT_FOUND,
                             "no agent runs in this session; start mooring-agent.exe");
        }
        if (os_code != ERROR_PIPE_BUSY || clock_mono_ms(clock_system()) >= end) {
            return win32_failed(err, os_code, "cannot reach the agent at '%s'", path);
        }
        WaitNamedPipeW(name, 100);
    }
}

int channel_connect(struct channel **out, const char *path, struct error *err)
{
    HANDLE pipe = INVALID_HANDLE_VALUE;
    wchar_t *name = NULL;
    int code = win32_wide(&name, path, err);

    if (code == 0) {
        code = open_pipe(&pipe, name, path, err);
    }
    if (code == 0) {
        code = check_owner(pipe, path, err);
    }
    free(name);
    if (code < 0) {
        if (pipe != INVALID_HANDLE_VALUE) {
            CloseHandle(pipe);
        }
        return code;
    }
    return make_channel(out, pipe, err);
}

/* Waits for what was begun with `overlapped`; `cancel` (may be NULL) ends it. False: it did not
 * happen within wait_ms, and does not happen any more; *os_code says why. */
static bool finish(struct channel *channel, OVERLAPPED *overlapped, DWORD *done, HANDLE cancel,
                   int64_t wait_ms, DWORD *os_code)
{
    HANDLE handles[] = {overlapped->hEvent, cancel};
    DWORD what = WaitForMultipleObjects(cancel ? 2 : 1, handles, FALSE, milliseconds(wait_ms));

    if (what != WAIT_OBJECT_0) {
        CancelIoEx(channel->pipe, overlapped);
    }
    if (GetOverlappedResult(channel->pipe, overlapped, done, TRUE)) {
        return true; /* also when it was done just before it was cancelled */
    }
    *os_code = what == WAIT_TIMEOUT ? (DWORD)WAIT_TIMEOUT : GetLastError();
    return false;
}

int channel_read(struct channel *channel, void *data, size_t size, size_t *got, int64_t deadline_ms,
                 struct error *err)
{
    OVERLAPPED overlapped = {.hEvent = channel->done};
    int64_t wait = deadline_ms ? deadline_ms - clock_mono_ms(clock_system()) : -1;
    DWORD os_code = ERROR_SUCCESS;
    DWORD done = 0;

    if (deadline_ms && wait <= 0) {
        return error_set(err, ERR_TIMED_OUT, "the other end of the control channel is silent");
    }
    ResetEvent(channel->done);
    if (WaitForSingleObject(channel->wake, 0) == WAIT_OBJECT_0) {
        os_code = ERROR_OPERATION_ABORTED;
    } else if (!ReadFile(channel->pipe, data, (DWORD)size, NULL, &overlapped) &&
               GetLastError() != ERROR_IO_PENDING) {
        os_code = GetLastError();
    } else {
        finish(channel, &overlapped, &done, channel->wake, wait, &os_code);
    }
    if (os_code == WAIT_TIMEOUT) {
        return error_set(err, ERR_TIMED_OUT, "the other end of the control channel is silent");
    }
    if (os_code != ERROR_SUCCESS || done == 0) {
        return error_set(err, ERR_UNREACHABLE, "the other end of the control channel closed");
    }
    *got = done;
    return 0;
}

int channel_write(struct channel *channel, const void *data, size_t size, struct error *err)
{
    const char *at = data;

    while (size > 0) {
        OVERLAPPED overlapped = {.hEvent = channel->done};
        DWORD piece = size < PIPE_BYTES ? (DWORD)size : PIPE_BYTES;
        DWORD os_code = ERROR_SUCCESS;
        DWORD done = 0;

        ResetEvent(channel->done);
        if (!WriteFile(channel->pipe, at, piece, NULL, &overlapped) &&
            GetLastError() != ERROR_IO_PENDING) {
            os_code = GetLastError();
        } else {
            finish(channel, &overlapped, &done, NULL, SEND_MS, &os_code);
        }
        if (os_code != ERROR_SUCCESS || done == 0) {
            return error_set_os(err, ERR_UNREACHABLE, (int)os_code,
                                "cannot write to the control channel");
        }
        at += done;
        size -= done;
    }
    return 0;
}

bool channel_is_gone(struct channel *channel)
{
    return !PeekNamedPipe(channel->pipe, NULL, 0, NULL, NULL, NULL);
}

void channel_wake(struct channel *channel)
{
    SetEvent(channel->wake);
}

/* The other end still reads what is in the pipe. */
void channel_end(struct channel *channel)
{
    CloseHandle(channel->pipe);
    channel->pipe = INVALID_HANDLE_VALUE;
}

void channel_close(struct channel *channel)
{
    if (!channel) {
        return;
    }
    if (channel->pipe != INVALID_HANDLE_VALUE) {
        CloseHandle(channel->pipe);
    }
    if (channel->done) {
        CloseHandle(channel->done);
    }
    if (channel->wake) {
        CloseHandle(channel->wake);
    }
    free(channel);
}

/* An instance that waits for a client. With `is_first` nobody may have the name yet. */
static int make_instance(struct channel_listener *listener, bool is_first, struct error *err)
{
    SECURITY_ATTRIBUTES security = {.nLength = sizeof(security),
                                    .lpSecurityDescriptor = listener->descriptor};
    DWORD first = is_first ? FILE_FLAG_FIRST_PIPE_INSTANCE : 0;
    DWORD os_code;

    listener->next = CreateNamedPipeW(
        listener->name, PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED | first,
        PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS, INSTANCES,
        PIPE_BYTES, PIPE_BYTES, 0, &security);
    if (listener->next == INVALID_HANDLE_VALUE) {
        os_code = GetLastError();
        if (is_first && (os_code == ERROR_ACCESS_DENIED || os_code == ERROR_PIPE_BUSY)) {
            return error_set(err, ERR_BUSY, "another program has the control channel");
        }
        return win32_failed(err, os_code, "cannot make the control channel");
    }
    ResetEvent(listener->connected);
    listener->connecting = (OVERLAPPED){.hEvent = listener->connected};
    if (!ConnectNamedPipe(listener->next, &listener->connecting) &&
        GetLastError() == ERROR_PIPE_CONNECTED) {
        SetEvent(listener->connected);
    }
    return 0;
}

int channel_listen(struct channel_listener **out, const char *path, struct error *err)
{
    struct channel_listener *listener = calloc(1, sizeof(*listener));
    int code = 0;

    if (!listener) {
        return error_set(err, ERR_NO_MEMORY, "no memory for the control channel");
    }
    listener->next = INVALID_HANDLE_VALUE;
    listener->connected = CreateEventW(NULL, TRUE, FALSE, NULL);
    listener->stop = CreateEventW(NULL, TRUE, FALSE, NULL);
    if (!listener->connected || !listener->stop) {
        code = win32_failed(err, GetLastError(), "no event for the control channel");
    }
    if (code == 0) {
        code = win32_wide(&listener->name, path, err);
    }
    if (code == 0) {
        struct error why = {0};

        listener->descriptor = win32_private_descriptor("GRGW", &why);
        code = listener->descriptor ? 0 : error_set(err, why.code, "%s", why.message);
    }
    if (code == 0) {
        code = make_instance(listener, true, err);
    }
    if (code < 0) {
        channel_listener_free(listener);
        return code;
    }
    *out = listener;
    return 0;
}

/* The same user in another session has an agent of its own. */
static bool is_own_session(HANDLE pipe)
{
    DWORD own = 0;
    ULONG theirs = 0;

    return ProcessIdToSessionId(GetCurrentProcessId(), &own) &&
           GetNamedPipeClientSessionId(pipe, &theirs) && own == theirs;
}

static int take(struct channel **out, struct channel_listener *listener, struct error *err)
{
    HANDLE pipe = listener->next;
    bool is_own = is_own_session(pipe);
    struct error why = {0};
    int code;

    listener->next = INVALID_HANDLE_VALUE;
    if (make_instance(listener, false, &why) < 0) {
        log_error(LOG_AGENT, &why, "no more clients for now");
    }
    if (!is_own) {
        log_write(LOG_LEVEL_ERROR, LOG_AGENT, "another session tried the control channel");
        CloseHandle(pipe);
        return error_set(err, ERR_TIMED_OUT, "no client");
    }
    code = make_channel(out, pipe, err);
    return code;
}

int channel_accept(struct channel **out, struct channel_listener *listener, int64_t wait_ms,
                   struct error *err)
{
    HANDLE handles[] = {listener->stop, listener->connected};
    DWORD what;

    if (WaitForSingleObject(listener->stop, 0) == WAIT_OBJECT_0) {
        return error_set(err, ERR_CANCELLED, "the control channel ends");
    }
    if (listener->next == INVALID_HANDLE_VALUE && make_instance(listener, false, err) < 0) {
        WaitForSingleObject(listener->stop, PAUSE_MS); /* without a pause this would spin */
        return error_set(err, ERR_TIMED_OUT, "no client could be taken");
    }
    what = WaitForMultipleObjects(2, handles, FALSE, milliseconds(wait_ms));
    if (what == WAIT_OBJECT_0) {
        return error_set(err, ERR_CANCELLED, "the control channel ends");
    }
    return what == WAIT_OBJECT_0 + 1 ? take(out, listener, err)
                                     : error_set(err, ERR_TIMED_OUT, "no client");
}

void channel_stop(struct channel_listener *listener)
{
    SetEvent(listener->stop);
}

void channel_listener_free(struct channel_listener *listener)
{
    DWORD done;

    if (!listener) {
        return;
    }
    if (listener->next != INVALID_HANDLE_VALUE) {
        CancelIoEx(listener->next, &listener->connecting);
        GetOverlappedResult(listener->next, &listener->connecting, &done, TRUE);
        CloseHandle(listener->next);
    }
    if (listener->connected) {
        CloseHandle(listener->connected);
    }
    if (listener->stop) {
        CloseHandle(listener->stop);
    }
    LocalFree(listener->descriptor);
    free(listener->name);
    free(listener);
}
