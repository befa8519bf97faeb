#include "base/clock.h"

#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* BOOTTIME, not MONOTONIC: a laptop that slept must find its deadlines passed and its tokens old.
 */
static int64_t mono_ms(void *payload)
{
    (void)payload;
    return read_clock(CLOCK_BOOTTIME);
}

static int64_t wall_ms(void *payload)
{
    (void)payload;
    return read_clock(CLOCK_REALTIME);
}

const struct clock *clock_system(void)
{
    static const struct clock system_clock = {.mono_ms = mono_ms, .wall_ms = wall_ms};

    return &system_clock;
}
