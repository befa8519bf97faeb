/*
 * One agent's session inside the test, on a simulated tenant and a real mount: its life cycle, what
 * happens between threads, and the sign-ins. Skipped where /dev/fuse cannot be opened.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/process.h"
#include "base/str.h"
#include "session_fixture.h"
#include "test.h"

static void unmount(const struct fixture *f)
{
    const char *argv[] = {"fusermount3", "-u", "-z", f->root, NULL};
    struct process_options options = {.argv = argv};
    struct process *process = NULL;
    int exit_code = -1;

    assert_int_equal(process_start(&process, &options, NULL), 0);
    assert_int_equal(process_wait(process, &exit_code, WAIT_MS, NULL), 0);
    process_free(process);
    assert_int_equal(exit_code, 0);
}

static bool has_tokens(const struct fixture *f)
{
    DIR *dir = opendir(f->paths.tokens);
    const struct dirent *entry;
    bool has_any = false;

    while (dir && (entry = readdir(dir)) != NULL) {
        has_any = has_any || str_ends_with(entry->d_name, ".json");
    }
    if (dir) {
        closedir(dir);
    }
    return has_any;
}

static void wait_until_no_tokens(const struct fixture *f)
{
    int64_t end = clock_mono_ms(clock_system()) + WAIT_MS;

    while (has_tokens(f)) {
        assert_true(clock_mono_ms(clock_system()) < end);
        pause_ms(50);
    }
}

/* --- life --- */

static void session_retry_ms__never_ends_in_a_storm(void **state)
{
    const int64_t hour = 3600000;

    (void)state;
    assert_int_equal(session_retry_ms(1, ERR_UNREACHABLE, hour), 5000);
    for (unsigned failures = 1; failures < 200; failures++) {
        assert_in_range(session_retry_ms(failures, ERR_UNREACHABLE, hour), 5000, 60000);
        assert_in_range(session_retry_ms(failures, ERR_SERVER, hour), 5000, 600000);
        assert_in_range(session_retry_ms(failures, ERR_SIGNED_OUT, hour), 5000, hour);
        assert_in_range(session_retry_ms(failures, ERR_DENIED, 300000), 5000, 300000);
    }
    assert_int_equal(session_retry_ms(UINT_MAX, ERR_SIGNED_OUT, hour), hour);
    assert_int_equal(session_retry_ms(60, ERR_UNREACHABLE, hour), 60000);
}

static void session_start__shows_what_the_last_one_knew(void **state)
{
    struct fixture *f = begin(state);

    start(f, BOTH "SignIn: DeviceCode\n");
    /* The search goes on until its progress was shown, however quick it is. */
    tenant_tell(f->tenant, "faults",
                "{'match':{'path':'**/search/query'},'count':-1,"
                "'action':{'status':503,'headers':{'Retry-After':'2'}}}");
    approve_first(f);
    wait_for_progress(f);
    tenant_tell(f->tenant, "clear-faults", NULL);
    wait_for_account(f, "discovered", "*");
    assert_true(atomic_load(&f->said) > 0);
    stop(f);
    tenant_tell(f->tenant, "clear-log", NULL);
    start(f, BOTH "SignIn: SilentOnly\n");
    assert_int_equal(list(f, "contoso/finance"), 0);
    assert_int_equal(list(f, "contoso/finance/Reports"), 0);
}

static void session_start__is_refused_while_another_runs(void **state)
{
    struct fixture *f = begin(state);
    struct session *second = NULL;
    struct error err = {0};

    start(f, ONE "SignIn: SilentOnly\n");
    assert_int_equal(try_start(f, ONE, false, &second, &err), ERR_BUSY);
    assert_non_null(strstr(err.message, "runs already"));
    assert_null(second);
    wait_for_account(f, "state", "signed-out"); /* the first answers, and goes on */
}

static void session_start__says_why_it_cannot_mount(void **state)
{
    struct fixture *f = begin(state);
    struct error err = {0};
    char *path = NULL;

    assert_int_equal(str_format(&path, NULL, "%s/mine.txt", f->root), 0);
    assert_int_equal(file_make_directories(f->root, NULL), 0);
    assert_int_equal(file_write_atomic(path, "x", 1, NULL), 0);
    assert_int_equal(try_start(f, ONE, false, &f->session, &err), ERR_BUSY);
    assert_non_null(strstr(err.message, "not empty"));
    assert_true(file_exists(path));
    free(path);
}

/* Asks until it is told to end: the agent may be there or not. */
struct asker {
    const struct fixture *f;
    const char *command;
    atomic_bool is_over;
    struct thread thread;
};

static void *ask(void *payload)
{
    struct asker *asker = payload;
    cJSON *arguments = cJSON_CreateObject();

    cJSON_AddStringToObject(arguments, "url", "https://contoso.sharepoint.com/sites/finance");
    cJSON_AddStringToObject(arguments, "tenant", "contoso.onmicrosoft.com");
    cJSON_AddBoolToObject(arguments, "deviceCode", true);
    while (!atomic_load(&asker->is_over)) {
        cJSON *result = NULL;

        control_call(&result, asker->f->paths.socket, asker->command, arguments, NULL, NULL, NULL);
        cJSON_Delete(result);
    }
    cJSON_Delete(arguments);
    return NULL;
}

static void session_stop__may_come_at_any_time(void **state)
{
    static const char *const commands[] = {"status", "plan",    "explain",
                                           "login",  "refresh", "logout"};
    struct fixture *f = begin(state);
    struct asker askers[6] = {{0}};

    for (size_t i = 0; i < 6; i++) {
        askers[i].f = f;
        askers[i].command = commands[i];
        assert_int_equal(thread_start(&askers[i].thread, "asker", ask, &askers[i], NULL), 0);
    }
    for (int i = 0; i < 6; i++) {
        start(f, BOTH "SignIn: DeviceCode\nDrainSeconds: 0\n");
        for (int k = 0; k < 5 + 20 * i; k++) {
            session_tick(f->session);
            pause_ms(2);
        }
        stop(f);
    }
    for (size_t i = 0; i < 6; i++) {
        atomic_store(&askers[i].is_over, true);
        thread_join(&askers[i].thread);
    }
    assert_int_equal(list(f, ""), 0);
    assert_int_not_equal(list(f, "contoso"), 0);
}

static void session_tick__mounts_again(void **state)
{
    struct fixture *f = begin(state);

    start(f, ONE "SignIn: DeviceCode\n");
    sign_in(f);
    assert_int_equal(list(f, "contoso/finance/Reports"), 0);
    unmount(f);
    assert_int_not_equal(list(f, "contoso/finance/Reports"), 0);
    session_tick(f->session);
    assert_int_equal(list(f, "contoso/finance/Reports"), 0);
}

static void session_tick__survives_that_it_cannot_mount(void **state)
{
    struct fixture *f = begin(state);
    const cJSON *transport;
    cJSON *answer;
    char *path = NULL;
    char *before;

    start(f, ONE "SignIn: DeviceCode\n");
    sign_in(f);
    before = account_text(f, "discovered");
    assert_int_equal(str_format(&path, NULL, "%s/mine.txt", f->root), 0);
    unmount(f);
    assert_int_equal(file_write_atomic(path, "x", 1, NULL), 0);
    session_tick(f->session);
    answer = status(f);
    transport = cJSON_GetObjectItemCaseSensitive(answer, "transport");
    assert_true(cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(transport, "mounted")));
    assert_non_null(strstr(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(
                               cJSON_GetObjectItemCaseSensitive(transport, "error"), "message")),
                           "not empty"));
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(answer, "mappings")), 0);
    cJSON_Delete(answer);
    pause_ms(1100);              /* "discovered" counts seconds */
    session_refresh(f->session); /* a round that has nowhere to show anything */
    while (is_account(f, "discovered", before)) {
        pause_ms(50);
        session_tick(f->session);
    }
    assert_true(file_exists(path));
    free(before);
    free(path);
}

/* --- sign-in --- */

static void session__asks_again_when_the_sign_in_is_lost(void **state)
{
    struct fixture *f = begin(state);

    start(f, ONE "SignIn: DeviceCode\n");
    sign_in(f);
    session_tick(f->session);
    tenant_tell(f->tenant, "revoke", "{'tenant':'contoso'}");
    assert_int_not_equal(list(f, "contoso/finance/Reports"), 0);
    wait_for_account(f, "userCode", "*");
    sign_in(f);
    wait_for_account(f, "state", "signed-in");
    assert_int_equal(list(f, "contoso/finance/Reports"), 0);
}

static void session__asks_nobody_when_only_silence_is_allowed(void **state)
{
    struct fixture *f = begin(state);
    cJSON *result = NULL;
    struct error err = {0};

    start(f, ONE "SignIn: SilentOnly\n");
    wait_for_account(f, "state", "signed-out");
    assert_int_equal(control_call(&result, f->paths.socket, "login", NULL, NULL, NULL, &err),
                     ERR_DENIED);
    assert_non_null(strstr(err.message, "SilentOnly"));
    assert_int_equal(tenant_count(f->tenant, NULL, "**devicecode"), 0);
    assert_false(is_account(f, "next", "mooring login --tenant contoso.onmicrosoft.com"));
    assert_true(is_account(f, "next", "*"));
}

static void session__asks_once_when_somebody_declines(void **state)
{
    struct fixture *f = begin(state);

    start(f, ONE "SignIn: DeviceCode\n");
    wait_for_account(f, "userCode", "*");
    tenant_tell(f->tenant, "device", "{'action':'decline','tenant':'contoso'}");
    wait_for_account(f, "state", "signed-out");
    session_refresh(f->session);
    pause_ms(500);
    assert_true(is_account(f, "state", "signed-out"));
    assert_true(is_account(f, "next", "mooring login --tenant contoso.onmicrosoft.com"));
    assert_int_equal(tenant_count(f->tenant, NULL, "**devicecode"), 1);
}

static void session__asks_four_times_when_nobody_comes(void **state)
{
    struct fixture *f = begin(state);

    tenant_tell(f->tenant, "signin",
                "{'tenant':'contoso','device_code_seconds':1,'device_code_interval':1}");
    start(f, ONE "SignIn: DeviceCode\n");
    while (is_account(f, "next", "") || tenant_count(f->tenant, NULL, "**devicecode") < 4) {
        pause_ms(50);
    }
    wait_for_account(f, "next", "mooring login --tenant contoso.onmicrosoft.com");
    session_refresh(f->session);
    pause_ms(500);
    /* the fourth may have been asked for above, and not have run out yet */
    wait_for_account(f, "next", "mooring login --tenant contoso.onmicrosoft.com");
    assert_int_equal(tenant_count(f->tenant, NULL, "**devicecode"), 4);
}

static void session__goes_on_when_the_network_is_back(void **state)
{
    struct fixture *f = begin(state);

    start(f, ONE "SignIn: DeviceCode\n");
    sign_in(f);
    stop(f);
    tenant_tell(f->tenant, "expire-tokens", "{'tenant':'contoso'}");
    tenant_tell(f->tenant, "faults",
                "{'match':{'host':'login'},'count':-1,'action':{'reset':true}}");
    start(f, ONE "SignIn: SilentOnly\n");
    assert_int_equal(list(f, "contoso/finance"), 0); /* what was known stays */
    wait_for_account(f, "state", "offline");
    tenant_tell(f->tenant, "clear-faults", NULL);
    wait_for_account(f, "state", "signed-in");
    wait_for_account(f, "discovered", "*");
}

static void login_prompt(void *payload, const cJSON *event)
{
    const struct fixture *f = payload;
    const char *code = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(event, "code"));

    assert_non_null(code);
    approve(f, "contoso", code);
}

static void session_login__goes_before_what_the_agent_asks(void **state)
{
    struct fixture *f = begin(state);
    struct error err = {0};
    cJSON *result = NULL;

    start(f, ONE "SignIn: DeviceCode\n");
    wait_for_account(f, "userCode", "*");
    if (control_call(&result, f->paths.socket, "login", NULL, login_prompt, f, &err) < 0) {
        fail_msg("login: %s", err.message);
    }
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(result, "state")),
                        "signed-in");
    cJSON_Delete(result);
    wait_for_account(f, "discovered", "*");
    assert_int_equal(tenant_count(f->tenant, NULL, "**devicecode"), 2);
}

static void session_login__obeys_the_policy(void **state)
{
    struct fixture *f = begin(state);
    cJSON *arguments = cJSON_CreateObject();
    cJSON *result = NULL;
    struct error err = {0};

    start(f, ONE "SignIn: Browser\n");
    cJSON_AddBoolToObject(arguments, "deviceCode", true);
    assert_int_equal(control_call(&result, f->paths.socket, "login", arguments, NULL, NULL, &err),
                     ERR_DENIED);
    assert_non_null(strstr(err.message, "Browser"));
    cJSON_Delete(arguments);
}

static void session__keeps_no_sign_in_to_a_tenant_that_is_not_allowed(void **state)
{
    struct fixture *f = begin(state);
    struct error err = {0};
    cJSON *result = NULL;
    char *code;

    start(f, ONE "SignIn: DeviceCode\nAllowedTenants: [99999999-2222-4333-8444-555555555555]\n");
    wait_for_account(f, "userCode", "*");
    code = account_text(f, "userCode");
    approve(f, "contoso", code);
    free(code);
    wait_for_account(f, "state", "refused");
    wait_until_no_tokens(f); /* just after */
    assert_int_equal(control_call(&result, f->paths.socket, "login", NULL, login_prompt, f, &err),
                     ERR_DENIED);
    assert_non_null(strstr(err.message, "AllowedTenants"));
    assert_false(has_tokens(f));
    assert_int_equal(tenant_count(f->tenant, NULL, "**search/query"), 0);
}

static void session__asks_nobody_who_signed_out_before(void **state)
{
    struct fixture *f = begin(state);
    struct error err = {0};
    cJSON *result = NULL;

    start(f, ONE "SignIn: DeviceCode\n");
    sign_in(f);
    assert_int_equal(control_call(&result, f->paths.socket, "logout", NULL, NULL, NULL, &err), 0);
    cJSON_Delete(result);
    result = NULL;
    stop(f);
    tenant_tell(f->tenant, "clear-log", NULL);
    start(f, ONE "SignIn: DeviceCode\n");
    wait_for_account(f, "state", "signed-out");
    session_refresh(f->session);
    pause_ms(500);
    assert_true(is_account(f, "state", "signed-out"));
    assert_int_equal(tenant_count(f->tenant, NULL, "**devicecode"), 0);
    if (control_call(&result, f->paths.socket, "login", NULL, login_prompt, f, &err) < 0) {
        fail_msg("login: %s", err.message);
    }
    cJSON_Delete(result);
    stop(f);
    tenant_tell(f->tenant, "revoke", "{'tenant':'contoso'}");
    start(f, ONE "SignIn: DeviceCode\n"); /* who came back is asked again */
    wait_for_account(f, "userCode", "*");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct log_options quiet = {.level = LOG_LEVEL_OFF};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(session_retry_ms__never_ends_in_a_storm),
        TEST(session_start__shows_what_the_last_one_knew),
        TEST(session_start__is_refused_while_another_runs),
        TEST(session_start__says_why_it_cannot_mount),
        TEST(session_stop__may_come_at_any_time),
        TEST(session_tick__mounts_again),
        TEST(session_tick__survives_that_it_cannot_mount),
        TEST(session__asks_again_when_the_sign_in_is_lost),
        TEST(session__asks_nobody_when_only_silence_is_allowed),
        TEST(session__asks_once_when_somebody_declines),
        TEST(session__asks_four_times_when_nobody_comes),
        TEST(session__goes_on_when_the_network_is_back),
        TEST(session_login__goes_before_what_the_agent_asks),
        TEST(session_login__obeys_the_policy),
        TEST(session__asks_nobody_who_signed_out_before),
        TEST(session__keeps_no_sign_in_to_a_tenant_that_is_not_allowed),
    };

    if (!getenv("MOORING_TEST_LOG")) {
        log_open(&quiet, NULL);
    }
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests_name("session", tests, NULL, NULL) ? 1 : 0;
}
