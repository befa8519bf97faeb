#include "webfs_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int web_statfs(struct vfs *vfs, struct vfs_space *out, uint64_t id,
                      const struct vfs_call *call, struct error *err)
{
    struct webfs *fs = web_fs(vfs);
    struct node *node = NULL;
    int code = 0;

    (void)call;
    memset(out, 0, sizeof(*out));
    mutex_lock(&fs->lock);
    code = web_live(fs, &node, id, err);
    mutex_unlock(&fs->lock);
    return code;
}

static void web_free(struct vfs *vfs)
{
    struct webfs *fs = web_fs(vfs);

    while (fs->nodes) {
        struct node *node = fs->nodes;

        fs->nodes = node->next;
        web_free_node(node);
    }
    if (fs->curl) {
        curl_easy_cleanup(fs->curl);
    }
    buf_clear(&fs->answer);
    mutex_clear(&fs->lock);
    free(fs->lock_token);
    free(fs->etag);
    free(fs->url);
    free(fs);
}

static const struct vfs_ops ops = {
    .lookup = web_lookup,
    .forget = web_forget,
    .getattr = web_getattr,
    .setattr = web_setattr,
    .opendir = web_opendir,
    .readdir = web_readdir,
    .closedir = web_closedir,
    .open = web_open,
    .create = web_create,
    .read = web_read,
    .write = web_write,
    .flush = web_flush,
    .fsync = web_flush,
    .close = web_close,
    .mkdir = web_mkdir,
    .unlink = web_unlink,
    .rmdir = web_rmdir,
    .rename = web_rename,
    .statfs = web_statfs,
    .free = web_free,
};

int webfs_new(struct vfs **out, const char *url, const char *password, struct error *err)
{
    struct webfs *fs = calloc(1, sizeof(*fs));
    struct node *root = NULL;
    int code = 0;

    if (!fs) {
        return error_set(err, ERR_NO_MEMORY, "no memory for a client");
    }
    vfs_init(&fs->base, &ops);
    mutex_init(&fs->lock);
    buf_init(&fs->answer, ANSWER_MAX);
    fs->curl = curl_easy_init();
    code = fs->curl ? str_copy_n(&fs->url, url, strlen(url) - 1, err) : ERR_NO_MEMORY;
    if (code == 0) {
        code = web_hold(fs, &root, "", VFS_FOLDER, err); /* the first id is the root's */
    }
    if (code < 0) {
        vfs_unref(&fs->base);
        return code;
    }
    curl_easy_setopt(fs->curl, CURLOPT_USERNAME, "m");
    curl_easy_setopt(fs->curl, CURLOPT_PASSWORD, password);
    curl_easy_setopt(fs->curl, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    curl_easy_setopt(fs->curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(fs->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(fs->curl, CURLOPT_TIMEOUT_MS, 60000L);
    curl_easy_setopt(fs->curl, CURLOPT_WRITEFUNCTION, web_take_answer);
    curl_easy_setopt(fs->curl, CURLOPT_WRITEDATA, &fs->answer);
    curl_easy_setopt(fs->curl, CURLOPT_HEADERFUNCTION, web_take_header);
    curl_easy_setopt(fs->curl, CURLOPT_HEADERDATA, fs);
    *out = &fs->base;
    return 0;
}
