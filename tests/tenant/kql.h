/*
 * kql.h - the part of the Keyword Query Language that finding sites and libraries needs. Pure.
 *
 *   words and "phrases", word*; property:value, property:"value", property:prefix*; AND OR NOT,
 * -term, brackets. Terms side by side: AND, but the same property twice: OR (as SharePoint does).
 *   path: is a prefix. A property that the document does not have matches nothing.
 */
#ifndef TENANT_KQL_H
#define TENANT_KQL_H

#include <stdbool.h>
#include <stddef.h>

struct kql_document {
    const char *text; /* where free words are looked for */
    struct {
        const char *name; /* lower case */
        const char *value;
    } property[12];
    size_t n_properties;
};

struct kql;

/* NULL when the query is malformed. The empty query and "*" match everything. */
struct kql *kql_parse(const char *query);
bool kql_matches(const struct kql *query, const struct kql_document *doc);
bool kql_is_everything(const struct kql *query);
void kql_free(struct kql *query);

/* The free words of a query, lower case, separated by blanks; for the caller to free. */
char *kql_words(const struct kql *query);

#endif
