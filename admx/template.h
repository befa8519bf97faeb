/*
 * template.h - what the template and its languages must agree on.
 */
#ifndef ADMX_TEMPLATE_H
#define ADMX_TEMPLATE_H

#include <stddef.h>

#include "base/error.h"
#include "base/str.h"
#include "policy/schema.h"

#define ADMX_XMLNS "http://schemas.microsoft.com/GroupPolicy/2006/07/PolicyDefinitions"
#define ADMX_SCHEMA_VERSION "1.0"

/* The category above all others. */
#define ADMX_ROOT "Mooring"

/* The names of categories begin with this: names must be unique in the namespace, and there is a
 * setting Transport beside the category Transport. */
#define ADMX_CATEGORY "Mooring"

/* Largest length of a text, in UTF-16 units: what the editor lets an administrator type. */
#define ADMX_TEXT_LENGTH "2048"

/* Each release that a setting of the template is since, once, in the order of the rows. */
int template_releases(struct str_list *out, struct error *err);

/* "SUPPORTED_Mooring_0_1" for "0.1". *out is the caller's to free. */
int template_release_id(char **out, const char *release, struct error *err);

/* The registry's forms of what a drop-down list offers, the names of an enumeration or the picks
 * of a text; NULL when the setting has no such list. */
const char *const *template_items(const struct setting *row);

/* Step of the arrows beside a number. */
int template_spin_step(const struct setting *row);

#endif
