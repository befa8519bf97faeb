/* The vfs contract on the online vfs over the fake drive: no network, every code path of ours. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "vfs_contract.h"

static int make(struct vfs_contract *c, struct error *err)
{
    struct fixture *f = c->payload;

    (void)err;
    fixture_prepare(f);
    f->options.blocked_above = c->blocked_above;
    f->options.read_only_above = c->read_only_above;
    f->options.metadata_ms = 0; /* foreign edits count at once: everything is asked for */
    fixture_start(f);
    c->vfs = f->vfs;
    c->root = f->root;
    return 0;
}

static void end(struct vfs_contract *c)
{
    fixture_end(c->payload);
}

static int edit(struct vfs_contract *c, const char *folder, const char *name, const void *data,
                size_t size, struct error *err)
{
    struct fixture *f = c->payload;
    char path[512];

    (void)err;
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    fake_put(f->fake, path, data, size);
    return 0;
}

int main(int argc, char **argv)
{
    struct fixture fixture = {0};
    struct vfs_contract contract = {
        .name = "the vfs contract on the online vfs",
        .make = make,
        .end = end,
        .edit = edit,
        .checks_names = true,
        .keeps_item_on_replace = true,
        .blocked_above = 8 * 1024 * 1024,
        .read_only_above = 4 * 1024 * 1024,
        .payload = &fixture,
    };

    return vfs_contract_run(&contract, argc > 1 ? argv[1] : NULL) ? 1 : 0;
}
