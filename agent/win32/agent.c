/*
 * agent.c - mooring-agent.exe: `mooring agent` as a program without a console, for the logon task;
 * and what Explorer's menus start.
 */
#include "base/process.h"
#include "commands/command.h"
#include "verb.h"

int main(int argc, char **argv)
{
    process_harden();
    if (process_arguments(&argc, &argv, NULL) < 0) {
        return COMMAND_FAILED;
    }
    if (verb_is(argc, argv)) {
        return verb_run(argc, argv);
    }
    return command_agent(argc, argv);
}
