#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "commands/doors.h"
#include "opener.h"

static const char usage[] =
    "usage: mooring link [--type view|edit] [--copy] [--json] PATH\n"
    "A sharing link to what PATH names, for whom policy LinkScope says. --copy puts it into the\n"
    "clipboard, too.\n";

struct words {
    const char *type;
    const char *path;
    bool is_copy;
    bool is_json;
};

static bool parse(struct words *out, int argc, char **argv, int *exit_code)
{
    static const struct option long_options[] = {{"type", required_argument, NULL, 't'},
                                                 {"copy", no_argument, NULL, 'c'},
                                                 {"json", no_argument, NULL, 'j'},
                                                 {"help", no_argument, NULL, 'h'},
                                                 {NULL, 0, NULL, 0}};
    bool is_good = true;
    int letter;

    *out = (struct words){.type = "view"};
    *exit_code = COMMAND_FAILED;
    optind = 1;
    while ((letter = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (letter == 'h') {
            printf("%s", usage);
            *exit_code = COMMAND_OK;
            return false;
        }
        is_good = is_good && letter != '?';
        out->type = letter == 't' ? optarg : out->type;
        out->is_copy = out->is_copy || letter == 'c';
        out->is_json = out->is_json || letter == 'j';
    }
    is_good = is_good && optind + 1 == argc &&
              (strcmp(out->type, "view") == 0 || strcmp(out->type, "edit") == 0);
    if (!is_good) {
        fprintf(stderr, "%s", usage);
        return false;
    }
    out->path = argv[optind];
    return true;
}

int command_link(int argc, char **argv)
{
    struct words words;
    struct error err = {0};
    struct error copy_err = {0};
    cJSON *arguments;
    cJSON *result = NULL;
    int exit_code;

    if (!parse(&words, argc, argv, &exit_code)) {
        return exit_code;
    }
    arguments = door_arguments("link", words.path, &err);
    if (arguments) {
        cJSON_AddStringToObject(arguments, "type", words.type);
    }
    if (door_call(&result, arguments, &err) < 0) {
        return command_fail("link", words.is_json, &err);
    }
    exit_code = COMMAND_OK;
    if (words.is_copy && opener_copy(answer_text(result, "link"), &copy_err) < 0) {
        exit_code = COMMAND_WARNING; /* the link is made, and shown */
        fprintf(stderr, "mooring link: %s\n", copy_err.message);
    }
    if (words.is_json) {
        cJSON_AddBoolToObject(result, "copied", words.is_copy && exit_code == COMMAND_OK);
        command_print_json(result);
    } else {
        command_print_safe(answer_text(result, "link"));
        printf("\n");
    }
    cJSON_Delete(result);
    return exit_code;
}
