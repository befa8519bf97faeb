#include "terminal.h"

#include <stdio.h>
#include <unistd.h>

bool terminal_is_output(void)
{
    return isatty(STDOUT_FILENO);
}

void terminal_lock(void)
{
    flockfile(stdout);
}

void terminal_unlock(void)
{
    funlockfile(stdout);
}
