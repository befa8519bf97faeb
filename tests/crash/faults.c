/* Stands before the functions that change what outlives the agent (the linker's --wrap), and kills
 * it or refuses there. The product has no switch for it. */
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>

#include "base/file.h"
#include "crash.h"
#include "local.h"
#include "mapper/graph.h"
#include "mapper/journal.h"

static atomic_uint steps;
static atomic_uint refusals; /* steps that could have failed */
static unsigned kill_step;
static unsigned fail_step;

void faults_arm(unsigned kill_at, unsigned fail_at)
{
    kill_step = kill_at;
    fail_step = fail_at;
}

bool faults_are_over(void)
{
    return atomic_load(&steps) < kill_step || atomic_load(&refusals) < fail_step;
}

/* Before what changes something and after it, each is a step. */
static void step(void)
{
    if (atomic_fetch_add(&steps, 1) + 1 == kill_step) {
        raise(SIGKILL);
    }
}

/* Before what a disk may refuse. True: it does. */
static bool step_fails(void)
{
    step();
    return atomic_fetch_add(&refusals, 1) + 1 == fail_step;
}

static int full(struct error *err)
{
    return error_set(err, ERR_NO_SPACE, "the test's disk is full");
}

int __real_journal_apply(struct journal *journal, const struct journal_change *changes,
                         size_t count, bool is_durable, struct error *err);
int __wrap_journal_apply(struct journal *journal, const struct journal_change *changes,
                         size_t count, bool is_durable, struct error *err);
int __real_local_sync(struct local_file *file, struct error *err);
int __wrap_local_sync(struct local_file *file, struct error *err);
int __real_local_write(struct local_file *file, const void *data, size_t size, uint64_t offset,
                       struct error *err);
int __wrap_local_write(struct local_file *file, const void *data, size_t size, uint64_t offset,
                       struct error *err);
int __real_local_copy(struct local_file *to, struct local_file *from, uint64_t size,
                      struct error *err);
int __wrap_local_copy(struct local_file *to, struct local_file *from, uint64_t size,
                      struct error *err);
int __real_local_move(const char *from, const char *to, struct error *err);
int __wrap_local_move(const char *from, const char *to, struct error *err);
int __real_file_remove(const char *path, struct error *err);
int __wrap_file_remove(const char *path, struct error *err);
int __real_file_sync_directory(const char *path, struct error *err);
int __wrap_file_sync_directory(const char *path, struct error *err);
int __real_graph_upload(struct graph_item *out, struct account *account,
                        const struct graph_upload *upload, const struct graph_source *source,
                        const struct call *call, struct error *err);
int __wrap_graph_upload(struct graph_item *out, struct account *account,
                        const struct graph_upload *upload, const struct graph_source *source,
                        const struct call *call, struct error *err);

int __wrap_journal_apply(struct journal *journal, const struct journal_change *changes,
                         size_t count, bool is_durable, struct error *err)
{
    int code =
        step_fails() ? full(err) : __real_journal_apply(journal, changes, count, is_durable, err);

    step();
    return code;
}

int __wrap_local_sync(struct local_file *file, struct error *err)
{
    int code = step_fails() ? full(err) : __real_local_sync(file, err);

    step();
    return code;
}

int __wrap_local_write(struct local_file *file, const void *data, size_t size, uint64_t offset,
                       struct error *err)
{
    if (step_fails()) { /* a part of it is there, as on a real disk */
        (void)__real_local_write(file, data, size / 2, offset, NULL);
        return full(err);
    }
    return __real_local_write(file, data, size, offset, err);
}

int __wrap_local_copy(struct local_file *to, struct local_file *from, uint64_t size,
                      struct error *err)
{
    int code = step_fails() ? full(err) : __real_local_copy(to, from, size, err);

    step();
    return code;
}

int __wrap_local_move(const char *from, const char *to, struct error *err)
{
    int code = step_fails() ? full(err) : __real_local_move(from, to, err);

    step();
    return code;
}

int __wrap_file_remove(const char *path, struct error *err)
{
    int code = 0;

    step();
    code = __real_file_remove(path, err);
    step();
    return code;
}

int __wrap_file_sync_directory(const char *path, struct error *err)
{
    return step_fails() ? full(err) : __real_file_sync_directory(path, err);
}

int __wrap_graph_upload(struct graph_item *out, struct account *account,
                        const struct graph_upload *upload, const struct graph_source *source,
                        const struct call *call, struct error *err)
{
    int code = 0;

    step();
    code = __real_graph_upload(out, account, upload, source, call, err);
    step(); /* the server has it, and nobody here knows */
    return code;
}
