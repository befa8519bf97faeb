/*
 * teams.c - what the user takes part in: followed sites, joined teams, channels and their folders
 * (graph-facts 1.2).
 */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "graph/client.h"
#include "graph/parse.h"
#include "graph/request.h"
#include "graph/token.h"
#include "mapper/graph.h"

#define DRIVE_SELECT "$select=id,name,driveType,webUrl"
#define PAGES_MAX 50
#define ENTRIES_MAX 20000 /* sites, teams, or channels, of all pages */

/* Moves `more` behind `*there`; both are arrays of entries of `size` bytes. */
static int append(void **there, size_t *count, const void *more, size_t more_count, size_t size,
                  struct error *err)
{
    size_t all = *count + more_count;
    char *grown = all <= ENTRIES_MAX ? realloc(*there, (all ? all : 1) * size) : NULL;

    if (!grown) {
        return error_set(err, all > ENTRIES_MAX ? ERR_LIMIT : ERR_NO_MEMORY,
                         "a list of the service is too long");
    }
    if (more_count > 0) {
        memcpy(grown + *count * size, more, more_count * size);
    }
    *there = grown;
    *count = all;
    return 0;
}

/* --- one list, page by page --- */

/* Takes one page into `out`; *next is the link to the following one. */
typedef int (*take_page_fn)(void *out, char **next, const char *body, size_t size,
                            struct error *err);

static int list_pages(void *out, take_page_fn take, struct account *account, const char *path,
                      const struct call *call, struct error *err)
{
    char *url = NULL;
    int code = str_format(&url, err, "%s/v1.0%s", account_graph_url(account), path);

    for (int page = 0; code == 0 && url; page++) {
        struct http_response response = {0};
        char *next = NULL;

        code = page < PAGES_MAX ? graph_get(&response, account, url, COST_LIST, call, err)
                                : error_set(err, ERR_LIMIT, "a list of the service does not end");
        if (code == 0) {
            code = take(out, &next, response.body.data, response.body.size, err);
        }
        http_response_clear(&response);
        free(url);
        url = next;
    }
    free(url);
    return code;
}

static int take_sites(void *out, char **next, const char *body, size_t size, struct error *err)
{
    struct graph_sites *all = out;
    struct graph_sites page = {0};
    void *entries = all->sites;
    int code = parse_sites(&page, next, body, size, err);

    code = code < 0
               ? code
               : append(&entries, &all->count, page.sites, page.count, sizeof(*page.sites), err);
    if (code == 0) {
        page.count = 0; /* moved */
        all->sites = entries;
    }
    graph_sites_clear(&page);
    return code;
}

int graph_list_followed_sites(struct graph_sites *out, struct account *account,
                              const struct call *call, struct error *err)
{
    int code;

    memset(out, 0, sizeof(*out));
    code = list_pages(out, take_sites, account, "/me/followedSites", call, err);
    if (code < 0) {
        graph_sites_clear(out);
    }
    return code;
}

static int take_teams(void *out, char **next, const char *body, size_t size, struct error *err)
{
    struct graph_teams *all = out;
    struct graph_teams page = {0};
    void *entries = all->teams;
    int code = parse_teams(&page, next, body, size, err);

    code = code < 0
               ? code
               : append(&entries, &all->count, page.teams, page.count, sizeof(*page.teams), err);
    if (code == 0) {
        page.count = 0;
        all->teams = entries;
    }
    graph_teams_clear(&page);
    return code;
}

int graph_list_joined_teams(struct graph_teams *out, struct account *account,
                            const struct call *call, struct error *err)
{
    int code;

    memset(out, 0, sizeof(*out));
    code = list_pages(out, take_teams, account, "/me/joinedTeams", call, err); /* no $select */
    if (code < 0) {
        graph_teams_clear(out);
    }
    return code;
}

/* --- many lists, by batches --- */

/* The lists of `count` things; answers of one round may bring pages for the next. */
struct lists {
    struct account *account;
    const struct call *call;
    char **urls; /* by thing: what to ask for next; NULL: it is done */
    int *codes;
    size_t count;
    int (*take)(struct lists *lists, size_t at, char **next, const struct graph_answer *answer,
                struct error *err);
    void *out;
    const char *const *ids;
};

/* A page's link as $batch wants it; ERR_PROTOCOL when it leads elsewhere. */
static int relative(char **out, const struct account *account, const char *link, struct error *err)
{
    size_t length = strlen(account_graph_url(account));
    int code = graph_check_url(account, link, err);

    if (code == 0 && strlen(link) <= length) {
        code = error_set(err, ERR_PROTOCOL, "a link of the service leads nowhere");
    }
    if (code == 0) {
        link += length;
        code = str_copy(out, str_starts_with(link, "/v1.0/") ? link + strlen("/v1.0") : link, err);
    }
    return code;
}

/* What one answer brought: a part, and what to ask for next. Only ERR_NO_MEMORY fails. */
static int take_answer(struct lists *lists, size_t at, const struct graph_answer *answer,
                       struct error *err)
{
    struct error why = {0};
    char *next = NULL;
    int code = answer->code;

    str_free(&lists->urls[at]);
    if (code == 0) {
        code = lists->take(lists, at, &next, answer, &why);
    }
    if (code == 0 && next) {
        code = relative(&lists->urls[at], lists->account, next, &why);
    }
    free(next);
    lists->codes[at] = code;
    return code == ERR_NO_MEMORY ? error_set(err, code, "%s", why.message) : 0;
}

static int one_round(struct lists *lists, size_t *left, struct error *err)
{
    size_t *places = calloc(lists->count + 1, sizeof(*places));
    const char **urls = calloc(lists->count + 1, sizeof(*urls));
    struct graph_answer *answers = calloc(lists->count + 1, sizeof(*answers));
    size_t count = 0;
    int code = places && urls && answers
                   ? 0
                   : error_set(err, ERR_NO_MEMORY, "no memory for %zu lists", lists->count);

    for (size_t i = 0; code == 0 && i < lists->count; i++) {
        if (lists->urls[i]) {
            places[count] = i;
            urls[count++] = lists->urls[i];
        }
    }
    if (code == 0 && count > 0) {
        code = graph_batch_get(answers, lists->account, urls, count, lists->call, err);
    }
    for (size_t i = 0; code == 0 && i < count; i++) {
        code = take_answer(lists, places[i], &answers[i], err);
    }
    *left = 0;
    for (size_t i = 0; code == 0 && i < lists->count; i++) {
        *left += lists->urls[i] ? 1 : 0;
    }
    if (answers) {
        graph_answers_clear(answers, count);
    }
    free(answers);
    free(urls);
    free(places);
    return code;
}

/* Rounds until nothing is left to ask. */
static int run_lists(struct lists *lists, struct error *err)
{
    size_t left = lists->count;
    int code = 0;

    for (int round = 0; code == 0 && left > 0 && round < PAGES_MAX; round++) {
        code = one_round(lists, &left, err);
    }
    for (size_t i = 0; i < lists->count; i++) {
        if (code == 0 && lists->urls[i]) { /* its pages do not end */
            lists->codes[i] = ERR_LIMIT;
        }
        str_free(&lists->urls[i]);
    }
    return code;
}

/* *out = "{before}{id}{after}". Ids of sites keep their commas (graph-facts 1.2), other ids are
 * encoded. */
static int format_url(char **out, const char *before, const char *id, const char *after,
                      struct error *err)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,-_!";
    char *encoded = NULL;
    int code = id[strspn(id, plain)] == '\0' ? str_copy(&encoded, id, err)
                                             : str_percent_encode(&encoded, id, false, err);

    code = code < 0 ? code : str_format(out, err, "%s%s%s", before, encoded, after);
    free(encoded);
    return code;
}

static int make_urls(struct lists *lists, const char *before, const char *after, struct error *err)
{
    int code = 0;

    lists->urls = calloc(lists->count + 1, sizeof(char *));
    if (!lists->urls) {
        return error_set(err, ERR_NO_MEMORY, "no memory for %zu lists", lists->count);
    }
    for (size_t i = 0; code == 0 && i < lists->count; i++) {
        code = format_url(&lists->urls[i], before, lists->ids[i], after, err);
    }
    return code;
}

static void free_urls(struct lists *lists)
{
    for (size_t i = 0; lists->urls && i < lists->count; i++) {
        free(lists->urls[i]);
    }
    free(lists->urls);
    lists->urls = NULL;
}

/* --- libraries of sites --- */

static int take_drives(struct lists *lists, size_t at, char **next,
                       const struct graph_answer *answer, struct error *err)
{
    struct graph_drives *all = (struct graph_drives *)lists->out + at;
    struct graph_drives page = {0};
    void *entries = all->drives;
    int code = parse_drives(&page, next, answer->body, answer->body_size, err);

    code = code < 0
               ? code
               : append(&entries, &all->count, page.drives, page.count, sizeof(*page.drives), err);
    if (code == 0) {
        page.count = 0;
        all->drives = entries;
    }
    graph_drives_clear(&page);
    return code;
}

int graph_list_drives_of_sites(struct graph_drives *out, int *codes, struct account *account,
                               const char *const *site_ids, size_t count, const struct call *call,
                               struct error *err)
{
    struct lists lists = {.account = account,
                          .call = call,
                          .codes = codes,
                          .count = count,
                          .take = take_drives,
                          .out = out,
                          .ids = site_ids};
    int code;

    memset(out, 0, count * sizeof(*out));
    memset(codes, 0, count * sizeof(*codes));
    code = make_urls(&lists, "/sites/", "/drives?" DRIVE_SELECT, err);
    code = code < 0 ? code : run_lists(&lists, err);
    for (size_t i = 0; i < count; i++) {
        if (code < 0 || codes[i] < 0) { /* half a list is none */
            graph_drives_clear(&out[i]);
        }
    }
    free_urls(&lists);
    return code;
}

/* --- channels --- */

static int take_channels(struct lists *lists, size_t at, char **next,
                         const struct graph_answer *answer, struct error *err)
{
    struct graph_channels *all = lists->out;
    struct graph_channels page = {0};
    void *entries = all->channels;
    int code = parse_channels(&page, next, lists->ids[at], answer->body, answer->body_size, err);

    code = code < 0 ? code
                    : append(&entries, &all->count, page.channels, page.count,
                             sizeof(*page.channels), err);
    if (code == 0) {
        page.count = 0;
        all->channels = entries;
    }
    graph_channels_clear(&page);
    return code;
}

int graph_list_channels(struct graph_channels *out, int *codes, struct account *account,
                        const char *const *team_ids, size_t count, const struct call *call,
                        struct error *err)
{
    struct lists lists = {.account = account,
                          .call = call,
                          .codes = codes,
                          .count = count,
                          .take = take_channels,
                          .out = out,
                          .ids = team_ids};
    size_t again = 0;
    int code;

    memset(out, 0, sizeof(*out));
    memset(codes, 0, count * sizeof(*codes));
    code = make_urls(&lists, "/teams/",
                     "/allChannels?$select=id,displayName,membershipType,tenantId", err);
    code = code < 0 ? code : run_lists(&lists, err);
    /* not every cloud knows allChannels; the team's own ones are better than none */
    for (size_t i = 0; code == 0 && i < count; i++) {
        if (codes[i] == ERR_NOT_FOUND || codes[i] == ERR_INVALID) {
            code = format_url(&lists.urls[i], "/teams/", team_ids[i],
                              "/channels?$select=id,displayName,membershipType", err);
            again++;
        }
    }
    if (code == 0 && again > 0) {
        code = run_lists(&lists, err);
    }
    if (code < 0) {
        graph_channels_clear(out);
    }
    free_urls(&lists);
    return code;
}

/* --- folders --- */

static int take_folder(struct lists *lists, size_t at, char **next,
                       const struct graph_answer *answer, struct error *err)
{
    (void)next;
    return parse_folder((struct graph_folder *)lists->out + at, answer->body, answer->body_size,
                        err);
}

int graph_get_channel_folders(struct graph_folder *out, struct account *account,
                              const struct graph_channel *channels, size_t count,
                              const struct call *call, struct error *err)
{
    struct lists lists = {
        .account = account, .call = call, .count = count, .take = take_folder, .out = out};
    int code = 0;

    memset(out, 0, count * sizeof(*out));
    lists.urls = calloc(count + 1, sizeof(char *));
    lists.codes = calloc(count + 1, sizeof(*lists.codes));
    if (!lists.urls || !lists.codes) {
        code = error_set(err, ERR_NO_MEMORY, "no memory for %zu folders", count);
    }
    for (size_t i = 0; code == 0 && i < count; i++) {
        char *team = NULL;

        code = format_url(&team, "/teams/", channels[i].team_id, "/channels/", err);
        code =
            code < 0 ? code : format_url(&lists.urls[i], team, channels[i].id, "/filesFolder", err);
        free(team);
    }
    code = code < 0 ? code : run_lists(&lists, err);
    if (code < 0) {
        graph_folders_clear(out, count);
    }
    for (size_t i = 0; code == 0 && i < count; i++) {
        out[i].code = lists.codes[i];
    }
    free_urls(&lists);
    free(lists.codes);
    return code;
}
