/*
 * explain.c - why something is or is not mapped, in words.
 */
#include "mapper/discover.h"

#include <string.h>

#include "base/str.h"
#include "managed.h"
#include "mapper/url.h"
#include "policy/settings.h"
#include "scope.h"

static const char *verdict_text(enum library_verdict verdict)
{
    switch (verdict) {
    case LIBRARY_WANTED:
        return "mapped";
    case LIBRARY_EXCLUDED:
        return "not mapped, by policy";
    case LIBRARY_SYSTEM:
        return "not mapped, a system library";
    case LIBRARY_NO_SITE:
        return "not mapped, its site was not found";
    case LIBRARY_NOT_DEFAULT:
        return "not mapped, not the default library";
    case LIBRARY_OVER_LIMIT:
        return "not mapped, over the limit";
    case LIBRARY_REMOVED:
        return "not mapped, it is gone";
    }
    return "unknown";
}

static int add_sources(struct buf *out, const struct library *library, struct error *err)
{
    static const struct {
        unsigned source;
        const char *text;
    } sources[] = {{LIBRARY_FROM_SEARCH, "search"},
                   {LIBRARY_FROM_ONEDRIVE, "OneDrive"},
                   {LIBRARY_FROM_MANAGED, "ManagedMappings"},
                   {LIBRARY_FROM_FOLLOWED, "the sites you follow"},
                   {LIBRARY_FROM_TEAMS, "a Teams channel"},
                   {LIBRARY_FROM_DEFAULT, "the site, as its default library"},
                   {LIBRARY_FROM_STATE, "memory: not named in the last round"}};
    const char *between = "  named by: ";
    int code = 0;

    for (size_t i = 0; code == 0 && i < sizeof(sources) / sizeof(sources[0]); i++) {
        if (library->sources & sources[i].source) {
            code = buf_add_format(out, err, "%s%s", between, sources[i].text);
            between = ", ";
        }
    }
    if (code == 0 && *between == ' ') {
        code = buf_add_text(out, "  named by: no source any more", err);
    }
    return code < 0 ? code : buf_add_text(out, "\n", err);
}

static int add_list(struct buf *out, const char *name, const struct str_list *entries,
                    const struct library *library, bool is_site, struct error *err)
{
    const char *entry = scope_entry(entries, library, is_site);

    if (entries->count == 0) {
        return buf_add_format(out, err, "  %s: empty\n", name);
    }
    return entry ? buf_add_format(out, err, "  %s: '%s' names it\n", name, entry)
                 : buf_add_format(out, err, "  %s: no entry names it\n", name);
}

static int add_managed(struct buf *out, const struct library *library,
                       const struct settings *settings, struct error *err)
{
    static const char *const how[] = {"", "itself", "by its site, as the default library",
                                      "by its site, with all others"};
    struct managed_list managed = {0};
    enum managed_match match = MANAGED_NO;
    size_t at = 0;
    int code = managed_read(&managed, &settings->managed_mappings, err);

    for (size_t i = 0; code == 0 && match == MANAGED_NO && i < managed.count; i++) {
        match = managed_match(&managed.entries[i], library);
        at = i;
    }
    if (code == 0) {
        code = match == MANAGED_NO
                   ? buf_add_text(out, "  ManagedMappings: no entry names it\n", err)
                   : buf_add_format(out, err, "  ManagedMappings: '%s' names it %s\n",
                                    managed.entries[at].mapping.url, how[match]);
    }
    managed_clear(&managed);
    return code;
}

static int add_rules(struct buf *out, const struct library *library,
                     const struct settings *settings, struct error *err)
{
    int code = add_list(out, "ExcludeSites", &settings->exclude_sites, library, true, err);

    code = code < 0 ? code
                    : add_list(out, "ExcludeLibraries", &settings->exclude_libraries, library,
                               false, err);
    code = code < 0 ? code : add_managed(out, library, settings, err);
    if (code < 0 || library->kind != LIBRARY_SITE) {
        return code < 0 || library->kind != LIBRARY_ONEDRIVE
                   ? code
                   : buf_add_format(out, err, "  OneDrive: %s\n",
                                    settings->one_drive ? "on" : "off");
    }
    code = buf_add_format(out, err, "  AutoMap: %s\n  SiteQuery: %s its site\n",
                          settings->auto_map ? "on" : "off",
                          library->query_hash ? "finds" : "does not find");
    code = code < 0 ? code
                    : buf_add_format(out, err, "  system library: %s\n",
                                     scope_is_system(library) ? "yes" : "no");
    code = code < 0 ? code
                    : add_list(out, "IncludeSites", &settings->include_sites, library, true, err);
    code = code < 0 ? code
                    : add_list(out, "IncludeLibraries", &settings->include_libraries, library,
                               false, err);
    if (code == 0 && settings->library_scope == POLICY_LIBRARY_SCOPE_DEFAULT) {
        code = buf_add_format(out, err, "  LibraryScope: Default, and it is %sknown to be it\n",
                              library->sources & LIBRARY_FROM_DEFAULT ? "" : "not ");
    }
    return code;
}

static int add_library(struct buf *out, const struct library *library,
                       const struct settings *settings, struct error *err)
{
    int code =
        buf_add_format(out, err, "%s\n  %s: %s\n", library->url, verdict_text(library->verdict),
                       library->reason ? library->reason : "not decided yet");

    code = code < 0 ? code
                    : buf_add_format(out, err, "  library '%s' of site '%s'\n",
                                     library->title ? library->title : "",
                                     library->site_title ? library->site_title
                                                         : url_path(library->site_url));
    code = code < 0 ? code : add_sources(out, library, err);
    code = code < 0 ? code : add_rules(out, library, settings, err);
    if (code == 0 && library->missing > 0) {
        code = buf_add_format(out, err, "  asked directly: denied %u time(s) in a row\n",
                              library->missing);
    }
    return code;
}

static int add_unknown(struct buf *out, const char *url, const struct settings *settings,
                       struct error *err)
{
    int code =
        buf_add_format(out, err, "%s\n  not known: no source named it in the last round\n", url);

    if (code == 0 && settings->auto_map) {
        code = buf_add_text(out,
                            "  search: knows only what is indexed and what you may open; new "
                            "libraries come late\n"
                            "  to map it in any case: add the address to ManagedMappings\n",
                            err);
    } else if (code == 0) {
        code = buf_add_text(out, "  AutoMap: off, so only ManagedMappings count\n", err);
    }
    return code;
}

int discover_explain(struct buf *out, const struct library_list *list,
                     const struct settings *settings, const char *url, struct error *err)
{
    char *cleaned = NULL;
    bool is_held = false;
    size_t shortest = 0;
    size_t count = 0;
    int code = url_clean(&cleaned, url, URL_FROM_PERSON, err);

    /* the closest that holds it (a folder mapping is closer than its library) ... */
    for (size_t i = 0; code == 0 && i < list->count; i++) {
        const char *rest = library_below(&list->items[i], cleaned);

        if (rest && (!is_held || strlen(rest) < shortest)) {
            shortest = strlen(rest);
            is_held = true;
        }
    }
    /* ... or else all of the site */
    for (size_t i = 0; code == 0 && i < list->count; i++) {
        const struct library *library = &list->items[i];
        const char *rest = library_below(library, cleaned);
        bool is_it = is_held ? rest && strlen(rest) == shortest
                             : str_equal_nocase(library->site_url, cleaned);

        if (is_it) {
            code = add_library(out, library, settings, err);
            count++;
        }
    }
    if (code == 0 && count == 0) {
        code = add_unknown(out, cleaned, settings, err);
        code = code < 0 ? code
                        : error_set(err, ERR_NOT_FOUND, "nothing is known of '%.150s'", cleaned);
    }
    str_free(&cleaned);
    return code;
}
