/*
 * policy_live.c - `mooring policy` as a program: `show` asks the agent of this user when one runs.
 *
 * The agent may have another policy than the sources say now: the last good values of a file that
 * is broken, its own --policy, or a change that it has not seen yet.
 */
#include <stdio.h>

#include "commands/command.h"
#include "commands/policy.h"

enum { OUTPUT_LIMIT = 64 << 20 };

/* True when the agent answered; *exit_code is its. */
static bool ask_agent(const struct policy_show *show, int *exit_code)
{
    cJSON *arguments = cJSON_CreateObject();
    cJSON *result = NULL;
    struct error err = {0};
    int code;

    cJSON_AddBoolToObject(arguments, "json", show->is_json);
    cJSON_AddBoolToObject(arguments, "all", show->is_all);
    code = command_call(&result, "policy", arguments, NULL, NULL, &err);
    cJSON_Delete(arguments);
    if (code < 0) {
        if (code != ERR_NOT_FOUND) {
            fprintf(stderr,
                    "mooring policy: the agent does not say (%s); this is what the sources "
                    "say\n",
                    err.message);
        }
        return false;
    }
    if (show->is_json) {
        cJSON *policy = cJSON_Parse(answer_text(result, "text"));

        command_print_json(policy);
        cJSON_Delete(policy);
    } else {
        printf("As the agent of this user read it at %s\n", answer_text(result, "loaded"));
        command_print_safe_lines(answer_text(result, "text"));
    }
    *exit_code = (int)answer_number(result, "exitCode");
    cJSON_Delete(result);
    return true;
}

static bool print(const struct buf *text, FILE *out)
{
    return text->size == 0 || fwrite(text->data, 1, text->size, out) == text->size;
}

int command_policy(int argc, char **argv)
{
    struct policy_sources sources = {0};
    struct policy_show show;
    struct buf out;
    struct buf complaint;
    struct error err = {0};
    int result = COMMAND_FAILED;

    if (policy_command_is_show(&show, argc, (const char *const *)argv) &&
        ask_agent(&show, &result)) {
        return result;
    }
    buf_init(&out, OUTPUT_LIMIT);
    buf_init(&complaint, OUTPUT_LIMIT);
    if (policy_default_sources(&sources, &err) < 0) {
        fprintf(stderr, "mooring policy: %s\n", err.message);
    } else {
        result = policy_command_run(&out, &complaint, &sources, argc, (const char *const *)argv);
        if (!print(&complaint, stderr) || !print(&out, stdout) || fflush(stdout) != 0) {
            result = COMMAND_FAILED;
        }
    }
    policy_sources_clear(&sources);
    buf_clear(&out);
    buf_clear(&complaint);
    return result;
}
