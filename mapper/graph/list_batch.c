/*
 * list_batch.c - several pages in one round trip: a token for changes and the first page after it,
 * or the first pages of several folders.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "graph/client.h"
#include "graph/parse.h"
#include "graph/request.h"
#include "graph/retry.h"
#include "graph/token.h"
#include "mapper/graph.h"

static int children_url(char **out, const char *drive_id, const char *folder_id, unsigned page_size,
                        struct error *err)
{
    char tail[512];

    snprintf(tail, sizeof(tail), "/children?$top=%u&" REQUEST_SELECT_CHILDREN, page_size);
    return request_part_url(out, drive_id, folder_id, tail, err);
}

/* While one part is told to wait, all traffic to the tenant waits (graph-facts section 4). */
static void heed_throttling(struct account *account, const struct graph_page *pages, size_t count)
{
    int64_t pause_ms = 0;

    for (size_t i = 0; i < count; i++) {
        int64_t own_ms = retry_part_pause(pages[i].status, pages[i].retry_after_ms);

        pause_ms = own_ms > pause_ms ? own_ms : pause_ms;
    }
    if (pause_ms > 0) {
        governor_pause(graph_governor(account_graph(account)), account_scope(account), pause_ms);
    }
}

static int send_pages(struct graph_page *pages, size_t count, struct account *account, char *body,
                      bool has_delta, const struct call *call, struct error *err)
{
    struct graph_request request = {
        .method = "POST",
        .body = body,
        .cost_ru =
            (uint32_t)count * COST_LIST - (has_delta ? COST_LIST - COST_DELTA_WITH_TOKEN : 0u),
        .is_idempotent = true, /* it only reads */
    };
    struct http_response response = {0};
    char *url = NULL;
    int code = str_format(&url, err, "%s/v1.0/$batch", account_graph_url(account));

    if (code == 0) {
        request.url = url;
        code = graph_send(&response, account, &request, call, err);
    }
    if (code == 0) {
        code = parse_pages(pages, count, has_delta, response.body.data, response.body.size,
                           clock_wall_ms(clock_system()), err);
        heed_throttling(account, pages, count);
    }
    http_response_clear(&response);
    free(url);
    return code;
}

void graph_pages_clear(struct graph_page *pages, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        graph_items_clear(&pages[i].items);
    }
}

int graph_list_folders(struct graph_page *pages, struct account *account, const char *drive_id,
                       const char *const *folder_ids, size_t count, unsigned page_size,
                       const struct call *call, struct error *err)
{
    char *urls[GRAPH_PAGES_MAX] = {NULL};
    char *body = NULL;
    int code = 0;

    memset(pages, 0, count * sizeof(*pages));
    if (count == 0 || count > GRAPH_PAGES_MAX) {
        return error_set(err, ERR_LIMIT, "%zu folders do not fit one batch", count);
    }
    for (size_t i = 0; i < count && code == 0; i++) {
        code = children_url(&urls[i], drive_id, folder_ids[i], page_size, err);
    }
    if (code == 0) {
        code = request_pages_body(&body, (const char *const *)urls, count, false, err);
    }
    if (code == 0) {
        code = send_pages(pages, count, account, body, false, call, err);
    }
    if (code < 0) {
        graph_pages_clear(pages, count);
    }
    for (size_t i = 0; i < count; i++) {
        free(urls[i]);
    }
    free(body);
    return code;
}

/* Worth asking again by itself, with the governor's patience. */
static bool is_passing(const struct graph_page *page)
{
    return page->status == 0 || page->status == 408 || page->status == 429 || page->status >= 500;
}

int graph_list_latest(struct graph_items *out, bool *is_listed, char **link,
                      struct account *account, const char *drive_id, const char *folder_id,
                      unsigned page_size, const struct call *call, struct error *err)
{
    struct graph_page pages[2] = {{.status = 0}, {.status = 0}};
    char *urls[2] = {NULL};
    char *body = NULL;
    int code =
        request_part_url(&urls[0], drive_id, NULL, "/delta?token=latest&" REQUEST_SELECT, err);

    memset(out, 0, sizeof(*out));
    *is_listed = false;
    if (code == 0) {
        code = children_url(&urls[1], drive_id, folder_id, page_size, err);
    }
    if (code == 0) {
        code = request_pages_body(&body, (const char *const *)urls, 2, true, err);
    }
    if (code == 0) {
        code = send_pages(pages, 2, account, body, true, call, err);
    }
    if (code == 0 && pages[0].code < 0 && !is_passing(&pages[0])) {
        code = pages[0].code;
        if (err) {
            *err = pages[0].err;
        }
    }
    /* A token that needs more pages is newer than the listing. */
    if (code == 0 && pages[0].code == 0 && pages[0].items.delta_link) {
        *link = pages[0].items.delta_link;
        pages[0].items.delta_link = NULL;
        if (pages[1].code == 0) {
            *out = pages[1].items;
            pages[1].items = (struct graph_items){0};
            *is_listed = true;
        }
    }
    graph_pages_clear(pages, 2);
    free(urls[0]);
    free(urls[1]);
    free(body);
    return code;
}
