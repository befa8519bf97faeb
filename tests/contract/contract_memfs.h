/*
 * contract_memfs.h - the parts of a struct vfs_contract that are the same wherever the model in
 * memory stands at the far end: behind a mount, a gateway, callbacks, or nothing.
 */
#ifndef TESTS_CONTRACT_MEMFS_H
#define TESTS_CONTRACT_MEMFS_H

#include "transport/memfs.h"
#include "vfs_contract.h"

/* The limits that the contract names, and nothing else. */
struct memfs_options contract_memfs_options(const struct vfs_contract *contract);

/* The slot `edit`: another user's save in `library` of `memory`. */
int contract_memfs_edit(struct vfs *memory, uint64_t library, const char *folder, const char *name,
                        const void *data, size_t size, struct error *err);

#endif
