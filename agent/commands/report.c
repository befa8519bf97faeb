/*
 * report.c - `mooring report`: what support needs to know, without what is nobody's business.
 *
 * The bundle is made here and sent by nobody but its user, who can look at it before: plain files in
 * a ZIP. redact.h says what is left out. With or without a running agent.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "commands/command.h"
#include "commands/policy.h"
#include "doctor.h"
#include "mapper/probe.h"
#include "policy/load.h"
#include "redact.h"
#include "zip.h"

#define BUNDLE_MAX ((size_t)256 << 20)
#define LOG_MAX ((size_t)104 << 20) /* LogSizeKB is at most 100 MB */
#define JSON_MAX ((size_t)32 << 20)
#define LOG_FILES_MAX 20

static const char usage[] =
    "usage: mooring report [--output FILE] [--offline] [--policy FILE] [--json]\n"
    "Writes a bundle for support (ZIP): versions, doctor, status, plan, policy, logs. Names of "
    "files,\n"
    "sites and people, addresses and secrets are left out; each name is a number instead.\n"
    "  --output FILE  default: mooring-report-TIME.zip in this folder; a file that is there stays\n"
    "  --offline      ask no host of the service\n"
    "  --policy FILE  as `mooring agent --policy`; default: as the running agent has it\n";

static const char readme[] =
    "A support bundle of Mooring.\r\n"
    "\r\n"
    "  about.json    versions of the program, its libraries and the system\r\n"
    "  doctor.json   what `mooring doctor` found\r\n"
    "  status.json   what the agent said of itself, if one ran\r\n"
    "  plan.json     which libraries it maps, if one ran\r\n"
    "  policy.json   the settings, and where they come from\r\n"
    "  logs/         the agent's log\r\n"
    "\r\n"
    "Names of files, folders, sites, tenants and people, addresses of SharePoint, texts that an\r\n"
    "administrator wrote into the policy, and whatever looks like a secret are left out. In "
    "their\r\n"
    "place stands a number, <7>, the same for the same name within this bundle. Please look "
    "through\r\n"
    "it before you send it.\r\n";

struct report_arguments {
    struct doctor_options doctor;
    const char *output;
    bool is_json;
};

struct bundle {
    struct zip zip;
    struct redactor *redactor;
    cJSON *status; /* NULL: no agent runs */
    cJSON *plan;
    struct policy *policy;
};

/* --- what is told to the redactor first --- */

/* Who is at this machine: their name stands in paths that no quotes are around. */
static int learn_user(struct redactor *redactor, struct error *err)
{
    static const char *const names[] = {"HOME",     "USER",       "LOGNAME",     "USERPROFILE",
                                        "USERNAME", "USERDOMAIN", "COMPUTERNAME"};
    int code = 0;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && code == 0; i++) {
        const char *value = getenv(names[i]);

        code = value && *value ? redactor_learn(redactor, value, err) : 0;
    }
    return code;
}

/* What an administrator wrote: names of tenants and sites. */
static int learn_policy(struct redactor *redactor, const struct policy *policy, struct error *err)
{
    static const char *const names[] = {"Tenants", "AllowedTenants"};
    int code = 0;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const struct policy_result *result = policy_result_find(policy, names[i]);

        for (size_t k = 0; k < result->entries.count && code == 0; k++) {
            char *tenant = NULL;

            code = str_copy_n(&tenant, result->entries.items[k],
                              strcspn(result->entries.items[k], "|"), err);
            if (code == 0) {
                code = redactor_learn(redactor, tenant, err);
            }
            free(tenant);
        }
    }
    return code;
}

/* Names of files that wait or were lost; status has only some of them. */
static int learn_uploads(struct redactor *redactor, struct error *err)
{
    cJSON *arguments = cJSON_CreateObject();
    cJSON *uploads = NULL;
    int code = 0;

    cJSON_AddStringToObject(arguments, "action", "list");
    if (command_call(&uploads, "uploads", arguments, NULL, NULL, NULL) == 0) {
        code = redactor_learn_json(redactor, uploads, err);
    }
    cJSON_Delete(uploads);
    cJSON_Delete(arguments);
    return code;
}

static int learn(struct bundle *bundle, struct error *err)
{
    int code = learn_user(bundle->redactor, err);

    if (code == 0) {
        code = learn_policy(bundle->redactor, bundle->policy, err);
    }
    if (code == 0) {
        code = redactor_learn_json(bundle->redactor, bundle->status, err);
    }
    if (code == 0) {
        code = redactor_learn_json(bundle->redactor, bundle->plan, err);
    }
    return code < 0 ? code : learn_uploads(bundle->redactor, err);
}

/* --- what goes into the bundle --- */

static int add_json(struct bundle *bundle, const char *name, const cJSON *json, struct error *err)
{
    char *text = json ? cJSON_Print(json) : NULL;
    int code;

    if (!text) {
        return error_set(err, ERR_NO_MEMORY, "no memory for '%s'", name);
    }
    code = zip_add(&bundle->zip, name, text, strlen(text), err);
    cJSON_free(text);
    return code;
}

static int add_redacted(struct bundle *bundle, const char *name, cJSON *json, struct error *err)
{
    int code = redact_json(json, bundle->redactor, err);

    return code < 0 ? code : add_json(bundle, name, json, err);
}

static int add_about(struct bundle *bundle, struct error *err)
{
    cJSON *about = cJSON_CreateObject();
    char now[40];
    char *system = NULL;
    int code = doctor_system_name(&system, err);

    clock_format_iso(now, sizeof(now), clock_wall_ms(clock_system()));
    if (code == 0) {
        cJSON_AddStringToObject(about, "version", MOORING_VERSION);
        cJSON_AddStringToObject(about, "made", now);
        cJSON_AddStringToObject(about, "system", system);
        cJSON_AddStringToObject(about, "libraries", graph_libraries());
        code = add_json(bundle, "about.json", about, err);
    }
    free(system);
    cJSON_Delete(about);
    return code;
}

static int add_doctor(struct bundle *bundle, const struct doctor_options *options,
                      struct error *err)
{
    cJSON *result = NULL;
    int code = doctor_examine(&result, options, err);

    if (code == 0) {
        code = add_redacted(bundle, "doctor.json", result, err);
    }
    cJSON_Delete(result);
    return code;
}

/* As the agent has it, when one runs: it may keep values of a file that is broken now. */
static int render_policy(struct buf *out, const struct policy *policy, struct error *err)
{
    cJSON *arguments = cJSON_CreateObject();
    cJSON *answer = NULL;
    int code;

    cJSON_AddBoolToObject(arguments, "json", true);
    cJSON_AddBoolToObject(arguments, "all", true);
    if (command_call(&answer, "policy", arguments, NULL, NULL, NULL) == 0) {
        code = buf_add_text(out, answer_text(answer, "text"), err);
    } else {
        code = policy_render_json(out, policy, true, err);
    }
    cJSON_Delete(answer);
    cJSON_Delete(arguments);
    return code;
}

static int add_policy(struct bundle *bundle, struct error *err)
{
    struct buf text;
    cJSON *json = NULL;
    int code;

    buf_init(&text, JSON_MAX);
    code = render_policy(&text, bundle->policy, err);
    if (code == 0) {
        json = cJSON_Parse(buf_text(&text));
        code = json ? redact_policy(json, bundle->redactor, err)
                    : error_set(err, ERR_NO_MEMORY, "no memory for the policy");
    }
    if (code == 0) {
        code = add_json(bundle, "policy.json", json, err);
    }
    cJSON_Delete(json);
    buf_clear(&text);
    return code;
}

static int add_log(struct bundle *bundle, const char *path, const char *name, struct error *err)
{
    struct buf text;
    struct buf clean;
    int code;

    buf_init(&text, LOG_MAX);
    buf_init(&clean, LOG_MAX);
    code = file_read_all(&text, path, err);
    if (code == 0) {
        code = redact_text(&clean, bundle->redactor, buf_text(&text), text.size, err);
    }
    if (code == 0) {
        code = zip_add(&bundle->zip, name, buf_text(&clean), clean.size, err);
    }
    buf_clear(&text);
    buf_clear(&clean);
    return code;
}

/* mooring.log, mooring.1.log, ... as log.c names them. One that cannot be read is left out. */
static int add_logs(struct bundle *bundle, struct error *err)
{
    const char *folder = policy_settings(bundle->policy)->log_directory;
    int code = 0;

    for (int i = 0; i < LOG_FILES_MAX && code == 0; i++) {
        char *path = NULL;
        char name[40];

        snprintf(name, sizeof(name), i == 0 ? "logs/mooring.log" : "logs/mooring.%d.log", i);
        code = str_format(&path, err, "%s/%s", folder, name + strlen("logs/"));
        if (code == 0 && file_exists(path)) {
            code = add_log(bundle, path, name, err);
        }
        free(path);
    }
    return code;
}

static int fill(struct bundle *bundle, const struct doctor_options *options, struct error *err)
{
    int code = learn(bundle, err);

    if (code == 0) {
        code = zip_add(&bundle->zip, "README.txt", readme, strlen(readme), err);
    }
    if (code == 0) {
        code = add_about(bundle, err);
    }
    if (code == 0) {
        code = add_doctor(bundle, options, err);
    }
    if (code == 0) {
        code = add_policy(bundle, err);
    }
    if (code == 0) {
        code = add_logs(bundle, err);
    }
    if (code == 0 && bundle->status) {
        code = add_redacted(bundle, "status.json", bundle->status, err);
    }
    if (code == 0 && bundle->plan) {
        code = add_redacted(bundle, "plan.json", bundle->plan, err);
    }
    return code < 0 ? code : zip_end(&bundle->zip, err);
}

/* What is there stays: a bundle that was looked through must not be another one meanwhile. */
static int write_new(const char *path, const struct buf *bytes, struct error *err)
{
    FILE *file = file_open_stream(path, "wbx", err);
    bool is_written;

    if (!file) {
        return err->code;
    }
    is_written = fwrite(bytes->data, 1, bytes->size, file) == bytes->size;
    if (fclose(file) != 0 || !is_written) {
        (void)file_remove(path, NULL);
        return error_set(err, ERR_IO, "'%s' could not be written", path);
    }
    return 0;
}

static int choose_output(char **out, const char *wanted, struct error *err)
{
    char now[40];
    size_t length = 0;

    if (wanted) {
        return str_copy(out, wanted, err);
    }
    clock_format_iso(now, sizeof(now), clock_wall_ms(clock_system()) / 1000 * 1000);
    for (const char *c = now; *c; c++) { /* "20260302T081145Z" */
        if (*c != '-' && *c != ':') {
            now[length++] = *c;
        }
    }
    now[length] = '\0';
    return str_format(out, err, "mooring-report-%s.zip", now);
}

static int make_report(char **path, const struct report_arguments *arguments, struct error *err)
{
    struct bundle bundle = {0};
    int code = choose_output(path, arguments->output, err);

    zip_init(&bundle.zip, BUNDLE_MAX, clock_wall_ms(clock_system()));
    if (code == 0) {
        code = redactor_new(&bundle.redactor, err);
    }
    if (code == 0) {
        (void)command_call(&bundle.status, "status", NULL, NULL, NULL, NULL);
        code =
            doctor_read_policy(&bundle.policy, arguments->doctor.policy_file, bundle.status, err);
    }
    if (code == 0) {
        (void)command_call(&bundle.plan, "plan", NULL, NULL, NULL, NULL);
        code = fill(&bundle, &arguments->doctor, err);
    }
    if (code == 0) {
        code = write_new(*path, &bundle.zip.bytes, err);
    }
    zip_clear(&bundle.zip);
    redactor_free(bundle.redactor);
    cJSON_Delete(bundle.status);
    cJSON_Delete(bundle.plan);
    policy_free(bundle.policy);
    return code;
}

int command_report(int argc, char **argv)
{
    struct report_arguments arguments = {0};
    const struct command_word words[] = {{"output", .text = &arguments.output},
                                         {"json", .flag = &arguments.is_json},
                                         {"offline", .flag = &arguments.doctor.is_offline},
                                         {"policy", .text = &arguments.doctor.policy_file},
                                         {0}};
    struct error err = {0};
    char *path = NULL;
    int exit_code;
    int code;

    if (!command_parse(words, argc, argv, usage, &exit_code)) {
        return exit_code;
    }
    code = make_report(&path, &arguments, &err);
    if (code == 0 && arguments.is_json) {
        cJSON *result = cJSON_CreateObject();

        cJSON_AddStringToObject(result, "file", path);
        command_print_json(result);
        cJSON_Delete(result);
    } else if (code == 0) {
        printf("Written to ");
        command_print_safe(path);
        printf("\nNames and secrets are left out. Look through it before you send it.\n");
    }
    free(path);
    return code < 0 ? command_fail("report", arguments.is_json, &err) : COMMAND_OK;
}
