/*
 * fuzz_graph_doors.c - answers about addresses, links and versions. The first byte chooses.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "graph/parse_doors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* A browser, Office and a shell are given it. */
static bool is_safe(const char *url)
{
    return !url || str_starts_with(url, "https://");
}

static void run_address(const char *text, size_t size)
{
    struct graph_address address = {0};

    if (parse_address(&address, text, size, NULL) == 0) {
        must(address.item_id != NULL);
    }
    must(is_safe(address.web_url) && is_safe(address.document_url));
    must(!address.document_url || address.kind == GRAPH_FILE);
    graph_address_clear(&address);
}

static void run_link(const char *text, size_t size)
{
    char *url = NULL;

    must((parse_link(&url, text, size, NULL) == 0) == (url != NULL));
    must(is_safe(url));
    free(url);
}

/* The same page twice, as a server might send it. */
static void run_history(const char *text, size_t size)
{
    struct graph_history history = {0};
    char *next = NULL;
    int code = parse_history(&history, &next, text, size, NULL);

    if (code == 0) {
        code = parse_history(&history, &next, text, size, NULL);
    }
    for (size_t i = 0; code == 0 && i < history.count; i++) {
        must(history.entries[i].id != NULL);
    }
    must(history.count <= PARSE_HISTORY_MAX);
    graph_history_clear(&history);
    must(!history.entries);
    free(next);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = size > 0 ? malloc(size) : NULL; /* ended with NUL as every answer's body is */

    if (!text) {
        return 0;
    }
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    switch (data[0]) {
    case 'l':
        run_link(text, size - 1);
        break;
    case 'v':
        run_history(text, size - 1);
        break;
    default:
        run_address(text, size - 1);
        break;
    }
    free(text);
    return 0;
}
