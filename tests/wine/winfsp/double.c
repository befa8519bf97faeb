/*
 * double.c - a double of WinFsp's DLL. It has no driver: it keeps the volumes, so that a test can
 * call their callbacks as the driver would. It proves how our callbacks answer, and nothing about
 * what Windows makes of the answers. The environment variable MOORING_FSP_VERSION ("131074") is the
 * version it tells; 2.2 without it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

#include "np/win32/fsp.h"

#include "double.h"

#define EXPORT __declspec(dllexport)
#define STATUS_COLLISION ((LONG)0xC0000035)
#define STATUS_NO_MEMORY_LEFT ((LONG)0xC0000017)
#define STATUS_BUSY ((LONG)0xC00000D8) /* STATUS_CANT_WAIT */

enum { VOLUMES = 8 };

static struct double_volume *volumes[VOLUMES];

EXPORT fsp_status FspVersion(uint32_t *version);
EXPORT fsp_status FspFileSystemCreate(wchar_t *device, const struct fsp_volume_params *params,
                                      const struct fsp_interface *interface, fsp_fs *out);
EXPORT fsp_status FspFileSystemStartDispatcher(fsp_fs fs, ULONG threads);
EXPORT void FspFileSystemStopDispatcher(fsp_fs fs);
EXPORT void FspFileSystemDelete(fsp_fs fs);
EXPORT BOOLEAN FspFileSystemAddDirInfo(struct fsp_dir_info *info, void *buffer, ULONG size,
                                       ULONG *used);
EXPORT fsp_status FspFileSystemNotifyBegin(fsp_fs fs, ULONG timeout_ms);
EXPORT fsp_status FspFileSystemNotify(fsp_fs fs, struct fsp_notify_info *infos, size_t size);
EXPORT fsp_status FspFileSystemNotifyEnd(fsp_fs fs);
EXPORT struct double_volume *DoubleVolume(int index);

fsp_status FspVersion(uint32_t *version)
{
    wchar_t text[16];

    *version = GetEnvironmentVariableW(L"MOORING_FSP_VERSION", text, ARRAYSIZE(text)) > 0
                   ? (uint32_t)wcstoul(text, NULL, 10)
                   : 0x00020002u;
    return 0;
}

fsp_status FspFileSystemCreate(wchar_t *device, const struct fsp_volume_params *params,
                               const struct fsp_interface *interface, fsp_fs *out)
{
    struct double_volume *volume;
    int at = 0;

    for (int i = 0; i < VOLUMES; i++) {
        if (volumes[i] && _wcsicmp(volumes[i]->params.prefix, params->prefix) == 0) {
            return STATUS_COLLISION; /* names are the whole machine's */
        }
    }
    while (at < VOLUMES && volumes[at]) {
        at++;
    }
    volume = at < VOLUMES && wcscmp(device, L"WinFsp.Net") == 0 ? calloc(1, sizeof(*volume)) : NULL;
    if (!volume) {
        return STATUS_NO_MEMORY_LEFT;
    }
    volume->params = *params;
    volume->interface = interface;
    volumes[at] = volume;
    *out = &volume->base;
    return 0;
}

fsp_status FspFileSystemStartDispatcher(fsp_fs fs, ULONG threads)
{
    struct double_volume *volume = (struct double_volume *)fs;

    volume->threads = threads;
    volume->is_dispatching = TRUE;
    return 0;
}

void FspFileSystemStopDispatcher(fsp_fs fs)
{
    struct double_volume *volume = (struct double_volume *)fs;

    volume->is_dispatching = FALSE;
    volume->interface->dispatcher_stopped(fs, TRUE);
}

void FspFileSystemDelete(fsp_fs fs)
{
    for (int i = 0; i < VOLUMES; i++) {
        if (volumes[i] && &volumes[i]->base == fs) {
            free(volumes[i]);
            volumes[i] = NULL;
        }
    }
}

/* Entries begin at multiples of 8; one of size 0 says that there are no more. */
BOOLEAN FspFileSystemAddDirInfo(struct fsp_dir_info *info, void *buffer, ULONG size, ULONG *used)
{
    char *at = (char *)buffer + *used;
    ULONG need = info ? ((ULONG)info->size + 7u) & ~7u : (ULONG)sizeof(uint16_t);

    if (*used > size || need > size - *used) {
        return FALSE;
    }
    memset(at, 0, need);
    if (info) {
        memcpy(at, info, info->size);
    }
    *used += need;
    return TRUE;
}

fsp_status FspFileSystemNotifyBegin(fsp_fs fs, ULONG timeout_ms)
{
    struct double_volume *volume = (struct double_volume *)fs;

    (void)timeout_ms;
    return InterlockedCompareExchange(&volume->is_notifying, 1, 0) == 0 ? 0 : STATUS_BUSY;
}

fsp_status FspFileSystemNotify(fsp_fs fs, struct fsp_notify_info *infos, size_t size)
{
    struct double_volume *volume = (struct double_volume *)fs;
    LONG at = volume->note_count;

    if (!volume->is_notifying || size != infos->size || at == DOUBLE_NOTES) {
        return STATUS_BUSY;
    }
    size = (size - sizeof(*infos)) / sizeof(wchar_t);
    size = size < DOUBLE_NOTE_UNITS - 1 ? size : DOUBLE_NOTE_UNITS - 1;
    volume->notes[at].filter = infos->filter;
    volume->notes[at].action = infos->action;
    memcpy(volume->notes[at].name, infos->name, size * sizeof(wchar_t));
    volume->notes[at].name[size] = L'\0';
    InterlockedIncrement(&volume->note_count);
    return 0;
}

fsp_status FspFileSystemNotifyEnd(fsp_fs fs)
{
    InterlockedExchange(&((struct double_volume *)fs)->is_notifying, 0);
    return 0;
}

struct double_volume *DoubleVolume(int index)
{
    for (int i = 0; i < VOLUMES; i++) {
        if (volumes[i] && index-- == 0) {
            return volumes[i];
        }
    }
    return NULL;
}
