/*
 * double.h - what the double of WinFsp's DLL offers to tests beside WinFsp's functions. Included
 * after windows.h.
 */
#ifndef TESTS_WINFSP_DOUBLE_H
#define TESTS_WINFSP_DOUBLE_H

#include "np/win32/fsp.h"

enum { DOUBLE_NOTES = 64, DOUBLE_NOTE_UNITS = 300 };

/* One volume as the transport made it. It begins as WinFsp's own. */
struct double_volume {
    struct fsp_file_system base;
    struct fsp_volume_params params;
    const struct fsp_interface *interface;
    ULONG threads;
    BOOL is_dispatching;
    LONG volatile is_notifying;

    /* what the driver was told; each is whole once it is counted */
    LONG volatile note_count;
    struct {
        uint32_t filter;
        uint32_t action;
        wchar_t name[DOUBLE_NOTE_UNITS];
    } notes[DOUBLE_NOTES];
};

typedef struct double_volume *(*double_volume_fn)(int index); /* NULL: there are no more */

#endif
