/*
 * import.h - another product's policy as ours: `mooring policy import --from konnekt`.
 *
 * What was found is either in the set or in the notes, often in both: nothing is dropped silently.
 */
#ifndef POLICY_IMPORT_H
#define POLICY_IMPORT_H

#include <stddef.h>

#include "base/error.h"
#include "policy/set.h"

enum policy_note_kind {
    POLICY_NOTE_CHECK,        /* converted, and somebody should look at it */
    POLICY_NOTE_NOT_CONVERTED /* no counterpart, or not a value that can be converted */
};

struct policy_note {
    enum policy_note_kind kind;
    char
        *where; /* "HKLM\Software\Policies\GlueckKanja\Konnekt\CacheTTL"; NULL: not about a value */
    char *name; /* the other product's value name; NULL: not about a value */
    char *value;   /* as found, printable, licence keys blanked; NULL: not about a value */
    char *setting; /* ours, where one is concerned; else NULL */
    char *message; /* one sentence: why */
};

/* Zero-initialise. */
struct policy_import {
    struct policy_set set;
    struct policy_note *notes;
    size_t note_count;
    size_t note_capacity;
    size_t found; /* values of the other product that were there; 0: it has no policy here */
};

/* Reads KONNEKT's policy from a Registry.pol or .reg file, or from the live registry (`file` NULL;
 * ERR_UNSUPPORTED where there is none), and converts it by the KONNEKT column of the schema.
 * ERR_NOT_FOUND and ERR_INVALID with a sentence about the file. *out is the caller's:
 * policy_import_clear(). */
int policy_import_konnekt(struct policy_import *out, const char *file, struct error *err);
void policy_import_clear(struct policy_import *import);

#endif
