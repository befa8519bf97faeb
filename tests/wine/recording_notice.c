/*
 * recording_notice.c - in the place of the window of agent/win32/notice.c, which nobody would close
 * here: writes the sentence into the file that MOORING_NOTICE names.
 */
#include <stdio.h>
#include <stdlib.h>

#include "win32/notice.h"

void notice_show(const char *text, bool is_failure)
{
    const char *path = getenv("MOORING_NOTICE");
    FILE *out = path ? fopen(path, "wb") : NULL;

    if (out) {
        fprintf(out, "%s: %s\n", is_failure ? "failure" : "done", text);
        fclose(out);
    }
}
