#include "served.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/str.h"
#include "webfs.h"

static int serve(struct served *s, struct error *err)
{
    struct transport_options options = {.private_directory = s->folder};
    struct mapping mapping = {.path = "t/s/l"};
    struct vfs_attr library;
    int code = transport_create(&s->transport, "webdav", &options, err);

    if (code == 0) {
        code = transport_start(s->transport, s->memory, err);
    }
    if (code == 0) {
        code = vfs_mkdir(s->memory, &library, VFS_ROOT, "library", NULL, err);
    }
    if (code == 0) {
        s->library = mapping.root_id = library.id;
        code = transport_attach(s->transport, &mapping, err);
    }
    return code;
}

static int dial(struct served *s, struct error *err)
{
    struct buf password;
    char *path = NULL;
    char *root = NULL;
    char *url = NULL;
    int code = transport_address(s->transport, &root, err);

    buf_init(&password, 4096);
    if (code == 0) {
        code = str_format(&url, err, "%st/s/l/", root);
    }
    if (code == 0) {
        code = str_format(&path, err, "%s/webdav-password", s->folder);
    }
    if (code == 0) {
        code = file_read_all(&password, path, err);
    }
    if (code == 0) {
        code = webfs_new(&s->client, url, buf_text(&password), err);
    }
    buf_clear(&password);
    free(path);
    free(url);
    free(root);
    return code;
}

int served_begin(struct served *s, const struct memfs_options *memory, struct error *err)
{
    int code = 0;

    memset(s, 0, sizeof(*s));
    code = file_make_temporary_directory(&s->folder, "served", err);
    if (code == 0) {
        code = memfs_new(&s->memory, memory, err);
    }
    if (code == 0) {
        code = serve(s, err);
    }
    if (code == 0) {
        code = dial(s, err);
    }
    if (code < 0) {
        served_end(s);
    }
    return code;
}

void served_end(struct served *s)
{
    vfs_unref(s->client);
    transport_stop(s->transport, 5000);
    vfs_unref(s->memory);
    if (s->folder) {
        file_remove_tree(s->folder, NULL);
    }
    free(s->folder);
    memset(s, 0, sizeof(*s));
}
