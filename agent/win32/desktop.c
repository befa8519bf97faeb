/* desktop.c - the menus that `mooring desktop` writes to are those of Linux. */
#include "commands/command.h"

int command_desktop(int argc, char **argv)
{
    struct error err = {0};

    (void)argc;
    (void)argv;
    error_set(&err, ERR_UNSUPPORTED, "this is for the file managers of Linux");
    return command_fail("desktop", false, &err);
}
