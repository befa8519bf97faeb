/*
 * entra_fault.c - what Entra's errors mean (graph-facts 5.5), as two tables.
 *
 * The action hangs on `error` alone, since Microsoft warns that numbers and texts change. Numbers
 * choose words, and in one case save a token: when policy refuses a sign-in (wrong network, device
 * not compliant) the answer is invalid_grant too, but the refresh token works again once the policy
 * is met, so it is not thrown away.
 */
#include "graph/entra_parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/json.h"
#include "base/str.h"

static const struct {
    const char *error;
    enum entra_action action;
} error_rows[] = {
    {"interaction_required", ENTRA_INTERACTIVE},
    {"consent_required", ENTRA_INTERACTIVE},
    {"login_required", ENTRA_INTERACTIVE},
    {"insufficient_claims", ENTRA_INTERACTIVE},
    {"invalid_grant", ENTRA_FORGET},
    {"invalid_client", ENTRA_CONFIGURATION},
    {"unauthorized_client", ENTRA_CONFIGURATION},
    {"invalid_scope", ENTRA_CONFIGURATION},
    {"invalid_resource", ENTRA_CONFIGURATION},
    {"invalid_tenant", ENTRA_CONFIGURATION},
    {"invalid_request", ENTRA_CONFIGURATION},
    {"unsupported_grant_type", ENTRA_CONFIGURATION},
    {"unsupported_response_type", ENTRA_CONFIGURATION},
    {"temporarily_unavailable", ENTRA_RETRY},
    {"server_error", ENTRA_RETRY},
    {"authorization_pending", ENTRA_PENDING},
    {"slow_down", ENTRA_SLOW_DOWN}, /* RFC 8628; not in Microsoft's list */
    {"authorization_declined", ENTRA_DECLINED},
    {"access_denied", ENTRA_DECLINED}, /* RFC 8628's word for it, and /authorize's */
    {"expired_token", ENTRA_EXPIRED},
    {"code_expired", ENTRA_EXPIRED},
    {"bad_verification_code", ENTRA_EXPIRED},
};

static const struct {
    long number;
    bool is_policy; /* with invalid_grant: the refresh token is not dead */
    const char *text;
} number_rows[] = {
    {16000, false, "the account of the browser session does not exist in this tenant"},
    {50005, true, "the tenant does not allow this kind of device"},
    {50011, false, "the app registration lacks the redirect URI http://localhost"},
    {50014, false, "the guest account is not set up in this tenant"},
    {50020, false, "this account does not belong to the tenant"},
    {50053, false, "the account is locked, or the sign-in came from a blocked address"},
    {50055, false, "the password has expired"},
    {50057, false, "the account is disabled"},
    {50058, false, "there is no browser session to sign in with silently"},
    {50059, false, "Entra could not tell which tenant is meant"},
    {50072, false, "the user has to register for multi-factor sign-in"},
    {50074, false, "multi-factor sign-in is needed"},
    {50076, false, "multi-factor sign-in is needed"},
    {50078, false, "the multi-factor sign-in is too old"},
    {50079, false, "the user has to register for multi-factor sign-in"},
    {50097, true, "the tenant demands a registered device"},
    {50126, false, "wrong user name or password"},
    {50128, false, "Entra does not know this domain"},
    {50129, true, "the tenant demands a device joined to it"},
    {50132, false, "the password was changed or the sign-in was revoked"},
    {50133, false, "the password was changed or the sign-in was revoked"},
    {50155, true, "the device could not prove who it is"},
    {50158, true, "another security check of the tenant is not met"},
    {50168, false, "the browser could not pass on the Windows sign-in"},
    {50173, false, "the password was changed or the sign-in was revoked"},
    {50194, false, "the app registration is for one tenant only: set Tenants to that tenant"},
    {50196, false, "Entra sees the same request too often and refuses it for a while"},
    {500011, false, "Microsoft Graph is not known in this tenant or cloud"},
    {51004, false, "this account does not exist in the tenant"},
    {53000, true, "the tenant demands a compliant device"},
    {53001, true, "the tenant demands a device joined to its domain"},
    {53002, true, "the tenant does not approve this app"},
    {53003, true, "Conditional Access blocks this sign-in"},
    {530032, true, "a security policy of the tenant blocks this sign-in"},
    {530035, true, "the security defaults of the tenant block this sign-in"},
    {54005, false, "the sign-in code was used twice"},
    {65001, false, "nobody has consented to the app's permissions yet"},
    {65004, false, "the user declined the app's permissions"},
    {650057, false, "the app registration does not list Microsoft Graph"},
    {70000, false, "the sign-in is no longer valid"},
    {70008, false, "the sign-in has expired"},
    {700005, false, "the sign-in code belongs to another tenant"},
    {70011, false, "Entra refuses the permissions asked for"},
    {70016, false, "waiting for the code to be entered"},
    {70018, false, "the code is not valid"},
    {70019, false, "the code has expired"},
    {70043, false, "the tenant's sign-in frequency asks for a new sign-in"},
    {700016, false, "the app registration (ClientId) is not known in this tenant"},
    {700025, false, "the app registration is no public client"},
    {700082, false, "the sign-in has expired after a long time without use"},
    {700084, false, "the sign-in has expired"},
    {7000218, false, "the app registration does not allow public client flows"},
    {90002, false, "there is no such tenant"},
    {90013, false, "Entra did not understand the request"},
    {90072, false, "this account does not belong to the tenant"},
    {90094, false, "an administrator has to consent to the app"},
    {90095, false, "an administrator has to consent to the app"},
    {90120, false, "the code was already used"},
    {900971, false, "no redirect URI was given"},
    {140000, false, "the Windows sign-in could not be used"},
};

static int number_row(long number)
{
    for (size_t i = 0; i < sizeof(number_rows) / sizeof(number_rows[0]); i++) {
        if (number_rows[i].number == number) {
            return (int)i;
        }
    }
    return -1;
}

static enum entra_action action_of(const struct entra_failure *failure, int status)
{
    enum entra_action action = ENTRA_CONFIGURATION;
    int row = number_row(failure->number);

    /* without a word from Entra it was somebody between us: a proxy, a captive portal */
    if (status == 408 || status == 429 || status >= 500 || !failure->error[0]) {
        return ENTRA_RETRY;
    }
    for (size_t i = 0; i < sizeof(error_rows) / sizeof(error_rows[0]); i++) {
        if (strcmp(error_rows[i].error, failure->error) == 0) {
            action = error_rows[i].action;
        }
    }
    /* the loop guard lifts by itself, whatever `error` it comes with */
    if (failure->number == 50196) {
        return ENTRA_RETRY;
    }
    return action == ENTRA_FORGET && row >= 0 && number_rows[row].is_policy ? ENTRA_BLOCKED
                                                                            : action;
}

/* Keeps the first sentence: what follows are trace ids, times and links. */
static void cut_sentence(char *text)
{
    char *end = strstr(text, " Trace ID");

    if (end) {
        *end = '\0';
    }
    end = strstr(text, ". ");
    if (end) {
        *end = '\0';
    }
    end = text + strlen(text);
    if (end > text && end[-1] == '.') {
        end[-1] = '\0';
    }
}

/* "AADSTS50076: Due to ..." */
static long number_in_text(const char *text)
{
    const char *at = text ? strstr(text, "AADSTS") : NULL;
    long number = 0;

    if (!at) {
        return 0;
    }
    for (at += 6; *at >= '0' && *at <= '9' && number < 100000000; at++) {
        number = number * 10 + (*at - '0');
    }
    return number;
}

static void read_failure(struct entra_failure *out, const cJSON *json)
{
    cJSON *claims = json_text_object(json, "claims");
    const cJSON *codes = cJSON_GetObjectItemCaseSensitive(json, "error_codes");
    const cJSON *first = cJSON_GetArrayItem(codes, 0);

    json_show_text(out->error, sizeof(out->error), json, "error");
    json_show_text(out->suberror, sizeof(out->suberror), json, "suberror");
    json_show_text(out->description, sizeof(out->description), json, "error_description");
    out->number = cJSON_IsNumber(first) && first->valuedouble > 0 && first->valuedouble < 1e9
                      ? (long)first->valuedouble
                      : number_in_text(out->description);
    if (claims) {
        (void)json_copy_text(&out->claims, json, "claims", NULL); /* lost: Entra asks again */
    }
    cJSON_Delete(claims);
}

void entra_parse_failure(struct entra_failure *out, int status, const char *body, size_t size)
{
    cJSON *json = json_parse_object(body, size, "the answer of Entra", NULL);

    memset(out, 0, sizeof(*out));
    if (json) {
        read_failure(out, json);
        cJSON_Delete(json);
    }
    cut_sentence(out->description);
    out->action = action_of(out, status);
    if (!out->error[0]) {
        snprintf(out->error, sizeof(out->error), "HTTP %d", status);
    }
}

void entra_judge_redirect(struct entra_failure *out, const char *error, const char *description)
{
    cJSON *json = cJSON_CreateObject(); /* the same way through the same filters */

    memset(out, 0, sizeof(*out));
    if (json) {
        (void)cJSON_AddStringToObject(json, "error", error ? error : "server_error");
        (void)cJSON_AddStringToObject(json, "error_description", description ? description : "");
        read_failure(out, json);
        cJSON_Delete(json);
    }
    cut_sentence(out->description);
    out->action = action_of(out, 400);
}

void entra_failure_clear(struct entra_failure *failure)
{
    free(failure->claims);
    memset(failure, 0, sizeof(*failure));
}

void entra_failure_text(char *out, size_t size, const struct entra_failure *failure)
{
    int row = number_row(failure->number);
    const char *text = row >= 0 ? number_rows[row].text : failure->description;

    if (row >= 0) {
        snprintf(out, size, "%s (AADSTS%ld)", text, failure->number);
    } else if (text[0]) {
        snprintf(out, size, "%s (%s)", text, failure->error);
    } else {
        snprintf(out, size, "the answer was '%s'", failure->error);
    }
}
