/*
 * The parent: the simulated tenant, the children, and the model that says what must be there.
 *
 *   crash_uploads kill|full [FIRST [COUNT]]     a run for each step from FIRST on; 0: at random
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "crash.h"
#include "wire.h"

#define APPENDS_MAX (CRASH_STEPS + 1)

/* --- the model --- */

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
#define STATES 64
struct name {
    struct content states[STATES];
    unsigned count;
};

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

static void add_state(struct name *name, const struct content *state)
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
    add_state(name, state);
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
        add_state(&next, &content);
    }
    for (unsigned i = 0; is_done != 1 && i < name->count; i++) {
        add_state(&next, &name->states[i]);
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
        add_state(to, &was.states[i]);
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

/* What the child wrote down; false: it did not end. `writes`: how many closes were begun. */
static bool read_log(struct name *names, const char *path, unsigned seed, unsigned *writes)
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
        add_state(&names[i], &gone);
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
        /* Refused, since the name is not there: nothing happened. Any other failure: who knows. */
        model_step(names, &step, code == 0 ? 1 : code == ERR_NOT_FOUND ? 0 : -1);
    }
    if (is_open) {
        struct crash_step step = crash_step(seed, number);

        model_step(names, &step, -1);
    }
    if (file) {
        fclose(file);
    }
    return begun == CRASH_STEPS && !is_open;
}

/* --- the server's side --- */

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

static bool matches(const struct name *name, const unsigned char *data, size_t size, bool is_there)
{
    for (unsigned i = 0; i < name->count; i++) {
        const struct content *content = &name->states[i];

        if (content->is_there == is_there && (!is_there || is_equal(content, data, size))) {
            return true;
        }
    }
    return false;
}

static unsigned char *read_item(struct wire *wire, const struct graph_item *item)
{
    unsigned char *data = malloc(item->size_bytes + 1);
    struct error err = {0};
    uint64_t at = 0;

    while (at < item->size_bytes) {
        size_t part =
            item->size_bytes - at < (4u << 20) ? (size_t)(item->size_bytes - at) : 4u << 20;
        size_t got = 0;

        assert_ok(graph_read_range(wire->account, wire->drive_id, item->id, data + at, part, at,
                                   &got, NULL, &err),
                  err);
        assert_true(got > 0);
        at += got;
    }
    return data;
}

/* All runs are done, and each that is wrong is told. */
static unsigned wrong;

static void report(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    wrong++;
}

/* What the child was told, for who has to find out why. */
static void show_steps(const char *log, unsigned seed)
{
    static const char *const ops[] = {"write", "append", "rename", "delete"};
    FILE *file = fopen(log, "r");
    unsigned number = 0;
    char what = 0;
    int code = 0;

    while (file && fscanf(file, " %c %u %d", &what, &number, &code) == 3) {
        struct crash_step step = crash_step(seed, number);

        if (what == 'b') {
            fprintf(stderr, "\n  %2u %s f%u", number, ops[step.op], step.name);
            if (step.op == CRASH_RENAME) {
                fprintf(stderr, " to f%u", step.to);
            } else if (step.op != CRASH_DELETE) {
                fprintf(stderr, " %u bytes", step.size);
            }
        } else {
            fprintf(stderr, ": %d", code);
        }
    }
    fputc('\n', stderr);
    if (file) {
        fclose(file);
    }
}

/* Every name as one of the states it may have, and nothing else: no copy, no scratch, no second. */
static void check_server(struct wire *wire, const char *folder, const struct name *names,
                         const char *run)
{
    struct graph_items page = {0};
    struct error err = {0};
    bool seen[CRASH_NAMES] = {0};
    char *id = wire_item_id(wire, folder);

    assert_ok(graph_list_children(&page, wire->account, wire->drive_id, id, NULL, 200, NULL, &err),
              err);
    for (size_t i = 0; i < page.count; i++) {
        const struct graph_item *item = &page.items[i];
        unsigned number =
            item->name[0] == 'f' && item->name[1] ? (unsigned)(item->name[1] - '0') : CRASH_NAMES;
        unsigned char *data = NULL;

        if (number >= CRASH_NAMES || item->name[2]) {
            report("%s: '%s' is on the server and nobody made it", run, item->name);
            continue;
        }
        data = read_item(wire, item);
        seen[number] = true;
        if (!matches(&names[number], data, (size_t)item->size_bytes, true)) {
            report("%s: '%s' (%llu bytes) is not what was closed", run, item->name,
                   (unsigned long long)item->size_bytes);
        }
        free(data);
    }
    for (unsigned i = 0; i < CRASH_NAMES; i++) {
        if (!seen[i] && !matches(&names[i], NULL, 0, false)) {
            report("%s: 'f%u' is lost", run, i);
        }
    }
    graph_items_clear(&page);
    free(id);
}

/* --- runs --- */

struct run {
    struct wire *wire;
    const char *program;
    char *tokens;
    char *folder;
    char *directory;
    unsigned seed;
};

static pid_t start_child(const struct run *run, const char *mode, unsigned kill_at,
                         unsigned fail_at)
{
    struct tenant_fixture *tenant = run->wire->tenant;
    char seed[16];
    char kill_text[16];
    char fail_text[16];
    char *argv[] = {(char *)run->program,
                    (char *)mode,
                    tenant->login_url,
                    tenant->graph_url,
                    tenant->ca_file,
                    tenant->tenant_id,
                    run->tokens,
                    run->wire->drive_id,
                    run->folder,
                    run->directory,
                    seed,
                    kill_text,
                    fail_text,
                    NULL};
    pid_t pid = 0;

    snprintf(seed, sizeof(seed), "%u", run->seed);
    snprintf(kill_text, sizeof(kill_text), "%u", kill_at);
    snprintf(fail_text, sizeof(fail_text), "%u", fail_at);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        execv(run->program, argv);
        _exit(127);
    }
    return pid;
}

static int wait_child(pid_t pid)
{
    int status = 0;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void one_run(struct wire *wire, const char *program, char *tokens, bool is_full, unsigned at,
                    unsigned seed)
{
    struct run run = {.wire = wire, .program = program, .tokens = tokens, .seed = seed};
    struct name *names = calloc(CRASH_NAMES, sizeof(*names));
    struct error err = {0};
    unsigned before = wrong;
    unsigned writes = 0;
    char text[64];
    char *log = NULL;
    pid_t pid = 0;
    int status = 0;

    snprintf(text, sizeof(text), "%s at %u, seed %u", is_full ? "full" : "killed", at, seed);
    str_format(&run.folder, NULL, "run-%u-%u", at, seed);
    str_format(&run.directory, NULL, "%s/%s", wire->tenant->directory, run.folder);
    str_format(&log, NULL, "%s/log", run.directory);
    assert_ok(file_make_private_directory(run.directory, &err), err);
    tenant_tell(wire->tenant, "mkdir",
                "{'library': '/sites/finance/Shared Documents', 'path': '%s'}", run.folder);
    pid = start_child(&run, "work", is_full ? 0 : at, is_full ? at : 0);
    if (!is_full && at == 0) {
        (void)poll(NULL, 0, (int)(seed * 37 % 400)); /* any moment will do */
        kill(pid, SIGKILL);
    }
    status = wait_child(pid);
    if (!(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) &&
        !(WIFEXITED(status) && WEXITSTATUS(status) == 0) &&
        !(WIFEXITED(status) && WEXITSTATUS(status) == 4 && is_full)) {
        report("%s: the child ended with %x", text, (unsigned)status);
    }
    (void)read_log(names, log, seed, &writes);
    status = wait_child(start_child(&run, "recover", 0, 0));
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        report("%s: the next agent did not send it all (%x)", text, (unsigned)status);
    }
    check_server(wire, run.folder, names, text);
    if (wrong > before) {
        show_steps(log, seed);
    }
    (void)file_remove_tree(run.directory, NULL);
    free(log);
    free(run.directory);
    free(run.folder);
    free(names);
}

static bool wants_full;
static unsigned first_step;
static unsigned step_count;

static void crash_uploads__lose_and_double_nothing(void **state)
{
    struct wire *wire = wire_start();
    char program[512] = "";
    char *tokens = NULL;
    ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);

    (void)state;
    assert_true(length > 0);
    str_format(&tokens, NULL, "%s/tokens--", wire->tenant->directory);
    for (unsigned i = 0; i < step_count; i++) {
        one_run(wire, program, tokens, wants_full, first_step ? first_step + i : 0, 1 + i);
    }
    free(tokens);
    wire_stop(wire);
    assert_int_equal(wrong, 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(crash_uploads__lose_and_double_nothing),
};

int main(int argc, char **argv)
{
    int64_t first = 1;
    int64_t count = 10;

    if (argc > 4) {
        char **shifted = argv;

        return child_main(argc, shifted);
    }
    wants_full = argc > 1 && strcmp(argv[1], "full") == 0;
    if ((argc > 2 && !str_to_int64(argv[2], 0, 100000, &first)) ||
        (argc > 3 && !str_to_int64(argv[3], 1, 100000, &count))) {
        return 2;
    }
    first_step = (unsigned)first;
    step_count = (unsigned)count;
    return cmocka_run_group_tests_name("agents that die", tests, NULL, NULL) ? 1 : 0;
}
