#include "op.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    unsigned weight; /* how often it is chosen, among those of its kind */
} kinds[OP_KINDS] = {
    [OP_OPEN] = {"open", 6},
    [OP_CREATE] = {"create", 6},
    [OP_READ] = {"read", 8},
    [OP_WRITE] = {"write", 10},
    [OP_RESIZE] = {"resize", 3},
    [OP_FLUSH] = {"flush", 3},
    [OP_FSYNC] = {"fsync", 1},
    [OP_CLOSE] = {"close", 9},
    [OP_PUT] = {"put", 12},
    [OP_GET] = {"get", 10},
    [OP_STAT] = {"stat", 5},
    [OP_LIST] = {"list", 4},
    [OP_RENAME] = {"rename", 12},
    [OP_UNLINK] = {"unlink", 6},
    [OP_MKDIR] = {"mkdir", 4},
    [OP_RMDIR] = {"rmdir", 2},
    [OP_MOVE_DIR] = {"move-dir", 3},
    [OP_TIMES] = {"times", 2},
    [OP_SIZE] = {"size", 3},
    [OP_SHARED_PUT] = {"shared-put", 2},
    [OP_SHARED_GET] = {"shared-get", 2},
    [OP_SHARED_UNLINK] = {"shared-unlink", 1},
    [OP_FOREIGN_PUT] = {"foreign-put", 6},
    [OP_FOREIGN_UNLINK] = {"foreign-unlink", 3},
    [OP_FOREIGN_RENAME] = {"foreign-rename", 3},
    [OP_FOREIGN_SHARED_PUT] = {"foreign-shared-put", 4},
    [OP_FOREIGN_SHARED_UNLINK] = {"foreign-shared-unlink", 1},
    [OP_FAULT] = {"fault", 6},
    [OP_REST] = {"rest", 0},
    [OP_RESTART] = {"restart", 0},
};

uint32_t op_random(uint32_t *state)
{
    uint32_t x = *state;

    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    *state = x;
    return x;
}

bool op_is_global(const struct op *op)
{
    return op->kind >= OP_REST;
}

bool op_is_foreign(const struct op *op)
{
    return op->kind >= OP_FOREIGN_PUT && op->kind < OP_REST;
}

static uint8_t choose_kind(uint32_t *state, unsigned first, unsigned end)
{
    unsigned total = 0;
    unsigned at = 0;

    for (unsigned kind = first; kind < end; kind++) {
        total += kinds[kind].weight;
    }
    at = op_random(state) % total;
    while (at >= kinds[first].weight) {
        at -= kinds[first++].weight;
    }
    return (uint8_t)first;
}

static uint32_t choose_size(uint32_t *state)
{
    uint32_t how = op_random(state) % 16;
    uint32_t most = how == 0 ? 1 : how < 12 ? 3000 : how < 15 ? 40000 : SIZE_MAX_BYTES;

    return op_random(state) % most;
}

static uint8_t choose_dir(uint32_t *state)
{
    return (uint8_t)(op_random(state) % DIRS);
}

static void make_one(struct op *op, uint32_t *state, const struct op_options *options)
{
    bool is_foreign = (options->has_foreign || options->has_faults) && op_random(state) % 10 == 0;
    unsigned first = is_foreign ? OP_FOREIGN_PUT : OP_OPEN;
    unsigned end = is_foreign ? OP_REST : OP_FOREIGN_PUT;

    if (is_foreign && !options->has_foreign) {
        first = OP_FAULT;
    }
    if (is_foreign && !options->has_faults) {
        end = OP_FAULT;
    }
    *op = (struct op){.worker = (uint8_t)(is_foreign ? 0 : op_random(state) % options->workers),
                      .kind = choose_kind(state, first, end),
                      .handle = (uint8_t)(op_random(state) % HANDLES),
                      .dir = choose_dir(state),
                      .file = (uint8_t)(op_random(state) % FILES),
                      .dir2 = choose_dir(state),
                      .file2 = (uint8_t)(op_random(state) % FILES)};
    op->size = choose_size(state);
    op->offset = choose_size(state);
    op->seed = op_random(state);
    op->flags = (uint8_t)(op_random(state) >> 8 &
                          (OP_UPPER | OP_READING | OP_TRUNCATE | OP_EXCLUSIVE | OP_NO_REPLACE));
    if (op_random(state) % 4) {
        op->flags &= (uint8_t)~OP_UPPER;
    }
    if (op_random(state) % 2) { /* most renames stay in their folder, as programs' do */
        op->dir2 = op->dir;
    }
}

void op_list_make(struct op_list *out, const struct op_options *options)
{
    uint32_t state = options->seed * 2654435761u | 1;
    uint32_t until_rest = 0;

    for (unsigned i = 0; i < 8; i++) {
        op_random(&state);
    }
    out->ops = calloc(options->count + 2, sizeof(*out->ops));
    out->count = 0;
    if (!out->ops) {
        abort();
    }
    until_rest = 100 + op_random(&state) % 200;
    while (out->count < options->count) {
        struct op *op = &out->ops[out->count++];

        if (until_rest-- == 0) {
            bool restarts = options->has_restart && op_random(&state) % 2;

            until_rest = 100 + op_random(&state) % 200;
            *op = (struct op){.kind = restarts ? OP_RESTART : OP_REST, .seed = op_random(&state)};
        } else {
            make_one(op, &state, options);
        }
    }
    out->ops[out->count++] = (struct op){.kind = OP_REST};
    if (options->has_restart) {
        out->ops[out->count - 1].kind = OP_RESTART;
        out->ops[out->count++] = (struct op){.kind = OP_REST};
    }
}

void op_print(FILE *out, const struct op *op)
{
    fprintf(out, "%u %s %u %u %u %u %u %u %u %u %u\n", op->worker, kinds[op->kind].name, op->handle,
            op->dir, op->file, op->dir2, op->file2, op->flags, op->offset, op->size, op->seed);
}

static bool parse(struct op *op, const char *line)
{
    unsigned n[8];
    char name[32];
    unsigned offset = 0;
    unsigned size = 0;

    if (sscanf(line, "%u %31s %u %u %u %u %u %u %u %u %u", &n[0], name, &n[1], &n[2], &n[3], &n[4],
               &n[5], &n[6], &offset, &size, &n[7]) != 11) {
        return false;
    }
    for (unsigned kind = 0; kind < OP_KINDS; kind++) {
        if (strcmp(name, kinds[kind].name) == 0) {
            *op = (struct op){(uint8_t)n[0], (uint8_t)kind, (uint8_t)n[1], (uint8_t)n[2],
                              (uint8_t)n[3], (uint8_t)n[4], (uint8_t)n[5], (uint8_t)n[6],
                              offset,        size,          n[7]};
            return n[0] < WORKERS_MAX && n[1] < HANDLES && n[2] < DIRS && n[3] < FILES &&
                   n[4] < DIRS && n[5] < FILES && offset <= SIZE_MAX_BYTES &&
                   size <= SIZE_MAX_BYTES;
        }
    }
    return false;
}

bool op_list_read(struct op_list *out, const char *path)
{
    FILE *in = fopen(path, "r");
    char line[256];
    size_t number = 0;
    bool is_good = in != NULL;

    *out = (struct op_list){0};
    while (is_good && fgets(line, sizeof(line), in)) {
        struct op *more = NULL;

        number++;
        if (line[0] == '#' || line[0] == '\n') {
            continue;
        }
        more = realloc(out->ops, (out->count + 1) * sizeof(*more));
        if (!more) {
            abort();
        }
        out->ops = more;
        is_good = parse(&out->ops[out->count++], line);
    }
    if (!is_good) {
        fprintf(stderr, "'%s', line %zu: is no operation\n", path, number);
    }
    if (in) {
        fclose(in);
    }
    return is_good;
}

void op_list_clear(struct op_list *list)
{
    free(list->ops);
    *list = (struct op_list){0};
}
