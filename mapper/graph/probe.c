#include "mapper/probe.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/thread.h"
#include "graph/proxy.h"
#include "graph/op.h"
#include "graph/trust.h"
#include "mapper/graph.h"

#define HEADER_MAX 256
#define DATE_HEADER "date:"

struct probe {
    struct graph_probe *out;
    struct proxy *proxy;
    struct trust *trust;
    char *origin;
    struct mutex mutex;
    struct cond known; /* what the system says of the proxy */
};

static void on_known(void *payload)
{
    struct probe *probe = payload;

    mutex_lock(&probe->mutex);
    cond_broadcast(&probe->known);
    mutex_unlock(&probe->mutex);
}

static size_t on_header(char *data, size_t size, size_t count, void *payload)
{
    struct probe *probe = payload;
    char line[HEADER_MAX];
    size_t length = size * count;

    if (length < sizeof(line)) {
        memcpy(line, data, length);
        line[length] = '\0';
        line[strcspn(line, "\r\n")] = '\0';
        if (str_starts_with_nocase(line, DATE_HEADER)) {
            const char *value = line + strlen(DATE_HEADER);

            (void)clock_parse_http_date(value + strspn(value, " "), &probe->out->date_ms);
        }
    }
    return length;
}

/* The way is known with the first bytes; the rest is not wanted. */
static size_t on_body(char *data, size_t size, size_t count, void *payload)
{
    (void)data;
    (void)size;
    (void)count;
    (void)payload;
    return 0;
}

/* "Issuer:C = US, O = DigiCert Inc, CN = ..." of the host's own certificate. */
static void take_issuer(struct probe *probe, CURL *easy)
{
    static const char name[] = "Issuer:";
    struct curl_certinfo *info = NULL;

    if (curl_easy_getinfo(easy, CURLINFO_CERTINFO, &info) != CURLE_OK || !info ||
        info->num_of_certs < 1) {
        return;
    }
    for (const struct curl_slist *row = info->certinfo[0]; row; row = row->next) {
        if (str_starts_with(row->data, name)) {
            snprintf(probe->out->issuer, sizeof(probe->out->issuer), "%s",
                     row->data + strlen(name));
        }
    }
}

static void take_way(struct probe *probe, CURL *easy)
{
    char *ip = NULL;
    long port = 0;
    long connect_status = 0;

    if (curl_easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &connect_status) == CURLE_OK) {
        probe->out->proxy_status = (int)connect_status;
        probe->out->is_proxied = connect_status != 0;
    }
    if (curl_easy_getinfo(easy, CURLINFO_PRIMARY_IP, &ip) == CURLE_OK && ip && *ip &&
        curl_easy_getinfo(easy, CURLINFO_PRIMARY_PORT, &port) == CURLE_OK) {
        snprintf(probe->out->address, sizeof(probe->out->address),
                 strchr(ip, ':') ? "[%s]:%ld" : "%s:%ld", ip, port);
    }
}

static void prepare(struct probe *probe, CURL *easy, const struct graph_options *options,
                    const char *url, int64_t wait_ms)
{
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https,http"); /* http: transfer_origin() */
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)wait_ms);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_SSL_OPTIONS, (long)CURLSSLOPT_NATIVE_CA);
    curl_easy_setopt(easy, CURLOPT_CERTINFO, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                     options->http1_only ? (long)CURL_HTTP_VERSION_1_1
                                         : (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, probe);
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    trust_apply(probe->trust, easy);
    proxy_apply(probe->proxy, probe->origin, easy);
}

/* Whose certificate it is that nobody trusts here. A connection that is closed once its certificate
 * was seen: nothing is sent over it. */
static void ask_issuer(struct probe *probe, const struct graph_options *options, const char *url,
                       int64_t wait_ms)
{
    CURL *easy = curl_easy_init();

    if (easy) {
        prepare(probe, easy, options, url, wait_ms);
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
        curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
        if (curl_easy_perform(easy) == CURLE_OK) {
            take_issuer(probe, easy);
        }
        curl_easy_cleanup(easy);
    }
}

static int explain(CURL *easy, CURLcode result, const char *detail, struct error *err)
{
    const char *text = *detail ? detail : curl_easy_strerror(result);

    if (proxy_refusal(easy, err)) {
        return ERR_UNREACHABLE;
    }
    return error_set(err, result == CURLE_OPERATION_TIMEDOUT ? ERR_TIMED_OUT : ERR_UNREACHABLE,
                     "%.200s", text);
}

static int ask(struct probe *probe, const struct graph_options *options, const char *url,
               int64_t wait_ms, struct error *err)
{
    int64_t began_ms = clock_mono_ms(clock_system());
    char detail[CURL_ERROR_SIZE] = "";
    CURL *easy = curl_easy_init();
    CURLcode result;
    long status = 0;
    long version = 0;
    int code = 0;

    if (!easy) {
        return error_set(err, ERR_NO_MEMORY, "no memory for a connection");
    }
    prepare(probe, easy, options, url, wait_ms);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, detail);
    result = curl_easy_perform(easy);
    probe->out->took_ms = clock_mono_ms(clock_system()) - began_ms;
    probe->out->asked_ms = clock_wall_ms(clock_system());
    take_way(probe, easy);
    take_issuer(probe, easy);
    if (curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK && status >= 100 &&
        (result == CURLE_OK || result == CURLE_WRITE_ERROR)) {
        probe->out->status = (int)status;
        probe->out->is_http2 =
            curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version) == CURLE_OK &&
            version == CURL_HTTP_VERSION_2_0;
    } else {
        probe->out->is_untrusted = result == CURLE_PEER_FAILED_VERIFICATION;
        code = explain(easy, result, detail, err);
    }
    curl_easy_cleanup(easy);
    if (probe->out->is_untrusted && !probe->out->issuer[0]) {
        ask_issuer(probe, options, url, wait_ms);
    }
    return code;
}

/* Without an answer in time the host is tried directly, as the client does. */
static void wait_for_proxy(struct probe *probe, int64_t wait_ms)
{
    int64_t end_ms = clock_mono_ms(clock_system()) + wait_ms;
    int64_t left_ms = wait_ms;

    mutex_lock(&probe->mutex);
    while (left_ms > 0 && !proxy_is_known(probe->proxy, probe->origin)) {
        (void)cond_wait_ms(&probe->known, &probe->mutex, left_ms);
        left_ms = end_ms - clock_mono_ms(clock_system());
    }
    mutex_unlock(&probe->mutex);
}

int graph_probe(struct graph_probe *out, const struct graph_options *options, const char *url,
                int64_t wait_ms, struct error *err)
{
    struct probe probe = {.out = out};
    int code = 0;

    memset(out, 0, sizeof(*out));
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return error_set(err, ERR_NO_MEMORY, "libcurl cannot start");
    }
    mutex_init(&probe.mutex);
    cond_init(&probe.known);
    if (!transfer_origin(&probe.origin, url, err)) {
        code = err ? err->code : ERR_PROTOCOL;
    }
    if (code == 0) {
        code = trust_new(&probe.trust, options->ca_file, err);
    }
    if (code == 0) {
        code = proxy_new(&probe.proxy, on_known, &probe, err);
    }
    if (code == 0) {
        code = proxy_configure(probe.proxy, options->proxy, options->proxy_url,
                               options->proxy_bypass, err);
    }
    if (code == 0) {
        wait_for_proxy(&probe, wait_ms);
        code = ask(&probe, options, url, wait_ms, err);
    }
    proxy_free(probe.proxy);
    trust_free(probe.trust);
    free(probe.origin);
    cond_clear(&probe.known);
    mutex_clear(&probe.mutex);
    curl_global_cleanup();
    return code;
}

const char *graph_libraries(void)
{
    return curl_version();
}
