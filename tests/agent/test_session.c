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
#include "session_private.h"
#include "tenant_fixture.h"
#include "test.h"

#define ONE "Tenants: [contoso.onmicrosoft.com]\n"
#define BOTH "Tenants: [contoso.onmicrosoft.com, fabrikam.onmicrosoft.com]\n"
#define WAIT_MS 60000

struct fixture {
    struct tenant_fixture *tenant;
    struct agent_paths paths;
    char *root;
    struct session *session;
    atomic_int said;
    atomic_int progressed;
};

static void pause_ms(long ms)
{
    const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    nanosleep(&pause, NULL);
}

static void set_path(const struct fixture *f, const char *variable, const char *name)
{
    char *path = NULL;

    assert_int_equal(str_format(&path, NULL, "%s/%s", f->tenant->directory, name), 0);
    setenv(variable, path, 1);
    free(path);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    int device = open("/dev/fuse", O_RDWR | O_CLOEXEC);

    assert_non_null(f);
    *state = f;
    if (device < 0) {
        return 0; /* begin() skips */
    }
    close(device);
    f->tenant = tenant_fixture_start(NULL);
    set_path(f, "HOME", "home");
    set_path(f, "XDG_STATE_HOME", "state");
    set_path(f, "XDG_CACHE_HOME", "cache");
    set_path(f, "XDG_CONFIG_HOME", "config");
    unsetenv("XDG_RUNTIME_DIR");
    unsetenv("DISPLAY");
    unsetenv("WAYLAND_DISPLAY");
    setenv("BROWSER", "true", 1);
    assert_int_equal(str_format(&f->root, NULL, "%s/mnt", f->tenant->directory), 0);
    return agent_paths_init(&f->paths, NULL);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    session_stop(f->session);
    agent_paths_clear(&f->paths);
    tenant_fixture_stop(f->tenant);
    free(f->root);
    free(f);
    return 0;
}

static struct fixture *begin(void **state)
{
    struct fixture *f = *state;

    if (!f->tenant) {
        skip();
    }
    return f;
}

static void say(void *payload, const char *line)
{
    struct fixture *f = payload;

    (void)line;
    atomic_fetch_add(&f->said, 1);
}

static void progress(void *payload, const char *line)
{
    struct fixture *f = payload;

    if (*line) {
        atomic_fetch_add(&f->progressed, 1);
    }
}

static struct policy *make_policy(const struct fixture *f, const char *yaml)
{
    struct policy_sources sources = {0};
    struct policy *policy = NULL;
    char *path = NULL;
    char *text = NULL;

    assert_int_equal(str_format(&path, NULL, "%s/policy.yaml", f->tenant->directory), 0);
    assert_int_equal(str_format(&text, NULL,
                                "Cloud: Custom\nCustomLoginUrl: %s\nCustomGraphUrl: %s\n"
                                "CaFile: %s\nMountRoot: %s\nStartupJitterSeconds: 0\n"
                                "ClientId: 11111111-2222-4333-8444-555555555555\n"
                                "LogLevel: Off\n%s",
                                f->tenant->login_url, f->tenant->graph_url, f->tenant->ca_file,
                                f->root, yaml),
                     0);
    assert_int_equal(file_write_atomic(path, text, strlen(text), NULL), 0);
    assert_int_equal(str_copy(&sources.override_file, path, NULL), 0);
    assert_int_equal(policy_load(&policy, &sources, NULL), 0);
    assert_int_equal(policy_warning_count(policy), 0);
    policy_sources_clear(&sources);
    free(path);
    free(text);
    return policy;
}

static int try_start(struct fixture *f, const char *yaml, struct session **out, struct error *err)
{
    const struct session_options options = {
        .paths = &f->paths,
        .policy = make_policy(f, yaml),
        .terminal = {.say = say, .progress = progress, .payload = f}};
    int code = session_start(out, &options, err);

    if (code < 0) {
        policy_free(options.policy);
    }
    return code;
}

static void start(struct fixture *f, const char *yaml)
{
    struct error err = {0};

    if (try_start(f, yaml, &f->session, &err) < 0) {
        fail_msg("session_start: %s", err.message);
    }
}

static void stop(struct fixture *f)
{
    session_stop(f->session);
    f->session = NULL;
}

static cJSON *status(const struct fixture *f)
{
    struct error err = {0};
    cJSON *result = NULL;

    if (control_call(&result, f->paths.socket, "status", NULL, NULL, NULL, &err) < 0) {
        fail_msg("status: %s", err.message);
    }
    return result;
}

/* A text of the first account; "" when missing. The caller frees. */
static char *account_text(const struct fixture *f, const char *name)
{
    cJSON *answer = status(f);
    const cJSON *accounts = cJSON_GetObjectItemCaseSensitive(answer, "accounts");
    const char *text = cJSON_GetStringValue(
        cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(accounts, 0), name));
    char *copy = NULL;

    assert_int_equal(str_copy(&copy, text ? text : "", NULL), 0);
    cJSON_Delete(answer);
    return copy;
}

static bool is_account(const struct fixture *f, const char *name, const char *wanted)
{
    char *text = account_text(f, name);
    bool is_so = strcmp(wanted, "*") == 0 ? *text : strcmp(text, wanted) == 0;

    free(text);
    return is_so;
}

/* Ticks as the main loop does, until the first account has `wanted` ("*": anything). */
static void wait_for_account(const struct fixture *f, const char *name, const char *wanted)
{
    int64_t end = clock_mono_ms(clock_system()) + WAIT_MS;

    while (!is_account(f, name, wanted)) {
        if (clock_mono_ms(clock_system()) > end) {
            fail_msg("'%s' did not become '%s'", name, wanted);
        }
        session_tick(f->session);
        session_show_progress(f->session);
        pause_ms(50);
    }
}

static void approve(const struct fixture *f, const char *tenant, const char *user_code)
{
    tenant_tell(f->tenant, "device", "{'action':'approve','tenant':'%s','user_code':'%s'}", tenant,
                user_code);
}

static void sign_in(const struct fixture *f)
{
    char *code;

    wait_for_account(f, "userCode", "*");
    code = account_text(f, "userCode");
    approve(f, "contoso", code);
    free(code);
    wait_for_account(f, "discovered", "*");
}

/* Lists a folder below the root from another process, as everybody does: its exit code. */
static int list(const struct fixture *f, const char *path)
{
    char *full = NULL;
    const char *argv[] = {"ls", NULL, NULL};
    struct process_options options = {.argv = argv, .output_file = "/dev/null"};
    struct process *process = NULL;
    int exit_code = -1;

    assert_int_equal(str_format(&full, NULL, "%s/%s", f->root, path), 0);
    argv[1] = full;
    assert_int_equal(process_start(&process, &options, NULL), 0);
    assert_int_equal(process_wait(process, &exit_code, WAIT_MS, NULL), 0);
    process_free(process);
    free(full);
    return exit_code;
}

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
    sign_in(f);
    assert_true(atomic_load(&f->said) > 0);
    assert_true(atomic_load(&f->progressed) > 0);
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
    assert_int_equal(try_start(f, ONE, &second, &err), ERR_BUSY);
    assert_non_null(strstr(err.message, "runs already"));
    assert_null(second);
    assert_true(is_account(f, "state", "signed-out") || is_account(f, "state", "unknown"));
}

static void session_start__says_why_it_cannot_mount(void **state)
{
    struct fixture *f = begin(state);
    struct error err = {0};
    char *path = NULL;

    assert_int_equal(str_format(&path, NULL, "%s/mine.txt", f->root), 0);
    assert_int_equal(file_make_directories(f->root, NULL), 0);
    assert_int_equal(file_write_atomic(path, "x", 1, NULL), 0);
    assert_int_equal(try_start(f, ONE, &f->session, &err), ERR_BUSY);
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
    wait_for_account(f, "state", "waiting");
    wait_for_account(f, "state", "signed-out");
    while (is_account(f, "next", "") || tenant_count(f->tenant, NULL, "**devicecode") < 4) {
        pause_ms(50);
    }
    wait_for_account(f, "state", "signed-out");
    session_refresh(f->session);
    pause_ms(500);
    assert_int_equal(tenant_count(f->tenant, NULL, "**devicecode"), 4);
    assert_true(is_account(f, "next", "mooring login --tenant contoso.onmicrosoft.com"));
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
