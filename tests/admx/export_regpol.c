/*
 * export_regpol - the Registry.pol that policy_export() makes of the settings on its standard input, a line each:
 * "Name value", a list's entries separated by tabs; "Name" alone is Disabled. For test_roundtrip.py.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "policy/export.h"

static int put(struct policy_set *set, char *line, struct error *err)
{
    char *space = strchr(line, ' ');
    const struct setting *row;

    if (space) {
        *space = '\0';
    }
    row = schema_find(line);
    if (!row) {
        return error_set(err, ERR_NOT_FOUND, "there is no setting '%s'", line);
    }
    if (!space) {
        return policy_set_disable(set, row, err);
    }
    for (char *c = space + 1; *c; c++) {
        *c = *c == '\t' ? '\n' : *c;
    }
    return policy_set_put(set, row, space + 1, err);
}

int main(void)
{
    struct policy_set set = {0};
    struct error err = {0};
    struct buf out;
    char line[4096];
    int code = 0;

    buf_init(&out, 1 << 20);
    while (code == 0 && fgets(line, sizeof(line), stdin)) {
        line[strcspn(line, "\n")] = '\0';
        code = put(&set, line, &err);
    }
    if (code == 0) {
        code = policy_export(&out, POLICY_FORMAT_REGPOL, &set, NULL, &err);
    }
    if (code < 0) {
        (void)fprintf(stderr, "export_regpol: %s\n", err.message);
    } else {
        (void)fwrite(out.data, 1, out.size, stdout);
    }
    buf_clear(&out);
    policy_set_clear(&set);
    return code < 0 ? 1 : 0;
}
