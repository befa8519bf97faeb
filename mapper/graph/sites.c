#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "graph/client.h"
#include "graph/parse.h"
#include "graph/request.h"
#include "graph/token.h"
#include "mapper/graph.h"

#define DRIVE_SELECT "$select=id,name,driveType,webUrl,quota"
#define DRIVE_PAGES_MAX 100

/* --- drives --- */

/* Asks for the drive at `url` and frees `url`. */
static int get_drive(struct graph_drive *out, struct account *account, char *url,
                     const struct call *call, struct error *err)
{
    struct http_response response = {0};
    int code = graph_get(&response, account, url, COST_ITEM, call, err);

    if (code == 0) {
        code = graph_parse_drive(out, response.body.data, response.body.size, err);
    }
    http_response_clear(&response);
    free(url);
    return code;
}

int graph_get_drive(struct graph_drive *out, struct account *account, const char *drive_id,
                    const struct call *call, struct error *err)
{
    char *url = NULL;
    int code = request_drive_url(&url, account_graph_url(account), drive_id, "?" DRIVE_SELECT, err);

    memset(out, 0, sizeof(*out));
    return code == 0 ? get_drive(out, account, url, call, err) : code;
}

int graph_get_my_drive(struct graph_drive *out, struct account *account, const struct call *call,
                       struct error *err)
{
    char *url = NULL;
    int code = str_format(&url, err, "%s/v1.0/me/drive?" DRIVE_SELECT, account_graph_url(account));

    memset(out, 0, sizeof(*out));
    return code == 0 ? get_drive(out, account, url, call, err) : code;
}

int graph_get_list_drive(struct graph_drive *out, struct account *account, const char *site_id,
                         const char *list_id, const struct call *call, struct error *err)
{
    char *url = NULL;
    int code = request_list_drive_url(&url, account_graph_url(account), site_id, list_id,
                                      "?" DRIVE_SELECT, err);

    memset(out, 0, sizeof(*out));
    return code == 0 ? get_drive(out, account, url, call, err) : code;
}

static int add_drives(struct graph_drives *out, struct graph_drives *page, struct error *err)
{
    size_t count = out->count + page->count;
    struct graph_drive *drives = NULL;

    if (count <= PARSE_ITEMS_MAX) {
        drives = realloc(out->drives, (count ? count : 1) * sizeof(*drives));
    }
    if (!drives) {
        return error_set(err, count > PARSE_ITEMS_MAX ? ERR_LIMIT : ERR_NO_MEMORY,
                         "the site has too many libraries");
    }
    memcpy(drives + out->count, page->drives, page->count * sizeof(*drives));
    out->drives = drives;
    out->count = count;
    page->count = 0; /* moved */
    return 0;
}

int graph_list_site_drives(struct graph_drives *out, struct account *account, const char *site_id,
                           const struct call *call, struct error *err)
{
    struct graph_drives all = {0};
    char *url = NULL;
    int code =
        request_site_url(&url, account_graph_url(account), site_id, "/drives?" DRIVE_SELECT, err);

    memset(out, 0, sizeof(*out));
    for (int page_number = 0; code == 0 && url; page_number++) {
        struct http_response response = {0};
        struct graph_drives page = {0};
        char *next = NULL;

        code = page_number < DRIVE_PAGES_MAX
                   ? graph_get(&response, account, url, COST_LIST, call, err)
                   : error_set(err, ERR_LIMIT, "the list of libraries does not end");
        if (code == 0) {
            code = parse_drives(&page, &next, response.body.data, response.body.size, err);
        }
        if (code == 0) {
            code = add_drives(&all, &page, err);
        }
        graph_drives_clear(&page);
        http_response_clear(&response);
        free(url);
        url = next;
    }
    free(url);
    if (code == 0) {
        *out = all;
    } else {
        graph_drives_clear(&all);
    }
    return code;
}

/* --- drive ids --- */

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The 16 bytes of a GUID as .NET's ToByteArray() orders them: the first three groups little-endian.
 */
static bool read_guid(unsigned char out[16], const char *text, size_t length)
{
    static const unsigned char order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    size_t at = 0;

    if (length != 36) {
        return false;
    }
    for (size_t i = 0; i < 16; i++) {
        int high;
        int low;

        if (at == 8 || at == 13 || at == 18 || at == 23) {
            if (text[at++] != '-') {
                return false;
            }
        }
        high = hex_value(text[at]);
        low = hex_value(text[at + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        out[order[i]] = (unsigned char)(high * 16 + low);
        at += 2;
    }
    return true;
}

int graph_drive_id_hint(char **out, const char *site_id, const char *list_id, struct error *err)
{
    const char *site = strchr(site_id, ',');
    const char *web = site ? strchr(site + 1, ',') : NULL;
    unsigned char bytes[48];
    char *text = NULL;
    int code;

    if (!web || !read_guid(bytes, site + 1, (size_t)(web - site - 1)) ||
        !read_guid(bytes + 16, web + 1, strlen(web + 1)) ||
        !read_guid(bytes + 32, list_id, strlen(list_id))) {
        return error_set(err, ERR_INVALID, "no drive id follows from '%.60s' and '%.40s'", site_id,
                         list_id);
    }
    code = str_base64url_encode(&text, bytes, sizeof(bytes), err);
    if (code == 0) {
        code = str_format(out, err, "b!%s", text);
    }
    free(text);
    return code;
}

/* Decoded, without slashes and view pages at its end. */
static int plain_url(char **out, const char *url, struct error *err)
{
    char *text = NULL;
    char *forms;
    size_t length;

    /* raw or encoded, as it was sent: what cannot be decoded is raw (graph-facts 1.1) */
    if (str_percent_decode(&text, url, NULL) < 0 && str_copy(&text, url, err) < 0) {
        return ERR_NO_MEMORY;
    }
    forms = strstr(text, "/Forms/");
    if (forms && str_ends_with(text, ".aspx") && !strchr(forms + strlen("/Forms/"), '/')) {
        *forms = '\0';
    }
    length = strlen(text);
    while (length > 0 && text[length - 1] == '/') {
        text[--length] = '\0';
    }
    free(*out);
    *out = text;
    return 0;
}

static bool is_same_library(const char *web_url, const char *library_url)
{
    char *a = NULL;
    char *b = NULL;
    bool is_same = web_url && plain_url(&a, web_url, NULL) == 0 &&
                   plain_url(&b, library_url, NULL) == 0 && str_equal_nocase(a, b);

    free(a);
    free(b);
    return is_same;
}

int graph_verify_drive(struct graph_drive *out, struct account *account, const char *hint,
                       const char *site_id, const char *list_id, const char *library_url,
                       const struct call *call, struct error *err)
{
    struct graph_drive drive = {0};
    int code = hint ? graph_get_drive(&drive, account, hint, call, err) : ERR_NOT_FOUND;

    memset(out, 0, sizeof(*out));
    if (code == 0 && is_same_library(drive.web_url, library_url)) {
        *out = drive;
        return 0;
    }
    graph_drive_clear(&drive);
    /* a wrong hint is refused in one of these ways; anything else says nothing about the hint */
    if (code < 0 && code != ERR_NOT_FOUND && code != ERR_INVALID && code != ERR_DENIED) {
        return code;
    }
    error_clear(err);
    return graph_get_list_drive(out, account, site_id, list_id, call, err);
}

/* --- sites, search --- */

int graph_get_site(struct graph_site *out, struct account *account, const char *host,
                   const char *server_path, const struct call *call, struct error *err)
{
    struct http_response response = {0};
    char *url = NULL;
    int code = request_site_path_url(&url, account_graph_url(account), host, server_path, err);

    memset(out, 0, sizeof(*out));
    if (code == 0) {
        code = graph_get(&response, account, url, COST_ITEM, call, err);
    }
    if (code == 0) {
        code = graph_parse_site(out, response.body.data, response.body.size, err);
    }
    http_response_clear(&response);
    free(url);
    return code;
}

int graph_search(struct graph_hits *out, struct account *account, enum graph_hit_kind kind,
                 const char *kql, unsigned from, unsigned size, const struct call *call,
                 struct error *err)
{
    struct graph_request request = {
        .method = "POST", .cost_ru = COST_LIST, .is_idempotent = true, /* it only reads */
    };
    struct http_response response = {0};
    char *url = NULL;
    char *body = NULL;
    int code = str_format(&url, err, "%s/v1.0/search/query", account_graph_url(account));

    memset(out, 0, sizeof(*out));
    if (code == 0) {
        code = request_search_body(&body, kind, kql, from, size, err);
    }
    if (code == 0) {
        request.url = url;
        request.body = body;
        code = graph_send(&response, account, &request, call, err);
    }
    if (code == 0) {
        code = parse_hits(out, kind, response.body.data, response.body.size, err);
    }
    http_response_clear(&response);
    free(url);
    free(body);
    return code;
}
