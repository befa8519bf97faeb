/* test_graph_signin.c - signing in to the simulated tenant, over the wire, with the real governor.
 */
#include "mapper/account.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/secret.h"
#include "base/str.h"
#include "base/thread.h"
#include "graph/sso.h"
#include "graph/token.h"
#include "graph/token_store.h"
#include "mapper/graph.h"
#include "tenant_fixture.h"
#include "test.h"

#define CLIENT_ID "00000000-0000-0000-0000-000000000001"

struct world {
    struct tenant_fixture *tenant;
    struct graph *graph;
    char *tokens; /* folder */
};

static int setup(void **state)
{
    struct tenant_fixture_options options = {.has_http2 = getenv("WIRE_HTTP2") != NULL};
    struct graph_options graph_options = {0};
    struct world *w = calloc(1, sizeof(*w));
    struct error err = {0};

    w->tenant = tenant_fixture_start(&options);
    graph_options.ca_file = w->tenant->ca_file;
    if (graph_new(&w->graph, &graph_options, &err) < 0) {
        fail_msg("%s", err.message);
    }
    assert_int_equal(str_format(&w->tokens, NULL, "%s/tokens", w->tenant->directory), 0);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;

    graph_free(w->graph);
    tenant_fixture_stop(w->tenant);
    free(w->tokens);
    free(w);
    return 0;
}

static struct account *open_tenant(struct world *w, const char *tenant)
{
    struct account_options options = {.tenant = tenant,
                                      .client_id = CLIENT_ID,
                                      .cloud = CLOUD_CUSTOM,
                                      .login_url = w->tenant->login_url,
                                      .graph_url = w->tenant->graph_url,
                                      .token_directory = w->tokens};
    struct account *account = NULL;
    struct error err = {0};

    if (account_new(&account, w->graph, &options, &err) < 0) {
        fail_msg("%s", err.message);
    }
    return account;
}

/* An account as an earlier sign-in left it. */
static struct account *open_with_refresh_token(struct world *w)
{
    struct token_data data = {.serial = 1};
    char *path = NULL;

    data.refresh_token = tenant_refresh_token(w->tenant, NULL, NULL);
    assert_int_equal(file_make_private_directory(w->tokens, NULL), 0);
    assert_int_equal(token_store_path(&path, w->tokens, w->tenant->domain, CLIENT_ID,
                                      w->tenant->login_url, NULL),
                     0);
    assert_int_equal(token_store_write(path, &data, NULL), 0);
    token_data_clear(&data);
    free(path);
    return open_tenant(w, w->tenant->domain);
}

static void expect_code(int code, int expected, const struct error *err)
{
    if (code != expected) {
        fail_msg("%s and not %s: %s", error_name(code), error_name(expected), err->message);
    }
}

static void sign_in_silent(struct account *account, int expected)
{
    struct error err = {0};

    expect_code(account_sign_in_silent(account, NULL, &err), expected, &err);
}

/* A call to Graph with the account's token. */
static void use(struct account *account, int expected)
{
    struct graph_drive drive = {0};
    struct error err = {0};

    expect_code(graph_get_my_drive(&drive, account, NULL, &err), expected, &err);
    graph_drive_clear(&drive);
}

static void expect_state(struct account *account, enum account_state state, const char *words)
{
    struct account_info info;

    account_info(account, &info);
    assert_int_equal(info.state, state);
    if (!strstr(info.reason, words)) {
        fail_msg("'%s' does not say '%s'", info.reason, words);
    }
}

static int token_requests(struct world *w)
{
    return tenant_count(w->tenant, "POST", "/*/oauth2/v2.0/token");
}

/* --- the session's own sign-in --- */

/* A double of what Windows does: a "primary refresh token" in a JWT that nobody signed, with the
 * nonce of the URL it is asked for. */
struct sso_double {
    char *refresh_token;
    int asked;
    bool is_empty;      /* this device has none */
    bool leaves_nonce;  /* does not put the nonce in */
    const char *forged; /* a value that holds another header */
};

static int sso_double_ask(void *payload, struct str_list *headers, const char *url,
                          struct error *err)
{
    struct sso_double *sso = payload;
    const char *nonce = strstr(url, "sso_nonce=");
    struct buf claims;
    char *encoded = NULL;
    char *value = NULL;
    int code;

    sso->asked++;
    if (sso->is_empty) {
        return 0;
    }
    if (sso->forged) {
        return sso_add_header(headers, "x-ms-RefreshTokenCredential", sso->forged, err);
    }
    buf_init(&claims, 1 << 16);
    assert_int_equal(buf_add_format(&claims, NULL, "{\"refresh_token\":\"%s\"", sso->refresh_token),
                     0);
    if (nonce && !sso->leaves_nonce) {
        nonce += strlen("sso_nonce=");
        assert_int_equal(buf_add_format(&claims, NULL, ",\"request_nonce\":\"%.*s\"",
                                        (int)strcspn(nonce, "&"), nonce),
                         0);
    }
    assert_int_equal(buf_add_text(&claims, "}", NULL), 0);
    assert_int_equal(str_base64url_encode(&encoded, claims.data, claims.size, NULL), 0);
    assert_int_equal(str_format(&value, NULL, "e30.%s.x; path=/; secure", encoded), 0);
    code = sso_add_header(headers, "x-ms-RefreshTokenCredential", value, err);
    if (code == 0) { /* not ours to send */
        code = sso_add_header(headers, "MSPRequ", "lt=1", err);
    }
    buf_clear(&claims);
    free(encoded);
    free(value);
    return code;
}

static struct account *open_with_sso(struct world *w, struct sso_double *sso)
{
    struct account_options options = {.tenant = w->tenant->domain,
                                      .client_id = CLIENT_ID,
                                      .cloud = CLOUD_CUSTOM,
                                      .login_url = w->tenant->login_url,
                                      .graph_url = w->tenant->graph_url,
                                      .token_directory = w->tokens,
                                      .sso = {.ask = sso_double_ask, .payload = sso}};
    struct account *account = NULL;
    struct error err = {0};

    sso->refresh_token = tenant_refresh_token(w->tenant, NULL, NULL);
    if (account_new(&account, w->graph, &options, &err) < 0) {
        fail_msg("%s", err.message);
    }
    return account;
}

static void sign_in_session(struct account *account, int expected)
{
    struct error err = {0};

    expect_code(account_sign_in_session(account, NULL, &err), expected, &err);
}

static void signin_session__asks_again_with_the_nonce(void **state)
{
    struct world *w = *state;
    struct sso_double sso = {0};
    struct account *account = open_with_sso(w, &sso);
    struct account_info info;
    struct error err = {0};

    sign_in_silent(account, ERR_SIGNED_OUT);
    tenant_tell(w->tenant, "clear-log", NULL);
    sign_in_session(account, 0);
    assert_int_equal(sso.asked, 2);
    assert_int_equal(tenant_count(w->tenant, "GET", "/*/oauth2/v2.0/authorize"), 2);
    assert_int_equal(token_requests(w), 1);
    expect_state(account, ACCOUNT_SIGNED_IN, "");
    use(account, 0);
    expect_code(account_identify(account, NULL, &err), 0, &err);
    account_info(account, &info);
    assert_string_equal(info.user_name, w->tenant->user);
    account_unref(account);
    account = open_tenant(w, w->tenant->domain); /* kept like any other sign-in */
    sign_in_silent(account, 0);
    account_unref(account);
    secret_free(&sso.refresh_token);
}

static void signin_session__leaves_the_account_as_it_was(void **state)
{
    struct world *w = *state;
    struct sso_double sso = {.is_empty = true};
    struct account *account = open_with_sso(w, &sso);

    sign_in_silent(account, ERR_SIGNED_OUT);
    expect_state(account, ACCOUNT_SIGNED_OUT, "mooring login");
    sign_in_session(account, ERR_NOT_FOUND);
    expect_state(account, ACCOUNT_SIGNED_OUT, "mooring login");
    sso.is_empty = false;
    tenant_tell(w->tenant, "revoke", "{'user':'%s'}", w->tenant->user);
    sign_in_session(account, ERR_SIGNED_OUT); /* Entra wants a person */
    assert_int_equal(token_requests(w), 0);
    expect_state(account, ACCOUNT_SIGNED_OUT, "mooring login");
    account_unref(account);
    secret_free(&sso.refresh_token);
}

static void signin_session__gives_up_when_the_nonce_never_comes(void **state)
{
    struct world *w = *state;
    struct sso_double sso = {.leaves_nonce = true};
    struct account *account = open_with_sso(w, &sso);

    sign_in_session(account, ERR_SIGNED_OUT);
    assert_in_range(sso.asked, 2, 4);
    assert_int_equal(token_requests(w), 0);
    account_unref(account);
    secret_free(&sso.refresh_token);
}

static void signin_session__sends_nothing_that_forges_a_header(void **state)
{
    struct world *w = *state;
    struct sso_double sso = {.forged = "a\r\nCookie: b"};
    struct account *account = open_with_sso(w, &sso);

    sign_in_session(account, ERR_PROTOCOL);
    assert_int_equal(tenant_count(w->tenant, "GET", "/*/oauth2/v2.0/authorize"), 0);
    account_unref(account);
    secret_free(&sso.refresh_token);
}

static void signin_session__of_a_system_without_one_says_so(void **state)
{
    struct world *w = *state;
    struct account *account = open_tenant(w, w->tenant->domain);

    sign_in_session(account, ERR_UNSUPPORTED);
    account_unref(account);
}

/* --- refresh token --- */

static void signin__from_a_refresh_token_takes_three_requests(void **state)
{
    struct world *w = *state;
    struct account *account = open_with_refresh_token(w);
    struct account_info info;
    struct error err = {0};

    tenant_tell(w->tenant, "clear-log", NULL);
    sign_in_silent(account, 0);
    expect_code(account_identify(account, NULL, &err), 0, &err);
    assert_int_equal(tenant_count(w->tenant, "GET", "/*/v2.0/.well-known/openid-configuration"), 1);
    assert_int_equal(token_requests(w), 1);
    assert_int_equal(tenant_count(w->tenant, "POST", "/v1.0/$batch"), 1);
    assert_int_equal(tenant_count(w->tenant, NULL, NULL),
                     3 + 2); /* the log lists a batch's parts */
    account_info(account, &info);
    assert_int_equal(info.state, ACCOUNT_SIGNED_IN);
    assert_string_equal(info.tenant_id, w->tenant->tenant_id);
    assert_string_equal(info.initial_domain, w->tenant->domain);
    assert_string_equal(info.user_name, w->tenant->user);
    assert_string_not_equal(info.tenant_name, "");
    account_unref(account);

    tenant_tell(w->tenant, "clear-log", NULL); /* and the next start none */
    account = open_tenant(w, w->tenant->domain);
    sign_in_silent(account, 0);
    expect_code(account_identify(account, NULL, &err), 0, &err);
    assert_int_equal(tenant_count(w->tenant, NULL, NULL), 0);
    use(account, 0);
    account_unref(account);
}

static void signin__of_two_processes_asks_once(void **state)
{
    struct world *w = *state;
    struct account *first = open_with_refresh_token(w);
    struct account *second = open_tenant(w, w->tenant->domain);

    tenant_tell(w->tenant, "clear-log", NULL);
    sign_in_silent(first, 0);
    sign_in_silent(second, 0);
    assert_int_equal(token_requests(w), 1);
    use(second, 0);
    account_unref(first);
    account_unref(second);
}

static void signin__is_renewed_when_graph_refuses_the_token(void **state)
{
    struct world *w = *state;
    struct account *account = open_with_refresh_token(w);

    use(account, 0);
    tenant_tell(w->tenant, "expire-tokens", NULL);
    tenant_tell(w->tenant, "clear-log", NULL);
    use(account, 0);
    assert_int_equal(token_requests(w), 1);
    expect_state(account, ACCOUNT_SIGNED_IN, "");
    account_unref(account);
}

static void signin__ends_when_it_is_revoked(void **state)
{
    struct world *w = *state;
    struct account *account = open_with_refresh_token(w);

    use(account, 0);
    tenant_tell(w->tenant, "revoke", "{'user':'%s'}", w->tenant->user);
    use(account, ERR_SIGNED_OUT);
    expect_state(account, ACCOUNT_SIGNED_OUT, "mooring login");
    account_unref(account);
    account = open_tenant(w, w->tenant->domain); /* the dead token was not kept */
    tenant_tell(w->tenant, "clear-log", NULL);
    sign_in_silent(account, ERR_SIGNED_OUT);
    assert_int_equal(tenant_count(w->tenant, NULL, NULL), 0);
    account_unref(account);
}

static void signin__survives_a_minute_without_tenant(void **state)
{
    struct world *w = *state;
    struct account *account = open_with_refresh_token(w);
    struct call hasty = {.deadline_ms = clock_mono_ms(clock_system()) + 1000};
    struct error err = {0};
    int code;

    tenant_tell(w->tenant, "pause", "{'seconds':600}");
    code = account_sign_in_silent(account, &hasty, &err);
    assert_true(code == ERR_UNREACHABLE || code == ERR_TIMED_OUT || code == ERR_THROTTLED);
    expect_state(account, ACCOUNT_OFFLINE, "");
    tenant_tell(w->tenant, "pause", "{'seconds':0}");
    sign_in_silent(account, 0);
    expect_state(account, ACCOUNT_SIGNED_IN, "");
    account_unref(account);
}

static void signin__repeats_when_entra_is_busy(void **state)
{
    struct world *w = *state;
    struct account *account = open_with_refresh_token(w);

    tenant_tell(w->tenant, "faults",
                "{'match':{'path':'/*/oauth2/v2.0/token'},'count':2,"
                "'action':{'status':503,'headers':{'Retry-After':'1'}}}");
    sign_in_silent(account, 0);
    account_unref(account);
}

static void signin__keeps_the_token_while_policy_blocks(void **state)
{
    struct world *w = *state;
    struct account *account = open_with_refresh_token(w);

    tenant_tell(w->tenant, "signin", "{'refresh_aadsts':53003}");
    sign_in_silent(account, ERR_SIGNED_OUT);
    expect_state(account, ACCOUNT_SIGNED_OUT, "Conditional Access");
    tenant_tell(w->tenant, "signin", "{'refresh_aadsts':0}");
    sign_in_silent(account, 0);
    account_unref(account);
}

static void signin__says_that_a_tenant_is_unknown(void **state)
{
    struct account *account = open_tenant(*state, "nobody.example");
    struct error err = {0};

    expect_code(account_sign_in_device_code(account, NULL, NULL, NULL, &err), ERR_SIGNED_OUT, &err);
    assert_non_null(strstr(err.message, "no such tenant"));
    account_unref(account);
}

/* --- claims challenges --- */

static void signin__answers_a_claims_challenge(void **state)
{
    struct world *w = *state;
    struct account *account = open_with_refresh_token(w);

    use(account, 0);
    tenant_tell(w->tenant, "claims-challenge", "{'user':'%s'}", w->tenant->user);
    tenant_tell(w->tenant, "clear-log", NULL);
    use(account, 0);
    assert_int_equal(token_requests(w), 1);
    use(account, 0);
    assert_int_equal(token_requests(w), 1);
    account_unref(account);
}

/* --- a person --- */

struct person {
    struct world *world;
    const char *action;
    struct thread browser;
    char url[8192];
};

/* Enters the code on another device. */
static void enter_code(void *payload, const struct account_prompt *prompt)
{
    struct person *person = payload;

    assert_non_null(prompt->message);
    tenant_tell(person->world->tenant, "device", "{'action':'%s','user':'%s','user_code':'%s'}",
                person->action, person->world->tenant->user, prompt->user_code);
}

static void signin_device__is_approved_elsewhere(void **state)
{
    struct world *w = *state;
    struct person person = {.world = w, .action = "approve"};
    struct account *account = open_tenant(w, "organizations");
    struct account_info info;
    struct error err = {0};

    tenant_tell(w->tenant, "signin", "{'device_code_interval':1}");
    expect_code(account_sign_in_device_code(account, enter_code, &person, NULL, &err), 0, &err);
    use(account, 0);
    account_info(account, &info);
    assert_string_equal(info.user_name, w->tenant->user);
    assert_string_equal(info.tenant_id, w->tenant->tenant_id);
    account_unref(account);
    account = open_tenant(w, "organizations");
    sign_in_silent(account, 0);
    use(account, 0);
    account_unref(account);
}

static void signin_device__is_declined_elsewhere(void **state)
{
    struct world *w = *state;
    struct person person = {.world = w, .action = "decline"};
    struct account *account = open_tenant(w, w->tenant->domain);
    struct error err = {0};

    tenant_tell(w->tenant, "signin", "{'device_code_interval':1}");
    expect_code(account_sign_in_device_code(account, enter_code, &person, NULL, &err), ERR_DENIED,
                &err);
    expect_state(account, ACCOUNT_SIGNED_OUT, "declined");
    account_unref(account);
}

static void signin_device__expires(void **state)
{
    struct world *w = *state;
    struct person person = {.world = w, .action = "expire"};
    struct account *account = open_tenant(w, w->tenant->domain);
    struct error err = {0};

    tenant_tell(w->tenant, "signin", "{'device_code_interval':1}");
    expect_code(account_sign_in_device_code(account, enter_code, &person, NULL, &err),
                ERR_TIMED_OUT, &err);
    account_unref(account);
}

static size_t ignore_body(char *data, size_t size, size_t count, void *payload)
{
    (void)data;
    (void)payload;
    return size * count;
}

/* Follows the redirects as a browser does; the tenant approves by itself. */
static void *browse(void *payload)
{
    struct person *person = payload;
    CURL *easy = curl_easy_init();

    curl_easy_setopt(easy, CURLOPT_URL, person->url);
    curl_easy_setopt(easy, CURLOPT_CAINFO, person->world->tenant->ca_file);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT, 30L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, ignore_body);
    (void)curl_easy_perform(easy);
    curl_easy_cleanup(easy);
    return NULL;
}

static void open_browser(void *payload, const struct account_prompt *prompt)
{
    struct person *person = payload;

    snprintf(person->url, sizeof(person->url), "%s", prompt->verification_url);
    assert_int_equal(thread_start(&person->browser, "browser", browse, person, NULL), 0);
}

static void signin_browser__proves_itself_by_pkce(void **state)
{
    struct world *w = *state;
    struct person person = {.world = w};
    struct account *account = open_tenant(w, w->tenant->domain);
    struct error err = {0};
    int code;

    tenant_tell(w->tenant, "signin", "{'auto_approve':true}");
    code = account_sign_in_browser(account, open_browser, &person, NULL, &err);
    thread_join(&person.browser);
    expect_code(code, 0, &err);
    use(account, 0);
    expect_state(account, ACCOUNT_SIGNED_IN, "");
    account_unref(account);
}

static void signin_browser__tells_why_it_was_refused(void **state)
{
    struct world *w = *state;
    struct person person = {.world = w};
    struct account *account = open_tenant(w, w->tenant->domain);
    struct error err = {0};
    int code;

    tenant_tell(w->tenant, "signin", "{'authorize_aadsts':90094}");
    code = account_sign_in_browser(account, open_browser, &person, NULL, &err);
    thread_join(&person.browser);
    expect_code(code, ERR_SIGNED_OUT, &err);
    expect_state(account, ACCOUNT_SIGNED_OUT, "administrator has to consent");
    account_unref(account);
}

/* A challenge that only a person can meet: refresh fails, the browser sends the claims on. */
static void signin_browser__meets_a_challenge_that_refresh_cannot(void **state)
{
    struct world *w = *state;
    struct person person = {.world = w};
    struct account *account = open_with_refresh_token(w);
    struct error err = {0};
    int code;

    use(account, 0);
    tenant_tell(w->tenant, "claims-challenge", "{'user':'%s','interactive':true}", w->tenant->user);
    use(account, ERR_SIGNED_OUT);
    expect_state(account, ACCOUNT_SIGNED_OUT, "mooring login");
    tenant_tell(w->tenant, "signin", "{'auto_approve':true}");
    code = account_sign_in_browser(account, open_browser, &person, NULL, &err);
    thread_join(&person.browser);
    expect_code(code, 0, &err);
    assert_non_null(strstr(person.url, "nbf"));
    account_unref(account);
}

#define ROW(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
static const struct CMUnitTest tests[] = {
    ROW(signin_session__asks_again_with_the_nonce),
    ROW(signin_session__leaves_the_account_as_it_was),
    ROW(signin_session__gives_up_when_the_nonce_never_comes),
    ROW(signin_session__sends_nothing_that_forges_a_header),
    ROW(signin_session__of_a_system_without_one_says_so),
    ROW(signin__from_a_refresh_token_takes_three_requests),
    ROW(signin__of_two_processes_asks_once),
    ROW(signin__is_renewed_when_graph_refuses_the_token),
    ROW(signin__ends_when_it_is_revoked),
    ROW(signin__survives_a_minute_without_tenant),
    ROW(signin__repeats_when_entra_is_busy),
    ROW(signin__keeps_the_token_while_policy_blocks),
    ROW(signin__says_that_a_tenant_is_unknown),
    ROW(signin__answers_a_claims_challenge),
    ROW(signin_device__is_approved_elsewhere),
    ROW(signin_device__is_declined_elsewhere),
    ROW(signin_device__expires),
    ROW(signin_browser__proves_itself_by_pkce),
    ROW(signin_browser__tells_why_it_was_refused),
    ROW(signin_browser__meets_a_challenge_that_refresh_cannot),
};
TEST_MAIN("graph_signin", tests)
