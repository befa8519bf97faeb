/*
 * Any text as an entry of Tenants, ManagedMappings, DriveLetterRules, and as a DriveLetterPool.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "policy/entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct policy_tenant tenant = {0};
    struct policy_mapping mapping = {0};
    char letters[27];
    char letter = 0;
    char *glob = NULL;
    char *text = NULL;

    if (str_copy_n(&text, (const char *)data, size, NULL) < 0) {
        return 0;
    }
    if (policy_tenant_parse(&tenant, text, NULL) == 0 && !tenant.tenant) {
        abort();
    }
    if (policy_mapping_parse(&mapping, text, NULL) == 0 &&
        (!mapping.url || (mapping.team_id && !policy_is_guid(mapping.team_id)) ||
         !mapping.team_id != !mapping.channel_id ||
         (mapping.channel_id && strpbrk(mapping.channel_id, "/ ?#\\")))) {
        abort();
    }
    if (policy_letter_rule_parse(&glob, &letter, text, NULL) == 0 && (letter < 'D' || !glob)) {
        abort();
    }
    if (policy_letter_pool_parse(letters, text, NULL) == 0 && strlen(letters) > 23) {
        abort();
    }
    policy_tenant_clear(&tenant);
    policy_mapping_clear(&mapping);
    str_free(&glob);
    str_free(&text);
    return 0;
}
