/*
 * fuzz_graph_parse.c - everything that reads answers of Graph and of its content hosts: bodies,
 * error bodies, Content-Range, Retry-After. The first byte chooses.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "graph/fault.h"
#include "graph/page.h"
#include "graph/parse.h"
#include "graph/retry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* What the rest of the program relies on. */
static void check_item(const struct graph_item *item)
{
    must(item->id && item->id[0]);
    must(!item->name ||
         (item->name[0] && !strchr(item->name, '/') && strcmp(item->name, "..") != 0));
}

static bool is_same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool is_same_item(const struct graph_item *a, const struct graph_item *b)
{
    return is_same_text(a->id, b->id) && is_same_text(a->name, b->name) &&
           is_same_text(a->etag, b->etag) && is_same_text(a->ctag, b->ctag) &&
           is_same_text(a->parent_id, b->parent_id) && is_same_text(a->web_url, b->web_url) &&
           is_same_text(a->quick_xor_hash, b->quick_xor_hash) &&
           is_same_text(a->remote_drive_id, b->remote_drive_id) &&
           is_same_text(a->remote_item_id, b->remote_item_id) &&
           is_same_text(a->checked_out_by, b->checked_out_by) && a->kind == b->kind &&
           a->is_root == b->is_root && a->is_infected == b->is_infected &&
           a->is_checked_out == b->is_checked_out && a->size_bytes == b->size_bytes &&
           a->modified_ms == b->modified_ms && a->created_ms == b->created_ms &&
           a->child_count == b->child_count;
}

/* The page as it arrives, in pieces of a length and of their own blocks, is the one that came whole. */
static void run_pieces(const struct graph_items *whole, int whole_code,
                       const struct error *whole_err, const char *text, size_t size, bool is_delta,
                       size_t piece)
{
    struct graph_items page = {0};
    struct error err = {0};
    struct page_reader reader;
    int code = 0;

    page_begin(&reader, is_delta);
    for (size_t at = piece; at < size; at += piece) {
        char *part = malloc(at);

        must(part != NULL);
        memcpy(part, text, at);
        page_more(&reader, part, at);
        free(part);
        if (at == 2 * piece) {
            page_more(&reader, NULL, 0); /* it begins anew */
        }
    }
    code = page_end(&page, &reader, text, size, &err);
    must(code == whole_code && strcmp(err.message, whole_err->message) == 0);
    must(page.count == whole->count && is_same_text(page.next_link, whole->next_link) &&
         is_same_text(page.delta_link, whole->delta_link));
    for (size_t i = 0; i < page.count; i++) {
        must(is_same_item(&page.items[i], &whole->items[i]));
    }
    graph_items_clear(&page);
}

static void run_items(const char *text, size_t size, bool is_delta)
{
    const size_t pieces[] = {size / 64 + 1, size / 7 + 1, size / 2 + 1};
    struct graph_items page = {0};
    struct error err = {0};
    int code = parse_items(&page, text, size, is_delta, &err);

    if (code == 0) {
        for (size_t i = 0; i < page.count; i++) {
            check_item(&page.items[i]);
            must(is_delta || page.items[i].name);
        }
        must(!is_delta || page.next_link || page.delta_link);
    } else {
        must(page.count == 0);
    }
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        run_pieces(&page, code, &err, text, size, is_delta, pieces[i]);
    }
    graph_items_clear(&page);
}

static void run_batch(const char *text, size_t size)
{
    struct graph_answer answers[3] = {{0}};
    const size_t indexes[3] = {2, 0, 1};
    int64_t retry[3] = {-1, -1, -1};

    (void)parse_batch(answers, indexes, retry, 3, text, size, 0, NULL);
    for (size_t i = 0; i < 3; i++) {
        must(retry[i] >= -1 && retry[i] <= RETRY_AFTER_MAX_MS);
        must(!answers[i].body || answers[i].body_size == strlen(answers[i].body));
    }
    graph_answers_clear(answers, 3);
}

/* The same answer as pages of listings: what a part says is its own success. */
static void run_pages(const char *text, size_t size)
{
    struct graph_page pages[3];

    (void)parse_pages(pages, 3, size % 2 == 0, text, size, 0, NULL);
    for (size_t i = 0; i < 3; i++) {
        must(pages[i].retry_after_ms >= -1 && pages[i].retry_after_ms <= RETRY_AFTER_MAX_MS);
        must(pages[i].code == 0 || pages[i].items.count == 0);
    }
    graph_pages_clear(pages, 3);
}

static void run_members(char choice, const char *text, size_t size)
{
    struct graph_channels channels = {0};
    struct graph_folder folder = {0};
    struct graph_sites sites = {0};
    struct graph_teams teams = {0};
    char *next = NULL;

    switch (choice) {
    case 'S':
        (void)parse_sites(&sites, &next, text, size, NULL);
        break;
    case 'T':
        (void)parse_teams(&teams, &next, text, size, NULL);
        break;
    case 'C':
        if (parse_channels(&channels, &next, "a team", text, size, NULL) == 0) {
            for (size_t i = 0; i < channels.count; i++) {
                must(channels.channels[i].id && channels.channels[i].team_id);
            }
        }
        break;
    default:
        must(parse_folder(&folder, text, size, NULL) < 0 || (folder.drive_id && folder.web_url));
        break;
    }
    graph_sites_clear(&sites);
    graph_teams_clear(&teams);
    graph_channels_clear(&channels);
    graph_folders_clear(&folder, 1);
    free(next);
}

static void run_sites(char choice, const char *text, size_t size)
{
    struct graph_drives drives = {0};
    struct graph_drive drive = {0};
    struct graph_site site = {0};
    struct graph_hits hits = {0};
    char *next = NULL;

    switch (choice) {
    case 'D':
        (void)parse_drives(&drives, &next, text, size, NULL);
        break;
    case 'v':
        (void)graph_parse_drive(&drive, text, size, NULL);
        break;
    case 's':
        (void)graph_parse_site(&site, text, size, NULL);
        break;
    default:
        if (parse_hits(&hits, GRAPH_HIT_LIST, text, size, NULL) == 0) {
            for (size_t i = 0; i < hits.count; i++) {
                must(hits.hits[i].id && hits.hits[i].id[0]);
            }
        }
        break;
    }
    graph_drives_clear(&drives);
    graph_drive_clear(&drive);
    graph_site_clear(&site);
    graph_hits_clear(&hits);
    free(next);
}

static void run_headers(const char *text)
{
    uint64_t first;
    uint64_t last;
    int64_t total;
    int64_t wait = retry_parse_after(text, 1700000000000);

    must(wait >= -1 && wait <= RETRY_AFTER_MAX_MS);
    if (parse_content_range(text, &first, &last, &total)) {
        must(first <= last && (total < 0 || last < (uint64_t)total));
    }
}

static void run_upload(const char *text, size_t size)
{
    uint64_t offset = 0;
    char *url = NULL;

    if (parse_session(&url, text, size, NULL) == 0) {
        must(url != NULL);
    }
    (void)parse_next_range(&offset, text, size, NULL);
    must(offset <= INT64_MAX);
    free(url);
}

static void run_fault(const char *text, size_t size)
{
    static const int statuses[] = {400, 401, 403, 404, 409, 412, 416, 423, 429, 500, 507};

    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        struct error err = {0};

        must(fault_set(statuses[i], text, size, NULL, i % 2, &err) < 0);
        must(err.code < 0 && err.message[0]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct graph_item item = {0};
    char *text;

    if (size == 0) {
        return 0;
    }
    text = malloc(size); /* the rest, ended with NUL as every answer's body is */
    if (!text) {
        return 0;
    }
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    switch (data[0]) {
    case 'i':
        if (parse_item(&item, text, size - 1, NULL) == 0) {
            check_item(&item);
        }
        graph_item_clear(&item);
        break;
    case 'c':
    case 'd':
        run_items(text, size - 1, data[0] == 'd');
        break;
    case 'b':
        run_batch(text, size - 1);
        run_pages(text, size - 1);
        break;
    case 'u':
        run_upload(text, size - 1);
        break;
    case 'e':
        run_fault(text, size - 1);
        break;
    case 'h':
        run_headers(text);
        break;
    case 'S':
    case 'T':
    case 'C':
    case 'F':
        run_members((char)data[0], text, size - 1);
        break;
    default:
        run_sites((char)data[0], text, size - 1);
        break;
    }
    free(text);
    return 0;
}
