#include <stdio.h>
#include <string.h>

#include "commands/command.h"

static const char usage[] = "usage: mooring uploads list [--json]\n"
                            "       mooring uploads wait [--seconds N] [--json]\n"
                            "       mooring uploads retry [ID] [--json]\n"
                            "       mooring uploads export ID [--directory DIR] [--json]\n"
                            "       mooring uploads discard ID [--json]\n"
                            "Closed files that are not on the server yet, and deletes and renames "
                            "that it is not told of yet\n"
                            "(settling). `list` names them and their ids (exit code 1 when\n"
                            "one needs a person); `wait` returns when all that can be sent is sent "
                            "(60 s at most unless told,\n"
                            "exit code 1 when some is left); `retry` tries at once what failed, or "
                            "what ID names, a delete or\n"
                            "rename as well; `export` copies one to RecoveryDirectory;\n"
                            "`discard` gives one up for good, or undoes a delete or rename that "
                            "settles.\n";

struct request {
    bool is_json;
    const char *action;
    const char *id;
    const char *directory;
    int64_t seconds;
};

/* Which verbs there are, and which need an id. */
static bool is_complete(const struct request *request)
{
    const char *action = request->action;

    if (strcmp(action, "export") == 0 || strcmp(action, "discard") == 0) {
        return request->id != NULL;
    }
    if (strcmp(action, "list") == 0 || strcmp(action, "wait") == 0) {
        return !request->id;
    }
    return strcmp(action, "retry") == 0;
}

/* Everything that is shown as a name came from servers or other people. */
static void print_upload(const cJSON *upload)
{
    const char *state = answer_text(upload, "state");
    double bytes = answer_number(upload, "bytes");

    printf("%-26s %-9s ", answer_text(upload, "id"), state);
    if (strcmp(state, "uploading") == 0 && bytes > 0) {
        printf("%3.0f %% of ", 100 * answer_number(upload, "sentBytes") / bytes);
    }
    printf("%.1f MB  ", bytes / 1048576);
    command_print_safe(answer_text(upload, "library"));
    printf("/");
    command_print_safe(answer_text(upload, "path"));
    printf("\n");
    if (*answer_text(upload, "reason")) {
        printf("    ");
        command_print_safe(answer_text(upload, "reason"));
        if (*answer_text(upload, "retryAt")) {
            printf(" (again at %s)", answer_text(upload, "retryAt"));
        }
        printf("\n");
    }
}

static bool is_person_needed(const cJSON *uploads)
{
    const cJSON *upload;

    cJSON_ArrayForEach(upload, uploads)
    {
        const char *state = answer_text(upload, "state");

        if (strcmp(state, "blocked") == 0 || strcmp(state, "conflict") == 0 ||
            strcmp(state, "unsaved") == 0) {
            return true;
        }
    }
    return false;
}

/* What comes of it stands in `list`. */
static void print_tried(double count)
{
    if (count > 0) {
        printf("Trying %.0f now.\n", count);
    } else {
        printf("Nothing that failed waits for another try.\n");
    }
}

static int show(const struct request *request, const cJSON *result)
{
    const cJSON *uploads = cJSON_GetObjectItemCaseSensitive(result, "uploads");
    const cJSON *upload;
    bool is_left = answer_number(result, "left") > 0;

    if (request->is_json) {
        command_print_json(result);
    } else if (uploads) {
        cJSON_ArrayForEach(upload, uploads)
        {
            print_upload(upload);
        }
        if (cJSON_GetArraySize(uploads) == 0) {
            printf("Everything is on the server.\n");
        }
    } else if (strcmp(request->action, "wait") == 0) {
        if (is_left) {
            printf("%.0f files are not on the server yet.\n", answer_number(result, "left"));
        }
    } else if (strcmp(request->action, "export") == 0) {
        printf("Copied to ");
        command_print_safe(answer_text(result, "file"));
        printf("\n");
    } else if (strcmp(request->action, "retry") == 0) {
        print_tried(answer_number(result, "count"));
    } else {
        printf("Discarded.\n");
    }
    return is_left || is_person_needed(uploads) ? COMMAND_WARNING : COMMAND_OK;
}

int command_uploads(int argc, char **argv)
{
    struct request request = {.seconds = -1};
    const struct command_word words[] = {
        {"json", .flag = &request.is_json},
        {"seconds", .number = &request.seconds, .min = 0, .max = 86400},
        {"directory", .text = &request.directory},
        {.text = &request.action, .is_needed = true},
        {.text = &request.id},
        {0}};
    struct error err = {0};
    cJSON *arguments;
    cJSON *result = NULL;
    int exit_code;
    int code;

    if (!command_parse(words, argc, argv, usage, &exit_code)) {
        return exit_code;
    }
    if (!is_complete(&request)) {
        return command_misused(usage);
    }
    arguments = cJSON_CreateObject();
    cJSON_AddStringToObject(arguments, "action", request.action);
    if (request.id) {
        cJSON_AddStringToObject(arguments, "id", request.id);
    }
    if (request.directory) {
        cJSON_AddStringToObject(arguments, "directory", request.directory);
    }
    if (request.seconds >= 0) {
        cJSON_AddNumberToObject(arguments, "seconds", (double)request.seconds);
    }
    code = command_call(&result, "uploads", arguments, NULL, NULL, &err);
    cJSON_Delete(arguments);
    if (code < 0) {
        return command_fail("uploads", request.is_json, &err);
    }
    exit_code = show(&request, result);
    cJSON_Delete(result);
    return exit_code;
}
