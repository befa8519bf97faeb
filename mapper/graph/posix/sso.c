#include "graph/sso.h"

bool sso_system_exists(void)
{
    return false;
}

int sso_system_ask(struct str_list *headers, const char *url, struct error *err)
{
    (void)headers;
    (void)url;
    return error_set(err, ERR_UNSUPPORTED, "this system has no sign-in of the device");
}
