#include <stdio.h>
#include <string.h>

#include "commands/command.h"

static const char usage[] =
    "usage: mooring deletes [allow [--minutes N]] [--json]\n"
    "Whether deleting is paused, because more was deleted within a minute than policy\n"
    "(MassDeleteThreshold) lets pass. allow: any number may be deleted for so long (10 minutes).\n";

static void print_deletes(const cJSON *deletes)
{
    if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(deletes, "paused"))) {
        printf("deleting is paused since %s: %.0f deletes were refused\n"
               "more than %.0f items were to be deleted within a minute; if that was you:\n"
               "  mooring deletes allow\n",
               answer_text(deletes, "since"), answer_number(deletes, "refused"),
               answer_number(deletes, "threshold"));
    } else if (answer_number(deletes, "allowedSeconds") > 0) {
        printf("any number of items may be deleted for %.0f seconds\n",
               answer_number(deletes, "allowedSeconds"));
    } else if (answer_number(deletes, "threshold") > 0) {
        printf("up to %.0f items may be deleted within a minute\n",
               answer_number(deletes, "threshold"));
    } else {
        printf("any number of items may be deleted\n");
    }
}

int command_deletes(int argc, char **argv)
{
    bool is_json = false;
    const char *verb = NULL;
    int64_t minutes = 0;
    const struct command_word words[] = {{"json", .flag = &is_json},
                                         {"minutes", .number = &minutes, .min = 1, .max = 1440},
                                         {.text = &verb},
                                         {0}};
    struct error err = {0};
    cJSON *arguments = NULL;
    cJSON *deletes = NULL;
    int exit_code;
    int code;

    if (!command_parse(words, argc, argv, usage, &exit_code)) {
        return exit_code;
    }
    if (verb ? strcmp(verb, "allow") != 0 : minutes > 0) {
        return command_misused(usage);
    }
    arguments = cJSON_CreateObject();
    if (minutes > 0) {
        cJSON_AddNumberToObject(arguments, "minutes", (double)minutes);
    }
    code = command_call(&deletes, verb ? "allow-deletes" : "deletes", arguments, NULL, NULL, &err);
    cJSON_Delete(arguments);
    if (code < 0) {
        return command_fail("deletes", is_json, &err);
    }
    if (is_json) {
        command_print_json(deletes);
    } else {
        print_deletes(deletes);
    }
    exit_code = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(deletes, "paused")) ? COMMAND_WARNING
                                                                                  : COMMAND_OK;
    cJSON_Delete(deletes);
    return exit_code;
}
