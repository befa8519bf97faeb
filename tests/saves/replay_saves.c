/*
 * replay_saves - the sequences on a folder of this machine, by the system calls that programs make.
 * For tests of a mount (tests/e2e/test_saves.sh).
 *
 *     replay_saves list                names: sequence, document, "new" or "old", versions, then what
 *                                      else is there after it, with tabs between
 *     replay_saves scratch NAME        patterns of names that must never leave the machine
 *     replay_saves prepare|run|check FOLDER [PATTERN]
 *
 * Each sequence has a folder of its name in FOLDER. REST_SECONDS in the environment: how long
 * "wait" rests. QUICK_MS there: `run` ends with 3 when the steps of a sequence took longer than that,
 * since they are no steps of one save then.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "all_saves.h"
#include "base/clock.h"
#include "pathfs.h"
#include "replay.h"

enum phase { PREPARE, RUN, CHECK };

#define EXIT_SLOW 3

struct job {
    enum phase phase;
    const char *folder;
    int64_t began_ms; /* RUN: the first step, or the end of a rest */
};

static int64_t number_of(const char *variable)
{
    const char *text = getenv(variable);
    int64_t number = 0;

    return text && str_to_int64(text, 0, 600000, &number) ? number : 0;
}

/* Ends the program when the steps since the last rest took too long. */
static void judge_pace(const struct job *job)
{
    int64_t most = number_of("QUICK_MS");
    int64_t took = clock_mono_ms(clock_system()) - job->began_ms;

    if (job->phase == RUN && most > 0 && took > most) {
        printf("SLOW: %lld ms\n", (long long)took);
        exit(EXIT_SLOW);
    }
}

static void rest(void *payload)
{
    struct job *job = payload;

    judge_pace(job);
    sleep((unsigned)number_of("REST_SECONDS"));
    job->began_ms = clock_mono_ms(clock_system());
}

/* The sequence's name is that of its file. */
static void name_of(const struct sequence *sequence, char *out, size_t size)
{
    const char *slash = strrchr(sequence->path, '/');
    const char *name = slash ? slash + 1 : sequence->path;

    snprintf(out, size, "%.*s", (int)strcspn(name, "."), name);
}

static bool do_one(void *payload, const struct sequence *sequence, char *why, size_t size)
{
    struct job *job = payload;
    struct replay replay = {
        .sequence = sequence, .folder = VFS_ROOT, .rest = rest, .payload = payload};
    struct error err = {0};
    char name[128];
    char path[1024];
    bool is_good = false;

    name_of(sequence, name, sizeof(name));
    snprintf(path, sizeof(path), "%s/%s", job->folder, name);
    if (job->phase == PREPARE && mkdir(path, 0700) < 0) {
        snprintf(why, size, "'%s' cannot be made", path);
        return false;
    }
    if (pathfs_new(&replay.vfs, path, &err) < 0) {
        snprintf(why, size, "%s", err.message);
        return false;
    }
    job->began_ms = clock_mono_ms(clock_system());
    is_good = job->phase == PREPARE ? replay_prepare(&replay, NULL)
              : job->phase == RUN   ? replay_run(&replay)
                                    : replay_check(&replay);
    vfs_unref(replay.vfs);
    if (is_good) {
        judge_pace(job);
    }
    snprintf(why, size, "%s", replay.failure);
    return is_good;
}

static bool list_one(void *payload, const struct sequence *s, char *why, size_t size)
{
    FILE *out = payload;
    char name[128];

    (void)why;
    (void)size;
    name_of(s, name, sizeof(name));
    fprintf(out, "%s\t%s\t%s\t%d", name, s->document, s->is_new ? "new" : "old", s->versions);
    for (size_t i = 0; i < s->after_count; i++) {
        fprintf(out, "\t%s", s->after[i].name);
    }
    fputc('\n', out);
    return true;
}

static bool scratch_one(void *payload, const struct sequence *s, char *why, size_t size)
{
    FILE *out = payload;

    (void)why;
    (void)size;
    for (size_t i = 0; i < s->scratch_count; i++) {
        fprintf(out, "%s\n", s->scratch[i]);
    }
    return true;
}

/* What is told goes to standard error; what is asked for to standard output. */
static int print(save_fn one, const char *pattern)
{
    int saved = dup(STDOUT_FILENO);
    FILE *out = saved < 0 ? NULL : fdopen(saved, "w");
    int code = 1;

    if (out && dup2(STDERR_FILENO, STDOUT_FILENO) >= 0) {
        code = all_saves("list", pattern, one, out);
    }
    if (out) {
        fclose(out);
    }
    return code;
}

int main(int argc, char **argv)
{
    static const char *const phases[] = {"prepare", "run", "check"};
    struct job job = {.folder = argc > 2 ? argv[2] : NULL};

    if (argc == 2 && strcmp(argv[1], "list") == 0) {
        return print(list_one, NULL);
    }
    if (argc == 3 && strcmp(argv[1], "scratch") == 0) {
        return print(scratch_one, argv[2]);
    }
    for (unsigned i = 0; i < 3 && job.folder; i++) {
        if (strcmp(argv[1], phases[i]) == 0) {
            job.phase = (enum phase)i;
            return all_saves(phases[i], argc > 3 ? argv[3] : NULL, do_one, &job);
        }
    }
    fprintf(stderr, "usage: replay_saves list | scratch NAME | prepare|run|check FOLDER [NAME]\n");
    return 2;
}
