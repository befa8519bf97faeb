#include <stdio.h>
#include <string.h>

#include "commands/command.h"
#include "commands/doors.h"

static const char usage[] =
    "usage: mooring status [--json] [PATH]\n"
    "What the agent of this user shows, and what is wrong; or what is known "
    "of one file.\n";

static void print_field(const char *before, const char *text, const char *after)
{
    if (*text) {
        printf("%s", before);
        command_print_safe(text);
        printf("%s", after);
    }
}

static void print_account(const cJSON *account)
{
    const char *state = answer_text(account, "state");

    printf("account    ");
    command_print_safe(answer_text(account, "tenant"));
    print_field(" (", answer_text(account, "user"), ")");
    printf(": %s, %.0f libraries known, %.0f mapped\n", state, answer_number(account, "libraries"),
           answer_number(account, "mapped"));
    print_field("           ", answer_text(account, "reason"), "\n");
    if (*answer_text(account, "userCode")) {
        print_field("           open ", answer_text(account, "verificationUrl"), "");
        print_field(" and enter the code ", answer_text(account, "userCode"), "\n");
    }
    print_field("           next: ", answer_text(account, "next"), "\n");
    print_field("           warning: ", answer_text(account, "warning"), "\n");
    print_field("           last round: ",
                answer_text(cJSON_GetObjectItemCaseSensitive(account, "error"), "message"), "\n");
}

static void print_transport(const cJSON *transport)
{
    bool is_mounted = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(transport, "mounted"));

    printf("transport  %s at ", answer_text(transport, "name"));
    command_print_safe(answer_text(transport, *answer_text(transport, "url") ? "url" : "root"));
    printf("%s\n", is_mounted ? "" : " is NOT mounted");
    print_field("           the password for it is in ", answer_text(transport, "passwordFile"),
                "\n");
    print_field("           instead of a mount, since ", answer_text(transport, "fallback"), "\n");
    print_field("           note: ", answer_text(transport, "advice"), "\n");
    print_field("           ",
                answer_text(cJSON_GetObjectItemCaseSensitive(transport, "error"), "message"), "\n");
}

static void print_mappings(const cJSON *mappings)
{
    const cJSON *mapping;

    printf("mappings   %d\n", cJSON_GetArraySize(mappings));
    cJSON_ArrayForEach(mapping, mappings)
    {
        printf("  %-2s ", answer_text(mapping, "letter"));
        command_print_safe(answer_text(mapping, "path"));
        print_field("  [", answer_text(mapping, "label"), "]");
        printf("%s\n", cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(mapping, "readOnly"))
                           ? " read-only"
                           : "");
    }
}

static void print_files(const cJSON *files)
{
    const cJSON *unsaved = cJSON_GetObjectItemCaseSensitive(files, "unsaved");
    const cJSON *deletes = cJSON_GetObjectItemCaseSensitive(files, "deletes");
    double copies = answer_number(files, "conflictCopies");
    const cJSON *item;

    printf("files      %.0f open, %.0f uploads running, %.0f waiting, %.1f MB cached, %.0f items "
           "known\n",
           answer_number(files, "openFiles"), answer_number(files, "uploadsRunning"),
           answer_number(files, "uploadsWaiting"), answer_number(files, "cacheBytes") / 1048576,
           answer_number(files, "knownItems"));
    if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(deletes, "paused"))) {
        printf("DELETES    are paused since %s: more than %.0f within a minute, %.0f refused\n"
               "           if that was you: mooring deletes allow\n",
               answer_text(deletes, "since"), answer_number(deletes, "threshold"),
               answer_number(deletes, "refused"));
    }
    if (copies > 0) {
        printf("conflicts  %.0f %s made since the start, as 'Name (conflict User date time)'\n"
               "           compare each with the file beside it, then delete it\n",
               copies, copies > 1 ? "copies were" : "copy was");
    }
    if (cJSON_GetArraySize(unsaved) > 0) {
        printf("NOT SAVED  %d files are not on the server; their bytes are kept:\n",
               cJSON_GetArraySize(unsaved));
    }
    cJSON_ArrayForEach(item, unsaved)
    {
        printf("  ");
        command_print_safe(answer_text(item, "library"));
        print_field("/", answer_text(item, "path"), "");
        print_field(": ", answer_text(item, "reason"), "");
        print_field("\n    bytes in ", answer_text(item, "spoolFile"), "\n");
    }
}

static void print_policy(const cJSON *policy)
{
    const cJSON *entry;

    print_field("policy     read at ", answer_text(policy, "loaded"), "\n");
    if (answer_number(policy, "errors") > 0) {
        printf("POLICY     a source cannot be used; its last good values count, if there were any: "
               "mooring policy show\n");
    }
    if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(policy, "overrideEnded"))) {
        printf("policy     --policy does not count any more: this machine has a policy now\n");
    }
    cJSON_ArrayForEach(entry, cJSON_GetObjectItemCaseSensitive(policy, "problems"))
    {
        print_field("PROBLEM    ", cJSON_GetStringValue(entry), "\n");
    }
    cJSON_ArrayForEach(entry, cJSON_GetObjectItemCaseSensitive(policy, "nextStart"))
    {
        print_field("policy     ", cJSON_GetStringValue(entry),
                    " takes effect at the next start\n");
    }
}

static void print_status(const cJSON *status)
{
    const cJSON *traffic = cJSON_GetObjectItemCaseSensitive(status, "traffic");
    const cJSON *entry;

    printf("mooring    %s, since %s%s\n", answer_text(status, "version"),
           answer_text(status, "started"),
           cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(status, "stopping"))
               ? ", ending: it waits for uploads"
               : "");
    print_transport(cJSON_GetObjectItemCaseSensitive(status, "transport"));
    cJSON_ArrayForEach(entry, cJSON_GetObjectItemCaseSensitive(status, "accounts"))
    {
        print_account(entry);
    }
    print_mappings(cJSON_GetObjectItemCaseSensitive(status, "mappings"));
    print_files(cJSON_GetObjectItemCaseSensitive(status, "files"));
    printf("traffic    %.0f requests (%.0f RU), %.0f retries, %.0f times throttled\n",
           answer_number(traffic, "requests"), answer_number(traffic, "resourceUnits"),
           answer_number(traffic, "retries"), answer_number(traffic, "throttled"));
    cJSON_ArrayForEach(entry, cJSON_GetObjectItemCaseSensitive(status, "setupProblems"))
    {
        print_field("PROBLEM    ", cJSON_GetStringValue(entry), "\n");
    }
    cJSON_ArrayForEach(entry, cJSON_GetObjectItemCaseSensitive(status, "notes"))
    {
        print_field("note       ", cJSON_GetStringValue(entry), "\n");
    }
    if (answer_number(status, "failedMappings") > 0) {
        printf("FAILED     %.0f mappings; the first: ", answer_number(status, "failedMappings"));
        command_print_safe(
            answer_text(cJSON_GetObjectItemCaseSensitive(status, "firstFailure"), "message"));
        printf("\n");
    }
    print_field("FAILED     not remembered for the next start: ",
                answer_text(cJSON_GetObjectItemCaseSensitive(status, "stateError"), "message"),
                "\n");
    print_policy(cJSON_GetObjectItemCaseSensitive(status, "policy"));
    if (answer_number(status, "policyWarnings") > 0) {
        printf("policy     %.0f warnings: mooring policy show\n",
               answer_number(status, "policyWarnings"));
    }
}

/* For who reads only the exit code. */
static bool is_status_fine(const cJSON *status)
{
    const cJSON *account;

    if (!cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(
            cJSON_GetObjectItemCaseSensitive(status, "transport"), "mounted")) ||
        answer_number(status, "failedMappings") > 0 ||
        answer_number(status, "policyWarnings") > 0 ||
        cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(
            cJSON_GetObjectItemCaseSensitive(status, "policy"), "problems")) > 0 ||
        cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(status, "setupProblems")) > 0 ||
        cJSON_GetObjectItemCaseSensitive(status, "stateError") ||
        cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(
            cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(status, "files"),
                                             "deletes"),
            "paused")) ||
        cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(
            cJSON_GetObjectItemCaseSensitive(status, "files"), "unsaved")) > 0) {
        return false;
    }
    cJSON_ArrayForEach(account, cJSON_GetObjectItemCaseSensitive(status, "accounts"))
    {
        if (strcmp(answer_text(account, "state"), "signed-in") != 0 ||
            cJSON_GetObjectItemCaseSensitive(account, "error") ||
            *answer_text(account, "warning")) {
            return false;
        }
    }
    return true;
}

int command_status(int argc, char **argv)
{
    bool is_json = false;
    const char *path = NULL;
    const struct command_word words[] = {{"json", .flag = &is_json}, {.text = &path}, {0}};
    struct error err = {0};
    cJSON *status = NULL;
    int exit_code;
    bool is_fine;

    if (!command_parse(words, argc, argv, usage, &exit_code)) {
        return exit_code;
    }
    if (path) {
        return command_status_of(path, is_json);
    }
    if (command_call(&status, "status", NULL, NULL, NULL, &err) < 0) {
        return command_fail("status", is_json, &err);
    }
    is_fine = is_status_fine(status);
    if (is_json) {
        command_print_json(status);
    } else {
        print_status(status);
    }
    cJSON_Delete(status);
    return is_fine ? COMMAND_OK : COMMAND_WARNING;
}
