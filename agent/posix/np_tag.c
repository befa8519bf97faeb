#include "np_tag.h"

#include <stddef.h>

/* A mount is its user's alone. */
int np_tag(char **out, struct error *err)
{
    (void)err;
    *out = NULL;
    return 0;
}
