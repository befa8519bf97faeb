/*
 * serve_memfs - the file system in memory, served by the WebDAV gateway until it is told to end
 * (SIGTERM, SIGINT, the end of its standard input with --until-eof, or after --max-seconds). For
 * other programs: litmus, davfs2, cadaver, rclone.
 *
 *     serve_memfs PRIVATE_FOLDER [--port N] [--entries N] [--delay-ms N] [--max-seconds N] [--until-eof]
 *
 * Prints the address when it is served. The library is t/site/Documents (and drives/H, and t/other/Documents);
 * with --entries it has a folder `many` with so many files. The password is in PRIVATE_FOLDER.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"
#include "transport/memfs.h"
#include "transport/transport.h"

struct options {
    const char *folder;
    bool until_eof;
    int64_t port;
    int64_t entries;
    int64_t delay_ms;
    int64_t max_seconds;
};

static bool parse(struct options *o, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const struct {
            const char *name;
            int64_t max;
            int64_t *out;
        } numbers[] = {{"--port", 65535, &o->port},
                       {"--entries", 1000000, &o->entries},
                       {"--delay-ms", 3600000, &o->delay_ms},
                       {"--max-seconds", 86400, &o->max_seconds}};
        bool is_known = false;

        for (size_t k = 0; k < sizeof(numbers) / sizeof(numbers[0]); k++) {
            if (i + 1 < argc && strcmp(argv[i], numbers[k].name) == 0) {
                is_known = str_to_int64(argv[++i], 0, numbers[k].max, numbers[k].out);
                break;
            }
        }
        if (!is_known && strcmp(argv[i], "--until-eof") == 0) {
            o->until_eof = true;
        } else if (!is_known && argv[i][0] != '-' && !o->folder) {
            o->folder = argv[i];
        } else if (!is_known) {
            return false;
        }
    }
    return o->folder != NULL;
}

static int attach(struct transport *t, struct vfs *vfs, const char *folder, const char *path,
                  char letter, uint64_t *id, struct error *err)
{
    struct mapping mapping = {.path = path, .letter = letter, .label = "Label"};
    struct vfs_attr attr;
    int code = vfs_mkdir(vfs, &attr, VFS_ROOT, folder, NULL, err);

    if (code == 0) {
        *id = mapping.root_id = attr.id;
        code = transport_attach(t, &mapping, err);
    }
    return code;
}

static int fill(struct vfs *vfs, uint64_t library, int64_t count, struct error *err)
{
    struct vfs_attr folder;
    int code = vfs_mkdir(vfs, &folder, library, "many", NULL, err);

    for (int64_t i = 0; code == 0 && i < count; i++) {
        struct vfs_file *file = NULL;
        struct vfs_attr attr;
        char name[64];

        snprintf(name, sizeof(name), "file number %lld.docx", (long long)i);
        code = vfs_create(vfs, &file, &attr, folder.id, name, VFS_WRITE | VFS_EXCLUSIVE, NULL, err);
        if (code == 0) {
            vfs_close(vfs, file);
            vfs_forget(vfs, attr.id, 1);
        }
    }
    return code;
}

static void wait_for_end(const struct options *o, int signals)
{
    struct pollfd fds[2] = {{.fd = signals, .events = POLLIN},
                            {.fd = o->until_eof ? STDIN_FILENO : -1, .events = POLLIN}};

    while (poll(fds, 2, o->max_seconds ? (int)o->max_seconds * 1000 : -1) < 0 && errno == EINTR) {
    }
}

static int serve(const struct options *o, struct transport *transport, struct vfs *vfs, int signals,
                 struct error *err)
{
    char *address = NULL;
    uint64_t library = 0;
    uint64_t other = 0;
    int code = transport_start(transport, vfs, err);

    if (code == 0) {
        code = attach(transport, vfs, "library", "t/site/Documents", 'H', &library, err);
    }
    if (code == 0) {
        code = attach(transport, vfs, "other", "t/other/Documents", 0, &other, err);
    }
    if (code == 0 && o->entries > 0) {
        code = fill(vfs, library, o->entries, err);
    }
    if (code == 0) {
        code = transport_address(transport, &address, err);
    }
    if (code == 0) {
        puts(address);
        fflush(stdout);
        wait_for_end(o, signals);
    }
    free(address);
    return code;
}

int main(int argc, char **argv)
{
    struct options o = {.max_seconds = 900};
    struct log_options log = {.level = LOG_LEVEL_ERROR, .to_stderr = true};
    struct memfs_options memory = {.max_bytes = UINT64_C(4) << 30};
    struct transport_options options = {.deadline_ms = 0};
    struct transport *transport = NULL;
    struct vfs *vfs = NULL;
    struct error err = {0};
    sigset_t stop;
    int signals = -1;
    int code = 0;

    if (!parse(&o, argc, argv)) {
        fprintf(stderr, "usage: serve_memfs PRIVATE_FOLDER [--port N] [--entries N] [--delay-ms N] "
                        "[--max-seconds N] [--until-eof]\n");
        return 2;
    }
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    sigprocmask(SIG_BLOCK, &stop, NULL);
    signal(SIGPIPE, SIG_IGN);
    signals = signalfd(-1, &stop, SFD_CLOEXEC);
    log_open(&log, NULL);
    memory.delay_ms = o.delay_ms;
    options.private_directory = o.folder;
    options.port = (uint16_t)o.port;
    code = memfs_new(&vfs, &memory, &err);
    if (code == 0) {
        code = transport_create(&transport, "webdav", &options, &err);
    }
    if (code == 0) {
        code = serve(&o, transport, vfs, signals, &err);
    }
    if (code < 0) {
        fprintf(stderr, "serve_memfs: %s\n", err.message);
    }
    transport_stop(transport, 2000);
    vfs_unref(vfs);
    close(signals);
    return code == 0 ? 0 : 1;
}
