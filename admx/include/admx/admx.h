/*
 * admx.h - what Windows administrators get to see of the table of settings: the administrative
 * template (ADMX and its languages), the reference in Markdown, the material for Intune.
 *
 * Everything is written from the rows of policy/schema.h and from nothing else, and is the same on
 * every system: Windows' defaults, whatever this program was built for. A setting that is planned,
 * renamed, or that means something on Linux only is not in the template: admx_has().
 *
 * Where things go: a value Name below Software\Policies\Mooring, a list a subkey of it. The formats
 * are those of the fact sheet on Windows, section 4: the grammar of Microsoft's PolicyDefinitions
 * schema, and the payloads of the Policy CSP (ADMX-backed policies).
 *
 * Writers append to `out`, whose limit bounds them (ADMX_SIZE_LIMIT is enough for each of them);
 * after an error its content is not to be used. Any thread.
 */
#ifndef ADMX_ADMX_H
#define ADMX_ADMX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "policy/schema.h"

/* The largest ADMX that Intune imports. */
enum { ADMX_SIZE_LIMIT = 1 << 20 };

enum admx_language { ADMX_ENGLISH, ADMX_GERMAN };

/* Of the template; the one place where it is held. Raise it when what is written has changed since
 * the last file in admx/released/: a test insists. */
#define ADMX_REVISION "1.1"

/* Permanent: they are part of every OMA-URI. */
#define ADMX_APP "Mooring"
#define ADMX_KEY "Software\\Policies\\Mooring"

/* Whether the setting is in the template. */
bool admx_has(const struct setting *row);

/* Mooring.admx; <language>/Mooring.adml. UTF-8 without a byte order mark, lines end in CR LF. */
int admx_write_template(struct buf *out, struct error *err);
int admx_write_language(struct buf *out, enum admx_language language, struct error *err);

/* What the Group Policy editor shows beside the setting: help, default, "Disabled", range,
 * registry. Paragraphs stand apart by an empty line. */
int admx_write_explain(struct buf *out, const struct setting *row, enum admx_language language,
                       struct error *err);

/* The reference of all settings, as Markdown: those of the template, those of Linux, and the names
 * of those that are planned. */
int admx_write_reference(struct buf *out, enum admx_language language, struct error *err);

/* ---- Intune: ADMX ingestion and OMA-URIs ---- */

/* One row of a custom configuration profile. Its data type is "String" for all that we write. */
struct admx_oma {
    char *uri;   /* ./Device/Vendor/MSFT/Policy/Config/Mooring~Policy~Mooring~.../Name */
    char *value; /* <enabled/><data id="Name" value="..."/>, or <disabled/> */
};

/* The row that gives the setting the value `text`, in the normal form of setting_format() (a list:
 * one entry a line, named 1, 2, ... in the order given; the value names of a list are free).
 * `is_user`: ./User instead of ./Device. A switch that is off is <disabled/>, which writes 0.
 * ERR_NOT_FOUND when the template does not have the setting, or not for users; ERR_INVALID when it
 * cannot have this value. *out is cleared by admx_oma_clear() whatever the result; zero it before.
 */
int admx_oma(struct admx_oma *out, const struct setting *row, const char *text, bool is_user,
             struct error *err);

/* <disabled/>: what the Group Policy editor's "Disabled" is. */
int admx_oma_disabled(struct admx_oma *out, const struct setting *row, bool is_user,
                      struct error *err);

void admx_oma_clear(struct admx_oma *oma);

/* One setting of a profile. */
struct admx_value {
    const struct setting *row;
    const char *text; /* as for admx_oma(); NULL: disabled */
    bool is_user;
};

/* A custom configuration profile (JSON, type windows10CustomConfiguration of Microsoft Graph, which
 * Intune imports): the row that ingests the template, then one row for each value; `count` 0:
 * only the ingestion. A value that admx_oma() refuses ends it with that error. */
int admx_write_intune_profile(struct buf *out, const struct admx_value *values, size_t count,
                              struct error *err);

/* Every setting of the template with its URIs, data ids and examples of its payloads: JSON for
 * programs, Markdown for people. */
int admx_write_intune_list(struct buf *out, struct error *err);
int admx_write_intune_reference(struct buf *out, struct error *err);

/* ---- Files ---- */

/* Writes everything below `directory`, which is made when missing: Mooring.admx,
 * en-US/Mooring.adml, de-DE/Mooring.adml, settings.md, settings.de.md, intune/profile.json,
 * intune/oma-uris.json, intune/oma-uris.md. */
int admx_write_files(const char *directory, struct error *err);

/* 0 when the files below `directory` are what would be written; ERR_CHANGED names the first that
 * is not (ERR_NOT_FOUND: that is missing). */
int admx_check_files(const char *directory, struct error *err);

#endif
