/*
 * reqlog.h - what was asked of the server: one JSON line a request, in memory and in requests.log.
 *
 * Secrets in queries (tempauth, code, tokens) are blanked; bodies are never logged.
 */
#ifndef TENANT_REQLOG_H
#define TENANT_REQLOG_H

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <cjson/cJSON.h>

#define REQLOG_MAX 500000 /* entries in memory; older ones are in the file only */

struct reqlog {
    pthread_mutex_t lock;
    FILE *file;
    char **lines; /* those since first */
    size_t n_lines, cap_lines;
    int64_t first; /* number of lines[0]; numbers begin with 1 */
};

void reqlog_open(struct reqlog *l, const char *path);
void reqlog_close(struct reqlog *l);
void reqlog_clear(struct reqlog *l); /* memory and file; numbers go on */

/* Takes over the entry; adds its number "n". */
void reqlog_add(struct reqlog *l, cJSON *entry);

/* {"next": N, "requests": [...]}: the entries with a number >= since. The text is JSON already. */
char *reqlog_text(struct reqlog *l, int64_t since);

/* The query with secrets blanked, for the caller to free. */
char *reqlog_query(const char *query);

#endif
