/*
 * np_pipe.c - the pipe of the network provider. All instances are made at once and used again and
 * again, so that the name is ours from the start of the agent to its end: between two clients
 * nobody else can take it.
 */
#include "np_pipe.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <windows.h>

#include "base/log.h"
#include "base/str.h"
#include "base/thread.h"
#include "base/win32.h"
#include "np_answer.h"

#define PIPE_BYTES 65536
#define CLIENT_MS 2000 /* as long as the provider waits in all */
#define PAUSE_MS 100

/* What is answered at once; the next waits up to 300 ms for one that is free. */
enum { INSTANCES = 16 };

struct instance {
    struct np_pipe *owner;
    struct thread thread;
    HANDLE pipe;
    HANDLE done; /* of one operation; manual reset */
};

struct np_pipe {
    np_answer_fn answer;
    void *payload;
    DWORD session;
    HANDLE stop; /* manual reset */
    struct instance instances[INSTANCES];
};

/* Ends what was begun with `overlapped`: it was done within CLIENT_MS, or is not done at all. With
 * `waits` it has all the time until the agent ends. */
static bool finish(struct instance *instance, OVERLAPPED *overlapped, bool waits, DWORD *done)
{
    HANDLE handles[] = {instance->owner->stop, overlapped->hEvent};

    if (WaitForMultipleObjects(2, handles, FALSE, waits ? INFINITE : CLIENT_MS) !=
        WAIT_OBJECT_0 + 1) {
        CancelIoEx(instance->pipe, overlapped);
    }
    return GetOverlappedResult(instance->pipe, overlapped, done, TRUE);
}

static OVERLAPPED begin(struct instance *instance)
{
    ResetEvent(instance->done);
    return (OVERLAPPED){.hEvent = instance->done};
}

static bool wait_for_client(struct instance *instance)
{
    OVERLAPPED overlapped = begin(instance);
    DWORD done;

    if (ConnectNamedPipe(instance->pipe, &overlapped)) {
        return true;
    }
    switch (GetLastError()) {
    case ERROR_PIPE_CONNECTED:
        return true;
    case ERROR_IO_PENDING:
        return finish(instance, &overlapped, true, &done);
    case ERROR_NO_DATA: /* it came and went */
        return false;
    default:
        WaitForSingleObject(instance->owner->stop, PAUSE_MS); /* without a pause this would spin */
        return false;
    }
}

/* One message. False: none came in time. One that is too long has size 0. */
static bool read_message(struct instance *instance, void *data, DWORD room, DWORD *size)
{
    OVERLAPPED overlapped = begin(instance);

    *size = 0;
    if (ReadFile(instance->pipe, data, room, NULL, &overlapped) ||
        GetLastError() == ERROR_IO_PENDING || GetLastError() == ERROR_MORE_DATA) {
        if (finish(instance, &overlapped, false, size)) {
            return true;
        }
        if (GetLastError() == ERROR_MORE_DATA) {
            *size = 0;
            return true;
        }
    }
    return false;
}

static bool write_message(struct instance *instance, const void *data, DWORD size)
{
    OVERLAPPED overlapped = begin(instance);
    DWORD done = 0;

    return (WriteFile(instance->pipe, data, size, NULL, &overlapped) ||
            GetLastError() == ERROR_IO_PENDING) &&
           finish(instance, &overlapped, false, &done) && done == size;
}

static bool is_of_session(const struct instance *instance)
{
    ULONG session = 0;

    return GetNamedPipeClientSessionId(instance->pipe, &session) &&
           session == instance->owner->session;
}

static void serve(struct instance *instance)
{
    struct np_pipe *owner = instance->owner;
    unsigned char question[NP_QUESTION_BYTES];
    void *answer = NULL;
    DWORD size = 0;

    if (!is_of_session(instance)) {
        log_write(LOG_LEVEL_ERROR, LOG_AGENT, "another session asked as a network provider");
        return;
    }
    if (!read_message(instance, question, sizeof(question), &size)) {
        return;
    }
    answer = malloc(NP_ANSWER_BYTES);
    if (answer && write_message(instance, answer,
                                (DWORD)owner->answer(owner->payload, answer, question, size))) {
        /* what it has not read yet would be lost with the connection: it closes when it is done */
        read_message(instance, question, sizeof(question), &size);
    }
    free(answer);
}

static void *run(void *payload)
{
    struct instance *instance = payload;

    while (WaitForSingleObject(instance->owner->stop, 0) != WAIT_OBJECT_0) {
        if (wait_for_client(instance)) {
            serve(instance);
        }
        DisconnectNamedPipe(instance->pipe);
    }
    return NULL;
}

static int pipe_name(wchar_t **out, DWORD session, struct error *err)
{
    char *text = NULL;
    char *sid = NULL;
    int code = win32_user_sid(&sid, err);

    if (code == 0) {
        code = str_format(&text, err, "%s%s-%lu", NP_PIPE_PREFIX, sid, (unsigned long)session);
    }
    if (code == 0) {
        code = win32_wide(out, text, err);
    }
    free(text);
    free(sid);
    return code;
}

static int make_instance(struct instance *instance, const wchar_t *name, void *descriptor,
                         bool is_first, struct error *err)
{
    SECURITY_ATTRIBUTES security = {.nLength = sizeof(security),
                                    .lpSecurityDescriptor = descriptor};
    DWORD first = is_first ? FILE_FLAG_FIRST_PIPE_INSTANCE : 0;
    DWORD os_code;

    instance->pipe = CreateNamedPipeW(name, PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED | first,
                                      PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE | PIPE_WAIT |
                                          PIPE_REJECT_REMOTE_CLIENTS,
                                      INSTANCES, PIPE_BYTES, PIPE_BYTES, 0, &security);
    os_code = instance->pipe == INVALID_HANDLE_VALUE ? GetLastError() : ERROR_SUCCESS;
    if (os_code == ERROR_ACCESS_DENIED || os_code == ERROR_PIPE_BUSY ||
        os_code == ERROR_INVALID_PARAMETER) { /* the last: somebody's of another kind */
        return error_set(err, ERR_BUSY, "another program has the pipe of the network provider");
    }
    if (os_code != ERROR_SUCCESS) {
        return win32_failed(err, os_code, "cannot make the pipe of the network provider");
    }
    instance->done = CreateEventW(NULL, TRUE, FALSE, NULL);
    return instance->done ? 0
                          : win32_failed(err, GetLastError(), "no event for the network provider");
}

static int make_instances(struct np_pipe *pipe, struct error *err)
{
    struct error why = {0};
    wchar_t *name = NULL;
    void *descriptor = NULL;
    int code = pipe_name(&name, pipe->session, err);

    if (code == 0) {
        descriptor = win32_private_descriptor("GRGW", &why);
        code = descriptor ? 0 : error_set(err, why.code, "%s", why.message);
    }
    for (int i = 0; i < INSTANCES && code == 0; i++) {
        code = make_instance(&pipe->instances[i], name, descriptor, i == 0, err);
    }
    for (int i = 0; i < INSTANCES && code == 0; i++) {
        code = thread_start(&pipe->instances[i].thread, "np-pipe", run, &pipe->instances[i], err);
    }
    LocalFree(descriptor);
    free(name);
    return code;
}

int np_pipe_start(struct np_pipe **out, np_answer_fn answer, void *payload, struct error *err)
{
    struct np_pipe *pipe = calloc(1, sizeof(*pipe));
    int code = 0;

    if (!pipe) {
        return error_set(err, ERR_NO_MEMORY, "no memory for the network provider");
    }
    pipe->answer = answer;
    pipe->payload = payload;
    for (int i = 0; i < INSTANCES; i++) {
        pipe->instances[i].owner = pipe;
        pipe->instances[i].pipe = INVALID_HANDLE_VALUE;
    }
    pipe->stop = CreateEventW(NULL, TRUE, FALSE, NULL);
    if (!pipe->stop || !ProcessIdToSessionId(GetCurrentProcessId(), &pipe->session)) {
        code = win32_failed(err, GetLastError(), "no pipe for the network provider");
    }
    if (code == 0) {
        code = make_instances(pipe, err);
    }
    if (code < 0) {
        np_pipe_stop(pipe);
        return code;
    }
    *out = pipe;
    return 0;
}

void np_pipe_stop(struct np_pipe *pipe)
{
    if (!pipe) {
        return;
    }
    if (pipe->stop) {
        SetEvent(pipe->stop);
    }
    for (int i = 0; i < INSTANCES; i++) {
        struct instance *instance = &pipe->instances[i];

        thread_join(&instance->thread);
        if (instance->pipe != INVALID_HANDLE_VALUE) {
            CloseHandle(instance->pipe);
        }
        if (instance->done) {
            CloseHandle(instance->done);
        }
    }
    if (pipe->stop) {
        CloseHandle(pipe->stop);
    }
    free(pipe);
}
