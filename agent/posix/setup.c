#include "setup.h"

static int unsupported(struct error *err)
{
    return error_set(err, ERR_UNSUPPORTED,
                     "this is for Windows' installer; on Linux, see systemctl --user");
}

int setup_listen(struct setup_listener **out, struct error *err)
{
    (void)err;
    *out = NULL;
    return 0;
}

void setup_listen_end(struct setup_listener *listener)
{
    (void)listener;
}

int setup_stop_agents(struct setup_stopped *out, int64_t wait_ms, struct error *err)
{
    (void)out;
    (void)wait_ms;
    return unsupported(err);
}

int setup_start_agents(size_t *count, struct error *err)
{
    (void)count;
    return unsupported(err);
}

int setup_add_task(struct error *err)
{
    return unsupported(err);
}

int setup_remove_task(struct error *err)
{
    return unsupported(err);
}
