#include "scope.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "index.h"
#include "managed.h"
#include "mapper/url.h"
#include "policy/settings.h"

const char *scope_entry(const struct str_list *entries, const struct library *library, bool is_site)
{
    for (size_t i = 0; i < entries->count; i++) {
        if (is_site ? library_site_matches(library, entries->items[i])
                    : library_matches(library, entries->items[i])) {
            return entries->items[i];
        }
    }
    return NULL;
}

/* --- system lists --- */

bool scope_is_system(const struct library *library)
{
    /* URL names. Those of other languages are from sites that were made in them; names that people
     * give their own libraries ("Bilder", "Pages") are not here. */
    static const char *const names[] = {
        "SiteAssets",
        "Site Assets",
        "SitePages",
        "Site Pages",
        "Style Library",
        "FormServerTemplates",
        "Form Templates",
        "PreservationHoldLibrary",
        "Preservation Hold Library",
        "Teams Wiki Data",
        "TeamsWikiData",
        "SiteCollectionDocuments",
        "Site Collection Documents",
        "SiteCollectionImages",
        "Site Collection Images",
        "IWConvertedForms",
        "Converted Forms",
        "ClientSideAssets",
        "AppCatalog",
        "AppPages",
        "appdata",
        "appfiles",
        "AppRequests",
        "Sharing Links",
        "SharingLinks",
        "wfpub",
        "wfsvc",
        "Translation Packages",
        "Quick Deploy Items",
        "Cache Profiles",
        "PublishedFeed",
        "SearchConfigList",
        "ReportServer",
        "HubSiteTemplates",
        "ProjectPolicyItemList",
        "DO_NOT_DELETE_SPLIST_SITECOLLECTION_AGGREGATED_CONTENTTYPES",
        /* German */
        "Websiteobjekte",
        "Websiteseiten",
        "Formatbibliothek",
        "Websitesammlungsdokumente",
        "Websitesammlungsbilder",
        "Bibliothek für die Beibehaltung",
        /* French, Spanish, Italian, Dutch */
        "Ressources du site",
        "Pages du site",
        "Bibliothèque de styles",
        "Activos del sitio",
        "Páginas del sitio",
        "Biblioteca de estilos",
        "Risorse del sito",
        "Pagine del sito",
        "Raccolta stili",
        "Siteactiva",
        "Sitepagina's",
        "Stijlbibliotheek",
    };
    const char *rest = library->site_url ? url_below(library->url, library->site_url) : NULL;
    const char *last = strrchr(library->url, '/');

    if (library->kind != LIBRARY_SITE) {
        return false;
    }
    if (rest && str_starts_with_nocase(rest, "_catalogs/")) {
        return true;
    }
    for (size_t i = 0; last && i < sizeof(names) / sizeof(names[0]); i++) {
        if (str_equal_nocase(last + 1, names[i])) {
            return true;
        }
    }
    return false;
}

bool scope_is_named(const struct str_list *entries, const struct library *library)
{
    for (size_t i = 0; i < entries->count; i++) {
        const char *entry = entries->items[i];
        const char *last = strrchr(entry, '/');

        last = last ? last + 1 : entry;
        if (last[strspn(last, "*?")] != '\0' && library_matches(library, entry)) {
            return true;
        }
    }
    return false;
}

/* --- the decision --- */

struct scope {
    const struct settings *settings;
    const struct managed_list *managed;
    struct text_index sites_with_default; /* keys: folded site ids, in `texts` */
    struct str_list texts;
    uint64_t query_hash;
};

static int verdict(struct library *library, enum library_verdict decided, struct error *err,
                   const char *fmt, ...) PRINTF_LIKE(4, 5);
static int verdict(struct library *library, enum library_verdict decided, struct error *err,
                   const char *fmt, ...)
{
    char text[400];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    for (size_t n = strlen(text); n > 0 && !str_is_utf8(text, n); n--) {
        text[n - 1] = '\0'; /* a long name was cut inside a character */
    }
    library->verdict = decided;
    return str_copy(&library->reason, text, err);
}

/* What the first entry that names the library says of it. */
static int apply_managed(const struct scope *scope, struct library *library,
                         enum managed_match *match, struct error *err)
{
    const struct managed_entry *entry = NULL;

    *match = MANAGED_NO;
    for (size_t i = 0; i < scope->managed->count; i++) {
        enum managed_match now = managed_match(&scope->managed->entries[i], library);

        /* what names the library itself is more than what names its site */
        if (now != MANAGED_NO &&
            (*match == MANAGED_NO || (now == MANAGED_EXACT && *match != MANAGED_EXACT))) {
            *match = now;
            entry = &scope->managed->entries[i];
        }
    }
    if (!entry && library->sources & LIBRARY_FROM_MANAGED && library->verdict == LIBRARY_WANTED &&
        managed_has_open_link(scope->managed, library)) {
        *match = MANAGED_EXACT; /* it may be what a link leads to: it stays as it is until that is
                                   known */
        return 0;
    }
    library->letter = '\0';
    library->is_read_only = entry && entry->mapping.is_read_only;
    library->is_favorite = entry && entry->mapping.is_favorite;
    library->sources &= ~(unsigned)LIBRARY_FROM_MANAGED;
    if (entry) {
        library->sources |= LIBRARY_FROM_MANAGED;
    }
    if (entry && *match != MANAGED_ALL) { /* one name and one letter cannot be of all */
        library->letter = entry->mapping.letter;
        return str_copy(&library->name, entry->mapping.name, err);
    }
    str_free(&library->name);
    return 0;
}

static int folded_site(char **out, const struct library *library, struct error *err)
{
    return url_fold(out, library->site_id ? library->site_id : "", err);
}

/* Whether the default library of this one's site is known. */
static int is_default_known(const struct scope *scope, const struct library *library,
                            bool *is_known, struct error *err)
{
    char *site = NULL;
    size_t at;
    int code = folded_site(&site, library, err);

    if (code == 0) {
        *is_known = text_index_find(&scope->sites_with_default, site, &at);
    }
    str_free(&site);
    return code;
}

/* Why a library that nobody named in this round is still there. */
static const char *remembered_reason(const struct library *library)
{
    if (library->missing == 0) {
        return "known from before, and nothing says that it is gone";
    }
    return library->is_verified ? "the service denies it; it is asked once more before it goes"
                                : "the service denies it, but never showed it either: it stays "
                                  "until policy excludes it";
}

/* Why a library is there that somebody named in this round. */
static const char *found_reason(const struct library *library)
{
    if (library->query_hash == 0) {
        return "it holds the files of a Teams channel";
    }
    if (library->sources & LIBRARY_FROM_SEARCH) {
        return "search found it";
    }
    return library->sources & LIBRARY_FROM_FOLLOWED ? "you follow its site"
                                                    : "it is the default library of its site";
}

static int decide_found(const struct scope *scope, struct library *library, struct error *err)
{
    const struct settings *settings = scope->settings;
    bool was_wanted = library->verdict == LIBRARY_WANTED;
    bool is_known = false;
    int code;

    if (scope_is_system(library) && !scope_is_named(&settings->include_libraries, library)) {
        return verdict(library, LIBRARY_SYSTEM, err,
                       "SharePoint made this library for itself; IncludeLibraries can name it");
    }
    if (settings->include_sites.count > 0 &&
        !scope_entry(&settings->include_sites, library, true)) {
        return verdict(library, LIBRARY_EXCLUDED, err, "no entry of IncludeSites names its site");
    }
    if (settings->include_libraries.count > 0 &&
        !scope_entry(&settings->include_libraries, library, false)) {
        return verdict(library, LIBRARY_EXCLUDED, err, "no entry of IncludeLibraries names it");
    }
    if (settings->library_scope == POLICY_LIBRARY_SCOPE_DEFAULT &&
        !(library->sources & LIBRARY_FROM_DEFAULT)) {
        code = is_default_known(scope, library, &is_known, err);
        if (code < 0) {
            return code;
        }
        if (is_known || !was_wanted) {
            return verdict(library, LIBRARY_NOT_DEFAULT, err, "%s",
                           is_known ? "LibraryScope is Default, and its site's is another"
                                    : "LibraryScope is Default, and its site's is not known yet");
        }
        return verdict(library, LIBRARY_WANTED, err,
                       "it stays until the default library of its site is known");
    }
    if (library->sources & LIBRARY_FROM_STATE) {
        return verdict(library, LIBRARY_WANTED, err, "%s", remembered_reason(library));
    }
    return verdict(library, LIBRARY_WANTED, err, "%s", found_reason(library));
}

static int decide(const struct scope *scope, struct library *library, struct error *err)
{
    const struct settings *settings = scope->settings;
    enum managed_match match;
    const char *entry;
    int code;

    if (library->verdict == LIBRARY_REMOVED) {
        return 0;
    }
    code = apply_managed(scope, library, &match, err);
    if (code < 0) {
        return code;
    }
    if (library->kind == LIBRARY_ONEDRIVE && library->letter == '\0') {
        library->letter = policy_letter_parse(settings->one_drive_drive);
    }
    entry = scope_entry(&settings->exclude_sites, library, true);
    if (entry) {
        return verdict(library, LIBRARY_EXCLUDED, err, "ExcludeSites has '%s'", entry);
    }
    entry = scope_entry(&settings->exclude_libraries, library, false);
    if (entry) {
        return verdict(library, LIBRARY_EXCLUDED, err, "ExcludeLibraries has '%s'", entry);
    }
    if (match == MANAGED_ALL && scope_is_system(library) &&
        !scope_is_named(&settings->include_libraries, library)) {
        return verdict(library, LIBRARY_SYSTEM, err,
                       "SharePoint made this library for itself; IncludeLibraries can name it");
    }
    if (match != MANAGED_NO) {
        return verdict(library, LIBRARY_WANTED, err, "ManagedMappings names %s",
                       match == MANAGED_EXACT ? "it" : "its site");
    }
    if (library->kind == LIBRARY_ONEDRIVE) {
        return settings->one_drive ? verdict(library, LIBRARY_WANTED, err, "it is your OneDrive")
                                   : verdict(library, LIBRARY_EXCLUDED, err, "OneDrive is off");
    }
    if (library->kind == LIBRARY_FOLDER) {
        return verdict(library, LIBRARY_EXCLUDED, err, "ManagedMappings does not name it any more");
    }
    if (!settings->auto_map) {
        return verdict(library, LIBRARY_EXCLUDED, err, "AutoMap is off");
    }
    if (library->query_hash == 0 && library->sources & LIBRARY_FROM_TEAMS) {
        return settings->teams_channels
                   ? decide_found(scope, library, err)
                   : verdict(library, LIBRARY_EXCLUDED, err, "TeamsChannels is off");
    }
    if (library->query_hash == 0) {
        return verdict(library, LIBRARY_NO_SITE, err,
                       "its site is not among those that SiteQuery finds");
    }
    return decide_found(scope, library, err);
}

/* --- MaxMappings --- */

static int by_rank(const void *a, const void *b)
{
    const struct library *left = *(struct library *const *)a;
    const struct library *right = *(struct library *const *)b;
    unsigned asked = LIBRARY_FROM_MANAGED | LIBRARY_FROM_ONEDRIVE;
    int left_rank = left->sources & asked || left->kind == LIBRARY_ONEDRIVE ? 0 : 1;
    int right_rank = right->sources & asked || right->kind == LIBRARY_ONEDRIVE ? 0 : 1;
    int order;

    if (left_rank != right_rank) {
        return left_rank - right_rank;
    }
    order = str_compare_nocase(left->url, right->url);
    return order ? order : strcmp(left->key, right->key);
}

/* Asked-for ones first, then by URL: the same ones for everybody, however long they are here. */
static int limit(struct library_list *list, const struct settings *settings, struct error *err)
{
    struct library **wanted = calloc(list->count + 1, sizeof(struct library *));
    size_t count = 0;
    int code = 0;

    if (!wanted) {
        return error_set(err, ERR_NO_MEMORY, "no memory for %zu libraries", list->count);
    }
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].verdict == LIBRARY_WANTED) {
            wanted[count++] = &list->items[i];
        }
    }
    if (settings->max_mappings >= 0 && count > (size_t)settings->max_mappings) {
        qsort(wanted, count, sizeof(struct library *), by_rank);
        for (size_t i = (size_t)settings->max_mappings; code == 0 && i < count; i++) {
            code = verdict(wanted[i], LIBRARY_OVER_LIMIT, err,
                           "MaxMappings is %lld and %zu libraries are in scope",
                           (long long)settings->max_mappings, count);
        }
    }
    free(wanted);
    return code;
}

static int note_defaults(struct scope *scope, const struct library_list *list, struct error *err)
{
    int code = 0;

    for (size_t i = 0; code == 0 && i < list->count; i++) {
        char *site = NULL;

        if (!(list->items[i].sources & LIBRARY_FROM_DEFAULT)) {
            continue;
        }
        code = folded_site(&site, &list->items[i], err);
        code = code < 0 ? code : str_list_add(&scope->texts, site, err);
        if (code == 0) {
            code = text_index_add(&scope->sites_with_default,
                                  scope->texts.items[scope->texts.count - 1], i, NULL, err);
        }
        str_free(&site);
    }
    return code;
}

int scope_decide_with(struct library_list *list, const struct settings *settings,
                      const struct managed_list *managed, struct error *err)
{
    struct scope scope = {.settings = settings, .managed = managed};
    int code = note_defaults(&scope, list, err);

    for (size_t i = 0; code == 0 && i < list->count; i++) {
        code = decide(&scope, &list->items[i], err);
    }
    code = code < 0 ? code : limit(list, settings, err);
    text_index_clear(&scope.sites_with_default);
    str_list_clear(&scope.texts);
    return code;
}

int scope_decide(struct library_list *list, const struct settings *settings, struct error *err)
{
    struct managed_list managed = {0};
    int code = managed_read(&managed, &settings->managed_mappings, err);

    code = code < 0 ? code : scope_decide_with(list, settings, &managed, err);
    managed_clear(&managed);
    return code;
}
