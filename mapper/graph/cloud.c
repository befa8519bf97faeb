/* cloud.c - hosts of the national clouds and how their permissions are written (graph-facts 5.1).
 */
#include "graph/account_impl.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

static const struct {
    const char *login_url;
    const char *other_login_url; /* sources disagree, so both are tried */
    const char *graph_url;
} cloud_rows[] = {
    [CLOUD_GLOBAL] = {"https://login.microsoftonline.com", NULL, "https://graph.microsoft.com"},
    [CLOUD_US_GOV_HIGH] = {"https://login.microsoftonline.us", NULL, "https://graph.microsoft.us"},
    [CLOUD_US_GOV_DOD] = {"https://login.microsoftonline.us", NULL,
                          "https://dod-graph.microsoft.us"},
    [CLOUD_CHINA] = {"https://login.chinacloudapi.cn", "https://login.partner.microsoftonline.cn",
                     "https://microsoftgraph.chinacloudapi.cn"},
    [CLOUD_CUSTOM] = {NULL, NULL, NULL},
};

const char *cloud_login_url(enum cloud cloud)
{
    return cloud_rows[cloud].login_url;
}

const char *cloud_other_login_url(enum cloud cloud)
{
    return cloud_rows[cloud].other_login_url;
}

const char *cloud_graph_url(enum cloud cloud)
{
    return cloud_rows[cloud].graph_url;
}

int cloud_permissions(char **out, enum cloud cloud, const char *graph_url, bool wants_teams,
                      struct error *err)
{
    static const char *const names[] = {"User.Read", "Files.ReadWrite.All", "Sites.Read.All",
                                        "Team.ReadBasic.All", "Channel.ReadBasic.All"};
    size_t count = wants_teams ? 5 : 3;
    char *text = NULL;
    int code = str_copy(&text, "openid profile offline_access", err);

    for (size_t i = 0; i < count && code == 0; i++) {
        char *longer = NULL;

        /* outside the global cloud a bare name means that cloud's Graph by convention only */
        code = cloud == CLOUD_GLOBAL
                   ? str_format(&longer, err, "%s %s", text, names[i])
                   : str_format(&longer, err, "%s %s/%s", text, graph_url, names[i]);
        if (code == 0) {
            free(text);
            text = longer;
        }
    }
    if (code < 0) {
        free(text);
        return code;
    }
    free(*out);
    *out = text;
    return 0;
}
