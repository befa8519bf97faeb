#include "graph/proxy.h"

/* libcurl reads https_proxy and no_proxy itself. */
bool proxy_system_is_asked(void)
{
    return false;
}

int proxy_system_find(char **out, const char *url, struct error *err)
{
    (void)out;
    return error_set(err, ERR_UNSUPPORTED, "the proxy for %s stands in the environment", url);
}

bool proxy_system_has_sign_on(void)
{
    return false;
}
