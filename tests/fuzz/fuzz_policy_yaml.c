/*
 * Any bytes as a policy file: reading, judging, writing and reading again must end, in bounds. What
 * comes out must hold the rules that the rest of the program relies on.
 */
#include <stdint.h>

#include "policy_source.h"
#include "yaml_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct warnings warnings = {0};
    struct source source = {0};
    bool is_readable = false;

    must(source_init(&source, POLICY_LAYER_MACHINE_POLICY, "policy.yaml", NULL) == 0);
    warnings_begin_file(&warnings);
    must(yaml_read(&source, &is_readable, (const char *)data, size, &warnings, NULL) == 0);
    for (size_t i = 0; i < schema_count(); i++) {
        must(is_readable || source.values[i].kind == RAW_ABSENT);
    }
    check_source(&source, &warnings);
    return 0;
}
