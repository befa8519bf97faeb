/* explorer.c - there is none: the file managers of Linux have `mooring desktop install`. */
#include "explorer.h"

int explorer_start(struct explorer **out, const char *state, struct error *err)
{
    (void)state;
    (void)err;
    *out = NULL;
    return 0;
}

int explorer_remove_leftovers(const char *state, struct error *err)
{
    (void)state;
    (void)err;
    return 0;
}

void explorer_show(struct explorer *explorer, struct explorer_view *view)
{
    (void)explorer;
    explorer_view_clear(view);
}

void explorer_stop(struct explorer *explorer, bool keeps_letters)
{
    (void)explorer;
    (void)keeps_letters;
}
