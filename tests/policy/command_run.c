#include "command_run.h"

#include "commands/policy.h"

void policy_run(struct outcome *outcome, struct fixture *f, const char *const *words)
{
    int argc = 0;

    while (words[argc]) {
        argc++;
    }
    buf_init(&outcome->out, 1 << 24);
    buf_init(&outcome->complaint, 1 << 20);
    outcome->exit_code =
        policy_command_run(&outcome->out, &outcome->complaint, &f->sources, argc, words);
}

void outcome_clear(struct outcome *outcome)
{
    buf_clear(&outcome->out);
    buf_clear(&outcome->complaint);
}
