/*
 * log.h - lines for the administrator and the helpdesk. Safe from any thread.
 *
 * One line = time, level, component, text. Library code returns errors and does not log (debug
 * trace excepted); the agent and the loops that swallow an error log it, once. Names and paths
 * stand in single quotes; tokens, codes and preauthenticated URLs never; paths of users only at
 * debug.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum log_level { LOG_LEVEL_OFF, LOG_LEVEL_ERROR, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

enum log_component {
    LOG_BASE,
    LOG_POLICY,
    LOG_SIGNIN,
    LOG_GRAPH,
    LOG_DISCOVER,
    LOG_PLAN,
    LOG_VFS,
    LOG_TRANSPORT,
    LOG_AGENT,
    LOG_COMPONENTS
};

struct log_options {
    enum log_level level;
    const char *directory; /* borrowed; NULL: no file. Made 0700 when missing */
    const char *name;      /* file name without ending, e.g. "mooring" */
    size_t max_bytes;      /* a file that would pass this is rotated */
    int max_files;         /* the current one included */
    bool to_stderr;
};

/* Opens the log, or changes it while in use. Until then lines go to stderr at LOG_LEVEL_ERROR. Not
 * being able to write the file is an error here and never later: a full disk must not stop the
 * agent. */
int log_open(const struct log_options *options, struct error *err);
void log_close(void);
void log_set_level(enum log_level level);
bool log_is_on(enum log_level level);

void log_write(enum log_level level, enum log_component component, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* "text: sentence of the error [NAME]". `err` may be NULL. */
void log_error(enum log_component component, const struct error *err, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

#define log_info(component, ...) log_write(LOG_LEVEL_INFO, component, __VA_ARGS__)
#define log_debug(component, ...)                               \
    do {                                                        \
        if (log_is_on(LOG_LEVEL_DEBUG)) {                       \
            log_write(LOG_LEVEL_DEBUG, component, __VA_ARGS__); \
        }                                                       \
    } while (0)

#endif
