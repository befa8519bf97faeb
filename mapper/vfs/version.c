/*
 * version.c - vfs_attr.version: a number for the bytes that a reader gets.
 *
 * What the service has is named by item id and cTag. What was written here and not saved yet has a
 * number of its own, which it keeps when it is saved: whoever compares numbers (the ETags of the
 * WebDAV gateway) must not take the upload of his own write for the change of somebody else. Only
 * some of them are remembered; content that is forgotten gets another number.
 */
#include "online.h"

#include "body.h"

#define SPREAD UINT64_C(0x9E3779B97F4A7C15) /* odd: no two counts give the same */

uint64_t version_next(struct online_vfs *online)
{
    uint64_t count = atomic_fetch_add(&online->last_change, 1) + 1;
    uint64_t number = str_hash(online->spool_tag) + count * SPREAD;

    return number ? number : 1;
}

static uint64_t of_draft(const struct body *body)
{
    return body->change ? body->change : str_hash(body->spool_path);
}

static uint64_t of_saved(const struct online_vfs *online, const char *item_id, const char *version)
{
    uint64_t item = str_hash(item_id);
    uint64_t hash = str_hash(version);
    uint64_t number = item * SPREAD + hash;
    const struct known_content *known = &online->known[number % KNOWN_CONTENTS];

    if (known->item == item && known->version == hash) {
        number = known->number;
    }
    return number ? number : 1;
}

uint64_t version_of(struct online_vfs *online, const struct node *node, const struct body *body)
{
    uint64_t number = 0;

    if (body && body->spool) { /* also when it is saved: the handles go on reading it */
        return of_draft(body);
    }
    if (body && body->version && *body->version) {
        return of_saved(online, body->item_id, body->version);
    }
    number = of_saved(online, node_item_id(node), node_version(node));
    if (node->flags & NODE_HEARD) { /* the cTag may be that of before; time and size are not */
        number += ((uint64_t)node->modified_ms ^ node->size_bytes) * SPREAD;
    }
    return number ? number : 1;
}

void version_remember(struct online_vfs *online, const struct body *body,
                      const struct graph_item *item)
{
    const char *version = item->ctag ? item->ctag : item->etag;
    struct known_content known = {0};

    /* of another size: the service did not keep what it was sent (graph-facts 2.9) */
    if (!item->id || !version || !body->spool || item->size_bytes != body->size_bytes) {
        return;
    }
    known = (struct known_content){str_hash(item->id), str_hash(version), of_draft(body)};
    online->known[(known.item * SPREAD + known.version) % KNOWN_CONTENTS] = known;
}
