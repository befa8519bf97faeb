/*
 * fixture.h - mooringnp.dll as Windows' mpr.dll has loaded it into this program, and a double of the
 * agent in another one. Included after windows.h, npapi.h and winnetwk.h.
 */
#ifndef TESTS_NP_FIXTURE_H
#define TESTS_NP_FIXTURE_H

#include <stdbool.h>

#include "base/process.h"

#define FOREIGN L"\\\\fileserver\\share"
#define ORDER_KEY L"SYSTEM\\CurrentControlSet\\Control\\NetworkProvider\\Order"
#define POLICY_KEY L"Software\\Policies\\Mooring"

struct np_world {
    HMODULE mpr;
    HMODULE dll;
    char *folder; /* of this program, and of the double */
    char *double_path;
    wchar_t *system_dll;
};
extern struct np_world world; /* belongs to set_up_all() and tear_down_all() */

FARPROC find_export(HMODULE module, const char *name);

/* GetProcAddress() has one type for all functions. */
#define CALL(module, type, name) ((type)(void *)find_export(module, name))

/* The functions do not say const, and mean it. */
#define W(text) ((wchar_t *)(text))
typedef DWORD(WINAPI *get_fn)(LPCWSTR, LPWSTR, LPDWORD);
typedef DWORD(WINAPI *universal_fn)(LPCWSTR, DWORD, LPVOID, LPDWORD);
typedef DWORD(WINAPI *np_cancel_fn)(LPCWSTR, BOOL);
typedef DWORD(WINAPI *add_fn)(LPNETRESOURCEW, LPCWSTR, LPCWSTR, DWORD);
typedef DWORD(WINAPI *cancel_fn)(LPCWSTR, DWORD, BOOL);
typedef DWORD(WINAPI *open_enum_fn)(DWORD, DWORD, DWORD, LPNETRESOURCEW, LPHANDLE);
typedef DWORD(WINAPI *enum_fn)(HANDLE, LPDWORD, LPVOID, LPDWORD);
typedef DWORD(WINAPI *close_enum_fn)(HANDLE);
typedef DWORD(WINAPI *information_fn)(LPNETRESOURCEW, LPVOID, LPDWORD, LPWSTR *);
typedef DWORD(WINAPI *provider_name_fn)(DWORD, LPWSTR, LPDWORD);

int set_up_all(void **state);
int tear_down_all(void **state);
void set_order(const wchar_t *order);

/* A double of the agent in the mode `mode` of np_agent.c. For cmocka: one that serves, and no
 * letters left afterwards. */
struct process *start_double(const char *mode);
void stop_double(struct process *process);
int set_up(void **state);
int tear_down(void **state);

/* Through mpr, and the DLL itself: what mpr makes of several errors is mpr's matter. */
DWORD add(const wchar_t *local, const wchar_t *remote);
DWORD cancel(const wchar_t *name, BOOL force);
DWORD add_directly(const wchar_t *local, const wchar_t *remote);

/* What the double was sent. */
DWORD bytes_sent(void);

#endif
