#include "served.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/str.h"
#include "webfs.h"

static int dial(struct served *s, struct error *err)
{
    struct buf password;
    char *path = NULL;
    char *root = NULL;
    char *url = NULL;
    int code = transport_address(s->gateway.transport, &root, err);

    buf_init(&password, 4096);
    if (code == 0) {
        code = str_format(&url, err, "%st/s/l/", root);
    }
    if (code == 0) {
        code = str_format(&path, err, "%s/webdav-password", s->gateway.folder);
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

static const struct mapping mapping = {.path = "t/s/l"};

/* `code`: of the gateway's beginning. */
static int begin(struct served *s, int code, struct error *err)
{
    if (code < 0) {
        return code;
    }
    code = dial(s, err);
    if (code < 0) {
        served_end(s);
    }
    return code;
}

int served_begin(struct served *s, const struct memfs_options *memory, struct error *err)
{
    memset(s, 0, sizeof(*s));
    return begin(s, gateway_begin(&s->gateway, memory, NULL, &mapping, err), err);
}

int served_begin_on(struct served *s, struct vfs *vfs, uint64_t library, struct error *err)
{
    memset(s, 0, sizeof(*s));
    return begin(s, gateway_begin_on(&s->gateway, vfs, library, NULL, &mapping, err), err);
}

void served_end(struct served *s)
{
    vfs_unref(s->client);
    s->client = NULL;
    gateway_end(&s->gateway);
}
