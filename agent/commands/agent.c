#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/process.h"
#include "commands/command.h"
#include "paths.h"
#include "policy/load.h"
#include "session.h"

#define TICK_MS 5000
#define PROGRESS_MS 500

static const char usage[] = "usage: mooring agent [--policy FILE] [--verbose]\n"
                            "Runs in this session until it is told to end (SIGTERM, Ctrl-C): shows "
                            "the user's libraries below MountRoot.\n"
                            "  --policy FILE  replaces all other sources of policy (refused while "
                            "a machine policy exists)\n"
                            "  --verbose      the log goes to the terminal too\n";

struct agent_arguments {
    const char *policy_file;
    bool is_verbose;
};

static bool parse(struct agent_arguments *arguments, int argc, char **argv, int *exit_code)
{
    static const struct option long_options[] = {{"policy", required_argument, NULL, 'p'},
                                                 {"verbose", no_argument, NULL, 'v'},
                                                 {"help", no_argument, NULL, 'h'},
                                                 {NULL, 0, NULL, 0}};
    int letter;

    memset(arguments, 0, sizeof(*arguments));
    *exit_code = COMMAND_FAILED;
    optind = 1;
    while ((letter = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        switch (letter) {
        case 'p':
            arguments->policy_file = optarg;
            break;
        case 'v':
            arguments->is_verbose = true;
            break;
        case 'h':
            printf("%s", usage);
            *exit_code = COMMAND_OK;
            return false;
        default:
            fprintf(stderr, "%s", usage);
            return false;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "%s", usage);
        return false;
    }
    return true;
}

static int load_policy(struct policy **out, struct policy_sources *sources, const char *file,
                       struct error *err)
{
    int code = policy_default_sources(sources, err);

    if (code == 0 && file && !file_exists(file)) {
        code = error_set(err, ERR_NOT_FOUND, "there is no policy file '%s'", file);
    }
    if (code == 0 && file) {
        code = policy_sources_override(sources, file, err);
    }
    if (code == 0) {
        code = policy_load(out, sources, err);
    }
    return code;
}

static int open_log(const struct settings *settings, bool is_verbose, struct error *err)
{
    const struct log_options options = {.level = (enum log_level)settings->log_level,
                                        .directory = settings->log_directory,
                                        .name = "mooring",
                                        .max_bytes = (size_t)settings->log_size_kb * 1024,
                                        .max_files = (int)settings->log_files,
                                        .to_stderr = is_verbose};

    return log_open(&options, err);
}

static int set_log(void *payload, const struct settings *settings, struct error *err)
{
    const struct agent_arguments *arguments = payload;

    return open_log(settings, arguments->is_verbose, err);
}

/* A wrong policy never stops the agent, and is never silent. */
static void log_policy_warnings(const struct policy *policy)
{
    for (size_t i = 0; i < policy_warning_count(policy); i++) {
        const struct policy_warning *warning = policy_warning_at(policy, i);

        log_write(LOG_LEVEL_ERROR, LOG_POLICY, "%s:%d: %s: %s",
                  warning->file ? warning->file : "policy", warning->line,
                  warning->key ? warning->key : "-", warning->message);
    }
}

/* On a terminal the line of progress is the last one: each line that stays takes its place. */
static void clear_line(void)
{
    if (isatty(STDOUT_FILENO)) {
        printf("\r\033[K");
    }
}

static void say(void *payload, const char *line)
{
    (void)payload;
    flockfile(stdout); /* any thread */
    clear_line();
    command_print_safe(line);
    putchar('\n');
    fflush(stdout);
    funlockfile(stdout);
}

static void show_progress(void *payload, const char *line)
{
    (void)payload;
    flockfile(stdout);
    clear_line();
    command_print_safe(line);
    fflush(stdout);
    funlockfile(stdout);
}

/* Ctrl-C while uploads are waited for: no more waiting. */
static bool is_impatient(void *payload)
{
    (void)payload;
    return process_wait_for_stop(0) == PROCESS_STOP;
}

/* The sources are watched; who asks for it all the same has a file system that tells nothing. */
static void reload(struct session *session)
{
    struct error err = {0};

    if (session_reload(session, &err) < 0) {
        log_error(LOG_POLICY, &err, "the policy stays as it was");
    }
    session_refresh(session);
}

/* Until the session is to end. */
static void attend(struct session *session, bool is_terminal)
{
    enum process_event event = PROCESS_NOTHING;
    int64_t ticked_ms = clock_mono_ms(clock_system());
    bool is_busy = is_terminal;

    while (event != PROCESS_STOP && !session_is_disabled(session)) {
        is_busy = is_busy && session_show_progress(session);
        event = process_wait_for_stop(is_busy ? PROGRESS_MS : TICK_MS);
        if (event == PROCESS_RELOAD) {
            reload(session);
        }
        if (event != PROCESS_STOP && clock_mono_ms(clock_system()) - ticked_ms >= TICK_MS) {
            session_tick(session);
            ticked_ms = clock_mono_ms(clock_system());
        }
    }
}

static int serve(const struct agent_paths *paths, struct policy *policy,
                 struct policy_sources *sources, struct agent_arguments *arguments,
                 struct error *err)
{
    bool is_terminal = isatty(STDOUT_FILENO);
    const struct session_options options = {
        .paths = paths,
        .policy = policy,
        .sources = sources,
        .set_log = set_log,
        .terminal = {.payload = arguments,
                     .say = say,
                     .progress = is_terminal ? show_progress : NULL,
                     .is_impatient = is_terminal ? is_impatient : NULL}};
    struct session *session = NULL;
    int code = session_start(&session, &options, err);

    if (code < 0) {
        return code;
    }
    log_info(LOG_AGENT, "version %s started", MOORING_VERSION);
    attend(session, is_terminal);
    if (session_is_disabled(session)) {
        say(NULL, "policy Enabled was turned off for this machine or user: the agent ends");
    }
    log_info(LOG_AGENT, "ending");
    session_stop(session);
    return 0;
}

int command_agent(int argc, char **argv)
{
    struct agent_arguments arguments;
    struct agent_paths paths = {0};
    struct policy_sources sources = {0};
    struct policy *policy = NULL;
    struct error err = {0};
    int exit_code;
    int code;

    if (!parse(&arguments, argc, argv, &exit_code)) {
        return exit_code;
    }
    process_keep_small();
    process_block_stop();
    code = load_policy(&policy, &sources, arguments.policy_file, &err);
    if (code == 0 && !policy_settings(policy)->enabled) {
        say(NULL, "policy Enabled is off for this machine or user: nothing to do");
        policy_free(policy);
        policy_sources_clear(&sources);
        return COMMAND_OK;
    }
    if (code == 0) {
        code = agent_paths_init(&paths, &err);
    }
    if (code == 0 && open_log(policy_settings(policy), arguments.is_verbose, &err) < 0) {
        log_error(LOG_AGENT, &err, "no log file"); /* a full disk must not stop the agent */
    }
    if (code == 0) {
        log_policy_warnings(policy);
        code = serve(&paths, policy, &sources, &arguments, &err);
        if (code < 0) {
            policy_free(policy);
        }
    }
    policy_sources_clear(&sources);
    agent_paths_clear(&paths);
    log_close();
    return code < 0 ? command_fail("agent", false, &err) : COMMAND_OK;
}
