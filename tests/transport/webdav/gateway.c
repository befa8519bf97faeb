#include "gateway.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"

static int serve(struct gateway *g, const struct transport_options *options,
                 const struct mapping *mapping, struct error *err)
{
    struct transport_options ours = options ? *options : (struct transport_options){.root = NULL};
    struct mapping shown = *mapping;
    struct vfs_attr library;
    int code = 0;

    ours.private_directory = g->folder;
    code = transport_create(&g->transport, "webdav", &ours, err);
    if (code == 0) {
        code = transport_start(g->transport, g->memory, err);
    }
    if (code == 0) {
        code = vfs_mkdir(g->memory, &library, VFS_ROOT, "library", NULL, err);
    }
    if (code == 0) {
        g->library = shown.root_id = library.id;
        code = transport_attach(g->transport, &shown, err);
    }
    return code;
}

int gateway_begin(struct gateway *g, const struct memfs_options *memory,
                  const struct transport_options *options, const struct mapping *mapping,
                  struct error *err)
{
    int code = 0;

    memset(g, 0, sizeof(*g));
    code = file_make_temporary_directory(&g->folder, "gateway", err);
    if (code == 0) {
        code = memfs_new(&g->memory, memory, err);
    }
    if (code == 0) {
        code = serve(g, options, mapping, err);
    }
    if (code < 0) {
        gateway_end(g);
    }
    return code;
}

int gateway_end(struct gateway *g)
{
    int code = 0;

    transport_stop(g->transport, 5000);
    vfs_unref(g->memory);
    if (g->folder) {
        code = file_remove_tree(g->folder, NULL);
    }
    free(g->folder);
    memset(g, 0, sizeof(*g));
    return code;
}
