/*
 * np_tag.h - what tells the network paths of one user from those of another: WinFsp's names are the
 * whole machine's, so where several users work at once the tenant's name carries a tag of the user
 * (contoso~k3f9aq). It depends on the user alone, never on who came first.
 */
#ifndef AGENT_NP_TAG_H
#define AGENT_NP_TAG_H

#include "base/error.h"

/* *out = the tag of the user of this process on server and multi-session editions of Windows, else
 * NULL. The caller frees. */
int np_tag(char **out, struct error *err);

/* Windows only. *out = the tag of the user `sid` ("S-1-5-21-..."): the first six digits, in base 32
 * (RFC 4648, lower case), of the SHA-256 of this text. The caller frees. */
int np_tag_of(char **out, const char *sid, struct error *err);

#endif
