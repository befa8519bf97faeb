/*
 * The table of settings. A row stands in schema/<category>.c; here they become one table.
 *
 * TO ADD A SETTING: 1. a field in struct settings (settings.h); 2. a row in schema/<category>.c,
 * with a name that was never used before; 3. a line in tests/data/policy/settings.txt; 4. ctest.
 * When a planned feature is built, take SETTING_PLANNED out of its row (LATER becomes BOTH).
 */
#include "policy/schema.h"

#include <assert.h>
#include <stddef.h>

#include "schema/rows.h"

/* In the order in which settings are documented and shown. */
static const struct schema_part *const parts[] = {
    &schema_account, &schema_mappings, &schema_transport,
    &schema_files,   &schema_network,  &schema_diagnostics,
};

enum { PART_COUNT = sizeof(parts) / sizeof(parts[0]) };

size_t schema_count(void)
{
    size_t count = 0;

    for (size_t i = 0; i < PART_COUNT; i++) {
        count += parts[i]->count;
    }
    return count;
}

const struct setting *schema_at(size_t index)
{
    for (size_t i = 0; i < PART_COUNT; i++) {
        if (index < parts[i]->count) {
            return &parts[i]->rows[index];
        }
        index -= parts[i]->count;
    }
    return NULL;
}

size_t schema_index(const struct setting *row)
{
    size_t before = 0;

    for (size_t i = 0; i < PART_COUNT; i++) {
        for (size_t j = 0; j < parts[i]->count; j++) {
            if (row == &parts[i]->rows[j]) {
                return before + j;
            }
        }
        before += parts[i]->count;
    }
    assert(!"a row of the table");
    return 0;
}
