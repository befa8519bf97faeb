/*
 * webfs_internal.h - what the files of the client share. Functions are called with its lock held,
 * but for the slots of struct vfs_ops.
 */
#ifndef TESTS_WEBFS_INTERNAL_H
#define TESTS_WEBFS_INTERNAL_H

#include <curl/curl.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/thread.h"
#include "webfs.h"

#define ANSWER_MAX (64u << 20)

struct node {
    uint64_t id;
    uint64_t holds;
    char *path; /* below the root: "/a/b"; "" is the root */
    enum vfs_kind kind;
    bool is_gone;
    unsigned opens;
    unsigned writers;
    char *token; /* of its lock, while somebody may write it */
    char *etag;  /* of what it was fetched from, or last sent as */
    /* while it is open */
    unsigned char *data;
    uint64_t size;
    uint64_t room;
    bool is_dirty;
    int64_t modified_ms; /* -1: as the server says */
    struct node *next;
};

struct webfs {
    struct vfs base;   /* must stay first */
    struct mutex lock; /* guards all: one call at a time */
    CURL *curl;
    char *url; /* without the last slash */
    struct node *nodes;
    uint64_t last_id;
    struct buf answer;
    char *lock_token; /* of the last answer; NULL: it had none */
    char *etag;       /* the same */
};

struct vfs_file {
    struct node *node;
    unsigned flags;
};

struct entry {
    char *name;
    struct vfs_attr attr;
};

struct vfs_dir {
    struct node *node;
    struct entry *entries;
    size_t count;
};

static inline struct webfs *web_fs(struct vfs *vfs)
{
    return (struct webfs *)vfs;
}

/* webfs_wire.c: requests, and what PROPFIND says */
size_t web_take_answer(char *data, size_t size, size_t count, void *payload);
size_t web_take_header(char *data, size_t size, size_t count, void *payload);
int web_make_url(struct webfs *fs, char **out, const char *path, struct error *err);
int web_request(struct webfs *fs, const char *method, const char *path, const char *headers,
                const void *body, size_t size, struct error *err);
int web_simple(struct webfs *fs, const char *method, const char *path, const char *headers,
               struct error *err);
int web_ask(struct webfs *fs, struct vfs_attr *out, const char *path, struct error *err);
int web_list(struct webfs *fs, struct vfs_dir *dir, const char *path, struct error *err);
void web_clear_list(struct vfs_dir *dir);

/* webfs_nodes.c: what is known of items, locks, content */
struct node *web_find_id(struct webfs *fs, uint64_t id);
struct node *web_find_path(struct webfs *fs, const char *path);
void web_free_node(struct node *node);
void web_release(struct webfs *fs, struct node *node);
int web_hold(struct webfs *fs, struct node **out, const char *path, enum vfs_kind kind,
             struct error *err);
int web_live(struct webfs *fs, struct node **out, uint64_t id, struct error *err);
int web_child_path(struct webfs *fs, char **out, uint64_t parent, const char *name,
                   struct error *err);
void web_describe(const struct node *node, struct vfs_attr *attr);
/* Holds what is at `path` for the caller; `attr` is what the server says of it. */
int web_give(struct webfs *fs, struct vfs_attr *attr, const char *path, struct error *err);
int web_take_lock(struct webfs *fs, struct node *node, struct error *err);
void web_end_lock(struct webfs *fs, struct node *node);
int web_resize(struct node *node, uint64_t size, struct error *err);
int web_send_times(struct webfs *fs, struct node *node, int64_t modified_ms, struct error *err);
int web_send_content(struct webfs *fs, struct node *node, struct error *err);
int web_fetch(struct webfs *fs, struct node *node, struct error *err);

/* webfs_files.c: slots of files */
int web_lookup(struct vfs *vfs, struct vfs_attr *out, uint64_t parent, const char *name,
               const struct vfs_call *call, struct error *err);
void web_forget(struct vfs *vfs, uint64_t id, uint64_t count);
int web_getattr(struct vfs *vfs, struct vfs_attr *out, uint64_t id, struct vfs_file *file,
                const struct vfs_call *call, struct error *err);
int web_open(struct vfs *vfs, struct vfs_file **out, uint64_t id, unsigned flags,
             const struct vfs_call *call, struct error *err);
int web_create(struct vfs *vfs, struct vfs_file **out, struct vfs_attr *attr, uint64_t parent,
               const char *name, unsigned flags, const struct vfs_call *call, struct error *err);
int web_read(struct vfs *vfs, struct vfs_file *file, void *data, size_t size, uint64_t offset,
             size_t *got, const struct vfs_call *call, struct error *err);
int web_write(struct vfs *vfs, struct vfs_file *file, const void *data, size_t size,
              uint64_t offset, const struct vfs_call *call, struct error *err);
int web_flush(struct vfs *vfs, struct vfs_file *file, const struct vfs_call *call,
              struct error *err);
void web_close(struct vfs *vfs, struct vfs_file *file);
int web_setattr(struct vfs *vfs, struct vfs_attr *out, uint64_t id, struct vfs_file *file,
                const struct vfs_set *set, const struct vfs_call *call, struct error *err);

/* webfs_tree.c: slots of names and folders */
int web_mkdir(struct vfs *vfs, struct vfs_attr *out, uint64_t parent, const char *name,
              const struct vfs_call *call, struct error *err);
int web_unlink(struct vfs *vfs, uint64_t parent, const char *name, const struct vfs_call *call,
               struct error *err);
int web_rmdir(struct vfs *vfs, uint64_t parent, const char *name, const struct vfs_call *call,
              struct error *err);
int web_rename(struct vfs *vfs, uint64_t parent, const char *name, uint64_t new_parent,
               const char *new_name, unsigned flags, const struct vfs_call *call,
               struct error *err);
int web_opendir(struct vfs *vfs, struct vfs_dir **out, uint64_t id, const struct vfs_call *call,
                struct error *err);
int web_readdir(struct vfs *vfs, struct vfs_dir *dir, uint64_t cookie, vfs_entry_fn fill,
                void *payload, const struct vfs_call *call, struct error *err);
void web_closedir(struct vfs *vfs, struct vfs_dir *dir);

#endif
