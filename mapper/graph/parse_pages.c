#include <string.h>

#include "base/str.h"
#include "graph/fault.h"
#include "graph/json.h"
#include "graph/parse.h"
#include "graph/parse_json.h"

/* The service's code is in the body of a part that failed. */
static int read_fault(struct graph_page *page, const cJSON *body)
{
    char *text = cJSON_IsObject(body) ? cJSON_PrintUnformatted(body) : NULL;
    int code = fault_set(page->status, text, text ? strlen(text) : 0, NULL, false, &page->err);

    cJSON_free(text);
    return code;
}

static void read_part(struct graph_page *page, const cJSON *part, bool is_delta, int64_t wall_ms)
{
    const cJSON *body = cJSON_GetObjectItemCaseSensitive(part, "body");

    graph_items_clear(&page->items); /* an id that comes twice */
    page->retry_after_ms = part_retry_after(part, wall_ms);
    if (page->status / 100 != 2) {
        page->code = read_fault(page, body);
    } else if (!cJSON_IsObject(body)) {
        page->code = error_set(&page->err, ERR_PROTOCOL, "a part of a batch has no body");
    } else {
        page->code = read_items(&page->items, body, is_delta, &page->err);
        if (page->code < 0) {
            graph_items_clear(&page->items);
        }
    }
}

int parse_pages(struct graph_page *pages, size_t count, bool has_delta, const char *body,
                size_t size, int64_t wall_ms, struct error *err)
{
    cJSON *json = json_parse_object(body, size, "the answer", err);
    const cJSON *parts = cJSON_GetObjectItemCaseSensitive(json, "responses");
    const cJSON *part;
    int code = 0;

    for (size_t i = 0; i < count; i++) {
        pages[i] = (struct graph_page){.retry_after_ms = -1};
        pages[i].code = error_set(&pages[i].err, ERR_PROTOCOL, "a part of a batch did not come");
    }
    if (!json) {
        return ERR_PROTOCOL;
    }
    if (!cJSON_IsArray(parts)) {
        code = error_set(err, ERR_PROTOCOL, "the answer of a batch has no 'responses'");
        parts = NULL;
    }
    cJSON_ArrayForEach(part, parts)
    {
        int64_t id = 0;
        int64_t status = 0;

        if (json_int64(part, "id", &id) && id >= 1 && (uint64_t)id <= count &&
            json_int64(part, "status", &status) && status >= 100 && status <= 599) {
            pages[id - 1].status = (int)status;
            read_part(&pages[id - 1], part, has_delta && id == 1, wall_ms);
        }
    }
    cJSON_Delete(json);
    return code;
}
