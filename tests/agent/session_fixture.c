#include "session_fixture.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/process.h"
#include "base/str.h"
#include "test.h"

void pause_ms(long ms)
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

int set_up(void **state)
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
    assert_int_equal(str_format(&f->policy_file, NULL, "%s/policy.yaml", f->tenant->directory), 0);
    return agent_paths_init(&f->paths, NULL);
}

int tear_down(void **state)
{
    struct fixture *f = *state;

    session_stop(f->session);
    agent_paths_clear(&f->paths);
    tenant_fixture_stop(f->tenant);
    free(f->root);
    free(f->policy_file);
    free(f);
    return 0;
}

struct fixture *begin(void **state)
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

static int set_log(void *payload, const struct settings *settings, struct error *err)
{
    struct fixture *f = payload;

    (void)settings;
    (void)err;
    atomic_fetch_add(&f->log_told, 1);
    return 0;
}

void write_policy(const struct fixture *f, const char *yaml)
{
    char *text = NULL;

    assert_int_equal(str_format(&text, NULL,
                                "Cloud: Custom\nCustomLoginUrl: %s\nCustomGraphUrl: %s\n"
                                "CaFile: %s\nMountRoot: %s\nStartupJitterSeconds: 0\n"
                                "ClientId: 11111111-2222-4333-8444-555555555555\n"
                                "LogLevel: Off\n%s",
                                f->tenant->login_url, f->tenant->graph_url, f->tenant->ca_file,
                                f->root, yaml),
                     0);
    assert_int_equal(file_write_atomic(f->policy_file, text, strlen(text), NULL), 0);
    free(text);
}

int try_start(struct fixture *f, const char *yaml, bool is_live, struct session **out,
              struct error *err)
{
    struct policy_sources sources = {0};
    struct session_options options = {.paths = &f->paths,
                                      .sources = is_live ? &sources : NULL,
                                      .set_log = set_log,
                                      .terminal = {.say = say, .progress = progress, .payload = f}};
    int code;

    write_policy(f, yaml);
    assert_int_equal(str_copy(&sources.override_file, f->policy_file, NULL), 0);
    assert_int_equal(policy_load(&options.policy, &sources, NULL), 0);
    assert_int_equal(policy_warning_count(options.policy), 0);
    code = session_start(out, &options, err);
    if (code < 0) {
        policy_free(options.policy);
    }
    policy_sources_clear(&sources);
    return code;
}

static void start_or_fail(struct fixture *f, const char *yaml, bool is_live)
{
    struct error err = {0};

    if (try_start(f, yaml, is_live, &f->session, &err) < 0) {
        fail_msg("session_start: %s", err.message);
    }
}

void start(struct fixture *f, const char *yaml)
{
    start_or_fail(f, yaml, false);
}

void start_live(struct fixture *f, const char *yaml)
{
    start_or_fail(f, yaml, true);
}

void stop(struct fixture *f)
{
    session_stop(f->session);
    f->session = NULL;
}

cJSON *status(const struct fixture *f)
{
    struct error err = {0};
    cJSON *result = NULL;

    if (control_call(&result, f->paths.socket, "status", NULL, NULL, NULL, &err) < 0) {
        fail_msg("status: %s", err.message);
    }
    return result;
}

/* A text of the first account; "" when missing. The caller frees. */
char *account_text(const struct fixture *f, const char *name)
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

bool is_account(const struct fixture *f, const char *name, const char *wanted)
{
    char *text = account_text(f, name);
    bool is_so = strcmp(wanted, "*") == 0 ? *text : strcmp(text, wanted) == 0;

    free(text);
    return is_so;
}

/* Ticks as the main loop does, until the first account has `wanted` ("*": anything). */
void wait_for_account(const struct fixture *f, const char *name, const char *wanted)
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

void approve(const struct fixture *f, const char *tenant, const char *user_code)
{
    tenant_tell(f->tenant, "device", "{'action':'approve','tenant':'%s','user_code':'%s'}", tenant,
                user_code);
}

void approve_first(const struct fixture *f)
{
    char *code;

    wait_for_account(f, "userCode", "*");
    code = account_text(f, "userCode");
    approve(f, "contoso", code);
    free(code);
}

void wait_for_progress(const struct fixture *f)
{
    int64_t end = clock_mono_ms(clock_system()) + WAIT_MS;

    while (atomic_load(&f->progressed) == 0) {
        assert_true(clock_mono_ms(clock_system()) < end);
        session_tick(f->session);
        session_show_progress(f->session);
        pause_ms(20);
    }
}

void sign_in(const struct fixture *f)
{
    approve_first(f);
    wait_for_account(f, "discovered", "*");
}

/* Lists a folder below the root from another process, as everybody does: its exit code. */
int list(const struct fixture *f, const char *path)
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
