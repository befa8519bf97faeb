/* What is left of client.c, and of an answer, when a test has the governor's place: a client without a
 * line of its own, which is nothing but its governor. */
#include <stdlib.h>
#include <string.h>

#include "graph/client.h"
#include "graph/governor.h"

void http_response_clear(struct http_response *response)
{
    buf_clear(&response->body);
    free(response->location);
    memset(response, 0, sizeof(*response));
}

struct graph *graph_ref(struct graph *graph)
{
    return graph;
}

void graph_unref(struct graph *graph)
{
    (void)graph;
}

struct governor *graph_governor(struct graph *graph)
{
    return (struct governor *)graph;
}

void graph_answers_clear(struct graph_answer *answers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(answers[i].body);
        answers[i].body = NULL;
    }
}
