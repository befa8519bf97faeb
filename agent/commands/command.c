#include "commands/command.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "paths.h"

static bool is_allowed(const char *allowed, char letter)
{
    return strchr(allowed, letter) != NULL;
}

bool command_parse(struct command_options *options, int argc, char **argv, const char *allowed,
                   const char *usage, int *exit_code)
{
    static const struct option long_options[] = {{"json", no_argument, NULL, 'j'},
                                                 {"device-code", no_argument, NULL, 'd'},
                                                 {"discard", no_argument, NULL, 'x'},
                                                 {"tenant", required_argument, NULL, 't'},
                                                 {"minutes", required_argument, NULL, 'm'},
                                                 {"help", no_argument, NULL, 'h'},
                                                 {NULL, 0, NULL, 0}};
    int letter;

    memset(options, 0, sizeof(*options));
    *exit_code = COMMAND_FAILED;
    optind = 1;
    while ((letter = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (letter == 'h') {
            printf("%s", usage);
            *exit_code = COMMAND_OK;
            return false;
        }
        if (letter == '?' || !is_allowed(allowed, (char)letter)) {
            fprintf(stderr, "%s", usage);
            return false;
        }
        options->is_json = options->is_json || letter == 'j';
        options->is_device_code = options->is_device_code || letter == 'd';
        options->is_discard = options->is_discard || letter == 'x';
        options->tenant = letter == 't' ? optarg : options->tenant;
        options->minutes = letter == 'm' ? optarg : options->minutes;
    }
    if (optind < argc && is_allowed(allowed, 'o')) {
        options->operand = argv[optind++];
    }
    if (optind < argc || (is_allowed(allowed, 'o') && !options->operand)) {
        fprintf(stderr, "%s", usage);
        return false;
    }
    return true;
}

int command_call(cJSON **result, const char *name, const cJSON *arguments,
                 control_event_fn on_event, void *payload, struct error *err)
{
    struct agent_paths paths;
    int code = agent_paths_init(&paths, err);

    if (code < 0) {
        return code;
    }
    code = control_call(result, paths.socket, name, arguments, on_event, payload, err);
    agent_paths_clear(&paths);
    return code;
}

int command_fail(const char *name, bool is_json, const struct error *err)
{
    cJSON *object;
    cJSON *error;

    if (!is_json) {
        fprintf(stderr, "mooring %s: ", name);
        command_write_safe(stderr, err->message, false);
        fputc('\n', stderr);
        return COMMAND_FAILED;
    }
    object = cJSON_CreateObject();
    error = cJSON_AddObjectToObject(object, "error");
    cJSON_AddStringToObject(error, "code", error_name(err->code));
    cJSON_AddStringToObject(error, "message", err->message);
    command_print_json(object);
    cJSON_Delete(object);
    return COMMAND_FAILED;
}

void command_print_json(const cJSON *json)
{
    char *text = cJSON_Print(json);

    for (const char *at = text; at && *at;) {
        const char *from = at;
        uint32_t c = str_decode(&at);

        if (c >= 0x7F && c <= 0x9F) { /* within a text: elsewhere JSON has ASCII only */
            printf("\\u%04x", (unsigned)c);
        } else {
            fwrite(from, 1, (size_t)(at - from), stdout);
        }
    }
    putchar('\n');
    cJSON_free(text);
}

const char *answer_text(const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));

    return text ? text : "";
}

double answer_number(const cJSON *object, const char *name)
{
    const cJSON *number = cJSON_GetObjectItemCaseSensitive(object, name);

    return cJSON_IsNumber(number) ? number->valuedouble : 0;
}

void command_write_safe(FILE *out, const char *text, bool keeps_newlines)
{
    while (*text) {
        const char *from = text;
        uint32_t c = str_decode(&text);
        bool is_broken = c == 0xFFFD && text - from < 3; /* not the character itself */

        if (c == '\n' && keeps_newlines) {
            fputc('\n', out);
        } else if (c < 0x20 || (c >= 0x7F && c <= 0x9F) || is_broken) {
            fputc('?', out);
        } else {
            fwrite(from, 1, (size_t)(text - from), out);
        }
    }
}

void command_print_safe(const char *text)
{
    command_write_safe(stdout, text, false);
}

void command_print_safe_lines(const char *text)
{
    command_write_safe(stdout, text, true);
}
