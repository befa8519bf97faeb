#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "commands/doors.h"
#include "office.h"
#include "opener.h"

static const char open_usage[] =
    "usage: mooring open [--json] PATH\n"
    "Opens what PATH names: Office files so that several people can edit them at once (as policy\n"
    "CoAuthoring says), everything else with the system's own program. PATH is a path in a "
    "library,\n"
    "a UNC path, a drive letter, an address of SharePoint or Teams, or a sharing link.\n";

static const char view_usage[] =
    "usage: mooring view [--json] PATH\n"
    "Shows what PATH names in the browser: a file, a folder, a library, a site.\n";

/* What is to be started, and the one for when the desktop has no program for it. */
struct plan {
    const char *how; /* "office", "web", "file" */
    char *target;
    char *fallback;
};

static int plan_web(struct plan *plan, const cJSON *door, struct error *err)
{
    const char *url = answer_text(door, "webUrl");

    plan->how = "web";
    return *url ? str_copy(&plan->target, url, err)
                : error_set(err, ERR_NOT_FOUND, "the service gave no address for a browser");
}

/* Somebody who goes on in Office while a save is on its way makes two versions of one file. */
static int plan_office(struct plan *plan, const cJSON *door, struct error *err)
{
    const char *web = answer_text(door, "webUrl");
    const char *state = answer_text(door, "state");
    bool is_browser = strcmp(answer_text(door, "coAuthoring"), "Browser") == 0;
    int code = 0;

    if (strcmp(state, "uploading") == 0) {
        return error_set(err, ERR_BUSY,
                         "changes to this file are not on the server yet; `mooring uploads wait` "
                         "waits for them");
    }
    if (strcmp(state, "saved") != 0) {
        return error_set(err, ERR_BUSY,
                         "changes to this file are not on the server, and not sent by themselves; "
                         "`mooring uploads list` says why");
    }
    if (!is_browser) {
        code = office_command(&plan->target, answer_text(door, "name"),
                              answer_text(door, "documentUrl"), err);
    }
    if (code == 0 && *web) {
        code = office_web_url(plan->target ? &plan->fallback : &plan->target, web, err);
    }
    plan->how = plan->target && !str_starts_with(plan->target, "https://") ? "office" : "web";
    return code;
}

static int plan_open(struct plan *plan, const cJSON *door, struct error *err)
{
    const char *kind = answer_text(door, "kind");
    const char *path = answer_text(door, "path");
    bool is_office = strcmp(kind, "file") == 0 && office_is_document(answer_text(door, "name")) &&
                     strcmp(answer_text(door, "coAuthoring"), "Off") != 0;
    int code = 0;

    if (is_office) {
        code = plan_office(plan, door, err);
        if (code < 0 || plan->target) {
            return code;
        }
    }
    /* a notebook is not to be had as a file */
    if (*path && strcmp(kind, "notebook") != 0) {
        plan->how = "file";
        return str_copy(&plan->target, path, err);
    }
    return plan_web(plan, door, err);
}

static int start(struct plan *plan, struct error *err)
{
    int code = opener_open(plan->target, err);

    if (code < 0 && plan->fallback) {
        error_clear(err);
        str_free(&plan->target);
        plan->target = plan->fallback;
        plan->fallback = NULL;
        plan->how = "web";
        code = opener_open(plan->target, err);
    }
    return code;
}

static void report(const struct plan *plan, cJSON *door, bool is_json)
{
    if (is_json) {
        cJSON_AddStringToObject(door, "opened", plan->target);
        cJSON_AddStringToObject(door, "how", plan->how);
        command_print_json(door);
        return;
    }
    printf("%s ", plan->how && strcmp(plan->how, "office") == 0 ? "Opened in Office:" : "Opened");
    command_print_safe(plan->target);
    printf("\n");
}

static int run(const char *name, int argc, char **argv, const char *usage,
               int (*make_plan)(struct plan *plan, const cJSON *door, struct error *err))
{
    bool is_json = false;
    const char *path = NULL;
    const struct command_word words[] = {
        {"json", .flag = &is_json}, {.text = &path, .is_needed = true}, {0}};
    struct plan plan = {0};
    struct error err = {0};
    cJSON *door = NULL;
    int exit_code;
    int code;

    if (!command_parse(words, argc, argv, usage, &exit_code)) {
        return exit_code;
    }
    code = door_call(&door, door_arguments("show", path, &err), &err);
    if (code == 0) {
        code = make_plan(&plan, door, &err);
    }
    if (code == 0) {
        code = start(&plan, &err);
    }
    if (code < 0) {
        exit_code = command_fail(name, is_json, &err);
    } else {
        report(&plan, door, is_json);
        exit_code = COMMAND_OK;
    }
    free(plan.target);
    free(plan.fallback);
    cJSON_Delete(door);
    return exit_code;
}

int command_open(int argc, char **argv)
{
    return run("open", argc, argv, open_usage, plan_open);
}

int command_view(int argc, char **argv)
{
    return run("view", argc, argv, view_usage, plan_web);
}
