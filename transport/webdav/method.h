/*
 * method.h - the methods of HTTP and WebDAV that the gateway knows.
 */
#ifndef TRANSPORT_WEBDAV_METHOD_H
#define TRANSPORT_WEBDAV_METHOD_H

#include "webdav_internal.h"

enum dav_method_flag {
    DAV_TAKES_XML = 1,  /* a body is XML, collected in request.body */
    DAV_TAKES_FILE = 2, /* a body goes to dav_put_data() */
    DAV_TAKES_STAR = 4  /* "*" may stand for the path */
};

struct dav_method {
    const char *name;
    unsigned flags;

    /* Optional: with the headers there, before the body is read. 0 to go on, else an answer. */
    int (*begin)(struct dav_request *r);

    /* Everything is there. A HTTP status, with the answer in request.out, response, headers; or ERR_*
     * with request.err set. */
    int (*run)(struct dav_request *r);
};

/* NULL for an unknown name. Names are case-sensitive (RFC 9110, 9.1). */
const struct dav_method *dav_method_find(const char *name);
extern const char dav_methods_allowed[]; /* for the header Allow */

int dav_get(struct dav_request *r); /* and HEAD */
int dav_propfind(struct dav_request *r);
int dav_propfind_outside(struct dav_request *r); /* of "/" before the secret: an empty folder */
int dav_proppatch(struct dav_request *r);
int dav_put_begin(struct dav_request *r);
int dav_put_data(struct dav_request *r, const void *data, size_t size);
int dav_put_end(struct dav_request *r);
void dav_put_free(struct dav_request *r); /* the request ends, in whatever way */
int dav_mkcol(struct dav_request *r);
int dav_delete(struct dav_request *r);
int dav_copy(struct dav_request *r); /* and MOVE */
int dav_lock(struct dav_request *r);
int dav_unlock(struct dav_request *r);

/* tree.c: folders with all that is in them. On failure *failed (may be NULL) is the path that it
 * failed at; the caller frees. */
int dav_delete_tree(struct dav_request *r, uint64_t parent, const char *path,
                    const struct vfs_attr *attr, char **failed, struct error *err);
int dav_copy_file(struct dav_request *r, const struct vfs_attr *from, uint64_t to_parent,
                  const char *name, struct error *err);

/* Gives the file `to` the content of `from`, which is read whole first (put.c). */
int dav_copy_over(struct dav_request *r, const struct vfs_attr *from, const struct vfs_attr *to);
int dav_copy_tree(struct dav_request *r, const struct vfs_attr *from, uint64_t to_parent,
                  const char *to_path, bool is_deep, struct error *err);

/* What both deletes and moves forget: locks, properties, files held. */
void dav_forget_tree(struct dav_request *r, const char *key);

/* 207 with one failed path. */
int dav_answer_failed(struct dav_request *r, const char *path, int code);

#endif
