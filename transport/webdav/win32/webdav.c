#include "webdav/webdav.h"

/* Known by name, so that status can say so; its sockets and spool are built for Linux only yet. */
const struct transport_type transport_type_webdav = {
    .name = "webdav", .title = "WebDAV gateway on loopback", .ops = NULL};
