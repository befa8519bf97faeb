#include "webclient.h"

#include <stdbool.h>
#include <stdlib.h>
#include <windows.h>
/* needs windows.h before it */
#include <evntprov.h>

#include "base/str.h"
#include "base/win32.h"

#define SERVICE L"WebClient"
#define PARAMETERS L"SYSTEM\\CurrentControlSet\\Services\\WebClient\\Parameters"
#define FILE_LIMIT_DEFAULT 50000000u
#define START_MS 10000u
#define POLL_MS 100u

/* Microsoft-Windows-WebdavClient-LookupServiceTrigger: any event of it starts the service
 * (windows-facts 3.2). */
static const GUID trigger = {
    0x22b6d684, 0xfa63, 0x4578, {0x87, 0xc9, 0xef, 0xfc, 0xbe, 0x66, 0x43, 0xc7}};

enum state { STATE_MISSING, STATE_DISABLED, STATE_STOPPED, STATE_RUNNING };

static bool is_disabled(SC_HANDLE service)
{
    QUERY_SERVICE_CONFIGW *config = NULL;
    bool is_so = false;
    DWORD size = 0;

    QueryServiceConfigW(service, NULL, 0, &size);
    config = size ? malloc(size) : NULL;
    is_so = config && QueryServiceConfigW(service, config, size, &size) &&
            config->dwStartType == SERVICE_DISABLED;
    free(config);
    return is_so;
}

static enum state ask_state(void)
{
    SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT);
    SC_HANDLE service =
        manager ? OpenServiceW(manager, SERVICE, SERVICE_QUERY_STATUS | SERVICE_QUERY_CONFIG)
                : NULL;
    SERVICE_STATUS status = {0};
    enum state state = STATE_MISSING;

    if (service) {
        state = QueryServiceStatus(service, &status) && status.dwCurrentState == SERVICE_RUNNING
                    ? STATE_RUNNING
                : is_disabled(service) ? STATE_DISABLED
                                       : STATE_STOPPED;
        CloseServiceHandle(service);
    }
    if (manager) {
        CloseServiceHandle(manager);
    }
    return state;
}

static void pull_trigger(void)
{
    static const EVENT_DESCRIPTOR event = {.Id = 1, .Level = 4};
    REGHANDLE provider = 0;

    if (EventRegister(&trigger, NULL, NULL, &provider) == ERROR_SUCCESS) {
        EventWrite(provider, &event, 0, NULL);
        EventUnregister(provider);
    }
}

int webclient_start(struct error *err)
{
    enum state state = ask_state();

    if (state == STATE_STOPPED) {
        pull_trigger();
    }
    for (unsigned waited = 0; state == STATE_STOPPED && waited < START_MS; waited += POLL_MS) {
        Sleep(POLL_MS);
        state = ask_state();
    }
    switch (state) {
    case STATE_RUNNING:
        return 0;
    case STATE_MISSING:
        return error_set(err, ERR_UNSUPPORTED,
                         "Windows' WebDAV client (the service WebClient) is not installed; on a "
                         "server it is the feature WebDAV-Redirector");
    case STATE_DISABLED:
        return error_set(err, ERR_UNSUPPORTED,
                         "the service WebClient is disabled; letters need it, with the start type "
                         "Manual");
    default:
        return error_set(err, ERR_TIMED_OUT,
                         "the service WebClient does not start; 'net start webclient' as an "
                         "administrator says why");
    }
}

static DWORD read_number(const wchar_t *name, DWORD otherwise)
{
    DWORD value = otherwise;
    DWORD size = sizeof(value);

    return RegGetValueW(HKEY_LOCAL_MACHINE, PARAMETERS, name, RRF_RT_REG_DWORD, NULL, &value,
                        &size) == ERROR_SUCCESS
               ? value
               : otherwise;
}

/* BasicAuthLevel is none of them: we never ask WebClient for a password. */
int webclient_limits(char **out, struct error *err)
{
    DWORD limit = read_number(L"FileSizeLimitInBytes", FILE_LIMIT_DEFAULT);

    *out = NULL;
    return limit == MAXDWORD
               ? 0
               : str_format(out, err, "WebClient opens no file above %lu MB (FileSizeLimitInBytes)",
                            (unsigned long)limit / 1000000);
}
