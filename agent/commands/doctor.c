#include "doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "commands/command.h"
#include "paths.h"
#include "policy/load.h"

#define FREE_WARN_BYTES ((uint64_t)1 << 30)
#define FREE_FAIL_BYTES ((uint64_t)100 << 20)

static const char usage[] =
    "usage: mooring doctor [--offline] [--policy FILE] [--json]\n"
    "Looks at every condition for the agent's work, and says what to do about what is wrong.\n"
    "  --offline      ask no host of the service\n"
    "  --policy FILE  as `mooring agent --policy`; default: as the running agent has it\n"
    "Exit code 0: all is fine; 1: something is not.\n";

static const char *const level_names[DOCTOR_LEVELS] = {"ok", "warning", "failed"};

void doctor_add(struct doctor *doctor, const char *name, enum doctor_level level,
                const char *advice, const char *fmt, ...)
{
    cJSON *check = cJSON_CreateObject();
    char text[600];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    cJSON_AddStringToObject(check, "name", name);
    cJSON_AddStringToObject(check, "level", level_names[level]);
    cJSON_AddStringToObject(check, "text", text);
    if (advice && level != DOCTOR_OK) {
        cJSON_AddStringToObject(check, "advice", advice);
    }
    cJSON_AddItemToArray(doctor->checks, check);
    doctor->counts[level]++;
}

/* --- policy --- */

static void check_sources(struct doctor *doctor, const struct policy *policy)
{
    unsigned read = 0;

    for (size_t i = 0; i < policy_file_count(policy); i++) {
        const struct policy_file *file = policy_file_at(policy, i);

        if (file->state == POLICY_FILE_READ) {
            read++;
            doctor_add(doctor, "policy", DOCTOR_OK, NULL, "%s: '%s'",
                       policy_layer_name(file->layer), file->path);
        } else if (file->state != POLICY_FILE_ABSENT || file->layer == POLICY_LAYER_OVERRIDE) {
            doctor_add(doctor, "policy", DOCTOR_FAILED, "`mooring policy show` says what is wrong",
                       "%s: '%s' cannot be used", policy_layer_name(file->layer), file->path);
        }
    }
    if (read == 0) {
        doctor_add(doctor, "policy", DOCTOR_OK, NULL, "no source says anything: defaults");
    }
    if (policy_warning_count(policy) > policy_error_count(policy)) {
        doctor_add(doctor, "policy", DOCTOR_WARNING, "`mooring policy show` names them",
                   "%zu values are not used, or not as they were written",
                   policy_warning_count(policy) - policy_error_count(policy));
    }
}

static void check_settings(struct doctor *doctor, const struct settings *settings)
{
    if (!settings->enabled) {
        doctor_add(doctor, "policy", DOCTOR_WARNING, "set Enabled, if it shall run here",
                   "Enabled is off for this machine or user: the agent ends at once");
    }
    if ((!settings->client_id || !*settings->client_id) && settings->tenants.count == 0) {
        doctor_add(doctor, "application", DOCTOR_FAILED,
                   "register an application in Entra and set ClientId to its id",
                   "no ClientId is set, so nobody can sign in");
    }
}

/* The file of the running agent's --policy. "": it has none, or none runs. Lent. */
static const char *policy_of_agent(const cJSON *status)
{
    return answer_text(cJSON_GetObjectItemCaseSensitive(status, "policy"), "override");
}

int doctor_read_policy(struct policy **out, const char *file, const cJSON *status,
                       struct error *err)
{
    const char *of_agent = policy_of_agent(status);
    struct policy_sources sources = {0};
    int code = policy_default_sources(&sources, err);

    if (code == 0 && file) {
        code = policy_sources_override(&sources, file, err);
    } else if (code == 0 && *of_agent) {
        code = policy_sources_override(&sources, of_agent, err);
        if (code == ERR_DENIED) { /* a machine policy came: it ends the agent's own, too */
            error_clear(err);
            code = 0;
        }
    }
    if (code == 0) {
        code = policy_load(out, &sources, err);
    }
    policy_sources_clear(&sources);
    return code;
}

/* --- folders --- */

/* *out = `path` or the nearest folder above it that exists. The caller frees. */
static int find_existing(char **out, const char *path, struct error *err)
{
    int code = str_copy(out, path, err);

    while (code == 0 && !file_exists(*out)) {
        size_t length = strlen(*out);

        while (length > 0 && (*out)[length - 1] != '/' && (*out)[length - 1] != '\\') {
            length--;
        }
        if (length <= 1) {
            return str_copy(out, *path == '/' ? "/" : ".", err);
        }
        (*out)[length - 1] = '\0';
    }
    return code;
}

static void check_space(struct doctor *doctor, const char *name, const char *path)
{
    struct error err = {0};
    char *place = NULL;
    uint64_t bytes = 0;
    enum doctor_level level = DOCTOR_OK;

    if (find_existing(&place, path, &err) < 0 || file_free_bytes(place, &bytes, &err) < 0) {
        doctor_add(doctor, name, DOCTOR_FAILED, "see who may enter it", "%s", err.message);
    } else {
        level = bytes < FREE_FAIL_BYTES   ? DOCTOR_FAILED
                : bytes < FREE_WARN_BYTES ? DOCTOR_WARNING
                                          : DOCTOR_OK;
        doctor_add(doctor, name, level, "make room: what is saved waits there for the server",
                   "%.1f GB free at '%s'", (double)bytes / (1 << 30), path);
    }
    free(place);
}

/* Whether a file can be made and removed there. */
static void check_writing(struct doctor *doctor, const char *name, const char *folder)
{
    struct error err = {0};
    char *path = NULL;
    int code = str_format(&path, &err, "%s/doctor-test", folder);

    if (code == 0) {
        code = file_write_atomic(path, "", 0, &err);
    }
    if (code == 0) {
        code = file_remove(path, &err);
    }
    if (code < 0) {
        doctor_add(doctor, name, DOCTOR_FAILED, "see who may write there, and the free space", "%s",
                   err.message);
    } else {
        doctor_add(doctor, name, DOCTOR_OK, NULL, "'%s' can be written, by this user alone",
                   folder);
    }
    free(path);
}

static void check_folders(struct doctor *doctor, const struct settings *settings)
{
    struct agent_paths paths;
    struct error err = {0};

    if (agent_paths_init(&paths, &err) < 0) {
        doctor_add(doctor, "state", DOCTOR_FAILED, "make the folder the user's own", "%s",
                   err.message);
    } else {
        check_writing(doctor, "state", paths.state);
        check_writing(doctor, "tokens", paths.tokens);
        agent_paths_clear(&paths);
    }
    check_space(doctor, "journal", settings->journal_directory);
    check_space(doctor, "cache", settings->cache_directory);
}

/* --- all of them --- */

/* `status` NULL: no agent runs, and `why`. */
static void examine(struct doctor *doctor, const struct policy *policy,
                    const struct doctor_options *options, const cJSON *status,
                    const struct error *why)
{
    const struct settings *settings = policy_settings(policy);

    if (!options->policy_file && *policy_of_agent(status)) {
        doctor_add(doctor, "policy", DOCTOR_OK, NULL,
                   "the running agent was started with --policy; this is about what it goes by");
    }
    check_sources(doctor, policy);
    check_settings(doctor, settings);
    check_folders(doctor, settings);
    doctor_check_system(doctor, settings);
    if (!options->is_offline) {
        doctor_check_network(doctor, settings);
    }
    doctor_check_agent(doctor, status, why);
}

int doctor_examine(cJSON **out, const struct doctor_options *options, struct error *err)
{
    struct doctor doctor = {.checks = cJSON_CreateArray()};
    struct policy *policy = NULL;
    struct error why = {0};
    cJSON *status = NULL;
    cJSON *result = NULL;
    int code;

    (void)command_call(&status, "status", NULL, NULL, NULL, &why);
    code = doctor_read_policy(&policy, options->policy_file, status, err);
    if (code == 0) {
        examine(&doctor, policy, options, status, &why);
        result = cJSON_CreateObject();
    }
    if (code == 0 && (!result || !doctor.checks)) {
        code = error_set(err, ERR_NO_MEMORY, "no memory for the checks");
    }
    policy_free(policy);
    cJSON_Delete(status);
    if (code < 0) {
        cJSON_Delete(doctor.checks);
        cJSON_Delete(result);
        return code;
    }
    cJSON_AddStringToObject(result, "version", MOORING_VERSION);
    cJSON_AddNumberToObject(result, "warnings", doctor.counts[DOCTOR_WARNING]);
    cJSON_AddNumberToObject(result, "failed", doctor.counts[DOCTOR_FAILED]);
    cJSON_AddItemToObject(result, "checks", doctor.checks);
    *out = result;
    return 0;
}

/* --- the command --- */

static void print_check(const cJSON *check)
{
    const char *level = answer_text(check, "level");

    printf("%-8s %-12s ",
           strcmp(level, level_names[DOCTOR_OK]) == 0        ? "ok"
           : strcmp(level, level_names[DOCTOR_WARNING]) == 0 ? "WARNING"
                                                             : "FAILED",
           answer_text(check, "name"));
    command_print_safe(answer_text(check, "text"));
    if (*answer_text(check, "advice")) {
        printf("; ");
        command_print_safe(answer_text(check, "advice"));
    }
    printf("\n");
}

int command_doctor(int argc, char **argv)
{
    struct doctor_options options = {0};
    bool is_json = false;
    const struct command_word words[] = {{"json", .flag = &is_json},
                                         {"offline", .flag = &options.is_offline},
                                         {"policy", .text = &options.policy_file},
                                         {0}};
    struct error err = {0};
    const cJSON *check;
    cJSON *result = NULL;
    bool is_fine;
    int exit_code;

    if (!command_parse(words, argc, argv, usage, &exit_code)) {
        return exit_code;
    }
    if (doctor_examine(&result, &options, &err) < 0) {
        return command_fail("doctor", is_json, &err);
    }
    is_fine = answer_number(result, "warnings") + answer_number(result, "failed") == 0;
    if (is_json) {
        command_print_json(result);
    } else {
        cJSON_ArrayForEach(check, cJSON_GetObjectItemCaseSensitive(result, "checks"))
        {
            print_check(check);
        }
        printf("%s\n", is_fine ? "Everything is in order."
                               : "`mooring report` makes a bundle for support.");
    }
    cJSON_Delete(result);
    return is_fine ? COMMAND_OK : COMMAND_WARNING;
}
