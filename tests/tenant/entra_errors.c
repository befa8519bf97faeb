#include "entra.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Facts, 5.5. Numbers and texts change; a client branches on `error` and `suberror`. */
static const struct aadsts {
    int number;
    const char *error;
    const char *suberror; /* sent unless the caller has one */
    const char *text;
} table[] = {
    {16000, "interaction_required", NULL,
     "Either multiple user identities are available or the account is not supported."},
    {50005, "invalid_grant", NULL,
     "User tried to log in to a device from a platform that's not supported through Conditional "
     "Access policy."},
    {50011, "invalid_request", NULL,
     "The redirect URI specified in the request does not match the redirect URIs configured for "
     "the application."},
    {50014, "invalid_grant", NULL, "The user's redemption is in a pending state."},
    {50020, "invalid_grant", NULL, "User account from identity provider does not exist in tenant."},
    {50053, "invalid_grant", NULL,
     "The account is locked, or sign-in came from an IP address with malicious activity."},
    {50055, "invalid_grant", NULL, "The password is expired."},
    {50057, "invalid_grant", NULL, "The user account is disabled."},
    {50058, "login_required", NULL, "A silent sign-in request was sent but no user is signed in."},
    {50059, "invalid_request", NULL,
     "No tenant-identifying information found in either the request or implied by any provided "
     "credentials."},
    {50072, "invalid_grant", "basic_action",
     "Due to a configuration change made by your administrator you must enroll in multi-factor "
     "authentication."},
    {50074, "invalid_grant", "basic_action", "Strong authentication is required."},
    {50076, "invalid_grant", "basic_action",
     "Due to a configuration change made by your administrator, or because you moved to a new "
     "location, you must use multi-factor authentication."},
    {50078, "invalid_grant", "basic_action",
     "Presented multi-factor authentication has expired due to policies configured by your "
     "administrator."},
    {50079, "invalid_grant", "basic_action",
     "Due to a configuration change made by your administrator you must enroll in multi-factor "
     "authentication."},
    {50097, "invalid_grant", "device_authentication_failed", "Device authentication is required."},
    {50126, "invalid_grant", NULL,
     "Error validating credentials due to invalid username or password."},
    {50128, "invalid_request", NULL,
     "Invalid domain name - no tenant-identifying information found."},
    {50129, "invalid_grant", NULL, "Device is not workplace joined."},
    {50132, "invalid_grant", "bad_token",
     "The session is not valid due to password expiration or recent password change."},
    {50133, "invalid_grant", "bad_token",
     "Session is invalid due to expiration or recent password change."},
    {50155, "invalid_grant", "device_authentication_failed",
     "Device authentication failed for this user."},
    {50158, "interaction_required", "basic_action", "External security challenge not satisfied."},
    {50168, "interaction_required", NULL,
     "The client is capable of obtaining an SSO token through the browser, but none was found."},
    {50173, "invalid_grant", "bad_token",
     "The provided grant has expired due to it being revoked. A fresh auth token is needed."},
    {50194, "invalid_request", NULL,
     "Application is not configured as a multi-tenant application. Usage of the /common endpoint "
     "is not supported."},
    {50196, "invalid_grant", NULL,
     "The server terminated an operation because it encountered a client request loop."},
    {50199, "slow_down", NULL, "Polling too fast."},
    {51004, "invalid_grant", NULL, "The user account doesn't exist in the directory."},
    {53000, "interaction_required", NULL,
     "Device is not in required device state: unmanaged. Conditional Access policy requires a "
     "compliant device."},
    {53001, "interaction_required", NULL,
     "Device is not in required device state. Conditional Access policy requires a domain joined "
     "device."},
    {53002, "interaction_required", NULL,
     "Application used is not an approved app for Conditional Access."},
    {53003, "invalid_grant", NULL,
     "Access has been blocked by Conditional Access policies. The access policy does not allow "
     "token issuance."},
    {530032, "invalid_grant", NULL, "Blocked by security policy."},
    {530035, "invalid_grant", NULL, "Access has been blocked by security defaults."},
    {54005, "invalid_grant", NULL,
     "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an "
     "existing refresh token."},
    {65001, "invalid_grant", "consent_required",
     "The user or administrator has not consented to use the application."},
    {65004, "access_denied", NULL, "User declined to consent to access the app."},
    {70000, "invalid_grant", "bad_token", "The provided value for the grant is not valid."},
    {70002, "invalid_client", NULL, "Error validating credentials."},
    {70003, "unsupported_grant_type", NULL, "The app requested an unsupported grant type."},
    {70008, "invalid_grant", "token_expired", "The refresh token has expired due to inactivity."},
    {70011, "invalid_scope", NULL,
     "The provided value for the input parameter 'scope' is not valid."},
    {70016, "authorization_pending", NULL,
     "OAuth 2.0 device flow error. Authorization is pending. Continue polling."},
    {70018, "bad_verification_code", NULL,
     "Invalid verification code due to user typing in wrong user code for device code flow."},
    {70019, "expired_token", NULL, "Verification code expired. Have the user retry the sign-in."},
    {70043, "invalid_grant", "token_expired",
     "The refresh token has expired or is invalid due to sign-in frequency checks by Conditional "
     "Access."},
    {90002, "invalid_request", NULL,
     "Tenant not found. Check to make sure you have the correct tenant ID and are signing into the "
     "correct cloud."},
    {90013, "invalid_request", NULL, "Invalid input received from the user."},
    {90014, "invalid_request", NULL, "The required field is missing from the request."},
    {90072, "invalid_grant", NULL,
     "User account from identity provider does not exist in tenant and cannot access the "
     "application."},
    {90094, "consent_required", NULL, "Admin consent is required."},
    {90095, "consent_required", NULL,
     "Admin consent is required: an approval request can be sent to the administrator."},
    {90120, "invalid_grant", NULL, "The request code was already authorized or declined."},
    {140000, "interaction_required", NULL, "Request nonce is not provided."},
    {500011, "invalid_resource", NULL, "The resource principal was not found in the tenant."},
    {501481, "invalid_grant", NULL,
     "The Code_Verifier does not match the code_challenge supplied in the authorization request."},
    {650057, "invalid_resource", NULL,
     "Invalid resource. The client has requested access to a resource which is not listed in the "
     "requested permissions."},
    {700005, "invalid_grant", NULL,
     "Provided authorization code is intended to use against other tenant, thus rejected."},
    {700016, "unauthorized_client", NULL, "Application was not found in the directory."},
    {700025, "invalid_client", NULL,
     "Client is public so neither 'client_assertion' nor 'client_secret' should be presented."},
    {700082, "invalid_grant", "token_expired",
     "The refresh token has expired due to inactivity. The token was issued on "
     "2026-01-01T00:00:00Z and was inactive for 90.00:00:00."},
    {700084, "invalid_grant", "token_expired",
     "The refresh token was issued to a single page app, and therefore has a fixed, limited "
     "lifetime of 1.00:00:00, which cannot be extended."},
    {900971, "invalid_request", NULL, "No reply address provided."},
    {7000218, "invalid_client", NULL,
     "The request body must contain the following parameter: 'client_assertion' or "
     "'client_secret'."},
};

static const struct aadsts *find(int aadsts)
{
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        if (table[i].number == aadsts) {
            return &table[i];
        }
    }
    return NULL;
}

const char *aadsts_error(int aadsts)
{
    const struct aadsts *row = find(aadsts);

    return row ? row->error : "invalid_grant";
}

const char *aadsts_text(int aadsts)
{
    const struct aadsts *row = find(aadsts);

    return row ? row->text : "An error that this simulation knows by its number only.";
}

void entra_error_as(const struct http_request *rq, struct http_response *rs, const char *error,
                    int aadsts, const char *suberror, const char *claims)
{
    const struct aadsts *row = find(aadsts);
    cJSON *root = cJSON_CreateObject();
    char trace[37];
    char correlation[37];
    char when[32];
    char *text;

    random_guid(trace);
    random_guid(correlation);
    format_iso(when, now_ms() / 1000);
    when[10] = ' ';
    text = xasprintf("AADSTS%d: %s Trace ID: %s Correlation ID: %s Timestamp: %s", aadsts,
                     aadsts_text(aadsts), trace, correlation, when);
    cJSON_AddStringToObject(root, "error", error);
    cJSON_AddStringToObject(root, "error_description", text);
    cJSON_AddItemToObject(root, "error_codes", cJSON_CreateIntArray(&aadsts, 1));
    cJSON_AddStringToObject(root, "timestamp", when);
    cJSON_AddStringToObject(root, "trace_id", trace);
    cJSON_AddStringToObject(root, "correlation_id", correlation);
    free(text);
    text = xasprintf("%s/error?code=%d", rq->login_url, aadsts);
    cJSON_AddStringToObject(root, "error_uri", text);
    free(text);
    if (!suberror && row) {
        suberror = row->suberror;
    }
    if (suberror) {
        cJSON_AddStringToObject(root, "suberror", suberror);
    }
    if (claims) {
        cJSON_AddStringToObject(root, "claims", claims);
    }
    http_reply_json(rs, strcmp(error, "invalid_client") == 0 ? 401 : 400, root);
}

void entra_error(const struct http_request *rq, struct http_response *rs, int aadsts,
                 const char *suberror, const char *claims)
{
    entra_error_as(rq, rs, aadsts_error(aadsts), aadsts, suberror, claims);
}

void entra_error_page(struct http_response *rs, int aadsts)
{
    char *page = xasprintf(
        "<!DOCTYPE html><html><head><meta charset=\"utf-8\"><title>Sign in to your account</title>"
        "</head><body><h1>Sorry, but we're having trouble signing you in.</h1>"
        "<p id=\"error\">AADSTS%d: %s</p></body></html>",
        aadsts, aadsts_text(aadsts));

    http_reply_text(rs, 400, "text/html; charset=utf-8", page);
    free(page);
}
