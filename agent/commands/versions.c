#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands/doors.h"
#include "opener.h"

static const char usage[] = "usage: mooring versions [--json] PATH [--restore N | --save N FILE]\n"
                            "The versions of a file, newest first. --restore makes an old one the "
                            "newest; --save writes it\n"
                            "to FILE, which must not be there yet.\n";

struct request {
    const char *path;
    const char *restore;
    const char *save;
    const char *file;
    bool is_json;
};

static cJSON *make_arguments(const struct request *request, struct error *err)
{
    cJSON *arguments = door_arguments("versions", request->path, err);
    char *file = NULL;

    if (arguments && request->restore) {
        cJSON_AddStringToObject(arguments, "restore", request->restore);
    }
    if (arguments && request->save) {
        if (opener_absolute(&file, request->file, err) < 0) {
            cJSON_Delete(arguments);
            return NULL;
        }
        cJSON_AddStringToObject(arguments, "save", request->save);
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
    struct request request = {0};
    const struct command_word words[] = {{"restore", .text = &request.restore},
                                         {"save", .text = &request.save},
                                         {"json", .flag = &request.is_json},
                                         {.text = &request.path, .is_needed = true},
                                         {.text = &request.file},
                                         {0}};
    struct error err = {0};
    cJSON *result = NULL;
    int exit_code;

    if (!command_parse(words, argc, argv, usage, &exit_code)) {
        return exit_code;
    }
    if ((request.restore && request.save) || (request.save != NULL) != (request.file != NULL)) {
        return command_misused(usage);
    }
    if (door_call(&result, make_arguments(&request, &err), &err) < 0) {
        return command_fail("versions", request.is_json, &err);
    }
    if (request.is_json) {
        command_print_json(result);
    } else if (request.restore) {
        printf("Version %s is the newest again.\n", answer_text(result, "restored"));
    } else if (request.save) {
        printf("Saved as ");
        command_print_safe(answer_text(result, "file"));
        printf("\n");
    } else {
        print_versions(result);
    }
    cJSON_Delete(result);
    return COMMAND_OK;
}
