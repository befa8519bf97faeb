/*
 * put.c - PUT: a file arrives whole, or what was there stays.
 *
 * A new name is streamed into the vfs as it comes, and taken away again when the client breaks off.
 * Over an existing file the body is collected first (in memory, then in a file without a name),
 * so that who reads the file meanwhile gets all of the old content. What breaks off is abandoned: the
 * vfs has what it had. A file that the client has just made empty is one of held.h: it is written
 * where it is.
 *
 * One PUT at a time writes a path, from its conditions to its end: two of them must not make one file
 * out of both, and what If-Match was compared with must be what is replaced.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "method.h"
#include "spool.h"
#include "webdav_internal.h"

#define IN_MEMORY_MAX (256u * 1024)

struct dav_put {
    struct vfs_attr parent; /* held */
    struct vfs_attr old;    /* what was there; held when `exists` */
    bool exists;
    bool is_streaming; /* else the body is collected */
    bool was_held;
    struct vfs_file *file; /* of is_streaming */
    uint64_t id;           /* of `file`, held */
    struct buf memory;
    FILE *spool; /* once `memory` is full */
    uint64_t size;
    bool is_whole;        /* all of it is in the file */
    bool is_kept;         /* file and hold went elsewhere */
    const char *key;      /* while it is in webdav.puts: the request's */
    struct dav_put *next; /* there */
};

static bool is_written(const struct webdav *dav, const char *key)
{
    for (const struct dav_put *put = dav->puts; put; put = put->next) {
        if (strcmp(put->key, key) == 0) {
            return true;
        }
    }
    return false;
}

/* Waits for a PUT to the same path. */
static int take_turn(struct dav_request *r, struct dav_put *put)
{
    struct webdav *dav = r->dav;
    struct vfs_call call = dav_call(r);
    int code = 0;

    mutex_lock(&dav->lock);
    while (is_written(dav, r->key) && code == 0) {
        if (clock_mono_ms(clock_system()) >= call.deadline_ms || call.is_cancelled(call.payload)) {
            code = error_set(&r->err, ERR_BUSY, "another upload writes the file");
        } else {
            cond_wait_ms(&dav->changed, &dav->lock, 200);
        }
    }
    if (code == 0) {
        put->key = r->key;
        put->next = dav->puts;
        dav->puts = put;
    }
    mutex_unlock(&dav->lock);
    return code;
}

static void end_turn(struct webdav *dav, struct dav_put *put)
{
    struct dav_put **at = &dav->puts;

    if (!put->key) {
        return;
    }
    mutex_lock(&dav->lock);
    while (*at != put) {
        at = &(*at)->next;
    }
    *at = put->next;
    cond_broadcast(&dav->changed);
    mutex_unlock(&dav->lock);
}

/* RFC 4918, 9.7.1: without its folder a file cannot be made. */
static int find(struct dav_request *r, struct dav_put *put)
{
    struct vfs_call call = dav_call(r);
    int code = dav_lookup_parent(r, &put->parent, r->path, &r->err);

    if (code == ERR_NOT_FOUND) {
        return dav_status(r, 409, "the folder for the file is missing");
    }
    if (code < 0) {
        return code;
    }
    code =
        vfs_lookup(r->dav->vfs, &put->old, put->parent.id, dav_path_name(r->path), &call, &r->err);
    put->exists = code == 0;
    return code == ERR_NOT_FOUND ? 0 : code;
}

static int check(struct dav_request *r, struct dav_put *put)
{
    int result = 0;

    if (put->exists && dav_is_folder(&put->old)) {
        return dav_status(r, 405, "a folder cannot be written");
    }
    result = dav_check_preconditions(r, put->exists ? &put->old : NULL);
    if (result == 0) {
        result = dav_check_if(r);
    }
    if (result == 0) {
        result = dav_check_locks(r, r->key, false);
    }
    if (result == 0 && !put->exists) {
        result = dav_check_parent_locks(r, r->path);
    }
    if (result == 0 && put->exists && put->old.is_read_only) {
        result = dav_status(r, 403, "the file is read-only");
    }
    return result;
}

int dav_put_begin(struct dav_request *r)
{
    struct dav_put *put = NULL;
    int result = 0;

    if (dav_request_header(r, "Content-Range")) { /* RFC 9110, 14.5: it must not be ignored */
        return dav_status(r, 400, "this server does not write parts of files");
    }
    if (r->path[0] == '\0' || r->has_slash) {
        return dav_status(r, r->path[0] ? 409 : 405, "a folder cannot be written");
    }
    put = calloc(1, sizeof(*put));
    if (!put) {
        return error_set(&r->err, ERR_NO_MEMORY, "no memory for an upload");
    }
    buf_init(&put->memory, IN_MEMORY_MAX);
    r->put = put;
    result = take_turn(r, put);
    if (result == 0) {
        result = find(r, put);
    }
    if (result == 0) {
        result = check(r, put);
    }
    if (result == 0) {
        put->file = dav_held_take(r->dav->held, r->key, &put->id);
        put->was_held = put->file != NULL;
        put->is_streaming = put->was_held || !put->exists;
    }
    return result;
}

/* The name is given with the first byte, so that a client that goes away before leaves nothing. */
static int make(struct dav_request *r, struct dav_put *put)
{
    struct vfs_call call = dav_call(r);
    struct vfs_attr attr;
    int code = vfs_create(r->dav->vfs, &put->file, &attr, put->parent.id, dav_path_name(r->path),
                          VFS_READ | VFS_WRITE | VFS_EXCLUSIVE, &call, &r->err);

    if (code == ERR_EXISTS) {
        return dav_status(r, 409, "somebody else made the file meanwhile");
    }
    put->id = code == 0 ? attr.id : 0;
    return code;
}

static int stream(struct dav_request *r, struct dav_put *put, const void *data, size_t size)
{
    struct vfs_call call = dav_call(r);
    int result = put->file ? 0 : make(r, put);

    if (result == 0) {
        result = vfs_write(r->dav->vfs, put->file, data, size, put->size, &call, &r->err);
    }
    return result;
}

static int collect(struct dav_request *r, struct dav_put *put, const void *data, size_t size)
{
    int code = 0;

    if (!put->spool && buf_add(&put->memory, data, size, NULL) == 0) {
        return 0;
    }
    if (!put->spool) {
        code = dav_spool_open(&put->spool, r->dav->private_directory, &r->err);
        if (code == 0 && put->memory.size > 0 &&
            fwrite(put->memory.data, put->memory.size, 1, put->spool) != 1) {
            code = ERR_NO_SPACE;
        }
    }
    if (code == 0 && fwrite(data, size, 1, put->spool) != 1) {
        code = ERR_NO_SPACE;
    }
    return code == ERR_NO_SPACE
               ? error_set_os(&r->err, code, errno, "no room for an upload on this machine")
               : code;
}

int dav_put_data(struct dav_request *r, const void *data, size_t size)
{
    struct dav_put *put = r->put;
    int result = put->is_streaming ? stream(r, put, data, size) : collect(r, put, data, size);

    if (result == 0) {
        put->size += size;
    }
    return result;
}

/* What was collected, into the file. */
static int pour(struct dav_request *r, struct dav_put *put)
{
    struct vfs_call call = dav_call(r);
    uint64_t offset = 0;
    char *block = NULL;
    size_t got = 0;
    int code = 0;

    if (!put->spool) {
        return vfs_write(r->dav->vfs, put->file, put->memory.data, put->memory.size, 0, &call,
                         &r->err);
    }
    block = malloc(DAV_BLOCK);
    if (!block) {
        return error_set(&r->err, ERR_NO_MEMORY, "no memory for an upload");
    }
    rewind(put->spool);
    while (code == 0 && (got = fread(block, 1, DAV_BLOCK, put->spool)) > 0) {
        call = dav_call(r);       /* the deadline is one of each write */
        call.is_cancelled = NULL; /* half of a file is worse than a late end */
        code = vfs_write(r->dav->vfs, put->file, block, got, offset, &call, &r->err);
        offset += got;
    }
    if (code == 0 && (ferror(put->spool) || offset != put->size)) {
        code = error_set(&r->err, ERR_IO, "what was uploaded cannot be read again");
    }
    free(block);
    return code;
}

static int replace(struct dav_request *r, struct dav_put *put)
{
    struct vfs_call call = dav_call(r);
    int code = 0;

    if (put->spool && fflush(put->spool) != 0) {
        return error_set_os(&r->err, ERR_NO_SPACE, errno, "no room for an upload on this machine");
    }
    code = vfs_open(r->dav->vfs, &put->file, put->old.id, VFS_READ | VFS_WRITE | VFS_TRUNCATE,
                    &call, &r->err);
    if (code < 0) {
        return code;
    }
    put->id = put->old.id; /* its hold goes with the file */
    put->old.id = 0;
    return put->size > 0 ? pour(r, put) : 0;
}

/* The answer names the state that was saved. */
static int save(struct dav_request *r, struct dav_put *put)
{
    struct vfs_call call = dav_save_call(r);
    struct vfs_attr attr;
    char etag[DAV_ETAG_SIZE];
    int code = 0;

    put->is_whole = true;
    code = put->size > 0 ? vfs_flush(r->dav->vfs, put->file, &call, &r->err) : 0;

    if (code == 0) {
        code = vfs_getattr(r->dav->vfs, &attr, put->id, put->file, &call, &r->err);
    }
    if (code < 0) {
        return code;
    }
    dav_etag(etag, &attr);
    dav_header(r, "ETag", "%s", etag);
    put->is_kept = true;
    if (put->size == 0) { /* its content may follow: held.h */
        dav_held_add(r->dav->held, r->key, put->id, put->file);
    } else {
        vfs_close(r->dav->vfs, put->file);
        vfs_forget(r->dav->vfs, put->id, 1);
    }
    return put->exists ? 204 : 201;
}

int dav_put_end(struct dav_request *r)
{
    struct dav_put *put = r->put;
    int result = 0;

    if (!put->is_streaming) {
        result = replace(r, put);
    } else if (!put->file) {
        result = make(r, put);
    }
    return result == 0 ? save(r, put) : result;
}

/* The body did not come whole, or could not be written: as it was before. */
static void undo(struct dav_request *r, struct dav_put *put)
{
    struct vfs_set set = {.flags = VFS_SET_SIZE};
    struct vfs_call call = dav_save_call(r);
    struct vfs_attr attr;

    if (put->was_held && put->size > 0) {
        vfs_setattr(r->dav->vfs, &attr, put->id, put->file, &set, &call, NULL);
    }
    if (put->was_held) {
        dav_held_add(r->dav->held, r->key, put->id, put->file);
        return;
    }
    if (put->is_whole) { /* it could not be sent: no byte of it is lost, see vfs.h */
        vfs_close(r->dav->vfs, put->file);
    } else {
        if (put->is_streaming) {
            vfs_unlink(r->dav->vfs, put->parent.id, dav_path_name(r->path), &call, NULL);
        }
        vfs_abandon(r->dav->vfs, put->file);
    }
    vfs_forget(r->dav->vfs, put->id, 1);
}

void dav_put_free(struct dav_request *r)
{
    struct dav_put *put = r->put;

    if (!put) {
        return;
    }
    if (put->file && !put->is_kept) {
        undo(r, put);
    }
    end_turn(r->dav, put);
    if (put->exists && put->old.id) {
        dav_forget(r, &put->old);
    }
    if (put->parent.id) {
        dav_forget(r, &put->parent);
    }
    if (put->spool) {
        fclose(put->spool);
    }
    buf_clear(&put->memory);
    free(put);
    r->put = NULL;
}

static int collect_file(struct dav_request *r, struct dav_put *put, uint64_t from)
{
    struct vfs_call call = dav_call(r);
    struct vfs_file *source = NULL;
    char *block = malloc(DAV_BLOCK);
    size_t got = 1;
    int code = block ? vfs_open(r->dav->vfs, &source, from, VFS_READ, &call, &r->err)
                     : error_set(&r->err, ERR_NO_MEMORY, "no memory for a copy");

    while (code == 0 && got > 0) {
        call = dav_call(r);
        code = vfs_read(r->dav->vfs, source, block, DAV_BLOCK, put->size, &got, &call, &r->err);
        if (code == 0 && got > 0) {
            code = collect(r, put, block, got);
            put->size += got;
        }
    }
    vfs_close(r->dav->vfs, source);
    free(block);
    return code;
}

int dav_copy_over(struct dav_request *r, const struct vfs_attr *from, const struct vfs_attr *to)
{
    struct dav_put put = {.exists = true, .old = *to};
    struct vfs_call call;
    int code = 0;

    buf_init(&put.memory, IN_MEMORY_MAX);
    code = collect_file(r, &put, from->id);
    if (code == 0) {
        code = replace(r, &put);
    }
    if (code == 0) {
        call = dav_save_call(r);
        code = vfs_flush(r->dav->vfs, put.file, &call, &r->err);
    }
    if (code == 0) {
        vfs_close(r->dav->vfs, put.file);
    } else {
        vfs_abandon(r->dav->vfs, put.file);
    }
    if (put.spool) {
        fclose(put.spool);
    }
    buf_clear(&put.memory);
    return code;
}
