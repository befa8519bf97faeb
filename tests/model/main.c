/*
 * The model test: many operations of several workers, checked against a shadow, while somebody else
 * changes the same library and the server stumbles.
 *
 *   model_WORLD [--ops N] [--seed N] [--workers N] [--seconds N] [--shrink SECONDS] [--out FILE]
 *               [--no-foreign] [--no-faults] [--no-restarts] [--serial] [--replay FILE]
 *               [--elsewhere FOLDER] [FOLDER]
 *
 * What fails is shrunk, printed and written to FILE, which --replay plays again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "run.h"
#include "world.h"

struct options {
    struct op_options ops;
    struct run_options run;
    int64_t shrink_seconds;
    const char *replay;
    const char *out;
};

static bool number(int64_t *out, int *i, int argc, char **argv)
{
    return *i + 1 < argc && str_to_int64(argv[++*i], 0, 100000000, out);
}

static bool parse(struct options *o, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        int64_t value = 0;
        bool is_good = true;

        if (strcmp(argv[i], "--ops") == 0) {
            is_good = number(&value, &i, argc, argv);
            o->ops.count = (unsigned)value;
        } else if (strcmp(argv[i], "--seed") == 0) {
            is_good = number(&value, &i, argc, argv);
            o->ops.seed = (uint32_t)value;
        } else if (strcmp(argv[i], "--workers") == 0) {
            is_good = number(&value, &i, argc, argv) && value > 0 && value <= WORKERS_MAX;
            o->ops.workers = (unsigned)value;
        } else if (strcmp(argv[i], "--seconds") == 0) {
            is_good = number(&value, &i, argc, argv);
            o->run.seconds = (unsigned)value;
        } else if (strcmp(argv[i], "--shrink") == 0) {
            is_good = number(&o->shrink_seconds, &i, argc, argv);
        } else if (strcmp(argv[i], "--no-foreign") == 0) {
            o->ops.has_foreign = false;
        } else if (strcmp(argv[i], "--no-faults") == 0) {
            o->ops.has_faults = false;
        } else if (strcmp(argv[i], "--no-restarts") == 0) {
            o->ops.has_restart = false;
        } else if (strcmp(argv[i], "--serial") == 0) {
            o->run.is_serial = true;
        } else if (strcmp(argv[i], "--replay") == 0 && i + 1 < argc) {
            o->replay = argv[++i];
        } else if (strcmp(argv[i], "--out") == 0 && i + 1 < argc) {
            o->out = argv[++i];
        } else if (strcmp(argv[i], "--elsewhere") == 0 && world_type.is_mounted && i + 1 < argc) {
            o->run.elsewhere = argv[++i];
        } else if (argv[i][0] != '-' && world_type.is_mounted) {
            o->run.path = argv[i];
        } else {
            is_good = false;
        }
        if (!is_good) {
            fprintf(stderr, "'%s' is not understood\n", argv[i]);
            return false;
        }
    }
    return !world_type.is_mounted || o->run.path;
}

static void tell(const struct options *o, const struct op_list *list, const char *failure)
{
    FILE *out = o->out ? fopen(o->out, "w") : NULL;

    for (int file = 0; file < 2; file++) {
        FILE *to = file ? out : stdout;

        if (to) {
            fprintf(to, "# %s, seed %u%s: %s\n", world_type.name, o->ops.seed,
                    o->run.is_serial ? ", --serial" : "", failure);
            for (size_t i = 0; i < list->count && (file || i < 60); i++) {
                op_print(to, &list->ops[i]);
            }
        }
    }
    if (out) {
        fclose(out);
        printf("# replay: model_%s --seed %u%s --replay %s\n", world_type.name, o->ops.seed,
               o->run.is_serial ? " --serial" : "", o->out);
    }
}

int main(int argc, char **argv)
{
    struct options o = {.ops = {.workers = 4,
                                .count = 1000,
                                .seed = 1,
                                .has_foreign = world_type.edit != NULL,
                                .has_faults = world_type.fault != NULL,
                                .has_restart = world_type.restart != NULL},
                        .run = {.seconds = 240},
                        .shrink_seconds = 60};
    struct op_list list = {0};
    char failure[FAILURE_MAX];
    bool is_good = false;

    if (!parse(&o, argc, argv)) {
        return 2;
    }
    o.run.seed = o.ops.seed;
    if (!o.replay) {
        op_list_make(&list, &o.ops);
    } else if (!op_list_read(&list, o.replay)) {
        return 2;
    }
    is_good = run_ops(&list, &o.run, failure);
    printf("%s, seed %u: %zu operations, %s%s\n", world_type.name, o.ops.seed, list.count,
           is_good ? "ok" : "FAILED: ", failure);
    if (!is_good && o.shrink_seconds > 0) {
        shrink_ops(&list, &o.run, (unsigned)o.shrink_seconds);
        (void)run_ops(&list, &o.run, failure);
    }
    if (!is_good) {
        tell(&o, &list, failure);
    }
    op_list_clear(&list);
    return is_good ? 0 : 1;
}
