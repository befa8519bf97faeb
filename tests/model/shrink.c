/* Delta debugging: leaves out one part after the other, and keeps what still fails. */
#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define TRIES 3 /* threads do not meet in the same way each time */

/* Nothing after the operation that fails matters, when they are done one after the other. */
static void cut_after(struct op_list *list, const char *failure)
{
    const char *at = strstr(failure, "[operation ");
    size_t number = 0;

    if (at && sscanf(at, "[operation %zu", &number) == 1 && number + 1 < list->count) {
        list->count = number + 1;
    }
}

static bool still_fails(struct op_list *list, const struct run_options *options)
{
    char failure[FAILURE_MAX];

    for (unsigned i = 0; i < (options->is_serial ? 1 : TRIES); i++) {
        if (!run_ops(list, options, failure)) {
            if (options->is_serial) {
                cut_after(list, failure);
            }
            return true;
        }
    }
    return false;
}

static bool without(struct op_list *list, const struct run_options *options, size_t from,
                    size_t count)
{
    struct op_list less = {.count = list->count - count};

    less.ops = malloc((less.count + 1) * sizeof(*less.ops));
    if (!less.ops) {
        abort();
    }
    memcpy(less.ops, list->ops, from * sizeof(*less.ops));
    memcpy(less.ops + from, list->ops + from + count,
           (list->count - from - count) * sizeof(*less.ops));
    if (!still_fails(&less, options)) {
        op_list_clear(&less);
        return false;
    }
    op_list_clear(list);
    *list = less;
    return true;
}

/* Most failures are of one worker alone. */
static void without_worker(struct op_list *list, const struct run_options *options, unsigned worker)
{
    struct op_list less = {0};

    less.ops = malloc((list->count + 1) * sizeof(*less.ops));
    if (!less.ops) {
        abort();
    }
    for (size_t i = 0; i < list->count; i++) {
        if (list->ops[i].worker != worker || op_is_foreign(&list->ops[i]) ||
            op_is_global(&list->ops[i])) {
            less.ops[less.count++] = list->ops[i];
        }
    }
    if (less.count < list->count && still_fails(&less, options)) {
        op_list_clear(list);
        *list = less;
    } else {
        op_list_clear(&less);
    }
}

void shrink_ops(struct op_list *list, struct run_options *options, unsigned seconds)
{
    int64_t until = clock_mono_ms(clock_system()) + (int64_t)seconds * 1000;
    bool is_serial = options->is_serial;
    size_t part = list->count / 2;

    options->is_serial = true;
    if (!still_fails(list, options)) {
        options->is_serial = is_serial;
    }
    for (unsigned worker = 0; worker < WORKERS_MAX; worker++) {
        without_worker(list, options, worker);
    }
    while (part > 0 && list->count > 0) {
        bool has_shrunk = false;

        part = part < list->count ? part : list->count;
        for (size_t end = list->count;
             end > 0 && end <= list->count;) { /* from the end: what is after it, at first */
            size_t from = end > part ? end - part : 0;

            if (clock_mono_ms(clock_system()) > until) {
                return;
            }
            has_shrunk = without(list, options, from, end - from) || has_shrunk;
            end = from;
        }
        if (part == 1 && !has_shrunk) {
            return;
        }
        part = part > 1 ? part / 2 : 1;
    }
}
