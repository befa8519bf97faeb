/*
 * xattr.c - facts about an item as extended attributes: user.mooring.id, .etag, .state, .weburl. Read
 * only.
 *
 * They can be asked for by name and are not listed: `cp -a` and `rsync -X` would copy them to where
 * they mean nothing, and ask the server about every file.
 *
 * `ls -l` asks for security.selinux and system.posix_acl_access of each file: 2,000 requests for 1,000
 * files, 60 ms and more of the 90 that it takes from memfs. The kernel offers no way to be asked once:
 * ENOSYS ends getxattr for the whole mount, user.mooring.* too, and that there is nothing it remembers
 * of ACLs only (FUSE_POSIX_ACL), file by file, and then it checks permissions by mode and owner in our
 * place (default_permissions).
 */
#include "np_internal.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"

#define PREFIX "user.mooring."

static void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
    char *value = NULL;
    struct np_op op;
    size_t length;
    int code;

    /* the kernel asks for security.capability with each write: nobody waits for that */
    if (!str_starts_with(name, PREFIX)) {
        fuse_reply_err(req, ENODATA);
        return;
    }
    np_op_begin(&op, req);
    code = vfs_attribute(op.np->vfs, &value, ino, name + strlen(PREFIX), &op.call, &op.err);
    if (code == ERR_NOT_FOUND) {
        fuse_reply_err(req, ENODATA);
        return;
    }
    if (code < 0) {
        np_op_fail(&op, code, "getxattr");
        return;
    }
    length = strlen(value);
    if (size == 0) {
        fuse_reply_xattr(req, length);
    } else if (size < length) {
        fuse_reply_err(req, ERANGE);
    } else {
        fuse_reply_buf(req, value, length);
    }
    str_free(&value);
}

static void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
    (void)ino;
    if (size == 0) {
        fuse_reply_xattr(req, 0);
    } else {
        fuse_reply_buf(req, NULL, 0);
    }
}

static void op_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value,
                        size_t size, int flags)
{
    (void)ino;
    (void)name;
    (void)value;
    (void)size;
    (void)flags;
    fuse_reply_err(req, ENOTSUP); /* what cp and mv take for a file system without attributes */
}

static void op_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
    (void)ino;
    (void)name;
    fuse_reply_err(req, ENOTSUP);
}

void np_ops_add_xattr(struct fuse_lowlevel_ops *ops)
{
    ops->getxattr = op_getxattr;
    ops->listxattr = op_listxattr;
    ops->setxattr = op_setxattr;
    ops->removexattr = op_removexattr;
}
