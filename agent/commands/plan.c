#include <stdio.h>
#include <string.h>

#include "commands/command.h"

static const char usage[] = "usage: mooring plan [--json]\n"
                            "Which libraries are mapped where and which are not, and why.\n";

static void print_libraries(const cJSON *libraries, bool mapped)
{
    const cJSON *library;

    cJSON_ArrayForEach(library, libraries)
    {
        const char *verdict = answer_text(library, "verdict");

        if ((strcmp(verdict, "mapped") == 0) != mapped) {
            continue;
        }
        printf("  %-11s ", verdict);
        command_print_safe(answer_text(library, "url"));
        if (*answer_text(library, "reason")) {
            printf("\n              ");
            command_print_safe(answer_text(library, "reason"));
        }
        printf("\n");
    }
}

static void print_plan(const cJSON *plan)
{
    const cJSON *libraries = cJSON_GetObjectItemCaseSensitive(plan, "libraries");
    const cJSON *steps = cJSON_GetObjectItemCaseSensitive(plan, "steps");
    const cJSON *item;

    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(plan, "wanted"))
    {
        printf("%-2s ", answer_text(item, "letter"));
        command_print_safe(answer_text(item, "path"));
        printf("\n");
    }
    printf("libraries known: %d\n", cJSON_GetArraySize(libraries));
    print_libraries(libraries, true);
    print_libraries(libraries, false);
    printf("steps to do: %d\n", cJSON_GetArraySize(steps));
    cJSON_ArrayForEach(item, steps)
    {
        printf("  %-7s ", answer_text(item, "step"));
        command_print_safe(answer_text(item, "path"));
        printf("\n");
    }
}

int command_plan(int argc, char **argv)
{
    bool is_json = false;
    const struct command_word words[] = {{"json", .flag = &is_json}, {0}};
    struct error err = {0};
    cJSON *plan = NULL;
    int exit_code;

    if (!command_parse(words, argc, argv, usage, &exit_code)) {
        return exit_code;
    }
    if (command_call(&plan, "plan", NULL, NULL, NULL, &err) < 0) {
        return command_fail("plan", is_json, &err);
    }
    if (is_json) {
        command_print_json(plan);
    } else {
        print_plan(plan);
    }
    cJSON_Delete(plan);
    return COMMAND_OK;
}
