#include "member.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "mapper/url.h"
#include "policy/schema.h"
#include "policy/settings.h"
#include "removal.h"

/* Questions for the libraries of followed sites in one round: a cold logon is to stay cheap. */
#define SITES_COLD_MAX 20
#define SITES_MAX 100

bool followed_is_wanted(const struct settings *settings)
{
    const struct setting *row = schema_find("SiteQuery");

    return settings->auto_map && row && str_equal(settings->site_query, row->default_text);
}

void followed_run(struct followed *out, struct account *account, const struct call *call)
{
    *out = (struct followed){0};
    graph_list_followed_sites(&out->sites, account, call, &out->error);
}

void followed_clear(struct followed *followed)
{
    graph_sites_clear(&followed->sites);
}

/* Somebody's OneDrive can be followed; it is no site to map. */
static bool is_usable(const struct graph_site *site)
{
    return merge_is_id(site->id) && site->web_url &&
           !str_starts_with_nocase(url_path(site->web_url), "/personal/");
}

int followed_add(struct search_result *sites, struct followed *followed, struct error *err)
{
    size_t count = sites->count;
    struct graph_hit *hits =
        realloc(sites->hits, (count + followed->sites.count + 1) * sizeof(*hits));
    int code = 0;

    if (!hits) {
        return error_set(err, ERR_NO_MEMORY, "no memory for followed sites");
    }
    sites->hits = hits;
    for (size_t i = 0; code == 0 && i < followed->sites.count; i++) {
        const struct graph_site *site = &followed->sites.sites[i];
        struct graph_hit *hit = &hits[sites->count];

        if (!is_usable(site)) {
            continue;
        }
        *hit = (struct graph_hit){.kind = GRAPH_HIT_SITE};
        sites->count++; /* the list clears it, whole or half */
        followed->added++;
        code = str_copy(&hit->id, site->id, err);
        code = code < 0 ? code : str_copy(&hit->title, site->title, err);
        code = code < 0 ? code : str_copy(&hit->web_url, site->web_url, err);
    }
    return code;
}

/* Folded ids of sites. */
struct site_set {
    struct text_index index;
    struct str_list keys;
};

static void site_set_clear(struct site_set *set)
{
    text_index_clear(&set->index);
    str_list_clear(&set->keys);
}

static int site_set_add(struct site_set *set, const char *site_id, struct error *err)
{
    char *key = NULL;
    int code = merge_site_key(&key, site_id, err);

    code = code < 0 ? code : str_list_add(&set->keys, key, err);
    if (code == 0) {
        code = text_index_add(&set->index, set->keys.items[set->keys.count - 1], 0, NULL, err);
    }
    str_free(&key);
    return code;
}

static int site_set_fill(struct site_set *set, const struct library_list *list, struct error *err)
{
    int code = 0;

    for (size_t i = 0; code == 0 && list && i < list->count; i++) {
        code = site_set_add(set, list->items[i].site_id, err);
    }
    return code;
}

static int site_set_has(bool *has, const struct site_set *set, const char *site_id,
                        struct error *err)
{
    char *key = NULL;
    size_t at;
    int code = merge_site_key(&key, site_id, err);

    *has = code == 0 && text_index_find(&set->index, key, &at);
    str_free(&key);
    return code;
}

/* Places of the sites to ask for, at most `max`; *is_all: there were no more. New sites come
 * before those of which libraries are known; these are not asked for at all when search is down,
 * since it may be the one that named them. */
static int choose_sites(size_t *places, size_t *count, size_t max, bool *is_all,
                        const struct merge *merge, const struct followed *followed,
                        const struct search_result *searched, bool is_search_whole,
                        struct error *err)
{
    const struct graph_sites *sites = &followed->sites;
    struct site_set found = {0};
    struct site_set known = {0};
    int code = site_set_fill(&found, &merge->found, err);

    code = code < 0 ? code : site_set_fill(&known, merge->known, err);
    for (size_t i = 0; code == 0 && i < searched->count - followed->added; i++) {
        if (merge_is_id(searched->hits[i].id)) {
            code = site_set_add(&found, searched->hits[i].id, err);
        }
    }
    *count = 0;
    *is_all = true;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; code == 0 && i < sites->count; i++) {
            bool is_found = false;
            bool is_known = false;

            if (!is_usable(&sites->sites[i])) {
                continue;
            }
            code = site_set_has(&is_found, &found, sites->sites[i].id, err);
            code = code < 0 ? code : site_set_has(&is_known, &known, sites->sites[i].id, err);
            if (code < 0 || is_found || is_known != (pass == 1)) {
                continue;
            }
            if (*count == max || (is_known && !is_search_whole)) {
                *is_all = false;
            } else {
                places[(*count)++] = i;
            }
        }
    }
    site_set_clear(&found);
    site_set_clear(&known);
    return code;
}

/* What an answer that makes no sense means: nothing, unless memory is short. */
static int only_no_memory(int code, const struct error *why, struct error *err)
{
    return code == ERR_NO_MEMORY ? error_set(err, code, "%s", why->message) : 0;
}

/* The libraries of one site; system ones are not in such lists. */
static int take_site(struct merge *merge, const struct graph_site *site,
                     const struct graph_drives *drives, struct error *err)
{
    struct merge_site where = {.id = site->id, .title = site->title};
    struct error why = {0};
    char *url = NULL;
    int code = url_clean(&url, site->web_url, URL_FROM_SERVICE, &why);

    where.url = url;
    for (size_t i = 0; code == 0 && i < drives->count; i++) {
        code = merge_drive(merge, &drives->drives[i], &where, LIBRARY_FROM_FOLLOWED, &why);
        code = only_no_memory(code, &why, err);
    }
    str_free(&url);
    return code == ERR_NO_MEMORY ? only_no_memory(code, &why, err) : 0;
}

static int ask_sites(struct merge *merge, bool *is_whole, const struct graph_sites *sites,
                     const size_t *places, size_t count, struct account *account,
                     const struct call *call, struct discover_report *report, struct error *err)
{
    const char **ids = calloc(count + 1, sizeof(*ids));
    struct graph_drives *drives = calloc(count + 1, sizeof(*drives));
    int *codes = calloc(count + 1, sizeof(*codes));
    struct error why = {0};
    int code = 0;

    if (!ids || !drives || !codes) {
        code = error_set(err, ERR_NO_MEMORY, "no memory for %zu sites", count);
        goto out;
    }
    for (size_t i = 0; i < count; i++) {
        ids[i] = sites->sites[places[i]].id;
    }
    if (graph_list_drives_of_sites(drives, codes, account, ids, count, call, &why) < 0) {
        *is_whole = false;
        report_add(report, "the sites you follow: %.120s", why.message);
        code = only_no_memory(why.code, &why, err);
        goto out;
    }
    for (size_t i = 0; code == 0 && i < count; i++) {
        if (codes[i] == 0) {
            code = take_site(merge, &sites->sites[places[i]], &drives[i], err);
        } else if (codes[i] != ERR_NOT_FOUND && codes[i] != ERR_DENIED) {
            *is_whole = false; /* else it is gone, and its libraries are asked for directly */
        }
    }
out:
    for (size_t i = 0; drives && i < count; i++) {
        graph_drives_clear(&drives[i]);
    }
    free(drives);
    free(codes);
    free(ids);
    return code;
}

int followed_merge(struct merge *merge, bool *is_whole, const struct followed *followed,
                   const struct search_result *searched, bool is_search_whole,
                   struct account *account, const struct call *call, struct discover_report *report,
                   struct error *err)
{
    bool is_first = !merge->known || merge->known->count == 0;
    size_t max = is_first ? SITES_COLD_MAX : SITES_MAX;
    size_t places[SITES_MAX];
    size_t count = 0;
    int code = 0;

    *is_whole = followed->error.code == 0;
    if (!*is_whole) {
        /* whose OneDrive was never made follows nothing */
        if (followed->error.code != ERR_NOT_FOUND) {
            report_add(report, "the sites you follow: %.120s", followed->error.message);
        }
        return 0;
    }
    code = choose_sites(places, &count, max, is_whole, merge, followed, searched, is_search_whole,
                        err);
    if (code == 0 && count > 0) {
        code =
            ask_sites(merge, is_whole, &followed->sites, places, count, account, call, report, err);
    }
    return code;
}
