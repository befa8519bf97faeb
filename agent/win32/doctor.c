/*
 * doctor.c - WinFsp, the WebDAV client of the system, the list of network providers, and the
 * registration of the event log's texts (windows-facts 2.2, 3.1 to 3.3, 1.6).
 */
#include "doctor.h"

#include <stdlib.h>
#include <windows.h>
#include <winver.h>

#include "base/str.h"
#include "base/win32.h"
#include "np_registration.h"
#include "policy/settings.h"

#define WINFSP_KEY L"SOFTWARE\\WinFsp"
#define WEBCLIENT L"WebClient"
#define WEBCLIENT_KEY L"SYSTEM\\CurrentControlSet\\Services\\WebClient\\Parameters"
#define EVENT_KEY L"SYSTEM\\CurrentControlSet\\Services\\EventLog\\Application\\Mooring"
#define PATH_UNITS 32768
#define OLDEST_MAJOR 2
#define OLDEST_MINOR 2
#define DEFAULT_FILE_LIMIT 50000000

static DWORD read_number(const wchar_t *key, const wchar_t *value, DWORD otherwise)
{
    DWORD number = 0;
    DWORD size = sizeof(number);

    return RegGetValueW(HKEY_LOCAL_MACHINE, key, value, RRF_RT_REG_DWORD, NULL, &number, &size) ==
                   ERROR_SUCCESS
               ? number
               : otherwise;
}

/* --- WinFsp --- */

#if defined(_M_ARM64) || defined(__aarch64__)
#define WINFSP_DLL L"bin\\winfsp-a64.dll"
#elif defined(_WIN64)
#define WINFSP_DLL L"bin\\winfsp-x64.dll"
#else
#define WINFSP_DLL L"bin\\winfsp-x86.dll"
#endif

static bool find_winfsp(wchar_t *path)
{
    DWORD size = (PATH_UNITS - 64) * sizeof(*path);
    size_t units;

    if (RegGetValueW(HKEY_LOCAL_MACHINE, WINFSP_KEY, L"InstallDir",
                     RRF_RT_REG_SZ | RRF_SUBKEY_WOW6432KEY, NULL, path, &size) != ERROR_SUCCESS) {
        return false;
    }
    units = wcslen(path);
    if (units > 0 && path[units - 1] != L'\\') {
        path[units++] = L'\\';
    }
    lstrcpynW(path + units, WINFSP_DLL, (int)(PATH_UNITS - units));
    return GetFileAttributesW(path) != INVALID_FILE_ATTRIBUTES;
}

/* The version stands in the DLL's resources: it needs not be loaded for that. */
static bool read_version(const wchar_t *path, unsigned *major, unsigned *minor)
{
    VS_FIXEDFILEINFO *info = NULL;
    DWORD ignored;
    DWORD size = GetFileVersionInfoSizeW(path, &ignored);
    void *block = size ? malloc(size) : NULL;
    UINT length = 0;
    bool is_read = block && GetFileVersionInfoW(path, 0, size, block) &&
                   VerQueryValueW(block, L"\\", (void **)&info, &length) && length >= sizeof(*info);

    if (is_read) {
        *major = HIWORD(info->dwProductVersionMS);
        *minor = LOWORD(info->dwProductVersionMS);
    }
    free(block);
    return is_read;
}

/* Whether a mount by WinFsp can be. */
static bool check_winfsp(struct doctor *doctor, enum doctor_level missing)
{
    static const char advice[] = "install WinFsp 2.2 or later (https://winfsp.dev)";
    wchar_t *path = calloc(PATH_UNITS, sizeof(*path));
    unsigned major = 0;
    unsigned minor = 0;
    bool is_good = false;

    if (!path || !find_winfsp(path)) {
        doctor_add(doctor, "WinFsp", missing, advice, "not installed");
    } else if (!read_version(path, &major, &minor)) {
        doctor_add(doctor, "WinFsp", DOCTOR_WARNING, "repair WinFsp", "its DLL has no version");
        is_good = true; /* the agent asks the DLL itself */
    } else if (major < OLDEST_MAJOR || (major == OLDEST_MAJOR && minor < OLDEST_MINOR)) {
        doctor_add(doctor, "WinFsp", missing, advice, "version %u.%u is too old", major, minor);
    } else {
        doctor_add(doctor, "WinFsp", DOCTOR_OK, NULL, "version %u.%u", major, minor);
        is_good = true;
    }
    free(path);
    return is_good;
}

/* --- WebClient --- */

struct service {
    bool is_there;
    bool is_running;
    bool is_disabled;
};

static void ask_service(struct service *out, const wchar_t *name)
{
    SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT);
    SC_HANDLE handle =
        manager ? OpenServiceW(manager, name, SERVICE_QUERY_STATUS | SERVICE_QUERY_CONFIG) : NULL;
    QUERY_SERVICE_CONFIGW *config = NULL;
    SERVICE_STATUS status;
    DWORD size = 0;

    *out = (struct service){.is_there = handle != NULL};
    if (handle) {
        out->is_running =
            QueryServiceStatus(handle, &status) && status.dwCurrentState == SERVICE_RUNNING;
        (void)QueryServiceConfigW(handle, NULL, 0, &size);
        config = size ? malloc(size) : NULL;
        out->is_disabled = config && QueryServiceConfigW(handle, config, size, &size) &&
                           config->dwStartType == SERVICE_DISABLED;
        free(config);
        CloseServiceHandle(handle);
    }
    if (manager) {
        CloseServiceHandle(manager);
    }
}

static void check_webclient(struct doctor *doctor, enum doctor_level missing)
{
    DWORD limit = read_number(WEBCLIENT_KEY, L"FileSizeLimitInBytes", DEFAULT_FILE_LIMIT);
    DWORD basic = read_number(WEBCLIENT_KEY, L"BasicAuthLevel", 1);
    struct service service;

    ask_service(&service, WEBCLIENT);
    if (!service.is_there) {
        doctor_add(doctor, "WebClient", missing,
                   "on a server: install the feature WebDAV-Redirector, and restart",
                   "the service is not installed");
        return;
    }
    if (service.is_disabled) {
        doctor_add(doctor, "WebClient", missing, "set its start type to Manual",
                   "the service is disabled");
        return;
    }
    doctor_add(doctor, "WebClient", DOCTOR_OK, NULL,
               "the service is %s; FileSizeLimitInBytes %lu, BasicAuthLevel %lu",
               service.is_running ? "running" : "started when it is needed", (unsigned long)limit,
               (unsigned long)basic);
    if (limit <= DEFAULT_FILE_LIMIT && missing != DOCTOR_OK) {
        doctor_add(doctor, "WebClient", DOCTOR_WARNING,
                   "set FileSizeLimitInBytes below WebClient\\Parameters to 0xFFFFFFFF, and "
                   "restart the service",
                   "files above %lu MB cannot be opened by WebDAV", (unsigned long)limit / 1000000);
    }
}

/* --- what the installation registered --- */

static void check_provider(struct doctor *doctor)
{
    struct error err = {0};
    struct np_state state;

    if (np_inspect(&state, &err) < 0) {
        doctor_add(doctor, "provider", DOCTOR_WARNING, "`mooring np check` says more", "%s",
                   err.message);
        return;
    }
    if (state.position == 0) {
        doctor_add(
            doctor, "provider", DOCTOR_WARNING, "`mooring np register` as an administrator",
            "Windows does not ask our network provider: `net use` does not know our letters");
    } else if (!state.dll || !state.folder || !state.has_dll || !state.is_first_of_winfsp) {
        doctor_add(doctor, "provider", DOCTOR_WARNING, "`mooring np check` says what to do",
                   "the network provider's registration is not in order");
    } else {
        doctor_add(doctor, "provider", DOCTOR_OK, NULL, "asked as number %u of %u: %s",
                   state.position, state.count, state.order);
    }
    np_state_clear(&state);
}

static void check_event_texts(struct doctor *doctor, const struct settings *settings)
{
    DWORD size = 0;

    if (settings->event_log == POLICY_EVENT_LOG_OFF) {
        return;
    }
    if (RegGetValueW(HKEY_LOCAL_MACHINE, EVENT_KEY, L"EventMessageFile",
                     RRF_RT_REG_SZ | RRF_RT_REG_EXPAND_SZ | RRF_NOEXPAND, NULL, NULL,
                     &size) == ERROR_SUCCESS) {
        doctor_add(doctor, "event log", DOCTOR_OK, NULL, "the texts of our events are registered");
    } else {
        doctor_add(doctor, "event log", DOCTOR_WARNING, "repair the installation",
                   "the texts of our events are not registered: Event Viewer shows them raw");
    }
}

void doctor_check_system(struct doctor *doctor, const struct settings *settings)
{
    bool has_winfsp = false;

    if (settings->transport != POLICY_TRANSPORT_WEB_DAV) {
        has_winfsp = check_winfsp(
            doctor, settings->transport == POLICY_TRANSPORT_NP ? DOCTOR_FAILED : DOCTOR_WARNING);
    }
    if (settings->transport != POLICY_TRANSPORT_NP) {
        check_webclient(doctor, settings->transport == POLICY_TRANSPORT_WEB_DAV ? DOCTOR_FAILED
                                : has_winfsp                                    ? DOCTOR_OK
                                                                                : DOCTOR_WARNING);
    }
    check_provider(doctor);
    check_event_texts(doctor, settings);
}

/* GetVersionEx() lies to programs; the registry has the build, too. */
int doctor_system_name(char **out, struct error *err)
{
    wchar_t build[32] = L"";
    DWORD size = sizeof(build);
    SYSTEM_INFO info;
    char *text = NULL;
    int code;

    (void)RegGetValueW(HKEY_LOCAL_MACHINE, L"SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion",
                       L"CurrentBuild", RRF_RT_REG_SZ, NULL, build, &size);
    GetNativeSystemInfo(&info);
    code = win32_utf8(&text, build, err);
    if (code == 0) {
        code = str_format(out, err, "Windows, build %s, architecture %u", *text ? text : "unknown",
                          info.wProcessorArchitecture);
    }
    free(text);
    return code;
}
