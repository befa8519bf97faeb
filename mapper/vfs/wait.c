#include "wait.h"

#include "base/clock.h"

struct call call_begin(const struct vfs_call *call, enum call_priority priority)
{
    struct call begun = {.priority = priority};

    if (call) {
        begun.deadline_ms = call->deadline_ms;
        begun.is_cancelled = call->is_cancelled;
        begun.payload = call->payload;
    }
    if (begun.deadline_ms == 0) {
        begun.deadline_ms = clock_mono_ms(clock_system()) + CALL_DEFAULT_MS;
    }
    return begun;
}

int call_check(const struct call *call, struct error *err)
{
    if (call->is_cancelled && call->is_cancelled(call->payload)) {
        return error_set(err, ERR_CANCELLED, "the caller gave up");
    }
    if (clock_mono_ms(clock_system()) >= call->deadline_ms) {
        return error_set(err, ERR_TIMED_OUT, "the operation took longer than its deadline");
    }
    return 0;
}

int call_wait(const struct call *call, struct cond *cond, struct mutex *mutex, struct error *err)
{
    int64_t left = call->deadline_ms - clock_mono_ms(clock_system());
    int code = call_check(call, err);

    if (code < 0) {
        return code;
    }
    if (call->is_cancelled && left > 200) {
        left = 200;
    }
    (void)cond_wait_ms(cond, mutex, left);
    return 0;
}
