/*
 * vfs_contract.h - what vfs.h promises, as tests that run unchanged on every implementation: the
 * model in memory, the online file system on a simulated tenant, and a mounted path.
 *
 * Whoever writes a file system fills a struct vfs_contract and calls vfs_contract_run(). Each test
 * works in a new folder below `root`, which may already have content; nothing is assumed about time
 * but that calls return. What an implementation does not promise is left NULL, false or 0, and the
 * tests for it are skipped by name.
 */
#ifndef TESTS_VFS_CONTRACT_H
#define TESTS_VFS_CONTRACT_H

#include <stdbool.h>
#include <stdint.h>

#include "transport/vfs.h"

struct vfs_contract {
    const char *name;

    /* Makes the file system, once for all tests: sets `vfs` (a reference, given back by `end`) and
     * `root`, a writable folder that `end` may forget. */
    int (*make)(struct vfs_contract *contract, struct error *err);
    void (*end)(struct vfs_contract *contract);

    /* Optional: another user replaces the file root/folder/name by this content, on the server. It
     * need not be visible here when it returns. */
    int (*edit)(struct vfs_contract *contract, const char *folder, const char *name,
                const void *data, size_t size, struct error *err);

    /* Optional: maps an error code to what a caller behind this implementation can tell apart (a
     * mounted path has only errno); the codes are compared after it. */
    int (*code_class)(int code);

    bool checks_names;          /* names that SharePoint refuses are refused here */
    bool keeps_item_on_replace; /* renaming onto a file keeps that file's id */
    bool is_slow;               /* a tenth of the entries, smaller files */
    bool hides_blocked;         /* attr.is_blocked is not told */
    bool has_versions;          /* attr.version, and abandon */
    bool is_behind_kernel;      /* names and ids pass a kernel first: what it refuses or hides is
                                   not tested */
    uint64_t blocked_above;     /* limits that it was made with, in bytes; 0: none */
    uint64_t read_only_above;

    void *payload; /* the implementation's */

    /* Set by make. */
    struct vfs *vfs;
    uint64_t root;

    /* Set for each test. */
    uint64_t folder;
    char folder_name[32];
    unsigned folder_count;
};

/* Runs all tests whose name matches `filter` (cmocka's pattern; NULL: all). Returns how many
 * failed. */
int vfs_contract_run(struct vfs_contract *contract, const char *filter);

#endif
