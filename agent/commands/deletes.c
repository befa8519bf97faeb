#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands/command.h"

static const char usage[] =
    "usage: mooring deletes [allow [--minutes N]] [--json]\n"
    "Whether deleting is paused, because more was deleted within a minute than policy\n"
    "(MassDeleteThreshold) lets pass. allow: any number may be deleted for so long (10 minutes).\n";

static bool read_minutes(long *out, const char *text)
{
    char *end = NULL;

    errno = 0;
    *out = strtol(text, &end, 10);
    return errno == 0 && *text && *end == '\0' && *out >= 1 && *out <= 1440;
}

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
    struct command_options options;
    struct error err = {0};
    cJSON *arguments = NULL;
    cJSON *deletes = NULL;
    bool allows = argc > 1 && strcmp(argv[1], "allow") == 0;
    long minutes = 0;
    int exit_code;
    int code;

    if (!command_parse(&options, argc - allows, argv + allows, allows ? "jm" : "j", usage,
                       &exit_code)) {
        return exit_code;
    }
    if (options.minutes && !read_minutes(&minutes, options.minutes)) {
        fprintf(stderr, "%s", usage);
        return COMMAND_FAILED;
    }
    arguments = cJSON_CreateObject();
    if (minutes > 0) {
        cJSON_AddNumberToObject(arguments, "minutes", (double)minutes);
    }
    code =
        command_call(&deletes, allows ? "allow-deletes" : "deletes", arguments, NULL, NULL, &err);
    cJSON_Delete(arguments);
    if (code < 0) {
        return command_fail("deletes", options.is_json, &err);
    }
    if (options.is_json) {
        command_print_json(deletes);
    } else {
        print_deletes(deletes);
    }
    exit_code = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(deletes, "paused")) ? COMMAND_WARNING
                                                                                  : COMMAND_OK;
    cJSON_Delete(deletes);
    return exit_code;
}
