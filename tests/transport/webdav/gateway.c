#include "gateway.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"

static int serve(struct gateway *g, struct vfs *vfs, uint64_t library,
                 const struct transport_options *options, const struct mapping *mapping,
                 struct error *err)
{
    struct transport_options ours = options ? *options : (struct transport_options){.root = NULL};
    struct mapping shown = *mapping;
    int code = 0;

    ours.private_directory = g->folder;
    code = transport_create(&g->transport, "webdav", &ours, err);
    if (code == 0) {
        code = transport_start(g->transport, vfs, err);
    }
    if (code == 0) {
        g->library = shown.root_id = library;
        code = transport_attach(g->transport, &shown, err);
    }
    return code;
}

int gateway_begin(struct gateway *g, const struct memfs_options *memory,
                  const struct transport_options *options, const struct mapping *mapping,
                  struct error *err)
{
    struct vfs *made = NULL;
    struct vfs_attr library = {0};
    int code = memfs_new(&made, memory, err);

    memset(g, 0, sizeof(*g));
    if (code == 0) {
        code = vfs_mkdir(made, &library, VFS_ROOT, "library", NULL, err);
    }
    if (code == 0) {
        code = gateway_begin_on(g, made, library.id, options, mapping, err);
    }
    if (code < 0) {
        vfs_unref(made);
    } else {
        g->memory = made;
    }
    return code;
}

int gateway_begin_on(struct gateway *g, struct vfs *vfs, uint64_t library,
                     const struct transport_options *options, const struct mapping *mapping,
                     struct error *err)
{
    int code = 0;

    memset(g, 0, sizeof(*g));
    code = file_make_temporary_directory(&g->folder, "gateway", err);
    if (code == 0) {
        code = serve(g, vfs, library, options, mapping, err);
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
