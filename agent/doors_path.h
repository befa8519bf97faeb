/*
 * doors_path.h - what a person calls PATH, read: the one place that knows its forms. Pure.
 *
 *   /home/ana/SharePoint/contoso/...     a path, also as file:///...
 *   \\mooring\contoso\..., //mooring/... the UNC path of our name space, in both slashes; also
 *                                        \\localhost@8080\DavWWWRoot\<token>\contoso\...
 *   \\contoso.sharepoint.com@SSL\...     SharePoint's own UNC form: an address
 *   F:\..., F:/...                       a drive letter
 *   https://...                          an address of SharePoint or Teams, a sharing link; also
 *                                        as Office's schemes have it (ms-word:ofe|u|https://...)
 */
#ifndef AGENT_DOORS_PATH_H
#define AGENT_DOORS_PATH_H

#include <stdbool.h>

#include "base/error.h"

enum door_form {
    DOOR_FILE,   /* `text` is the path as it was given, without file:// */
    DOOR_SHARE,  /* `text` is what is below our UNC server, with '/' */
    DOOR_LETTER, /* `text` is what is below the letter, with '/' */
    DOOR_URL     /* `text` is an https address */
};

struct door_path {
    enum door_form form;
    char letter;       /* DOOR_LETTER: 'A' to 'Z' */
    bool may_be_token; /* DOOR_SHARE of a WebDAV server: the first component may be its secret */
    char *text;
};

/* `unc_server`: as in UncServer. ERR_INVALID with a sentence: empty, too long, not UTF-8, another
 * scheme. */
int door_path_read(struct door_path *out, const char *given, const char *unc_server,
                   struct error *err);
void door_path_clear(struct door_path *path);

/* "/a/./b//../c" becomes "/a/c"; a relative path stands in `directory`. The system is not asked. */
int door_path_absolute(char **out, const char *path, const char *directory, struct error *err);

/* Whether what an address names cannot be read from it, so that the service must be asked: sharing
 * links with a token, pages with sourcedoc=. */
bool door_url_is_opaque(const char *url);

#endif
