/*
 * The transport contract on `np`, and what is special about a FUSE mount: how it begins, ends, and
 * survives what others do to it. Skipped (77) where nothing can be mounted.
 */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/process.h"
#include "base/thread.h"
#include "mounted.h"
#include "np/posix/errors.h"
#include "transport_contract.h"
#include "watchdog.h"

static int try_start(struct mounted *m, const char *root, struct error *err)
{
    struct transport_options options = {.root = root};
    struct transport *transport = NULL;
    int code = transport_create(&transport, "np", &options, err);

    if (code == 0) {
        code = transport_start(transport, m->memory, err);
    }
    transport_stop(transport, 1000);
    return code;
}

static void np_errors__are_the_table_of_the_header(void **state)
{
    static const int pairs[][2] = {
        {ERR_TOO_LARGE, EFBIG},
        {ERR_READ_ONLY, EACCES},
        {ERR_DENIED, EACCES},
        {ERR_LOCKED, EACCES},
        {ERR_BAD_NAME, EINVAL},
        {ERR_NAME_TOO_LONG, ENAMETOOLONG},
        {ERR_INVALID, EINVAL},
        {ERR_CROSS_LIBRARY, EXDEV},
        {ERR_NO_SPACE, ENOSPC},
        {ERR_NOT_PERMITTED, EPERM},
        {ERR_NOT_FOUND, ENOENT},
        {ERR_EXISTS, EEXIST},
        {ERR_NOT_EMPTY, ENOTEMPTY},
        {ERR_IS_FOLDER, EISDIR},
        {ERR_NOT_FOLDER, ENOTDIR},
        {ERR_STALE, ESTALE},
        {ERR_CANCELLED, EINTR},
        {ERR_NO_MEMORY, ENOMEM},
        {ERR_LIMIT, EMFILE},
        {ERR_UNREACHABLE, EIO},
        {ERR_TIMED_OUT, EIO},
        {ERR_SERVER, EIO},
        {ERR_THROTTLED, EIO},
        {ERR_SIGNED_OUT, EIO},
        {ERR_CHANGED, EIO},
        {ERR_GONE, EIO},
        {ERR_PROTOCOL, EIO},
        {ERR_IO, EIO},
        {0, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        assert_int_equal(np_errno(pairs[i][0]), pairs[i][1]);
    }
}

static void np_start__refuses_a_folder_that_is_in_use(void **state)
{
    struct mounted *m = *state;
    struct error err = {0};
    char path[128];

    assert_int_equal(try_start(m, "relative/path", &err), ERR_INVALID);
    assert_int_equal(try_start(m, m->home, &err), 0);
    snprintf(path, sizeof(path), "%s/file", m->home);
    write_text(path, "x");
    assert_int_equal(try_start(m, m->home, &err), ERR_BUSY);
    assert_non_null(strstr(err.message, "not empty"));
    assert_true(try_start(m, path, &err) < 0);
    expect_text(path, "x");
    unlink(path);
    mounted_start(m, NULL);
    assert_int_equal(try_start(m, m->root, &err), ERR_BUSY);
    assert_int_equal(transport_check(m->transport, &err), 0); /* the first one lives */
    assert_int_equal(try_start(m, "/proc/self/../..//proc", &err), ERR_BUSY);
    assert_non_null(strstr(err.message, "'proc'"));
}

static void np_start__works_again_after_stop(void **state)
{
    struct mounted *m = *state;

    for (int i = 0; i < 5; i++) {
        struct stat st;

        mounted_start(m, NULL);
        write_text(mounted_path(m, "file"), "kept by the vfs");
        mounted_stop(m, 1000);
        assert_int_equal(stat(m->lib, &st), -1);
        assert_int_equal(errno, ENOENT);
    }
}

/* The mount of an agent that was killed: nobody can enter it, and the next agent takes it away. */
static void np_start__takes_the_mount_of_a_dead_agent_away(void **state)
{
    struct mounted *m = *state;
    char program[512];
    char output[128];
    char line[64] = "";
    const char *argv[] = {program, m->root, NULL};
    struct process_options options = {.argv = argv, .output_file = output, .dies_with_us = true};
    struct process *child = NULL;
    struct stat st;
    char *own = NULL;
    int status = 0;

    assert_int_equal(process_own_path(&own, NULL), 0);
    snprintf(program, sizeof(program), "%.*s/mount_memfs", (int)(strrchr(own, '/') - own), own);
    snprintf(output, sizeof(output), "%s/output", m->home);
    free(own);
    for (int round = 0; round < 2; round++) {
        int64_t until = clock_mono_ms(clock_system()) + 20000;

        unlink(output);
        assert_int_equal(process_start(&child, &options, NULL), 0);
        do {
            int fd = open(output, O_RDONLY | O_CLOEXEC);

            if (fd >= 0) {
                assert_true(read(fd, line, sizeof(line) - 1) >= 0);
                close(fd);
            }
            assert_true(clock_mono_ms(clock_system()) < until);
        } while (strncmp(line, "ready", 5) != 0);
        memset(line, 0, sizeof(line));
        assert_int_equal(kill((pid_t)process_id(child), SIGKILL), 0);
        assert_int_equal(process_wait(child, &status, 20000, NULL), 0);
        process_free(child);
        assert_int_equal(stat(m->root, &st), -1);
        assert_int_equal(errno, ENOTCONN);
        mounted_start(m, NULL);
        write_text(mounted_path(m, "file"), "alive");
        mounted_stop(m, 1000);
        assert_int_equal(stat(m->root, &st), 0);
    }
    unlink(output);
}

static void np_check__says_that_somebody_unmounted(void **state)
{
    struct mounted *m = *state;
    const char *const argv[] = {"fusermount3", "-u", m->root, NULL};
    struct error err = {0};

    mounted_start(m, NULL);
    assert_int_equal(transport_check(m->transport, &err), 0);
    assert_int_equal(run_program(argv), 0);
    assert_int_equal(transport_check(m->transport, &err), ERR_IO);
    assert_non_null(strstr(err.message, m->root));
    mounted_stop(m, 1000);
    mounted_start(m, NULL);
    assert_int_equal(transport_check(m->transport, &err), 0);
}

/* What the kernel had is given back when the mount ends, though the kernel says nothing. */
static void np_stop__gives_back_what_the_kernel_held(void **state)
{
    struct mounted *m = *state;
    struct vfs_space before;
    struct vfs_space after;
    struct stat st;
    int fd = -1;

    assert_int_equal(vfs_statfs(m->memory, &before, VFS_ROOT, NULL, NULL), 0);
    mounted_start(m, NULL);
    fd = open(mounted_path(m, "open"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, "unsaved", 7), 7);
    write_text(mounted_path(m, "known"), "content");
    assert_int_equal(stat(m->path, &st), 0);
    mounted_stop(m, 1000);
    assert_int_equal(write(fd, "x", 1), -1);
    close(fd);
    assert_int_equal(vfs_unlink(m->memory, m->library, "open", NULL, NULL), 0);
    assert_int_equal(vfs_unlink(m->memory, m->library, "known", NULL, NULL), 0);
    assert_int_equal(vfs_statfs(m->memory, &after, VFS_ROOT, NULL, NULL), 0);
    assert_int_equal(after.free_bytes, before.free_bytes);
}

static bool is_remembered(void *page)
{
    unsigned char is_there = 0;

    assert_int_equal(mincore(page, 1, &is_there), 0);
    return is_there & 1;
}

/* Nobody opens it again: the kernel gives up what it has because it is told. */
static void np_changes__end_what_the_kernel_has_of_a_file(void **state)
{
    struct mounted *m = *state;
    int64_t until = clock_mono_ms(clock_system()) + 60000;
    char *page = NULL;
    int fd = -1;

    mounted_start(m, NULL);
    write_text(mounted_path(m, "file"), "mine");
    fd = open(m->path, O_RDONLY | O_CLOEXEC);
    page = mmap(NULL, 1, PROT_READ, MAP_PRIVATE, fd, 0);
    assert_true(fd >= 0 && page != MAP_FAILED);
    assert_int_equal(page[0], 'm');
    assert_true(is_remembered(page));
    assert_int_equal(memfs_edit(m->memory, m->library, "file", "their", 5, NULL), 0);
    while (is_remembered(page)) {
        assert_true(clock_mono_ms(clock_system()) < until);
        (void)poll(NULL, 0, 10);
    }
    assert_int_equal(page[0], 'm'); /* and it is in its version */
    munmap(page, 1);
    close(fd);
}

/* Who opens what is open with the same bytes leaves the kernel what it has: it may be on its way yet,
 * and dropping it waits. Who opens it after a write gets what was written. */
static void np_open__keeps_the_pages_of_the_same_bytes(void **state)
{
    struct mounted *m = *state;
    char *page = NULL;
    char byte = 0;
    int first = -1;
    int second = -1;

    mounted_start(m, NULL);
    write_text(mounted_path(m, "file"), "mine");
    first = open(m->path, O_RDONLY | O_CLOEXEC);
    page = mmap(NULL, 1, PROT_READ, MAP_SHARED, first, 0);
    assert_true(first >= 0 && page != MAP_FAILED);
    assert_int_equal(page[0], 'm');
    second = open(m->path, O_RDONLY | O_CLOEXEC);
    assert_true(second >= 0);
    assert_true(is_remembered(page));
    close(second);
    write_text(m->path, "line");
    expect_text(m->path, "line");
    assert_int_equal(pread(first, &byte, 1, 0), 1);
    assert_int_equal(byte, 'l');
    assert_int_equal(page[0], 'l');
    munmap(page, 1);
    close(first);
}

struct reader {
    char path[256];
    int error; /* errno of the read; 0: it worked */
    pthread_t thread;
};

static void *stat_it(void *payload)
{
    struct reader *r = payload;
    struct stat st;

    r->error = stat(r->path, &st) < 0 ? errno : 0;
    return NULL;
}

/* The vfs waits for a minute; whoever asks it is let go, and nothing is left. */
static void np_stop__cancels_what_waits(void **state)
{
    struct memfs_options slow = {.delay_ms = 60000};
    struct transport_options options = {.deadline_ms = 120000};
    struct mounted *m = *state;
    struct reader r = {.error = -1};
    int64_t begin = 0;

    mounted_end(m);
    mounted_make(m, NULL);
    m->served = NULL;
    assert_int_equal(memfs_new(&m->served, &slow, NULL), 0);
    m->library = 2; /* never reached */
    mounted_start(m, &options);
    snprintf(r.path, sizeof(r.path), "%s/x", m->lib);
    assert_int_equal(pthread_create(&r.thread, NULL, stat_it, &r), 0);
    usleep(200000); /* so that it waits when we stop; either way the result is the same */
    begin = clock_mono_ms(clock_system());
    mounted_stop(m, 1000);
    pthread_join(r.thread, NULL);
    assert_true(clock_mono_ms(clock_system()) - begin < 20000);
    assert_true(r.error != 0);
    vfs_unref(m->served);
}

/* A vfs whose lookup hangs, whatever it is told, until the test lets it go. */
struct stuck {
    struct vfs base; /* must stay first */
    struct mutex lock;
    struct cond changed;
    bool is_inside;
    bool may_go;
    bool is_freed;
};

static int stuck_lookup(struct vfs *vfs, struct vfs_attr *out, uint64_t parent, const char *name,
                        const struct vfs_call *call, struct error *err)
{
    struct stuck *s = (struct stuck *)vfs;

    (void)out;
    (void)parent;
    (void)name;
    (void)call;
    mutex_lock(&s->lock);
    s->is_inside = true;
    cond_broadcast(&s->changed);
    while (!s->may_go) {
        cond_wait(&s->changed, &s->lock);
    }
    mutex_unlock(&s->lock);
    return error_set(err, ERR_NOT_FOUND, "there is nothing here");
}

static void stuck_free(struct vfs *vfs)
{
    struct stuck *s = (struct stuck *)vfs;

    mutex_lock(&s->lock);
    s->is_freed = true;
    cond_broadcast(&s->changed);
    mutex_unlock(&s->lock);
}

static void stuck_forget(struct vfs *vfs, uint64_t id, uint64_t count)
{
    (void)vfs;
    (void)id;
    (void)count;
}

static void await(struct stuck *s, const bool *flag)
{
    mutex_lock(&s->lock);
    while (!*flag) {
        if (!cond_wait_ms(&s->changed, &s->lock, 20000)) {
            break;
        }
    }
    assert_true(*flag);
    mutex_unlock(&s->lock);
}

static void np_stop__does_not_wait_for_what_hangs(void **state)
{
    static const struct vfs_ops ops = {
        .lookup = stuck_lookup, .forget = stuck_forget, .free = stuck_free};
    struct mounted *m = *state;
    struct stuck s = {.is_inside = false};
    struct reader r = {.error = -1};
    struct reader second = {.error = -1};
    int64_t begin = 0;

    vfs_init(&s.base, &ops);
    mutex_init(&s.lock);
    cond_init(&s.changed);
    m->served = &s.base;
    m->library = 2;
    mounted_start(m, NULL);
    snprintf(r.path, sizeof(r.path), "%s/x", m->lib);
    second = r;
    assert_int_equal(pthread_create(&r.thread, NULL, stat_it, &r), 0);
    await(&s, &s.is_inside);
    /* one that waits for the first one's lock in the kernel, with a note to the kernel behind it */
    assert_int_equal(pthread_create(&second.thread, NULL, stat_it, &second), 0);
    begin = clock_mono_ms(clock_system());
    mounted_stop(m, 300);
    assert_true(clock_mono_ms(clock_system()) - begin < 10000);
    pthread_join(r.thread, NULL); /* the program is let go, before the operation ends */
    pthread_join(second.thread, NULL);
    assert_true(r.error != 0);
    assert_int_equal(try_start(m, m->root, NULL), 0); /* and the place is free */
    mutex_lock(&s.lock);
    s.may_go = true;
    cond_broadcast(&s.changed);
    mutex_unlock(&s.lock);
    vfs_unref(&s.base);
    await(&s, &s.is_freed); /* what was left behind has been cleaned up */
    mutex_lock(&s.lock);
    mutex_unlock(&s.lock);
}

static void on_signal(int number)
{
    (void)number;
}

static void np_calls__end_when_the_program_is_interrupted(void **state)
{
    struct memfs_options slow = {.delay_ms = 60000};
    struct transport_options options = {.deadline_ms = 120000};
    struct sigaction action = {.sa_handler = on_signal};
    struct mounted *m = *state;
    struct reader r = {.error = -1};
    int64_t begin = clock_mono_ms(clock_system());

    sigaction(SIGUSR1, &action, NULL);
    assert_int_equal(memfs_new(&m->served, &slow, NULL), 0);
    m->library = 2;
    mounted_start(m, &options);
    snprintf(r.path, sizeof(r.path), "%s/x", m->lib);
    r.error = -1;
    assert_int_equal(pthread_create(&r.thread, NULL, stat_it, &r), 0);
    while (pthread_tryjoin_np(r.thread, NULL) == EBUSY) {
        pthread_kill(r.thread, SIGUSR1);
        usleep(20000);
        assert_true(clock_mono_ms(clock_system()) - begin < 20000);
    }
    assert_int_equal(r.error, EINTR);
    mounted_stop(m, 1000);
    vfs_unref(m->served);
}

static void np_calls__end_by_their_deadline(void **state)
{
    struct memfs_options slow = {.delay_ms = 60000};
    struct transport_options options = {.deadline_ms = 100};
    struct mounted *m = *state;
    struct stat st;

    assert_int_equal(memfs_new(&m->served, &slow, NULL), 0);
    m->library = 2;
    mounted_start(m, &options);
    assert_int_equal(stat(mounted_path(m, "x"), &st), -1);
    assert_int_equal(errno, EIO);
    assert_int_equal(stat(m->lib, &st), 0); /* the top levels do not wait for anybody */
    mounted_stop(m, 1000);
    vfs_unref(m->served);
}

static void np_mount__is_closed_to_other_users(void **state)
{
    struct mounted *m = *state;
    pid_t child = 0;
    int status = 0;

    if (getuid() != 0) {
        skip(); /* only root can be somebody else */
    }
    assert_int_equal(chmod(m->home, 0755), 0);
    mounted_start(m, NULL);
    child = fork();
    if (child == 0) {
        struct stat st;

        if (setgid(65534) < 0 || setuid(65534) < 0) {
            _exit(3);
        }
        _exit(stat(m->lib, &st) < 0 && errno == EACCES ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
#define ROW(test) cmocka_unit_test_setup_teardown(test, mounted_setup_unmounted, mounted_teardown)
        ROW(np_errors__are_the_table_of_the_header),
        ROW(np_start__refuses_a_folder_that_is_in_use),
        ROW(np_start__works_again_after_stop),
        ROW(np_start__takes_the_mount_of_a_dead_agent_away),
        ROW(np_check__says_that_somebody_unmounted),
        ROW(np_changes__end_what_the_kernel_has_of_a_file),
        ROW(np_open__keeps_the_pages_of_the_same_bytes),
        ROW(np_stop__gives_back_what_the_kernel_held),
        ROW(np_stop__cancels_what_waits),
        ROW(np_stop__does_not_wait_for_what_hangs),
        ROW(np_calls__end_when_the_program_is_interrupted),
        ROW(np_calls__end_by_their_deadline),
        ROW(np_mount__is_closed_to_other_users),
#undef ROW
    };
    int failed = 0;

    watchdog_start(100);
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    if (!mounted_is_possible()) {
        return 77;
    }
    failed = transport_contract_run("np");
    failed += cmocka_run_group_tests_name("np", tests, NULL, NULL);
    return failed ? 1 : 0;
}
