#include "commands/command.h"

#include <assert.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "paths.h"

enum { OPTIONS_MAX = 8, HELP = OPTIONS_MAX };

int command_misused(const char *usage)
{
    fprintf(stderr, "%s", usage);
    return COMMAND_FAILED;
}

/* The value, or operand, of `word`. False: it is none. */
static bool take(const struct command_word *word, const char *value)
{
    if (word->flag) {
        *word->flag = true;
    } else if (word->text) {
        *word->text = value;
    } else {
        return str_to_int64(value, word->min, word->max, word->number);
    }
    return true;
}

static bool is_end(const struct command_word *word)
{
    return !word->flag && !word->text && !word->number;
}

/* `of`: the row of each option, by its number there. */
static void list_options(struct option *options, const struct command_word **of,
                         const struct command_word *words)
{
    size_t count = 0;

    for (; !is_end(words); words++) {
        if (words->name) {
            assert(count < OPTIONS_MAX);
            of[count] = words;
            options[count] =
                (struct option){.name = words->name,
                                .has_arg = words->flag ? no_argument : required_argument,
                                .val = (int)count};
            count++;
        }
    }
    options[count] = (struct option){.name = "help", .val = HELP};
    options[count + 1] = (struct option){0};
}

/* From argv[at] on, in their order. */
static bool take_operands(const struct command_word *words, int argc, char **argv, int at)
{
    for (; !is_end(words); words++) {
        if (!words->name && at < argc) {
            if (!take(words, argv[at++])) {
                return false;
            }
        } else if (!words->name && words->is_needed) {
            return false;
        }
    }
    return at == argc;
}

bool command_parse(const struct command_word *words, int argc, char **argv, const char *usage,
                   int *exit_code)
{
    const struct command_word *of[OPTIONS_MAX] = {0};
    struct option options[OPTIONS_MAX + 2];
    int found;

    list_options(options, of, words);
    *exit_code = COMMAND_FAILED;
    optind = 1;
    while ((found = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (found == HELP) {
            printf("%s", usage);
            *exit_code = COMMAND_OK;
            return false;
        }
        if (found == '?' || !take(of[found], optarg)) {
            *exit_code = command_misused(usage);
            return false;
        }
    }
    if (!take_operands(words, argc, argv, optind)) {
        *exit_code = command_misused(usage);
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
