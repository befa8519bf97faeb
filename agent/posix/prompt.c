#include "prompt.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/process.h"

bool prompt_has_display(void)
{
    return getenv("WAYLAND_DISPLAY") || getenv("DISPLAY");
}

/* $BROWSER first, as sensible-browser and xdg-open do: it is what tests and terminal users set. */
void prompt_open_browser(const char *url)
{
    const char *browser = getenv("BROWSER");
    const char *argv[] = {browser && *browser ? browser : "xdg-open", url, NULL};
    const struct process_options options = {
        .argv = argv, .output_file = "/dev/null", .is_own_group = true};
    struct process *process = NULL;
    struct error err = {0};
    int status;

    if (process_start(&process, &options, &err) < 0) {
        log_error(LOG_SIGNIN, &err, "the browser did not start");
        return;
    }
    if (process_wait(process, &status, 2000, NULL) == 0 && status != 0) {
        log_write(LOG_LEVEL_ERROR, LOG_SIGNIN, "'%s' ended with %d: no browser came up", argv[0],
                  status);
    }
    process_free(process);
}
