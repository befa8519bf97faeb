#include "prompt.h"

#include <stdint.h>
#include <stdlib.h>
#include <windows.h>
#include <objbase.h>
#include <shellapi.h>

#include "base/log.h"
#include "base/process.h"
#include "base/str.h"
#include "base/win32.h"

/* Services have a window station that nobody sees. */
bool prompt_has_display(void)
{
    USEROBJECTFLAGS flags = {0};
    HWINSTA station = GetProcessWindowStation();

    return station && GetUserObjectInformationW(station, UOI_FLAGS, &flags, sizeof(flags), NULL) &&
           (flags.dwFlags & WSF_VISIBLE) != 0;
}

/* With $BROWSER, as on Linux: for tests. What Windows has starts by itself and is not ours to reap. */
static bool start_named(struct process **browser, const char *url)
{
    char *program = NULL;
    const char *argv[] = {NULL, url, NULL};
    const struct process_options options = {
        .argv = argv, .output_file = "NUL", .is_own_group = true};
    struct process *process = NULL;
    struct error err = {0};

    if (win32_environment(&program, "BROWSER", NULL) < 0) {
        return false;
    }
    argv[0] = program;
    if (process_start(&process, &options, &err) < 0) {
        log_error(LOG_SIGNIN, &err, "the browser did not start");
    } else {
        process_free(*browser);
        *browser = process;
    }
    free(program);
    return true;
}

void prompt_open_browser(struct process **browser, const char *url)
{
    struct error err = {0};
    wchar_t *wide = NULL;
    HRESULT com;

    if (!str_starts_with(url, "https://") && !str_starts_with(url, "http://")) {
        log_write(LOG_LEVEL_ERROR, LOG_SIGNIN, "the sign-in page has no address for a browser");
        return; /* and no program, which the shell would start as well */
    }
    if (start_named(browser, url)) {
        return;
    }
    if (win32_wide(&wide, url, &err) < 0) {
        log_error(LOG_SIGNIN, &err, "the browser did not start");
        return;
    }
    com = CoInitializeEx(NULL, COINIT_APARTMENTTHREADED | COINIT_DISABLE_OLE1DDE);
    if ((intptr_t)ShellExecuteW(NULL, L"open", wide, NULL, NULL, SW_SHOWNORMAL) <= 32) {
        log_write(LOG_LEVEL_ERROR, LOG_SIGNIN, "no browser came up");
    }
    if (SUCCEEDED(com)) {
        CoUninitialize();
    }
    free(wide);
}
