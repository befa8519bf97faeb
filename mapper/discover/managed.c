#include "managed.h"

#include <stdlib.h>
#include <string.h>

#include "mapper/url.h"

/* Deeper subsites than this have no URL within SharePoint's 400 characters worth trying. */
#define MAX_SITE_PREFIXES 8

/* A note on an entry, if it can be passed over; else its error. */
static int note(struct str_list *notes, const char *url, const struct error *why, struct error *err)
{
    char *text = NULL;
    int code;

    if (why->code == ERR_NO_MEMORY || why->code == ERR_CANCELLED) {
        return error_set(err, why->code, "%s", why->message);
    }
    code = str_format(&text, err, "managed mapping '%.80s': %s", url, why->message);
    code = code < 0 ? code : str_list_add(notes, text, err);
    str_free(&text);
    return code;
}

/* The entry's address; a link to Teams has none yet. */
static int read_url(struct managed_list *list, struct managed_entry *entry, bool *is_good,
                    struct error *err)
{
    struct error why = {0};
    int code = 0;

    *is_good = entry->mapping.team_id ||
               url_clean(&entry->url, entry->mapping.url, URL_FROM_PERSON, &why) == 0;
    if (!*is_good) {
        code = note(&list->problems, entry->mapping.url, &why, err);
        policy_mapping_clear(&entry->mapping);
    }
    return code;
}

int managed_read(struct managed_list *out, const struct str_list *texts, struct error *err)
{
    struct managed_list list = {0};
    int code = 0;

    *out = (struct managed_list){0};
    list.entries = calloc(texts->count + 1, sizeof(*list.entries));
    if (!list.entries) {
        return error_set(err, ERR_NO_MEMORY, "no memory for %zu managed mappings", texts->count);
    }
    for (size_t i = 0; code == 0 && i < texts->count; i++) {
        struct managed_entry *entry = &list.entries[list.count];
        struct error why = {0};
        bool is_good = false;

        if (policy_mapping_parse(&entry->mapping, texts->items[i], &why) == 0) {
            code = read_url(&list, entry, &is_good, err);
            list.count += is_good ? 1 : 0;
        } else if (why.code == ERR_NO_MEMORY) {
            code = error_set(err, why.code, "%s", why.message);
        } /* else it is the policy's warning */
    }
    if (code < 0) {
        managed_clear(&list);
        return code;
    }
    *out = list;
    return 0;
}

void managed_clear(struct managed_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        policy_mapping_clear(&list->entries[i].mapping);
        str_free(&list->entries[i].url);
    }
    free(list->entries);
    str_list_clear(&list->problems);
    *list = (struct managed_list){0};
}

/* Whether the fourth field of an entry, if given, is this tenant. A custom domain cannot be told
 * from here, so it excludes nothing: the URL decides. */
static bool is_tenant(const char *wanted, const char *tenant_id, const char *tenant)
{
    static const char initial[] = ".onmicrosoft.com";
    size_t length;

    if (!wanted || !*wanted) {
        return true;
    }
    if (policy_is_guid(wanted)) {
        return str_equal_nocase(wanted, tenant_id);
    }
    length = strcspn(wanted, ".");
    if (wanted[length] && !str_equal_nocase(wanted + length, initial)) {
        return true;
    }
    return strlen(tenant) == length && str_starts_with_nocase(wanted, tenant);
}

enum managed_match managed_match(const struct managed_entry *entry, const struct library *library)
{
    const char *rest;

    if (!entry->url || !is_tenant(entry->mapping.tenant, library->tenant_id, library->tenant)) {
        return MANAGED_NO;
    }
    rest = library_below(library, entry->url);
    if (rest && !*rest) {
        return MANAGED_EXACT;
    }
    if (library->kind == LIBRARY_FOLDER || !str_equal_nocase(library->site_url, entry->url)) {
        return MANAGED_NO;
    }
    if (entry->mapping.has_all) {
        return MANAGED_ALL;
    }
    return library->sources & LIBRARY_FROM_DEFAULT ? MANAGED_DEFAULT : MANAGED_NO;
}

/* Whether `entry` needs no question: something found belongs to it. */
static bool is_covered(const struct merge *merge, const struct managed_entry *entry)
{
    for (size_t i = 0; i < merge->found.count; i++) {
        enum managed_match match = managed_match(entry, &merge->found.items[i]);

        /* a site with `all` may have got another library: asked each time */
        if (match == MANAGED_EXACT || match == MANAGED_DEFAULT) {
            return true;
        }
    }
    return false;
}

/* First label of a host without the "-my" of OneDrive; its length. */
static size_t host_label(const char *url)
{
    const char *host = strstr(url, "://") + 3;
    size_t length = strcspn(host, ".:/");

    return length > 3 && str_starts_with(host + length - 3, "-my") ? length - 3 : length;
}

/* Whether a URL can be of this tenant: with several accounts each one sees all entries. Unsure is
 * yes. */
static bool is_host_likely(const struct merge *merge, const struct managed_entry *entry)
{
    const char *host = strstr(entry->url, "://") + 3;
    size_t length = host_label(entry->url);
    bool is_any_known = false;

    if (entry->mapping.tenant || str_starts_with_nocase(host, merge->tenant)) {
        return true;
    }
    for (size_t i = 0; i < merge->found.count; i++) {
        const char *other = merge->found.items[i].url;
        size_t other_length = host_label(other);

        is_any_known = true;
        if (other_length == length && strncmp(host, strstr(other, "://") + 3, length) == 0) {
            return true;
        }
    }
    return !is_any_known;
}

/* A site that was found, with what it owns. */
struct resolved_site {
    struct graph_site site;
    struct graph_drives drives;
    char *url;
};

static void resolved_site_clear(struct resolved_site *site)
{
    graph_site_clear(&site->site);
    graph_drives_clear(&site->drives);
    str_free(&site->url);
    *site = (struct resolved_site){0};
}

static int get_site(struct resolved_site *out, struct account *account, const char *url,
                    const struct call *call, struct error *err)
{
    char *host = NULL;
    int code = url_host(&host, url, err);

    if (code == 0) {
        code = graph_get_site(&out->site, account, host, *url_path(url) ? url_path(url) : "/", call,
                              err);
    }
    if (code == 0 && !out->site.id) {
        code = error_set(err, ERR_PROTOCOL, "a site without an id");
    }
    if (code == 0 && (!out->site.web_url ||
                      url_clean(&out->url, out->site.web_url, URL_FROM_SERVICE, err) < 0)) {
        code = str_copy(&out->url, url, err);
    }
    str_free(&host);
    return code;
}

/* The one drive of a site that is or holds `url`, or NULL. */
static const struct graph_drive *drive_at(const struct graph_drives *drives, const char *url)
{
    const struct graph_drive *best = NULL;
    char *cleaned = NULL;

    for (size_t i = 0; i < drives->count && !best; i++) {
        if (drives->drives[i].web_url &&
            url_clean(&cleaned, drives->drives[i].web_url, URL_FROM_SERVICE, NULL) == 0 &&
            url_below(url, cleaned)) {
            best = &drives->drives[i];
        }
    }
    str_free(&cleaned);
    return best;
}

/* What `entry` names in `site` into the found: all libraries, or the default one. */
static int take_site(struct merge *merge, struct account *account, const struct resolved_site *site,
                     const struct managed_entry *entry, const struct call *call, struct error *err)
{
    struct merge_site where = {.id = site->site.id, .url = site->url, .title = site->site.title};
    struct graph_answer answer = {0};
    struct graph_drive drive = {0};
    char *url = NULL;
    const char *question;
    int code = 0;

    if (entry->mapping.has_all) {
        for (size_t i = 0; code == 0 && i < site->drives.count; i++) {
            code = merge_drive(merge, &site->drives.drives[i], &where, LIBRARY_FROM_MANAGED, err);
        }
        return code;
    }
    code = str_format(&url, err, "/sites/%s/drive?$select=id,name,driveType,webUrl", where.id);
    question = url;
    code = code < 0 ? code : graph_batch_get(&answer, account, &question, 1, call, err);
    if (code == 0 && answer.code < 0) {
        code = error_set(err, answer.code, "the site has no default library for you");
    }
    code = code < 0 ? code : graph_parse_drive(&drive, answer.body, answer.body_size, err);
    code = code < 0 ? code
                    : merge_drive(merge, &drive, &where,
                                  LIBRARY_FROM_MANAGED | LIBRARY_FROM_DEFAULT, err);
    graph_answers_clear(&answer, 1);
    graph_drive_clear(&drive);
    str_free(&url);
    return code;
}

/* A library, or a folder in it, of `site`. *is_done says whether it is there. */
static int take_library(struct merge *merge, const struct resolved_site *site, const char *url,
                        bool *is_done, struct error *err)
{
    struct merge_site where = {.id = site->site.id, .url = site->url, .title = site->site.title};
    const struct graph_drive *drive = drive_at(&site->drives, url);
    const char *folder;
    size_t at;
    int code;

    *is_done = drive != NULL;
    if (!drive) {
        return 0;
    }
    code = merge_drive(merge, drive, &where, LIBRARY_FROM_MANAGED, err);
    if (code == 0 && merge_find_url(merge, url, &at)) {
        folder = url_below(url, merge->found.items[at].url);
        code = folder && *folder ? merge_folder(merge, at, folder, err) : 0;
    }
    return code;
}

/* *length = of the next prefix of `url` that may be a site; false when there is none. */
static bool next_prefix(const char *url, size_t *length)
{
    if (url[*length] != '/') {
        return false;
    }
    *length += 1 + strcspn(url + *length + 1, "/");
    return true;
}

/* Asks site by site, from the site collection down: the first whose libraries hold the URL, or that
 * is the URL. Two requests as a rule. */
static int resolve(struct merge *merge, struct account *account, const struct managed_entry *entry,
                   const struct call *call, struct error *err)
{
    struct resolved_site site = {0};
    char *prefix = NULL;
    bool is_done = false;
    size_t length;
    int code = url_site_collection(&prefix, entry->url, err);

    length = code == 0 ? strlen(prefix) : 0;
    for (unsigned i = 0; code == 0 && !is_done && i < MAX_SITE_PREFIXES; i++) {
        bool is_site = str_equal_nocase(prefix, entry->url);

        resolved_site_clear(&site);
        code = get_site(&site, account, prefix, call, err);
        if (code == 0 && (!is_site || entry->mapping.has_all)) {
            code = graph_list_site_drives(&site.drives, account, site.site.id, call, err);
        }
        if (code == 0 && is_site) {
            code = take_site(merge, account, &site, entry, call, err);
            is_done = true;
        } else if (code == 0) {
            code = take_library(merge, &site, entry->url, &is_done, err);
        }
        if (code == 0 && !is_done) {
            if (!next_prefix(entry->url, &length)) {
                break;
            }
            code = str_copy_n(&prefix, entry->url, length, err);
        }
    }
    if (code == 0 && !is_done) {
        code = error_set(err, ERR_NOT_FOUND, "no library there");
    }
    resolved_site_clear(&site);
    str_free(&prefix);
    return code;
}

/* A folder of a library that is found needs no question. */
static int take_known_folder(struct merge *merge, const struct managed_entry *entry, bool *is_done,
                             struct error *err)
{
    const char *folder;
    size_t at;

    *is_done = false;
    if (!merge_find_url(merge, entry->url, &at)) {
        return 0;
    }
    folder = url_below(entry->url, merge->found.items[at].url);
    if (!folder || !*folder) {
        return 0;
    }
    *is_done = true;
    return merge_folder(merge, at, folder, err);
}

int managed_resolve(struct merge *merge, struct account *account, const struct managed_list *list,
                    const struct call *call, struct str_list *notes, struct error *err)
{
    int code = 0;

    for (size_t i = 0; code == 0 && i < list->count; i++) {
        const struct managed_entry *entry = &list->entries[i];
        struct error why = {0};
        bool is_done = false;

        if (!entry->url || !is_tenant(entry->mapping.tenant, merge->tenant_id, merge->tenant) ||
            is_covered(merge, entry)) {
            continue;
        }
        code = take_known_folder(merge, entry, &is_done, err);
        if (code < 0 || is_done || !is_host_likely(merge, entry)) {
            continue;
        }
        if (resolve(merge, account, entry, call, &why) == 0) {
            continue;
        }
        code = note(notes, entry->url, &why, err);
    }
    return code;
}

/* --- links to Teams --- */

bool managed_has_open_link(const struct managed_list *list, const struct library *library)
{
    for (size_t i = 0; i < list->count; i++) {
        if (!list->entries[i].url &&
            is_tenant(list->entries[i].mapping.tenant, library->tenant_id, library->tenant)) {
            return true;
        }
    }
    return false;
}

/* A team is its site, wherever the folder of its first channel is in it. */
static int take_link(struct managed_entry *entry, const struct graph_folder *folder,
                     struct error *why)
{
    char *address = NULL;
    int code = folder->code;

    if (code < 0) {
        error_set(why, code, "%s",
                  code == ERR_NOT_FOUND || code == ERR_DENIED
                      ? "there is no such team or channel for you"
                      : "the service does not say where its files are");
        return code;
    }
    code = url_clean(&address, folder->web_url, URL_FROM_SERVICE, why);
    if (code == 0 && entry->mapping.is_channel) {
        entry->url = address;
        return 0;
    }
    code = code < 0 ? code : url_site_collection(&entry->url, address, why);
    str_free(&address);
    return code;
}

int managed_follow_links(struct managed_list *list, const struct merge *merge,
                         struct account *account, const struct call *call, struct str_list *notes,
                         struct error *err)
{
    struct graph_channel *channels = calloc(list->count + 1, sizeof(*channels));
    struct graph_folder *folders = calloc(list->count + 1, sizeof(*folders));
    size_t *places = calloc(list->count + 1, sizeof(*places));
    struct error why = {0};
    size_t count = 0;
    int code = 0;

    if (!channels || !folders || !places) {
        code = error_set(err, ERR_NO_MEMORY, "no memory for %zu managed mappings", list->count);
        goto out;
    }
    for (size_t i = 0; i < list->count; i++) {
        const struct policy_mapping *mapping = &list->entries[i].mapping;

        if (mapping->team_id && !list->entries[i].url &&
            is_tenant(mapping->tenant, merge->tenant_id, merge->tenant)) {
            places[count] = i;
            channels[count].team_id = mapping->team_id; /* borrowed */
            channels[count++].id = mapping->channel_id;
        }
    }
    if (count > 0 && graph_get_channel_folders(folders, account, channels, count, call, &why) < 0) {
        code = note(notes, list->entries[places[0]].mapping.url, &why, err);
        count = 0;
    }
    for (size_t i = 0; code == 0 && i < count; i++) {
        struct managed_entry *entry = &list->entries[places[i]];

        why = (struct error){0};
        if (take_link(entry, &folders[i], &why) < 0) {
            code = note(notes, entry->mapping.url, &why, err);
        }
    }
out:
    if (folders) {
        graph_folders_clear(folders, count);
    }
    free(folders);
    free(channels);
    free(places);
    return code;
}
