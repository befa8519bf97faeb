#include "graph/page.h"

#include <stdlib.h>
#include <string.h>

#include "graph/json.h"
#include "graph/parse.h"
#include "graph/parse_json.h"

static int make_room(struct page_reader *reader, struct error *err)
{
    size_t room = reader->room ? reader->room * 2 : 64;
    struct graph_item *longer = NULL;

    if (reader->page.count < reader->room) {
        return 0;
    }
    if (reader->page.count >= PARSE_ITEMS_MAX) {
        return error_set(err, ERR_PROTOCOL, "the answer has more than %d items, which no page can",
                         PARSE_ITEMS_MAX);
    }
    longer = realloc(reader->page.items, room * sizeof(*longer));
    if (!longer) {
        return error_set(err, ERR_NO_MEMORY, "no memory for an answer");
    }
    reader->page.items = longer;
    reader->room = room;
    return 0;
}

static int add_item(void *payload, const cJSON *json, struct error *err)
{
    struct page_reader *reader = payload;
    struct graph_item *item = NULL;
    int code = make_room(reader, err);

    if (code < 0) {
        return code;
    }
    item = &reader->page.items[reader->page.count];
    code = read_item(item, json, err);
    if (code < 0) {
        return code;
    }
    reader->page.count++;
    if (!reader->is_delta && !item->name) {
        return error_set(err, ERR_PROTOCOL, "an item in the listing has no name");
    }
    return 0;
}

static int no_value(struct error *err)
{
    return error_set(err, ERR_PROTOCOL, "the answer has no 'value'");
}

/* What stands beside the items. */
static int read_links(struct graph_items *page, const cJSON *json, bool is_delta, struct error *err)
{
    int code = json_copy_text(&page->next_link, json, "@odata.nextLink", err);

    if (code == 0 && is_delta) {
        code = json_copy_text(&page->delta_link, json, "@odata.deltaLink", err);
    }
    if (code == 0 && is_delta && !page->next_link && !page->delta_link) {
        code = error_set(err, ERR_PROTOCOL, "a page of changes has no link to go on with");
    }
    return code;
}

int read_items(struct graph_items *page, const cJSON *json, bool is_delta, struct error *err)
{
    struct page_reader reader = {.is_delta = is_delta};
    const cJSON *values = cJSON_GetObjectItemCaseSensitive(json, "value");
    const cJSON *value;
    int code = cJSON_IsArray(values) ? 0 : no_value(err);

    cJSON_ArrayForEach(value, values)
    {
        code = code == 0 ? add_item(&reader, value, err) : code;
    }
    *page = reader.page;
    return code == 0 ? read_links(page, json, is_delta, err) : code;
}

void page_begin(struct page_reader *reader, bool is_delta)
{
    *reader = (struct page_reader){.is_delta = is_delta};
    json_array_begin(&reader->array, "the answer", "value", add_item, reader);
}

void page_more(struct page_reader *reader, const char *body, size_t size)
{
    if (size == 0) {
        page_clear(reader);
        page_begin(reader, reader->is_delta);
    } else {
        json_array_more(&reader->array, body, size);
    }
}

int page_end(struct graph_items *out, struct page_reader *reader, const char *body, size_t size,
             struct error *err)
{
    cJSON *rest = NULL;
    int code = json_array_end(&rest, &reader->array, body, size, err);

    if (code >= 0) {
        code = code == 1 ? read_links(&reader->page, rest, reader->is_delta, err) : no_value(err);
    }
    cJSON_Delete(rest);
    if (code == 0) {
        *out = reader->page;
        reader->page = (struct graph_items){0};
    }
    page_clear(reader);
    return code;
}

void page_clear(struct page_reader *reader)
{
    json_array_clear(&reader->array);
    graph_items_clear(&reader->page);
}

int parse_items(struct graph_items *out, const char *body, size_t size, bool is_delta,
                struct error *err)
{
    struct page_reader reader;

    page_begin(&reader, is_delta);
    return page_end(out, &reader, body, size, err);
}
