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

static cJSON *make_arguments(const struct command_options *options)
{
    cJSON *arguments = cJSON_CreateObject();

    if (options->tenant) {
        cJSON_AddStringToObject(arguments, "tenant", options->tenant);
    }
    cJSON_AddBoolToObject(arguments, "deviceCode", options->is_device_code);
    cJSON_AddBoolToObject(arguments, "discard", options->is_discard);
    return arguments;
}

static int run(const char *name, int argc, char **argv, const char *allowed, const char *usage,
               const char *done)
{
    struct command_options options;
    struct login_output output = {0};
    struct error err = {0};
    cJSON *arguments;
    cJSON *result = NULL;
    int exit_code;
    int code;

    if (!command_parse(&options, argc, argv, allowed, usage, &exit_code)) {
        return exit_code;
    }
    output.is_json = options.is_json;
    arguments = make_arguments(&options);
    code = command_call(&result, name, arguments, on_event, &output, &err);
    cJSON_Delete(arguments);
    process_free(output.browser); /* goes on without us */
    if (code < 0) {
        return command_fail(name, options.is_json, &err);
    }
    if (options.is_json) {
        command_print_json(result);
    } else {
        printf("%s\n", done);
    }
    cJSON_Delete(result);
    return COMMAND_OK;
}

int command_login(int argc, char **argv)
{
    return run("login", argc, argv, "jdt", login_usage, "Signed in.");
}

int command_logout(int argc, char **argv)
{
    return run("logout", argc, argv, "jxt", logout_usage, "Signed out.");
}
