/*
 * doctor_agent.c - what the running agent says of itself, as checks. Reads the answer to `status`
 * only; agent/README.md has its members.
 */
#include <string.h>

#include "commands/command.h"
#include "doctor.h"

#define START "start it: `mooring agent`, on Windows mooring-agent.exe"

static const cJSON *member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static const char *message_of(const cJSON *object, const char *name)
{
    return answer_text(member(object, name), "message");
}

static void check_account(struct doctor *doctor, const cJSON *account)
{
    const char *state = answer_text(account, "state");
    const char *tenant = answer_text(account, "tenant");
    const char *next = answer_text(account, "next");
    const char *reason = answer_text(account, "reason");

    if (strcmp(state, "waiting") == 0) {
        doctor_add(doctor, "sign-in", DOCTOR_WARNING, "`mooring status` says what to do",
                   "'%s': waits for a person to sign in", tenant);
    } else if (strcmp(state, "signed-in") != 0 && strcmp(state, "unknown") != 0) {
        doctor_add(doctor, "sign-in", DOCTOR_FAILED, *next ? next : "see the hosts below",
                   "'%s' is %s%s%s", tenant, state, *reason ? ": " : "", reason);
    } else if (member(account, "error")) {
        doctor_add(doctor, "sign-in", DOCTOR_WARNING, "`mooring status` says more",
                   "'%s': the last look for libraries failed: %s", tenant,
                   message_of(account, "error"));
    } else if (strcmp(state, "signed-in") == 0) {
        doctor_add(doctor, "sign-in", DOCTOR_OK, NULL, "'%s': %.0f libraries known, %.0f mapped",
                   tenant, answer_number(account, "libraries"), answer_number(account, "mapped"));
    }
}

static void check_mount(struct doctor *doctor, const cJSON *status)
{
    const cJSON *transport = member(status, "transport");
    const char *fallback = answer_text(transport, "fallback");

    if (!cJSON_IsTrue(member(transport, "mounted"))) {
        doctor_add(doctor, "mount", DOCTOR_FAILED, "see the system's checks",
                   "nothing is mounted: %s", message_of(transport, "error"));
    } else if (*fallback) {
        doctor_add(doctor, "mount", DOCTOR_WARNING, "mend that, and start the agent again",
                   "by %s instead of a mount: %s", answer_text(transport, "name"), fallback);
    } else {
        doctor_add(doctor, "mount", DOCTOR_OK, NULL, "by %s at '%s'",
                   answer_text(transport, "name"), answer_text(transport, "root"));
    }
    if (answer_number(status, "failedMappings") > 0) {
        doctor_add(doctor, "mappings", DOCTOR_WARNING, "`mooring plan` shows what was meant",
                   "%.0f could not be shown; the first: %s",
                   answer_number(status, "failedMappings"), message_of(status, "firstFailure"));
    }
}

static void check_files(struct doctor *doctor, const cJSON *files)
{
    int unsaved = cJSON_GetArraySize(member(files, "unsaved"));
    double waiting =
        answer_number(files, "uploadsRunning") + answer_number(files, "uploadsWaiting");

    if (unsaved > 0) {
        doctor_add(doctor, "uploads", DOCTOR_FAILED,
                   "`mooring uploads list` says why; their bytes are kept",
                   "%d files need a person and are not on the server", unsaved);
    } else if (member(files, "error")) {
        doctor_add(doctor, "uploads", DOCTOR_FAILED, "see the log",
                   "the journal cannot be read: %s", message_of(files, "error"));
    } else {
        doctor_add(doctor, "uploads", DOCTOR_OK, NULL, "none is blocked, %.0f on the way", waiting);
    }
    if (cJSON_IsTrue(member(member(files, "deletes"), "paused"))) {
        doctor_add(doctor, "deletes", DOCTOR_WARNING, "if that was you: `mooring deletes allow`",
                   "paused: more than %.0f within a minute",
                   answer_number(member(files, "deletes"), "threshold"));
    }
}

static void check_rest(struct doctor *doctor, const cJSON *status)
{
    const cJSON *entry;

    cJSON_ArrayForEach(entry, member(status, "setupProblems"))
    {
        doctor_add(doctor, "tenant", DOCTOR_FAILED, "mend the setting Tenants", "%s",
                   cJSON_GetStringValue(entry));
    }
    cJSON_ArrayForEach(entry, member(member(status, "policy"), "problems"))
    {
        doctor_add(doctor, "policy", DOCTOR_WARNING, "`mooring status` says more",
                   "not in effect: %s", cJSON_GetStringValue(entry));
    }
    if (member(status, "stateError")) {
        doctor_add(doctor, "memory", DOCTOR_WARNING, "see the disk's checks",
                   "what is found is not remembered for the next start: %s",
                   message_of(status, "stateError"));
    }
}

void doctor_check_agent(struct doctor *doctor, const cJSON *status, const struct error *why)
{
    const char *version = answer_text(status, "version");
    const cJSON *account;

    if (!status) {
        doctor_add(doctor, "agent", DOCTOR_FAILED,
                   why->code == ERR_NOT_FOUND ? NULL : "end that agent, and " START, "%s",
                   why->message); /* not found: it says itself how to start one */
        return;
    }
    if (strcmp(version, MOORING_VERSION) != 0) {
        doctor_add(doctor, "agent", DOCTOR_WARNING,
                   "end the agent (`mooring agent --stop`), " START,
                   "version %s runs, and version %s is installed", version, MOORING_VERSION);
    } else {
        doctor_add(doctor, "agent", DOCTOR_OK, NULL, "version %s runs since %s", version,
                   answer_text(status, "started"));
    }
    cJSON_ArrayForEach(account, member(status, "accounts"))
    {
        check_account(doctor, account);
    }
    check_mount(doctor, status);
    check_files(doctor, member(status, "files"));
    check_rest(doctor, status);
}
