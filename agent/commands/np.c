#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "commands/command.h"
#include "np_registration.h"

static const char usage[] =
    "usage: mooring np register [--folder FOLDER]\n"
    "       mooring np unregister\n"
    "       mooring np check [--json]\n"
    "The network provider answers `net use`, Explorer's Disconnect and programs that ask what is\n"
    "behind a letter. `register` makes Windows load mooringnp.dll (already in System32) and keeps\n"
    "the other providers and their order; programs started later, and Explorer after the next\n"
    "logon, use it. The DLL trusts agents in FOLDER (default: where this program is).\n"
    "`check` says what is wrong (exit code 1). The first two need an administrator.\n";

static void complain(cJSON *list, const char *text)
{
    cJSON_AddItemToArray(list, cJSON_CreateString(text));
}

static cJSON *describe(const struct np_state *state)
{
    cJSON *json = cJSON_CreateObject();
    cJSON *wrong = cJSON_AddArrayToObject(json, "problems");

    cJSON_AddNumberToObject(json, "position", state->position);
    cJSON_AddNumberToObject(json, "providers", state->count);
    cJSON_AddStringToObject(json, "order", state->order);
    cJSON_AddStringToObject(json, "dll", state->dll ? state->dll : "");
    cJSON_AddStringToObject(json, "folder", state->folder ? state->folder : "");
    if (state->position == 0) {
        complain(wrong, "Windows does not ask it: run `mooring np register` as an administrator");
    }
    if (!state->dll || !state->folder) {
        complain(wrong, "its registry key is not whole: run `mooring np register`");
    } else if (!state->has_dll) {
        complain(wrong, "the DLL is missing: repair the installation");
    }
    if (state->position > 0 && !state->is_first_of_winfsp) {
        complain(wrong, "WinFsp's provider is asked first, so that Disconnect may fail: run "
                        "`mooring np unregister`, then `mooring np register`");
    }
    return json;
}

static int check(bool is_json)
{
    struct np_state state;
    struct error err = {0};
    const cJSON *item;
    cJSON *json;
    int count;

    if (np_inspect(&state, &err) < 0) {
        return command_fail("np", is_json, &err);
    }
    json = describe(&state);
    count = cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(json, "problems"));
    if (is_json) {
        command_print_json(json);
    } else {
        printf("network provider: %s\n", count == 0 ? "registered" : "not in order");
        if (state.position > 0) {
            printf("  asked as number %u of %u: ", state.position, state.count);
            command_print_safe(state.order);
            printf("\n");
        }
        cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(json, "problems"))
        {
            printf("  %s\n", item->valuestring);
        }
    }
    cJSON_Delete(json);
    np_state_clear(&state);
    return count == 0 ? COMMAND_OK : COMMAND_WARNING;
}

int command_np(int argc, char **argv)
{
    const char *verb = NULL;
    const char *folder = NULL;
    bool is_json = false;
    const struct command_word words[] = {{"json", .flag = &is_json},
                                         {"folder", .text = &folder},
                                         {.text = &verb, .is_needed = true},
                                         {0}};
    struct error err = {0};
    int exit_code;
    int code;

    if (!command_parse(words, argc, argv, usage, &exit_code)) {
        return exit_code;
    }
    if (strcmp(verb, "check") == 0 && !folder) {
        return check(is_json);
    }
    if (strcmp(verb, "register") == 0 && !is_json) {
        code = np_register(folder, &err);
    } else if (strcmp(verb, "unregister") == 0 && !folder && !is_json) {
        code = np_unregister(&err);
    } else {
        return command_misused(usage);
    }
    return code < 0 ? command_fail("np", false, &err) : COMMAND_OK;
}
