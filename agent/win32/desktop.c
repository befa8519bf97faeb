/*
 * desktop.c - `mooring desktop remove`: takes away what an agent that died left in Explorer. The agent
 * makes these entries itself, and removes them when it ends (explorer.h).
 */
#include <string.h>

#include "commands/command.h"
#include "explorer.h"
#include "paths.h"

static const char usage[] =
    "usage: mooring desktop remove\n"
    "Takes away what an agent of this user that was killed left in Explorer: entries of menus, "
    "the\n"
    "folder in the navigation pane, names of letters. A running agent makes them itself, and the\n"
    "next one removes what the last one left.\n";

int command_desktop(int argc, char **argv)
{
    const char *verb = NULL;
    const struct command_word words[] = {{.text = &verb, .is_needed = true}, {0}};
    struct agent_paths paths = {0};
    struct error err = {0};
    int exit_code;
    int code;

    if (!command_parse(words, argc, argv, usage, &exit_code)) {
        return exit_code;
    }
    if (strcmp(verb, "remove") != 0) {
        return command_misused(usage);
    }
    code = agent_paths_init(&paths, &err);
    if (code == 0) {
        code = explorer_remove_leftovers(paths.state, &err);
    }
    agent_paths_clear(&paths);
    return code < 0 ? command_fail("desktop", false, &err) : COMMAND_OK;
}
