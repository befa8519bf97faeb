/*
 * A policy that changes while a session runs: what changed takes effect, and nothing else is told.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "session_fixture.h"
#include "test.h"

/* Writes the policy and reads it, as the watch would. */
static void change(struct fixture *f, const char *yaml)
{
    struct error err = {0};

    write_policy(f, yaml);
    if (session_reload(f->session, &err) < 0) {
        fail_msg("session_reload: %s", err.message);
    }
}

static const cJSON *policy_of(const cJSON *answer)
{
    return cJSON_GetObjectItemCaseSensitive(answer, "policy");
}

static double policy_number(const struct fixture *f, const char *name)
{
    cJSON *answer = status(f);
    double value = cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(policy_of(answer), name));

    cJSON_Delete(answer);
    return value;
}

/* The first text of a list below status.policy; "" when it is empty. The caller frees. */
static char *policy_first(const struct fixture *f, const char *name)
{
    cJSON *answer = status(f);
    const cJSON *array = cJSON_GetObjectItemCaseSensitive(policy_of(answer), name);
    const char *text = cJSON_GetStringValue(cJSON_GetArrayItem(array, 0));
    char *copy = NULL;

    assert_int_equal(str_copy(&copy, text ? text : "", NULL), 0);
    cJSON_Delete(answer);
    return copy;
}

static size_t mapping_count(const struct fixture *f)
{
    cJSON *answer = status(f);
    int count = cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(answer, "mappings"));

    cJSON_Delete(answer);
    return (size_t)count;
}

static void session_reload__tells_nobody_when_nothing_changed(void **state)
{
    struct fixture *f = begin(state);
    const struct transport *transport;
    char *before;

    start_live(f, ONE "SignIn: DeviceCode\n");
    sign_in(f);
    transport = f->session->transport;
    before = account_text(f, "discovered");
    tenant_tell(f->tenant, "clear-log", NULL);
    change(f, ONE "SignIn: DeviceCode\n# a comment\n");
    change(f, "# another order\nSignIn: DeviceCode\n" ONE);
    assert_int_equal(atomic_load(&f->log_told), 0);
    assert_int_equal(tenant_count(f->tenant, NULL, NULL), 0);
    assert_ptr_equal(f->session->transport, transport);
    assert_true(is_account(f, "discovered", before));
    free(before);
}

/* One setting of each part; the counters of the other parts stay. */
static void session_reload__tells_only_whom_it_concerns(void **state)
{
    struct fixture *f = begin(state);
    const struct session_account *account;
    const struct transport *transport;
    size_t mapped;

    start_live(f, ONE "SignIn: DeviceCode\n");
    sign_in(f);
    transport = f->session->transport;
    account = f->session->accounts[0];
    mapped = mapping_count(f);
    assert_true(mapped > 2);
    tenant_tell(f->tenant, "clear-log", NULL);
    change(f, ONE "SignIn: DeviceCode\nLogFiles: 3\n");
    assert_int_equal(atomic_load(&f->log_told), 1);
    change(f, ONE "SignIn: DeviceCode\nLogFiles: 3\nBlockAboveMB: 7\n");
    change(f, ONE "SignIn: DeviceCode\nLogFiles: 3\nMaxConnections: 3\n");
    change(f, ONE "SignIn: DeviceCode\nLogFiles: 3\nDrainSeconds: 1\n");
    change(f, ONE "SignIn: DeviceCode\nLogFiles: 3\nExcludeLibraries: ['finance/Reports']\n");
    assert_int_equal(mapping_count(f), mapped - 1);
    change(f, ONE "SignIn: DeviceCode\nLogFiles: 3\nNameFormat: '{library}'\n");
    assert_int_equal(mapping_count(f), mapped);
    assert_int_equal(atomic_load(&f->log_told), 1);
    assert_int_equal(tenant_count(f->tenant, NULL, NULL), 0);
    assert_ptr_equal(f->session->transport, transport);
    assert_ptr_equal(f->session->accounts[0], account);
}

static void session_reload__keeps_what_was_good_of_a_broken_file(void **state)
{
    struct fixture *f = begin(state);
    struct error err = {0};

    start_live(f, ONE "SignIn: DeviceCode\n");
    sign_in(f);
    assert_int_equal(file_write_atomic(f->policy_file, "Tenants: [", 10, NULL), 0);
    assert_int_equal(session_reload(f->session, &err), 0);
    assert_true(policy_number(f, "errors") >= 1);
    assert_true(is_account(f, "state", "signed-in"));
    assert_int_equal(list(f, "contoso/finance/Reports"), 0);
    change(f, ONE "SignIn: DeviceCode\n");
    assert_true(policy_number(f, "errors") == 0);
}

static void session_reload__starts_and_ends_accounts(void **state)
{
    struct fixture *f = begin(state);

    start_live(f, ONE "SignIn: DeviceCode\n");
    sign_in(f);
    change(f, BOTH "SignIn: DeviceCode\n");
    assert_int_equal(f->session->account_count, 2);
    assert_int_equal(list(f, "contoso/finance/Reports"), 0);
    change(f, "Tenants: [fabrikam.onmicrosoft.com]\nSignIn: DeviceCode\n");
    assert_int_equal(f->session->account_count, 1);
    assert_int_equal(mapping_count(f), 0);
    change(f, ONE "SignIn: DeviceCode\n"); /* its tokens and libraries are still known */
    assert_int_equal(list(f, "contoso/finance/Reports"), 0);
    wait_for_account(f, "state", "signed-in");
}

static void session_reload__takes_a_tenant_named_twice_once(void **state)
{
    struct fixture *f = begin(state);

    start_live(f, ONE "SignIn: SilentOnly\n");
    change(f,
           "Tenants: [fabrikam.onmicrosoft.com, fabrikam.onmicrosoft.com]\nSignIn: SilentOnly\n");
    assert_int_equal(f->session->account_count, 1);
}

/* The libraries are taken over by the new account, not left to the old one. */
static void session_reload__replaces_an_account_whose_app_changed(void **state)
{
    struct fixture *f = begin(state);
    const struct session_account *old;

    start_live(f, ONE "SignIn: DeviceCode\n");
    sign_in(f);
    old = f->session->accounts[0];
    change(f, "Tenants: ['contoso.onmicrosoft.com|11111111-2222-4333-8444-666666666666']\n"
              "SignIn: DeviceCode\n");
    assert_int_equal(f->session->account_count, 1);
    assert_ptr_not_equal(f->session->accounts[0], old);
    wait_for_account(f, "userCode", "*");
    sign_in(f);
    assert_int_equal(list(f, "contoso/finance/Reports"), 0);
}

struct login {
    const struct fixture *f;
    int code;
    struct thread thread;
};

static void *log_in(void *payload)
{
    struct login *login = payload;
    cJSON *arguments = cJSON_CreateObject();
    cJSON *result = NULL;

    cJSON_AddStringToObject(arguments, "tenant", "contoso.onmicrosoft.com");
    login->code =
        control_call(&result, login->f->paths.socket, "login", arguments, NULL, NULL, NULL);
    cJSON_Delete(arguments);
    cJSON_Delete(result);
    return NULL;
}

static void session_reload__ends_a_login_to_a_tenant_that_goes(void **state)
{
    struct fixture *f = begin(state);
    struct login login = {.f = f};

    start_live(f, ONE "SignIn: DeviceCode\n");
    assert_int_equal(thread_start(&login.thread, "login", log_in, &login, NULL), 0);
    wait_for_account(f, "userCode", "*");
    change(f, "Tenants: [fabrikam.onmicrosoft.com]\nSignIn: DeviceCode\n");
    thread_join(&login.thread);
    assert_true(login.code < 0);
    assert_int_equal(f->session->account_count, 1);
}

static void session_reload__says_what_waits_for_the_next_start(void **state)
{
    struct fixture *f = begin(state);
    char *waiting;

    start_live(f, ONE "SignIn: SilentOnly\n");
    change(f, ONE "SignIn: SilentOnly\nJournalDirectory: /nowhere\n");
    waiting = policy_first(f, "nextStart");
    assert_string_equal(waiting, "JournalDirectory");
    free(waiting);
    change(f, ONE "SignIn: SilentOnly\n");
    waiting = policy_first(f, "nextStart");
    assert_string_equal(waiting, "");
    free(waiting);
}

static void session_reload__goes_on_with_what_it_has_when_a_part_fails(void **state)
{
    struct fixture *f = begin(state);
    char *problem;

    start_live(f, ONE "SignIn: DeviceCode\n");
    sign_in(f);
    change(f, ONE "SignIn: DeviceCode\nCaFile: /nowhere/ca.pem\nBlockAboveMB: 5\n");
    problem = policy_first(f, "problems");
    assert_non_null(strstr(problem, "/nowhere/ca.pem"));
    free(problem);
    change(f, ONE "SignIn: DeviceCode\n");
    problem = policy_first(f, "problems");
    assert_string_equal(problem, "");
    free(problem);
    assert_int_equal(list(f, "contoso/finance/Reports"), 0);
}

static void session_reload__ends_the_session_that_is_turned_off(void **state)
{
    struct fixture *f = begin(state);

    start_live(f, ONE "SignIn: SilentOnly\n");
    assert_false(session_is_disabled(f->session));
    change(f, ONE "SignIn: SilentOnly\nEnabled: false\n");
    assert_true(session_is_disabled(f->session));
}

/* Whoever reads the policy as the machine's: nothing can be known about its AllowedTenants. */
static void session__lets_nobody_in_by_a_machine_policy_that_is_broken(void **state)
{
    struct fixture *f = begin(state);
    struct policy_sources sources = {0};
    struct session_options options = {
        .paths = &f->paths, .sources = &sources, .terminal = {.payload = f}};
    struct error err = {0};
    cJSON *result = NULL;
    char *user = NULL;

    start(f, ONE "SignIn: DeviceCode\n");
    sign_in(f);
    stop(f);
    write_policy(f, ONE "SignIn: DeviceCode\n");
    assert_int_equal(str_format(&user, NULL, "%s/machine.yaml", f->tenant->directory), 0);
    assert_int_equal(file_write_atomic(user, "AllowedTenants: [", 17, NULL), 0);
    sources.machine_file = user;
    assert_int_equal(str_copy(&sources.user_preference_file, f->policy_file, NULL), 0);
    assert_int_equal(policy_load(&options.policy, &sources, NULL), 0);
    assert_int_equal(session_start(&f->session, &options, &err), 0);
    wait_for_account(f, "state", "refused");
    assert_int_equal(mapping_count(f), 0);
    assert_true(is_account(f, "next", "mooring policy show"));
    assert_int_equal(control_call(&result, f->paths.socket, "login", NULL, NULL, NULL, &err),
                     ERR_DENIED);
    assert_non_null(strstr(err.message, "cannot be read"));
    user = NULL;
    assert_int_equal(str_format(&user, NULL, "CaFile: %s\n", f->tenant->ca_file), 0);
    assert_int_equal(file_write_atomic(f->session->sources.machine_file, user, strlen(user), NULL),
                     0);
    free(user);
    assert_int_equal(session_reload(f->session, &err), 0);
    assert_int_equal(list(f, "contoso/finance/Reports"), 0);
    wait_for_account(f, "state", "signed-in");
}

/* --policy must not outlive the moment in which an administrator gives the machine a policy. */
static void session_reload__ends_the_override_by_a_machine_policy(void **state)
{
    struct fixture *f = begin(state);
    struct error err = {0};
    char *path = NULL;

    start_live(f, ONE "SignIn: SilentOnly\nReadOnly: true\n");
    assert_int_equal(str_format(&path, NULL, "%s/machine.yaml", f->tenant->directory), 0);
    assert_int_equal(file_write_atomic(path, "MaxMappings: 3\n", 15, NULL), 0);
    mutex_lock(&f->session->change_mutex);
    f->session->sources.machine_file = path;
    mutex_unlock(&f->session->change_mutex);
    assert_int_equal(session_reload(f->session, &err), 0);
    assert_true(f->session->is_override_over);
    assert_int_equal(policy_settings(f->session->policy)->max_mappings, 3);
    assert_false(policy_settings(f->session->policy)->read_only);
}

/* While accounts come and go and the main thread looks after everything. */
static void *ask_status(void *payload)
{
    const struct fixture *f = payload;

    for (int i = 0; i < 60; i++) {
        cJSON *result = NULL;

        control_call(&result, f->paths.socket, i % 3 ? "status" : "plan", NULL, NULL, NULL, NULL);
        cJSON_Delete(result);
    }
    return NULL;
}

static void session_reload__may_come_at_any_time(void **state)
{
    static const char *const policies[] = {
        BOTH "SignIn: SilentOnly\n", ONE "SignIn: DeviceCode\nBlockAboveMB: 3\n",
        "Tenants: [fabrikam.onmicrosoft.com]\nSignIn: DeviceCode\n",
        ONE "SignIn: DeviceCode\nExcludeSites: ['*']\nMaxConnections: 2\n"};
    struct fixture *f = begin(state);
    struct thread asker = {0};

    start_live(f, ONE "SignIn: DeviceCode\n");
    sign_in(f);
    assert_int_equal(thread_start(&asker, "asker", ask_status, f, NULL), 0);
    for (int i = 0; i < 24; i++) {
        change(f, policies[i % 4]);
        session_tick(f->session);
        session_refresh(f->session);
    }
    thread_join(&asker);
    change(f, ONE "SignIn: DeviceCode\n");
    wait_for_account(f, "state", "signed-in");
    assert_int_equal(list(f, "contoso/finance/Reports"), 0);
}

/* The watch, the debounce and the reload together. */
static void session__sees_its_policy_change(void **state)
{
    struct fixture *f = begin(state);
    int64_t end = clock_mono_ms(clock_system()) + WAIT_MS;

    start_live(f, ONE "SignIn: SilentOnly\n");
    write_policy(f, ONE "SignIn: SilentOnly\nLogFiles: 3\n");
    while (atomic_load(&f->log_told) == 0) {
        assert_true(clock_mono_ms(clock_system()) < end);
        pause_ms(20);
    }
}

/* Of MetadataSeconds: how long a listing is believed, and how often a library in use is asked for. */
static void session_vfs_options__follow_the_throttling_level(void **state)
{
    static const struct {
        enum policy_throttling_level level;
        int64_t believed_ms;
        int64_t poll_ms;
    } rows[] = {{POLICY_THROTTLING_LEVEL_AUTO, 60000, 90000},
                {POLICY_THROTTLING_LEVEL_LOW, 60000, 75000},
                {POLICY_THROTTLING_LEVEL_MEDIUM, 120000, 180000},
                {POLICY_THROTTLING_LEVEL_HIGH, 300000, 450000}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct settings settings = {.metadata_seconds = 60,
                                          .throttling_level = rows[i].level};
        const struct online_vfs_options options = session_vfs_options(&settings);

        assert_int_equal(options.metadata_ms, rows[i].believed_ms);
        assert_int_equal(options.poll_ms, rows[i].poll_ms);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct log_options quiet = {.level = LOG_LEVEL_OFF};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(session_vfs_options__follow_the_throttling_level),
        TEST(session_reload__tells_nobody_when_nothing_changed),
        TEST(session_reload__tells_only_whom_it_concerns),
        TEST(session_reload__keeps_what_was_good_of_a_broken_file),
        TEST(session_reload__starts_and_ends_accounts),
        TEST(session_reload__takes_a_tenant_named_twice_once),
        TEST(session_reload__replaces_an_account_whose_app_changed),
        TEST(session_reload__ends_a_login_to_a_tenant_that_goes),
        TEST(session_reload__says_what_waits_for_the_next_start),
        TEST(session_reload__goes_on_with_what_it_has_when_a_part_fails),
        TEST(session_reload__ends_the_session_that_is_turned_off),
        TEST(session__lets_nobody_in_by_a_machine_policy_that_is_broken),
        TEST(session_reload__ends_the_override_by_a_machine_policy),
        TEST(session_reload__may_come_at_any_time),
        TEST(session__sees_its_policy_change),
    };

    if (!getenv("MOORING_TEST_LOG")) {
        log_open(&quiet, NULL);
    }
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests_name("session policy", tests, NULL, NULL) ? 1 : 0;
}
