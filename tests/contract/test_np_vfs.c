/*
 * The vfs contract through the kernel: memfs, mounted by `np`, called by the system calls that
 * programs make. Skipped (77) where nothing can be mounted.
 */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "contract_memfs.h"
#include "pathfs.h"
#include "transport/transport.h"
#include "watchdog.h"

struct mounted {
    char folder[64];
    struct vfs *memory;
    struct transport *transport;
    uint64_t library;
    int code; /* of start */
};

static int make(struct vfs_contract *c, struct error *err)
{
    struct mounted *m = c->payload;
    struct memfs_options memory = contract_memfs_options(c);
    struct transport_options options = {.root = m->folder};
    struct mapping mapping = {.path = "t/s/l"};
    struct vfs_attr attr;
    char path[96];
    int code = memfs_new(&m->memory, &memory, err);

    if (code == 0) {
        code = vfs_mkdir(m->memory, &attr, VFS_ROOT, "library", NULL, err);
    }
    if (code == 0) {
        m->library = attr.id;
        mapping.root_id = attr.id;
        code = transport_create(&m->transport, "np", &options, err);
    }
    if (code == 0) {
        code = transport_start(m->transport, m->memory, err);
        m->code = code;
    }
    if (code == 0) {
        code = transport_attach(m->transport, &mapping, err);
    }
    if (code == 0) {
        snprintf(path, sizeof(path), "%s/t/s/l", m->folder);
        code = pathfs_new(&c->vfs, path, err);
        c->root = VFS_ROOT;
    }
    return code;
}

static void end(struct vfs_contract *c)
{
    struct mounted *m = c->payload;

    vfs_unref(c->vfs);
    transport_stop(m->transport, 2000);
    vfs_unref(m->memory);
}

static int edit(struct vfs_contract *c, const char *folder, const char *name, const void *data,
                size_t size, struct error *err)
{
    struct mounted *m = c->payload;

    return contract_memfs_edit(m->memory, m->library, folder, name, data, size, err);
}

int main(int argc, char **argv)
{
    struct mounted m = {.folder = "/tmp/mooring-np-XXXXXX"};
    struct vfs_contract contract = {
        .name = "the vfs contract on a mounted path",
        .make = make,
        .end = end,
        .edit = edit,
        .code_class = pathfs_class,
        .checks_names = true,
        .is_behind_kernel = true,
        .blocked_above = 8 * 1024 * 1024,
        .read_only_above = 4 * 1024 * 1024,
        .payload = &m,
    };
    int failed = 0;

    watchdog_start(100);
    if (!mkdtemp(m.folder)) {
        return 1;
    }
    failed = vfs_contract_run(&contract, argc > 1 ? argv[1] : NULL);
    if (m.code < 0) {
        transport_stop(m.transport, 0);
        vfs_unref(m.memory);
    }
    rmdir(m.folder);
    return m.code == ERR_UNSUPPORTED ? 77 : failed ? 1 : 0;
}
