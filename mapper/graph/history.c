/*
 * history.c - the versions of a file: who made them, restoring one, reading one (graph-facts 2.11).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "base/clock.h"
#include "base/str.h"
#include "graph/client.h"
#include "graph/parse_doors.h"
#include "graph/read_range.h"
#include "graph/request.h"
#include "graph/token.h"
#include "mapper/graph_doors.h"

#define PAGES_MAX 100
#define PIECE_BYTES ((size_t)4 << 20)
#define PIECE_MS 60000

void graph_history_clear(struct graph_history *history)
{
    for (size_t i = 0; i < history->count; i++) {
        free(history->entries[i].id);
        free(history->entries[i].user);
    }
    free(history->entries);
    *history = (struct graph_history){0};
}

/* The newest come first; whether the service ever sends more than one page of them is not known. */
int graph_list_history(struct graph_history *out, struct account *account, const char *drive_id,
                       const char *item_id, const struct call *call, struct error *err)
{
    char *url = NULL;
    int code =
        request_item_url(&url, account_graph_url(account), drive_id, item_id, "/versions", err);

    memset(out, 0, sizeof(*out));
    for (int page = 0; code == 0 && url && page < PAGES_MAX && !out->has_more; page++) {
        struct http_response response = {0};

        code = graph_get(&response, account, url, COST_LIST, call, err);
        str_free(&url);
        if (code == 0) {
            code = parse_history(out, &url, response.body.data, response.body.size, err);
        }
        http_response_clear(&response);
    }
    out->has_more = out->has_more || url;
    if (code < 0) {
        graph_history_clear(out);
    }
    free(url);
    return code;
}

/* ".../versions/3.0" + tail. */
static int version_url(char **out, struct account *account, const char *drive_id,
                       const char *item_id, const char *version_id, const char *tail,
                       struct error *err)
{
    char *id = NULL;
    char *rest = NULL;
    int code = *version_id && strcmp(version_id, ".") != 0 && strcmp(version_id, "..") != 0
                   ? str_percent_encode(&id, version_id, false, err)
                   : error_set(err, ERR_INVALID, "'%.40s' is no version", version_id);

    if (code == 0) {
        code = str_format(&rest, err, "/versions/%s%s", id, tail);
    }
    if (code == 0) {
        code = request_item_url(out, account_graph_url(account), drive_id, item_id, rest, err);
    }
    free(id);
    free(rest);
    return code;
}

int graph_restore_version(struct account *account, const char *drive_id, const char *item_id,
                          const char *version_id, const struct call *call, struct error *err)
{
    struct graph_request request = {.method = "POST", .body = "{}", .cost_ru = COST_WRITE};
    struct http_response response = {0};
    char *url = NULL;
    int code = version_url(&url, account, drive_id, item_id, version_id, "/restoreVersion", err);

    if (code == 0) {
        request.url = url;
        code = graph_send(&response, account, &request, call, err);
    }
    http_response_clear(&response);
    free(url);
    return code;
}

/* The address of its bytes, without any token: a secret. */
static int content_url(char **out, struct account *account, const char *url,
                       const struct call *call, struct error *err)
{
    struct graph_request request = {.method = "GET",
                                    .url = url,
                                    .cost_ru = COST_DOWNLOAD,
                                    .is_idempotent = true,
                                    .keeps_redirect = true};
    struct http_response response = {0};
    int code = graph_send(&response, account, &request, call, err);

    if (code == 0 && response.status / 100 != 3) {
        code = error_set(err, ERR_PROTOCOL, "the service did not say where the version is");
    }
    if (code == 0) {
        code = response.location && str_starts_with(response.location, "https://")
                   ? str_copy(out, response.location, err)
                   : error_set(err, ERR_PROTOCOL, "the version is at no address of the web");
    }
    http_response_clear(&response);
    return code;
}

int graph_read_version(struct account *account, const char *drive_id, const char *item_id,
                       const char *version_id, uint64_t size_bytes, graph_write_fn write,
                       void *payload, const struct call *call, struct error *err)
{
    struct call piece = call ? *call : (struct call){0};
    char *data = malloc(PIECE_BYTES);
    char *address = NULL;
    char *url = NULL;
    int code = data ? version_url(&address, account, drive_id, item_id, version_id, "/content", err)
                    : error_set(err, ERR_NO_MEMORY, "no memory for a version");

    if (code == 0) {
        code = content_url(&url, account, address, call, err);
    }
    for (uint64_t at = 0; code == 0 && at < size_bytes;) {
        size_t want = size_bytes - at < PIECE_BYTES ? (size_t)(size_bytes - at) : PIECE_BYTES;
        size_t got = 0;

        if (!call || !call->deadline_ms) {
            piece.deadline_ms = clock_mono_ms(clock_system()) + PIECE_MS;
        }
        /* no id: when the address is refused, what comes by an id would be the current version */
        code = read_range_from(account, drive_id, "", url, data, want, at, &got, &piece, err);
        if (code == 0 && got == 0) {
            code = error_set(err, ERR_PROTOCOL, "the version ends before its end");
        }
        if (code == 0) {
            code = write(payload, data, got, err);
            at += got;
        }
    }
    secret_free(&url);
    free(address);
    free(data);
    return code;
}
