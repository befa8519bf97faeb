/*
 * conflict.c - someone else saved meanwhile, or it only looks so.
 *
 * SharePoint rewrites Office files after they were uploaded (graph-facts 2.9, "enrichment"): size,
 * hash and tags change, and the next save from here finds a version that it does not know. When every
 * version since our own save is by this user and within a minute of it, the new tag is taken for
 * ours; else both versions are kept, the user's as a copy named for user and time.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "body.h"
#include "listing.h"
#include "local.h"
#include "uploads.h"

#define REWRITE_MS 60000
#define FALSE_ALARMS_MAX 5
#define NAME_BYTES_MAX 200 /* of a copy's name: leaves room in the path */

/* --- a rewrite of our own save --- */

void uploads_remember(struct uploads *uploads, const char *item_id, const char *version)
{
    if (!item_id || !version) {
        return;
    }
    mutex_lock(&uploads->lock);
    uploads->own[uploads->next_own++ % OWN_SAVES] =
        (struct own_save){.item = str_hash(item_id),
                          .version = str_hash(version),
                          .at_ms = clock_wall_ms(clock_system())};
    mutex_unlock(&uploads->lock);
}

/* When this user made this version, here; 0: it is not known to be his. */
static int64_t own_save_ms(struct uploads *uploads, const struct journal_row *row)
{
    uint64_t item = str_hash(row->item_id);
    uint64_t version = str_hash(row->version);
    int64_t at_ms = 0;

    mutex_lock(&uploads->lock);
    for (size_t i = 0; i < OWN_SAVES; i++) {
        const struct own_save *own = &uploads->own[i];

        if (own->item == item && own->version == version && own->at_ms > at_ms) {
            at_ms = own->at_ms;
        }
    }
    mutex_unlock(&uploads->lock);
    return at_ms;
}

static bool are_all_ours(const struct graph_versions *versions, const char *user_id,
                         int64_t saved_ms)
{
    size_t count = 0;

    for (size_t i = 0; i < versions->count; i++) {
        const struct graph_version *version = &versions->versions[i];

        if (version->modified_ms < saved_ms - REWRITE_MS) {
            continue; /* before our save: what it was made from */
        }
        if (!str_equal_nocase(version->user_id, user_id) ||
            version->modified_ms > saved_ms + REWRITE_MS) {
            return false;
        }
        count++;
    }
    return count > 0;
}

int conflict_find_cause(enum conflict_cause *out, struct upload *upload, struct journal_row *row,
                        const struct call *call, struct error *err)
{
    struct account *account = upload->library->account;
    struct graph_versions versions = {0};
    struct graph_item item = {0};
    struct account_info info;
    const char *version = NULL;
    int64_t saved_ms = own_save_ms(upload->library->online->uploads, row);
    int code = 0;

    *out = CONFLICT_REAL;
    if (upload->false_alarms >= FALSE_ALARMS_MAX) {
        return 0;
    }
    code = graph_get_item(&item, account, row->drive_id, row->item_id, call, err);
    if (code == ERR_NOT_FOUND) {
        return 0;
    }
    if (code == 0 && (str_equal(item.ctag, row->version) || str_equal(item.etag, row->version))) {
        /* a session's own doing (graph-facts 2.9), or a replica's that lags */
        *out = CONFLICT_UNTRUE;
    } else if (code == 0 && saved_ms > 0) {
        code = graph_list_versions(&versions, account, row->drive_id, row->item_id, call, err);
        account_info(account, &info);
        version = item.ctag ? item.ctag : item.etag;
        if (code == 0 && version && are_all_ours(&versions, info.user_id, saved_ms)) {
            code = str_copy(&row->version, version, err);
            *out = code == 0 ? CONFLICT_REWRITE : CONFLICT_REAL;
        }
    }
    upload->false_alarms += *out != CONFLICT_REAL;
    graph_versions_clear(&versions);
    graph_item_clear(&item);
    return code;
}

bool conflict_has_arrived(const struct upload *upload, struct journal_row *row,
                          const struct call *call)
{
    struct account *account = upload->library->account;
    struct graph_versions versions = {0};
    struct graph_item item = {0};
    struct account_info info;
    const char *version = NULL;
    bool has_arrived = false;

    if (!row->may_have_arrived || !*row->item_id || row->sent_ms <= 0 ||
        graph_get_item(&item, account, row->drive_id, row->item_id, call, NULL) < 0) {
        return false;
    }
    version = item.ctag ? item.ctag : item.etag;
    if (version && item.size_bytes == row->size_bytes &&
        graph_list_versions(&versions, account, row->drive_id, row->item_id, call, NULL) == 0) {
        account_info(account, &info);
        has_arrived = are_all_ours(&versions, info.user_id, row->sent_ms) &&
                      str_copy(&row->version, version, NULL) == 0;
    }
    graph_versions_clear(&versions);
    graph_item_clear(&item);
    return has_arrived;
}

/* --- a copy beside it --- */

/* "Anna Muster" for anna.muster@contoso.com, without what a file name must not have. */
static void user_text(char *out, size_t size, const char *user_name)
{
    size_t length = 0;
    bool is_start = true;

    for (; *user_name && *user_name != '@' && length + 1 < size; user_name++) {
        char c = *user_name;

        if (c == '.' || c == '_' || strchr("\"*:<>?/\\|#%", c) || (unsigned char)c < 32) {
            c = ' ';
        }
        out[length++] = (char)(is_start ? toupper((unsigned char)c) : c);
        is_start = c == ' ';
    }
    while (length > 0 && out[length - 1] == ' ') {
        length--;
    }
    out[length] = '\0';
}

/* Cuts at a character of UTF-8. */
static size_t cut_at(const char *text, size_t length, size_t limit)
{
    if (length <= limit) {
        return length;
    }
    while (limit > 0 && ((unsigned char)text[limit] & 0xc0) == 0x80) {
        limit--;
    }
    return limit;
}

int conflict_copy_name(char **out, const char *name, const char *user_name, int64_t wall_ms,
                       unsigned number, struct error *err)
{
    const char *dot = strrchr(name, '.');
    const char *mark = strstr(name, " (conflict ");
    size_t stem = dot && dot != name ? (size_t)(dot - name) : strlen(name);
    const char *ending = name + stem;
    char user[64];
    char when[40];
    char more[16] = "";

    if (mark && (size_t)(mark - name) < stem) {
        stem = (size_t)(mark - name); /* the copy of a copy is not named twice */
    }
    stem = cut_at(name, stem, NAME_BYTES_MAX);
    user_text(user, sizeof(user), user_name);
    local_time_text(when, sizeof(when), wall_ms);
    if (number > 1) {
        snprintf(more, sizeof(more), " %u", number);
    }
    return str_format(out, err, "%.*s (conflict%s%s %s%s)%s", (int)stem, name, *user ? " " : "",
                      user, when, more, ending);
}

/* Where the item is, or was when it was saved here. */
static int find_parent(struct upload *upload, struct journal_row *row, const struct call *call,
                       struct error *err)
{
    struct graph_item item = {0};
    int code = 0;

    if (*row->parent_id) {
        return 0;
    }
    if (*row->item_id) {
        code =
            graph_get_item(&item, upload->library->account, row->drive_id, row->item_id, call, err);
        code = code == 0 && item.parent_id ? str_copy(&row->parent_id, item.parent_id, err) : code;
        graph_item_clear(&item);
    }
    /* The root: at least it is seen there. */
    return (code == 0 || code == ERR_NOT_FOUND) && !*row->parent_id
               ? library_root_id(&row->parent_id, upload->library, row->drive_id, call, err)
               : code;
}

int conflict_name_copy(struct upload *upload, struct journal_row *row, const struct call *call,
                       struct error *err)
{
    struct account_info info;
    char *name = NULL;
    char *path = NULL;
    const char *slash = strrchr(row->path, '/');
    int code = find_parent(upload, row, call, err);

    account_info(upload->library->account, &info);
    if (code == 0) {
        code = conflict_copy_name(&name, row->name, info.user_name, row->since_ms,
                                  row->is_copy ? row->attempts + 1 : 1, err);
    }
    if (code == 0) {
        code = str_format(&path, err, "%.*s%s", slash ? (int)(slash + 1 - row->path) : 0, row->path,
                          name);
    }
    if (code == 0) {
        code = str_copy(&row->item_id, "", err);
    }
    if (code == 0) {
        code = str_copy(&row->version, "", err);
    }
    if (code == 0) {
        free(row->name);
        free(row->path);
        row->name = name;
        row->path = path;
        row->is_copy = true;
        row->locked_ms = 0;
        str_free(&row->session_url);
        name = NULL;
        path = NULL;
    }
    free(name);
    free(path);
    return code;
}

/* The folder that a copy is in; NULL: not in sight. online->lock held. */
static struct node *folder_of_copy(struct upload *upload)
{
    struct library *library = upload->library;
    const struct node *node = upload->body->node;
    struct tree *tree = library->online->tree;

    if (library->is_removed) {
        return NULL;
    }
    if (!(node->flags & NODE_GONE)) {
        return tree_parent(tree, node);
    }
    if (str_equal(library->root_item_id, upload->row.parent_id)) {
        return library->root;
    }
    return tree_item(tree, library->root, upload->row.parent_id);
}

/* The body stands for the copy from now on; the item shows what the server has. online->lock held.
 */
static void move_body(struct online_vfs *online, struct upload *upload, struct node *folder)
{
    struct body *body = upload->body;
    struct node *old = body->node;
    struct node *node = NULL;
    struct node_facts facts = {.kind = VFS_FILE,
                               .name = upload->row.name,
                               .size_bytes = upload->row.size_bytes,
                               .modified_ms = upload->row.since_ms,
                               .created_ms = upload->row.since_ms,
                               .flags = NODE_LOCAL};
    bool is_renamed = (old->flags & NODE_LOCAL) && !(old->flags & NODE_GONE);

    if (tree_child(online->tree, folder, facts.name)) {
        return;
    }
    if (is_renamed) { /* never was on the server: the node itself is the copy */
        (void)tree_move(online->tree, old, folder, facts.name, NULL);
        tree_edit(online->tree, old);
        return;
    }
    if (tree_add(online->tree, &node, folder, &facts, NULL) < 0) {
        return;
    }
    tree_hold(online->tree, node);
    tree_edit(online->tree, node);
    listing_note_added(online, folder, node);
    if (!(old->flags & NODE_GONE) && old->body == body) {
        old->body = NULL;
        old->checked_s = 0; /* what the server has is asked for again */
    }
    body->node = node;
    node->body = body;
    tree_release(online->tree, old, 1);
}

void conflict_show_copy(struct upload *upload)
{
    struct online_vfs *online = upload->library->online;
    struct body *body = NULL;
    struct node *folder = NULL;
    uint64_t folder_id = 0;
    uint64_t old_id = 0;
    char *name = NULL;

    mutex_lock(&online->lock);
    body = upload->body;
    if (!body) {
        mutex_unlock(&online->lock);
        return;
    }
    old_id = body->node->flags & NODE_GONE ? 0 : node_id(body->node);
    folder = folder_of_copy(upload);
    if (folder) {
        folder_id = node_id(folder);
        forget_negatives(online, folder);
        if (folder->folder) {
            folder->folder->is_complete = false; /* who changed the item is seen, too */
        }
        move_body(online, upload, folder);
        (void)str_copy(&name, upload->row.name, NULL);
    }
    mutex_lock(&body->lock);
    (void)str_copy(&body->item_id, "", NULL);
    (void)str_copy(&body->version, "", NULL);
    mutex_unlock(&body->lock);
    mutex_unlock(&online->lock);
    if (old_id) {
        online_tell(online, 0, NULL, old_id);
    }
    if (folder_id && name) {
        online_tell(online, folder_id, name, 0);
    }
    free(name);
}
