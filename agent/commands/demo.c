/*
 * demo.c - `mooring demo`: a simulated Microsoft 365 tenant and an agent on it, with files of their
 * own, so that everything can be tried without an account and nothing of the user's is touched.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/process.h"
#include "base/str.h"
#include "commands/command.h"

#define DEMO_CLIENT_ID \
    "00000000-dead-4000-8000-6d6f6f72696e" /* the simulated tenant takes any GUID */
#define TENANT_READY_MS 20000
#define SIGN_IN_MS 120000
#define STOP_MS 30000 /* longer than the agent takes: DRAIN_SECONDS, then the unmount */
#define DRAIN_SECONDS "5"
#define TAIL_LINES 12

static const char usage[] = "usage: mooring demo [--directory DIR] [--details FILE] [--seconds N]\n"
                            "Starts a simulated Microsoft 365 tenant and an agent with files of "
                            "its own, and shows the tenant's libraries\n"
                            "below DIR (./mooring-demo) until Ctrl-C.\n"
                            "  --details FILE  writes where everything is as JSON once the "
                            "libraries are there (for scripts)\n"
                            "  --seconds N     ends by itself after N seconds\n";

struct demo {
    const char *directory_option;
    const char *details_file;
    int64_t seconds;

    char *directory; /* absolute: where the libraries appear */
    bool has_made_directory;
    bool has_written_details;
    char *bin; /* folder of our programs */
    char *tenant_program;
    char *home; /* temporary: everything of this demo */
    char *state;
    char *environment[8];
    struct process *tenant;
    struct process *agent;
    cJSON *ready; /* what the tenant says of itself */
};

static int find_programs(struct demo *demo, struct error *err)
{
    int code = process_own_folder(&demo->bin, err);

    if (code == 0) {
        code = str_format(&demo->tenant_program, err, "%s/mooring-tenant", demo->bin);
    }
    if (code == 0 && access(demo->tenant_program, X_OK) != 0) {
        code = error_set(err, ERR_NOT_FOUND,
                         "the simulated tenant is not beside this program ('%s'); build it with "
                         "BUILD_TESTING=ON",
                         demo->tenant_program);
    }
    return code;
}

/* What is in the way is told before anything is started; a mount that a dead demo left (it cannot be
 * opened) is the agent's to clear. */
static int make_directory(struct demo *demo, struct error *err)
{
    const struct dirent *entry;
    bool is_empty = true;
    DIR *dir;

    if (mkdir(demo->directory, 0700) == 0) {
        demo->has_made_directory = true;
        return 0;
    }
    if (errno != EEXIST) {
        return error_set_os(err, error_from_errno(errno), errno, "cannot make the folder '%s'",
                            demo->directory);
    }
    dir = opendir(demo->directory);
    if (!dir) {
        return errno == ENOTCONN
                   ? 0
                   : error_set_os(err, error_from_errno(errno), errno,
                                  "'%s' is no folder for the libraries", demo->directory);
    }
    while (is_empty && (entry = readdir(dir)) != NULL) {
        is_empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    }
    closedir(dir);
    return is_empty ? 0
                    : error_set(err, ERR_NOT_EMPTY,
                                "'%s' is not empty, and the libraries would hide what is in it; "
                                "name another folder with --directory",
                                demo->directory);
}

static int make_home(struct demo *demo, struct error *err)
{
    static const char *const variables[] = {"XDG_STATE_HOME",  "state",  "XDG_CACHE_HOME",  "cache",
                                            "XDG_CONFIG_HOME", "config", "XDG_RUNTIME_DIR", "run"};
    char here[4096];
    int code = file_make_temporary_directory(&demo->home, "mooring-demo", err);

    if (code == 0 && !getcwd(here, sizeof(here))) {
        code = error_set(err, ERR_IO, "the current folder has no path");
    }
    if (code == 0) {
        code = demo->directory_option[0] == '/'
                   ? str_copy(&demo->directory, demo->directory_option, err)
                   : str_format(&demo->directory, err, "%s/%s", here, demo->directory_option);
    }
    if (code == 0) {
        code = make_directory(demo, err);
    }
    if (code == 0) {
        code = str_format(&demo->state, err, "%s/tenant", demo->home);
    }
    if (code == 0) {
        code = file_make_private_directory(demo->state, err);
    }
    for (size_t i = 0; i < 4 && code == 0; i++) {
        char *path = NULL;

        code = str_format(&path, err, "%s/%s", demo->home, variables[i * 2 + 1]);
        if (code == 0) {
            code = file_make_private_directory(path, err);
        }
        if (code == 0) {
            code = str_format(&demo->environment[i], err, "%s=%s", variables[i * 2], path);
        }
        if (code == 0) {
            setenv(variables[i * 2], path, 1); /* our own control calls go the same way */
        }
        free(path);
    }
    return code;
}

static int read_json(cJSON **out, const char *path, struct error *err)
{
    struct buf text;
    int code;

    buf_init(&text, 1u << 20);
    code = file_read_all(&text, path, err);
    if (code == 0) {
        *out = cJSON_ParseWithLength(buf_text(&text), text.size);
        code = *out ? 0 : error_set(err, ERR_PROTOCOL, "'%s' is not JSON", path);
    }
    buf_clear(&text);
    return code;
}

static bool has_ended(struct process *process, const char *what, struct error *err)
{
    int status;

    if (!process || process_wait(process, &status, 0, NULL) != 0) {
        return false;
    }
    error_set(err, ERR_IO, "%s ended by itself with %d", what, status);
    return true;
}

/* True when the user wants to stop (Ctrl-C, or the terminal is gone) or one of our programs has
 * ended. */
static bool is_over(struct demo *demo, struct error *err)
{
    if (process_wait_for_stop(100) != PROCESS_NOTHING) {
        error_set(err, ERR_CANCELLED, "stopped");
        return true;
    }
    return has_ended(demo->tenant, "the simulated tenant", err) ||
           has_ended(demo->agent, "the agent", err);
}

static int start_tenant(struct demo *demo, struct error *err)
{
    int64_t end = clock_mono_ms(clock_system()) + TENANT_READY_MS;
    char *scenario = NULL;
    char *ready = NULL;
    char *log = NULL;
    int code = str_format(&scenario, err, "%s/../share/mooring/demo.json", demo->bin);

    if (code == 0) {
        code = str_format(&ready, err, "%s/ready.json", demo->state);
    }
    if (code == 0) {
        code = str_format(&log, err, "%s/tenant.log", demo->home);
    }
    if (code == 0) {
        const char *argv[] = {demo->tenant_program,
                              "--scenario",
                              scenario,
                              "--state",
                              demo->state,
                              "--ready-file",
                              ready,
                              "--rtt-ms",
                              "40",
                              "--max-seconds",
                              "86400",
                              NULL};
        const struct process_options options = {
            .argv = argv, .output_file = log, .is_own_group = true, .dies_with_us = true};

        code = process_start(&demo->tenant, &options, err);
    }
    while (code == 0 && !file_exists(ready)) {
        if (is_over(demo, err)) {
            code = err->code;
        } else if (clock_mono_ms(clock_system()) > end) {
            code = error_set(err, ERR_TIMED_OUT, "the simulated tenant did not start in time");
        }
    }
    if (code == 0) {
        code = read_json(&demo->ready, ready, err);
    }
    free(scenario);
    free(ready);
    free(log);
    return code;
}

/* Texts go into YAML in single quotes, where only the quote itself is special. */
static int add_quoted(struct buf *out, const char *key, const char *text, struct error *err)
{
    int code = buf_add_format(out, err, "%s: '", key);

    for (; *text && code == 0; text++) {
        code = buf_add(out, *text == '\'' ? "''" : text, *text == '\'' ? 2 : 1, err);
    }
    return code == 0 ? buf_add_text(out, "'\n", err) : code;
}

static int write_policy(const struct demo *demo, const char *path, struct error *err)
{
    const cJSON *tenant;
    struct buf text;
    int code;

    buf_init(&text, 64u << 10);
    code = buf_add_text(
        &text,
        "# written by `mooring demo`\n"
        "Cloud: Custom\nSignIn: DeviceCode\nStartupJitterSeconds: 0\nDrainSeconds: " DRAIN_SECONDS
        "\n# so that what is written can be looked at on the server at once\nWriteMode: BeforeClose"
        "\nClientId: " DEMO_CLIENT_ID "\n",
        err);
    if (code == 0) {
        code = add_quoted(&text, "CustomLoginUrl", answer_text(demo->ready, "login_url"), err);
    }
    if (code == 0) {
        code = add_quoted(&text, "CustomGraphUrl", answer_text(demo->ready, "graph_url"), err);
    }
    if (code == 0) {
        code = add_quoted(&text, "CaFile", answer_text(demo->ready, "ca_file"), err);
    }
    if (code == 0) {
        code = add_quoted(&text, "MountRoot", demo->directory, err);
    }
    if (code == 0) {
        code = buf_add_text(&text, "Tenants:\n", err);
    }
    cJSON_ArrayForEach(tenant, cJSON_GetObjectItemCaseSensitive(demo->ready, "tenants"))
    {
        if (code == 0) {
            code = buf_add_format(&text, err, "  - %s\n", answer_text(tenant, "initial_domain"));
        }
    }
    if (code == 0) {
        code = file_write_atomic(path, text.data, text.size, err);
    }
    buf_clear(&text);
    return code;
}

static int start_agent(struct demo *demo, struct error *err)
{
    char *policy = NULL;
    char *program = NULL;
    int code = str_format(&policy, err, "%s/policy.yaml", demo->home);

    if (code == 0) {
        code = write_policy(demo, policy, err);
    }
    if (code == 0) {
        code = str_format(&program, err, "%s/mooring", demo->bin);
    }
    if (code == 0) {
        const char *argv[] = {program, "agent", "--policy", policy, NULL};
        const struct process_options options = {.argv = argv,
                                                .environment_add =
                                                    (const char *const *)demo->environment,
                                                .is_own_group = true,
                                                .dies_with_us = true};

        code = process_start(&demo->agent, &options, err);
    }
    free(policy);
    free(program);
    return code;
}

/* Plays the person who enters the code on the sign-in page. */
static int approve(const struct demo *demo, const char *tenant, const char *user_code,
                   struct error *err)
{
    char *json = NULL;
    struct process *process = NULL;
    int status = 0;
    int code =
        str_format(&json, err, "{\"action\":\"approve\",\"tenant\":\"%s\",\"user_code\":\"%s\"}",
                   tenant, user_code);

    if (code == 0) {
        const char *argv[] = {demo->tenant_program, "control", demo->state, "device", json, NULL};
        const struct process_options options = {.argv = argv, .output_file = "/dev/null"};

        code = process_start(&process, &options, err);
    }
    if (code == 0) {
        code = process_wait(process, &status, 10000, err);
    }
    if (code == 0 && status != 0) {
        code = error_set(err, ERR_IO, "the simulated tenant did not take the code");
    }
    process_free(process);
    free(json);
    return code;
}

/* Looks at the agent once: approves codes that wait; true when every account is signed in and has
 * its libraries. */
static bool look(const struct demo *demo, struct str_list *approved, bool *is_ready,
                 struct error *err)
{
    cJSON *status = NULL;
    const cJSON *account;
    bool is_fine = true;

    *is_ready = false;
    if (command_call(&status, "status", NULL, NULL, NULL, NULL) < 0) {
        return true; /* not listening yet */
    }
    *is_ready = true;
    cJSON_ArrayForEach(account, cJSON_GetObjectItemCaseSensitive(status, "accounts"))
    {
        const char *user_code = answer_text(account, "userCode");

        *is_ready = *is_ready && *answer_text(account, "discovered");
        if (*user_code && !str_list_has_nocase(approved, user_code)) {
            printf("(the demo enters the code %s for you)\n", user_code);
            fflush(stdout);
            is_fine = approve(demo, answer_text(account, "tenant"), user_code, err) == 0 &&
                      str_list_add(approved, user_code, err) == 0 && is_fine;
        }
    }
    cJSON_Delete(status);
    return is_fine;
}

static int wait_for_libraries(struct demo *demo, struct error *err)
{
    int64_t end = clock_mono_ms(clock_system()) + SIGN_IN_MS;
    struct str_list approved = {0};
    bool is_ready = false;
    int code = 0;

    while (!is_ready && code == 0) {
        if (is_over(demo, err) || !look(demo, &approved, &is_ready, err)) {
            code = err->code;
        } else if (clock_mono_ms(clock_system()) > end) {
            code = error_set(err, ERR_TIMED_OUT, "the libraries did not appear in time");
        }
    }
    str_list_clear(&approved);
    return code;
}

static int write_details(struct demo *demo, struct error *err)
{
    cJSON *details = cJSON_CreateObject();
    cJSON *environment = cJSON_AddObjectToObject(details, "environment");
    char *text;
    int code;

    cJSON_AddStringToObject(details, "directory", demo->directory);
    cJSON_AddStringToObject(details, "home", demo->home);
    cJSON_AddStringToObject(details, "tenantState", demo->state);
    cJSON_AddStringToObject(details, "tenantProgram", demo->tenant_program);
    cJSON_AddNumberToObject(details, "agentPid", process_id(demo->agent));
    for (size_t i = 0; demo->environment[i]; i++) {
        char *equals = strchr(demo->environment[i], '=');

        *equals = '\0';
        cJSON_AddStringToObject(environment, demo->environment[i], equals + 1);
        *equals = '=';
    }
    text = cJSON_Print(details);
    code = text ? file_write_atomic(demo->details_file, text, strlen(text), err)
                : error_set(err, ERR_NO_MEMORY, "no memory for the details");
    demo->has_written_details = code == 0;
    cJSON_free(text);
    cJSON_Delete(details);
    return code;
}

/* For `sh`: single quotes, in which only the quote itself is special. */
static int add_export(struct buf *out, const char *name, size_t name_length, const char *value,
                      struct error *err)
{
    int code = buf_add_format(out, err, "export %.*s='", (int)name_length, name);

    for (; *value && code == 0; value++) {
        code = buf_add(out, *value == '\'' ? "'\\''" : value, *value == '\'' ? 4 : 1, err);
    }
    return code == 0 ? buf_add_text(out, "'\n", err) : code;
}

/* A file to be sourced in another terminal: `mooring` is found there, and talks to this demo's agent. */
static int write_environment(const struct demo *demo, struct error *err)
{
    struct buf text;
    char *path = NULL;
    int code = str_format(&path, err, "%s/env", demo->home);

    buf_init(&text, 64u << 10);
    for (size_t i = 0; demo->environment[i] && code == 0; i++) {
        size_t length = strcspn(demo->environment[i], "=");

        code =
            add_export(&text, demo->environment[i], length, demo->environment[i] + length + 1, err);
    }
    if (code == 0) {
        code = add_export(&text, "MOORING_DEMO", strlen("MOORING_DEMO"), demo->state, err);
    }
    if (code == 0) {
        code = add_export(&text, "PATH", strlen("PATH"), demo->bin, err);
    }
    if (code == 0) {
        text.size--; /* the rest of the line: our folder first, then what was there */
        code = buf_add_text(&text, ":$PATH\n", err);
    }
    if (code == 0) {
        code = file_write_atomic(path, text.data, text.size, err);
    }
    buf_clear(&text);
    free(path);
    return code;
}

static void print_invitation(const struct demo *demo)
{
    printf("\nThe libraries of the simulated tenants are folders now. In another terminal, try:\n\n"
           "  ls %s/*/*\n"
           "  echo hello > %s/contoso/finance/'Shared Documents'/hello.txt     (arrives on the "
           "server)\n"
           "  . %s/env        (then `mooring` talks to this agent)\n"
           "  mooring status; mooring plan; mooring explain "
           "https://contoso.sharepoint.com/sites/finance\n"
           "  mooring-tenant control \"$MOORING_DEMO\"           (what the server can be asked, "
           "and made to do)\n\n"
           "Ctrl-C ends the demo and removes everything it made.\n",
           demo->directory, demo->directory, demo->home);
    fflush(stdout);
}

static int run(struct demo *demo, struct error *err)
{
    int64_t end;
    int code = find_programs(demo, err);

    if (code == 0) {
        code = make_home(demo, err);
    }
    if (code == 0) {
        printf(
            "Starting a simulated Microsoft 365 tenant and an agent. The demo plays the user: it "
            "enters the codes itself.\n");
        fflush(stdout);
        code = start_tenant(demo, err);
    }
    if (code == 0) {
        code = start_agent(demo, err);
    }
    if (code == 0) {
        code = wait_for_libraries(demo, err);
    }
    if (code == 0) {
        code = write_environment(demo, err);
    }
    if (code == 0) {
        print_invitation(demo);
        code = demo->details_file ? write_details(demo, err) : 0;
    }
    end = demo->seconds ? clock_mono_ms(clock_system()) + demo->seconds * 1000 : INT64_MAX;
    while (code == 0 && clock_mono_ms(clock_system()) < end) {
        if (is_over(demo, err)) {
            code = err->code;
        }
    }
    return code == ERR_CANCELLED ? 0 : code;
}

/* What a log of ours ends with, before it is removed. */
static void print_tail(const struct demo *demo, const char *name)
{
    struct buf text;
    char *path = NULL;
    const char *at;
    int lines = 0;

    buf_init(&text, 16u << 20);
    if (str_format(&path, NULL, "%s/%s", demo->home, name) == 0 &&
        file_read_all(&text, path, NULL) == 0 && text.size > 0) {
        at = buf_text(&text) + text.size - 1;
        while (at > buf_text(&text) && lines < TAIL_LINES) {
            lines += *--at == '\n';
        }
        fprintf(stderr, "--- end of %s\n", name);
        command_write_safe(stderr, *at == '\n' ? at + 1 : at, true);
    }
    buf_clear(&text);
    free(path);
}

/* An agent that was killed leaves its mount; only a dead one of ours gives ENOTCONN. */
static void unmount_leftover(const struct demo *demo)
{
    const char *const argv[] = {"fusermount3", "-u", "-z", "-q", "--", demo->directory, NULL};
    const struct process_options options = {.argv = argv, .output_file = "/dev/null"};
    struct process *process = NULL;
    struct stat st;
    int status;

    if (demo->agent && stat(demo->directory, &st) != 0 && errno == ENOTCONN &&
        process_start(&process, &options, NULL) == 0) {
        process_wait(process, &status, 5000, NULL);
        process_free(process);
    }
}

static void clean_up(struct demo *demo)
{
    struct error err = {0};

    process_stop(demo->agent, STOP_MS);
    process_stop(demo->tenant, STOP_MS);
    if (demo->directory) {
        unmount_leftover(demo);
        if (demo->has_made_directory && rmdir(demo->directory) != 0) {
            fprintf(stderr, "mooring demo: the folder '%s' is left: %s\n", demo->directory,
                    strerror(errno));
        }
    }
    process_free(demo->agent);
    process_free(demo->tenant);
    if (demo->home && file_remove_tree(demo->home, &err) < 0) {
        fprintf(stderr, "mooring demo: %s\n", err.message);
    }
    if (demo->has_written_details && file_remove(demo->details_file, &err) < 0) {
        fprintf(stderr, "mooring demo: %s\n", err.message);
    }
    for (size_t i = 0; i < sizeof(demo->environment) / sizeof(demo->environment[0]); i++) {
        free(demo->environment[i]);
    }
    cJSON_Delete(demo->ready);
    free(demo->directory);
    free(demo->bin);
    free(demo->tenant_program);
    free(demo->home);
    free(demo->state);
}

int command_demo(int argc, char **argv)
{
    struct demo demo = {.directory_option = "mooring-demo"};
    const struct command_word words[] = {
        {"directory", .text = &demo.directory_option},
        {"details", .text = &demo.details_file},
        {"seconds", .number = &demo.seconds, .min = 1, .max = 86400},
        {0}};
    struct error err = {0};
    int exit_code;
    int code;

    if (!command_parse(words, argc, argv, usage, &exit_code)) {
        return exit_code;
    }
    process_block_stop();
    code = run(&demo, &err);
    if (code < 0 && demo.home) {
        print_tail(&demo, "tenant.log");
        print_tail(&demo, "state/mooring/mooring.log");
    }
    exit_code = code < 0 ? command_fail("demo", false, &err) : COMMAND_OK;
    clean_up(&demo);
    return exit_code;
}
