/*
 * session_control.c - which command of the control channel does what.
 */
#include <string.h>

#include "base/clock.h"
#include "commands/policy.h"
#include "session_private.h"

#define POLICY_TEXT_MAX ((size_t)16 << 20)

static const char *argument(const struct control_request *request, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(request->arguments, name));
}

static bool is_set(const struct control_request *request, const char *name)
{
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(request->arguments, name));
}

static bool is_tenant(const struct session_account *a, const char *tenant)
{
    struct account_info info;

    account_info(a->account, &info);
    return str_equal_nocase(a->tenant_setting, tenant) ||
           str_equal_nocase(info.initial_domain, tenant) ||
           str_equal_nocase(info.tenant_id, tenant);
}

/* The account a command is for: the named one, or the only one; to be given back with
 * session_account_unref(), since policy may end it meanwhile. */
static int pick_account(struct session_account **out, struct session *session, const char *tenant,
                        struct error *err)
{
    size_t count;

    mutex_lock(&session->mutex);
    count = session->account_count;
    for (size_t i = 0; i < count && !*out; i++) {
        if (tenant ? is_tenant(session->accounts[i], tenant) : count == 1) {
            *out = session->accounts[i];
            (*out)->references++;
        }
    }
    mutex_unlock(&session->mutex);
    if (*out) {
        return 0;
    }
    if (!tenant) {
        return error_set(err, ERR_INVALID, "there are %zu accounts: say which with --tenant",
                         count);
    }
    return error_set(err, ERR_NOT_FOUND,
                     "policy names no tenant '%s'; `mooring status` shows those it does", tenant);
}

static int do_login(struct session *session, const struct control_request *request, cJSON **result,
                    struct error *err)
{
    enum login_method method = is_set(request, "deviceCode") ? LOGIN_DEVICE_CODE : LOGIN_NONE;
    struct session_account *a = NULL;
    int code = pick_account(&a, session, argument(request, "tenant"), err);

    if (code == 0) {
        code = session_account_login(a, method, request, err);
    }
    if (code == 0) {
        *result = session_account_json(a);
    }
    session_account_unref(a);
    return code;
}

/* Unsent data is not cache: who signs out with some left must say so, and loses it then. */
static int check_unsaved(struct session_account *a, bool is_discard, struct error *err)
{
    struct session *session = a->session;
    struct account_info info;
    unsigned count = 0;
    int code;

    account_info(a->account, &info);
    if (is_discard) {
        return session_uploads_discard(session, info.tenant_id, err);
    }
    code = session_uploads_count(session, info.tenant_id, &count, err);
    if (code == 0 && count > 0) {
        code = error_set(err, ERR_BUSY,
                         "%u files of '%s' are not on the server yet (`mooring uploads list` names "
                         "them); with --discard they are given up for good",
                         count, a->tenant_setting);
    }
    return code;
}

static int do_logout(struct session *session, const struct control_request *request, cJSON **result,
                     struct error *err)
{
    struct session_account *a = NULL;
    int code = pick_account(&a, session, argument(request, "tenant"), err);

    if (code == 0) {
        code = check_unsaved(a, is_set(request, "discard"), err);
    }
    if (code == 0) {
        code = session_account_logout(a, err);
    }
    if (code == 0) {
        *result = session_account_json(a);
    }
    session_account_unref(a);
    return code;
}

cJSON *session_policy_show(struct session *session, bool is_all, bool is_json, struct error *err)
{
    cJSON *result = NULL;
    struct buf text;
    char when[40];
    int code;

    buf_init(&text, POLICY_TEXT_MAX);
    mutex_lock(&session->mutex);
    code = is_json ? policy_render_json(&text, session->policy, is_all, err)
                   : policy_render_text(&text, session->policy, is_all, err);
    if (code == 0) {
        result = cJSON_CreateObject();
        clock_format_iso(when, sizeof(when), session->policy_ms - session->policy_ms % 1000);
        cJSON_AddStringToObject(result, "loaded", when);
        cJSON_AddStringToObject(result, "text", buf_text(&text));
        cJSON_AddNumberToObject(result, "exitCode", policy_exit_class(session->policy));
    }
    mutex_unlock(&session->mutex);
    buf_clear(&text);
    return result;
}

/* 0 with an answer; else what *err says. */
static int answered(const cJSON *result, const struct error *err)
{
    return result ? 0 : err->code < 0 ? err->code : ERR_NO_MEMORY;
}

int session_control(void *payload, const struct control_request *request, cJSON **result,
                    struct error *err)
{
    struct session *session = payload;

    if (strcmp(request->command, "status") == 0) {
        *result = session_status(session);
        return 0;
    }
    if (strcmp(request->command, "plan") == 0) {
        *result = session_plan(session, err);
        return answered(*result, err);
    }
    if (strcmp(request->command, "explain") == 0) {
        const char *url = argument(request, "url");

        if (!url) {
            return error_set(err, ERR_INVALID, "explain needs a URL");
        }
        *result = session_explain(session, url, err);
        return answered(*result, err);
    }
    if (strcmp(request->command, "policy") == 0) {
        *result =
            session_policy_show(session, is_set(request, "all"), is_set(request, "json"), err);
        return answered(*result, err);
    }
    if (strcmp(request->command, "login") == 0) {
        return do_login(session, request, result, err);
    }
    if (strcmp(request->command, "logout") == 0) {
        return do_logout(session, request, result, err);
    }
    if (strcmp(request->command, "deletes") == 0) {
        *result = session_deletes_json(session);
        return answered(*result, err);
    }
    if (strcmp(request->command, "allow-deletes") == 0) {
        return session_deletes_allow(session, request, result, err);
    }
    if (strcmp(request->command, "uploads") == 0) {
        return session_uploads(session, request, result, err);
    }
    if (strcmp(request->command, "door") == 0) {
        return session_doors(session, request, result, err);
    }
    if (strcmp(request->command, "refresh") == 0) {
        session_refresh(session);
        return 0;
    }
    if (strcmp(request->command, "stop") == 0) {
        process_request_stop(); /* as at the end of the session */
        return 0;
    }
    return error_set(err, ERR_UNSUPPORTED, "this agent knows no command '%s'", request->command);
}
