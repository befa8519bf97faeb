#include "link.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "local.h"
#include "online.h"

#define URL_MAX 2048
#define CONTENT_FORMAT "[InternetShortcut]\r\nURL=%s\r\n"

/* What a line of the file can hold, and what a program may safely open. */
static bool is_url(const char *url)
{
    if (!url || strncmp(url, "https://", 8) != 0 || strlen(url) > URL_MAX) {
        return false;
    }
    for (const char *at = url; *at; at++) {
        if ((unsigned char)*at <= ' ' || *at == 0x7f) {
            return false;
        }
    }
    return true;
}

bool link_is(const struct graph_item *item)
{
    return item->kind == GRAPH_PACKAGE && is_url(item->web_url);
}

int link_adapt(struct graph_item *item, struct error *err)
{
    char *name = NULL;
    int code = 0;

    if (!link_is(item) || !item->name) {
        return 0;
    }
    code = str_format(&name, err, "%s" LINK_ENDING, item->name);
    if (code == 0) {
        free(item->name);
        item->name = name;
    }
    return code;
}

int link_target_name(char **out, const char *name, struct error *err)
{
    size_t length = strlen(name);
    size_t ending = strlen(LINK_ENDING);

    *out = NULL;
    if (length <= ending || !str_equal_nocase(name + length - ending, LINK_ENDING)) {
        return 0;
    }
    return str_copy_n(out, name, length - ending, err);
}

uint64_t link_size(const char *url)
{
    return strlen(CONTENT_FORMAT) - strlen("%s") + strlen(url);
}

static int write_file(const char *path, const char *text, struct error *err)
{
    struct local_file *file = NULL;
    int code = local_open(&file, path, true, err);

    if (code == 0) {
        code = local_write(file, text, strlen(text), 0, err);
    }
    local_close(file);
    return code;
}

static int store(struct online_vfs *online, const struct content_key *key, uint64_t number,
                 struct error *err)
{
    char *path = NULL;
    char *text = NULL;
    int code = str_format(&path, err, "%s/link-%llu.new", online->cache_directory,
                          (unsigned long long)number);

    if (code == 0) {
        code = str_format(&text, err, CONTENT_FORMAT, key->version);
    }
    if (code == 0) {
        code = write_file(path, text, err);
    }
    if (code == 0) {
        code = cache_adopt(online->cache, key, path, strlen(text), err);
    }
    if (code < 0 && path) {
        (void)file_remove(path, NULL);
    }
    if (code == ERR_EXISTS) { /* another thread was faster */
        error_clear(err);
        code = 0;
    }
    free(text);
    free(path);
    return code;
}

int link_store(struct online_vfs *online, struct node *node, struct error *err)
{
    struct content_key key = {0};
    char *texts[3] = {NULL, NULL, NULL};
    uint64_t number = 0;
    int code = 0;

    mutex_lock(&online->lock);
    if (!node_is_link(node)) {
        mutex_unlock(&online->lock);
        return 0;
    }
    if ((node->flags & NODE_GONE) || !library_of(online, node)->drive_id) {
        code = error_set(err, ERR_STALE, "the notebook is no longer there");
    }
    if (code == 0) {
        code = str_copy(&texts[0], library_of(online, node)->drive_id, err);
    }
    if (code == 0) {
        code = str_copy(&texts[1], node_item_id(node), err);
    }
    if (code == 0) {
        code = str_copy(&texts[2], node_version(node), err);
    }
    mutex_unlock(&online->lock);
    key = (struct content_key){texts[0], texts[1], texts[2]};
    if (code == 0 && !cache_has_all(online->cache, &key)) {
        mutex_lock(&online->spool_lock);
        number = ++online->last_spool;
        mutex_unlock(&online->spool_lock);
        code = store(online, &key, number, err);
    }
    for (size_t i = 0; i < 3; i++) {
        free(texts[i]);
    }
    return code;
}
