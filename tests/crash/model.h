/*
 * model.h - what the server may hold after an agent died: by what the agent wrote down of each step.
 */
#ifndef TESTS_CRASH_MODEL_H
#define TESTS_CRASH_MODEL_H

#include <stddef.h>

#include "crash.h"

#define APPENDS_MAX (CRASH_STEPS + 1)
#define STATES 64

struct part {
    unsigned seed;
    uint32_t size;
    bool is_cut; /* the disk took a part of it, perhaps, and the program went on */
};
/* What a name may have: one content after the other as they were acknowledged; from the newest
 * acknowledged one on, all are possible, since what failed or was under way may have come through. */
struct content {
    struct part parts[APPENDS_MAX];
    unsigned count;
    bool is_there;
};
struct name {
    struct content states[STATES];
    unsigned count;
};

void model_add(struct name *name, const struct content *state);

/* CRASH_NAMES names, by what the child wrote down; false: it did not end. `writes`: how many closes
 * were begun. */
bool model_read_log(struct name *names, const char *path, unsigned seed, unsigned *writes);

/* Whether the name may have these bytes, or not be there. */
bool model_matches(const struct name *name, const unsigned char *data, size_t size, bool is_there);

#endif
