#include "run.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "check.h"
#include "foreign.h"
#include "play.h"

struct stage {
    struct world world;
    const struct op_list *list;
    struct run_options options;
    struct shadow *shadows; /* shared with the processes of workers */
    struct play plays[WORKERS_MAX];
    struct foreign foreign;
    unsigned workers;
};

struct work {
    struct stage *stage;
    unsigned worker;
    bool is_foreign;
    size_t from;
    size_t to;
    struct thread thread;
    pid_t process;
};

static bool failed(struct stage *s)
{
    for (unsigned i = 0; i < s->workers; i++) {
        if (s->shadows[i].failure[0]) {
            return true;
        }
    }
    return false;
}

static void name_op(struct stage *s, unsigned worker, size_t index)
{
    size_t length = strlen(s->shadows[worker].failure);

    snprintf(s->shadows[worker].failure + length, sizeof(s->shadows[worker].failure) - length,
             " [operation %zu]", index);
}

static void do_one(struct stage *s, size_t index)
{
    const struct op *op = &s->list->ops[index];

    if (op_is_foreign(op)) {
        foreign_op(&s->foreign, op);
    } else if (!play_op(&s->plays[op->worker], op)) {
        name_op(s, op->worker, index);
    }
}

static void *work(void *payload)
{
    struct work *w = payload;
    struct stage *s = w->stage;

    for (size_t i = w->from; i < w->to && !failed(s); i++) {
        const struct op *op = &s->list->ops[i];

        if (op_is_foreign(op) == w->is_foreign && (w->is_foreign || op->worker == w->worker)) {
            do_one(s, i);
        }
    }
    return NULL;
}

static void start_work(struct work *w)
{
    if (world_type.is_mounted && !w->is_foreign) {
        fflush(NULL);
        w->process = fork();
        if (w->process == 0) {
            work(w);
            play_close_all(&w->stage->plays[w->worker]);
            _exit(0);
        }
    } else if (thread_start(&w->thread, "worker", work, w, NULL) < 0) {
        abort();
    }
}

static void end_work(struct work *w)
{
    int status = 0;

    if (w->process) {
        waitpid(w->process, &status, 0);
        if (status != 0) {
            snprintf(w->stage->shadows[w->worker].failure, 200, "worker %u ended with status %x",
                     w->worker, (unsigned)status);
        }
    } else {
        thread_join(&w->thread);
    }
}

/* What is between two rests. */
static void run_part(struct stage *s, size_t from, size_t to)
{
    struct work works[WORKERS_MAX + 1];

    if (s->options.is_serial) {
        for (size_t i = from; i < to && !failed(s); i++) {
            do_one(s, i);
        }
        return;
    }
    for (unsigned i = 0; i <= s->workers; i++) {
        works[i] = (struct work){
            .stage = s, .worker = i, .is_foreign = i == s->workers, .from = from, .to = to};
        start_work(&works[i]);
    }
    for (unsigned i = 0; i <= s->workers; i++) {
        end_work(&works[i]);
    }
}

static void rest(struct stage *s)
{
    char why[FAILURE_MAX / 2] = "";
    bool is_good = true;

    for (unsigned i = 0; i < s->workers; i++) {
        if (!play_close_all(&s->plays[i])) {
            return;
        }
    }
    if (world_type.rest) {
        is_good = world_type.rest(&s->world, why, sizeof(why));
    }
    for (unsigned i = 0; i < s->workers && is_good; i++) {
        if (!play_check_all(&s->plays[i])) {
            size_t length = strlen(s->shadows[i].failure);

            snprintf(s->shadows[i].failure + length, sizeof(s->shadows[i].failure) - length,
                     " ['%s' at rest]", s->plays[i].op->kind == OP_LIST ? "list" : "get");
            {
                char path[200];
                char name[64];

                length = strlen(s->shadows[i].failure);
                snprintf(s->shadows[i].failure + length, sizeof(s->shadows[i].failure) - length,
                         " %s/%s", shadow_dir_path(&s->shadows[i], path, s->plays[i].op->dir),
                         shadow_file_name(&s->shadows[i], name, s->plays[i].op->file, false));
            }
            return;
        }
        is_good = check_shared(&s->world, &s->shadows[i], why, sizeof(why));
    }
    is_good = is_good && check_view(s->plays, s->workers, why, sizeof(why));
    if (!is_good && !failed(s)) {
        snprintf(s->shadows[0].failure, sizeof(s->shadows[0].failure), "%s", why);
    }
}

static void restart(struct stage *s)
{
    for (unsigned i = 0; i < s->workers; i++) {
        if (!play_close_all(&s->plays[i])) {
            return;
        }
    }
    world_type.restart(&s->world);
    for (unsigned i = 0; i < s->workers; i++) {
        if (!check_scratch(&s->plays[i])) {
            return;
        }
    }
}

static void make_shared_folders(struct stage *s)
{
    struct vfs_attr common;
    struct vfs_attr deep;

    if ((vfs_mkdir(s->world.vfs, &common, s->world.root, "common", NULL, NULL) < 0 &&
         vfs_lookup(s->world.vfs, &common, s->world.root, "common", NULL, NULL) < 0) ||
        (vfs_mkdir(s->world.vfs, &deep, common.id, "deep", NULL, NULL) < 0 &&
         vfs_lookup(s->world.vfs, &deep, common.id, "deep", NULL, NULL) < 0)) {
        snprintf(s->shadows[0].failure, 200, "the shared folders cannot be made");
        return;
    }
    vfs_forget(s->world.vfs, deep.id, 1);
    vfs_forget(s->world.vfs, common.id, 1);
}

static void run_all(struct stage *s)
{
    size_t from = 0;

    make_shared_folders(s);
    for (size_t i = 0; i <= s->list->count && !failed(s); i++) {
        const struct op *op = i < s->list->count ? &s->list->ops[i] : NULL;

        if (op && !op_is_global(op)) {
            continue;
        }
        run_part(s, from, i);
        from = i + 1;
        if (failed(s)) {
            break;
        }
        if (op && op->kind == OP_RESTART && world_type.restart) {
            restart(s);
        }
        if (!op || op->kind == OP_REST) {
            rest(s);
            if (world_type.go_on) {
                world_type.go_on(&s->world);
            }
        }
        for (unsigned w = 0; op && w < s->workers; w++) {
            if (s->shadows[w].failure[0]) {
                name_op(s, w, i);
            }
        }
    }
    for (unsigned i = 0; i < s->workers; i++) {
        if (!world_type.is_mounted) {
            play_close_all(&s->plays[i]);
        }
    }
}

static void run_here(const struct op_list *list, const struct run_options *options,
                     char failure[FAILURE_MAX])
{
    struct stage *s = calloc(1, sizeof(*s));
    bool has_faults = false;

    if (!s) {
        abort();
    }
    s->list = list;
    s->options = *options;
    s->world.seed = options->seed;
    s->world.path = options->path;
    s->world.elsewhere = options->elsewhere;
    has_faults = options->elsewhere != NULL;
    for (size_t i = 0; i < list->count; i++) {
        if (list->ops[i].worker >= s->workers) {
            s->workers = list->ops[i].worker + 1u;
        }
        has_faults = has_faults || list->ops[i].kind == OP_FAULT;
    }
    s->workers += s->workers == 0;
    s->shadows = mmap(NULL, s->workers * sizeof(*s->shadows), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (s->shadows == MAP_FAILED) {
        abort();
    }
    for (unsigned i = 0; i < s->workers; i++) {
        shadow_init(&s->shadows[i], i);
        s->shadows[i].may_fail = has_faults;
        s->plays[i] = (struct play){.world = &s->world, .shadow = &s->shadows[i]};
    }
    foreign_init(&s->foreign, &s->world, s->workers);
    world_type.start(&s->world);
    run_all(s);
    for (unsigned i = 0; i < s->workers && !failure[0]; i++) {
        snprintf(failure, FAILURE_MAX, "%s", s->shadows[i].failure);
    }
    world_type.stop(&s->world);
    munmap(s->shadows, s->workers * sizeof(*s->shadows));
    free(s);
}

static void wait_for(pid_t child, int from, unsigned seconds, char failure[FAILURE_MAX])
{
    int64_t until = clock_mono_ms(clock_system()) + (int64_t)seconds * 1000;
    struct pollfd fd = {.fd = from, .events = POLLIN};
    size_t length = 0;
    int status = 0;

    while (length < FAILURE_MAX - 1) {
        int64_t left = until - clock_mono_ms(clock_system());
        ssize_t got = 0;

        if (left <= 0 || poll(&fd, 1, (int)left) == 0) {
            kill(child, SIGABRT);
            waitpid(child, &status, 0);
            snprintf(failure, FAILURE_MAX, "it hangs");
            return;
        }
        got = read(from, failure + length, FAILURE_MAX - 1 - length);
        if (got <= 0) {
            break;
        }
        length += (size_t)got;
    }
    failure[length] = '\0';
    waitpid(child, &status, 0);
    if (status != 0 && length == 0) {
        snprintf(failure, FAILURE_MAX, "the process ended with status %x", (unsigned)status);
    }
}

bool run_ops(const struct op_list *list, const struct run_options *options,
             char failure[FAILURE_MAX])
{
    int pipes[2];
    pid_t child = 0;

    failure[0] = '\0';
    fflush(NULL);
    if (pipe(pipes) < 0 || (child = fork()) < 0) {
        abort();
    }
    if (child == 0) {
        size_t length = 0;

        close(pipes[0]);
        run_here(list, options, failure);
        length = strlen(failure);
        if (write(pipes[1], failure, length) != (ssize_t)length) {
            abort();
        }
        exit(0); /* not _exit(): the leak check */
    }
    close(pipes[1]);
    wait_for(child, pipes[0], options->seconds, failure);
    close(pipes[0]);
    return failure[0] == '\0';
}
