/*
 * mpr.h - Windows' mpr.dll and the mooringnp.dll that it has loaded, as a program calls them. Included
 * after windows.h, npapi.h and winnetwk.h.
 */
#ifndef TESTS_NP_MPR_H
#define TESTS_NP_MPR_H

#define FOREIGN L"\\\\fileserver\\share"

struct mpr_world {
    HMODULE mpr;
    HMODULE dll;
};
extern struct mpr_world world; /* set by mpr_load() */

/* mpr loads the providers that the registry names then; ours must be one. */
void mpr_load(void);

FARPROC find_export(HMODULE module, const char *name);

/* GetProcAddress() has one type for all functions. */
#define CALL(module, type, name) ((type)(void *)find_export(module, name))

/* The functions do not say const, and mean it. */
#define W(text) ((wchar_t *)(text))

typedef DWORD(WINAPI *get_fn)(LPCWSTR, LPWSTR, LPDWORD);
typedef DWORD(WINAPI *universal_fn)(LPCWSTR, DWORD, LPVOID, LPDWORD);
typedef DWORD(WINAPI *np_cancel_fn)(LPCWSTR, BOOL);
typedef DWORD(WINAPI *add_fn)(LPNETRESOURCEW, LPCWSTR, LPCWSTR, DWORD);
typedef DWORD(WINAPI *add3_fn)(HWND, LPNETRESOURCEW, LPCWSTR, LPCWSTR, DWORD);
typedef DWORD(WINAPI *cancel_fn)(LPCWSTR, DWORD, BOOL);
typedef DWORD(WINAPI *open_enum_fn)(DWORD, DWORD, DWORD, LPNETRESOURCEW, LPHANDLE);
typedef DWORD(WINAPI *enum_fn)(HANDLE, LPDWORD, LPVOID, LPDWORD);
typedef DWORD(WINAPI *close_enum_fn)(HANDLE);
typedef DWORD(WINAPI *information_fn)(LPNETRESOURCEW, LPVOID, LPDWORD, LPWSTR *);
typedef DWORD(WINAPI *provider_name_fn)(DWORD, LPWSTR, LPDWORD);

NETRESOURCEW disk(const wchar_t *local, const wchar_t *remote);

/* Through mpr, and the DLL itself: what mpr makes of several errors is mpr's matter. */
DWORD add(const wchar_t *local, const wchar_t *remote);
DWORD cancel(const wchar_t *name, BOOL force);
DWORD add_directly(const wchar_t *local, const wchar_t *remote);

/* What mpr says of a container of ours, or (below NULL) of all; handed out at once. Returns what
 * WNetEnumResourceW() does; that it opens is asserted. */
struct mpr_entries {
    DWORD count;
    union {
        NETRESOURCEW entries[1];
        char room[16384];
    } buffer;
};
DWORD mpr_list(struct mpr_entries *out, DWORD scope, const wchar_t *below);

#endif
