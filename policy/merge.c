#include "merge.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Which entries are in the result already: open addressing, never more than half full. */
struct seen {
    const char **slots;
    size_t mask;
};

static int seen_init(struct seen *seen, size_t most, struct error *err)
{
    size_t size = 16;

    while (size < 2 * most) {
        size *= 2;
    }
    seen->mask = size - 1;
    seen->slots = calloc(size, sizeof(*seen->slots));
    return seen->slots ? 0 : error_set(err, ERR_NO_MEMORY, "no memory to unite a list");
}

/* False when `text` is there already, in whatever case. */
static bool seen_add(struct seen *seen, const char *text)
{
    size_t at = (size_t)str_hash_nocase(text) & seen->mask;

    while (seen->slots[at]) {
        if (str_equal_nocase(seen->slots[at], text)) {
            return false;
        }
        at = (at + 1) & seen->mask;
    }
    seen->slots[at] = text;
    return true;
}

static bool is_policy(enum policy_layer layer)
{
    return layer == POLICY_LAYER_OVERRIDE || layer == POLICY_LAYER_MACHINE_POLICY ||
           layer == POLICY_LAYER_USER_POLICY;
}

static bool has_reset(const struct str_list *entries)
{
    for (size_t i = 0; i < entries->count; i++) {
        if (strcmp(entries->items[i], "-") == 0) {
            return true;
        }
    }
    return false;
}

/* Values are highest first, so the first one tells: a policy, else the highest preference. */
static void mark_used(struct policy_result *result)
{
    enum policy_layer highest = result->values[0].layer;
    bool is_emptied = false;

    for (size_t i = 0; i < result->value_count; i++) {
        struct policy_value *value = &result->values[i];
        bool counts = value->layer == POLICY_LAYER_DEFAULT || value->layer == highest ||
                      (is_policy(value->layer) && is_policy(highest));

        value->is_used = counts && !is_emptied;
        is_emptied = is_emptied || (value->is_used && has_reset(&value->entries));
        if (i > 0 && value->layer == POLICY_LAYER_DEFAULT && value->entries.count == 0) {
            value->is_used = false; /* nothing came from it */
        }
    }
}

static int unite(struct policy_result *result, struct error *err)
{
    struct seen seen = {0};
    size_t most = 0;
    int code;

    for (size_t i = 0; i < result->value_count; i++) {
        most += result->values[i].entries.count;
    }
    code = seen_init(&seen, most, err);
    for (size_t i = 0; code == 0 && i < result->value_count; i++) {
        const struct str_list *entries = &result->values[i].entries;

        for (size_t j = 0; code == 0 && result->values[i].is_used && j < entries->count; j++) {
            if (strcmp(entries->items[j], "-") != 0 && seen_add(&seen, entries->items[j])) {
                code = str_list_add(&result->entries, entries->items[j], err);
            }
        }
    }
    free(seen.slots);
    return code;
}

static int merge_list(struct policy_result *result, struct error *err)
{
    struct setting_value value = {0};
    int code;

    mark_used(result);
    code = unite(result, err);
    value.entries = result->entries; /* lent: not cleared */
    return code < 0 ? code : setting_format(&result->text, result->row, &value, err);
}

int merge_values(struct policy_result *result, struct error *err)
{
    assert(result->value_count > 0);
    result->winner = &result->values[0];
    if (result->row->type == SETTING_LIST) {
        return merge_list(result, err);
    }
    result->values[0].is_used = true;
    return str_copy(&result->text, result->values[0].text, err);
}
