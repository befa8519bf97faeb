#include "commands/policy.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

enum { EXIT_CLEAN = 0, EXIT_WARNINGS = 1, EXIT_ERRORS = 2, OUTPUT_LIMIT = 64 << 20 };

static const char usage[] =
    "usage: mooring policy show [--json] [--all] [--policy FILE]\n"
    "       mooring policy check [--json] FILE\n"
    "\n"
    "show   prints the settings that a source sets (--all: every setting), where each value\n"
    "       comes from and what it overrode, and everything that is wrong in the sources.\n"
    "check  reads FILE alone, as if it were the policy of this machine.\n"
    "\n"
    "exit code: 0 all is well, 1 there are warnings, 2 a file cannot be used.\n";

struct request {
    const char *verb;
    const char *operand; /* of check */
    const char *policy;  /* of --policy */
    bool is_json;
    bool is_all;
    bool is_help;
};

/* False when an argument is not understood. */
static bool parse_option(struct request *request, int argc, const char *const *argv, int *at)
{
    const char *word = argv[*at];

    if (strcmp(word, "--json") == 0) {
        request->is_json = true;
    } else if (strcmp(word, "--all") == 0) {
        request->is_all = true;
    } else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        request->is_help = true;
    } else if (strcmp(word, "--policy") == 0 && *at + 1 < argc) {
        request->policy = argv[++*at];
    } else if (str_starts_with(word, "--policy=")) {
        request->policy = word + strlen("--policy=");
    } else {
        return false;
    }
    return true;
}

static bool parse(struct request *request, int argc, const char *const *argv)
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
        } else if (!request->operand) {
            request->operand = argv[i];
        } else {
            return false;
        }
    }
    if (request->is_help) {
        return true;
    }
    if (request->verb && strcmp(request->verb, "show") == 0) {
        return !request->operand;
    }
    return request->verb && strcmp(request->verb, "check") == 0 && request->operand &&
           !request->policy && !request->is_all;
}

static int exit_code_of(const struct policy *policy)
{
    if (policy_error_count(policy) > 0) {
        return EXIT_ERRORS;
    }
    return policy_warning_count(policy) > 0 ? EXIT_WARNINGS : EXIT_CLEAN;
}

static int render(struct buf *out, const struct policy *policy, const struct request *request,
                  struct error *err)
{
    int code;

    if (request->is_json) {
        return policy_render_json(out, policy, request->is_all, err);
    }
    if (strcmp(request->verb, "show") == 0) {
        return policy_render_text(out, policy, request->is_all, err);
    }
    code = policy_render_warnings(out, policy, err);
    return code == 0 && policy_warning_count(policy) == 0
               ? buf_add_format(out, err, "%s: nothing is wrong\n", request->operand)
               : code;
}

/* `check` looks at one file and overrides nothing, so a machine policy is no obstacle. */
static int choose_sources(struct policy_sources *sources, const struct request *request,
                          struct error *err)
{
    if (strcmp(request->verb, "check") == 0) {
        return str_copy(&sources->override_file, request->operand, err);
    }
    return request->policy ? policy_sources_override(sources, request->policy, err) : 0;
}

int policy_command_run(struct buf *out, struct buf *complaint, struct policy_sources *sources,
                       int argc, const char *const *argv)
{
    struct request request = {0};
    struct policy *policy = NULL;
    struct error err = {0};
    int result = EXIT_ERRORS;
    int code;

    if (!parse(&request, argc, argv)) {
        (void)buf_add_text(complaint, usage, NULL);
        return EXIT_ERRORS;
    }
    if (request.is_help) {
        return buf_add_text(out, usage, NULL) == 0 ? EXIT_CLEAN : EXIT_ERRORS;
    }
    code = choose_sources(sources, &request, &err);
    if (code == 0) {
        code = policy_load(&policy, sources, &err);
    }
    if (code == 0) {
        code = render(out, policy, &request, &err);
    }
    if (code == 0) {
        result = exit_code_of(policy);
    } else {
        (void)buf_add_format(complaint, NULL, "mooring policy: %s\n", err.message);
    }
    policy_free(policy);
    return result;
}

int command_policy(int argc, char **argv)
{
    struct policy_sources sources = {0};
    struct buf out;
    struct buf complaint;
    struct error err = {0};
    int result = EXIT_ERRORS;

    buf_init(&out, OUTPUT_LIMIT);
    buf_init(&complaint, OUTPUT_LIMIT);
    if (policy_default_sources(&sources, &err) < 0) {
        fprintf(stderr, "mooring policy: %s\n", err.message);
    } else {
        result = policy_command_run(&out, &complaint, &sources, argc, (const char *const *)argv);
        fputs(buf_text(&out), stdout);
        fputs(buf_text(&complaint), stderr);
        if (fflush(stdout) != 0) {
            result = EXIT_ERRORS;
        }
    }
    policy_sources_clear(&sources);
    buf_clear(&out);
    buf_clear(&complaint);
    return result;
}
