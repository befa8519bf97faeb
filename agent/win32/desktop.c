/*
 * desktop.c - `mooring desktop remove`: takes away what an agent that died left in Explorer. The agent
 * makes these entries itself, and removes them when it ends (explorer.h).
 */
#include <stdio.h>
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
    struct agent_paths paths = {0};
    struct error err = {0};
    int code;

    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        printf("%s", usage);
        return COMMAND_OK;
    }
    if (argc != 2 || strcmp(argv[1], "remove") != 0) {
        fprintf(stderr, "%s", usage);
        return COMMAND_FAILED;
    }
    code = agent_paths_init(&paths, &err);
    if (code == 0) {
        code = explorer_remove_leftovers(paths.state, &err);
    }
    agent_paths_clear(&paths);
    return code < 0 ? command_fail("desktop", false, &err) : COMMAND_OK;
}
