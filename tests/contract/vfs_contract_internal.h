/*
 * vfs_contract_internal.h - what the files of the contract share: shorthand that fails the test by
 * itself, and the lists of tests.
 */
#ifndef TESTS_VFS_CONTRACT_INTERNAL_H
#define TESTS_VFS_CONTRACT_INTERNAL_H

#include "test.h"
#include "vfs_contract.h"

/* Fails unless the call gave this code (0 or ERR_*), and says what came instead. */
#define expect_code(contract, want, call) \
    contract_expect(contract, want, call, #call, __FILE__, __LINE__)
#define expect_ok(contract, call) contract_expect(contract, 0, call, #call, __FILE__, __LINE__)

void contract_expect(const struct vfs_contract *contract, int want, int got, const char *call,
                     const char *file, int line);

/* Makes a file with this content, closed. */
void contract_put(struct vfs_contract *c, uint64_t parent, const char *name, const void *data,
                  size_t size);
void contract_put_text(struct vfs_contract *c, uint64_t parent, const char *name, const char *text);

/* Fails unless the file has this content, read through a new handle. */
void contract_has(struct vfs_contract *c, uint64_t parent, const char *name, const void *data,
                  size_t size);
void contract_has_text(struct vfs_contract *c, uint64_t parent, const char *name, const char *text);

/* Reads all of [offset, offset + size) that there is. */
size_t contract_read(struct vfs_contract *c, struct vfs_file *file, void *data, size_t size,
                     uint64_t offset);

/* The id of an entry, with one hold; and whether there is one, without. */
uint64_t contract_id(struct vfs_contract *c, uint64_t parent, const char *name);
bool contract_exists(struct vfs_contract *c, uint64_t parent, const char *name);
uint64_t contract_mkdir(struct vfs_contract *c, uint64_t parent, const char *name);

/* Flushes and closes. */
void contract_close(struct vfs_contract *c, struct vfs_file *file);

/* Deterministic bytes; `seed` makes them differ. */
void contract_fill(unsigned char *data, size_t size, uint64_t offset, unsigned seed);

struct contract_list {
    const struct CMUnitTest *tests;
    size_t count;
};
struct contract_list contract_names(void);
struct contract_list contract_files(void);
struct contract_list contract_folders(void);
struct contract_list contract_renames(void);
struct contract_list contract_versions(void);
struct contract_list contract_threads(void);

#endif
