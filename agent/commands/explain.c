#include <stdio.h>

#include "commands/command.h"

static const char usage[] =
    "usage: mooring explain [--json] URL\n"
    "Source by source and rule by rule: why the library at URL is mapped or is not.\n";

int command_explain(int argc, char **argv)
{
    bool is_json = false;
    const char *url = NULL;
    const struct command_word words[] = {
        {"json", .flag = &is_json}, {.text = &url, .is_needed = true}, {0}};
    struct error err = {0};
    cJSON *arguments;
    cJSON *result = NULL;
    const cJSON *answer;
    bool is_known;
    int exit_code;
    int code;

    if (!command_parse(words, argc, argv, usage, &exit_code)) {
        return exit_code;
    }
    arguments = cJSON_CreateObject();
    cJSON_AddStringToObject(arguments, "url", url);
    code = command_call(&result, "explain", arguments, NULL, NULL, &err);
    cJSON_Delete(arguments);
    if (code < 0) {
        return command_fail("explain", is_json, &err);
    }
    is_known = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(result, "known"));
    if (is_json) {
        command_print_json(result);
    } else {
        cJSON_ArrayForEach(answer, cJSON_GetObjectItemCaseSensitive(result, "answers"))
        {
            if (is_known && !cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(answer, "known"))) {
                continue; /* another tenant knows it */
            }
            printf("[%s]\n", answer_text(answer, "tenant"));
            if (*answer_text(answer, "refused")) {
                printf("%s: nothing of it is mapped\n", answer_text(answer, "refused"));
            }
            command_print_safe_lines(answer_text(answer, "text"));
        }
    }
    cJSON_Delete(result);
    return is_known ? COMMAND_OK : COMMAND_WARNING;
}
