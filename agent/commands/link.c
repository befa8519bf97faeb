#include <stdio.h>
#include <string.h>

#include "commands/doors.h"
#include "opener.h"

static const char usage[] =
    "usage: mooring link [--type view|edit] [--copy] [--json] PATH\n"
    "A sharing link to what PATH names, for whom policy LinkScope says. --copy puts it into the\n"
    "clipboard, too.\n";

int command_link(int argc, char **argv)
{
    const char *type = "view";
    const char *path = NULL;
    bool is_copy = false;
    bool is_json = false;
    const struct command_word words[] = {{"type", .text = &type},
                                         {"copy", .flag = &is_copy},
                                         {"json", .flag = &is_json},
                                         {.text = &path, .is_needed = true},
                                         {0}};
    struct error err = {0};
    struct error copy_err = {0};
    cJSON *arguments;
    cJSON *result = NULL;
    int exit_code;

    if (!command_parse(words, argc, argv, usage, &exit_code)) {
        return exit_code;
    }
    if (strcmp(type, "view") != 0 && strcmp(type, "edit") != 0) {
        return command_misused(usage);
    }
    arguments = door_arguments("link", path, &err);
    if (arguments) {
        cJSON_AddStringToObject(arguments, "type", type);
    }
    if (door_call(&result, arguments, &err) < 0) {
        return command_fail("link", is_json, &err);
    }
    exit_code = COMMAND_OK;
    if (is_copy && opener_copy(answer_text(result, "link"), &copy_err) < 0) {
        exit_code = COMMAND_WARNING; /* the link is made, and shown */
        fprintf(stderr, "mooring link: %s\n", copy_err.message);
    }
    if (is_json) {
        cJSON_AddBoolToObject(result, "copied", is_copy && exit_code == COMMAND_OK);
        command_print_json(result);
    } else {
        command_print_safe(answer_text(result, "link"));
        printf("\n");
    }
    cJSON_Delete(result);
    return exit_code;
}
