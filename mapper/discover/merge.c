#include "merge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "mapper/url.h"

void merge_clear(struct merge *merge)
{
    text_index_clear(&merge->index);
    text_index_clear(&merge->known_index);
    library_list_clear(&merge->found);
}

const struct library *merge_known_library(struct merge *merge, const char *key)
{
    size_t at;

    if (!merge->known || merge->known->count == 0) {
        return NULL;
    }
    if (merge->known_index.count == 0) {
        for (size_t i = 0; i < merge->known->count; i++) {
            if (text_index_add(&merge->known_index, merge->known->items[i].key, i, NULL, NULL) <
                0) {
                return NULL; /* no memory: what follows fails too */
            }
        }
    }
    return text_index_find(&merge->known_index, key, &at) ? &merge->known->items[at] : NULL;
}

/* What stays of a library from round to round, however it was named now. */
static int adopt(struct library *library, const struct library *known, struct error *err)
{
    int code = 0;

    /* search names these too, but not why they are mapped; scope_decide() judges each anew */
    library->sources |=
        known->sources & (LIBRARY_FROM_DEFAULT | LIBRARY_FROM_TEAMS | LIBRARY_FROM_MANAGED);
    library->letter = known->letter;
    library->is_read_only = known->is_read_only;
    library->is_favorite = known->is_favorite;
    library->verdict = known->verdict == LIBRARY_REMOVED ? LIBRARY_NOT_DEFAULT : known->verdict;
    code = str_copy(&library->name, known->name, err);
    if (code == 0 && known->is_verified && !library->is_verified) {
        library->is_verified = true;
        code = str_copy(&library->drive_id, known->drive_id, err);
    }
    if (code == 0 && !library->site_title) {
        code = str_copy(&library->site_title, known->site_title, err);
    }
    if (library->query_hash == 0) {
        library->query_hash = known->query_hash;
    }
    if (known->kind == LIBRARY_ONEDRIVE && library->kind == LIBRARY_SITE) {
        /* search may name it, but whether it is still the user's only /me/drive can say */
        library->kind = LIBRARY_ONEDRIVE;
        library->sources |= LIBRARY_FROM_STATE;
        library->missing = known->missing;
    }
    return code;
}

/* The same library was named twice: what the second adds. */
static void unite(struct library *there, struct library *also)
{
    struct {
        char **to;
        char **from;
    } texts[] = {{&there->site_title, &also->site_title},
                 {&there->title, &also->title},
                 {&there->site_url, &also->site_url}};

    there->sources |= also->sources;
    if (also->sources & LIBRARY_FROM_ONEDRIVE) {
        there->kind = LIBRARY_ONEDRIVE;
        there->sources &= ~(unsigned)LIBRARY_FROM_STATE;
        there->missing = 0;
    }
    if (there->query_hash == 0) {
        there->query_hash = also->query_hash;
    }
    if (also->is_verified && !there->is_verified) {
        char *hint = there->drive_id;

        there->drive_id = also->drive_id;
        also->drive_id = hint;
        there->is_verified = true;
    }
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (!*texts[i].to) {
            *texts[i].to = *texts[i].from;
            *texts[i].from = NULL;
        }
    }
    library_clear(also);
}

int merge_add(struct merge *merge, struct library *library_moved, struct error *err)
{
    const char *key = library_moved->key;
    size_t at;
    int code;

    if (text_index_find(&merge->index, key, &at)) {
        unite(&merge->found.items[at], library_moved);
        return 0;
    }
    code = library_list_add(&merge->found, library_moved, err);
    if (code == 0) {
        code = text_index_add(&merge->index, key, merge->found.count - 1, NULL, err);
    }
    return code;
}

/* --- the two searches --- */

/* The sites of a search, findable by id. */
struct site_table {
    struct text_index index; /* into the hits */
    char **keys;             /* owned */
    size_t count;
};

static void site_table_clear(struct site_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        free(table->keys[i]);
    }
    free(table->keys);
    text_index_clear(&table->index);
}

static int site_table_fill(struct site_table *table, const struct search_result *sites,
                           struct error *err)
{
    int code = 0;

    table->keys = calloc(sites->count + 1, sizeof(char *));
    if (!table->keys) {
        return error_set(err, ERR_NO_MEMORY, "no memory for %zu sites", sites->count);
    }
    for (size_t i = 0; code == 0 && i < sites->count; i++) {
        if (sites->hits[i].kind == GRAPH_HIT_SITE && merge_is_id(sites->hits[i].id)) {
            code = merge_site_key(&table->keys[table->count], sites->hits[i].id, err);
            if (code == 0) {
                table->count++;
                code = text_index_add(&table->index, table->keys[table->count - 1], i, NULL, err);
            }
        }
    }
    return code;
}

static int site_table_find(const struct site_table *table, const char *site_id, size_t *at,
                           bool *is_there, struct error *err)
{
    char *key = NULL;
    int code = merge_site_key(&key, site_id, err);

    if (code == 0) {
        *is_there = text_index_find(&table->index, key, at);
    }
    str_free(&key);
    return code;
}

/* "Finance - Documents" of a search hit is "Documents" of the site "Finance"; where the hit of the
 * site has no title, it is taken from there, if it can be told apart. */
static int split_title(struct library *library, struct error *err)
{
    const char *title = library->title;
    const char *dash = title ? strstr(title, " - ") : NULL;
    const char *rest = NULL;
    char *copy = NULL;
    int code = 0;

    if (!dash) {
        return 0;
    }
    if (library->site_title) {
        size_t length = strlen(library->site_title);

        if (str_starts_with(title, library->site_title) && str_starts_with(title + length, " - ") &&
            title[length + 3]) {
            rest = title + length + 3;
        }
    } else if (!strstr(dash + 3, " - ") && dash > title && dash[3]) {
        code = str_copy_n(&library->site_title, title, (size_t)(dash - title), err);
        rest = dash + 3;
    }
    if (code == 0 && rest) {
        code = str_copy(&copy, rest, err);
    }
    if (code == 0 && copy) {
        str_free(&library->title);
        library->title = copy;
        copy = NULL;
    }
    str_free(&copy);
    return code;
}

static const char *last_segment(const char *url)
{
    const char *slash = strrchr(url, '/');

    return slash ? slash + 1 : url;
}

/* Address and title of the library and its site from the two hits. ERR_INVALID when they do not
 * give an address. */
static int read_addresses(struct library *library, const struct graph_hit *list,
                          const struct graph_hit *site, const struct library *known,
                          struct error *err)
{
    const char *title = list->title ? list->title : list->name;
    int code = 0;

    if (site && site->web_url &&
        url_clean(&library->site_url, site->web_url, URL_FROM_SERVICE, err) == ERR_NO_MEMORY) {
        return ERR_NO_MEMORY;
    }
    if (!library->site_url && known) {
        code = str_copy(&library->site_url, known->site_url, err);
    }
    if (code == 0 && list->web_url) {
        code = url_clean(&library->url, list->web_url, URL_FROM_SERVICE, err);
    } else if (code == 0 && library->site_url && list->name && !strchr(list->name, '/')) {
        code = str_format(&library->url, err, "%s/%s", library->site_url, list->name);
    } else if (code == 0 && known) {
        code = str_copy(&library->url, known->url, err);
    }
    if (code < 0) {
        return code;
    }
    if (!library->url || !*url_path(library->url)) {
        return error_set(err, ERR_INVALID, "a library without an address");
    }
    if (!library->site_url) {
        code = str_copy_n(&library->site_url, library->url,
                          (size_t)(last_segment(library->url) - library->url) - 1, err);
    }
    if (code == 0 && site) {
        code = str_copy(&library->site_title, site->title, err);
    }
    if (code == 0) {
        code = str_copy(&library->title, title ? title : last_segment(library->url), err);
    }
    return code < 0 ? code : split_title(library, err);
}

/* One list hit; `site` NULL when it is not among the sites. */
static int add_list(struct merge *merge, const struct graph_hit *list, const struct graph_hit *site,
                    bool has_all_sites, struct error *err)
{
    struct library library = {.kind = LIBRARY_SITE,
                              .sources = LIBRARY_FROM_SEARCH,
                              .verdict = LIBRARY_NOT_DEFAULT,
                              .query_hash = site ? merge->query_hash : 0};
    const struct library *known = NULL;
    struct error hint_error = {0};
    int code = library_key(&library.key, merge->tenant_id, list->site_id, list->id, NULL, err);

    if (code == 0) {
        known = merge_known_library(merge, library.key);
    }
    if (code == 0 && !site && !known && !has_all_sites) {
        library_clear(&library); /* cannot be judged before the sites are known */
        return 0;
    }
    code = code < 0 ? code : str_copy(&library.tenant_id, merge->tenant_id, err);
    code = code < 0 ? code : str_copy(&library.tenant, merge->tenant, err);
    code = code < 0 ? code : str_copy(&library.site_id, list->site_id, err);
    code = code < 0 ? code : str_copy(&library.list_id, list->id, err);
    code = code < 0 ? code : read_addresses(&library, list, site, known, err);
    if (code == 0 && graph_drive_id_hint(&library.drive_id, library.site_id, library.list_id,
                                         &hint_error) == ERR_NO_MEMORY) {
        code = error_set(err, ERR_NO_MEMORY, "%s", hint_error.message);
    }
    if (code == 0 && known) {
        code = adopt(&library, known, err);
        if (!site && has_all_sites && known->query_hash != merge->query_hash) {
            library.query_hash = 0; /* another SiteQuery, which does not name its site */
        }
    }
    if (code < 0) {
        library_clear(&library);
        return code;
    }
    return merge_add(merge, &library, err);
}

int merge_search(struct merge *merge, const struct search_result *sites,
                 const struct search_result *lists, struct error *err)
{
    struct site_table table = {0};
    int code = site_table_fill(&table, sites, err);

    for (size_t i = 0; code == 0 && i < lists->count; i++) {
        const struct graph_hit *list = &lists->hits[i];
        bool has_site = false;
        size_t at = 0;

        if (list->kind != GRAPH_HIT_LIST || !merge_is_id(list->id) || !merge_is_id(list->site_id)) {
            merge->unusable++;
            continue;
        }
        code = site_table_find(&table, list->site_id, &at, &has_site, err);
        if (code == 0) {
            code =
                add_list(merge, list, has_site ? &sites->hits[at] : NULL, sites->is_complete, err);
        }
        if (code == ERR_INVALID) { /* this hit is nonsense, the others are not */
            merge->unusable++;
            error_clear(err);
            code = 0;
        }
    }
    site_table_clear(&table);
    return code;
}

/* --- drives --- */

/* The site of a OneDrive, from its drive's id and address. */
static int onedrive_site(struct library *library, const char *drive_id, struct error *err)
{
    char site[37];
    char web[37];
    char list[37];
    char *host = NULL;
    int code = url_host(&host, library->url, err);

    if (code == 0 && merge_drive_guids(drive_id, site, web, list)) {
        code = str_format(&library->site_id, err, "%s,%s,%s", host, site, web);
    } else if (code == 0) {
        code = str_copy(&library->site_id, "onedrive", err); /* never asked for by this id */
    }
    code = code < 0 ? code : url_site_collection(&library->site_url, library->url, err);
    str_free(&host);
    return code;
}

/* Key and ids of a library from its drive. */
static int identify_drive(struct merge *merge, struct library *library,
                          const struct graph_drive *drive, struct error *err)
{
    char list[37];
    size_t at;
    int code;

    code = url_clean(&library->url, drive->web_url, URL_FROM_SERVICE, err);
    code = code < 0 ? code : str_copy(&library->drive_id, drive->id, err);
    code = code < 0 ? code : str_copy(&library->tenant_id, merge->tenant_id, err);
    code = code < 0 ? code : str_copy(&library->tenant, merge->tenant, err);
    if (code < 0) {
        return code;
    }
    if (library->kind == LIBRARY_ONEDRIVE) {
        code = onedrive_site(library, drive->id, err);
    }
    if (code < 0) {
        return code;
    }
    if (merge_drive_guids(drive->id, NULL, NULL, list)) {
        code = str_copy(&library->list_id, list, err);
    } else if (merge_find_url(merge, library->url, &at) &&
               str_equal_nocase(merge->found.items[at].url, library->url)) {
        code = str_copy(&library->list_id, merge->found.items[at].list_id, err);
        code = code < 0 ? code : str_copy(&library->site_id, merge->found.items[at].site_id, err);
    } else { /* an id that is built otherwise stands for itself: the key stays one library's */
        code = str_copy(&library->list_id, drive->id, err);
    }
    return code < 0 ? code
                    : library_key(&library->key, merge->tenant_id, library->site_id,
                                  library->list_id, NULL, err);
}

/* The user has one OneDrive: what was it before is a library like others now. */
static void demote_onedrives(struct merge *merge)
{
    for (size_t i = 0; i < merge->found.count; i++) {
        struct library *library = &merge->found.items[i];

        if (library->kind == LIBRARY_ONEDRIVE && !(library->sources & LIBRARY_FROM_ONEDRIVE)) {
            library->kind = LIBRARY_SITE;
            library->sources &= ~(unsigned)LIBRARY_FROM_STATE;
            library->missing = 0;
        }
    }
}

int merge_drive(struct merge *merge, const struct graph_drive *drive, const struct merge_site *site,
                unsigned source, struct error *err)
{
    /* sources that name no site but those that count as SiteQuery's */
    const unsigned queried = LIBRARY_FROM_DEFAULT | LIBRARY_FROM_FOLLOWED;
    struct library library = {.kind = site ? LIBRARY_SITE : LIBRARY_ONEDRIVE,
                              .sources = source,
                              .is_verified = true,
                              .verdict = LIBRARY_NOT_DEFAULT,
                              .query_hash = source & queried ? merge->query_hash : 0};
    const struct library *known;
    int code = 0;

    if (!merge_is_id(drive->id) || !drive->web_url || (site && !merge_is_id(site->id))) {
        return error_set(err, ERR_PROTOCOL, "a drive without id or address");
    }
    if (site) {
        code = str_copy(&library.site_id, site->id, err);
        code = code < 0 ? code : str_copy(&library.site_url, site->url, err);
        code = code < 0 ? code : str_copy(&library.site_title, site->title, err);
    }
    code = code < 0 ? code : identify_drive(merge, &library, drive, err);
    code = code < 0 ? code : str_copy(&library.title, drive->name, err);
    if (code == 0) {
        known = merge_known_library(merge, library.key);
        code = known ? adopt(&library, known, err) : 0;
    }
    if (code < 0) {
        library_clear(&library);
        return code == ERR_INVALID ? error_set(err, ERR_PROTOCOL, "a drive without address") : code;
    }
    code = merge_add(merge, &library, err);
    if (code == 0 && !site) {
        demote_onedrives(merge);
    }
    return code;
}

int merge_folder(struct merge *merge, size_t library, const char *folder_path, struct error *err)
{
    struct library folder = {0};
    const struct library *parent = &merge->found.items[library];
    int code = library_copy(&folder, parent, err);

    if (code < 0) {
        return code;
    }
    folder.kind = LIBRARY_FOLDER;
    folder.sources = LIBRARY_FROM_MANAGED;
    folder.verdict = LIBRARY_NOT_DEFAULT;
    code = str_copy(&folder.folder_path, folder_path, err);
    code = code < 0 ? code
                    : library_key(&folder.key, folder.tenant_id, folder.site_id, folder.list_id,
                                  folder_path, err);
    if (code < 0) {
        library_clear(&folder);
        return code;
    }
    return merge_add(merge, &folder, err);
}

bool merge_find_url(const struct merge *merge, const char *url, size_t *at)
{
    size_t longest = 0;
    bool is_there = false;

    for (size_t i = 0; i < merge->found.count; i++) {
        const struct library *library = &merge->found.items[i];
        size_t length = strlen(library->url);

        if (library->kind != LIBRARY_FOLDER && length >= longest && url_below(url, library->url)) {
            longest = length;
            *at = i;
            is_there = true;
        }
    }
    return is_there;
}

/* --- what was known --- */

bool merge_is_unsure(const struct library *library, const struct merge_round *round)
{
    return (round->lacks_followed && library->sources & LIBRARY_FROM_FOLLOWED) ||
           (round->lacks_teams && library->sources & LIBRARY_FROM_TEAMS);
}

/* Whether a known library that nobody named now is carried over. */
static bool is_carried(const struct library *known, const struct merge_round *round)
{
    if (known->verdict == LIBRARY_REMOVED) {
        return false;
    }
    if (known->kind == LIBRARY_ONEDRIVE) {
        return !round->has_onedrive; /* the user has one, and it was just named */
    }
    return known->verdict == LIBRARY_WANTED || !round->has_searched || !round->has_all_sites ||
           !round->has_all_lists || merge_is_unsure(known, round);
}

/* A folder is there as long as its library is: what is known of the library now holds for it. */
static int follow_parent(struct library *folder, const struct merge *merge, struct error *err)
{
    const struct library *parent;
    char *key = NULL;
    size_t at;
    int code;

    if (folder->kind != LIBRARY_FOLDER) {
        return 0;
    }
    code = library_key(&key, folder->tenant_id, folder->site_id, folder->list_id, NULL, err);
    if (code == 0 && text_index_find(&merge->index, key, &at)) {
        parent = &merge->found.items[at];
        if (!(parent->sources & LIBRARY_FROM_STATE)) {
            folder->sources &= ~(unsigned)LIBRARY_FROM_STATE;
            folder->missing = 0;
        }
        folder->is_verified = parent->is_verified;
        code = str_copy(&folder->drive_id, parent->drive_id, err);
        code = code < 0 ? code : str_copy(&folder->site_url, parent->site_url, err);
        code = code < 0 ? code : str_copy(&folder->url, parent->url, err);
    }
    str_free(&key);
    return code;
}

int merge_known(struct merge *merge, const struct search_result *sites,
                const struct merge_round *round, struct error *err)
{
    struct site_table table = {0};
    int code = site_table_fill(&table, sites, err);

    for (size_t i = 0; code == 0 && merge->known && i < merge->known->count; i++) {
        const struct library *known = &merge->known->items[i];
        struct library library = {0};
        bool has_site = true;
        size_t at;

        if (text_index_find(&merge->index, known->key, &at) || !is_carried(known, round)) {
            continue;
        }
        code = library_copy(&library, known, err);
        if (code == 0 && round->has_searched && round->has_all_sites &&
            known->query_hash != merge->query_hash) {
            code = site_table_find(&table, known->site_id, &at, &has_site, err);
            library.query_hash = has_site ? merge->query_hash : 0;
        }
        library.sources |= LIBRARY_FROM_STATE;
        code = code < 0 ? code : follow_parent(&library, merge, err);
        if (code < 0) {
            library_clear(&library);
        } else {
            code = merge_add(merge, &library, err);
        }
    }
    site_table_clear(&table);
    return code;
}
