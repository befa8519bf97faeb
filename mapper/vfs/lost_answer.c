#include "lost_answer.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "body.h"
#include "local.h"
#include "mapper/quickxor.h"
#include "online.h"
#include "uploads.h"

#define LOST_MAX 8   /* of one body; the oldest is forgotten */
#define HASH_MS 2000 /* the program whose save failed waits, and so does who writes the file */

struct lost_answer {
    struct lost_answer *next; /* the one before it */
    uint64_t size_bytes;
    char hash[29]; /* quickXorHash */
};

struct spool_reader {
    struct local_file *file;
    int64_t end_ms;
};

static int read_spool(void *payload, void *data, size_t size, uint64_t offset, size_t *got,
                      struct error *err)
{
    const struct spool_reader *reader = payload;

    if (online_now() >= reader->end_ms) {
        return error_set(err, ERR_TIMED_OUT, "there is too much of it to be read again now");
    }
    return local_read(reader->file, data, size, offset, got, err);
}

static void forget_oldest(struct body *body)
{
    struct lost_answer **at = &body->lost;

    for (unsigned count = 1; *at && count < LOST_MAX; count++) {
        at = &(*at)->next;
    }
    free(*at);
    *at = NULL;
}

/* Without memory or time for it: a copy beside what arrived, in the worst case. */
static void note_hash(struct body *body)
{
    struct spool_reader reader = {body->spool, online_now() + HASH_MS};
    struct graph_source source = {read_spool, &reader, body->size_bytes};
    struct lost_answer *lost = calloc(1, sizeof(*lost));
    struct error error = {0};

    if (!lost) {
        return;
    }
    if (quickxor_of_source(lost->hash, &source, &error) < 0) {
        log_error(LOG_VFS, &error, "what was sent and not answered could not be noted");
        free(lost);
        return;
    }
    lost->size_bytes = body->size_bytes;
    forget_oldest(body);
    lost->next = body->lost;
    body->lost = lost;
}

void lost_answer_note(struct body *body, int code)
{
    if (!graph_answer_may_be_lost(code)) {
        return;
    }
    note_hash(body);
    mutex_lock(&body->online->lock);
    if (!(body->node->flags & NODE_GONE)) {
        node_doubt(body->online, body->node);
    }
    mutex_unlock(&body->online->lock);
}

static bool is_lost(const struct body *body, const struct graph_item *item)
{
    const struct lost_answer *lost = body->lost;

    while (lost &&
           (item->size_bytes != lost->size_bytes || !str_equal(item->quick_xor_hash, lost->hash))) {
        lost = lost->next;
    }
    return lost && item->kind == GRAPH_FILE && item->id;
}

/* The file is that item, and the next save goes over that version of it. */
static bool adopt(struct body *body, const struct graph_item *item, uint32_t asked_edit)
{
    struct online_vfs *online = body->online;
    const char *version = item->ctag ? item->ctag : item->etag;
    bool is_taken = false;

    mutex_lock(&online->lock);
    is_taken = version && !(body->node->flags & NODE_GONE) &&
               tree_apply_own(online, body->node, item, asked_edit, NULL) == 0;
    mutex_lock(&body->lock);
    is_taken = is_taken && str_copy(&body->version, version, NULL) == 0 &&
               str_copy(&body->item_id, item->id, NULL) == 0;
    mutex_unlock(&body->lock);
    mutex_unlock(&online->lock);
    if (is_taken) {
        uploads_remember(online->uploads, item->id, version);
    }
    return is_taken;
}

bool lost_answer_take(struct body *body, const struct place *place, const char *name,
                      const struct call *call)
{
    struct graph_item item = {0};
    bool is_taken = false;
    int code = 0;

    if (!body->lost) {
        return false;
    }
    code = name
               ? graph_get_child(&item, place->account, place->drive_id, place->item_id, name, call,
                                 NULL)
               : graph_get_item(&item, place->account, place->drive_id, place->item_id, call, NULL);
    is_taken = code == 0 && is_lost(body, &item) && adopt(body, &item, place->asked_edit);
    graph_item_clear(&item);
    return is_taken;
}

void lost_answers_clear(struct body *body)
{
    while (body->lost) {
        struct lost_answer *next = body->lost->next;

        free(body->lost);
        body->lost = next;
    }
}
