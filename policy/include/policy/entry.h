/*
 * entry.h - the little grammars inside texts and list entries. The same functions check a policy
 * and read it.
 *
 * Fields are separated by `|`; blanks around a field do not count; fields at the end may be left
 * out or empty. All functions are pure.
 */
#ifndef POLICY_ENTRY_H
#define POLICY_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "policy/settings.h"

/* `tenant[|client id[|cloud[|login hint]]]` of Tenants. Texts are owned; NULL: not given. */
struct policy_tenant {
    char *tenant; /* a domain or a GUID, never NULL */
    char *client_id;
    bool has_cloud;
    enum policy_cloud cloud; /* only when has_cloud */
    char *login_hint;
};
int policy_tenant_parse(struct policy_tenant *out, const char *entry, struct error *err);
void policy_tenant_clear(struct policy_tenant *tenant);

/*
 * `url[|name[|letter[|tenant[|options]]]]` of ManagedMappings. Texts are owned; NULL: not given.
 *
 * The URL is an https address of a site, a library or a folder, encoded or not, with or without a
 * slash at its end; or a link to a team or a channel as Teams copies it. Also what KONNEKT's lists
 * hold: an entry that is encoded as a whole ("https%3A%2F%2F..."), a name that is encoded, TRUE or
 * FALSE (favorite) as the fifth field or, as its template shows, as the fourth.
 */
struct policy_mapping {
    char *url; /* as written, never NULL */
    char *name;
    char letter;      /* 'A' to 'Z', or 0 */
    char *tenant;     /* a domain or a GUID; of a link to Teams, if not given, the link's */
    char *team_id;    /* a link to Teams: the GUID of the team ... */
    char *channel_id; /* ... and the channel, "19:...@thread.tacv2" */
    bool is_channel;  /* the channel's folder is meant, not the team's libraries */
    bool is_read_only;
    bool is_favorite;
    bool has_all; /* every library of the site */
};
int policy_mapping_parse(struct policy_mapping *out, const char *entry, struct error *err);
void policy_mapping_clear(struct policy_mapping *mapping);

/* `glob=letter` of DriveLetterRules; *glob is the caller's to free. */
int policy_letter_rule_parse(char **glob, char *letter, const char *entry, struct error *err);

/* "P", "P:", "p": 'P' for the letters D to Z; 0 for anything else. */
char policy_letter_parse(const char *text);

/* "P-T,V" into letters in the order written, doubles left out, NUL-terminated. "" and "none" give
 * none. */
int policy_letter_pool_parse(char out[27], const char *text, struct error *err);

bool policy_is_guid(const char *text);

#endif
