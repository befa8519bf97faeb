/*
 * KONNEKT's list SharepointSites as ManagedMappings.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "konnekt.h"

enum { ENTRIES_LIMIT = 16 << 20 };

/* True when the text is an entry of ManagedMappings. */
static bool is_mapping(const char *text)
{
    const struct setting *row = schema_find("ManagedMappings");

    return row->check(text, NULL) == 0;
}

/* KONNEKT's own sample has TRUE for favourite in the fourth field, where the tenant belongs. */
static int move_favourite(char **text, struct error *err)
{
    const char *at = *text;
    char *moved = NULL;
    int code = 0;

    for (int field = 0; field < 3 && at; field++) {
        at = strchr(at, '|');
        at = at ? at + 1 : NULL;
    }
    if (at && (str_equal_nocase(at, "TRUE") || str_equal_nocase(at, "FALSE"))) {
        code = str_format(&moved, err, "%.*s|%s", (int)(at - *text), *text, at);
        if (code == 0) {
            str_free(text);
            *text = moved;
        }
    }
    return code;
}

/* What is missing for an entry to be one of ours; unchanged when nothing helps. */
static int mend_mapping(char **text, struct error *err)
{
    char *mended = NULL;
    int code = strstr(*text, "://") ? str_copy(&mended, *text, err)
                                    : str_format(&mended, err, "https://%s", *text);

    if (code == 0 && !is_mapping(mended)) {
        code = move_favourite(&mended, err);
    }
    if (code == 0 && is_mapping(mended)) {
        str_free(text);
        *text = mended;
        mended = NULL;
    }
    str_free(&mended);
    return code;
}

/* The data, or where it is empty the name. *out stays NULL for what is no text. */
static int mapping_text(char **out, const struct registry_value *value, struct error *err)
{
    int code = value->type == REGISTRY_SZ || value->type == REGISTRY_EXPAND_SZ
                   ? registry_value_text(out, value, err)
                   : 0;

    if (code == 0 && *out && !**out) {
        code = str_copy(out, value->name, err);
    }
    return code == ERR_INVALID ? 0 : code;
}

static int add_mapping(const struct konnekt *reader, struct str_list *entries,
                       const struct registry_value *value, bool is_switched_off, struct error *err)
{
    static const char setting[] = "ManagedMappings";
    char *found = NULL;
    char *text = NULL;
    int code = mapping_text(&found, value, err);

    if (code == 0 && (!found || is_switched_off)) {
        code = konnekt_note(reader, POLICY_NOTE_NOT_CONVERTED, value, setting, err, "%s",
                            found ? "SharepointSites, the policy it belongs to, is switched off"
                                  : "it is no text");
        goto out;
    }
    code = code == 0 ? str_copy(&text, found, err) : code;
    if (code == 0 && !is_mapping(text)) {
        code = mend_mapping(&text, err);
    }
    if (code < 0) {
        goto out;
    }
    if (!is_mapping(text)) {
        struct error why = {0};

        schema_find(setting)->check(text, &why);
        code = konnekt_note(reader, POLICY_NOTE_NOT_CONVERTED, value, setting, err, "the entry %s",
                            why.message);
    } else if (str_list_has_nocase(entries, text)) {
        code = konnekt_note(reader, POLICY_NOTE_NOT_CONVERTED, value, setting, err,
                            "the same entry is there already");
    } else {
        code = str_list_add(entries, text, err);
        if (code == 0 && !str_equal(text, found)) {
            code = konnekt_note(reader, POLICY_NOTE_CHECK, value, setting, err, "it was read as %s",
                                text);
        }
    }
out:
    str_free(&found);
    str_free(&text);
    return code;
}

static int put_mappings(const struct konnekt *reader, const struct str_list *entries,
                        struct error *err)
{
    struct buf lines;
    struct error why = {0};
    int code = 0;

    buf_init(&lines, ENTRIES_LIMIT);
    for (size_t i = 0; code == 0 && i < entries->count; i++) {
        code = buf_add_format(&lines, err, "%s%s", i > 0 ? "\n" : "", entries->items[i]);
    }
    if (code == 0) {
        code = policy_set_put(&reader->out->set, schema_find("ManagedMappings"), buf_text(&lines),
                              &why);
        code = code == 0 ? 0 : error_set(err, code, "the managed mappings: one %s", why.message);
    }
    buf_clear(&lines);
    return code;
}

int konnekt_convert_sites(const struct konnekt *reader, struct error *err)
{
    struct str_list entries = {.limit = 10000};
    const struct registry_value *gate = NULL;
    int code = konnekt_take(&gate, reader, "SharepointSites", err);

    for (size_t i = 0; code == 0 && i < KONNEKT_PLACES; i++) {
        for (size_t j = 0; code == 0 && j < reader->image->count; j++) {
            const struct registry_value *value = &reader->image->values[j];
            const char *rest = NULL;

            if (value->hive == konnekt_places[i].hive &&
                registry_key_is_below(value->key, konnekt_places[i].key, &rest) &&
                str_equal_nocase(rest, "SharepointSites")) {
                reader->is_taken[j] = true;
                code = add_mapping(reader, &entries, value, gate && konnekt_is_off(gate), err);
            }
        }
    }
    if (code == 0 && entries.count > 0) {
        code = put_mappings(reader, &entries, err);
    }
    str_list_clear(&entries);
    return code;
}
