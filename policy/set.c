#include "policy/set.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "policy/load.h"

enum { LIST_TEXT_LIMIT = 64 << 20 };

/* Takes *text over. */
static int store(struct policy_set *set, const struct setting *row, char **text, struct error *err)
{
    char **place;

    if (!set->texts) {
        set->texts = calloc(schema_count(), sizeof(*set->texts));
        if (!set->texts) {
            return error_set(err, ERR_NO_MEMORY, "no memory for a set of settings");
        }
    }
    place = &set->texts[schema_index(row)];
    str_free(place);
    *place = *text;
    *text = NULL;
    return 0;
}

int policy_set_put(struct policy_set *set, const struct setting *row, const char *text,
                   struct error *err)
{
    struct setting_value value = {0};
    char *normal = NULL;
    int code = setting_parse(&value, row, text, NULL, NULL, err);

    if (code == 0) {
        code = setting_format(&normal, row, &value, err);
    }
    if (code == 0 && row->type == SETTING_LIST && !*normal) {
        str_free(&normal);
    }
    if (code == 0) {
        code = store(set, row, &normal, err);
    }
    str_free(&normal);
    setting_value_clear(&value);
    return code;
}

int policy_set_disable(struct policy_set *set, const struct setting *row, struct error *err)
{
    return policy_set_put(set, row, setting_disabled_text(row), err);
}

/* How many entries at the end of the result the default gives again when the others are read. */
static size_t count_default_tail(const struct policy_result *result)
{
    const struct policy_value *lowest = &result->values[result->value_count - 1];
    size_t tail = 0;

    if (lowest->layer != POLICY_LAYER_DEFAULT || !lowest->is_used) {
        return 0;
    }
    for (size_t i = lowest->entries.count; i > 0 && tail < result->entries.count; i--) {
        const char *last = result->entries.items[result->entries.count - 1 - tail];

        tail += strcmp(last, lowest->entries.items[i - 1]) == 0 ? 1 : 0;
    }
    return tail;
}

/* Whether a source that counts said "-": what lower sources give must stay away, also those that
 * there are where the set goes to. */
static bool is_reset(const struct policy_result *result)
{
    for (size_t i = 0; i < result->value_count; i++) {
        const struct policy_value *value = &result->values[i];

        for (size_t j = 0; value->is_used && j < value->entries.count; j++) {
            if (strcmp(value->entries.items[j], "-") == 0) {
                return true;
            }
        }
    }
    return false;
}

/* The entries that sources gave, and "-" when the default must not be added to them. They are not
 * checked again: an entry of a SETTING_RESTRICTS row counts although it is wrong. */
static int list_text(struct buf *out, const struct policy_result *result, struct error *err)
{
    const struct policy_value *lowest = &result->values[result->value_count - 1];
    size_t count = result->entries.count - count_default_tail(result);
    int code = 0;

    for (size_t i = 0; code == 0 && i < count; i++) {
        code = buf_add_format(out, err, "%s%s", i > 0 ? "\n" : "", result->entries.items[i]);
    }
    if (code == 0 &&
        (is_reset(result) || (!lowest->is_used && (lowest->entries.count > 0 || count == 0)))) {
        code = buf_add_text(out, count > 0 ? "\n-" : "-", err);
    }
    return code;
}

static int put_list(struct policy_set *set, const struct policy_result *result, struct error *err)
{
    struct buf lines;
    char *text = NULL;
    int code;

    buf_init(&lines, LIST_TEXT_LIMIT);
    code = result->winner->layer == POLICY_LAYER_DEFAULT ? buf_add_text(&lines, result->text, err)
                                                         : list_text(&lines, result, err);
    if (code == 0 && lines.size > 0) {
        code = str_copy(&text, buf_text(&lines), err);
        if (code == 0) {
            code = store(set, result->row, &text, err);
        }
    }
    str_free(&text);
    buf_clear(&lines);
    return code;
}

static int put_scalar(struct policy_set *set, const struct policy_result *result, struct error *err)
{
    const struct policy_value *winner = result->winner;
    bool is_path = (result->row->flags & SETTING_PATH) != 0;
    const char *written = winner->written ? winner->written
                          : is_path && winner->layer == POLICY_LAYER_DEFAULT
                              ? setting_default_text(result->row)
                              : winner->text;

    return policy_set_put(set, result->row, written, err);
}

int policy_set_from_policy(struct policy_set *set, const struct policy *policy, bool is_all,
                           struct error *err)
{
    int code = 0;

    for (size_t i = 0; code == 0 && i < schema_count(); i++) {
        const struct policy_result *result = policy_result_at(policy, i);

        if (!is_all && result->winner->layer == POLICY_LAYER_DEFAULT) {
            continue;
        }
        code = result->row->type == SETTING_LIST ? put_list(set, result, err)
                                                 : put_scalar(set, result, err);
    }
    return code;
}

const char *policy_set_text(const struct policy_set *set, const struct setting *row)
{
    return set->texts ? set->texts[schema_index(row)] : NULL;
}

size_t policy_set_count(const struct policy_set *set)
{
    size_t count = 0;

    for (size_t i = 0; set->texts && i < schema_count(); i++) {
        count += set->texts[i] ? 1 : 0;
    }
    return count;
}

void policy_set_clear(struct policy_set *set)
{
    for (size_t i = 0; set->texts && i < schema_count(); i++) {
        str_free(&set->texts[i]);
    }
    free(set->texts);
    set->texts = NULL;
}
