#include "tenant_fixture.h"

#include <arpa/inet.h>
#include <ftw.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <curl/curl.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "test.h"
#include "test_cert.h"

#define START_MS 30000
#define STOP_MS 5000
#define CONTROL_SECONDS 60L

static char *format_text(const char *format, ...)
{
    char *text = NULL;
    va_list args;

    va_start(args, format);
    if (vasprintf(&text, format, args) < 0) {
        abort();
    }
    va_end(args);
    return text;
}

/* --- starting --- */

static void make_directory(struct tenant_fixture *f)
{
    const char *base = getenv("TMPDIR");

    f->directory = format_text("%s/mooring-test-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(f->directory)) {
        fail_msg("cannot make a temporary folder");
    }
}

static char *scenario_path(struct tenant_fixture *f, const char *scenario)
{
    struct error err = {0};
    char *path;

    if (!scenario) {
        scenario = "tiny.json";
    }
    if (scenario[0] == '/') {
        return format_text("%s", scenario);
    }
    if (scenario[0] != '{') {
        return format_text("%s/%s", SCENARIO_DIRECTORY, scenario);
    }
    path = format_text("%s/scenario.json", f->directory);
    if (file_write_atomic(path, scenario, strlen(scenario), &err) < 0) {
        fail_msg("%s", err.message);
    }
    return path;
}

/* A port that was free a moment ago: nghttpx cannot tell which one it took. */
static int free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int s = socket(AF_INET, SOCK_STREAM, 0);

    if (s < 0 || bind(s, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        getsockname(s, (struct sockaddr *)&address, &size) != 0) {
        fail_msg("no free port");
    }
    close(s);
    return ntohs(address.sin_port);
}

static void show_log(const char *path)
{
    struct buf log;

    buf_init(&log, 1u << 20);
    if (file_read_all(&log, path, NULL) == 0) {
        print_error("%s\n", buf_text(&log));
    }
    buf_clear(&log);
}

static bool has_ended(struct process *process)
{
    int status;

    return process_wait(process, &status, 0, NULL) == 0;
}

/* Waits until `path` exists, as long as `process` lives. */
static bool wait_for_file(struct process *process, const char *path)
{
    int64_t until = clock_mono_ms(clock_system()) + START_MS;

    while (clock_mono_ms(clock_system()) < until) {
        if (file_exists(path)) {
            return true;
        }
        if (has_ended(process)) {
            return false;
        }
        usleep(10000);
    }
    return false;
}

static bool wait_for_port(struct process *process, int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int64_t until = clock_mono_ms(clock_system()) + START_MS;

    while (clock_mono_ms(clock_system()) < until && !has_ended(process)) {
        int s = socket(AF_INET, SOCK_STREAM, 0);
        bool is_open = connect(s, (struct sockaddr *)&address, sizeof(address)) == 0;

        close(s);
        if (is_open) {
            return true;
        }
        usleep(10000);
    }
    return false;
}

static char *member_text(const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));

    if (!text) {
        fail_msg("the tenant's ready file has no '%s'", name);
    }
    return format_text("%s", text);
}

static void read_ready(struct tenant_fixture *f, const char *path)
{
    char *key_path = format_text("%s/state/control.key", f->directory);
    const cJSON *tenant;
    struct buf text;
    struct buf key;

    buf_init(&text, 1u << 20);
    buf_init(&key, 1024);
    if (file_read_all(&text, path, NULL) < 0 || file_read_all(&key, key_path, NULL) < 0) {
        fail_msg("the tenant's files cannot be read");
    }
    f->ready = cJSON_Parse(buf_text(&text));
    f->login_url = member_text(f->ready, "login_url");
    f->graph_url = member_text(f->ready, "graph_url");
    f->content_url = member_text(f->ready, "content_url");
    f->ca_file = member_text(f->ready, "ca_file");
    f->control_port = cJSON_GetObjectItemCaseSensitive(f->ready, "control_port")->valueint;
    f->control_key = format_text("%s", buf_text(&key));
    f->control_key[strcspn(f->control_key, "\r\n")] = '\0';
    tenant = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(f->ready, "tenants"), 0);
    f->tenant_id = member_text(tenant, "id");
    f->domain = member_text(tenant, "initial_domain");
    f->sharepoint_host = member_text(tenant, "sharepoint_host");
    f->user = format_text("%s", cJSON_GetStringValue(cJSON_GetArrayItem(
                                    cJSON_GetObjectItemCaseSensitive(tenant, "users"), 0)));
    buf_clear(&text);
    buf_clear(&key);
    free(key_path);
}

/* The port of the tenant behind the proxy is not the one in its URLs. */
static int start_tenant(struct tenant_fixture *f, const struct tenant_fixture_options *options,
                        int public_port)
{
    char *scenario = scenario_path(f, options->scenario);
    char *state = format_text("%s/state", f->directory);
    char *ready = format_text("%s/ready.json", f->directory);
    char *log = format_text("%s/tenant.log", f->directory);
    char *seconds = format_text("%d", options->max_seconds ? options->max_seconds : 1200);
    char *rtt = format_text("%d", options->rtt_ms);
    char *mbit = format_text("%d", options->mbit);
    char *graph = format_text("https://graph.localhost:%d", public_port);
    char *login = format_text("https://login.localhost:%d", public_port);
    char *content = format_text("https://content.localhost:%d", public_port);
    const char *argv[] = {TENANT_PROGRAM,
                          "--scenario",
                          scenario,
                          "--state",
                          state,
                          "--ready-file",
                          ready,
                          "--max-seconds",
                          seconds,
                          "--rtt-ms",
                          rtt,
                          "--mbit",
                          mbit,
                          "--die-with-parent",
                          public_port ? "--graph-url" : NULL,
                          graph,
                          "--login-url",
                          login,
                          "--content-url",
                          content,
                          NULL};
    struct process_options process = {
        .argv = argv, .output_file = log, .is_own_group = true, .dies_with_us = true};
    struct error err = {0};

    if (process_start(&f->tenant, &process, &err) < 0) {
        fail_msg("%s", err.message);
    }
    if (!wait_for_file(f->tenant, ready)) {
        show_log(log);
        fail_msg("the simulated tenant does not start");
    }
    read_ready(f, ready);
    free(scenario);
    free(state);
    free(ready);
    free(log);
    free(seconds);
    free(rtt);
    free(mbit);
    free(graph);
    free(login);
    free(content);
    return cJSON_GetObjectItemCaseSensitive(f->ready, "port")->valueint;
}

static void start_proxy(struct tenant_fixture *f, int port, int tenant_port)
{
    char *log = format_text("%s/nghttpx.log", f->directory);
    char *front = format_text("-f127.0.0.1,%d", port);
    char *back = format_text("-b127.0.0.1,%d;;tls;proto=http/1.1", tenant_port);
    char *key = format_text("%s/proxy.key", f->directory);
    char *certificate = format_text("%s/proxy.pem", f->directory);
    char *error_log = format_text("--errorlog-file=%s", log);
    const char *argv[] = {NGHTTPX_PROGRAM,
                          front,
                          back,
                          "--insecure",
                          "--no-ocsp",
                          "--workers=1",
                          "--log-level=ERROR",
                          error_log,
                          "--backend-connections-per-host=64",
                          "--backend-read-timeout=120s",
                          "--no-server-rewrite",
                          "--no-location-rewrite",
                          "--conf=/dev/null",
                          key,
                          certificate,
                          NULL};
    struct process_options process = {
        .argv = argv, .output_file = log, .is_own_group = true, .dies_with_us = true};
    struct error err = {0};

    test_cert_write(certificate, key);
    if (process_start(&f->proxy, &process, &err) < 0) {
        fail_msg("%s", err.message);
    }
    if (!wait_for_port(f->proxy, port)) {
        show_log(log);
        fail_msg("nghttpx does not start");
    }
    free(f->ca_file);
    f->ca_file = certificate; /* it is self-signed */
    free(log);
    free(front);
    free(back);
    free(key);
    free(error_log);
}

struct tenant_fixture *tenant_fixture_start(const struct tenant_fixture_options *options)
{
    struct tenant_fixture_options none = {0};
    struct tenant_fixture *f = calloc(1, sizeof(*f));
    int public_port = 0;
    int tenant_port;

    if (!options) {
        options = &none;
    }
    if (options->has_http2 && access(NGHTTPX_PROGRAM, X_OK) != 0) {
        print_message("nghttpx is not installed\n");
        free(f);
        skip();
        return NULL;
    }
    /* a proxy of the machine has no business between a test and loopback */
    setenv("no_proxy", "localhost,127.0.0.1", 1);
    make_directory(f);
    if (options->has_http2) {
        public_port = free_port();
    }
    tenant_port = start_tenant(f, options, public_port);
    if (public_port) {
        start_proxy(f, public_port, tenant_port);
    }
    return f;
}

/* --- stopping --- */

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *ftw)
{
    (void)info;
    (void)kind;
    (void)ftw;
    return remove(path);
}

void tenant_fixture_stop(struct tenant_fixture *f)
{
    if (!f) {
        return;
    }
    if (f->proxy) {
        process_stop(f->proxy, STOP_MS);
        process_free(f->proxy);
    }
    if (f->tenant) {
        process_stop(f->tenant, STOP_MS);
        process_free(f->tenant);
    }
    nftw(f->directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    cJSON_Delete(f->ready);
    free(f->directory);
    free(f->login_url);
    free(f->graph_url);
    free(f->content_url);
    free(f->ca_file);
    free(f->tenant_id);
    free(f->domain);
    free(f->sharepoint_host);
    free(f->user);
    free(f->control_key);
    free(f);
}

/* --- control --- */

static size_t on_body(char *data, size_t size, size_t count, void *payload)
{
    return buf_add(payload, data, size * count, NULL) == 0 ? size * count : 0;
}

static cJSON *control(struct tenant_fixture *f, const char *verb, const char *body)
{
    char *url = format_text("http://127.0.0.1:%d/%s", f->control_port, verb);
    char *key = format_text("Authorization: Bearer %s", f->control_key);
    struct curl_slist *headers = curl_slist_append(NULL, key);
    CURL *easy = curl_easy_init();
    struct buf answer;
    long status = 0;
    cJSON *json;
    CURLcode result;

    buf_init(&answer, 64u << 20);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT, CONTROL_SECONDS);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &answer);
    result = curl_easy_perform(easy);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    if (result != CURLE_OK || status >= 400) {
        fail_msg("control '%s' %s: %ld %s %s", verb, body, status, curl_easy_strerror(result),
                 buf_text(&answer));
    }
    json = cJSON_Parse(buf_text(&answer));
    curl_easy_cleanup(easy);
    curl_slist_free_all(headers);
    buf_clear(&answer);
    free(url);
    free(key);
    return json;
}

static cJSON *control_format(struct tenant_fixture *f, const char *verb, const char *format,
                             va_list args)
{
    char *body = NULL;
    cJSON *json;

    if (format && vasprintf(&body, format, args) < 0) {
        abort();
    }
    for (char *at = body; at && *at; at++) {
        *at = *at == '\'' ? '"' : *at;
    }
    json = control(f, verb, body ? body : "{}");
    free(body);
    return json;
}

cJSON *tenant_control(struct tenant_fixture *f, const char *verb, const char *format, ...)
{
    va_list args;
    cJSON *json;

    va_start(args, format);
    json = control_format(f, verb, format, args);
    va_end(args);
    return json;
}

void tenant_tell(struct tenant_fixture *f, const char *verb, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    cJSON_Delete(control_format(f, verb, format, args));
    va_end(args);
}

char *tenant_refresh_token(struct tenant_fixture *f, const char *tenant, const char *user)
{
    cJSON *json;
    char *token;

    if (tenant && user) {
        json = tenant_control(f, "mint", "{'tenant':'%s','user':'%s','cp1':true}", tenant, user);
    } else if (tenant) {
        json = tenant_control(f, "mint", "{'tenant':'%s','cp1':true}", tenant);
    } else if (user) {
        json = tenant_control(f, "mint", "{'user':'%s','cp1':true}", user);
    } else {
        json = tenant_control(f, "mint", "{'cp1':true}");
    }
    token = member_text(json, "refresh_token");
    cJSON_Delete(json);
    return token;
}

static bool is_match(const char *pattern, const cJSON *entry, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, name));

    return !pattern || (text && str_glob_match(pattern, text));
}

int tenant_count(struct tenant_fixture *f, const char *method, const char *path)
{
    cJSON *log = tenant_control(f, "requests", "{}");
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(log, "requests");
    const cJSON *entry;
    int count = 0;

    cJSON_ArrayForEach(entry, list)
    {
        count += is_match(method, entry, "method") && is_match(path, entry, "path");
    }
    cJSON_Delete(log);
    return count;
}

int tenant_settled_count(struct tenant_fixture *f, const char *method, const char *path, int wanted)
{
    int count = tenant_count(f, method, path);

    for (int i = 0; i < 200 && count < wanted; i++) {
        usleep(10000);
        count = tenant_count(f, method, path);
    }
    return count;
}
