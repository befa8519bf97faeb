/* A mounted folder, by system calls; each worker is a process, and each run has a folder of its own,
 * run-1 and so on. What is behind it is for the caller to judge (tests/e2e/test_model.sh).
 *
 * Whoever changes the same folders meanwhile, and makes the server stumble, finds the number of the run
 * in FOLDER/at. He rests when we do: we write a number into FOLDER/rest, and he writes it into
 * FOLDER/resting when nothing of his is under way. He goes on when FOLDER/rest is gone. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

/* Whoever else there is rests from here on, until go_on(). */
static bool pause_others(struct state *s, char *why, size_t size)
{
    int64_t until = clock_mono_ms(clock_system()) + WAIT_MS;

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
    return true;
}

static bool rest(struct world *world, char *why, size_t size)
{
    if (!world->elsewhere) {
        return true;
    }
    if (!pause_others(world->payload, why, size)) {
        return false;
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

/* An empty one, so that what failed can be tried again. Returns its number. */
static unsigned make_folder(char *path, size_t size, const char *parent)
{
    unsigned number = 0;

    do {
        snprintf(path, size, "%s/run-%u", parent, ++number);
    } while (mkdir(path, 0777) < 0 && errno == EEXIST);
    return number;
}

static void fail(const char *path, const char *why)
{
    fprintf(stderr, "'%s': %s\n", path, why);
    exit(2);
}

/* With the shared folders, and while nobody disturbs; then he is told where we are. */
static void start_beside(struct world *world, struct state *s, char *path, size_t size)
{
    static const char *const folders[] = {"common", "common/deep"};
    char at[400];
    char shared[420];
    char why[400];
    unsigned number = 0;

    snprintf(s->rest, sizeof(s->rest), "%s/rest", world->elsewhere);
    snprintf(s->resting, sizeof(s->resting), "%s/resting", world->elsewhere);
    snprintf(at, sizeof(at), "%s/at", world->elsewhere);
    s->number = read_number(s->resting); /* the last one of the run before */
    if (read_number(at) > 0 && !pause_others(s, why, sizeof(why))) {
        fail(at, why);
    }
    number = make_folder(path, size, world->path);
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        snprintf(shared, sizeof(shared), "%s/%s", path, folders[i]);
        if (mkdir(shared, 0777) < 0) {
            fail(shared, strerror(errno));
        }
    }
    if (!write_number(at, number)) {
        fail(at, strerror(errno));
    }
    (void)unlink(s->rest);
}

static void start(struct world *world)
{
    struct state *s = calloc(1, sizeof(*s));
    struct error err = {0};
    char path[400];

    if (!s) {
        abort();
    }
    if (world->elsewhere) {
        start_beside(world, s, path, sizeof(path));
    } else {
        (void)make_folder(path, sizeof(path), world->path);
    }
    if (pathfs_new(&world->vfs, path, &err) < 0) {
        fail(path, err.message);
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

const struct world_type world_type = {.name = "mount",
                                      .is_mounted = true,
                                      .code_class = pathfs_class,
                                      .start = start,
                                      .stop = stop,
                                      .rest = rest,
                                      .go_on = go_on};
