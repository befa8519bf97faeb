#include "reqlog.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util.h"

void reqlog_open(struct reqlog *l, const char *path)
{
    *l = (struct reqlog){.first = 1};
    pthread_mutex_init(&l->lock, NULL);
    l->file = fopen(path, "we");
    if (!l->file) {
        die("cannot write '%s'", path);
    }
    setvbuf(l->file, NULL, _IOLBF, 1 << 14);
}

static void drop_lines(struct reqlog *l, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(l->lines[i]);
    }
    l->n_lines -= n;
    memmove(l->lines, l->lines + n, l->n_lines * sizeof(*l->lines));
    l->first += (int64_t)n;
}

void reqlog_close(struct reqlog *l)
{
    if (l->n_lines > 0) {
        drop_lines(l, l->n_lines);
    }
    free(l->lines);
    l->lines = NULL;
    fclose(l->file);
}

void reqlog_clear(struct reqlog *l)
{
    pthread_mutex_lock(&l->lock);
    if (l->n_lines > 0) {
        drop_lines(l, l->n_lines);
    }
    rewind(l->file);
    if (ftruncate(fileno(l->file), 0) != 0) {
        die("cannot truncate requests.log");
    }
    pthread_mutex_unlock(&l->lock);
}

void reqlog_add(struct reqlog *l, cJSON *entry)
{
    char *line;

    pthread_mutex_lock(&l->lock);
    if (l->n_lines == REQLOG_MAX) {
        drop_lines(l, REQLOG_MAX / 10);
    }
    if (l->n_lines == l->cap_lines) {
        l->cap_lines = l->cap_lines ? l->cap_lines * 2 : 256;
        l->lines = xrealloc(l->lines, l->cap_lines * sizeof(*l->lines));
    }
    cJSON_AddNumberToObject(entry, "n", (double)(l->first + (int64_t)l->n_lines));
    line = cJSON_PrintUnformatted(entry);
    fprintf(l->file, "%s\n", line);
    l->lines[l->n_lines++] = line;
    pthread_mutex_unlock(&l->lock);
    cJSON_Delete(entry);
}

char *reqlog_text(struct reqlog *l, int64_t since)
{
    struct strbuf out = {0};
    const char *comma = "";
    int64_t next;

    pthread_mutex_lock(&l->lock);
    next = l->first + (int64_t)l->n_lines;
    sb_printf(&out, "{\"next\":%lld,\"requests\":[", (long long)next);
    for (size_t i = since > l->first ? (size_t)(since - l->first) : 0; i < l->n_lines; i++) {
        sb_puts(&out, comma);
        sb_puts(&out, l->lines[i]);
        comma = ",\n";
    }
    pthread_mutex_unlock(&l->lock);
    sb_puts(&out, "]}");
    return sb_take(&out);
}

char *reqlog_query(const char *query)
{
    static const char *const secret[] = {
        "tempauth=", "code=", "sso_nonce=", "access_token=", "refresh_token="};
    struct strbuf out = {0};

    while (query && *query != '\0') {
        size_t len = strcspn(query, "&");
        size_t keep = len;

        for (size_t i = 0; i < COUNT_OF(secret); i++) {
            if (str_starts(query, secret[i])) {
                keep = strlen(secret[i]);
            }
        }
        sb_add(&out, query, keep);
        sb_puts(&out, keep < len ? "..." : "");
        query += len;
        if (*query == '&') {
            sb_puts(&out, "&");
            query++;
        }
    }
    return sb_take(&out);
}
