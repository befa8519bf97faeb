/*
 * text.h - what the template says about a setting beyond its row: sentences that are the same for
 * all settings of a type, in each language, filled with the fields of the row.
 */
#ifndef ADMX_TEXT_H
#define ADMX_TEXT_H

#include "admx/admx.h"
#include "base/buf.h"
#include "base/error.h"
#include "policy/schema.h"

/* A language. In sentences {name} stands for a field, see text_fill(). */
struct words {
    const char *template_name;
    const char *template_description;
    const char *root_help; /* of the category above all others */
    const char *supported; /* {version} */

    /* What the Group Policy editor's "Not configured" leaves; {default} is one of those below. */
    const char *not_configured;
    const char *not_configured_machine; /* settings that users cannot set */
    const char *not_configured_list;
    const char *default_value; /* {value} */
    const char *default_none;
    const char *default_list_empty;
    const char *default_list; /* {value} */
    const char *on, *off;     /* as {value} of a switch */

    const char *disabled_switch;
    const char *disabled_default; /* {value} */
    const char *disabled_empty;
    const char *disabled_off; /* {value} */
    const char *disabled_list;

    const char *choices;
    const char *range; /* {min} {max} {unit} */
    const char *precedence;
    const char *entries; /* how to fill a list box */
    const char *example;
    const char *konnekt;          /* {value} */
    const char *konnekt_terms[6]; /* pairs: what the rows say, how it reads here; or NULL */

    const char *registry_value; /* {name} {kind} {hives} */
    const char *registry_list;  /* {name} {hives} */
    const char *registry_path;  /* after registry_value of a path */
    const char *hives_both, *hives_machine;

    const char *list_hint; /* above the list box */

    /* The reference */
    const char *reference_title, *reference_intro;
    const char *head_type, *head_default, *head_range, *head_class, *head_since;
    const char *class_both, *class_machine;
    const char *types[5];
    const char *none, *linux_only, *windows_only;
    const char *planned_title, *planned_intro;
};

const struct words *words_of(enum admx_language language);
extern const struct words words_english, words_german;

/* Appends `pattern` with each {name} replaced; the fields end with a NULL name. A {name} that is no
 * field is a mistake of ours: ERR_INVALID. */
struct text_field {
    const char *name;
    const char *value;
};
int text_fill(struct buf *out, const char *pattern, const struct text_field *fields,
              struct error *err);

/* Of the row in the language. Lent, static. */
const char *text_title(const struct setting *row, enum admx_language language);
const char *text_help(const struct setting *row, enum admx_language language);
const char *text_unit(const struct setting *row, enum admx_language language); /* "" without */
const char *text_label(const struct setting *row, size_t choice, enum admx_language language);

/* What Windows has: the template is for it, whatever system this program was built for. */
const char *text_default(const struct setting *row);
const char *text_disabled(const struct setting *row);

/* Position of the name among the choices of an enumeration, or among the picks of a text. */
int text_position(size_t *out, const char *const *names, const char *name, struct error *err);

/* The registry's form of a scalar in normal form: true is 1, a choice its position. */
int text_registry_value(struct buf *out, const struct setting *row, const char *text,
                        struct error *err);

/* "512 MB", "Auto", "on", "pdf"; a list with commas. Not for empty texts. */
int text_add_value(struct buf *out, const struct setting *row, const char *text,
                   enum admx_language language, struct error *err);

/* Each a sentence or two, without line end. */
int text_add_not_configured(struct buf *out, const struct setting *row, enum admx_language language,
                            struct error *err);
int text_add_disabled(struct buf *out, const struct setting *row, enum admx_language language,
                      struct error *err);
int text_add_registry(struct buf *out, const struct setting *row, enum admx_language language,
                      struct error *err);
int text_add_konnekt(struct buf *out, const struct setting *row, enum admx_language language,
                     struct error *err);

/* Lines "Name = value", as the registry stores it; nothing when the row has no example. */
int text_add_example(struct buf *out, const struct setting *row, struct error *err);

#endif
