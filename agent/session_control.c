/*
 * session_control.c - which command of the control channel does what.
 */
#include <string.h>

#include "session_private.h"

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

/* The account a command is for: the named one, or the only one. */
static int pick_account(struct session_account **out, struct session *session, const char *tenant,
                        struct error *err)
{
    if (!tenant && session->account_count == 1) {
        *out = &session->accounts[0];
        return 0;
    }
    for (size_t i = 0; tenant && i < session->account_count; i++) {
        if (is_tenant(&session->accounts[i], tenant)) {
            *out = &session->accounts[i];
            return 0;
        }
    }
    if (!tenant) {
        return error_set(err, ERR_INVALID, "there are %zu accounts: say which with --tenant",
                         session->account_count);
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
    return code;
}

struct unsaved_count {
    const char *tenant_id;
    unsigned count;
};

/* The key of a library begins with the id of its tenant. */
static void count_unsaved(void *payload, const struct online_vfs_unsaved *unsaved)
{
    struct unsaved_count *count = payload;

    count->count += str_starts_with_nocase(unsaved->key, count->tenant_id);
}

/* Unsent data is not cache: who signs out with some left must say so. It stays in the spool in any
 * case. */
static int do_logout(struct session *session, const struct control_request *request, cJSON **result,
                     struct error *err)
{
    struct session_account *a = NULL;
    struct online_vfs_stats stats;
    struct unsaved_count unsaved = {0};
    struct account_info info;
    int code = pick_account(&a, session, argument(request, "tenant"), err);

    if (code == 0) {
        account_info(a->account, &info);
        unsaved.tenant_id = info.tenant_id;
        code = online_vfs_visit_unsaved(session->online, count_unsaved, &unsaved, err);
    }
    if (code < 0) {
        return code;
    }
    online_vfs_stats(session->online, &stats);
    if (unsaved.count + stats.uploads_running > 0 && !is_set(request, "discard")) {
        return error_set(err, ERR_BUSY,
                         "%u files of '%s' are not on the server yet and %u uploads are running "
                         "(`mooring status` "
                         "names them); sign out all the same with --discard",
                         unsaved.count, a->tenant_setting, stats.uploads_running);
    }
    code = session_account_logout(a, err);
    if (code == 0) {
        *result = session_account_json(a);
    }
    return code;
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
    if (strcmp(request->command, "refresh") == 0) {
        session_refresh(session);
        return 0;
    }
    return error_set(err, ERR_UNSUPPORTED, "this agent knows no command '%s'", request->command);
}
