/*
 * url.h - SharePoint addresses: every spelling of them into one, and from that one the components
 * of our paths.
 *
 * The one spelling: "https://", the host in lower case, the decoded path without a slash at its
 * end: "https://contoso.sharepoint.com/sites/finance/Shared Documents". Addresses are compared
 * without case. All functions are pure; texts handed out are the caller's to free.
 */
#ifndef MAPPER_URL_H
#define MAPPER_URL_H

#include <stdbool.h>

#include "base/error.h"

/* Where a text comes from decides how a '%' in it is read: search hits carry raw addresses (spaces,
 * umlauts and '%' as they are, graph-facts 1.1) but other answers encoded ones; people paste half
 * encoded ones. */
enum url_origin {
    URL_FROM_SERVICE, /* raw when it has a character that an encoded one cannot have */
    URL_FROM_PERSON   /* encoded, unless an escape is broken */
};

/* The one spelling of `text`. Views and pages become what they show: "/Forms/AllItems.aspx",
 * "/_layouts/..." and "/SitePages/x.aspx" are cut off, `id=` and `RootFolder=` of a view are
 * followed, so is `objectUrl=` of a Teams link; of a sharing link "/:w:/r/sites/..." the path is
 * taken and of "/:f:/s/finance/token" the site, since what a token names cannot be known from it.
 * ERR_INVALID for anything else, with a sentence. */
int url_clean(char **out, const char *text, enum url_origin origin, struct error *err);

/* What follows `parent` in `url`, both in the one spelling: "" when equal, "a/b" when below, NULL
 * when neither. Lent. */
const char *url_below(const char *url, const char *parent);

/* "contoso.sharepoint.com", and "/sites/a" ("" for the root), of the one spelling. */
int url_host(char **out, const char *url, struct error *err);
const char *url_path(const char *url); /* lent */

/* The address of the site collection that `url` is in: two segments below /sites, /teams,
 * /personal and /portals, else the root of the host. */
int url_site_collection(char **out, const char *url, struct error *err);

/* The site's component of a path: "finance" for /sites/finance, "teams~a" for /teams/a, "a~sub" for
 * a subsite, "~root" for the root site, "~root~hr" for a subsite of the root. '~' cannot occur in a
 * site's address, so no two sites of one host get the same one; /sites/teams/a, the one form that
 * would collide with /teams/a, is "sites~teams~a". */
int url_site_component(char **out, const char *site_url, struct error *err);

/* The library's: the last segment as a rule, and all segments below the site, joined with '~',
 * where there are several (/Lists/x). */
int url_library_component(char **out, const char *site_url, const char *url, struct error *err);

/* Makes one component legal on every system: characters that Windows refuses become '_', a device
 * name or a dot or blank at the end gets a '~', too long a one is cut and gets a hash. What is
 * legal stays as it is. */
int url_legal_component(char **out, const char *name, struct error *err);

/* "~" and 6 characters that depend on `url` alone (without case), for names that would collide. */
void url_tag(char out[8], const char *url);

/* `text` with every character folded as str_fold() does: equal texts without case become equal. */
int url_fold(char **out, const char *text, struct error *err);

#endif
