#include "contract_memfs.h"

struct memfs_options contract_memfs_options(const struct vfs_contract *contract)
{
    return (struct memfs_options){.blocked_above = contract->blocked_above,
                                  .read_only_above = contract->read_only_above};
}

int contract_memfs_edit(struct vfs *memory, uint64_t library, const char *folder, const char *name,
                        const void *data, size_t size, struct error *err)
{
    struct vfs_attr attr;
    int code = vfs_lookup(memory, &attr, library, folder, NULL, err);

    if (code == 0) {
        code = memfs_edit(memory, attr.id, name, data, size, err);
        vfs_forget(memory, attr.id, 1);
    }
    return code;
}
