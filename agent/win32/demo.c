#include <stdio.h>

#include "commands/command.h"

/* What it needs besides us, the simulated tenant, is built for Linux only. */
int command_demo(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    fprintf(
        stderr,
        "mooring demo: the simulated tenant runs on Linux only; there, deploy/demo.sh starts it\n");
    return COMMAND_FAILED;
}
