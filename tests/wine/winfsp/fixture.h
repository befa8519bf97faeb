/*
 * fixture.h - the transport `np`, usually over the file system in memory, on the double of WinFsp's DLL.
 * Included after windows.h.
 */
#ifndef TESTS_WINFSP_FIXTURE_H
#define TESTS_WINFSP_FIXTURE_H

#include <stdbool.h>

#include "double.h"
#include "transport/memfs.h"
#include "transport/transport.h"

/* Tells the registry where the double lies, as WinFsp's installer does; false: nowhere. */
void winfsp_install(bool is_there);

/* The volumes that there are; NULL: fewer. */
struct double_volume *winfsp_volume(int index);

struct winfsp_world {
    struct vfs *memory;
    struct transport *transport;
    uint64_t library; /* in `memory`; shown as \\mooring\contoso\finance\Documents */
};

/* Installs the double and shows a library of `vfs`, which outlives *out, a world of zeros. Ended by
 * winfsp_end(), also after a failure. */
int winfsp_show(struct winfsp_world *out, struct vfs *vfs, uint64_t library,
                const struct transport_options *options, char letter, struct error *err);

/* The same, and the library is one in memory. */
int winfsp_begin(struct winfsp_world *out, const struct memfs_options *memory,
                 const struct transport_options *options, char letter, struct error *err);
void winfsp_end(struct winfsp_world *world);

/* For cmocka: a world of its own for each test, with the letter X and three threads. */
int winfsp_set_up(void **state);
int winfsp_tear_down(void **state);

/* The first volume. */
const struct fsp_interface *calls(void);
fsp_fs fs(void);

/* The name of an item in the library; lent until the next call but three. */
wchar_t *in_library(const wchar_t *name);
fsp_status open_named(void **context, const wchar_t *name, uint32_t access);
void close_context(void *context);
void make_file(const wchar_t *name, const char *text); /* fails the test when it cannot */

#endif
