#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"

struct process {
    pid_t pid;
    bool has_ended;
    int status;
};

/* In the child. Only async-signal-safe calls: other threads' locks may be held for ever here. */
static void become(const struct process_options *options, char *const *environment, pid_t parent)
{
    sigset_t none;
    int in = open("/dev/null", O_RDONLY);

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (options->dies_with_us) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != parent) {
            _exit(127);
        }
    }
    if (options->is_own_group) {
        setpgid(0, 0);
    }
    if (in >= 0) {
        dup2(in, STDIN_FILENO);
        close(in);
    }
    if (options->output_file) {
        int out = open(options->output_file, O_WRONLY | O_CREAT | O_APPEND, 0600);

        if (out < 0) {
            _exit(127);
        }
        dup2(out, STDOUT_FILENO);
        dup2(out, STDERR_FILENO);
        close(out);
    }
    execvpe(options->argv[0], (char *const *)options->argv, environment);
    _exit(127);
}

static bool is_same_name(const char *entry, const char *added)
{
    size_t length = strcspn(added, "=");

    return strncmp(entry, added, length) == 0 && entry[length] == '=';
}

/* Our environment with `add` over it; the array is the caller's, the strings are lent. */
static char **merge_environment(const char *const *add)
{
    size_t count = 0;
    size_t used = 0;
    char **merged;

    for (char **e = environ; *e; e++) {
        count++;
    }
    for (const char *const *a = add; a && *a; a++) {
        count++;
    }
    merged = calloc(count + 1, sizeof(*merged));
    if (!merged) {
        return NULL;
    }
    for (char **e = environ; *e; e++) {
        bool is_replaced = false;

        for (const char *const *a = add; a && *a; a++) {
            is_replaced = is_replaced || is_same_name(*e, *a);
        }
        if (!is_replaced) {
            merged[used++] = *e;
        }
    }
    for (const char *const *a = add; a && *a; a++) {
        merged[used++] = (char *)*a;
    }
    return merged;
}

int process_start(struct process **out, const struct process_options *options, struct error *err)
{
    struct process *process = calloc(1, sizeof(*process));
    char **environment = merge_environment(options->environment_add);
    pid_t parent = getpid();
    int code = 0;

    if (!process || !environment) {
        code = error_set(err, ERR_NO_MEMORY, "no memory to start '%s'", options->argv[0]);
        goto out;
    }
    process->pid = fork();
    if (process->pid < 0) {
        code = error_set_os(err, ERR_IO, errno, "cannot start '%s'", options->argv[0]);
        goto out;
    }
    if (process->pid == 0) {
        become(options, environment, parent);
    }
    *out = process;
    process = NULL;
out:
    free(environment);
    free(process);
    return code;
}

int process_wait(struct process *process, int *status, int64_t wait_ms, struct error *err)
{
    const struct timespec pause = {.tv_nsec = 10 * 1000 * 1000};
    int64_t end = clock_mono_ms(clock_system()) + wait_ms;
    int raw;

    while (!process->has_ended) {
        pid_t got = waitpid(process->pid, &raw, WNOHANG);

        if (got == process->pid || (got < 0 && errno == ECHILD)) {
            process->has_ended = true;
            process->status = got < 0            ? 0
                              : WIFEXITED(raw)   ? WEXITSTATUS(raw)
                              : WIFSIGNALED(raw) ? 128 + WTERMSIG(raw)
                                                 : 1;
        } else if (clock_mono_ms(clock_system()) >= end) {
            return error_set(err, ERR_TIMED_OUT, "the program still runs");
        } else {
            nanosleep(&pause, NULL);
        }
    }
    *status = process->status;
    return 0;
}

void process_stop(struct process *process, int64_t wait_ms)
{
    int status;

    if (!process || process->has_ended) {
        return;
    }
    kill(process->pid, SIGTERM);
    if (process_wait(process, &status, wait_ms, NULL) != 0) {
        kill(process->pid, SIGKILL);
        process_wait(process, &status, 5000, NULL);
    }
}

void process_free(struct process *process)
{
    free(process);
}

uint32_t process_id(const struct process *process)
{
    return (uint32_t)process->pid;
}

int process_own_path(char **out, struct error *err)
{
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
    char *copy;

    if (length < 0) {
        return error_set_os(err, ERR_IO, errno, "cannot find the path of this program");
    }
    path[length] = '\0';
    copy = strdup(path);
    if (!copy) {
        return error_set(err, ERR_NO_MEMORY, "no memory for a path");
    }
    free(*out);
    *out = copy;
    return 0;
}

int process_own_folder(char **out, struct error *err)
{
    char *path = NULL;
    int code = process_own_path(&path, err);

    if (path) {
        const char *slash = strrchr(path, '/');

        code = str_copy_n(out, path, slash ? (size_t)(slash - path) : 0, err);
    }
    free(path);
    return code;
}

void process_keep_small(void)
{
#if defined(__GLIBC__)
    mallopt(M_ARENA_MAX, 1); /* any other grows by 4 KiB at a time, each of them a system call */
    mallopt(M_MMAP_THRESHOLD, 128 << 10);
    mallopt(M_TRIM_THRESHOLD, 128 << 10);
#endif
}

void process_give_back(void)
{
#if defined(__GLIBC__)
    malloc_trim(0);
#endif
}

void process_harden(void)
{
}

int process_arguments(int *argc, char ***argv, struct error *err)
{
    (void)argc;
    (void)argv;
    (void)err;
    return 0;
}

static void stop_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
}

void process_block_stop(void)
{
    sigset_t set;

    stop_signals(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

enum process_event process_wait_for_stop(int64_t wait_ms)
{
    struct timespec wait = {.tv_sec = (time_t)(wait_ms / 1000),
                            .tv_nsec = (long)(wait_ms % 1000) * 1000000};
    sigset_t set;
    int got;

    stop_signals(&set);
    got = sigtimedwait(&set, NULL, &wait);
    if (got == SIGHUP) {
        return PROCESS_RELOAD;
    }
    return got > 0 ? PROCESS_STOP : PROCESS_NOTHING;
}

void process_request_stop(void)
{
    kill(getpid(), SIGTERM);
}
