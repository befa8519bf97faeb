#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "graph/client.h"
#include "graph/gather.h"
#include "graph/page.h"
#include "graph/parse.h"
#include "graph/request.h"
#include "graph/token.h"
#include "mapper/graph.h"

#define PAGE_DEFAULT 200

/* --- reading --- */

static void read_more(void *payload, const char *body, size_t size)
{
    page_more(payload, body, size);
}

/* The page at `url`, read while it arrives. */
static int get_page(struct graph_items *out, struct account *account, const char *url,
                    uint32_t cost_ru, bool is_delta, const struct call *call, struct error *err)
{
    struct page_reader reader;
    struct graph_request request = {
        .method = "GET",
        .url = url,
        .cost_ru = cost_ru,
        .reader = {.on_more = read_more, .payload = &reader},
        .is_idempotent = true,
        .is_single_flight = true,
    };
    struct http_response response = {0};
    int code;

    page_begin(&reader, is_delta);
    code = graph_send(&response, account, &request, call, err);
    if (code == 0) {
        code = page_end(out, &reader, response.body.data, response.body.size, err);
    } else {
        page_clear(&reader);
    }
    http_response_clear(&response);
    return code;
}

int graph_list_children(struct graph_items *out, struct account *account, const char *drive_id,
                        const char *folder_id, const char *next_link, unsigned page_size,
                        const struct call *call, struct error *err)
{
    char tail[512];
    char *url = NULL;
    int code = 0;

    memset(out, 0, sizeof(*out));
    if (!next_link) {
        snprintf(tail, sizeof(tail), "/children?$top=%u&" REQUEST_SELECT_CHILDREN,
                 page_size ? page_size : PAGE_DEFAULT);
        code = request_item_url(&url, account_graph_url(account), drive_id, folder_id, tail, err);
    }
    if (code == 0) {
        code = get_page(out, account, next_link ? next_link : url, COST_LIST, false, call, err);
    }
    free(url);
    return code;
}

int graph_delta(struct graph_items *out, struct account *account, const char *drive_id,
                const char *link, bool is_latest, const struct call *call, struct error *err)
{
    const char *tail = is_latest ? "/delta?token=latest&" REQUEST_SELECT : "/delta?" REQUEST_SELECT;
    char *url = NULL;
    int code = 0;

    memset(out, 0, sizeof(*out));
    if (!link) {
        code = request_item_url(&url, account_graph_url(account), drive_id, NULL, tail, err);
    }
    if (code == 0) {
        code = get_page(out, account, link ? link : url,
                        link || is_latest ? COST_DELTA_WITH_TOKEN : COST_LIST, true, call, err);
    }
    free(url);
    return code;
}

/* Asks for the one item at `url` and frees `url`. */
static int get_one(struct graph_item *out, struct account *account, char *url,
                   const struct call *call, struct error *err)
{
    struct http_response response = {0};
    int code = graph_get(&response, account, url, COST_ITEM, call, err);

    if (code == 0) {
        code = parse_item(out, response.body.data, response.body.size, err);
    }
    http_response_clear(&response);
    free(url);
    return code;
}

int graph_get_item(struct graph_item *out, struct account *account, const char *drive_id,
                   const char *item_id, const struct call *call, struct error *err)
{
    char *url = NULL;
    int code = request_item_url(&url, account_graph_url(account), drive_id, item_id,
                                "?" REQUEST_SELECT_ONE, err);

    memset(out, 0, sizeof(*out));
    return code == 0 ? get_one(out, account, url, call, err) : code;
}

int graph_get_child(struct graph_item *out, struct account *account, const char *drive_id,
                    const char *folder_id, const char *name, const struct call *call,
                    struct error *err)
{
    char *url = NULL;
    int code = request_child_url(&url, account_graph_url(account), drive_id, folder_id, name,
                                 "?" REQUEST_SELECT_ONE, err);

    memset(out, 0, sizeof(*out));
    return code == 0 ? get_one(out, account, url, call, err) : code;
}

int graph_get_item_by_path(struct graph_item *out, struct account *account, const char *drive_id,
                           const char *path, const struct call *call, struct error *err)
{
    char *url = NULL;
    int code = request_path_url(&url, account_graph_url(account), drive_id, path,
                                "?" REQUEST_SELECT_ONE, err);

    memset(out, 0, sizeof(*out));
    return code == 0 ? get_one(out, account, url, call, err) : code;
}

/* --- writing --- */

/* The folder that an earlier attempt of ours made, whose answer was lost: empty, and there. */
static int adopt_folder(struct graph_item *out, struct account *account, const char *drive_id,
                        const char *parent_id, const char *name, const struct call *call)
{
    struct graph_item found = {0};
    int code = graph_get_child(&found, account, drive_id, parent_id, name, call, NULL);

    if (code == 0 && found.kind == GRAPH_FOLDER && found.child_count <= 0) {
        *out = found;
        return 0;
    }
    graph_item_clear(&found);
    return ERR_EXISTS;
}

int graph_create_folder(struct graph_item *out, struct account *account, const char *drive_id,
                        const char *parent_id, const char *name, const struct call *call,
                        struct error *err)
{
    struct graph_request request = {
        .method = "POST",
        .cost_ru = COST_WRITE,
        .is_idempotent = true, /* made so by adopt_folder() */
        .is_naming = true,
    };
    struct http_response response = {0};
    char *url = NULL;
    char *body = NULL;
    int code;

    memset(out, 0, sizeof(*out));
    code =
        request_item_url(&url, account_graph_url(account), drive_id, parent_id, "/children", err);
    if (code == 0) {
        code = request_folder_body(&body, name, err);
    }
    if (code == 0) {
        request.url = url;
        request.body = body;
        code = graph_send_gathered(&response, account, &request, call, err);
    }
    if (code == 0) {
        code = parse_item(out, response.body.data, response.body.size, err);
    } else if (code == ERR_EXISTS && response.attempts > 1) {
        code = adopt_folder(out, account, drive_id, parent_id, name, call);
    }
    http_response_clear(&response);
    free(url);
    free(body);
    return code;
}

int graph_update_item(struct graph_item *out, struct account *account, const char *drive_id,
                      const char *item_id, const struct graph_update *update,
                      const struct call *call, struct error *err)
{
    struct graph_request request = {
        .method = "PATCH",
        .if_match = update->if_match,
        .cost_ru = COST_WRITE,
        .is_idempotent = !update->if_match, /* our own first attempt would have changed the tag */
        .is_naming = update->name != NULL,
    };
    struct http_response response = {0};
    char *url = NULL;
    char *body = NULL;
    int code;

    memset(out, 0, sizeof(*out));
    code = request_item_url(&url, account_graph_url(account), drive_id, item_id, NULL, err);
    if (code == 0) {
        code = request_update_body(&body, update, err);
    }
    if (code == 0) {
        request.url = url;
        request.body = body;
        code = graph_send_gathered(&response, account, &request, call, err);
    }
    if (code == 0) {
        code = parse_item(out, response.body.data, response.body.size, err);
    }
    http_response_clear(&response);
    free(url);
    free(body);
    return code;
}

int graph_delete_item(struct account *account, const char *drive_id, const char *item_id,
                      const struct call *call, struct error *err)
{
    struct graph_request request = {
        .method = "DELETE",
        .cost_ru = COST_WRITE,
        .is_idempotent = true,
    };
    struct http_response response = {0};
    char *url = NULL;
    int code = request_item_url(&url, account_graph_url(account), drive_id, item_id, NULL, err);

    if (code == 0) {
        request.url = url;
        code = graph_send_gathered(&response, account, &request, call, err);
    }
    if (code == ERR_NOT_FOUND && response.attempts > 1) {
        error_clear(err); /* an earlier attempt did it, and its answer was lost */
        code = 0;
    }
    http_response_clear(&response);
    free(url);
    return code;
}
