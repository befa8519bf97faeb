#include "base/log.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"

/* The one piece of process-wide state: a log has to be reachable from everywhere. */
static struct {
    pthread_mutex_t mutex; /* guards everything below but the level */
    atomic_int level;
    FILE *file;
    char *path;
    size_t size;
    size_t max_bytes;
    int max_files;
    bool to_stderr;
} log_state = {.mutex = PTHREAD_MUTEX_INITIALIZER, .level = LOG_LEVEL_ERROR, .to_stderr = true};

static const char *const component_names[LOG_COMPONENTS] = {
    "base", "policy", "sign-in", "graph", "discover", "plan", "vfs", "transport", "agent"};
static const char *const level_names[] = {"off", "error", "info", "debug"};

static void close_file(void)
{
    if (log_state.file) {
        fclose(log_state.file);
        log_state.file = NULL;
    }
    str_free(&log_state.path);
}

static int open_file(struct error *err)
{
    int64_t size = 0;

    log_state.file = file_open_stream(log_state.path, "ae", err);
    if (!log_state.file) {
        return err ? err->code : ERR_IO;
    }
    if (file_size(log_state.path, &size, NULL) == 0) {
        log_state.size = (size_t)size;
    }
    return 0;
}

int log_open(const struct log_options *options, struct error *err)
{
    int code = 0;

    pthread_mutex_lock(&log_state.mutex);
    close_file();
    log_state.to_stderr = options->to_stderr;
    log_state.max_bytes = options->max_bytes;
    log_state.max_files = options->max_files;
    atomic_store(&log_state.level, options->level);
    if (options->directory) {
        code = file_make_directories(options->directory, err);
        if (code == 0) {
            code = str_format(&log_state.path, err, "%s/%s.log", options->directory, options->name);
        }
        if (code == 0) {
            code = open_file(err);
        }
    }
    pthread_mutex_unlock(&log_state.mutex);
    return code;
}

void log_close(void)
{
    pthread_mutex_lock(&log_state.mutex);
    close_file();
    log_state.to_stderr = true;
    pthread_mutex_unlock(&log_state.mutex);
}

void log_set_level(enum log_level level)
{
    atomic_store(&log_state.level, level);
}

bool log_is_on(enum log_level level)
{
    return level != LOG_LEVEL_OFF && (int)level <= atomic_load(&log_state.level);
}

/* mooring.log -> mooring.1.log -> mooring.2.log ... the oldest goes. Failures leave the file
 * growing: better than no log. */
static void rotate(void)
{
    size_t stem = strlen(log_state.path) - strlen(".log");

    fclose(log_state.file);
    log_state.file = NULL;
    for (int i = log_state.max_files - 1; i >= 1; i--) {
        char *from = NULL;
        char *to = NULL;

        if (str_format(&to, NULL, "%.*s.%d.log", (int)stem, log_state.path, i) == 0 &&
            (i == 1
                 ? str_copy(&from, log_state.path, NULL)
                 : str_format(&from, NULL, "%.*s.%d.log", (int)stem, log_state.path, i - 1)) == 0) {
            file_rename(from, to, NULL);
        }
        free(from);
        free(to);
    }
    if (log_state.max_files <= 1) {
        file_remove(log_state.path, NULL);
    }
    log_state.size = 0;
    open_file(NULL);
}

static void write_line(enum log_level level, enum log_component component, const char *text)
{
    char line[1400];
    char now[40];
    int length;

    clock_format_iso(now, sizeof(now), clock_wall_ms(clock_system()));
    length = snprintf(line, sizeof(line), "%s %-5s %-9s %s", now, level_names[level],
                      component_names[component], text);
    if (length < 0) {
        return;
    }
    if ((size_t)length >= sizeof(line) - 1) {
        length = (int)sizeof(line) - 2;
    }
    for (int i = 0; i < length; i++) {
        /* one event, one line: what others made up (names, server texts) must not forge a second
         * one */
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7F) {
            line[i] = ' ';
        }
    }
    line[length++] = '\n';
    pthread_mutex_lock(&log_state.mutex);
    if (log_state.file && log_state.max_bytes &&
        log_state.size + (size_t)length > log_state.max_bytes) {
        rotate();
    }
    if (log_state.file) {
        fwrite(line, 1, (size_t)length, log_state.file);
        fflush(log_state.file);
        log_state.size += (size_t)length;
    }
    if (log_state.to_stderr) {
        fwrite(line, 1, (size_t)length, stderr);
    }
    pthread_mutex_unlock(&log_state.mutex);
}

void log_write(enum log_level level, enum log_component component, const char *fmt, ...)
{
    char text[1200];
    va_list args;

    if (!log_is_on(level)) {
        return;
    }
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    write_line(level, component, text);
}

void log_error(enum log_component component, const struct error *err, const char *fmt, ...)
{
    char text[1200];
    size_t used;
    va_list args;

    if (!log_is_on(LOG_LEVEL_ERROR)) {
        return;
    }
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    used = strlen(text);
    if (err && err->code) {
        snprintf(text + used, sizeof(text) - used, ": %s [%s]", err->message,
                 error_name(err->code));
    }
    write_line(LOG_LEVEL_ERROR, component, text);
}
