/*
 * KONNEKT's list SharepointSites as ManagedMappings.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "konnekt.h"

enum { ENTRIES_LIMIT = 16 << 20 };

static const char setting[] = "ManagedMappings";

/* Whether the text is an entry of ManagedMappings; ERR_NO_MEMORY. `why`: the clause when it is not. */
static int check_mapping(bool *is_mapping, const char *text, struct error *why, struct error *err)
{
    int code = schema_find(setting)->check(text, why);

    *is_mapping = code == 0;
    return code == 0 || code == ERR_INVALID ? 0 : error_set(err, code, "%s", why->message);
}

/* A URL may have been typed without its scheme; unchanged when that does not help. */
static int mend_mapping(char **text, struct error *err)
{
    struct error why = {0};
    bool is_mapping = false;
    char *mended = NULL;
    int code = str_format(&mended, err, "https://%s", *text);

    if (code == 0) {
        code = check_mapping(&is_mapping, mended, &why, err);
    }
    if (code == 0 && is_mapping) {
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
    int code = konnekt_text(out, value, err);

    return code == 0 && *out && !**out ? str_copy(out, value->name, err) : code;
}

/* An entry that is text, of a list that is switched on. */
static int add_entry(const struct konnekt *reader, struct str_list *entries,
                     const struct registry_value *value, const char *found, struct error *err)
{
    struct error why = {0};
    bool is_mapping = false;
    char *text = NULL;
    int code = str_copy(&text, found, err);

    if (code == 0) {
        code = check_mapping(&is_mapping, text, &why, err);
    }
    if (code == 0 && !is_mapping) {
        code = mend_mapping(&text, err);
        code = code == 0 ? check_mapping(&is_mapping, text, &why, err) : code; /* for `why` */
    }
    if (code == 0 && !is_mapping) {
        code = konnekt_note(reader, POLICY_NOTE_NOT_CONVERTED, value, setting, err, "the entry %s",
                            why.message);
    } else if (code == 0 && str_list_has_nocase(entries, text)) {
        code = konnekt_note(reader, POLICY_NOTE_NOT_CONVERTED, value, setting, err,
                            "the same entry is there already");
    } else if (code == 0) {
        code = str_list_add(entries, text, err);
        if (code == 0 && !str_equal(text, found)) {
            code = konnekt_note(reader, POLICY_NOTE_CHECK, value, setting, err, "it was read as %s",
                                text);
        }
    }
    str_free(&text);
    return code;
}

static int add_mapping(const struct konnekt *reader, struct str_list *entries,
                       const struct registry_value *value, bool is_switched_off, struct error *err)
{
    char *found = NULL;
    int code = mapping_text(&found, value, err);

    if (code == 0 && (!found || is_switched_off)) {
        code = konnekt_note(reader, POLICY_NOTE_NOT_CONVERTED, value, setting, err, "%s",
                            found ? "SharepointSites, the policy it belongs to, is switched off"
                                  : "it is no text");
    } else if (code == 0) {
        code = add_entry(reader, entries, value, found, err);
    }
    str_free(&found);
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
        code = policy_set_put(&reader->out->set, schema_find(setting), buf_text(&lines), &why);
        code = code == 0 ? 0 : error_set(err, code, "the managed mappings: one %s", why.message);
    }
    buf_clear(&lines);
    return code;
}

int konnekt_convert_sites(const struct konnekt *reader, struct error *err)
{
    struct str_list entries = {.limit = 10000};
    const struct registry_value *gate = NULL;
    bool is_switched_off = false;
    int code = konnekt_take(&gate, reader, "SharepointSites", err);

    if (code == 0 && gate) {
        code = konnekt_is_off(&is_switched_off, gate, err);
    }
    for (size_t i = 0; code == 0 && i < KONNEKT_PLACES; i++) {
        for (size_t j = 0; code == 0 && j < reader->image->count; j++) {
            const struct registry_value *value = &reader->image->values[j];
            const char *rest = NULL;

            if (value->hive == konnekt_places[i].hive &&
                registry_key_is_below(value->key, konnekt_places[i].key, &rest) &&
                str_equal_nocase(rest, "SharepointSites")) {
                reader->is_taken[j] = true;
                code = add_mapping(reader, &entries, value, is_switched_off, err);
            }
        }
    }
    if (code == 0 && entries.count > 0) {
        code = put_mappings(reader, &entries, err);
    }
    str_list_clear(&entries);
    return code;
}
