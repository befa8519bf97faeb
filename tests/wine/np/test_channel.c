/*
 * test_channel.c - the pipes of the agent as others meet them: the control channel
 * (agent/win32/channel.c) and that of the network provider (agent/win32/np_pipe.c). Wine runs
 * everything as one user and lets in whoever asks; so that another user is kept out is seen by what
 * stands in the descriptor.
 */
#include <stdlib.h>
#include <string.h>
#include <windows.h>
#include <aclapi.h>
#include <sddl.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/thread.h"
#include "base/win32.h"
#include "channel.h"
#include "np_answer.h"
#include "np_pipe.h"
#include "test.h"

enum { LONG_MS = 30000, CLIENTS = 17 };

static char *channel_name(const char *what)
{
    char *name = NULL;

    assert_int_equal(str_format(&name, NULL, "\\\\.\\pipe\\mooring-test-%s-%lu", what,
                                (unsigned long)GetCurrentProcessId()),
                     0);
    return name;
}

/* A pipe that another program made: with `owner` ("SY", or the user's own SID), and no more than one
 * instance. */
static HANDLE foreign_pipe(const char *name, const char *owner)
{
    SECURITY_ATTRIBUTES security = {.nLength = sizeof(security)};
    wchar_t *wide = NULL;
    wchar_t *sddl = NULL;
    char *text = NULL;
    HANDLE pipe;

    assert_int_equal(str_format(&text, NULL, "O:%sD:(A;;GA;;;WD)", owner), 0);
    assert_int_equal(win32_wide(&sddl, text, NULL), 0);
    assert_int_equal(win32_wide(&wide, name, NULL), 0);
    assert_true(ConvertStringSecurityDescriptorToSecurityDescriptorW(
        sddl, SDDL_REVISION_1, &security.lpSecurityDescriptor, NULL));
    pipe = CreateNamedPipeW(wide, PIPE_ACCESS_DUPLEX, PIPE_TYPE_BYTE | PIPE_WAIT, 1, 4096, 4096, 0,
                            &security);
    assert_true(pipe != INVALID_HANDLE_VALUE);
    LocalFree(security.lpSecurityDescriptor);
    free(wide);
    free(sddl);
    free(text);
    return pipe;
}

struct client {
    const char *name;
    struct channel *channel;
    struct error err;
    int code;
    struct thread thread;
};

static void *connect_client(void *payload)
{
    struct client *client = payload;

    client->code = channel_connect(&client->channel, client->name, &client->err);
    return NULL;
}

/* Both ends of a channel. */
static void make_pair(const char *name, struct channel_listener **listener, struct channel **server,
                      struct channel **client)
{
    struct client connecting = {.name = name};

    assert_int_equal(channel_listen(listener, name, NULL), 0);
    assert_int_equal(thread_start(&connecting.thread, "client", connect_client, &connecting, NULL),
                     0);
    assert_int_equal(channel_accept(server, *listener, LONG_MS, NULL), 0);
    thread_join(&connecting.thread);
    assert_int_equal(connecting.code, 0);
    *client = connecting.channel;
}

static void channel__carries_bytes_both_ways(void **state)
{
    struct channel_listener *listener = NULL;
    struct channel *server = NULL;
    struct channel *client = NULL;
    char *name = channel_name("pair");
    char data[16] = "";
    size_t got = 0;

    (void)state;
    make_pair(name, &listener, &server, &client);
    assert_int_equal(channel_write(client, "question", 8, NULL), 0);
    assert_int_equal(channel_read(server, data, sizeof(data), &got, 0, NULL), 0);
    assert_int_equal(got, 8);
    assert_memory_equal(data, "question", 8);
    assert_int_equal(channel_write(server, "answer", 6, NULL), 0);
    channel_end(server);
    assert_int_equal(channel_read(client, data, sizeof(data), &got, 0, NULL), 0);
    assert_memory_equal(data, "answer", 6);
    assert_int_equal(channel_read(client, data, sizeof(data), &got, 0, NULL), ERR_UNREACHABLE);
    assert_true(channel_is_gone(client));
    channel_close(client);
    channel_close(server);
    channel_listener_free(listener);
    free(name);
}

static void channel_connect__says_that_nobody_listens(void **state)
{
    struct channel *channel = NULL;
    struct error err = {0};
    char *name = channel_name("nobody");

    (void)state;
    assert_int_equal(channel_connect(&channel, name, &err), ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, "no agent runs in this session"));
    free(name);
}

static void channel_connect__refuses_the_pipe_of_another_user(void **state)
{
    struct channel *channel = NULL;
    struct error err = {0};
    char *name = channel_name("other");
    HANDLE pipe = foreign_pipe(name, "SY");
    DWORD waiting = 0;

    (void)state;
    assert_int_equal(channel_connect(&channel, name, &err), ERR_DENIED);
    assert_non_null(strstr(err.message, "belongs to another user"));
    PeekNamedPipe(pipe, NULL, 0, NULL, &waiting, NULL);
    assert_int_equal(waiting, 0); /* and was sent nothing */
    CloseHandle(pipe);
    free(name);
}

static void channel_listen__refuses_a_squatted_name(void **state)
{
    struct channel_listener *listener = NULL;
    struct error err = {0};
    char *name = channel_name("squat");
    HANDLE pipe = foreign_pipe(name, "SY");

    (void)state;
    assert_int_equal(channel_listen(&listener, name, &err), ERR_BUSY);
    assert_null(listener);
    CloseHandle(pipe);
    assert_int_equal(channel_listen(&listener, name, &err), 0);
    channel_listener_free(listener);
    free(name);
}

static void channel_read__gives_up_a_server_that_hangs(void **state)
{
    struct channel_listener *listener = NULL;
    struct channel *server = NULL;
    struct channel *client = NULL;
    char *name = channel_name("hang");
    char data[16];
    size_t got = 0;

    (void)state;
    make_pair(name, &listener, &server, &client);
    assert_int_equal(
        channel_read(client, data, sizeof(data), &got, clock_mono_ms(clock_system()) + 50, NULL),
        ERR_TIMED_OUT);
    /* what came too late is not lost */
    assert_int_equal(channel_write(server, "late", 4, NULL), 0);
    assert_int_equal(channel_read(client, data, sizeof(data), &got, 0, NULL), 0);
    assert_int_equal(got, 4);
    channel_close(client);
    channel_close(server);
    channel_listener_free(listener);
    free(name);
}

struct reader {
    struct channel *channel;
    int code;
};

static void *read_on(void *payload)
{
    struct reader *reader = payload;
    char data[16];
    size_t got = 0;

    reader->code = channel_read(reader->channel, data, sizeof(data), &got, 0, NULL);
    return NULL;
}

static void channel_wake__ends_who_reads(void **state)
{
    struct channel_listener *listener = NULL;
    struct channel *server = NULL;
    struct channel *client = NULL;
    char *name = channel_name("wake");
    struct thread thread;
    struct reader reader;

    (void)state;
    make_pair(name, &listener, &server, &client);
    reader = (struct reader){.channel = client};
    assert_int_equal(thread_start(&thread, "reader", read_on, &reader, NULL), 0);
    channel_wake(client);
    thread_join(&thread);
    assert_int_equal(reader.code, ERR_UNREACHABLE);
    channel_close(client);
    channel_close(server);
    channel_listener_free(listener);
    free(name);
}

static void channel_accept__ends_when_told(void **state)
{
    struct channel_listener *listener = NULL;
    struct channel *channel = NULL;
    char *name = channel_name("stop");

    (void)state;
    assert_int_equal(channel_listen(&listener, name, NULL), 0);
    assert_int_equal(channel_accept(&channel, listener, 20, NULL), ERR_TIMED_OUT);
    channel_stop(listener);
    assert_int_equal(channel_accept(&channel, listener, -1, NULL), ERR_CANCELLED);
    channel_listener_free(listener);
    free(name);
}

/* The descriptor lets in the user and the system, and nobody else. */
static void assert_private(HANDLE pipe)
{
    PSECURITY_DESCRIPTOR descriptor = NULL;
    wchar_t *wide = NULL;
    char *sid = NULL;
    PSID owner = NULL;
    PSID user = NULL;
    PACL acl = NULL;

    assert_int_equal(GetSecurityInfo(pipe, SE_KERNEL_OBJECT,
                                     OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION, &owner,
                                     NULL, &acl, NULL, &descriptor),
                     ERROR_SUCCESS);
    assert_int_equal(win32_user_sid(&sid, NULL), 0);
    assert_int_equal(win32_wide(&wide, sid, NULL), 0);
    assert_true(ConvertStringSidToSidW(wide, &user));
    assert_true(EqualSid(owner, user));
    assert_non_null(acl);
    assert_true(acl->AceCount > 0);
    for (DWORD i = 0; i < acl->AceCount; i++) {
        ACCESS_ALLOWED_ACE *ace = NULL;

        assert_true(GetAce(acl, i, (void **)&ace));
        assert_int_equal(ace->Header.AceType, ACCESS_ALLOWED_ACE_TYPE);
        assert_true(EqualSid(&ace->SidStart, user) ||
                    IsWellKnownSid(&ace->SidStart, WinLocalSystemSid));
    }
    LocalFree(user);
    LocalFree(descriptor);
    free(wide);
    free(sid);
}

static HANDLE open_pipe(const char *name)
{
    int64_t end = clock_mono_ms(clock_system()) + LONG_MS;
    wchar_t *wide = NULL;
    HANDLE pipe;

    assert_int_equal(win32_wide(&wide, name, NULL), 0);
    do {
        pipe = CreateFileW(wide, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
        if (pipe == INVALID_HANDLE_VALUE) {
            WaitNamedPipeW(wide, 100);
        }
    } while (pipe == INVALID_HANDLE_VALUE && clock_mono_ms(clock_system()) < end);
    free(wide);
    assert_true(pipe != INVALID_HANDLE_VALUE);
    return pipe;
}

static void channel_listen__lets_nobody_else_in(void **state)
{
    struct channel_listener *listener = NULL;
    char *name = channel_name("private");
    HANDLE pipe;

    (void)state;
    assert_int_equal(channel_listen(&listener, name, NULL), 0);
    pipe = open_pipe(name);
    assert_private(pipe);
    CloseHandle(pipe);
    channel_listener_free(listener);
    free(name);
}

/* --- the network provider's --- */

static size_t echo(void *payload, void *out, const void *question, size_t size)
{
    (void)payload;
    memcpy(out, question, size);
    ((char *)out)[size] = '!';
    return size + 1;
}

static char *provider_pipe(void)
{
    DWORD session = 0;
    char *name = NULL;
    char *sid = NULL;

    assert_int_equal(win32_user_sid(&sid, NULL), 0);
    assert_true(ProcessIdToSessionId(GetCurrentProcessId(), &session));
    assert_int_equal(
        str_format(&name, NULL, "%s%s-%lu", NP_PIPE_PREFIX, sid, (unsigned long)session), 0);
    free(sid);
    return name;
}

static void ask(HANDLE pipe, const char *question)
{
    DWORD mode = PIPE_READMODE_MESSAGE;
    char answer[64] = "";
    char *wanted = NULL;
    DWORD got = 0;

    assert_true(SetNamedPipeHandleState(pipe, &mode, NULL, NULL));
    assert_true(TransactNamedPipe(pipe, (void *)(uintptr_t)question, (DWORD)strlen(question),
                                  answer, sizeof(answer) - 1, &got, NULL));
    assert_int_equal(str_format(&wanted, NULL, "%s!", question), 0);
    assert_string_equal(answer, wanted);
    free(wanted);
}

static void np_pipe__answers_one_question_a_client(void **state)
{
    char *name = provider_pipe();
    struct np_pipe *pipe = NULL;
    struct np_pipe *second = NULL;
    HANDLE client;

    (void)state;
    assert_int_equal(np_pipe_start(&pipe, echo, NULL, NULL), 0);
    for (int i = 0; i < 2 * CLIENTS; i++) {
        client = open_pipe(name);
        if (i == 0) {
            assert_private(client);
        }
        ask(client, "a question");
        CloseHandle(client);
    }
    assert_int_equal(np_pipe_start(&second, echo, NULL, NULL), ERR_BUSY);
    np_pipe_stop(pipe);
    assert_int_equal(np_pipe_start(&second, echo, NULL, NULL), 0);
    np_pipe_stop(second);
    free(name);
}

/* Clients that take every instance and say nothing: the next one has its turn all the same. */
static void np_pipe__drops_who_says_nothing(void **state)
{
    char *name = provider_pipe();
    struct np_pipe *pipe = NULL;
    HANDLE clients[CLIENTS];

    (void)state;
    assert_int_equal(np_pipe_start(&pipe, echo, NULL, NULL), 0);
    for (int i = 0; i < CLIENTS; i++) { /* one more than there are instances */
        clients[i] = open_pipe(name);
    }
    ask(clients[CLIENTS - 1], "late");
    for (int i = 0; i < CLIENTS; i++) {
        CloseHandle(clients[i]);
    }
    np_pipe_stop(pipe);
    free(name);
}

static void np_pipe__ends_while_clients_are_there(void **state)
{
    char *name = provider_pipe();
    struct np_pipe *pipe = NULL;
    HANDLE client;

    (void)state;
    assert_int_equal(np_pipe_start(&pipe, echo, NULL, NULL), 0);
    client = open_pipe(name);
    np_pipe_stop(pipe);
    CloseHandle(client);
    free(name);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(channel__carries_bytes_both_ways),
        cmocka_unit_test(channel_connect__says_that_nobody_listens),
        cmocka_unit_test(channel_connect__refuses_the_pipe_of_another_user),
        cmocka_unit_test(channel_listen__refuses_a_squatted_name),
        cmocka_unit_test(channel_read__gives_up_a_server_that_hangs),
        cmocka_unit_test(channel_wake__ends_who_reads),
        cmocka_unit_test(channel_accept__ends_when_told),
        cmocka_unit_test(channel_listen__lets_nobody_else_in),
        cmocka_unit_test(np_pipe__answers_one_question_a_client),
        cmocka_unit_test(np_pipe__drops_who_says_nothing),
        cmocka_unit_test(np_pipe__ends_while_clients_are_there),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests_name("channel", tests, NULL, NULL) ? 1 : 0;
}
