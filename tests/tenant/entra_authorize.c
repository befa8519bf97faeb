/*
 * entra_authorize.c - what a browser sees: /authorize, its form, device login, admin consent.
 *
 * The pages are plain forms with stable names (login, passwd, action), so that a test can post
 * them: /authorize shows a form whose hidden field `ctx` is the query of the request; it goes to
 * /{tenant}/login.
 */
#include <stdlib.h>
#include <string.h>

#include "entra.h"

#define HTML "text/html; charset=utf-8"
#define CODE_LIFE_MS (10 * 60 * 1000)
#define COOKIE "ESTSAUTHPERSISTENT="

/* --- helpers -------------------------------------------------------------------------------------
 */

static void add_escaped(struct strbuf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '&':
            sb_puts(out, "&amp;");
            break;
        case '<':
            sb_puts(out, "&lt;");
            break;
        case '>':
            sb_puts(out, "&gt;");
            break;
        case '"':
            sb_puts(out, "&quot;");
            break;
        default:
            sb_add(out, text, 1);
        }
    }
}

static void begin_page(struct strbuf *out, const char *title)
{
    sb_printf(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>%s</title><style>"
        "body{font:16px sans-serif;max-width:26em;margin:4em auto}input,button,select{font:inherit;"
        "display:block;width:100%%;margin:.4em 0;padding:.4em}</style></head><body>\n<h1>%s</h1>\n",
        title, title);
}

static void send_page(struct http_response *rs, struct strbuf *out)
{
    sb_puts(out, "</body></html>\n");
    http_reply_text(rs, 200, HTML, out->data);
    sb_clear(out);
}

/* A field of the request that began the sign-in. */
static char *asked(const char *query, const char *name)
{
    return form_get(query, name);
}

/* Back to the application: a redirect with these parameters, state included. */
static void send_back(struct http_response *rs, const char *query, const char *params)
{
    char *redirect = asked(query, "redirect_uri");
    char *state = asked(query, "state");
    const char *after_scheme = strstr(redirect, "://");
    bool no_path = after_scheme && !strchr(after_scheme + 3, '/') && !strchr(redirect, '?');
    struct strbuf url = {0};

    /* A redirect without a path is called with a '/'. */
    sb_printf(&url, "%s%s%s%s", redirect, no_path ? "/" : "", strchr(redirect, '?') ? "&" : "?",
              params);
    if (state) {
        char *encoded = url_encode(state);

        sb_printf(&url, "&state=%s", encoded);
        free(encoded);
    }
    http_reply_redirect(rs, 302, url.data);
    sb_clear(&url);
    free(redirect);
    free(state);
}

static void send_error_back(struct http_response *rs, const char *query, const char *error,
                            int aadsts, const char *suffix)
{
    char *text = xasprintf("AADSTS%d: %s", aadsts, aadsts_text(aadsts));
    char *encoded = url_encode(text);
    char *params = xasprintf("error=%s&error_description=%s%s", error, encoded, suffix);

    send_back(rs, query, params);
    free(text);
    free(encoded);
    free(params);
}

/* --- the code ------------------------------------------------------------------------------------
 */

static void hand_out_code(struct sign_in *si, const char *query, struct user *u)
{
    char *client_id = asked(query, "client_id");
    char *scope = asked(query, "scope");
    char *method = asked(query, "code_challenge_method");
    char *session = tokens_new_session(&si->s->tokens, u);
    struct auth_code code = {.redirect_uri = asked(query, "redirect_uri"),
                             .challenge = asked(query, "code_challenge"),
                             .nonce = asked(query, "nonce"),
                             .is_s256 = method && strcmp(method, "S256") == 0,
                             .expires_ms = now_ms() + CODE_LIFE_MS};
    char *params;

    code.grant.tenant = u->tenant;
    code.grant.user = u;
    code.grant.client_id = client_id;
    scope_read(&code.grant, scope);
    params = xasprintf("code=%s", tokens_add_code(&si->s->tokens, &code));
    send_back(si->rs, query, params);
    http_add_header(si->rs, "Set-Cookie", COOKIE "%s; path=/; Secure; HttpOnly; SameSite=None",
                    session);
    free(params);
    free(session);
    free(method);
    free(scope);
}

/* Consent is asked once: then the tenant has it. Returns true when the code may be handed out. */
static bool consent_is_there(struct sign_in *si, const char *query, const struct user *u,
                             const char *action)
{
    char *consent = signin_text(si->s, u->tenant, "consent");
    bool wanted = consent && (strcmp(consent, "required") == 0 || strcmp(consent, "admin") == 0);
    bool is_admin = consent && strcmp(consent, "admin") == 0;
    struct strbuf page = {0};
    cJSON *granted;

    free(consent);
    if (!wanted) {
        return true;
    }
    if (is_admin) {
        send_error_back(si->rs, query, "consent_required", 90094, "");
        return false;
    }
    if (action && strcmp(action, "accept") == 0) {
        granted = cJSON_CreateObject();
        cJSON_AddStringToObject(granted, "consent", "granted");
        signin_configure(si->s, u->tenant, granted);
        cJSON_Delete(granted);
        return true;
    }
    begin_page(&page, "Permissions requested");
    sb_printf(
        &page,
        "<form method=\"post\" action=\"/%s/login\"><input type=\"hidden\" name=\"ctx\" value=\"",
        si->authority);
    add_escaped(&page, query);
    sb_puts(&page, "\"><input type=\"hidden\" name=\"login\" value=\"");
    add_escaped(&page, u->upn);
    sb_puts(&page, "\"><button name=\"action\" value=\"accept\">Accept</button>"
                   "<button name=\"action\" value=\"decline\">Cancel</button></form>");
    send_page(si->rs, &page);
    return false;
}

/* --- /authorize ----------------------------------------------------------------------------------
 */

static void show_form(struct sign_in *si, const char *query, const char *problem)
{
    char *hint = asked(query, "login_hint");
    struct strbuf page = {0};

    begin_page(&page, "Sign in");
    if (problem) {
        sb_printf(&page, "<p id=\"error\">%s</p>", problem);
    }
    sb_printf(
        &page,
        "<form method=\"post\" action=\"/%s/login\"><input type=\"hidden\" name=\"ctx\" value=\"",
        si->authority);
    add_escaped(&page, query);
    sb_puts(
        &page,
        "\"><label>Account <input name=\"login\" list=\"accounts\" autocomplete=\"off\" value=\"");
    add_escaped(&page, hint ? hint : "");
    sb_puts(&page, "\"></label><datalist id=\"accounts\">");
    for (size_t i = 0; i < si->s->world->n_tenants; i++) {
        const struct tenant *t = &si->s->world->tenants[i];

        for (size_t k = 0; (!si->tenant || t == si->tenant) && k < t->n_users && k < 50; k++) {
            sb_puts(&page, "<option value=\"");
            add_escaped(&page, t->users[k].upn);
            sb_puts(&page, "\">");
        }
    }
    sb_puts(&page,
            "</datalist><label>Password <input name=\"passwd\" type=\"password\"></label>"
            "<button name=\"action\" value=\"signin\">Sign in</button>"
            "<button name=\"action\" value=\"cancel\">Cancel</button></form>"
            "<p>This is a simulation. Any password will do unless the scenario sets one.</p>");
    send_page(si->rs, &page);
    free(hint);
}

/* 0 or what is wrong with the request before anybody may be redirected. */
static int request_problem(struct sign_in *si, const char *query)
{
    char *client_id = asked(query, "client_id");
    char *redirect = asked(query, "redirect_uri");
    int aadsts = 0;

    if (!client_id || *client_id == '\0') {
        aadsts = 90014;
    } else if (!redirect || *redirect == '\0') {
        aadsts = 900971;
    } else if (!redirect_allowed(si->tenant ? si->tenant : &si->s->world->tenants[0], redirect)) {
        aadsts = 50011;
    } else if (!si->tenant && signin_flag(si->s, NULL, "single_tenant")) {
        aadsts = 50194;
    }
    free(client_id);
    free(redirect);
    return aadsts;
}

static struct user *find_user(struct sign_in *si, const char *upn)
{
    const char *at = strchr(upn, '@');
    struct tenant *t = at ? world_tenant(si->s->world, at + 1) : si->tenant;

    if (!t || (si->tenant && t != si->tenant)) {
        return NULL;
    }
    return tenant_user(t, upn);
}

static struct user *session_user(struct sign_in *si)
{
    const char *cookies = http_header(si->rq, "Cookie");
    const char *at = cookies ? strstr(cookies, COOKIE) : NULL;
    struct user *u = NULL;
    char *id;

    if (at) {
        at += strlen(COOKIE);
        id = xstrndup(at, strcspn(at, "; "));
        u = tokens_session_user(&si->s->tokens, id);
        free(id);
    }
    return u && (!si->tenant || u->tenant == si->tenant) ? u : NULL;
}

/* The primary refresh token of Windows: header or cookie x-ms-RefreshTokenCredential, a JWT whose
 * claims hold refresh_token and request_nonce. Its signature is not checked here.
 * Returns true when it answered or found *user. */
static bool use_sso_token(struct sign_in *si, const char *query, struct user **user)
{
    const char *jwt = http_header(si->rq, "x-ms-RefreshTokenCredential");
    const char *cookies = http_header(si->rq, "Cookie");
    const char *dot;
    struct grant g = {0};
    cJSON *claims = NULL;
    const char *nonce;
    const char *refresh;
    size_t n;

    if (!jwt && cookies && strstr(cookies, "x-ms-RefreshTokenCredential=")) {
        jwt = strstr(cookies, "x-ms-RefreshTokenCredential=") +
              strlen("x-ms-RefreshTokenCredential=");
    }
    dot = jwt ? strchr(jwt, '.') : NULL;
    if (!dot) {
        return false;
    }
    n = strcspn(dot + 1, ".;");
    char *text = base64url_decode(dot + 1, n, &n);

    claims = text ? cJSON_ParseWithLength(text, n) : NULL;
    nonce = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(claims, "request_nonce"));
    refresh = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(claims, "refresh_token"));
    if (!nonce || !tokens_use_nonce(&si->s->tokens, nonce)) {
        /* The same URL again, with a nonce to put into the next token. */
        char *fresh = tokens_new_nonce(&si->s->tokens);
        char *plain = xstrndup(query, strstr(query, "&sso_nonce=")
                                          ? (size_t)(strstr(query, "&sso_nonce=") - query)
                                          : strlen(query));
        char *url =
            xasprintf("%s%s?%s&sso_nonce=%s", si->rq->login_url, si->rq->path, plain, fresh);

        http_reply_redirect(si->rs, 302, url);
        free(url);
        free(plain);
        free(fresh);
    } else if (refresh &&
               tokens_check_refresh(&si->s->tokens, si->s->world, refresh, &g) == TOKEN_GOOD &&
               (!si->tenant || g.tenant == si->tenant)) {
        *user = g.user;
    }
    grant_clear(&g);
    cJSON_Delete(claims);
    free(text);
    return si->rs->status != 0 || *user;
}

/* Who signs in without being asked: by a switch of the scenario, or by an earlier session. */
static struct user *silent_user(struct sign_in *si, const char *query, const char *prompt)
{
    bool may_reuse =
        !prompt || (strcmp(prompt, "login") != 0 && strcmp(prompt, "select_account") != 0);
    char *hint = asked(query, "login_hint");
    struct user *u = may_reuse ? session_user(si) : NULL;
    struct tenant *t = si->tenant ? si->tenant : &si->s->world->tenants[0];

    if (!u && signin_flag(si->s, t, "auto_approve")) {
        u = hint ? find_user(si, hint) : NULL;
        u = u ? u : &t->users[0];
    }
    free(hint);
    return u;
}

void entra_authorize(struct sign_in *si)
{
    const char *query = si->form ? si->form : "";
    int aadsts = request_problem(si, query);
    char *type = asked(query, "response_type");
    char *prompt = asked(query, "prompt");
    char *scope = asked(query, "scope");
    struct user *u = NULL;
    int forced;

    if (aadsts != 0) {
        entra_error_page(si->rs, aadsts);
    } else if (!type || strcmp(type, "code") != 0) {
        send_error_back(si->rs, query, "unsupported_response_type", 90013, "");
    } else if (!scope || *scope == '\0') {
        send_error_back(si->rs, query, "invalid_request", 90014, "");
    } else if ((forced = signin_number(si->s, si->tenant, "authorize_aadsts", 0)) != 0) {
        send_error_back(si->rs, query, aadsts_error(forced), forced, "");
    } else if (use_sso_token(si, query, &u) && !u) {
        /* redirected for a nonce */
    } else {
        u = u ? u : silent_user(si, query, prompt);
        if (u) {
            if (consent_is_there(si, query, u, NULL)) {
                hand_out_code(si, query, u);
            }
        } else if (prompt && strcmp(prompt, "none") == 0) {
            send_error_back(si->rs, query, "login_required", 50058, "");
        } else {
            show_form(si, query, NULL);
        }
    }
    free(type);
    free(prompt);
    free(scope);
}

static bool password_fits(const struct user *u, const char *given)
{
    const char *want = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(u->spec, "password"));

    return !want || (given && strcmp(want, given) == 0);
}

/* The form was posted. */
void entra_login_form(struct sign_in *si)
{
    char *query = sign_in_field(si, "ctx");
    char *login = sign_in_field(si, "login");
    char *passwd = sign_in_field(si, "passwd");
    char *action = sign_in_field(si, "action");
    struct user *u = login ? find_user(si, login) : NULL;
    bool consents = action && (strcmp(action, "accept") == 0 || strcmp(action, "decline") == 0);

    if (!query || request_problem(si, query) != 0) {
        entra_error_page(si->rs, 90013);
    } else if (action && strcmp(action, "cancel") == 0) {
        send_error_back(si->rs, query, "access_denied", 65004, "&error_subcode=cancel");
    } else if (action && strcmp(action, "decline") == 0) {
        send_error_back(si->rs, query, "access_denied", 65004, "");
    } else if (!u) {
        show_form(si, query, "This username may be incorrect.");
    } else if (!consents && !password_fits(u, passwd)) {
        show_form(si, query, "Your account or password is incorrect. AADSTS50126");
    } else if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(u->spec, "disabled"))) {
        send_error_back(si->rs, query, "access_denied", 50057, "");
    } else if (consent_is_there(si, query, u, action)) {
        hand_out_code(si, query, u);
    }
    free(query);
    free(login);
    free(passwd);
    free(action);
}

/* --- device login and admin consent --------------------------------------------------------------
 */

void entra_device_page(struct sign_in *si)
{
    char *code = si->form ? form_get(si->form, "otc") : NULL;
    char *login = si->form ? form_get(si->form, "login") : NULL;
    char *passwd = si->form ? form_get(si->form, "passwd") : NULL;
    char *action = si->form ? form_get(si->form, "action") : NULL;
    struct user *u = login ? find_user(si, login) : NULL;
    struct strbuf page = {0};

    begin_page(&page, "Enter code");
    if (strcmp(si->rq->method, "POST") == 0) {
        bool approve = !action || strcmp(action, "decline") != 0;
        bool done = code && u && password_fits(u, passwd) &&
                    tokens_decide_device(&si->s->tokens, code, u, approve);

        sb_puts(&page, !done ? "<p id=\"error\">That code didn't work. Check the code, the account "
                               "and try again.</p>"
                       : approve
                           ? "<p id=\"done\">You have signed in. You may now close this window.</p>"
                           : "<p id=\"done\">You declined the sign-in.</p>");
    } else {
        sb_puts(&page, "<form method=\"post\" action=\"/devicelogin\">"
                       "<label>Code <input name=\"otc\" autocomplete=\"off\"></label>"
                       "<label>Account <input name=\"login\" autocomplete=\"off\"></label>"
                       "<label>Password <input name=\"passwd\" type=\"password\"></label>"
                       "<button name=\"action\" value=\"approve\">Next</button>"
                       "<button name=\"action\" value=\"decline\">Cancel</button></form>");
    }
    send_page(si->rs, &page);
    free(code);
    free(login);
    free(passwd);
    free(action);
}

void entra_admin_consent(struct sign_in *si)
{
    bool posted = strcmp(si->rq->method, "POST") == 0;
    char *query = posted ? sign_in_field(si, "ctx") : xstrdup(si->form ? si->form : "");
    char *action = posted ? sign_in_field(si, "action") : NULL;
    struct tenant *t = si->tenant ? si->tenant : &si->s->world->tenants[0];
    struct strbuf page = {0};

    if (!query || request_problem(si, query) != 0 || strcmp(si->authority, "common") == 0) {
        entra_error_page(si->rs, 90013);
    } else if (!posted) {
        begin_page(&page, "Permissions requested: review for your organization");
        sb_printf(&page,
                  "<form method=\"post\" action=\"/%s/v2.0/adminconsent\"><input type=\"hidden\" "
                  "name=\"ctx\" value=\"",
                  si->authority);
        add_escaped(&page, query);
        sb_puts(&page, "\"><button name=\"action\" value=\"accept\">Accept</button>"
                       "<button name=\"action\" value=\"decline\">Cancel</button></form>");
        send_page(si->rs, &page);
    } else if (action && strcmp(action, "accept") == 0) {
        cJSON *granted = cJSON_CreateObject();
        char *scope = asked(query, "scope");
        char *encoded = url_encode(scope ? scope : "");
        char *params = xasprintf("admin_consent=True&tenant=%s&scope=%s", t->id, encoded);

        cJSON_AddStringToObject(granted, "consent", "granted");
        signin_configure(si->s, t, granted);
        send_back(si->rs, query, params);
        cJSON_Delete(granted);
        free(scope);
        free(encoded);
        free(params);
    } else {
        /* A refusal says admin_consent=True, too. */
        char *suffix = xasprintf("&admin_consent=True&tenant=%s", t->id);

        send_error_back(si->rs, query, "access_denied", 65004, suffix);
        free(suffix);
    }
    free(query);
    free(action);
}
