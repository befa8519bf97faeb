#include "online_saves.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "all_saves.h"
#include "base/str.h"
#include "fixture.h"
#include "replay.h"

#define WAIT_MS 20000

struct judge {
    struct replay replay;
    struct fixture *f;
    char id[64];
    unsigned versions;
};

static void rest(void *payload)
{
    struct judge *judge = payload;

    (void)online_vfs_settle(judge->f->online, WAIT_MS);
    (void)online_vfs_wait_uploads(judge->f->online, WAIT_MS);
}

static bool put(void *payload, const char *name, const void *data, size_t size)
{
    struct judge *judge = payload;

    fake_put(judge->f->fake, name, data, size);
    return true;
}

static bool wrong(char *why, size_t size, const char *what, const char *name)
{
    snprintf(why, size, "on the server: %s '%s'", what, name);
    return false;
}

static bool has_content(struct fake *fake, const char *name, const char *content)
{
    size_t size = 0;
    char *bytes = sequence_content(content, &size);
    bool has = fake_has(fake, name, bytes, size);

    free(bytes);
    return has;
}

static bool judge_server(struct judge *judge, char *why, size_t size)
{
    const struct sequence *s = judge->replay.sequence;
    struct fake *fake = judge->f->fake;
    const char *id = fake_id(fake, s->document);
    unsigned count = fake_children(fake, "");
    unsigned versions = 0;
    const char *scratch = NULL;

    if (!id || !has_content(fake, s->document, s->becomes)) {
        return wrong(why, size, "not the content of", s->document);
    }
    if (!s->is_new && strcmp(id, judge->id) != 0) {
        return wrong(why, size, "another item is", s->document);
    }
    versions = fake_versions(fake, s->document) - (s->is_new ? 0 : judge->versions);
    if (versions != (unsigned)s->versions) {
        snprintf(why, size, "on the server: %u versions more, not %d", versions, s->versions);
        return false;
    }
    for (size_t i = 0; i < s->after_count; i++) {
        if (!has_content(fake, s->after[i].name, s->after[i].content)) {
            return wrong(why, size, "not the content of", s->after[i].name);
        }
    }
    if (count != s->after_count + 1) {
        snprintf(why, size, "on the server: %u files, not %zu", count, s->after_count + 1);
        return false;
    }
    for (unsigned i = 0; (scratch = fake_ever_named(fake, i)) != NULL; i++) {
        if (sequence_is_scratch(s, scratch)) {
            return wrong(why, size, "there was", scratch);
        }
    }
    return true;
}

static bool play(struct judge *judge, char *why, size_t size)
{
    const struct sequence *s = judge->replay.sequence;
    bool is_good = replay_prepare(&judge->replay, put) && fixture_list(judge->f, "") >= 0;

    if (is_good && !s->is_new) {
        snprintf(judge->id, sizeof(judge->id), "%s", fake_id(judge->f->fake, s->document));
        judge->versions = fake_versions(judge->f->fake, s->document);
    }
    is_good = is_good && replay_run(&judge->replay);
    if (is_good && (online_vfs_settle(judge->f->online, WAIT_MS) > 0 ||
                    online_vfs_wait_uploads(judge->f->online, WAIT_MS) > 0)) {
        snprintf(why, size, "something is still waiting");
        return false;
    }
    is_good = is_good && replay_check(&judge->replay);
    if (!is_good) {
        snprintf(why, size, "%s", judge->replay.failure);
        return false;
    }
    if (fixture_unsaved(judge->f) > 0) {
        snprintf(why, size, "something is unsaved");
        return false;
    }
    return judge_server(judge, why, size);
}

struct way {
    const struct online_front *front; /* NULL: none */
    bool is_background;
};

/* With what the calls go through. */
static bool play_shown(struct judge *judge, const struct online_front *front, char *why,
                       size_t size)
{
    struct replay *replay = &judge->replay;
    struct error err = {0};
    bool is_good = false;

    replay->vfs =
        front ? front->show(front->payload, judge->f->vfs, judge->f->root, &replay->folder, &err)
              : judge->f->vfs;
    if (replay->vfs) {
        is_good = play(judge, why, size);
    } else {
        snprintf(why, size, "%s", err.message);
    }
    if (front) {
        front->hide(front->payload, replay->vfs);
    }
    return is_good;
}

static bool play_online(void *payload, const struct sequence *sequence, char *why, size_t size)
{
    struct fixture f;
    struct judge judge = {.replay = {.sequence = sequence}, .f = &f};
    const struct way *way = payload;
    struct str_list patterns = {0};
    bool is_good = false;

    fixture_prepare(&f);
    f.options.settle_ms = 60000; /* only when told to */
    saves_patterns(&patterns);
    f.options.local_only = &patterns;
    f.options.saves_in_background = way->is_background;
    f.options.keeps_both = true;
    fixture_start(&f);
    judge.replay.folder = f.root;
    judge.replay.rest = rest;
    judge.replay.payload = &judge;
    is_good = play_shown(&judge, way->front, why, size);
    fixture_end(&f);
    str_list_clear(&patterns);
    return is_good;
}

int online_saves(const char *pattern, const struct online_front *front)
{
    struct way way = {.front = front};
    int failed = all_saves("online, before close", pattern, play_online, &way);

    way.is_background = true;
    return all_saves("online, in the background", pattern, play_online, &way) || failed;
}
