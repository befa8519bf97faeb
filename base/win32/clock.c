#include "base/clock.h"

#include <windows.h>

/* Counts on while the machine sleeps: deadlines must be found passed and tokens old. Steps of up to
 * 16 ms, which no deadline here minds. */
static int64_t mono_ms(void *payload)
{
    (void)payload;
    return (int64_t)GetTickCount64();
}

static int64_t wall_ms(void *payload)
{
    const int64_t until_1970_ms = 11644473600000; /* from 1601-01-01 */
    FILETIME now;

    (void)payload;
    GetSystemTimePreciseAsFileTime(&now);
    return (int64_t)((uint64_t)now.dwHighDateTime << 32 | now.dwLowDateTime) / 10000 -
           until_1970_ms;
}

const struct clock *clock_system(void)
{
    static const struct clock system_clock = {.mono_ms = mono_ms, .wall_ms = wall_ms};

    return &system_clock;
}
