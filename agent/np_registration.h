/*
 * np_registration.h - whether Windows knows mooringnp.dll. For the installer and administrators;
 * ERR_UNSUPPORTED where there are no network providers.
 */
#ifndef AGENT_NP_REGISTRATION_H
#define AGENT_NP_REGISTRATION_H

#include <stdbool.h>

#include "base/error.h"

/* Writes the provider's key and puts its word into the list of all providers. Again: repairs what is
 * missing and changes nothing else. `folder` is where the programs lie that the DLL trusts; NULL:
 * that of this program. ERR_DENIED without administrator's rights. */
int np_register(const char *folder, struct error *err);

/* Takes both away; what is not there is fine. */
int np_unregister(struct error *err);

struct np_state {
    char *order;       /* the whole list; "" */
    unsigned position; /* ours, from 1 on; 0: not in the list */
    unsigned count;
    char *dll;               /* what the key says, expanded; NULL: there is no key */
    char *folder;            /* AgentFolder; NULL: missing */
    bool has_dll;            /* the file is there */
    bool is_first_of_winfsp; /* WinFsp's provider is behind ours, or missing */
};

/* np_state_clear() frees. */
int np_inspect(struct np_state *out, struct error *err);
void np_state_clear(struct np_state *state);

#endif
