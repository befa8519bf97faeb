#include "commands/doors.h"

#include <stdio.h>
#include <stdlib.h>

#include "doors_path.h"
#include "opener.h"

/* A path of this machine from the root on, in two spellings: as it was typed, and with its links
 * followed, which needs the file to be there. */
static int add_forms(cJSON *arguments, const char *path, struct error *err)
{
    char *absolute = NULL;
    char *real = NULL;
    int code = opener_absolute(&absolute, path, err);

    if (code == 0) {
        cJSON_AddStringToObject(arguments, "absolute", absolute);
    }
    if (code == 0 && opener_real(&real, path, NULL) == 0) {
        cJSON_AddStringToObject(arguments, "real", real);
    }
    free(absolute);
    free(real);
    return code;
}

cJSON *door_arguments(const char *action, const char *path, struct error *err)
{
    cJSON *arguments = cJSON_CreateObject();
    struct door_path read = {0};
    int code = door_path_read(&read, path, NULL, err);

    /* what only the agent can know (whose server a UNC path names) is for it to say */
    if (code == ERR_NOT_FOUND) {
        error_clear(err);
        code = 0;
    } else if (code == 0 && (read.form == DOOR_FILE || read.form == DOOR_LETTER)) {
        code = add_forms(arguments, read.form == DOOR_FILE ? read.text : path, err);
    }
    door_path_clear(&read);
    if (code < 0) {
        cJSON_Delete(arguments);
        return NULL;
    }
    cJSON_AddStringToObject(arguments, "action", action);
    cJSON_AddStringToObject(arguments, "text", path);
    return arguments;
}

int door_call(cJSON **result, cJSON *arguments, struct error *err)
{
    int code = arguments ? command_call(result, "door", arguments, NULL, NULL, err) : err->code;

    cJSON_Delete(arguments);
    return code;
}

static void print_property(const cJSON *door, const char *name, const char *title)
{
    const char *text = answer_text(door, name);

    if (*text) {
        printf("%-10s ", title);
        command_print_safe(text);
        printf("\n");
    }
}

int command_status_of(const char *path, bool is_json)
{
    struct error err = {0};
    cJSON *door = NULL;

    if (door_call(&door, door_arguments("show", path, &err), &err) < 0) {
        return command_fail("status", is_json, &err);
    }
    if (is_json) {
        command_print_json(door);
    } else {
        print_property(door, "name", "name");
        print_property(door, "kind", "kind");
        print_property(door, "path", "path");
        print_property(door, "state", "state");
        print_property(door, "modified", "modified");
        print_property(door, "webUrl", "browser");
        print_property(door, "documentUrl", "document");
        print_property(door, "id", "id");
        print_property(door, "etag", "etag");
    }
    cJSON_Delete(door);
    return COMMAND_OK;
}
