/* test_event_log.c - what the local syslog daemon gets, and that nobody waits for it. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "base/event_log.h"
#include "base/file.h"
#include "base/str.h"
#include "test.h"

struct daemon {
    char *folder;
    char *path;
    int fd;
    struct event_log *log;
};

static int set_up(void **state)
{
    struct daemon *d = calloc(1, sizeof(*d));
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    assert_non_null(d);
    assert_int_equal(file_make_temporary_directory(&d->folder, "mooring-test", NULL), 0);
    assert_int_equal(str_format(&d->path, NULL, "%s/log", d->folder), 0);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", d->path);
    d->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(d->fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(event_log_open(&d->log, "Mooring", d->path, NULL), 0);
    *state = d;
    return 0;
}

static int tear_down(void **state)
{
    struct daemon *d = *state;

    event_log_close(d->log);
    close(d->fd);
    file_remove_tree(d->folder, NULL);
    free(d->folder);
    free(d->path);
    free(d);
    return 0;
}

static void expect(const struct daemon *d, int priority, const char *rest)
{
    char wanted[1100];
    char got[1100];
    ssize_t size = recv(d->fd, got, sizeof(got) - 1, 0);

    assert_true(size > 0);
    got[size] = '\0';
    snprintf(wanted, sizeof(wanted), "<%d>Mooring[%ld]: %s", priority, (long)getpid(), rest);
    assert_string_equal(got, wanted);
}

static void event_log_write__sends_one_line_with_its_severity(void **state)
{
    const struct daemon *d = *state;

    event_log_write(d->log, EVENT_INFO, 1, "started");
    event_log_write(d->log, EVENT_WARNING, 32, "two versions");
    event_log_write(d->log, EVENT_ERROR, 41, "a 'name\n<0>forged: line' is bad");
    expect(d, LOG_USER | LOG_INFO, "[1] started");
    expect(d, LOG_USER | LOG_WARNING, "[32] two versions");
    expect(d, LOG_USER | LOG_ERR, "[41] a 'name <0>forged: line' is bad");
}

static void event_log_write__cuts_what_a_receiver_need_not_take(void **state)
{
    const struct daemon *d = *state;
    char text[4000];
    char got[4000];

    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    event_log_write(d->log, EVENT_INFO, 1, text);
    assert_in_range(recv(d->fd, got, sizeof(got), 0), 900, 1024);
}

/* A test that hangs here has shown the opposite. */
static void event_log_write__does_not_wait_for_a_daemon_that_hangs(void **state)
{
    const struct daemon *d = *state;

    for (int i = 0; i < 2000; i++) {
        event_log_write(d->log, EVENT_INFO, 1, "nobody reads this");
    }
}

static void event_log_write__finds_a_daemon_that_came_later(void **state)
{
    struct daemon *d = *state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    close(d->fd);
    unlink(d->path);
    event_log_write(d->log, EVENT_INFO, 1, "lost");
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", d->path);
    d->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(d->fd, (struct sockaddr *)&address, sizeof(address)), 0);
    event_log_write(d->log, EVENT_INFO, 2, "heard");
    expect(d, LOG_USER | LOG_INFO, "[2] heard");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(event_log_write__sends_one_line_with_its_severity, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(event_log_write__cuts_what_a_receiver_need_not_take, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(event_log_write__does_not_wait_for_a_daemon_that_hangs,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(event_log_write__finds_a_daemon_that_came_later, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
