#include <stdlib.h>
#include <string.h>

#include "entra.h"

#define MAX_REDIRECT 256

/* Splits "http://localhost:123/path" after the host; NULL when it is not the loopback name wanted.
 */
static const char *after_host(const char *uri, const char *origin)
{
    size_t n = strlen(origin);

    if (strncmp(uri, origin, n) != 0 || (uri[n] != '\0' && uri[n] != ':' && uri[n] != '/')) {
        return NULL;
    }
    return uri + n;
}

/* Facts, 5.2: the port is ignored for localhost and 127.0.0.1, the path is not. */
bool redirect_matches(const char *registered, const char *asked)
{
    static const char *const loopback[] = {"http://localhost", "http://127.0.0.1"};

    for (size_t i = 0; i < COUNT_OF(loopback); i++) {
        const char *want = after_host(registered, loopback[i]);
        const char *have = after_host(asked, loopback[i]);

        if (!want || !have) {
            continue;
        }
        want += *want == ':' ? strcspn(want, "/") : 0;
        have += *have == ':' ? 1 + strspn(have + 1, "0123456789") : 0;
        want = *want == '\0' ? "/" : want;
        have = *have == '\0' ? "/" : have;
        return strcmp(want, have) == 0;
    }
    return strcmp(registered, asked) == 0;
}

bool redirect_allowed(const struct tenant *t, const char *asked)
{
    static const char *const usual[] = {
        "http://localhost", "https://login.microsoftonline.com/common/oauth2/nativeclient"};
    const cJSON *own = t ? cJSON_GetObjectItemCaseSensitive(
                               cJSON_GetObjectItemCaseSensitive(t->spec, "signin"), "redirect_uris")
                         : NULL;
    const cJSON *one;

    /* [::1] cannot be registered, and these characters are refused in any redirect. */
    if (strlen(asked) > MAX_REDIRECT || strpbrk(asked, "!$'(),;") || strstr(asked, "[::1]")) {
        return false;
    }
    if (cJSON_IsArray(own)) {
        cJSON_ArrayForEach(one, own)
        {
            if (cJSON_IsString(one) && redirect_matches(one->valuestring, asked)) {
                return true;
            }
        }
        return false;
    }
    for (size_t i = 0; i < COUNT_OF(usual); i++) {
        if (redirect_matches(usual[i], asked)) {
            return true;
        }
    }
    return false;
}
