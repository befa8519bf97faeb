/* A mounted folder, by system calls; each worker is a process. What is behind it is for the caller
 * to judge (tests/e2e/test_model.sh).
 *
 * Whoever changes the same folders meanwhile, and makes the server stumble, rests when we do: we write
 * a number into FOLDER/rest, and he writes it into FOLDER/resting when nothing of his is under way. He
 * goes on when FOLDER/rest is gone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "pathfs.h"
#include "world.h"

#define WAIT_MS 180000
#define STALE_MS 3000 /* longer than what was seen is believed: MetadataSeconds is 1 */

struct state {
    char rest[400];
    char resting[400];
    unsigned number;
};

static void start(struct world *world)
{
    struct state *s = calloc(1, sizeof(*s));
    struct error err = {0};

    if (!s) {
        abort();
    }
    if (pathfs_new(&world->vfs, world->path, &err) < 0) {
        fprintf(stderr, "'%s': %s\n", world->path, err.message);
        exit(2);
    }
    if (world->elsewhere) {
        snprintf(s->rest, sizeof(s->rest), "%s/rest", world->elsewhere);
        snprintf(s->resting, sizeof(s->resting), "%s/resting", world->elsewhere);
    }
    world->payload = s;
    world->root = VFS_ROOT;
    world->has_scratch = true;
}

static void stop(struct world *world)
{
    vfs_unref(world->vfs);
    free(world->payload);
}

/* 0: there is no such file, or nothing in it yet. */
static unsigned read_number(const char *path)
{
    FILE *in = fopen(path, "r");
    char text[32] = "";
    int64_t number = 0;

    if (in) {
        if (!fgets(text, sizeof(text), in) || !strchr(text, '\n')) {
            text[0] = '\0';
        }
        fclose(in);
    }
    text[strcspn(text, "\n")] = '\0';
    return str_to_int64(text, 0, UINT32_MAX, &number) ? (unsigned)number : 0;
}

static bool write_number(const char *path, unsigned number)
{
    FILE *out = fopen(path, "w");
    bool is_good = out && fprintf(out, "%u\n", number) > 0;

    return out && fclose(out) == 0 && is_good;
}

static bool rest(struct world *world, char *why, size_t size)
{
    int64_t until = clock_mono_ms(clock_system()) + WAIT_MS;
    struct state *s = world->payload;

    if (!world->elsewhere) {
        return true;
    }
    if (!write_number(s->rest, ++s->number)) {
        snprintf(why, size, "'%s' cannot be written", s->rest);
        return false;
    }
    while (read_number(s->resting) != s->number) {
        if (clock_mono_ms(clock_system()) > until) {
            snprintf(why, size, "somebody else does not rest");
            return false;
        }
        usleep(20000);
    }
    usleep(STALE_MS * 1000);
    return true;
}

static void go_on(struct world *world)
{
    const struct state *s = world->payload;

    if (world->elsewhere) {
        (void)unlink(s->rest);
    }
}

const struct world_type world_type = {.name = "mount",
                                      .is_mounted = true,
                                      .code_class = pathfs_class,
                                      .start = start,
                                      .stop = stop,
                                      .rest = rest,
                                      .go_on = go_on};
