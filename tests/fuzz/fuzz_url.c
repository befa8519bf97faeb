/*
 * Any text as an address from the service or from a person, and what we make of it: components of
 * paths that are always legal.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "mapper/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(int holds)
{
    if (!holds) {
        abort();
    }
}

static void check_component(const char *component)
{
    size_t length = strlen(component);

    expect(length > 0 && length < 1024 && str_is_utf8(component, length));
    expect(!strpbrk(component, "\"*/:<>?\\|"));
    expect(component[length - 1] != '.' && component[length - 1] != ' ');
}

static void check_url(const char *url)
{
    char *site = NULL;
    char *component = NULL;

    expect(str_starts_with(url, "https://") && str_is_utf8(url, strlen(url)));
    expect(!str_ends_with(url, "/") && !strstr(url_path(url), "//"));
    expect(!strstr(url, "/../") && !str_ends_with(url, "/.."));
    expect(url_site_collection(&site, url, NULL) == 0);
    expect(url_below(url, site) != NULL);
    expect(url_site_component(&component, site, NULL) == 0);
    check_component(component);
    expect(url_site_component(&component, url, NULL) == 0);
    check_component(component);
    expect(url_library_component(&component, site, url, NULL) == 0);
    check_component(component);
    str_free(&component);
    str_free(&site);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum url_origin origins[] = {URL_FROM_SERVICE, URL_FROM_PERSON};
    char *text = NULL;
    char *url = NULL;

    if (str_copy_n(&text, (const char *)data, size, NULL) < 0) {
        return 0;
    }
    for (size_t i = 0; i < 2; i++) {
        if (url_clean(&url, text, origins[i], NULL) == 0) {
            check_url(url);
        }
    }
    if (url_legal_component(&url, text, NULL) == 0) {
        check_component(url);
    }
    str_free(&text);
    str_free(&url);
    return 0;
}
