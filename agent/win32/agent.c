/*
 * agent.c - mooring-agent.exe: `mooring agent` as a program without a console, for the logon task.
 */
#include "base/process.h"
#include "commands/command.h"

int main(int argc, char **argv)
{
    process_harden();
    if (process_arguments(&argc, &argv, NULL) < 0) {
        return COMMAND_FAILED;
    }
    return command_agent(argc, argv);
}
