/*
 * explain.c - why something is or is not mapped, in words.
 */
#include "mapper/discover.h"

#include <string.h>

#include "base/str.h"
#include "managed.h"
#include "mapper/url.h"
#include "member.h"
#include "policy/load.h"
#include "policy/settings.h"
#include "scope.h"

/* What decides, and where it was written. */
struct rules {
    const struct settings *settings;
    const struct policy *policy; /* may be NULL */
};

static bool has_entry(const struct str_list *entries, const char *entry)
{
    for (size_t i = 0; i < entries->count; i++) {
        if (str_equal(entries->items[i], entry)) {
            return true;
        }
    }
    return false;
}

/* " (machine policy, /etc/mooring/policy.yaml:7)" of a setting, or of one entry of it; nothing when
 * that is not known. */
static int add_origin(struct buf *out, const struct rules *rules, const char *setting,
                      const char *entry, struct error *err)
{
    const struct policy_result *result =
        rules->policy ? policy_result_find(rules->policy, setting) : NULL;
    const struct policy_value *value = result ? result->winner : NULL;

    for (size_t i = 0; entry && result && i < result->value_count; i++) {
        if (result->values[i].is_used && has_entry(&result->values[i].entries, entry)) {
            value = &result->values[i];
            break;
        }
    }
    if (!value) {
        return 0;
    }
    return value->file ? buf_add_format(out, err, " (%s, %s:%d)", policy_layer_name(value->layer),
                                        value->file, value->line)
                       : buf_add_format(out, err, " (%s)", policy_layer_name(value->layer));
}

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

static int add_list(struct buf *out, const struct rules *rules, const char *name,
                    const struct str_list *entries, const struct library *library, bool is_site,
                    struct error *err)
{
    const char *entry = scope_entry(entries, library, is_site);
    int code;

    if (entries->count == 0) {
        return buf_add_format(out, err, "  %s: empty\n", name);
    }
    code = entry ? buf_add_format(out, err, "  %s: '%s' names it", name, entry)
                 : buf_add_format(out, err, "  %s: no entry names it", name);
    code = code < 0 ? code : add_origin(out, rules, name, entry, err);
    return code < 0 ? code : buf_add_text(out, "\n", err);
}

/* A rule that is no list: "  AutoMap: on (default)". */
static int add_rule(struct buf *out, const struct rules *rules, const char *name, const char *what,
                    struct error *err)
{
    int code = buf_add_format(out, err, "  %s: %s", name, what);

    code = code < 0 ? code : add_origin(out, rules, name, NULL, err);
    return code < 0 ? code : buf_add_text(out, "\n", err);
}

static int add_managed(struct buf *out, const struct library *library, const struct rules *rules,
                       struct error *err)
{
    static const char *const how[] = {"", "itself", "by its site, as the default library",
                                      "by its site, with all others"};
    const struct str_list *texts = &rules->settings->managed_mappings;
    enum managed_match match = MANAGED_NO;
    bool has_link = false;
    size_t at = 0;
    int code = 0;

    for (size_t i = 0; code == 0 && match == MANAGED_NO && i < texts->count; i++) {
        struct str_list one = {.items = &texts->items[i], .count = 1}; /* borrowed, only read */
        struct managed_list managed = {0};

        code = managed_read(&managed, &one, err);
        if (code == 0 && managed.count > 0) {
            match = managed_match(&managed.entries[0], library);
            has_link = has_link || managed_has_open_link(&managed, library);
        }
        at = i;
        managed_clear(&managed);
    }
    if (code < 0) {
        return code;
    }
    if (match == MANAGED_NO) {
        return buf_add_text(out,
                            has_link && library->sources & LIBRARY_FROM_MANAGED
                                ? "  ManagedMappings: a link to Teams names it\n"
                                : "  ManagedMappings: no entry names it\n",
                            err);
    }
    code = buf_add_format(out, err, "  ManagedMappings: '%s' names it %s", texts->items[at],
                          how[match]);
    code = code < 0 ? code : add_origin(out, rules, "ManagedMappings", texts->items[at], err);
    return code < 0 ? code : buf_add_text(out, "\n", err);
}

/* What decides on libraries that are found and named by nobody. */
static int add_found_rules(struct buf *out, const struct library *library,
                           const struct rules *rules, struct error *err)
{
    const struct settings *settings = rules->settings;
    int code = add_rule(out, rules, "AutoMap", settings->auto_map ? "on" : "off", err);

    code = code < 0
               ? code
               : add_rule(out, rules, "SiteQuery",
                          library->query_hash ? "finds its site" : "does not find its site", err);
    if (code == 0 && library->sources & LIBRARY_FROM_TEAMS) {
        code = add_rule(out, rules, "TeamsChannels", settings->teams_channels ? "on" : "off", err);
    }
    code = code < 0 ? code
                    : buf_add_format(out, err, "  system library: %s\n",
                                     scope_is_system(library) ? "yes" : "no");
    code = code < 0
               ? code
               : add_list(out, rules, "IncludeSites", &settings->include_sites, library, true, err);
    code = code < 0 ? code
                    : add_list(out, rules, "IncludeLibraries", &settings->include_libraries,
                               library, false, err);
    if (code == 0 && settings->library_scope == POLICY_LIBRARY_SCOPE_DEFAULT) {
        code = add_rule(out, rules, "LibraryScope",
                        library->sources & LIBRARY_FROM_DEFAULT
                            ? "Default, and it is known to be it"
                            : "Default, and it is not known to be it",
                        err);
    }
    return code;
}

static int add_rules(struct buf *out, const struct library *library, const struct rules *rules,
                     struct error *err)
{
    const struct settings *settings = rules->settings;
    int code = add_list(out, rules, "ExcludeSites", &settings->exclude_sites, library, true, err);

    code = code < 0 ? code
                    : add_list(out, rules, "ExcludeLibraries", &settings->exclude_libraries,
                               library, false, err);
    code = code < 0 ? code : add_managed(out, library, rules, err);
    if (code == 0 && library->kind == LIBRARY_SITE) {
        code = add_found_rules(out, library, rules, err);
    } else if (code == 0 && library->kind == LIBRARY_ONEDRIVE) {
        code = add_rule(out, rules, "OneDrive", settings->one_drive ? "on" : "off", err);
    }
    return code;
}

static int add_library(struct buf *out, const struct library *library, const struct rules *rules,
                       struct error *err)
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
    code = code < 0 ? code : add_rules(out, library, rules, err);
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
        code = code < 0 || followed_is_wanted(settings)
                   ? code
                   : buf_add_text(out,
                                  "  the sites you follow: do not count, since SiteQuery is not "
                                  "the default\n",
                                  err);
        code = code < 0 || settings->teams_channels
                   ? code
                   : buf_add_text(out,
                                  "  TeamsChannels: off, so private and shared channels are not "
                                  "looked for\n",
                                  err);
    } else if (code == 0) {
        code = buf_add_text(out, "  AutoMap: off, so only ManagedMappings count\n", err);
    }
    return code;
}

int discover_explain(struct buf *out, const struct library_list *list,
                     const struct settings *settings, const struct policy *policy, const char *url,
                     struct error *err)
{
    struct rules rules = {.settings = settings, .policy = policy};
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
            code = add_library(out, library, &rules, err);
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
