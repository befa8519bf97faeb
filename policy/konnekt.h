/*
 * konnekt.h - what KONNEKT's policy values mean, as our settings. Pure.
 */
#ifndef POLICY_KONNEKT_H
#define POLICY_KONNEKT_H

#include "base/error.h"
#include "policy/import.h"
#include "registry.h"

/* KONNEKT's keys below a hive; policy before what its own dialogs write. */
#define KONNEKT_POLICY_KEY "Software\\Policies\\GlueckKanja\\Konnekt"
#define KONNEKT_PREFERENCE_KEY "Software\\GlueckKanja\\Konnekt"

/* The image must be compacted, and hold nothing outside the two keys. */
int konnekt_convert(struct policy_import *out, const struct registry_image *image,
                    struct error *err);

/* The rest is for the rules. */

struct konnekt {
    const struct registry_image *image;
    struct policy_import *out;
    bool *is_taken; /* per value of the image: a rule has dealt with it */
};

/* KONNEKT lets the machine win over the user, and policy over its own dialogs: highest first. */
enum { KONNEKT_PLACES = 6 };
struct konnekt_place {
    enum registry_hive hive;
    const char *key;
};
extern const struct konnekt_place konnekt_places[KONNEKT_PLACES];

/* A note about `value` (NULL: about none) and our `setting` (or NULL). ERR_NO_MEMORY. */
int konnekt_note(const struct konnekt *reader, enum policy_note_kind kind,
                 const struct registry_value *value, const char *setting, struct error *err,
                 const char *fmt, ...) PRINTF_LIKE(6, 7);

/* The text of `value`; *out is NULL when it is none. The caller frees. ERR_NO_MEMORY. */
int konnekt_text(char **out, const struct registry_value *value, struct error *err);

/* The value of that name that counts (*out NULL: there is none); the others become notes. */
int konnekt_take(const struct registry_value **out, const struct konnekt *reader, const char *name,
                 struct error *err);

/* The switch of a policy whose values have rules of their own: on says nothing more. Off is 0, for
 * ConnectDrivePolicy 2. */
int konnekt_is_off(bool *is_off, const struct registry_value *value, struct error *err);

/* The list SharepointSites (konnekt_sites.c): the machine's entries, then the user's. */
int konnekt_convert_sites(const struct konnekt *reader, struct error *err);

/* Adds a copy of `note`, its texts made printable. ERR_NO_MEMORY. */
int import_add_note(struct policy_import *out, const struct policy_note *note, struct error *err);

#endif
