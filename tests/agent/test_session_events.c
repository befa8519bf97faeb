/*
 * What the system's event log is told of a session: each thing once, as much as EventLog says. The
 * log is a socket of the test's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/str.h"
#include "session_events.h"
#include "session_fixture.h"
#include "test.h"

#define LOOKS 3

/* Replaces the session's own event log. */
static int listen_to(struct fixture *f)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s/log", f->paths.runtime);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    session_events_stop(f->session->events);
    f->session->events = NULL;
    assert_int_equal(session_events_start(&f->session->events, f->session, address.sun_path, NULL),
                     0);
    return fd;
}

static void stop_listening(struct fixture *f, int fd)
{
    session_events_stop(f->session->events);
    f->session->events = NULL;
    close(fd);
}

/* How often the event came, of all that were told until now and not read yet. */
struct told {
    char text[16384];
};

static void read_told(struct told *told, int fd)
{
    size_t used = 0;
    ssize_t size;

    while ((size = recv(fd, told->text + used, sizeof(told->text) - used - 2, 0)) > 0) {
        used += (size_t)size;
        told->text[used++] = '\n';
    }
    told->text[used] = '\0';
}

static unsigned count(const struct told *told, enum session_event event)
{
    char mark[16];
    unsigned found = 0;

    snprintf(mark, sizeof(mark), ": [%d] ", (int)event);
    for (const char *at = strstr(told->text, mark); at; at = strstr(at + 1, mark)) {
        found++;
    }
    return found;
}

static void look(const struct fixture *f)
{
    for (int i = 0; i < LOOKS; i++) {
        session_events_look(f->session->events);
    }
}

static void session_events__tell_a_sign_in_once(void **state)
{
    struct fixture *f = begin(state);
    struct told told;
    int fd;

    start(f, ONE "SignIn: DeviceCode\nEventLog: All\n");
    fd = listen_to(f);
    wait_for_account(f, "userCode", "*");
    look(f);
    read_told(&told, fd);
    assert_int_equal(count(&told, SESSION_EVENT_AGENT_STARTED), 1);
    assert_int_equal(count(&told, SESSION_EVENT_SIGN_IN_NEEDED), 1);
    assert_int_equal(count(&told, SESSION_EVENT_SIGNED_IN), 0);
    sign_in(f);
    look(f);
    read_told(&told, fd);
    assert_int_equal(count(&told, SESSION_EVENT_SIGNED_IN), 1);
    assert_non_null(strstr(told.text, "contoso.onmicrosoft.com"));
    assert_int_equal(count(&told, SESSION_EVENT_SIGN_IN_NEEDED), 0);
    stop_listening(f, fd);
    stop(f);
}

static void session_events__tell_errors_only_when_that_is_asked_for(void **state)
{
    struct fixture *f = begin(state);
    struct told told;
    int fd;

    start(f, ONE "SignIn: DeviceCode\n"); /* Errors is the default */
    fd = listen_to(f);
    wait_for_account(f, "userCode", "*");
    sign_in(f);
    look(f);
    read_told(&told, fd);
    assert_int_equal(count(&told, SESSION_EVENT_SIGN_IN_NEEDED), 1);
    assert_int_equal(count(&told, SESSION_EVENT_AGENT_STARTED), 0);
    assert_int_equal(count(&told, SESSION_EVENT_SIGNED_IN), 0);
    stop_listening(f, fd);
    stop(f);
}

static void session_events__tell_what_failed_and_that_it_is_over(void **state)
{
    struct fixture *f = begin(state);
    struct told told;
    int fd;

    start(f, "EventLog: All\n");
    fd = listen_to(f);
    look(f);
    read_told(&told, fd);
    mutex_lock(&f->session->mutex);
    error_set(&f->session->mount_error, ERR_IO, "somebody unmounted it");
    f->session->failed_steps = 2;
    error_set(&f->session->failed_step, ERR_BUSY, "the letter is taken");
    mutex_unlock(&f->session->mutex);
    look(f);
    read_told(&told, fd);
    assert_int_equal(count(&told, SESSION_EVENT_NOT_MOUNTED), 1);
    assert_non_null(strstr(told.text, "somebody unmounted it"));
    assert_int_equal(count(&told, SESSION_EVENT_MAPPING_FAILED), 1);
    assert_non_null(strstr(told.text, "the letter is taken"));
    mutex_lock(&f->session->mutex);
    error_clear(&f->session->mount_error);
    f->session->failed_steps = 0;
    mutex_unlock(&f->session->mutex);
    look(f);
    read_told(&told, fd);
    assert_int_equal(count(&told, SESSION_EVENT_MOUNTED_AGAIN), 1);
    assert_int_equal(count(&told, SESSION_EVENT_MAPPING_FAILED), 0);
    stop_listening(f, fd);
    stop(f);
}

static void change(struct fixture *f, const char *yaml)
{
    struct error err = {0};

    write_policy(f, yaml);
    if (session_reload(f->session, &err) < 0) {
        fail_msg("session_reload: %s", err.message);
    }
}

static void session_events__tell_of_policy_and_obey_it(void **state)
{
    struct fixture *f = begin(state);
    struct told told;
    int fd;

    start_live(f, "EventLog: All\n");
    fd = listen_to(f);
    look(f);
    read_told(&told, fd);
    assert_int_equal(count(&told, SESSION_EVENT_POLICY_CHANGED), 0); /* it is the first one */
    assert_int_equal(count(&told, SESSION_EVENT_POLICY_WARNINGS), 0);
    change(f, "EventLog: All\nCacheMinutes: many\n");
    look(f);
    read_told(&told, fd);
    assert_int_equal(count(&told, SESSION_EVENT_POLICY_CHANGED), 1);
    assert_int_equal(count(&told, SESSION_EVENT_POLICY_WARNINGS), 1);
    assert_non_null(strstr(told.text, "CacheMinutes"));
    change(f, "a: [\n");
    look(f);
    read_told(&told, fd);
    assert_int_equal(count(&told, SESSION_EVENT_POLICY_BROKEN), 1);
    change(f, "EventLog: Off\nCacheMinutes: many\n");
    look(f);
    stop_listening(f, fd);
    stop(f);
}

static void session_events__are_silent_when_policy_wants_it(void **state)
{
    struct fixture *f = begin(state);
    struct told told;
    int fd;

    start(f, ONE "SignIn: DeviceCode\nEventLog: Off\n");
    fd = listen_to(f);
    wait_for_account(f, "userCode", "*");
    look(f);
    session_events_stop(f->session->events);
    f->session->events = NULL;
    read_told(&told, fd);
    assert_string_equal(told.text, "");
    close(fd);
    stop(f);
}

/* Windows has the numbers in a file of its own. */
static void session_events__are_in_the_message_file_of_windows(void **state)
{
    static const struct {
        const char *name;
        unsigned number;
        const char *kind;
    } events[] = {
#define ROW(name, number, kind) {#name, number, #kind},
        SESSION_EVENTS(ROW)
#undef ROW
    };
    struct buf file;

    (void)state;
    buf_init(&file, 1 << 20);
    assert_int_equal(file_read_all(&file, MESSAGE_FILE, NULL), 0);
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        const char *severity = strcmp(events[i].kind, "INFO") == 0      ? "Informational"
                               : strcmp(events[i].kind, "WARNING") == 0 ? "Warning"
                                                                        : "Error";
        char entry[300];

        snprintf(entry, sizeof(entry),
                 "MessageId=%u\nSeverity=%s\nFacility=Application\nSymbolicName=MOORING_%s\n"
                 "Language=English\n%%1\n.\n",
                 events[i].number, severity, events[i].name);
        if (!strstr(buf_text(&file), entry)) {
            fail_msg("not in messages.mc: %s", entry);
        }
    }
    buf_clear(&file);
}

#define WITH_SESSION(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(session_events__are_in_the_message_file_of_windows),
        WITH_SESSION(session_events__tell_a_sign_in_once),
        WITH_SESSION(session_events__tell_errors_only_when_that_is_asked_for),
        WITH_SESSION(session_events__tell_what_failed_and_that_it_is_over),
        WITH_SESSION(session_events__tell_of_policy_and_obey_it),
        WITH_SESSION(session_events__are_silent_when_policy_wants_it),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
