#include "session_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "opener.h"

static const char *const state_names[] = {"unknown", "signed-in", "offline", "waiting",
                                          "signed-out"};
static const char *const verdict_names[] = {"mapped",      "excluded",   "system", "no-site",
                                            "not-default", "over-limit", "removed"};

static void add_text(cJSON *object, const char *name, const char *text)
{
    if (text && *text) {
        cJSON_AddStringToObject(object, name, text);
    }
}

static void add_time(cJSON *object, const char *name, int64_t wall_ms)
{
    char text[40];

    if (wall_ms > 0) {
        clock_format_iso(text, sizeof(text), wall_ms - wall_ms % 1000);
        cJSON_AddStringToObject(object, name, text);
    }
}

static void add_error(cJSON *object, const char *name, const struct error *error)
{
    cJSON *e;

    if (error->code < 0) {
        e = cJSON_AddObjectToObject(object, name);
        cJSON_AddStringToObject(e, "code", error_name(error->code));
        cJSON_AddStringToObject(e, "message", error->message);
    }
}

/* What the user can do now, as policy allows it. */
static void add_next(cJSON *object, const struct session_account *a,
                     const struct account_info *info)
{
    const char *tenant = info->initial_domain[0] ? info->initial_domain : a->tenant_setting;
    char text[200];

    if (policy_is_restriction_unknown(a->session->policy)) {
        cJSON_AddStringToObject(object, "next", "mooring policy show");
        return;
    }
    if (!a->is_refused && info->state != ACCOUNT_SIGNED_OUT) {
        return;
    }
    if (policy_settings(a->session->policy)->sign_in == POLICY_SIGN_IN_SILENT_ONLY) {
        cJSON_AddStringToObject(object, "next",
                                "ask the administrator: policy SignIn is SilentOnly, so nobody "
                                "may be asked to sign in");
        return;
    }
    snprintf(text, sizeof(text), "mooring login --tenant %s",
             a->is_refused ? a->tenant_setting : tenant);
    cJSON_AddStringToObject(object, "next", text);
}

/* The caller holds session->mutex. */
static cJSON *account_json(const struct session_account *a)
{
    cJSON *object = cJSON_CreateObject();
    struct account_info info;
    const char *refusal;
    size_t mapped = 0;

    account_info(a->account, &info);
    refusal = a->is_refused ? session_account_refusal(a, &info) : NULL;
    for (size_t i = 0; i < a->libraries.count; i++) {
        mapped += a->libraries.items[i].verdict == LIBRARY_WANTED;
    }
    add_text(object, "tenant", info.initial_domain[0] ? info.initial_domain : a->tenant_setting);
    add_text(object, "tenantId", info.tenant_id);
    add_text(object, "name", info.tenant_name);
    add_text(object, "user", info.user_name);
    cJSON_AddStringToObject(object, "state", a->is_refused ? "refused" : state_names[info.state]);
    add_text(object, "reason", refusal ? refusal : info.reason);
    add_text(object, "userCode", info.user_code);
    add_text(object, "verificationUrl", info.verification_url);
    add_next(object, a, &info);
    cJSON_AddNumberToObject(object, "libraries", (double)a->libraries.count);
    cJSON_AddNumberToObject(object, "mapped", a->is_refused ? 0 : (double)mapped);
    add_time(object, "discovered", a->discovered_ms);
    add_text(object, "warning", a->report.message);
    add_error(object, "error", &a->last_error);
    return object;
}

cJSON *session_account_json(struct session_account *a)
{
    cJSON *object;

    mutex_lock(&a->session->mutex);
    object = account_json(a);
    mutex_unlock(&a->session->mutex);
    return object;
}

struct unsaved_list {
    struct session *session;
    cJSON *array;
};

void session_add_library(cJSON *item, struct session *session, const char *key)
{
    const char *path = key;

    mutex_lock(&session->apply_mutex);
    for (size_t i = 0; i < session->have.count; i++) {
        if (str_equal(session->have.items[i].key, key)) {
            path = session->have.items[i].path;
        }
    }
    add_text(item, "library", path);
    mutex_unlock(&session->apply_mutex);
}

static void add_unsaved(void *payload, const struct online_vfs_unsaved *unsaved)
{
    struct unsaved_list *list = payload;
    cJSON *item = cJSON_CreateObject();

    session_add_library(item, list->session, unsaved->key);
    add_text(item, "path", unsaved->path);
    add_text(item, "spoolFile", unsaved->spool_file);
    cJSON_AddNumberToObject(item, "bytes", (double)unsaved->size_bytes);
    add_time(item, "since", unsaved->since_ms);
    add_text(item, "reason", unsaved->reason);
    cJSON_AddItemToArray(list->array, item);
}

/* Of a transport that the system does not mount by itself: what is in its way, where it is, and where the password is (never
 * what it is). apply_mutex is held. */
static void add_address(cJSON *object, struct session *session)
{
    char *advice = NULL;
    char *url = NULL;
    char *file = NULL;

    if (session->transport && transport_advice(session->transport, &advice, NULL) == 0) {
        add_text(object, "advice", advice);
    }
    free(advice);
    if (!session->transport || transport_address(session->transport, &url, NULL) < 0) {
        return;
    }
    add_text(object, "url", url);
    if (str_format(&file, NULL, "%s/webdav/webdav-password", session->paths->state) == 0 &&
        file_exists(file)) { /* not on Windows */
        add_text(object, "passwordFile", file);
    }
    free(url);
    free(file);
}

static cJSON *transport_json(struct session *session)
{
    cJSON *object = cJSON_CreateObject();
    struct error err = {0};

    mutex_lock(&session->apply_mutex);
    if (session->transport) {
        add_text(object, "name", session->transport->type->name);
        add_text(object, "title", session->transport->type->title);
    }
    add_text(object, "root", session->mount_root);
    add_text(object, "fallback", session->fallback);
    add_address(object, session);
    if (session->transport) {
        (void)transport_check(session->transport, &err);
    } else {
        mutex_lock(&session->mutex);
        err = session->mount_error;
        mutex_unlock(&session->mutex);
        if (err.code == 0) {
            error_set(&err, ERR_IO, "mounting again right now");
        }
    }
    mutex_unlock(&session->apply_mutex);
    cJSON_AddBoolToObject(object, "mounted", err.code == 0);
    add_error(object, "error", &err);
    return object;
}

static cJSON *mappings_json(struct session *session)
{
    cJSON *array = cJSON_CreateArray();

    mutex_lock(&session->apply_mutex);
    for (size_t i = 0; i < session->have.count; i++) {
        const struct plan_mapping *mapping = &session->have.items[i];
        cJSON *item = cJSON_CreateObject();
        char letter[3] = {mapping->letter, ':', '\0'};

        add_text(item, "path", mapping->path);
        add_text(item, "label", mapping->label);
        if (mapping->letter) {
            cJSON_AddStringToObject(item, "letter", letter);
        }
        if (mapping->is_read_only) {
            cJSON_AddBoolToObject(item, "readOnly", true);
        }
        cJSON_AddItemToArray(array, item);
    }
    mutex_unlock(&session->apply_mutex);
    return array;
}

static void add_list(cJSON *object, const char *name, const struct str_list *list)
{
    cJSON *array = cJSON_AddArrayToObject(object, name);

    for (size_t i = 0; i < list->count; i++) {
        cJSON_AddItemToArray(array, cJSON_CreateString(list->items[i]));
    }
}

/* Where --policy counts, nothing else does: who judges this agent must know. */
static void add_override(cJSON *object, const struct policy *policy)
{
    char *path = NULL;

    for (size_t i = 0; i < policy_file_count(policy) && !path; i++) {
        const struct policy_file *file = policy_file_at(policy, i);

        if (file->layer == POLICY_LAYER_OVERRIDE && opener_absolute(&path, file->path, NULL) == 0) {
            cJSON_AddStringToObject(object, "override", path);
        }
    }
    free(path);
}

/* The caller holds session->mutex. */
static cJSON *policy_json(const struct session *session)
{
    cJSON *object = cJSON_CreateObject();

    add_time(object, "loaded", session->policy_ms);
    cJSON_AddBoolToObject(object, "live", session->is_live);
    cJSON_AddNumberToObject(object, "warnings", (double)policy_warning_count(session->policy));
    cJSON_AddNumberToObject(object, "errors", (double)policy_error_count(session->policy));
    add_override(object, session->policy);
    if (session->is_override_over) {
        cJSON_AddBoolToObject(object, "overrideEnded", true);
    }
    add_list(object, "problems", &session->policy_problems);
    add_list(object, "nextStart", &session->next_start);
    return object;
}

static void add_notes(struct session *session, cJSON *status)
{
    mutex_lock(&session->mutex);
    cJSON_AddItemToObject(status, "policy", policy_json(session));
    cJSON_AddNumberToObject(status, "policyWarnings",
                            (double)policy_warning_count(session->policy));
    add_list(status, "notes", &session->plan_notes);
    add_list(status, "setupProblems", &session->setup_problems);
    add_error(status, "stateError", &session->state_error);
    if (session->failed_steps > 0) {
        cJSON_AddNumberToObject(status, "failedMappings", (double)session->failed_steps);
        add_error(status, "firstFailure", &session->failed_step);
    }
    mutex_unlock(&session->mutex);
}

static cJSON *traffic_json(struct session *session)
{
    cJSON *object = cJSON_CreateObject();
    struct graph_stats stats;

    graph_stats(session->graph, &stats);
    cJSON_AddNumberToObject(object, "requests", (double)stats.requests);
    cJSON_AddNumberToObject(object, "retries", (double)stats.retries);
    cJSON_AddNumberToObject(object, "throttled", (double)stats.throttled);
    cJSON_AddNumberToObject(object, "resourceUnits", (double)stats.ru_total);
    cJSON_AddNumberToObject(object, "resourceUnitsInWindow", stats.ru_window);
    cJSON_AddNumberToObject(object, "pausedMs", (double)stats.paused_ms);
    return object;
}

static cJSON *files_json(struct session *session)
{
    cJSON *object = cJSON_CreateObject();
    struct online_vfs_stats stats;
    struct unsaved_list list = {.session = session};
    struct error err = {0};

    online_vfs_stats(session->online, &stats);
    cJSON_AddNumberToObject(object, "knownItems", (double)stats.items);
    cJSON_AddNumberToObject(object, "knownItemsBytes", (double)stats.item_bytes);
    cJSON_AddNumberToObject(object, "cacheBytes", (double)stats.cache_bytes);
    cJSON_AddNumberToObject(object, "openFiles", stats.open_files);
    cJSON_AddNumberToObject(object, "uploadsRunning", stats.uploads_running);
    cJSON_AddNumberToObject(object, "uploadsWaiting", stats.uploads_waiting);
    cJSON_AddNumberToObject(object, "conflictCopies", stats.conflict_copies);
    cJSON_AddItemToObject(object, "deletes", session_deletes_json(session));
    list.array = cJSON_AddArrayToObject(object, "unsaved");
    online_vfs_visit_unsaved(session->online, add_unsaved, &list, &err);
    add_error(object, "error", &err);
    return object;
}

cJSON *session_status(struct session *session)
{
    cJSON *status = cJSON_CreateObject();
    cJSON *accounts;

    cJSON_AddStringToObject(status, "version", MOORING_VERSION);
    add_time(status, "started", session->started_ms);
    if (session_is_stopping(session)) {
        cJSON_AddBoolToObject(status, "stopping", true);
    }
    cJSON_AddItemToObject(status, "transport", transport_json(session));
    accounts = cJSON_AddArrayToObject(status, "accounts");
    mutex_lock(&session->mutex);
    for (size_t i = 0; i < session->account_count; i++) {
        cJSON_AddItemToArray(accounts, account_json(session->accounts[i]));
    }
    mutex_unlock(&session->mutex);
    cJSON_AddItemToObject(status, "mappings", mappings_json(session));
    cJSON_AddItemToObject(status, "files", files_json(session));
    cJSON_AddItemToObject(status, "traffic", traffic_json(session));
    add_notes(session, status);
    return status;
}

static cJSON *library_json(const struct library *library)
{
    cJSON *item = cJSON_CreateObject();

    add_text(item, "url", library->url);
    add_text(item, "site", library->site_title);
    add_text(item, "library", library->title);
    add_text(item, "tenant", library->tenant);
    cJSON_AddStringToObject(item, "verdict", verdict_names[library->verdict]);
    add_text(item, "reason", library->reason);
    return item;
}

static cJSON *steps_json(const struct plan *plan)
{
    static const char *const kinds[] = {"detach", "update", "attach"};
    cJSON *array = cJSON_CreateArray();

    for (size_t i = 0; i < plan->count; i++) {
        cJSON *item = cJSON_CreateObject();

        cJSON_AddStringToObject(item, "step", kinds[plan->steps[i].kind]);
        add_text(item, "path", plan->steps[i].mapping.path);
        cJSON_AddItemToArray(array, item);
    }
    return array;
}

static cJSON *wanted_json(const struct plan_mapping_list *want)
{
    cJSON *array = cJSON_CreateArray();

    for (size_t i = 0; i < want->count; i++) {
        cJSON *item = cJSON_CreateObject();
        char letter[3] = {want->items[i].letter, ':', '\0'};

        add_text(item, "path", want->items[i].path);
        add_text(item, "label", want->items[i].label);
        if (want->items[i].letter) {
            cJSON_AddStringToObject(item, "letter", letter);
        }
        cJSON_AddItemToArray(array, item);
    }
    return array;
}

cJSON *session_plan(struct session *session, struct error *err)
{
    struct plan_mapping_list want = {0};
    struct str_list notes = {0};
    struct plan plan = {0};
    cJSON *result = NULL;
    cJSON *libraries;
    int code;

    mutex_lock(&session->apply_mutex);
    code = session_wanted(session, &want, &notes, err);
    if (code == 0) {
        code = plan_build(&plan, &want, &session->have, err);
    }
    mutex_unlock(&session->apply_mutex);
    if (code < 0) {
        goto out;
    }
    result = cJSON_CreateObject();
    cJSON_AddItemToObject(result, "wanted", wanted_json(&want));
    cJSON_AddItemToObject(result, "steps", steps_json(&plan));
    libraries = cJSON_AddArrayToObject(result, "libraries");
    mutex_lock(&session->mutex);
    for (size_t i = 0; i < session->account_count; i++) {
        const struct library_list *list = &session->accounts[i]->libraries;

        for (size_t k = 0; k < list->count; k++) {
            cJSON_AddItemToArray(libraries, library_json(&list->items[k]));
        }
    }
    mutex_unlock(&session->mutex);
out:
    plan_clear(&plan);
    plan_mapping_list_clear(&want);
    str_list_clear(&notes);
    return result;
}

cJSON *session_explain(struct session *session, const char *url, struct error *err)
{
    struct buf text;
    cJSON *result = cJSON_CreateObject();
    cJSON *answers = cJSON_AddArrayToObject(result, "answers");
    bool is_known = false;
    int code = 0;

    buf_init(&text, 1u << 20);
    mutex_lock(&session->mutex);
    for (size_t i = 0; i < session->account_count && (code == 0 || code == ERR_NOT_FOUND); i++) {
        const struct session_account *a = session->accounts[i];
        cJSON *answer = cJSON_CreateObject();
        struct account_info info;

        buf_reset(&text);
        code = discover_explain(&text, &a->libraries, policy_settings(session->policy),
                                session->policy, url, err);
        is_known = is_known || code == 0;
        cJSON_AddStringToObject(answer, "tenant", a->tenant_setting);
        cJSON_AddBoolToObject(answer, "known", code == 0);
        cJSON_AddStringToObject(answer, "text", buf_text(&text));
        if (a->is_refused) {
            account_info(a->account, &info);
            add_text(answer, "refused", session_account_refusal(a, &info));
        }
        cJSON_AddItemToArray(answers, answer);
    }
    mutex_unlock(&session->mutex);
    buf_clear(&text);
    if (code < 0 && code != ERR_NOT_FOUND) {
        cJSON_Delete(result); /* *err says why */
        return NULL;
    }
    cJSON_AddBoolToObject(result, "known", is_known);
    return result;
}
