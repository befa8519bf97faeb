/* The linker puts this before clock_system(), so that a test can let time stand still. */
#include "still_clock.h"

#include <stdatomic.h>

#include "base/clock.h"

const struct clock *__real_clock_system(void);
const struct clock *__wrap_clock_system(void);

static atomic_bool is_still;
static _Atomic int64_t still_mono_ms;
static _Atomic int64_t still_wall_ms;

static int64_t mono_ms(void *payload)
{
    (void)payload;
    return atomic_load(&is_still) ? atomic_load(&still_mono_ms)
                                  : clock_mono_ms(__real_clock_system());
}

static int64_t wall_ms(void *payload)
{
    (void)payload;
    return atomic_load(&is_still) ? atomic_load(&still_wall_ms)
                                  : clock_wall_ms(__real_clock_system());
}

const struct clock *__wrap_clock_system(void)
{
    static const struct clock test_clock = {.mono_ms = mono_ms, .wall_ms = wall_ms};

    return &test_clock;
}

void still_clock_begin(void)
{
    atomic_store(&still_mono_ms, clock_mono_ms(__real_clock_system()));
    atomic_store(&still_wall_ms, clock_wall_ms(__real_clock_system()));
    atomic_store(&is_still, true);
}

void still_clock_advance(int64_t ms)
{
    atomic_fetch_add(&still_mono_ms, ms);
    atomic_fetch_add(&still_wall_ms, ms);
}

void still_clock_end(void)
{
    atomic_store(&is_still, false);
}
