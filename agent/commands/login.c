#include <stdio.h>
#include <string.h>

#include "base/process.h"
#include "commands/command.h"
#include "prompt.h"

static const char login_usage[] = "usage: mooring login [--tenant T] [--device-code] [--json]\n"
                                  "Signs in again: by the browser, or by a code that is entered on "
                                  "any device. The agent must be running.\n";

static const char logout_usage[] =
    "usage: mooring logout [--tenant T] [--discard] [--json]\n"
    "Forgets the sign-in and empties the cache. Refuses while files are not on the server yet; "
    "with --discard it\n"
    "signs out all the same, and gives those files up for good.\n";

struct login_output {
    bool is_json;
    struct process *browser;
};

static void on_event(void *payload, const cJSON *event)
{
    struct login_output *output = payload;

    if (output->is_json) {
        command_print_json(event);
    } else if (strcmp(answer_text(event, "type"), "device_code") == 0) {
        printf("Open ");
        command_print_safe(answer_text(event, "url"));
        printf(" and enter the code ");
        command_print_safe(answer_text(event, "code"));
        printf("\n");
    } else {
        printf("Sign in with the browser; if none appears, open\n");
        command_print_safe(answer_text(event, "url"));
        printf("\n");
        fflush(stdout);
        prompt_open_browser(&output->browser, answer_text(event, "url"));
    }
    fflush(stdout);
}

struct request {
    const char *name; /* of the command */
    const char *done; /* what is said at the end */
    const char *tenant;
    bool is_device_code;
    bool is_discard;
    bool is_json;
};

static cJSON *make_arguments(const struct request *request)
{
    cJSON *arguments = cJSON_CreateObject();

    if (request->tenant) {
        cJSON_AddStringToObject(arguments, "tenant", request->tenant);
    }
    cJSON_AddBoolToObject(arguments, "deviceCode", request->is_device_code);
    cJSON_AddBoolToObject(arguments, "discard", request->is_discard);
    return arguments;
}

static int run(const struct request *request)
{
    struct login_output output = {.is_json = request->is_json};
    cJSON *arguments = make_arguments(request);
    struct error err = {0};
    cJSON *result = NULL;
    int code = command_call(&result, request->name, arguments, on_event, &output, &err);

    cJSON_Delete(arguments);
    process_free(output.browser); /* goes on without us */
    if (code < 0) {
        return command_fail(request->name, request->is_json, &err);
    }
    if (request->is_json) {
        command_print_json(result);
    } else {
        printf("%s\n", request->done);
    }
    cJSON_Delete(result);
    return COMMAND_OK;
}

int command_login(int argc, char **argv)
{
    struct request request = {.name = "login", .done = "Signed in."};
    const struct command_word words[] = {{"json", .flag = &request.is_json},
                                         {"device-code", .flag = &request.is_device_code},
                                         {"tenant", .text = &request.tenant},
                                         {0}};
    int exit_code;

    return command_parse(words, argc, argv, login_usage, &exit_code) ? run(&request) : exit_code;
}

int command_logout(int argc, char **argv)
{
    struct request request = {.name = "logout", .done = "Signed out."};
    const struct command_word words[] = {{"json", .flag = &request.is_json},
                                         {"discard", .flag = &request.is_discard},
                                         {"tenant", .text = &request.tenant},
                                         {0}};
    int exit_code;

    return command_parse(words, argc, argv, logout_usage, &exit_code) ? run(&request) : exit_code;
}
