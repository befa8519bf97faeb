/*
 * The online vfs over the drive in memory: delta as awkward as it can be, answers that get lost,
 * small caches, and times that a seed decides.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "all_saves.h"
#include "base/log.h"
#include "fixture.h"
#include "world.h"

#define WAIT_MS 60000
#define STALE_MS 80 /* longer than MetadataSeconds is in any of these worlds */

struct state {
    struct fixture f;
    struct str_list patterns;
};

static struct state *state_of(struct world *world)
{
    return world->payload;
}

static void start(struct world *world)
{
    static const int64_t settle_ms[] = {0, 10, 60, 300};
    static const int64_t metadata_ms[] = {1, 10, 60};
    struct state *s = calloc(1, sizeof(*s));
    struct online_vfs_options *o = &s->f.options;
    uint32_t random = world->seed * 2654435761u | 1;

    log_set_level(LOG_LEVEL_OFF);
    for (unsigned i = 0; i < 8; i++) {
        op_random(&random);
    }
    fixture_prepare(&s->f);
    saves_patterns(&s->patterns);
    o->local_only = &s->patterns;
    o->settle_ms = settle_ms[op_random(&random) % 4];
    o->metadata_ms = metadata_ms[op_random(&random) % 3];
    o->poll_ms = op_random(&random) % 2 ? 5 : 0;
    o->saves_in_background = op_random(&random) % 4 != 0;
    o->upload_delay_ms = op_random(&random) % 2 ? 20 : 0;
    o->keeps_both = true;
    if (op_random(&random) % 2) {
        o->cache_bytes = 1u << 20;
        o->max_items = 40;
    }
    fake_set_page(s->f.fake, 5);
    fake_set_awkward(s->f.fake, op_random(&random) % 2);
    fake_set_latency(s->f.fake, op_random(&random) % 3 == 0);
    fixture_start(&s->f);
    world->payload = s;
    world->vfs = s->f.vfs;
    world->root = s->f.root;
    /* What the server has under a scratch name is not asked for, which shows when it is forgotten. */
    world->has_scratch = o->max_items == 0;
}

static void stop(struct world *world)
{
    struct state *s = state_of(world);

    fixture_end(&s->f);
    str_list_clear(&s->patterns);
    free(s);
}

static void edit(struct world *world, const char *path, const char *text)
{
    struct fake *fake = state_of(world)->f.fake;

    if (text) {
        fake_put_text(fake, path, text);
    } else {
        fake_try_remove(fake, path);
    }
}

static void rename_foreign(struct world *world, const char *path, const char *name)
{
    fake_try_rename(state_of(world)->f.fake, path, name);
}

static void fault(struct world *world, const struct op *op)
{
    static const int codes[] = {ERR_SERVER, ERR_THROTTLED, ERR_UNREACHABLE, ERR_TIMED_OUT};
    struct fake *fake = state_of(world)->f.fake;

    switch (op->seed % 8) {
    case 0:
        fake_lose_uploads(fake, 1 + op->size % 2);
        break;
    case 1:
        fake_resync(fake);
        break;
    case 2:
        (void)online_vfs_wipe_cache(state_of(world)->f.online, NULL);
        break;
    default:
        fake_fail(fake, (enum fake_call)(op->offset % FAKE_CALLS), codes[op->size % 4],
                  op->seed / 8 % 3, 1 + op->seed / 32 % 3);
        break;
    }
}

static bool rest(struct world *world, char *why, size_t size)
{
    struct state *s = state_of(world);
    struct online_vfs_stats stats;
    unsigned left = 0;

    for (int i = 0; i < FAKE_CALLS; i++) {
        fake_fail(s->f.fake, (enum fake_call)i, 0, 0, 0);
    }
    fake_lose_uploads(s->f.fake, 0);
    left = online_vfs_settle(s->f.online, WAIT_MS);
    if (left) {
        snprintf(why, size, "%u changes do not settle", left);
        return false;
    }
    /* What is under way may have met a fault before: it ends, and waits for its time then. */
    (void)online_vfs_wait_uploads(s->f.online, WAIT_MS);
    online_vfs_wake_uploads(s->f.online);
    left = online_vfs_wait_uploads(s->f.online, WAIT_MS);
    online_vfs_stats(s->f.online, &stats);
    if (left || stats.uploads_waiting) {
        snprintf(why, size, "%u uploads are not done, %u wait", left, stats.uploads_waiting);
        return false;
    }
    usleep(STALE_MS * 1000);
    return true;
}

static void restart(struct world *world)
{
    struct state *s = state_of(world);

    (void)online_vfs_settle(s->f.online, WAIT_MS);
    fixture_stop(&s->f);
    fixture_start(&s->f);
    world->vfs = s->f.vfs;
    world->root = s->f.root;
}

static void add(void *payload, const char *path, bool is_folder, const void *data, uint64_t size)
{
    char hash[65] = "";

    if (!is_folder) {
        world_hash(hash, data, (size_t)size);
    }
    world_add(payload, path, is_folder, is_folder ? 0 : size, hash);
}

static void truth(struct world *world, struct world_tree *out)
{
    fake_visit(state_of(world)->f.fake, add, out);
}

static bool ever_held(struct world *world, const char *text)
{
    return fake_ever_held(state_of(world)->f.fake, text, strlen(text));
}

const struct world_type world_type = {.name = "fake",
                                      .start = start,
                                      .stop = stop,
                                      .edit = edit,
                                      .rename = rename_foreign,
                                      .fault = fault,
                                      .rest = rest,
                                      .restart = restart,
                                      .truth = truth,
                                      .ever_held = ever_held};
