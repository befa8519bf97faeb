/* The agent that dies: the online vfs alone, with the real client. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"
#include "crash.h"
#include "mapper/online_vfs.h"
#include "wire.h"

#define DRAIN_MS 60000

struct child {
    struct graph *graph;
    struct account *account;
    struct online_vfs *online;
    struct vfs *vfs;
    uint64_t root;
    int log;
};

static void die(const char *what, const struct error *err)
{
    fprintf(stderr, "child: %s: %s\n", what, err->message);
    exit(3);
}

/* argv: child MODE LOGIN GRAPH CA TENANT TOKENS DRIVE FOLDER DIRECTORY SEED KILL FAIL CUT KIND */
static void begin(struct child *child, char **argv)
{
    struct graph_options graph = {.ca_file = argv[4]};
    struct account_options account = {.tenant = argv[5],
                                      .client_id = "00000000-0000-0000-0000-000000000001",
                                      .cloud = CLOUD_CUSTOM,
                                      .login_url = argv[2],
                                      .graph_url = argv[3],
                                      .token_directory = argv[6]};
    struct online_vfs_options options = {
        .cache_bytes = 64u << 20,
        .cache_ms = 3600000,
        .metadata_ms = 600000,
        .saves_in_background = true,
        .settle_ms = crash_settles((unsigned)strtoul(argv[10], NULL, 10)) ? CRASH_SETTLE_MS : 0,
        .keeps_both = true};
    struct online_library library = {.key = "t|library",
                                     .drive_id = argv[7],
                                     .is_verified = true,
                                     .folder_path = argv[8],
                                     .url = "https://contoso.sharepoint.com/sites/finance/"
                                            "Shared%20Documents"};
    struct error err = {0};
    char *cache = NULL;
    char *spool = NULL;
    char *log = NULL;
    char *image = NULL;

    str_format(&cache, NULL, "%s/cache", argv[9]);
    str_format(&spool, NULL, "%s/spool", argv[9]);
    str_format(&log, NULL, "%s/log", argv[9]);
    str_format(&image, NULL, "%s/image", argv[9]);
    power_arm(spool, image, (unsigned)strtoul(argv[13], NULL, 10),
              (unsigned)strtoul(argv[14], NULL, 10));
    options.cache_directory = cache;
    options.spool_directory = spool;
    if (graph_new(&child->graph, &graph, &err) < 0 ||
        account_new(&child->account, child->graph, &account, &err) < 0 ||
        online_vfs_new(&child->online, &options, &err) < 0) {
        die("start", &err);
    }
    library.account = child->account;
    child->vfs = online_vfs_vfs(child->online);
    if (online_vfs_add(child->online, &child->root, &library, &err) < 0) {
        die("library", &err);
    }
    child->log = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    free(cache);
    free(spool);
    free(log);
    free(image);
}

static void count_row(void *payload, const struct online_vfs_upload *upload)
{
    unsigned *rows = payload;

    *rows += upload->state != UPLOAD_UNSAVED;
}

static void show_row(void *payload, const struct online_vfs_upload *upload)
{
    (void)payload;
    fprintf(stderr, "child: '%s' is left in state %d: %s\n", upload->path, (int)upload->state,
            upload->reason);
}

/* Nothing is left, also of what failed once and is tried again later. */
static unsigned empty_journal(struct child *child)
{
    unsigned rows = 1;

    for (unsigned tries = 0; rows > 0 && tries < 10; tries++) {
        (void)online_vfs_drain(child->online, DRAIN_MS / 10);
        rows = 0;
        (void)online_vfs_visit_uploads(child->online, count_row, &rows, NULL);
        if (rows > 0) {
            (void)online_vfs_retry_uploads(child->online, NULL, NULL, NULL);
        }
    }
    if (rows > 0) {
        (void)online_vfs_visit_uploads(child->online, show_row, NULL, NULL);
    }
    return rows;
}

static int end(struct child *child, bool is_last)
{
    unsigned left = is_last ? empty_journal(child) : online_vfs_drain(child->online, DRAIN_MS);

    vfs_unref(child->vfs);
    account_unref(child->account);
    graph_free(child->graph);
    close(child->log);
    return left ? 4 : 0;
}

static void name_of(char *out, size_t size, unsigned name)
{
    snprintf(out, size, "f%u", name);
}

static int write_bytes(struct child *child, struct vfs_file *file, const struct crash_step *step,
                       uint64_t offset)
{
    unsigned char *data = malloc(step->size + 1);
    int code = 0;

    for (uint32_t i = 0; i < step->size; i++) {
        data[i] = wire_byte(step->seed, i);
    }
    for (uint32_t at = 0; at < step->size && code == 0; at += CRASH_PIECE) {
        uint32_t part = step->size - at < CRASH_PIECE ? step->size - at : CRASH_PIECE;

        code = vfs_write(child->vfs, file, data + at, part, offset + at, NULL, NULL);
    }
    free(data);
    return code;
}

static int do_write(struct child *child, const struct crash_step *step, bool is_append)
{
    struct vfs_file *file = NULL;
    struct vfs_attr attr;
    char name[16];
    int flushed = 0;
    int code = 0;

    name_of(name, sizeof(name), step->name);
    code = vfs_create(child->vfs, &file, &attr, child->root, name,
                      VFS_READ | VFS_WRITE | (is_append ? 0 : VFS_TRUNCATE), NULL, NULL);
    if (code < 0) {
        return code;
    }
    code = write_bytes(child, file, step, is_append ? attr.size_bytes : 0);
    flushed = vfs_flush(child->vfs, file, NULL, NULL);
    vfs_close(child->vfs, file);
    vfs_forget(child->vfs, attr.id, 1);
    return code < 0 ? code : flushed;
}

static int do_step(struct child *child, const struct crash_step *step)
{
    char name[16];
    char to[16];

    name_of(name, sizeof(name), step->name);
    name_of(to, sizeof(to), step->to);
    switch (step->op) {
    case CRASH_WRITE:
        return do_write(child, step, false);
    case CRASH_APPEND:
        return do_write(child, step, true);
    case CRASH_RENAME:
        return vfs_rename(child->vfs, child->root, name, child->root, to, 0, NULL, NULL);
    default:
        return vfs_unlink(child->vfs, child->root, name, NULL, NULL);
    }
}

static void tell(struct child *child, char what, unsigned number, int code)
{
    char line[48];
    int length = snprintf(line, sizeof(line), "%c %u %d\n", what, number, code);

    if (write(child->log, line, (size_t)length) != length) {
        exit(5);
    }
}

static void see_progress(void *payload, const struct online_vfs_upload *upload)
{
    *(uint64_t *)payload += upload->done_bytes;
}

/* A file of four fragments, of which two have arrived when the agent is killed. */
static void die_half_way(struct child *child)
{
    struct crash_step step = {.op = CRASH_WRITE, .seed = 7, .size = CRASH_HUGE};
    uint64_t done = 0;

    if (do_write(child, &step, false) < 0) {
        exit(3);
    }
    while (done <= CRASH_HUGE / 2) {
        done = 0;
        (void)online_vfs_visit_uploads(child->online, see_progress, &done, NULL);
    }
    raise(SIGKILL);
}

int child_main(int argc, char **argv)
{
    struct child child = {0};
    unsigned seed = 0;
    int code = 0;

    if (argc != 15) {
        return 2;
    }
    alarm(400);
    log_set_level(LOG_LEVEL_OFF);
    begin(&child, argv);
    if (strcmp(argv[1], "huge") == 0) {
        die_half_way(&child);
    }
    if (strcmp(argv[1], "work") == 0) {
        seed = (unsigned)strtoul(argv[10], NULL, 10);
        faults_arm((unsigned)strtoul(argv[11], NULL, 10), (unsigned)strtoul(argv[12], NULL, 10));
        for (unsigned i = 0; i < CRASH_STEPS; i++) {
            struct crash_step step = crash_step(seed, i);

            tell(&child, 'b', i, 0);
            code = do_step(&child, &step);
            tell(&child, 'e', i, code);
        }
    }
    code = end(&child, strcmp(argv[1], "recover") == 0);
    return code | (faults_are_over() ? CRASH_NOT_REACHED : 0);
}
