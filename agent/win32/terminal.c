#include "terminal.h"

#include <io.h>
#include <stdio.h>

/* mooring-agent.exe has no stdout at all. */
bool terminal_is_output(void)
{
    int fd = _fileno(stdout);

    return fd >= 0 && _isatty(fd);
}

void terminal_lock(void)
{
    _lock_file(stdout);
}

void terminal_unlock(void)
{
    _unlock_file(stdout);
}
