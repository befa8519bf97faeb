/* What is known of items; locks; content, which is fetched and sent whole. */
#include "webfs_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

/* --- nodes --- */

struct node *web_find_id(struct webfs *fs, uint64_t id)
{
    for (struct node *node = fs->nodes; node; node = node->next) {
        if (node->id == id) {
            return node;
        }
    }
    return NULL;
}

struct node *web_find_path(struct webfs *fs, const char *path)
{
    for (struct node *node = fs->nodes; node; node = node->next) {
        if (!node->is_gone && str_equal_nocase(node->path, path)) {
            return node;
        }
    }
    return NULL;
}

void web_free_node(struct node *node)
{
    free(node->data);
    free(node->token);
    free(node->etag);
    free(node->path);
    free(node);
}

void web_release(struct webfs *fs, struct node *node)
{
    struct node **at = &fs->nodes;

    if (node->holds > 0 || node->opens > 0 || node->id == VFS_ROOT) {
        return;
    }
    while (*at != node) {
        at = &(*at)->next;
    }
    *at = node->next;
    web_free_node(node);
}

/* The node of a path, with one hold. */
int web_hold(struct webfs *fs, struct node **out, const char *path, enum vfs_kind kind,
             struct error *err)
{
    struct node *node = web_find_path(fs, path);

    if (node && node->kind != kind) { /* it was replaced behind our back */
        node->is_gone = true;
        node = NULL;
    }
    if (!node) {
        node = calloc(1, sizeof(*node));
        if (!node || str_copy(&node->path, path, err) < 0) {
            free(node);
            return error_set(err, ERR_NO_MEMORY, "no memory for a node");
        }
        node->id = ++fs->last_id;
        node->kind = kind;
        node->modified_ms = -1;
        node->next = fs->nodes;
        fs->nodes = node;
    }
    node->holds++;
    *out = node;
    return 0;
}

int web_live(struct webfs *fs, struct node **out, uint64_t id, struct error *err)
{
    *out = web_find_id(fs, id);
    return *out && !(*out)->is_gone ? 0 : error_set(err, ERR_STALE, "it is gone");
}

int web_child_path(struct webfs *fs, char **out, uint64_t parent, const char *name,
                   struct error *err)
{
    struct node *folder = NULL;
    int code = web_live(fs, &folder, parent, err);

    if (code == 0 && folder->kind != VFS_FOLDER) {
        code = error_set(err, ERR_NOT_FOLDER, "'%s' is a file", folder->path);
    }
    return code < 0 ? code : str_format(out, err, "%s/%s", folder->path, name);
}

/* What is open is told from here. */
void web_describe(const struct node *node, struct vfs_attr *attr)
{
    attr->id = node->id;
    attr->kind = node->kind;
    if (node->opens > 0) {
        attr->size_bytes = node->size;
        attr->modified_ms = node->modified_ms >= 0 ? node->modified_ms : attr->modified_ms;
    }
}

int web_give(struct webfs *fs, struct vfs_attr *attr, const char *path, struct error *err)
{
    struct node *node = NULL;
    int code = web_hold(fs, &node, path, attr->kind, err);

    if (code == 0) {
        web_describe(node, attr);
    }
    return code;
}

/* --- locks and content --- */

int web_take_lock(struct webfs *fs, struct node *node, struct error *err)
{
    static const char wish[] =
        "<?xml version=\"1.0\" encoding=\"utf-8\" ?><D:lockinfo xmlns:D=\"DAV:\"><D:lockscope>"
        "<D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>";
    int code = 0;

    if (node->token) {
        return 0;
    }
    code = web_request(fs, "LOCK", node->path, "Timeout: Second-3600\n", wish, strlen(wish), err);
    if (code == 0 && fs->lock_token) {
        node->token = fs->lock_token;
        fs->lock_token = NULL;
    }
    return code;
}

void web_end_lock(struct webfs *fs, struct node *node)
{
    char header[256];

    if (node->token && !node->is_gone) {
        snprintf(header, sizeof(header), "Lock-Token: <%s>\n", node->token);
        web_simple(fs, "UNLOCK", node->path, header, NULL);
    }
    str_free(&node->token);
}

static int make_room(struct node *node, uint64_t size, struct error *err)
{
    uint64_t room = node->room ? node->room : 4096;
    unsigned char *data = NULL;

    if (size > ANSWER_MAX) {
        return error_set(err, ERR_NO_SPACE, "the client of the tests takes no file so large");
    }
    while (room < size) {
        room *= 2;
    }
    data = room > node->room ? realloc(node->data, room) : node->data;
    if (!data) {
        return error_set(err, ERR_NO_MEMORY, "no memory for a file");
    }
    node->data = data;
    node->room = room;
    return 0;
}

int web_resize(struct node *node, uint64_t size, struct error *err)
{
    int code = make_room(node, size, err);

    if (code == 0) {
        if (size > node->size) {
            memset(node->data + node->size, 0, size - node->size);
        }
        node->size = size;
        node->is_dirty = true;
        node->modified_ms = -1;
    }
    return code;
}

int web_send_times(struct webfs *fs, struct node *node, int64_t modified_ms, struct error *err)
{
    static const char days[] = "ThuFriSatSunMonTueWed";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char body[512];
    char header[256] = "";
    char iso[40];
    int date[6];

    clock_format_iso(iso, sizeof(iso), modified_ms / 1000 * 1000);
    if (sscanf(iso, "%d-%d-%dT%d:%d:%d", &date[0], &date[1], &date[2], &date[3], &date[4],
               &date[5]) != 6) {
        return error_set(err, ERR_INVALID, "no time");
    }
    snprintf(body, sizeof(body),
             "<D:propertyupdate xmlns:D=\"DAV:\" xmlns:Z=\"urn:schemas-microsoft-com:\"><D:set>"
             "<D:prop><Z:Win32LastModifiedTime>%.3s, %02d %.3s %04d %02d:%02d:%02d GMT"
             "</Z:Win32LastModifiedTime></D:prop></D:set></D:propertyupdate>",
             days + modified_ms / 86400000 % 7 * 3, date[2], months + (date[1] - 1) * 3, date[0],
             date[3], date[4], date[5]);
    if (node->token) {
        snprintf(header, sizeof(header), "If: (<%s>)\n", node->token);
    }
    return web_request(fs, "PROPPATCH", node->path, header, body, strlen(body), err);
}

static void take_etag(struct webfs *fs, struct node *node)
{
    free(node->etag);
    node->etag = fs->etag;
    fs->etag = NULL;
}

int web_send_content(struct webfs *fs, struct node *node, struct error *err)
{
    char header[512] = "";
    int code = 0;

    if (!node->is_dirty || node->is_gone) {
        return 0;
    }
    snprintf(header, sizeof(header), "%s%s%s%s%s%s", node->token ? "If: (<" : "",
             node->token ? node->token : "", node->token ? ">)\n" : "",
             node->etag ? "If-Match: " : "", node->etag ? node->etag : "", node->etag ? "\n" : "");
    code = web_request(fs, "PUT", node->path, header, node->data ? node->data : (const void *)"",
                       (size_t)node->size, err);
    if (code == ERR_EXISTS) { /* 412 */
        return error_set(err, ERR_CHANGED, "somebody else saved '%s'", node->path);
    }
    if (code == 0) {
        take_etag(fs, node);
        node->is_dirty = false;
        if (node->modified_ms >= 0) {
            code = web_send_times(fs, node, node->modified_ms, err);
        }
    }
    return code;
}

int web_fetch(struct webfs *fs, struct node *node, struct error *err)
{
    int code = web_simple(fs, "GET", node->path, "", err);

    if (code == 0) {
        take_etag(fs, node);
        code = make_room(node, fs->answer.size, err);
    }
    if (code == 0) {
        memcpy(node->data, fs->answer.data ? fs->answer.data : (const void *)"", fs->answer.size);
        node->size = fs->answer.size;
        node->is_dirty = false;
        node->modified_ms = -1;
    }
    return code;
}
