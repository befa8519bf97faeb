#include "np_registration.h"

#include <string.h>

static int unsupported(struct error *err)
{
    return error_set(err, ERR_UNSUPPORTED, "only Windows has network providers");
}

int np_register(const char *folder, struct error *err)
{
    (void)folder;
    return unsupported(err);
}

int np_unregister(struct error *err)
{
    return unsupported(err);
}

int np_inspect(struct np_state *out, struct error *err)
{
    memset(out, 0, sizeof(*out));
    return unsupported(err);
}

void np_state_clear(struct np_state *state)
{
    (void)state;
}
