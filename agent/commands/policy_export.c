#include <stdlib.h>
#include <string.h>

#include "admx/admx.h"
#include "base/str.h"
#include "commands/policy_impl.h"
#include "policy/export.h"

enum { EXPORT_LIMIT = 16 << 20 };

/* What the set has and the template has not: named, not dropped silently. */
static int add_value(struct admx_value *values, size_t *count, const struct setting *row,
                     const char *text, const struct policy_io *io, bool is_user, struct error *err)
{
    struct admx_value value = {.row = row, .text = text, .is_user = is_user};
    struct admx_oma oma = {0};
    struct error why = {0};
    int code = admx_oma(&oma, row, text, is_user, &why);

    admx_oma_clear(&oma);
    if (code == 0) {
        values[(*count)++] = value;
        return POLICY_CLEAN;
    }
    if (code == ERR_NO_MEMORY) {
        return error_set(err, code, "%s", why.message);
    }
    code = policy_complain(io, err, "%s is left out: %s", row->name, why.message);
    return code < 0 ? code : POLICY_WARNINGS;
}

static int export_intune(struct buf *bytes, const struct policy_io *io,
                         const struct policy_set *set, bool is_user, struct error *err)
{
    struct admx_value *values = calloc(schema_count(), sizeof(*values));
    int result = POLICY_CLEAN;
    size_t count = 0;
    int code = 0;

    if (!values) {
        return error_set(err, ERR_NO_MEMORY, "no memory to export the policy");
    }
    for (size_t i = 0; i < schema_count() && code >= 0; i++) {
        const char *text = policy_set_text(set, schema_at(i));

        code = text ? add_value(values, &count, schema_at(i), text, io, is_user, err) : 0;
        result = code > result ? code : result;
    }
    if (code >= 0) {
        code = admx_write_intune_profile(bytes, values, count, err);
    }
    free(values);
    return code < 0 ? code : result;
}

static int find_format(enum policy_format *out, const char *name, struct error *err)
{
    static const char *const names[] = {"yaml", "reg", "regpol"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(name, names[i]) == 0) {
            *out = (enum policy_format)i;
            return 0;
        }
    }
    return error_set(err, ERR_INVALID, "there is no format '%s'", name);
}

static int warn_of_secret(const struct policy_io *io, const struct policy_set *set,
                          struct error *err)
{
    return policy_set_has_secret(set)
               ? policy_complain(io, err, "there is a password in it: keep it as a secret")
               : 0;
}

int policy_export_set(const struct policy_io *io, const struct policy_request *request,
                      const struct policy_set *set, struct error *err)
{
    const struct policy_export_options options = {.is_user = request->is_user};
    const char *name = request->format ? request->format : "yaml";
    enum policy_format format = POLICY_FORMAT_YAML;
    struct buf bytes;
    int result = POLICY_CLEAN;
    int code;

    buf_init(&bytes, EXPORT_LIMIT);
    if (strcmp(name, "intune") == 0) {
        code = result = export_intune(&bytes, io, set, request->is_user, err);
    } else {
        code = find_format(&format, name, err);
        if (code == 0) {
            code = policy_export(&bytes, format, set, &options, err);
        }
    }
    if (code >= 0) {
        code = policy_write(io, request, &bytes, err);
    }
    if (code == 0) {
        code = warn_of_secret(io, set, err);
    }
    buf_clear(&bytes);
    return code < 0 ? code : result;
}

int policy_run_export(const struct policy_io *io, const struct policy_request *request,
                      struct error *err)
{
    struct policy *policy = NULL;
    struct policy_set set = {0};
    int code;

    if (strcmp(request->format, "admx") == 0) { /* the templates are those of all settings */
        if (!request->output || request->operands[0] || request->is_all || request->is_user) {
            return error_set(err, ERR_INVALID,
                             "the administrative templates are several files: --format admx wants "
                             "--output FOLDER and nothing else");
        }
        return admx_write_files(request->output, err);
    }
    code = policy_read(&policy, io, request->operands[0], err);
    if (code == 0) {
        code = policy_set_from_policy(&set, policy, request->is_all, err);
    }
    if (code == 0) {
        code = policy_export_set(io, request, &set, err);
    }
    /* As `check` says it, whatever the form; errors are of this system's sources. */
    if (code == POLICY_CLEAN && policy_exit_class(policy) != POLICY_CLEAN) {
        code = POLICY_WARNINGS;
    }
    policy_set_clear(&set);
    policy_free(policy);
    return code;
}
