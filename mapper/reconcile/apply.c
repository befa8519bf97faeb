/*
 * apply.c - does what a plan says, and decides nothing.
 */
#include "mapper/plan.h"

#define NOT_TRIED 1

/* Whether a step before this one, that had to make room for it, was not done. */
static bool is_blocked(const struct plan *plan, size_t at)
{
    const struct plan_step *step = &plan->steps[at];

    for (size_t i = 0; i < at; i++) {
        const struct plan_step *before = &plan->steps[i];

        if (before->result != 0 &&
            (str_equal_nocase(before->mapping.path, step->mapping.path) ||
             (step->mapping.letter && before->letter_before == step->mapping.letter &&
              step->letter_before != step->mapping.letter))) {
            return true;
        }
    }
    return false;
}

static int record(const struct plan_actions *actions, const struct plan_step *step,
                  struct error *err)
{
    return actions->record ? actions->record(actions->payload, step, err) : 0;
}

/* Takes the note back: what is left at the path after the step failed. */
static void unrecord(const struct plan_actions *actions, const struct plan_step *step)
{
    struct plan_step left = *step; /* borrows the texts for the time of the call */

    if (step->kind == PLAN_ATTACH) {
        left.kind = PLAN_DETACH;
    } else {
        left.mapping.letter = step->letter_before;
        left.mapping.label = NULL; /* not known any more, so that the next plan tries again */
    }
    /* when this fails too, the note says more than there is: detaching what is not there succeeds
     */
    record(actions, &left, NULL);
}

static int act(const struct plan_step *step, const struct plan_actions *actions, struct error *err)
{
    int (*make)(void *, const struct plan_mapping *, struct error *) =
        step->kind == PLAN_ATTACH ? actions->attach : actions->update;
    bool takes_away =
        step->kind == PLAN_DETACH || (step->kind == PLAN_UPDATE && step->letter_before &&
                                      step->letter_before != step->mapping.letter);
    int code;

    if (takes_away) {
        code = step->kind == PLAN_DETACH ? actions->detach(actions->payload, &step->mapping, err)
                                         : make(actions->payload, &step->mapping, err);
        return code < 0 ? code : record(actions, step, err);
    }
    code = record(actions, step, err);
    if (code < 0) {
        return code;
    }
    code = make(actions->payload, &step->mapping, err);
    if (code < 0) {
        unrecord(actions, step);
    }
    return code;
}

size_t plan_apply(struct plan *plan, const struct plan_actions *actions, struct error *first)
{
    size_t failed = 0;

    error_clear(first);
    for (size_t i = 0; i < plan->count; i++) {
        struct plan_step *step = &plan->steps[i];

        error_clear(&step->error);
        if (failed > 0 && is_blocked(plan, i)) {
            step->result = NOT_TRIED;
        } else {
            step->result = act(step, actions, &step->error);
        }
        if (step->result != 0) {
            failed++;
            if (step->result < 0 && first && first->code == 0) {
                *first = step->error;
            }
        }
    }
    return failed;
}
