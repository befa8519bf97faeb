#include "removal.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define ROUNDS_UNTIL_REMOVED 2
#define OUTAGE_MORE_THAN 3
#define OUTAGE_MORE_THAN_PERCENT 20

void report_add(struct discover_report *report, const char *fmt, ...)
{
    size_t used = strlen(report->message);
    size_t room = sizeof(report->message) - used;
    va_list args;

    if (used > 0 && room > 2) {
        snprintf(report->message + used, room, "; ");
        used += 2;
        room -= 2;
    }
    va_start(args, fmt);
    vsnprintf(report->message + used, room, fmt, args);
    va_end(args);
    for (used = strlen(report->message); used > 0 && !str_is_utf8(report->message, used); used--) {
        report->message[used - 1] = '\0';
    }
}

static bool says_gone(int code)
{
    return code == ERR_NOT_FOUND || code == ERR_DENIED;
}

int removal_decide(struct library_list *list, const struct removal_answer *answers, size_t count,
                   size_t mapped, struct discover_report *report, struct error *err)
{
    size_t failed = 0;
    int code = 0;

    for (size_t i = 0; i < count; i++) {
        failed += answers[i].code == 0 ? 0 : 1;
    }
    report->is_outage =
        failed > OUTAGE_MORE_THAN && failed * 100 > mapped * OUTAGE_MORE_THAN_PERCENT;
    if (report->is_outage) {
        report_add(report, "%zu of %zu libraries fail together: nothing is removed", failed,
                   mapped);
    }
    for (size_t i = 0; code == 0 && i < count; i++) {
        struct library *library = &list->items[answers[i].library];

        if (answers[i].code == 0) {
            library->missing = 0;
        } else if (says_gone(answers[i].code) && !report->is_outage) {
            library->missing += library->missing < ROUNDS_UNTIL_REMOVED ? 1 : 0;
            if (library->missing == ROUNDS_UNTIL_REMOVED && library->is_verified) {
                library->verdict = LIBRARY_REMOVED;
                code = str_copy(&library->reason,
                                answers[i].code == ERR_NOT_FOUND
                                    ? "it was deleted: the service said so twice"
                                    : "you have no access any more: the service said so twice",
                                err);
            }
        }
    }
    return code;
}
