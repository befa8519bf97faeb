#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "commands/policy_impl.h"

static const char usage[] =
    "usage: mooring policy show [--all] [--json] [--policy FILE]\n"
    "       mooring policy check [--json] FILE\n"
    "       mooring policy diff [--json] A B\n"
    "       mooring policy export --format yaml|reg|regpol|intune|admx [--all] [--user]\n"
    "                             [--output PATH] [FILE]\n"
    "       mooring policy import --from konnekt [--format yaml|reg|regpol] [--json]\n"
    "                             [--output PATH] [FILE]\n"
    "\n"
    "show    prints the settings that a source sets (--all: every setting), where each value\n"
    "        comes from and what it overrode, and everything that is wrong in the sources; of\n"
    "        the running agent when there is one.\n"
    "check   reads FILE alone, as if it were the policy of this machine.\n"
    "diff    prints the settings whose value differs. A and B are files, or `current`.\n"
    "export  writes the settings of this system, or of FILE, in another form. intune is a custom\n"
    "        configuration profile; admx are all administrative templates and needs a folder as\n"
    "        PATH. --user: for users instead of the machine.\n"
    "import  reads another product's policy from FILE (on Windows without FILE: from the\n"
    "        registry). What has no counterpart is listed on stderr.\n"
    "\n"
    "A FILE is YAML, Registry.pol or .reg. Output that holds a password is written for you alone.\n"
    "exit code: 0 all is well; 1 there are warnings, notes or differences; 2 a file cannot be "
    "used.\n";

/* An option that has a value, as two words or with '='. */
static bool take_value(const char **value, const char *name, int argc, const char *const *argv,
                       int *at)
{
    size_t length = strlen(name);

    if (strncmp(argv[*at], name, length) != 0) {
        return false;
    }
    if (argv[*at][length] == '=') {
        *value = argv[*at] + length + 1;
        return true;
    }
    if (argv[*at][length] == '\0' && *at + 1 < argc) {
        *value = argv[++*at];
        return true;
    }
    return false;
}

/* False when an argument is not understood. */
static bool parse_option(struct policy_request *request, int argc, const char *const *argv, int *at)
{
    const char *word = argv[*at];

    if (strcmp(word, "--json") == 0) {
        request->is_json = true;
    } else if (strcmp(word, "--all") == 0) {
        request->is_all = true;
    } else if (strcmp(word, "--user") == 0) {
        request->is_user = true;
    } else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        request->is_help = true;
    } else {
        return take_value(&request->policy, "--policy", argc, argv, at) ||
               take_value(&request->format, "--format", argc, argv, at) ||
               take_value(&request->output, "--output", argc, argv, at) ||
               take_value(&request->from, "--from", argc, argv, at);
    }
    return true;
}

/* Which options each verb has, and how many operands. */
static bool is_complete(const struct policy_request *r)
{
    size_t operands = (r->operands[0] ? 1U : 0U) + (r->operands[1] ? 1U : 0U);
    bool writes = r->format || r->output;

    if (r->is_help) {
        return true;
    }
    if (!r->verb) {
        return false;
    }
    if (strcmp(r->verb, "show") == 0) {
        return operands == 0 && !writes && !r->from && !r->is_user;
    }
    if (strcmp(r->verb, "check") == 0) {
        return operands == 1 && !writes && !r->from && !r->is_user && !r->policy && !r->is_all;
    }
    if (strcmp(r->verb, "diff") == 0) {
        return operands == 2 && !writes && !r->from && !r->is_user && !r->policy && !r->is_all;
    }
    if (strcmp(r->verb, "export") == 0) {
        return operands < 2 && r->format && !r->from && !r->is_json && !r->policy;
    }
    if (strcmp(r->verb, "import") == 0) {
        return operands < 2 && r->from && !r->policy && !r->is_all && !(r->is_json && writes);
    }
    return false;
}

static bool parse(struct policy_request *request, int argc, const char *const *argv)
{
    bool has_options = true;

    for (int i = 1; i < argc; i++) {
        if (has_options && strcmp(argv[i], "--") == 0) {
            has_options = false;
        } else if (has_options && argv[i][0] == '-') {
            if (!parse_option(request, argc, argv, &i)) {
                return false;
            }
        } else if (!request->verb) {
            request->verb = argv[i];
        } else if (!request->operands[0]) {
            request->operands[0] = argv[i];
        } else if (!request->operands[1]) {
            request->operands[1] = argv[i];
        } else {
            return false;
        }
    }
    return is_complete(request);
}

bool policy_command_is_show(struct policy_show *out, int argc, const char *const *argv)
{
    struct policy_request request = {0};

    if (!parse(&request, argc, argv) || request.is_help || request.policy ||
        strcmp(request.verb, "show") != 0) {
        return false;
    }
    *out = (struct policy_show){.is_json = request.is_json, .is_all = request.is_all};
    return true;
}

int policy_complain(const struct policy_io *io, struct error *err, const char *fmt, ...)
{
    char line[2048];
    va_list args;

    va_start(args, fmt);
    vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    for (char *at = line; *at; at++) {
        if ((unsigned char)*at < 0x20 || *at == 0x7F) {
            *at = '?';
        }
    }
    return buf_add_format(io->complaint, err, "%s\n", line);
}

int policy_write(const struct policy_io *io, const struct policy_request *request,
                 const struct buf *bytes, struct error *err)
{
    return request->output ? file_write_atomic(request->output, bytes->size ? bytes->data : "",
                                               bytes->size, err)
                           : buf_add(io->out, bytes->size ? bytes->data : "", bytes->size, err);
}

int policy_read(struct policy **out, const struct policy_io *io, const char *file,
                struct error *err)
{
    bool is_current = !file || strcmp(file, "current") == 0;
    struct policy *policy = NULL;
    int code = is_current ? policy_load(&policy, io->sources, err)
                          : policy_check_file(&policy, file, io->sources, err);

    if (code == 0) {
        code = policy_render_warnings(io->complaint, policy, err);
    }
    if (code == 0 && !is_current && policy_error_count(policy) > 0) {
        code = error_set(err, ERR_INVALID, "'%s' cannot be used as a policy", file);
    }
    if (code < 0) {
        policy_free(policy);
        return code;
    }
    *out = policy;
    return 0;
}

static int run_show(const struct policy_io *io, const struct policy_request *request,
                    struct error *err)
{
    struct policy *policy = NULL;
    int code = request->policy ? policy_sources_override(io->sources, request->policy, err) : 0;

    if (code == 0) {
        code = policy_load(&policy, io->sources, err);
    }
    if (code == 0) {
        code = request->is_json ? policy_render_json(io->out, policy, request->is_all, err)
                                : policy_render_text(io->out, policy, request->is_all, err);
    }
    if (code == 0) {
        code = policy_exit_class(policy);
    }
    policy_free(policy);
    return code;
}

/* Looks at one file and overrides nothing, so a machine policy is no obstacle. */
static int run_check(const struct policy_io *io, const struct policy_request *request,
                     struct error *err)
{
    struct policy *policy = NULL;
    int code = policy_check_file(&policy, request->operands[0], io->sources, err);

    if (code == 0 && request->is_json) {
        code = policy_render_json(io->out, policy, false, err);
    } else if (code == 0) {
        code = policy_render_warnings(io->out, policy, err);
        if (code == 0 && policy_warning_count(policy) == 0) {
            code = buf_add_format(io->out, err, "%s: nothing is wrong\n", request->operands[0]);
        }
    }
    if (code == 0) {
        code = policy_exit_class(policy);
    }
    policy_free(policy);
    return code;
}

static int run(const struct policy_io *io, const struct policy_request *request, struct error *err)
{
    static const struct {
        const char *verb;
        int (*run)(const struct policy_io *io, const struct policy_request *request,
                   struct error *err);
    } verbs[] = {{"show", run_show},
                 {"check", run_check},
                 {"diff", policy_run_diff},
                 {"export", policy_run_export},
                 {"import", policy_run_import}};

    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (strcmp(request->verb, verbs[i].verb) == 0) {
            return verbs[i].run(io, request, err);
        }
    }
    return error_set(err, ERR_INVALID, "there is no `mooring policy %s`", request->verb);
}

int policy_command_run(struct buf *out, struct buf *complaint, struct policy_sources *sources,
                       int argc, const char *const *argv)
{
    const struct policy_io io = {.out = out, .complaint = complaint, .sources = sources};
    struct policy_request request = {0};
    struct error err = {0};
    int code;

    if (!parse(&request, argc, argv)) {
        (void)buf_add_text(complaint, usage, NULL);
        return POLICY_ERRORS;
    }
    if (request.is_help) {
        return buf_add_text(out, usage, NULL) == 0 ? POLICY_CLEAN : POLICY_ERRORS;
    }
    code = run(&io, &request, &err);
    if (code < 0) {
        (void)policy_complain(&io, NULL, "mooring policy: %s", err.message);
        return POLICY_ERRORS;
    }
    return code;
}
