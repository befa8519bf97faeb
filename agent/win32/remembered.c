/*
 * remembered.c - HKEY_CURRENT_USER\Network, a key for each letter, as WNetAddConnection2() leaves
 * it with CONNECT_UPDATE_PROFILE (windows-facts 2). Calling that would ask our own provider, and by
 * it this process, which is about to end.
 */
#include "remembered.h"

#include <stdlib.h>

#include "base/str.h"
#include "transport/np_protocol.h"
#include "user_registry.h"

#define NETWORK "Network"
#define PROVIDER "Mooring" /* as mooringnp.dll is registered: what tells our keys from others */
#define CONNECTION_OF_DISK 1
#define DEFER_UNTIL_USED 4 /* as Windows writes it itself; documented nowhere */

/* *out = whose the remembered letter is; NULL: nobody's. */
static int owner_of(char **out, const char *letter, struct error *err)
{
    char *key = NULL;
    int code = str_format(&key, err, NETWORK "\\%s", letter);

    if (code == 0) {
        code = user_registry_get_text(out, key, "ProviderName", err);
    }
    free(key);
    return code;
}

static int write_values(const char *key, const char *path, struct error *err)
{
    static const struct {
        const char *name;
        uint32_t number;
    } numbers[] = {{"ProviderType", NP_NET_TYPE},
                   {"ConnectionType", CONNECTION_OF_DISK},
                   {"ConnectFlags", 0},
                   {"DeferFlags", DEFER_UNTIL_USED},
                   {"UserName", 0}}; /* the one who is signed in */
    /* the mark comes first: what breaks off after it is found and removed */
    int code = user_registry_set_text(key, "", "ProviderName", USER_REGISTRY_TEXT, PROVIDER, err);

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]) && code == 0; i++) {
        code = user_registry_set_number(key, "", numbers[i].name, numbers[i].number, err);
    }
    return code < 0 ? code
                    : user_registry_set_text(key, "", "RemotePath", USER_REGISTRY_TEXT, path, err);
}

int remembered_write(const struct explorer_view *view, struct error *err)
{
    int code = 0;

    for (size_t i = 0; i < view->letter_count && code == 0; i++) {
        const char letter[] = {view->letters[i].letter, '\0'};
        char *owner = NULL;
        char *key = NULL;

        code = owner_of(&owner, letter, err);
        if (code == 0 && (!owner || str_equal(owner, PROVIDER))) {
            code = str_format(&key, err, NETWORK "\\%s", letter);
            if (code == 0) {
                code = write_values(key, view->letters[i].path, err);
            }
        }
        free(owner);
        free(key);
    }
    return code;
}

static void forget(void *payload, const char *letter)
{
    struct error *err = payload;
    char *owner = NULL;

    if (owner_of(&owner, letter, err) == 0 && str_equal(owner, PROVIDER)) {
        (void)user_registry_remove(NETWORK, letter, NETWORK, err);
    }
    free(owner);
}

int remembered_remove(struct error *err)
{
    struct error failure = {0};
    int code = user_registry_visit(NETWORK, forget, &failure, &failure);

    if (code == 0) {
        code = failure.code;
    }
    return code < 0 ? error_set(err, code, "%s", failure.message) : 0;
}
