#include "policy/diff.h"

#include <stdlib.h>
#include <string.h>

int policy_diff(struct policy_difference **out, size_t *count, const struct policy *a,
                const struct policy *b, struct error *err)
{
    struct policy_difference *rows = NULL;
    size_t found = 0;

    for (size_t i = 0; i < schema_count(); i++) {
        struct policy_difference row = {
            .row = schema_at(i), .a = policy_result_at(a, i), .b = policy_result_at(b, i)};

        if (strcmp(row.a->text, row.b->text) == 0) {
            continue;
        }
        if (!rows) {
            rows = calloc(schema_count(), sizeof(*rows));
            if (!rows) {
                return error_set(err, ERR_NO_MEMORY, "no memory to compare two policies");
            }
        }
        rows[found++] = row;
    }
    *out = rows;
    *count = found;
    return 0;
}
