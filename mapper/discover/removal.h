/*
 * removal.h - when a library that nobody names any more is gone. Pure.
 *
 *   answer to the direct question      | this round                    | second round in a row
 *   it is there                        | missing = 0, verified         |
 *   404, 403                           | missing + 1                   | REMOVED, if it was verified
 *   no answer, or one that says less   | nothing changes               | nothing changes
 *   more than 3 and more than 20 % of  | nothing changes; is_outage    | nothing changes; is_outage
 *     what is mapped fail together     |                               |
 *
 * "Verified": an answer of the service has once shown the library under this id, so that a 404
 * speaks of the library and not of an id that we got wrong.
 */
#ifndef MAPPER_DISCOVER_REMOVAL_H
#define MAPPER_DISCOVER_REMOVAL_H

#include "mapper/discover.h"

struct removal_answer {
    size_t library; /* in the list */
    int code;       /* 0: it is there; ERR_NOT_FOUND and ERR_DENIED count; others say nothing */
};

/* `mapped`: how many libraries of the tenant are mapped, asked or not. Sets `missing`, verdict and
 * reason, and is_outage with a sentence in the report. */
int removal_decide(struct library_list *list, const struct removal_answer *answers, size_t count,
                   size_t mapped, struct discover_report *report, struct error *err);

/* Appends a sentence to the report's message, "; " between; what does not fit is left out. */
void report_add(struct discover_report *report, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
