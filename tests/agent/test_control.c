#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "control.h"
#include "test.h"

struct fixture {
    char *directory;
    char *path;
    struct control *control;
    atomic_int seen_cancel;
    atomic_int running;
};

static int handle(void *payload, const struct control_request *request, cJSON **result,
                  struct error *err)
{
    struct fixture *f = payload;
    const struct timespec pause = {.tv_nsec = 5 * 1000 * 1000};

    if (strcmp(request->command, "echo") == 0) {
        cJSON *event = cJSON_CreateObject();

        cJSON_AddStringToObject(event, "type", "hello");
        request->send_event(request, event);
        *result = cJSON_Duplicate(request->arguments, true);
        return 0;
    }
    if (strcmp(request->command, "wait") == 0) {
        atomic_fetch_add(&f->running, 1);
        while (!request->is_cancelled(request)) {
            nanosleep(&pause, NULL);
        }
        atomic_fetch_add(&f->seen_cancel, 1);
        return error_set(err, ERR_CANCELLED, "nobody waits");
    }
    return error_set(err, ERR_SIGNED_OUT, "no such thing as '%s'", request->command);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    if (!f || file_make_temporary_directory(&f->directory, "mooring-control", NULL) != 0 ||
        str_format(&f->path, NULL, "%s/agent.sock", f->directory) != 0) {
        return -1;
    }
    *state = f;
    return control_start(&f->control, f->path, handle, f, NULL);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    control_stop(f->control);
    file_remove_tree(f->directory, NULL);
    free(f->directory);
    free(f->path);
    free(f);
    return 0;
}

static int connect_raw(const struct fixture *f)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    memcpy(address.sun_path, f->path, strlen(f->path) + 1);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

/* What the agent answers until it closes. */
static void read_raw(int fd, char *out, size_t size)
{
    size_t used = 0;
    ssize_t got;

    while (used + 1 < size && (got = recv(fd, out + used, size - 1 - used, 0)) > 0) {
        used += (size_t)got;
    }
    out[used] = '\0';
}

static void count_event(void *payload, const cJSON *event)
{
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(event, "type")),
                        "hello");
    (*(int *)payload)++;
}

static void control_call__brings_events_and_the_result(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    cJSON *arguments = cJSON_CreateObject();
    cJSON *result = NULL;
    int events = 0;

    cJSON_AddStringToObject(arguments, "url", "https://x/ü");
    assert_int_equal(control_call(&result, f->path, "echo", arguments, count_event, &events, &err),
                     0);
    assert_int_equal(events, 1);
    assert_true(cJSON_Compare(arguments, result, true));
    cJSON_Delete(arguments);
    cJSON_Delete(result);
}

static void control_call__brings_the_agents_error(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    cJSON *result = NULL;

    assert_int_equal(control_call(&result, f->path, "nonsense", NULL, NULL, NULL, &err),
                     ERR_SIGNED_OUT);
    assert_string_equal(err.message, "no such thing as 'nonsense'");
    assert_null(result);
}

static void control_call__says_when_no_agent_runs(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    cJSON *result = NULL;
    char *path = NULL;

    assert_int_equal(str_format(&path, NULL, "%s/none.sock", f->directory), 0);
    assert_int_equal(control_call(&result, path, "echo", NULL, NULL, NULL, &err), ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, "mooring agent"));
    free(path);
}

static void control__is_for_the_user_alone(void **state)
{
    struct fixture *f = *state;
    struct stat st;

    assert_int_equal(stat(f->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void control__refuses_what_is_no_request(void **state)
{
    static const char *const lines[] = {"nonsense\n", "[1]\n", "{\"arguments\":{}}\n",
                                        "{\"command\":7}\n"};
    struct fixture *f = *state;
    char answer[1000];

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        int fd = connect_raw(f);

        assert_true(send(fd, lines[i], strlen(lines[i]), MSG_NOSIGNAL) > 0);
        read_raw(fd, answer, sizeof(answer));
        assert_non_null(strstr(answer, "\"error\""));
        close(fd);
    }
}

static void control__limits_a_request(void **state)
{
    struct fixture *f = *state;
    char block[8192];
    char answer[1000];
    int fd = connect_raw(f);

    memset(block, 'x', sizeof(block));
    for (int i = 0; i < 10; i++) {
        if (send(fd, block, sizeof(block), MSG_NOSIGNAL) < 0) {
            break;
        }
    }
    read_raw(fd, answer, sizeof(answer));
    assert_true(strstr(answer, "LIMIT") || !*answer); /* or reset, with our bytes still unread */
    close(fd);
}

static void wait_for(atomic_int *what, int wanted)
{
    const struct timespec pause = {.tv_nsec = 5 * 1000 * 1000};
    int64_t end = clock_mono_ms(clock_system()) + 20000;

    while (atomic_load(what) < wanted) {
        assert_true(clock_mono_ms(clock_system()) < end);
        nanosleep(&pause, NULL);
    }
}

static void control__cancels_when_the_client_goes(void **state)
{
    struct fixture *f = *state;
    int fd = connect_raw(f);

    assert_true(send(fd, "{\"command\":\"wait\"}\n", 19, MSG_NOSIGNAL) > 0);
    wait_for(&f->running, 1);
    close(fd);
    wait_for(&f->seen_cancel, 1);
}

static void control__turns_the_seventeenth_away_and_stops_with_all(void **state)
{
    struct fixture *f = *state;
    char answer[1000];
    int fds[17];

    for (int i = 0; i < 16; i++) {
        fds[i] = connect_raw(f);
        assert_true(send(fds[i], "{\"command\":\"wait\"}\n", 19, MSG_NOSIGNAL) > 0);
    }
    wait_for(&f->running, 16);
    fds[16] = connect_raw(f);
    read_raw(fds[16], answer, sizeof(answer));
    assert_non_null(strstr(answer, "BUSY"));
    control_stop(f->control);
    f->control = NULL;
    assert_int_equal(atomic_load(&f->seen_cancel), 16);
    for (int i = 0; i < 17; i++) {
        close(fds[i]);
    }
    assert_false(file_exists(f->path));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(control_call__brings_events_and_the_result),
        TEST(control_call__brings_the_agents_error),
        TEST(control_call__says_when_no_agent_runs),
        TEST(control__is_for_the_user_alone),
        TEST(control__refuses_what_is_no_request),
        TEST(control__limits_a_request),
        TEST(control__cancels_when_the_client_goes),
        TEST(control__turns_the_seventeenth_away_and_stops_with_all),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
