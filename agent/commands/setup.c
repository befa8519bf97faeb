#include <stdio.h>
#include <string.h>

#include "commands/command.h"
#include "setup.h"

#define WAIT_MS 75000 /* DrainSeconds is 60 unless policy says otherwise */

static const char usage[] =
    "usage: mooring setup stop-agents | start-agents | add-task | remove-task\n"
    "For installers, on Windows. `stop-agents` ends the agents of all sessions that run from this\n"
    "folder, by force after 75 seconds; what they have not sent stays in their journals.\n"
    "`start-agents` starts one in each session. Both need the rights of the system. `add-task` "
    "makes\n"
    "the scheduled task that starts the agent at each logon, `remove-task` takes it away; both "
    "need\n"
    "an administrator.\n";

static int stop_agents(struct error *err)
{
    struct setup_stopped stopped = {0};
    int code = setup_stop_agents(&stopped, WAIT_MS, err);

    if (code != ERR_UNSUPPORTED) {
        printf("%zu agents ended", stopped.ended);
        if (stopped.killed > 0) {
            printf(", %zu more by force", stopped.killed);
        }
        printf("\n");
    }
    return code;
}

static int start_agents(struct error *err)
{
    size_t count = 0;
    int code = setup_start_agents(&count, err);

    if (code == 0) {
        printf("%zu agents started\n", count);
    }
    return code;
}

int command_setup(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(struct error *err);
    } verbs[] = {{"stop-agents", stop_agents},
                 {"start-agents", start_agents},
                 {"add-task", setup_add_task},
                 {"remove-task", setup_remove_task}};
    const char *verb = NULL;
    const struct command_word words[] = {{.text = &verb, .is_needed = true}, {0}};
    struct error err = {0};
    int exit_code;

    if (!command_parse(words, argc, argv, usage, &exit_code)) {
        return exit_code;
    }
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (strcmp(verb, verbs[i].name) == 0) {
            return verbs[i].run(&err) < 0 ? command_fail("setup", false, &err) : COMMAND_OK;
        }
    }
    return command_misused(usage);
}
