#include "prompt.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/process.h"
#include "base/str.h"

#define START_MS 2000 /* a browser that cannot show anything has ended by then */

bool prompt_has_display(void)
{
    return getenv("WAYLAND_DISPLAY") || getenv("DISPLAY");
}

/* $BROWSER first, as sensible-browser and xdg-open do: it is what tests and terminal users set. */
void prompt_open_browser(struct process **browser, const char *url)
{
    const char *program = getenv("BROWSER");
    const char *argv[] = {program && *program ? program : "xdg-open", url, NULL};
    const struct process_options options = {
        .argv = argv, .output_file = "/dev/null", .is_own_group = true};
    struct process *process = NULL;
    struct error err = {0};
    int status = 0;

    if (!str_starts_with(url, "https://") && !str_starts_with(url, "http://")) {
        log_write(LOG_LEVEL_ERROR, LOG_SIGNIN, "the sign-in page has no address for a browser");
        return; /* and no option for the program */
    }
    if (process_start(&process, &options, &err) < 0) {
        log_error(LOG_SIGNIN, &err, "the browser did not start");
        return;
    }
    if (process_wait(process, &status, START_MS, NULL) != 0) {
        if (*browser) {
            process_wait(*browser, &status, 0, NULL);
            process_free(*browser);
        }
        *browser = process;
        return;
    }
    if (status != 0) {
        log_write(LOG_LEVEL_ERROR, LOG_SIGNIN, "'%s' ended with %d: no browser came up", argv[0],
                  status);
    }
    process_free(process);
}
