/*
 * The parent: the simulated tenant, the children, and the comparison with the model.
 *
 *   crash_uploads kill|full [FIRST [COUNT [SEED]]]  a run for each step from FIRST on; 0: at random
 *   crash_uploads kill|full all SEED                ... of one sequence, to its last
 *   crash_uploads cut [FIRST [COUNT [SEED]]]        the power goes off, at each sync from FIRST on
 *   crash_uploads room [FIRST [COUNT [SEED]]]       the spool on a tmpfs, each larger than the last
 *   crash_uploads resume                            killed in the middle of an upload session
 *
 * SEED is the sequence of operations of the first run; each run of a cut has the same, others go on
 * from there.
 */
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "model.h"
#include "wire.h"

#define STEPS_MAX 2000
#define ROOM_KIB 96u /* the journal alone takes about as much */

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

/* No save arrived twice: fewer versions than closes, and no two alike. (The steps of a run have
 * sizes of their own, but for the smallest.) Returns how many there are. */
static unsigned check_versions(struct wire *wire, const struct graph_item *item, const char *run)
{
    struct graph_versions versions = {0};
    struct error err = {0};
    unsigned count = 0;

    assert_ok(graph_list_versions(&versions, wire->account, wire->drive_id, item->id, NULL, &err),
              err);
    count = (unsigned)versions.count;
    for (size_t i = 1; i < versions.count; i++) {
        if (versions.versions[i].size_bytes > 10 &&
            versions.versions[i].size_bytes == versions.versions[i - 1].size_bytes) {
            report("%s: '%s' arrived twice", run, item->name);
        }
    }
    graph_versions_clear(&versions);
    return count;
}

/* Every name as one of the states it may have, and nothing else: no copy, no scratch, no second. */
static void check_server(struct wire *wire, const char *folder, const struct name *names,
                         unsigned writes, const char *run)
{
    unsigned versions = 0;
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
        versions += check_versions(wire, item, run);
        data = read_item(wire, item);
        seen[number] = true;
        if (!model_matches(&names[number], data, (size_t)item->size_bytes, true)) {
            report("%s: '%s' (%llu bytes) is not what was closed", run, item->name,
                   (unsigned long long)item->size_bytes);
        }
        free(data);
    }
    for (unsigned i = 0; i < CRASH_NAMES; i++) {
        if (!seen[i] && !model_matches(&names[i], NULL, 0, false)) {
            report("%s: 'f%u' is lost", run, i);
        }
    }
    if (versions > writes) {
        report("%s: %u versions of %u saves", run, versions, writes);
    }
    graph_items_clear(&page);
    free(id);
}

/* --- runs --- */

enum fault { FAULT_NONE, FAULT_KILL, FAULT_FULL, FAULT_CUT, FAULT_ROOM };

struct run {
    struct wire *wire;
    const char *program;
    char *tokens;
    char *folder;
    char *directory;
    enum fault fault;
    unsigned at;   /* which step, or sync; 0: at random */
    unsigned kind; /* CUT: POWER_* */
    unsigned seed;
};

static pid_t start_child(const struct run *run, const char *mode, enum fault fault)
{
    struct tenant_fixture *tenant = run->wire->tenant;
    char seed[16];
    char at[FAULT_CUT + 1][16];
    char kind[16];
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
                    at[FAULT_KILL],
                    at[FAULT_FULL],
                    at[FAULT_CUT],
                    kind,
                    NULL};
    pid_t pid = 0;

    snprintf(seed, sizeof(seed), "%u", run->seed);
    snprintf(kind, sizeof(kind), "%u", run->kind);
    for (unsigned i = FAULT_KILL; i <= FAULT_CUT; i++) {
        snprintf(at[i], sizeof(at[i]), "%u", i == fault ? run->at : 0);
    }
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

static void begin_run(struct run *run)
{
    struct error err = {0};

    str_format(&run->folder, NULL, "run-%u-%u-%u", run->at, run->kind, run->seed);
    str_format(&run->directory, NULL, "%s/%s", run->wire->tenant->directory, run->folder);
    assert_ok(file_make_private_directory(run->directory, &err), err);
    tenant_tell(run->wire->tenant, "mkdir",
                "{'library': '/sites/finance/Shared Documents', 'path': '%s'}", run->folder);
}

static void end_run(struct run *run)
{
    (void)file_remove_tree(run->directory, NULL);
    str_free(&run->directory);
    str_free(&run->folder);
}

static bool is_killed(int status)
{
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

/* The next agent finds what the disk had when the power went off. */
static void lose_power(const struct run *run)
{
    char *spool = NULL;
    char *image = NULL;
    struct error err = {0};

    str_format(&spool, NULL, "%s/spool", run->directory);
    str_format(&image, NULL, "%s/image", run->directory);
    assert_ok(file_remove_tree(spool, &err), err);
    assert_ok(file_rename(image, spool, &err), err);
    free(spool);
    free(image);
}

/* A real disk that is too small: what the product writes is cut wherever the system likes. It is
 * mounted for this process and its children alone. */
static void mount_spool(const struct run *run, unsigned kib, bool is_again)
{
    struct error err = {0};
    char *spool = NULL;
    char options[48];

    str_format(&spool, NULL, "%s/spool", run->directory);
    snprintf(options, sizeof(options), "size=%uk,mode=0700", kib);
    assert_ok(file_make_private_directory(spool, &err), err);
    assert_int_equal(mount("tmpfs", spool, "tmpfs", is_again ? MS_REMOUNT : 0, options), 0);
    free(spool);
}

static void unmount_spool(const struct run *run)
{
    char *spool = NULL;

    str_format(&spool, NULL, "%s/spool", run->directory);
    assert_int_equal(umount(spool), 0);
    free(spool);
}

/* How many steps found no room. */
static unsigned refused;

static void count_refused(const char *log)
{
    FILE *file = fopen(log, "r");
    unsigned number = 0;
    char what = 0;
    int code = 0;

    while (file && fscanf(file, " %c %u %d", &what, &number, &code) == 3) {
        refused += what == 'e' && code == ERR_NO_SPACE;
    }
    if (file) {
        fclose(file);
    }
}

/* Something may be left for the next agent where there was no room. */
static bool has_ended_well(const struct run *run, int status)
{
    int code = WIFEXITED(status) ? WEXITSTATUS(status) & ~CRASH_NOT_REACHED : -1;

    return code == 0 || (code == 4 && (run->fault == FAULT_FULL || run->fault == FAULT_ROOM));
}

/* False: the child ended before it came to `at`. */
static bool one_run(struct run *run)
{
    static const char *const words[] = {"", "killed", "full", "cut", "room"};
    struct name *names = calloc(CRASH_NAMES, sizeof(*names));
    unsigned before = wrong;
    unsigned writes = 0;
    char text[80];
    char *log = NULL;
    pid_t pid = 0;
    int status = 0;
    bool was_killed = false;
    bool is_over = false;

    snprintf(text, sizeof(text), "%s at %u, seed %u, kind %u", words[run->fault], run->at,
             run->seed, run->kind);
    begin_run(run);
    str_format(&log, NULL, "%s/log", run->directory);
    if (run->fault == FAULT_ROOM) {
        mount_spool(run, ROOM_KIB * (1 + run->at), false);
    }
    pid = start_child(run, "work", run->fault);
    if (run->fault == FAULT_KILL && run->at == 0) {
        (void)poll(NULL, 0, (int)(run->seed * 37 % 400)); /* any moment will do */
        kill(pid, SIGKILL);
    }
    status = wait_child(pid);
    was_killed = is_killed(status);
    is_over = WIFEXITED(status) && (WEXITSTATUS(status) & CRASH_NOT_REACHED);
    if (!was_killed && !has_ended_well(run, status)) {
        report("%s: the child ended with %x", text, (unsigned)status);
    }
    if (was_killed && run->fault == FAULT_CUT) {
        lose_power(run);
    }
    if (run->fault == FAULT_ROOM) { /* somebody made room */
        mount_spool(run, 65536, true);
    }
    count_refused(log);
    (void)model_read_log(names, log, run->seed, &writes);
    status = wait_child(start_child(run, "recover", FAULT_NONE));
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        report("%s: the next agent did not send it all (%x)", text, (unsigned)status);
    }
    check_server(run->wire, run->folder, names, writes, text);
    if (wrong > before) {
        show_steps(log, run->seed);
    }
    if (run->fault == FAULT_ROOM) {
        unmount_spool(run);
    }
    end_run(run);
    free(log);
    free(names);
    return was_killed || (run->fault == FAULT_FULL && !is_over);
}

static enum fault fault = FAULT_KILL;
static unsigned first_step;
static unsigned step_count;
static unsigned whole_seed; /* 0: each run has a sequence of its own */
static unsigned first_seed; /* 0: as ever */

/* Each point of one sequence, with the disk as late as it may be, and with something of it early. */
static void run_cuts(struct run *run)
{
    bool goes_on = true;

    for (unsigned i = 0; i < step_count && goes_on; i++) {
        run->at = first_step + i;
        run->seed = first_seed ? first_seed : 3; /* with a large file */
        run->kind = 0;
        goes_on = one_run(run);
        run->kind = 1 + run->at % (POWER_KINDS - 1);
        goes_on = goes_on && one_run(run);
    }
}

static void start(struct run *run, char *program, size_t size)
{
    ssize_t length = readlink("/proc/self/exe", program, size - 1);

    assert_true(length > 0);
    program[length] = '\0';
    run->wire = wire_start();
    run->program = program;
    run->fault = fault;
    str_format(&run->tokens, NULL, "%s/tokens--", run->wire->tenant->directory);
}

static void crash_uploads__lose_and_double_nothing(void **state)
{
    struct run run = {0};
    char program[512];
    bool goes_on = true;

    (void)state;
    if (fault == FAULT_ROOM &&
        (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)) {
        skip(); /* for root alone */
    }
    start(&run, program, sizeof(program));
    if (fault == FAULT_CUT) {
        run_cuts(&run);
    }
    for (unsigned i = 0; i < step_count && fault != FAULT_CUT && goes_on; i++) {
        run.at = first_step ? first_step + i : 0;
        run.seed = whole_seed ? whole_seed : (first_seed ? first_seed : 1) + i;
        goes_on = one_run(&run) || !whole_seed;
    }
    assert_true(!whole_seed || !goes_on); /* that was the last step */
    free(run.tokens);
    wire_stop(run.wire);
    assert_int_equal(wrong, 0);
    assert_true(refused > 0 || fault != FAULT_ROOM);
}

/* --- an upload session --- */

/* Bytes that PUT requests brought since the log was cleared. Without those that were broken off
 * (status 0): the tenant may see the end of the dead agent's last one late. */
static uint64_t count_sent(struct wire *wire)
{
    cJSON *log = tenant_control(wire->tenant, "requests", "{}");
    const cJSON *entry = NULL;
    uint64_t sent = 0;

    cJSON_ArrayForEach(entry, cJSON_GetObjectItemCaseSensitive(log, "requests"))
    {
        const cJSON *method = cJSON_GetObjectItemCaseSensitive(entry, "method");
        const cJSON *status = cJSON_GetObjectItemCaseSensitive(entry, "status");
        const cJSON *in = cJSON_GetObjectItemCaseSensitive(entry, "in");

        if (str_equal(cJSON_GetStringValue(method), "PUT") && cJSON_IsNumber(in) &&
            cJSON_GetNumberValue(status) > 0) {
            sent += (uint64_t)in->valuedouble;
        }
    }
    cJSON_Delete(log);
    return sent;
}

static void crash_session__goes_on_where_it_was(void **state)
{
    struct run run = {.seed = 7};
    struct name names[CRASH_NAMES] = {0};
    const struct content gone = {0};
    struct content whole = {.is_there = true, .count = 1, .parts = {{7, CRASH_HUGE, false}}};
    char program[512];

    (void)state;
    start(&run, program, sizeof(program));
    begin_run(&run);
    assert_true(is_killed(wait_child(start_child(&run, "huge", FAULT_NONE))));
    tenant_tell(run.wire->tenant, "clear-log", NULL);
    assert_int_equal(wait_child(start_child(&run, "recover", FAULT_NONE)), 0);
    assert_in_range(count_sent(run.wire), 1, CRASH_HUGE / 2); /* two fragments had arrived */
    model_add(&names[0], &whole);
    for (unsigned i = 1; i < CRASH_NAMES; i++) {
        model_add(&names[i], &gone);
    }
    check_server(run.wire, run.folder, names, 1, "resumed");
    end_run(&run);
    free(run.tokens);
    wire_stop(run.wire);
    assert_int_equal(wrong, 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(crash_uploads__lose_and_double_nothing),
};
static const struct CMUnitTest resume_tests[] = {
    cmocka_unit_test(crash_session__goes_on_where_it_was),
};

int main(int argc, char **argv)
{
    int64_t first = 1;
    int64_t count = 10;
    int64_t seed = 0;

    if (argc > 5) {
        char **shifted = argv;

        return child_main(argc, shifted);
    }
    if (argc > 1 && strcmp(argv[1], "resume") == 0) {
        return cmocka_run_group_tests_name("upload sessions", resume_tests, NULL, NULL) ? 1 : 0;
    }
    if (argc > 1) {
        fault = strcmp(argv[1], "full") == 0   ? FAULT_FULL
                : strcmp(argv[1], "cut") == 0  ? FAULT_CUT
                : strcmp(argv[1], "room") == 0 ? FAULT_ROOM
                                               : FAULT_KILL;
    }
    if (argc == 4 && strcmp(argv[2], "all") == 0) {
        if (!str_to_int64(argv[3], 1, 100000, &count)) {
            return 2;
        }
        whole_seed = (unsigned)count;
        count = STEPS_MAX;
    } else if ((argc > 2 && !str_to_int64(argv[2], 0, 100000, &first)) ||
               (argc > 3 && !str_to_int64(argv[3], 1, 100000, &count)) ||
               (argc > 4 && !str_to_int64(argv[4], 1, 100000, &seed))) {
        return 2;
    }
    first_step = (unsigned)first;
    step_count = (unsigned)count;
    first_seed = (unsigned)seed;
    return cmocka_run_group_tests_name("agents that die", tests, NULL, NULL) ? 1 : 0;
}
