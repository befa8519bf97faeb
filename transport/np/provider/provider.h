/*
 * provider.h - what the files of mooringnp.dll share. Included after windows.h.
 *
 *   names.c     whose is this name; letters      provider.c  caps, connect, disconnect, letters
 *   agent.c     one question to the agent        resource.c  enumeration, parts of a UNC path
 *
 * The DLL lives in processes of others: no thread, no lock, no mutable global, nothing in DllMain,
 * no call of WNet or the shell, no UNC path opened (each would come back to us), and a foreign name
 * is answered without asking anybody.
 */
#ifndef PROVIDER_H
#define PROVIDER_H

#include <stdbool.h>
#include <stddef.h>

#include "transport/np_protocol.h"

enum { LABEL_UNITS = 64, LETTER_UNITS = 3 };

/* The server name of our UNC paths: policy's UncServer, else what `mooring np register` recorded,
 * else "mooring". */
void names_label(wchar_t label[LABEL_UNITS]);

/* A text value below our key of HKLM\SYSTEM\CurrentControlSet\Services; false: there is none. */
bool names_registered(const wchar_t *value, wchar_t *out, DWORD units);

/* Whether `remote` is \\label or below; and of a length that the agent takes. */
bool names_is_ours(const wchar_t *label, const wchar_t *remote);

/* "k:" or "K:\" -> "K:". False: no letter. */
bool names_letter(wchar_t letter[LETTER_UNITS], const wchar_t *local);

/* Whether the letter is in use in this logon session, by anybody. */
bool names_is_taken(const wchar_t letter[LETTER_UNITS]);

/* What is behind a letter of ours, \\label\...; false when the letter is not ours. WinFsp makes a
 * letter as a link to \Device\Volume{GUID}\label\..., so that the system itself knows. */
bool names_remote_of(const wchar_t *label, const wchar_t letter[LETTER_UNITS],
                     wchar_t remote[NP_REMOTE_UNITS]);

/* Units of \\server\share in `remote`, 0 when it has no share. */
size_t names_share_units(const wchar_t *remote);

struct agent_question {
    enum np_op op;
    unsigned flags;
    DWORD start;
    const wchar_t *local;  /* NULL: none */
    const wchar_t *remote; /* NULL: none */
};

/* Asks the session's agent; returns its WN_* code, WN_NO_NETWORK when no agent can be trusted to
 * answer, WN_NET_ERROR when it does not answer in time. *answer (may be NULL) is NULL or the
 * checked answer, to be freed with free(). */
DWORD agent_ask(struct np_answer **answer, const struct agent_question *question);

/* Entry `index` of a checked answer: not terminated, and perhaps not aligned. */
const unsigned char *agent_entry(const struct np_answer *answer, DWORD index, size_t *units);

#endif
