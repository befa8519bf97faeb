/*
 * match.c - whether an entry of policy names a site or a library.
 */
#include "mapper/discover.h"

#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "mapper/url.h"

/* `title:glob`: the glob, or NULL. */
static const char *title_glob(const char *entry)
{
    if (!str_starts_with_nocase(entry, "title:")) {
        return NULL;
    }
    entry += strlen("title:");
    return entry + strspn(entry, " \t");
}

/* A title is no path: a '/' in it is a character like others, and '*' goes over it. */
static bool title_matches(const char *glob, const char *title)
{
    char *texts[2] = {NULL, NULL};
    bool matches = false;

    if (title && str_copy(&texts[0], glob, NULL) == 0 && str_copy(&texts[1], title, NULL) == 0) {
        for (size_t i = 0; i < 2; i++) {
            for (char *c = strchr(texts[i], '/'); c; c = strchr(c, '/')) {
                *c = '\x1f'; /* cannot be in a title */
            }
        }
        matches = str_glob_match(texts[0], texts[1]);
    }
    str_free(&texts[0]);
    str_free(&texts[1]);
    return matches;
}

/* The ways to read an entry that is compared with addresses. Owned; NULL: not to be read so. */
struct glob {
    char *text;    /* as written */
    char *decoded; /* what was encoded stands for itself: "%5B" is a '[' and begins no class */
    char *url;     /* copied out of a browser, views and all: in the one spelling of url.h */
};

static void glob_clear(struct glob *glob)
{
    str_free(&glob->text);
    str_free(&glob->decoded);
    str_free(&glob->url);
}

static int decode(char **out, const char *text)
{
    static const char *const special[] = {"%2A", "%3F", "%5B", "%5C", "%5D"}; /* * ? [ \ ] */
    struct buf escaped;
    int code = 0;

    buf_init(&escaped, 2 * strlen(text) + 1);
    for (; code == 0 && *text; text++) {
        for (size_t i = 0; code == 0 && i < sizeof(special) / sizeof(special[0]); i++) {
            if (str_starts_with_nocase(text, special[i])) {
                code = buf_add_text(&escaped, "\\", NULL);
            }
        }
        code = code < 0 ? code : buf_add(&escaped, text, 1, NULL);
    }
    code = code < 0 ? code : str_percent_decode(out, buf_text(&escaped), NULL);
    buf_clear(&escaped);
    return code;
}

/* Whether it is an address and no pattern: its '?', if any, begins what follows a page. */
static bool is_address(const char *text)
{
    const char *mark = strchr(text, '?');

    return str_starts_with_nocase(text, "https://") && !strpbrk(text, "*[") &&
           (!mark || (mark - text > 5 && str_starts_with_nocase(mark - 5, ".aspx")));
}

/* False without memory; then nothing matches. */
static bool glob_read(struct glob *out, const char *entry)
{
    *out = (struct glob){0};
    if (str_copy(&out->text, entry, NULL) < 0) {
        return false;
    }
    for (size_t n = strlen(out->text); n > 1 && out->text[n - 1] == '/'; n--) {
        out->text[n - 1] = '\0';
    }
    if (strchr(out->text, '%') && decode(&out->decoded, out->text) < 0) {
        str_free(&out->decoded); /* "100% sure": nothing was encoded */
    }
    if (is_address(entry) && url_clean(&out->url, entry, URL_FROM_PERSON, NULL) < 0) {
        str_free(&out->url);
    }
    return true;
}

static bool text_matches(const struct glob *glob, const char *text)
{
    return str_glob_match(glob->text, text) ||
           (glob->decoded && str_glob_match(glob->decoded, text));
}

/* The ways in which one address is written: whole, without "https://", by its path with and without
 * the first slash, or by its last segment. */
static bool url_matches(const struct glob *glob, const char *url)
{
    const char *path = url_path(url);
    const char *last = strrchr(path, '/');

    return text_matches(glob, url) || (glob->url && str_equal_nocase(glob->url, url)) ||
           text_matches(glob, strstr(url, "://") + 3) ||
           (*path && (text_matches(glob, path) || text_matches(glob, path + 1))) ||
           (last && !strchr(glob->decoded ? glob->decoded : glob->text, '/') &&
            text_matches(glob, last + 1));
}

bool library_site_matches(const struct library *library, const char *entry)
{
    const char *title = title_glob(entry);
    struct glob glob;
    bool matches;

    if (title) {
        return title_matches(title, library->site_title);
    }
    matches = library->site_url && glob_read(&glob, entry);
    if (matches) {
        matches = url_matches(&glob, library->site_url);
        glob_clear(&glob);
    }
    return matches;
}

/* By "site/library", as in our paths. */
static bool components_match(const struct glob *glob, const struct library *library,
                             const char *address)
{
    char *site = NULL;
    char *name = NULL;
    char *both = NULL;
    bool matches = library->site_url && url_site_component(&site, library->site_url, NULL) == 0 &&
                   url_library_component(&name, library->site_url, address, NULL) == 0 &&
                   str_format(&both, NULL, "%s/%s", site, name) == 0 && text_matches(glob, both);

    str_free(&site);
    str_free(&name);
    str_free(&both);
    return matches;
}

bool library_matches(const struct library *library, const char *entry)
{
    const char *title = title_glob(entry);
    char *address = NULL;
    struct glob glob;
    bool matches;

    if (title) {
        return title_matches(title, library->title);
    }
    if (!library->url || library_address(&address, library, NULL) < 0) {
        return false;
    }
    matches = glob_read(&glob, entry);
    if (matches) {
        matches = url_matches(&glob, address) || components_match(&glob, library, address);
        glob_clear(&glob);
    }
    str_free(&address);
    return matches;
}
