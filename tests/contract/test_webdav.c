/* The vfs contract through the WebDAV gateway: a client as simple as WebClient, HTTP, the gateway, and
 * the model in memory behind it. */
#include "test.h"

#include "contract_memfs.h"
#include "served.h"
#include "watchdog.h"
#include "webfs.h"

static int make(struct vfs_contract *c, struct error *err)
{
    struct memfs_options options = contract_memfs_options(c);
    struct served *served = c->payload;
    int code = served_begin(served, &options, err);

    c->vfs = served->client;
    c->root = VFS_ROOT;
    return code;
}

static void end(struct vfs_contract *c)
{
    served_end(c->payload);
}

static int edit(struct vfs_contract *c, const char *folder, const char *name, const void *data,
                size_t size, struct error *err)
{
    struct served *served = c->payload;

    return contract_memfs_edit(served->gateway.memory, served->gateway.library, folder, name, data,
                               size, err);
}

int main(int argc, char **argv)
{
    struct served served;
    struct vfs_contract contract = {
        .name = "the vfs contract through the WebDAV gateway",
        .make = make,
        .end = end,
        .edit = edit,
        .code_class = webfs_class,
        .checks_names = true,
        .hides_blocked = true,
        .is_slow = true,
        .blocked_above = 4 * 1024 * 1024,
        .read_only_above = 2 * 1024 * 1024,
        .payload = &served,
    };

    watchdog_start(100);
    return vfs_contract_run(&contract, argc > 1 ? argv[1] : NULL) ? 1 : 0;
}
