/*
 * np_pipe.h - the agent's end of the pipe on which mooringnp.dll asks (protocol.md): who may come,
 * how long it may take, and nothing of what is asked. Windows only: ERR_UNSUPPORTED elsewhere.
 */
#ifndef AGENT_NP_PIPE_H
#define AGENT_NP_PIPE_H

#include <stddef.h>

#include "base/error.h"

struct np_pipe;

/* Answers the `size` bytes at `question`: writes at most NP_ANSWER_BYTES to `out` (aligned for any
 * struct) and returns how many. On threads of the pipe, several at once. */
typedef size_t (*np_answer_fn)(void *payload, void *out, const void *question, size_t size);

/* Listens, for programs of this user in this session. ERR_BUSY: another program has the name. */
int np_pipe_start(struct np_pipe **out, np_answer_fn answer, void *payload, struct error *err);

/* Returns when no question is being answered any more. NULL is fine. */
void np_pipe_stop(struct np_pipe *pipe);

#endif
