#include "search.h"

#include <stdlib.h>
#include <string.h>

/* The largest size on which both generations of the documentation agree (graph-facts 1.1). */
#define PAGE_SIZE 500

/* 50,000 hits: ten times what MaxMappings can allow. */
#define MAX_PAGES 100

/* `hits` of a page can be missing although more follow (graph-facts 1.1); this many such pages in a
 * row are a service that has lost its way. */
#define MAX_EMPTY_PAGES 3

/* Moves the page's hits to the end of the result. */
static int take(struct search_result *out, struct graph_hits *page, struct error *err)
{
    struct graph_hit *hits = out->hits;

    if (page->count == 0) {
        return 0;
    }
    hits = realloc(hits, (out->count + page->count) * sizeof(*hits));
    if (!hits) {
        return error_set(err, ERR_NO_MEMORY, "no memory for %zu search hits", out->count);
    }
    memcpy(hits + out->count, page->hits, page->count * sizeof(*hits));
    out->hits = hits;
    out->count += page->count;
    page->count = 0; /* their texts are the result's now */
    return 0;
}

void search_run(struct search_result *out, struct account *account, enum graph_hit_kind kind,
                const char *kql, const struct call *call)
{
    unsigned empty = 0;
    int code = 0;

    *out = (struct search_result){0};
    for (unsigned i = 0; i < MAX_PAGES && code == 0; i++) {
        struct graph_hits page = {0};
        bool has_more = false;

        code = graph_search(&page, account, kind, kql, i * PAGE_SIZE, PAGE_SIZE, call, &out->error);
        if (code == 0) {
            has_more = page.has_more;
            empty = page.count > 0 ? 0 : empty + 1;
            code = take(out, &page, &out->error);
        }
        graph_hits_clear(&page);
        if (code == 0 && !has_more) {
            out->is_complete = true;
            return;
        }
        if (code == 0 && empty == MAX_EMPTY_PAGES) {
            code = error_set(&out->error, ERR_PROTOCOL, "search promised more hits and sent none");
        }
    }
    if (code == 0) {
        error_set(&out->error, ERR_LIMIT, "search found more than %zu things", out->count);
    }
}

void search_result_clear(struct search_result *result)
{
    struct graph_hits all = {.hits = result->hits, .count = result->count};

    graph_hits_clear(&all);
    *result = (struct search_result){0};
}
