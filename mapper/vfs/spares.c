/*
 * spares.c - small files that are not removed but renamed, to be the next ones.
 */
#include "spares.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/str.h"
#include "base/thread.h"
#include "local.h"

#define SPARES_MAX 64 /* those beyond are removed */

struct spares {
    struct mutex lock;
    char *stem;
    uint64_t last;
    uint64_t numbers[SPARES_MAX];
    unsigned count;
};

static int path_of(char **out, const struct spares *spares, uint64_t number)
{
    return str_format(out, NULL, "%s%llu" SPARES_ENDING, spares->stem, (unsigned long long)number);
}

int spares_new(struct spares **out, const char *directory, const char *tag, struct error *err)
{
    struct spares *spares = calloc(1, sizeof(*spares));
    int code = spares ? 0 : error_set(err, ERR_NO_MEMORY, "no memory for spare files");

    if (code == 0) {
        mutex_init(&spares->lock);
        code = str_format(&spares->stem, err, "%s/%s-", directory, tag);
    }
    if (code < 0) {
        spares_free(spares);
        return code;
    }
    *out = spares;
    return 0;
}

/* One of them is the caller's. 0: there is none. */
static uint64_t pop(struct spares *spares)
{
    uint64_t number = 0;

    mutex_lock(&spares->lock);
    if (spares->count > 0) {
        number = spares->numbers[--spares->count];
    }
    mutex_unlock(&spares->lock);
    return number;
}

void spares_free(struct spares *spares)
{
    uint64_t number;

    if (!spares) {
        return;
    }
    while ((number = pop(spares)) != 0) {
        char *path = NULL;

        if (path_of(&path, spares, number) == 0) {
            (void)file_remove(path, NULL);
        }
        free(path);
    }
    mutex_clear(&spares->lock);
    free(spares->stem);
    free(spares);
}

bool spares_take(struct spares *spares, const char *path)
{
    uint64_t number = pop(spares);
    char *spare = NULL;
    bool is_taken =
        number != 0 && path_of(&spare, spares, number) == 0 && local_move(spare, path, NULL) == 0;

    free(spare);
    return is_taken;
}

/* false: there are enough. */
static bool push(struct spares *spares, uint64_t number)
{
    bool has_room = false;

    mutex_lock(&spares->lock);
    has_room = spares->count < SPARES_MAX;
    if (has_room) {
        spares->numbers[spares->count++] = number;
    }
    mutex_unlock(&spares->lock);
    return has_room;
}

void spares_give(struct spares *spares, const char *path)
{
    char *spare = NULL;
    uint64_t number = 0;

    mutex_lock(&spares->lock);
    number = spares->count < SPARES_MAX ? ++spares->last : 0;
    mutex_unlock(&spares->lock);
    if (number == 0 || path_of(&spare, spares, number) < 0 || local_move(path, spare, NULL) < 0) {
        (void)file_remove(path, NULL);
    } else if (!push(spares, number)) {
        (void)file_remove(spare, NULL);
    }
    free(spare);
}
