/*
 * event_log.c - Windows' Application log. The number goes with its severity in the two highest bits,
 * as the message compiler makes it (agent/win32/messages.mc); Event Viewer shows the lower half. The
 * text of each number is in the resources of the program that the registry names below
 * EventLog\Application\<source>; without that entry the event is there, and its text is shown raw.
 */
#include "base/event_log.h"

#include <stdlib.h>
#include <windows.h>

#include "base/win32.h"

struct event_log {
    HANDLE source;
};

int event_log_open(struct event_log **out, const char *source, const char *address,
                   struct error *err)
{
    struct event_log *log = calloc(1, sizeof(*log));
    wchar_t *wide = NULL;
    int code;

    (void)address;
    if (!log) {
        return error_set(err, ERR_NO_MEMORY, "no memory for the event log");
    }
    code = win32_wide(&wide, source, err);
    if (code == 0) {
        log->source = RegisterEventSourceW(NULL, wide);
        code = log->source ? 0 : win32_failed(err, GetLastError(), "there is no event log");
    }
    free(wide);
    if (code < 0) {
        event_log_close(log);
        return code;
    }
    *out = log;
    return 0;
}

void event_log_close(struct event_log *log)
{
    if (log) {
        if (log->source) {
            DeregisterEventSource(log->source);
        }
        free(log);
    }
}

void event_log_write(struct event_log *log, enum event_kind kind, unsigned number, const char *text)
{
    static const struct {
        WORD type;
        DWORD severity;
    } kinds[] = {
        {EVENTLOG_INFORMATION_TYPE, 1}, {EVENTLOG_WARNING_TYPE, 2}, {EVENTLOG_ERROR_TYPE, 3}};
    wchar_t *wide = NULL;

    if (win32_wide(&wide, text, NULL) == 0) {
        const wchar_t *strings[] = {wide};

        ReportEventW(log->source, kinds[kind].type, 0, kinds[kind].severity << 30 | number, NULL, 1,
                     0, strings, NULL);
    }
    free(wide);
}
