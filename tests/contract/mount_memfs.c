/*
 * mount_memfs - the file system in memory, mounted until it is told to end (SIGTERM, SIGINT, or the
 * end of its standard input with --until-eof). For stress by other programs and by hand.
 *
 *     mount_memfs FOLDER [--until-eof] [--delay-ms N] [--mappings N]
 *
 * Prints "ready" when the mount is there. With several mappings they are t/site<n>/Documents, the
 * first one also has the letter H.
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

#include "base/str.h"
#include "transport/memfs.h"
#include "transport/transport.h"

struct options {
    const char *folder;
    bool until_eof;
    int64_t delay_ms;
    int64_t mappings;
};

static bool parse(struct options *o, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--until-eof") == 0) {
            o->until_eof = true;
        } else if (strcmp(argv[i], "--delay-ms") == 0 && i + 1 < argc) {
            if (!str_to_int64(argv[++i], 0, 3600000, &o->delay_ms)) {
                return false;
            }
        } else if (strcmp(argv[i], "--mappings") == 0 && i + 1 < argc) {
            if (!str_to_int64(argv[++i], 1, 10000, &o->mappings)) {
                return false;
            }
        } else if (argv[i][0] != '-' && !o->folder) {
            o->folder = argv[i];
        } else {
            return false;
        }
    }
    return o->folder != NULL;
}

static int attach_all(struct transport *t, struct vfs *vfs, int64_t count, struct error *err)
{
    char name[32];
    char path[64];
    int code = 0;

    for (int64_t i = 0; code == 0 && i < count; i++) {
        struct mapping mapping = {.path = path, .letter = i == 0 ? 'H' : 0};
        struct vfs_attr attr;

        snprintf(name, sizeof(name), "library%lld", (long long)i);
        snprintf(path, sizeof(path), "t/site%lld/Documents", (long long)i);
        code = vfs_mkdir(vfs, &attr, VFS_ROOT, name, NULL, err);
        if (code == 0) {
            mapping.root_id = attr.id;
            code = transport_attach(t, &mapping, err);
        }
    }
    return code;
}

static void wait_for_end(bool until_eof, int signals)
{
    struct pollfd fds[2] = {{.fd = signals, .events = POLLIN},
                            {.fd = until_eof ? STDIN_FILENO : -1, .events = POLLIN}};

    while (poll(fds, 2, -1) < 0 && errno == EINTR) {
    }
}

int main(int argc, char **argv)
{
    struct options o = {.mappings = 1};
    struct memfs_options memory = {.max_bytes = UINT64_C(4) << 30};
    struct transport_options options = {.deadline_ms = 0};
    struct transport *transport = NULL;
    struct vfs *vfs = NULL;
    struct error err = {0};
    sigset_t stop;
    int code = 0;

    if (!parse(&o, argc, argv)) {
        fprintf(stderr, "usage: mount_memfs FOLDER [--until-eof] [--delay-ms N] [--mappings N]\n");
        return 2;
    }
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    sigprocmask(SIG_BLOCK, &stop, NULL);
    memory.delay_ms = o.delay_ms;
    options.root = o.folder;
    code = memfs_new(&vfs, &memory, &err);
    if (code == 0) {
        code = transport_create(&transport, "np", &options, &err);
    }
    if (code == 0) {
        code = transport_start(transport, vfs, &err);
    }
    if (code == 0) {
        code = attach_all(transport, vfs, o.mappings, &err);
    }
    if (code == 0) {
        int signals = signalfd(-1, &stop, SFD_CLOEXEC);

        puts("ready");
        fflush(stdout);
        wait_for_end(o.until_eof, signals);
        close(signals);
    } else {
        fprintf(stderr, "mount_memfs: %s\n", err.message);
    }
    transport_stop(transport, 2000);
    vfs_unref(vfs);
    return code == 0 ? 0 : code == ERR_UNSUPPORTED ? 77 : 1;
}
