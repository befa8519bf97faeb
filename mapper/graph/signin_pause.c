/* signin_pause.c - waiting, alone in its file so that a test can turn time by hand. */
#include "graph/account_impl.h"

#include "base/clock.h"

int signin_pause(const struct signin *signin, int64_t pause_ms, struct error *err)
{
    struct account *account = signin->account;
    int64_t end_ms = clock_mono_ms(clock_system()) + pause_ms;
    int64_t left_ms = pause_ms;
    int code = signin_check(signin, err);

    while (code == 0 && left_ms > 0) {
        mutex_lock(&account->lock);
        cond_wait_ms(&account->changed, &account->lock, left_ms < 100 ? left_ms : 100);
        mutex_unlock(&account->lock);
        code = signin_check(signin, err);
        left_ms = end_ms - clock_mono_ms(clock_system());
    }
    return code;
}
