#include "model.h"

#include <stdio.h>
#include <string.h>

#include "mapper/graph.h"
#include "test.h"
#include "wire.h"

struct crash_step crash_step(unsigned seed, unsigned number)
{
    uint32_t x = seed * 2654435761u + number * 40503u + 12345u;
    struct crash_step step = {.seed = seed * 1000 + number};

    x ^= x >> 15;
    x *= 2246822519u;
    x ^= x >> 13;
    step.op = number < 2 ? CRASH_WRITE : (enum crash_op)(x % CRASH_OPS);
    step.name = (x >> 3) % CRASH_NAMES;
    step.to = (step.name + 1 + (x >> 7) % (CRASH_NAMES - 1)) % CRASH_NAMES;
    step.size = (x >> 11) % 3 == 0 ? (x >> 13) % 10 : (x >> 13) % 200000;
    if (seed % 7 == 3 && number == 5) {
        step.op = CRASH_WRITE;
        step.size = CRASH_LARGE;
    }
    return step;
}

bool crash_settles(unsigned seed)
{
    return seed % 2 == 0;
}

void model_add(struct name *name, const struct content *state)
{
    assert_true(name->count < STATES);
    name->states[name->count++] = *state;
}

/* Whether it was done (1), not (0), or nobody knows (-1): then it may be either. */
static void set_state(struct name *name, const struct content *state, int is_done)
{
    if (is_done == 0) {
        return;
    }
    if (is_done == 1) {
        name->count = 0;
    }
    model_add(name, state);
}

static void model_write(struct name *names, const struct crash_step *step, int is_done)
{
    struct content content = {.is_there = true, .count = 1};

    content.parts[0] = (struct part){step->seed, step->size, is_done == -1};
    set_state(&names[step->name], &content, is_done);
}

static void model_append(struct name *names, const struct crash_step *step, int is_done)
{
    struct name *name = &names[step->name];
    struct name next = {0};

    for (unsigned i = 0; i < name->count; i++) {
        struct content content = name->states[i];

        if (!content.is_there) {
            content = (struct content){.is_there = true};
        }
        content.parts[content.count++] = (struct part){step->seed, step->size, is_done == -1};
        model_add(&next, &content);
    }
    for (unsigned i = 0; is_done != 1 && i < name->count; i++) {
        model_add(&next, &name->states[i]);
    }
    *name = next;
}

static void model_rename(struct name *names, const struct crash_step *step, int is_done)
{
    const struct content gone = {0};
    struct name *to = &names[step->to];
    struct name *from = &names[step->name];
    struct name was = *to;

    *to = *from;
    for (unsigned i = 0; is_done != 1 && i < was.count; i++) {
        model_add(to, &was.states[i]);
    }
    set_state(from, &gone, is_done);
}

static bool may_be_there(const struct name *name)
{
    for (unsigned i = 0; i < name->count; i++) {
        if (name->states[i].is_there) {
            return true;
        }
    }
    return false;
}

static void model_step(struct name *names, const struct crash_step *step, int is_done)
{
    const struct content gone = {0};

    switch (step->op) {
    case CRASH_WRITE:
        model_write(names, step, is_done);
        break;
    case CRASH_APPEND:
        model_append(names, step, is_done);
        break;
    case CRASH_RENAME:
        if (may_be_there(&names[step->name]) && is_done != 0) {
            model_rename(names, step, is_done);
        }
        break;
    default:
        set_state(&names[step->name], &gone, is_done);
        break;
    }
}

bool model_read_log(struct name *names, const char *path, unsigned seed, unsigned *writes)
{
    FILE *file = fopen(path, "r");
    const struct content gone = {0};
    unsigned begun = 0;
    unsigned number = 0;
    char what = 0;
    int code = 0;
    bool is_open = false;

    memset(names, 0, CRASH_NAMES * sizeof(*names));
    for (unsigned i = 0; i < CRASH_NAMES; i++) {
        model_add(&names[i], &gone);
    }
    *writes = 0;
    while (file && fscanf(file, " %c %u %d", &what, &number, &code) == 3) {
        struct crash_step step = crash_step(seed, number);

        is_open = what == 'b';
        if (what == 'b') {
            begun++;
            *writes += step.op == CRASH_WRITE || step.op == CRASH_APPEND;
            continue;
        }
        if (code == 0 && crash_settles(seed) && step.op == CRASH_DELETE) {
            code = ERR_CANCELLED; /* it may be undone */
        }
        if (code == 0 && crash_settles(seed) && step.op == CRASH_RENAME) {
            /* What was renamed away may become a file of its own, with a version of its own. */
            ++*writes;
            code = ERR_CANCELLED; /* it may be undone */
        }
        /* Refused, since the name is not there: nothing happened. Any other failure: who knows. */
        model_step(names, &step, code == 0 ? 1 : code == ERR_NOT_FOUND ? 0 : -1);
    }
    if (is_open) {
        struct crash_step step = crash_step(seed, number);

        *writes += step.op == CRASH_RENAME; /* the next version of what it goes over */
        model_step(names, &step, -1);
    }
    if (file) {
        fclose(file);
    }
    return begun == CRASH_STEPS && !is_open;
}

static bool has_part(const struct part *part, uint32_t length, const unsigned char *data)
{
    for (uint32_t k = 0; k < length; k++) {
        if (data[k] != wire_byte(part->seed, k)) {
            return false;
        }
    }
    return true;
}

static bool is_equal_from(const struct content *content, unsigned part, const unsigned char *data,
                          size_t size)
{
    const struct part *at = &content->parts[part];

    if (part == content->count) {
        return size == 0;
    }
    if (size >= at->size && has_part(at, at->size, data) &&
        is_equal_from(content, part + 1, data + at->size, size - at->size)) {
        return true;
    }
    /* The program went on after a write had failed: so many pieces came through. */
    for (uint32_t length = 0; at->is_cut && length < at->size && length <= size;
         length += CRASH_PIECE) {
        if (has_part(at, length, data) &&
            is_equal_from(content, part + 1, data + length, size - length)) {
            return true;
        }
    }
    return false;
}

static bool is_equal(const struct content *content, const unsigned char *data, size_t size)
{
    return is_equal_from(content, 0, data, size);
}

bool model_matches(const struct name *name, const unsigned char *data, size_t size, bool is_there)
{
    for (unsigned i = 0; i < name->count; i++) {
        const struct content *content = &name->states[i];

        if (content->is_there == is_there && (!is_there || is_equal(content, data, size))) {
            return true;
        }
    }
    return false;
}
