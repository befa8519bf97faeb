#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands/doors.h"
#include "opener.h"

static const char usage[] = "usage: mooring versions [--json] PATH [--restore N | --save N FILE]\n"
                            "The versions of a file, newest first. --restore makes an old one the "
                            "newest; --save writes it\n"
                            "to FILE, which must not be there yet.\n";

struct words {
    const char *path;
    const char *restore;
    const char *save;
    const char *file;
    bool is_json;
};

static bool parse(struct words *out, int argc, char **argv, int *exit_code)
{
    static const struct option long_options[] = {{"restore", required_argument, NULL, 'r'},
                                                 {"save", required_argument, NULL, 's'},
                                                 {"json", no_argument, NULL, 'j'},
                                                 {"help", no_argument, NULL, 'h'},
                                                 {NULL, 0, NULL, 0}};
    bool is_good = true;
    int letter;

    *out = (struct words){0};
    *exit_code = COMMAND_FAILED;
    optind = 1;
    while ((letter = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (letter == 'h') {
            printf("%s", usage);
            *exit_code = COMMAND_OK;
            return false;
        }
        is_good = is_good && letter != '?';
        out->restore = letter == 'r' ? optarg : out->restore;
        out->save = letter == 's' ? optarg : out->save;
        out->is_json = out->is_json || letter == 'j';
    }
    is_good = is_good && !(out->restore && out->save) && argc - optind == (out->save ? 2 : 1);
    if (!is_good) {
        fprintf(stderr, "%s", usage);
        return false;
    }
    /* options are moved to the front, so the operands keep their order: PATH, then FILE */
    out->path = argv[optind];
    out->file = out->save ? argv[optind + 1] : NULL;
    return true;
}

static cJSON *make_arguments(const struct words *words, struct error *err)
{
    cJSON *arguments = door_arguments("versions", words->path, err);
    char *file = NULL;

    if (arguments && words->restore) {
        cJSON_AddStringToObject(arguments, "restore", words->restore);
    }
    if (arguments && words->save) {
        if (opener_absolute(&file, words->file, err) < 0) {
            cJSON_Delete(arguments);
            return NULL;
        }
        cJSON_AddStringToObject(arguments, "save", words->save);
        cJSON_AddStringToObject(arguments, "file", file);
    }
    free(file);
    return arguments;
}

static void print_versions(const cJSON *result)
{
    const cJSON *version;

    cJSON_ArrayForEach(version, cJSON_GetObjectItemCaseSensitive(result, "versions"))
    {
        printf("%-8s %-21s %12.0f  ", answer_text(version, "version"),
               answer_text(version, "modified"), answer_number(version, "bytes"));
        command_print_safe(answer_text(version, "by"));
        printf("%s\n", cJSON_HasObjectItem(version, "current") ? " (current)" : "");
    }
    if (cJSON_HasObjectItem(result, "more")) {
        printf("There are more; the browser shows them: mooring view\n");
    }
}

int command_versions(int argc, char **argv)
{
    struct words words;
    struct error err = {0};
    cJSON *result = NULL;
    int exit_code;

    if (!parse(&words, argc, argv, &exit_code)) {
        return exit_code;
    }
    if (door_call(&result, make_arguments(&words, &err), &err) < 0) {
        return command_fail("versions", words.is_json, &err);
    }
    if (words.is_json) {
        command_print_json(result);
    } else if (words.restore) {
        printf("Version %s is the newest again.\n", answer_text(result, "restored"));
    } else if (words.save) {
        printf("Saved as ");
        command_print_safe(answer_text(result, "file"));
        printf("\n");
    } else {
        print_versions(result);
    }
    cJSON_Delete(result);
    return COMMAND_OK;
}
