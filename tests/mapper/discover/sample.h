/*
 * sample.h - libraries and settings for tests.
 */
#ifndef TEST_SAMPLE_H
#define TEST_SAMPLE_H

#include "test.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "mapper/discover.h"
#include "policy/settings.h"

#define SAMPLE_TENANT "11111111-2222-3333-4444-555555555555"
#define SAMPLE_HOST "https://contoso.sharepoint.com"

/* A library that search found, at a site and a library path below a host. Lent until the next one.
 */
static inline struct library *sample_add_at(struct library_list *list, const char *host,
                                            const char *site, const char *library)
{
    struct library made = {.sources = LIBRARY_FROM_SEARCH, .query_hash = 1};
    char id[40];

    snprintf(id, sizeof(id), "list-%zu", list->count);
    assert_int_equal(str_copy(&made.tenant_id, SAMPLE_TENANT, NULL), 0);
    assert_int_equal(str_copy(&made.tenant, "contoso", NULL), 0);
    assert_int_equal(str_format(&made.site_id, NULL, "contoso.sharepoint.com,%s,w", site), 0);
    assert_int_equal(str_copy(&made.list_id, id, NULL), 0);
    assert_int_equal(str_format(&made.site_url, NULL, "%s%s", host, site), 0);
    assert_int_equal(str_format(&made.url, NULL, "%s%s/%s", host, site, library), 0);
    assert_int_equal(
        str_copy(&made.site_title, strrchr(site, '/') ? strrchr(site, '/') + 1 : "Home", NULL), 0);
    assert_int_equal(str_copy(&made.title, library, NULL), 0);
    assert_int_equal(library_key(&made.key, SAMPLE_TENANT, made.site_id, made.list_id, NULL, NULL),
                     0);
    assert_int_equal(library_list_add(list, &made, NULL), 0);
    return &list->items[list->count - 1];
}

static inline struct library *sample_add(struct library_list *list, const char *site,
                                         const char *library)
{
    return sample_add_at(list, SAMPLE_HOST, site, library);
}

static inline struct library *sample_add_onedrive(struct library_list *list)
{
    struct library *library = sample_add_at(list, "https://contoso-my.sharepoint.com",
                                            "/personal/ana_contoso_com", "Documents");

    library->kind = LIBRARY_ONEDRIVE;
    library->sources = LIBRARY_FROM_ONEDRIVE;
    library->query_hash = 0;
    return library;
}

static inline struct settings *sample_settings(void)
{
    struct settings *settings = NULL;

    assert_int_equal(settings_new_default(&settings, NULL), 0);
    return settings;
}

static inline void sample_entry(struct str_list *list, const char *entry)
{
    assert_int_equal(str_list_add(list, entry, NULL), 0);
}

static inline void sample_text(char **text, const char *value)
{
    assert_int_equal(str_copy(text, value, NULL), 0);
}

#endif
