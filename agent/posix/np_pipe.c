#include "np_pipe.h"

int np_pipe_start(struct np_pipe **out, np_answer_fn answer, void *payload, struct error *err)
{
    (void)out;
    (void)answer;
    (void)payload;
    return error_set(err, ERR_UNSUPPORTED, "network providers are a thing of Windows");
}

void np_pipe_stop(struct np_pipe *pipe)
{
    (void)pipe;
}
