#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/process.h"
#include "commands/command.h"
#include "events.h"
#include "paths.h"
#include "policy/load.h"
#include "session.h"
#include "setup.h"
#include "terminal.h"

#define TICK_MS 5000
#define PROGRESS_MS 500
#define END_MS 120000 /* DrainSeconds is 60 unless policy says otherwise */
#define END_STEP_MS 200

static const char usage[] = "usage: mooring agent [--policy FILE] [--verbose] | --stop\n"
                            "Runs in this session until it is told to end (SIGTERM, Ctrl-C): shows "
                            "the user's libraries below MountRoot.\n"
                            "  --policy FILE  replaces all other sources of policy (refused while "
                            "a machine policy exists)\n"
                            "  --verbose      the log goes to the terminal too\n"
                            "  --stop         ends the agent of this session, and waits for it\n";

struct agent_arguments {
    const char *policy_file;
    bool is_verbose;
    bool is_stop;
    unsigned place; /* of several agents of one user (Windows): each has a log */
    atomic_bool
        has_new_network; /* set on another thread; seen at the next tick: they come in crowds */
};

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

static int open_log(const struct settings *settings, const struct agent_arguments *arguments,
                    struct error *err)
{
    char name[32] = "mooring";
    const struct log_options options = {.level = (enum log_level)settings->log_level,
                                        .directory = settings->log_directory,
                                        .name = name,
                                        .max_bytes = (size_t)settings->log_size_kb * 1024,
                                        .max_files = (int)settings->log_files,
                                        .to_stderr = arguments->is_verbose};

    if (arguments->place > 1) {
        snprintf(name, sizeof(name), "mooring-%u", arguments->place);
    }
    return log_open(&options, err);
}

static int set_log(void *payload, const struct settings *settings, struct error *err)
{
    const struct agent_arguments *arguments = payload;

    return open_log(settings, arguments, err);
}

/* A wrong policy never stops the agent, and is never silent. */
static void log_policy_warnings(const struct policy *policy)
{
    for (size_t i = 0; i < policy_warning_count(policy); i++) {
        policy_log_warning(policy_warning_at(policy, i));
    }
}

/* On a terminal the line of progress is the last one: each line that stays takes its place. */
static void clear_line(void)
{
    if (terminal_is_output()) {
        printf("\r\033[K");
    }
}

static void say(void *payload, const char *line)
{
    (void)payload;
    terminal_lock(); /* any thread */
    clear_line();
    command_print_safe(line);
    putchar('\n');
    fflush(stdout);
    terminal_unlock();
}

static void show_progress(void *payload, const char *line)
{
    (void)payload;
    terminal_lock();
    clear_line();
    command_print_safe(line);
    fflush(stdout);
    terminal_unlock();
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
static void attend(struct session *session, struct agent_arguments *arguments, bool is_terminal)
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
            if (atomic_exchange(&arguments->has_new_network, false)) {
                session_network_changed(session);
            }
            session_tick(session);
            ticked_ms = clock_mono_ms(clock_system());
        }
    }
}

static void on_event(void *payload, enum agent_event event)
{
    struct agent_arguments *arguments = payload;

    if (event == AGENT_EVENT_END) {
        process_request_stop();
    } else {
        atomic_store(&arguments->has_new_network, true);
    }
}

static int serve(const struct agent_paths *paths, struct policy *policy,
                 struct policy_sources *sources, struct agent_arguments *arguments,
                 struct error *err)
{
    bool is_terminal = terminal_is_output();
    const struct session_options options = {
        .paths = paths,
        .policy = policy,
        .sources = sources,
        .set_log = set_log,
        .terminal = {.payload = arguments,
                     .say = say,
                     .progress = is_terminal ? show_progress : NULL,
                     .is_impatient = is_terminal ? is_impatient : NULL}};
    struct agent_events *events = NULL;
    struct setup_listener *listener = NULL;
    struct session *session = NULL;
    struct error why = {0};
    int code = session_start(&session, &options, err);

    if (code < 0) {
        return code;
    }
    if (agent_events_start(&events, on_event, arguments, &why) < 0) {
        log_error(LOG_AGENT, &why, "the system tells of nothing");
    }
    if (setup_listen(&listener, &why) < 0) {
        log_error(LOG_AGENT, &why, "an installer will end this agent by force");
    }
    log_info(LOG_AGENT, "version %s started", MOORING_VERSION);
    attend(session, arguments, is_terminal);
    if (session_is_disabled(session)) {
        say(NULL, "policy Enabled was turned off for this machine or user: the agent ends");
    }
    log_info(LOG_AGENT, "ending");
    session_stop(session);
    setup_listen_end(listener);
    agent_events_stop(events); /* the end of the session waited for that */
    return 0;
}

static int stop_running(struct error *err)
{
    int64_t end = clock_mono_ms(clock_system()) + END_MS;
    enum process_event event = PROCESS_NOTHING;
    cJSON *result = NULL;
    int code;

    process_block_stop(); /* Ctrl-C: no more waiting */
    code = command_call(&result, "stop", NULL, NULL, NULL, err);
    cJSON_Delete(result);
    while (code == 0 && event == PROCESS_NOTHING && clock_mono_ms(clock_system()) < end) {
        result = NULL;
        event = process_wait_for_stop(END_STEP_MS);
        if (command_call(&result, "status", NULL, NULL, NULL, NULL) == ERR_NOT_FOUND) {
            return 0;
        }
        cJSON_Delete(result);
    }
    return code < 0 ? code : error_set(err, ERR_TIMED_OUT, "the agent still waits for uploads");
}

int command_agent(int argc, char **argv)
{
    struct agent_arguments arguments = {0};
    const struct command_word words[] = {{"policy", .text = &arguments.policy_file},
                                         {"stop", .flag = &arguments.is_stop},
                                         {"verbose", .flag = &arguments.is_verbose},
                                         {0}};
    struct agent_paths paths = {0};
    struct policy_sources sources = {0};
    struct policy *policy = NULL;
    struct error err = {0};
    int exit_code;
    int code;

    if (!command_parse(words, argc, argv, usage, &exit_code)) {
        return exit_code;
    }
    if (arguments.is_stop) {
        return stop_running(&err) < 0 ? command_fail("agent", false, &err) : COMMAND_OK;
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
    if (code == 0) {
        code = agent_paths_claim(&paths, policy_settings(policy)->journal_directory, &err);
        arguments.place = paths.place;
    }
    if (code == 0 && open_log(policy_settings(policy), &arguments, &err) < 0) {
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
