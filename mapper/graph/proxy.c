#include "graph/proxy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "base/thread.h"

#define ENTRIES_MAX 64

struct entry {
    struct entry *next;
    char *origin;
    char *url; /* "" direct; NULL: not known yet */
};

struct proxy {
    void (*on_known)(void *payload);
    void *payload;
    struct thread thread; /* started when there is something to ask */

    struct mutex mutex; /* guards all below */
    struct cond wake;
    bool is_stopping;
    enum graph_proxy kind;
    char *url;
    char *bypass;
    struct entry *entries;
    unsigned serial; /* grows when what is known is forgotten */
};

static void forget(struct proxy *proxy)
{
    while (proxy->entries) {
        struct entry *entry = proxy->entries;

        proxy->entries = entry->next;
        free(entry->origin);
        free(entry->url);
        free(entry);
    }
    proxy->serial++;
}

int proxy_new(struct proxy **out, void (*on_known)(void *payload), void *payload, struct error *err)
{
    struct proxy *proxy = calloc(1, sizeof(*proxy));

    if (!proxy) {
        return error_set(err, ERR_NO_MEMORY, "no memory for the proxy settings");
    }
    proxy->on_known = on_known;
    proxy->payload = payload;
    mutex_init(&proxy->mutex);
    cond_init(&proxy->wake);
    *out = proxy;
    return 0;
}

void proxy_free(struct proxy *proxy)
{
    if (!proxy) {
        return;
    }
    mutex_lock(&proxy->mutex);
    proxy->is_stopping = true;
    cond_broadcast(&proxy->wake);
    mutex_unlock(&proxy->mutex);
    thread_join(&proxy->thread);
    forget(proxy);
    free(proxy->url);
    free(proxy->bypass);
    cond_clear(&proxy->wake);
    mutex_clear(&proxy->mutex);
    free(proxy);
}

int proxy_configure(struct proxy *proxy, enum graph_proxy kind, const char *url, const char *bypass,
                    struct error *err)
{
    int code = 0;

    mutex_lock(&proxy->mutex);
    if (kind != proxy->kind || !str_equal(url, proxy->url) || !str_equal(bypass, proxy->bypass)) {
        code = str_copy(&proxy->url, url, err);
        if (code == 0) {
            code = str_copy(&proxy->bypass, bypass, err);
        }
        proxy->kind = kind;
        forget(proxy);
    }
    mutex_unlock(&proxy->mutex);
    return code;
}

void proxy_forget(struct proxy *proxy)
{
    mutex_lock(&proxy->mutex);
    forget(proxy);
    mutex_unlock(&proxy->mutex);
}

static struct entry *find(struct proxy *proxy, const char *origin)
{
    struct entry *entry = proxy->entries;

    while (entry && strcmp(entry->origin, origin) != 0) {
        entry = entry->next;
    }
    return entry;
}

static struct entry *find_unknown(struct proxy *proxy)
{
    struct entry *entry = proxy->entries;

    while (entry && entry->url) {
        entry = entry->next;
    }
    return entry;
}

/* Without an answer the host is reached directly: that works, or says why it does not. */
static void take_answer(struct proxy *proxy, unsigned serial, const char *origin, char **url)
{
    struct entry *entry;

    mutex_lock(&proxy->mutex);
    entry = serial == proxy->serial ? find(proxy, origin) : NULL;
    if (entry) {
        free(entry->url);
        entry->url = *url;
        *url = NULL;
    }
    mutex_unlock(&proxy->mutex);
    free(*url);
}

static void ask(struct proxy *proxy, unsigned serial, const char *origin)
{
    struct error err = {0};
    char *url = NULL;

    if (proxy_system_find(&url, origin, &err) < 0) {
        log_error(LOG_GRAPH, &err, "%s is reached without a proxy", origin);
        (void)str_copy(&url, "", NULL);
    } else {
        log_debug(LOG_GRAPH, "%s is reached %s%s", origin, *url ? "by the proxy " : "directly",
                  url);
    }
    take_answer(proxy, serial, origin, &url);
    proxy->on_known(proxy->payload);
}

static void *serve(void *payload)
{
    struct proxy *proxy = payload;

    mutex_lock(&proxy->mutex);
    while (!proxy->is_stopping) {
        const struct entry *entry = find_unknown(proxy);
        unsigned serial = proxy->serial;
        char *origin = NULL;

        if (!entry || str_copy(&origin, entry->origin, NULL) < 0) {
            cond_wait(&proxy->wake, &proxy->mutex);
            continue;
        }
        mutex_unlock(&proxy->mutex);
        ask(proxy, serial, origin);
        free(origin);
        mutex_lock(&proxy->mutex);
    }
    mutex_unlock(&proxy->mutex);
    return NULL;
}

/* Asks for it. False when that cannot be done: then it is reached directly. Lock held. */
static bool add(struct proxy *proxy, const char *origin)
{
    struct entry *entry;
    size_t count = 0;

    if (!proxy->thread.is_running &&
        thread_start(&proxy->thread, "proxy", serve, proxy, NULL) < 0) {
        return false;
    }
    for (entry = proxy->entries; entry; entry = entry->next) {
        count++;
    }
    if (count >= ENTRIES_MAX) { /* links can name any number of hosts */
        forget(proxy);
    }
    entry = calloc(1, sizeof(*entry));
    if (!entry || str_copy(&entry->origin, origin, NULL) < 0) {
        free(entry);
        return false;
    }
    entry->next = proxy->entries;
    proxy->entries = entry;
    cond_broadcast(&proxy->wake);
    return true;
}

bool proxy_is_known(struct proxy *proxy, const char *origin)
{
    const struct entry *entry;
    bool is_known = true;

    mutex_lock(&proxy->mutex);
    if (proxy->kind == GRAPH_PROXY_SYSTEM && proxy_system_is_asked()) {
        entry = find(proxy, origin);
        is_known = entry ? entry->url != NULL : !add(proxy, origin);
    }
    mutex_unlock(&proxy->mutex);
    return is_known;
}

/* A user name and password in the URL go by what the proxy asks for; without them, where the system
 * can, the session's own sign-in (Negotiate, NTLM). */
static void set_proxy(CURL *easy, const char *url)
{
    curl_easy_setopt(easy, CURLOPT_PROXY, url);
    curl_easy_setopt(easy, CURLOPT_PROXYAUTH,
                     (long)(CURLAUTH_BASIC | CURLAUTH_DIGEST | CURLAUTH_NTLM | CURLAUTH_NEGOTIATE));
    if (*url && !strchr(url, '@') && proxy_system_has_sign_on()) {
        curl_easy_setopt(easy, CURLOPT_PROXYAUTH, (long)(CURLAUTH_NTLM | CURLAUTH_NEGOTIATE));
        curl_easy_setopt(easy, CURLOPT_PROXYUSERPWD, ":");
    }
}

void proxy_apply(struct proxy *proxy, const char *origin, CURL *easy)
{
    const struct entry *entry;

    mutex_lock(&proxy->mutex);
    if (proxy->kind == GRAPH_PROXY_NONE) {
        curl_easy_setopt(easy, CURLOPT_PROXY, "");
    } else if (proxy->kind == GRAPH_PROXY_MANUAL && proxy->url && *proxy->url) {
        set_proxy(easy, proxy->url);
        curl_easy_setopt(easy, CURLOPT_NOPROXY, proxy->bypass ? proxy->bypass : "");
    } else if (proxy_system_is_asked()) {
        entry = find(proxy, origin);
        set_proxy(easy, entry && entry->url ? entry->url : "");
        curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
    }
    mutex_unlock(&proxy->mutex);
}

/* "Negotiate, NTLM", of what it asks for those that libcurl can do here. */
static void list_ways(char *out, size_t size, long ways)
{
    static const struct {
        long way;
        const char *name;
    } names[] = {{CURLAUTH_NEGOTIATE, "Negotiate"},
                 {CURLAUTH_NTLM, "NTLM"},
                 {CURLAUTH_DIGEST, "Digest"},
                 {CURLAUTH_BASIC, "Basic"}};
    size_t length = 0;

    snprintf(out, size, "%s", "no way that works here");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && length < size; i++) {
        if (ways & names[i].way) {
            length += (size_t)snprintf(out + length, size - length, "%s%s", length ? ", " : "",
                                       names[i].name);
        }
    }
}

int proxy_refusal(CURL *easy, struct error *err)
{
    const char *ip = NULL;
    long port = 0;
    long status = 0;
    long ways = 0;
    char names[64];

    if (curl_easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &status) != CURLE_OK || status < 300) {
        return 0;
    }
    curl_easy_getinfo(easy, CURLINFO_PRIMARY_IP, &ip);
    curl_easy_getinfo(easy, CURLINFO_PRIMARY_PORT, &port);
    curl_easy_getinfo(easy, CURLINFO_PROXYAUTH_AVAIL, &ways);
    list_ways(names, sizeof(names), ways);
    if (status == 407) {
        error_set(err, ERR_UNREACHABLE,
                  "the proxy at %s:%ld asks who you are (HTTP 407, %s): %sput name and password "
                  "into ProxyUrl",
                  ip ? ip : "?", port, names,
                  proxy_system_has_sign_on() ? "sign in to Windows with an account it knows, or "
                                             : "");
    } else {
        error_set(err, ERR_UNREACHABLE, "the proxy at %s:%ld refused with HTTP %ld", ip ? ip : "?",
                  port, status);
    }
    return (int)status;
}

/* --- lists as Windows has them --- */

int proxy_read_list(char **out, const char *list, struct error *err)
{
    static const char separators[] = "; \t";

    while (*(list += strspn(list, separators))) {
        size_t length = strcspn(list, separators);
        const char *equals = memchr(list, '=', length);
        const char *from = equals ? equals + 1 : list;
        size_t size = (size_t)(list + length - from);

        if (size > 0 && (!equals || str_starts_with_nocase(list, "https="))) {
            bool has_scheme =
                str_starts_with_nocase(from, "http://") || str_starts_with_nocase(from, "https://");

            return str_format(out, err, "%s%.*s", has_scheme ? "" : "http://", (int)size, from);
        }
        list += length;
    }
    return str_copy(out, "", err);
}

bool proxy_is_bypassed(const char *host, const char *list)
{
    static const char separators[] = "; \t";

    while (*(list += strspn(list, separators))) {
        size_t length = strcspn(list, separators);
        char *pattern = NULL;
        bool is_match = false;

        if (str_copy_n(&pattern, list, length, NULL) == 0) {
            is_match = str_equal_nocase(pattern, "<local>") ? !strchr(host, '.')
                                                            : str_glob_match(pattern, host);
        }
        free(pattern);
        if (is_match) {
            return true;
        }
        list += length;
    }
    return false;
}
