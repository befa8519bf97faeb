/*
 * proxy.h - by which proxy a host is reached, as the settings Proxy, ProxyUrl and ProxyBypass say.
 *
 * What the system says may take seconds to find out (Windows runs a script of the administrator's,
 * and looks for one), so it is asked on a thread of its own; the answer is kept for each host until
 * the network changes. No lock of the caller's is needed, and none is held while the system is asked.
 */
#ifndef GRAPH_PROXY_H
#define GRAPH_PROXY_H

#include <curl/curl.h>
#include <stdbool.h>

#include "base/error.h"
#include "mapper/graph.h"

struct proxy;

/* `on_known` is called when the proxy of a host became known, on the thread that asked. */
int proxy_new(struct proxy **out, void (*on_known)(void *payload), void *payload,
              struct error *err);
void proxy_free(struct proxy *proxy); /* waits for the system's answer; NULL is fine */

/* `url` and `bypass` are for GRAPH_PROXY_MANUAL. What was known is forgotten when anything changed. */
int proxy_configure(struct proxy *proxy, enum graph_proxy kind, const char *url, const char *bypass,
                    struct error *err);

/* Another network: the system is asked again. */
void proxy_forget(struct proxy *proxy);

/* Whether it is known how to reach `origin` ("https://host:443"); when not, on_known follows. */
bool proxy_is_known(struct proxy *proxy, const char *origin);

/* Makes `easy` use it. */
void proxy_apply(struct proxy *proxy, const char *origin, CURL *easy);

/* When the proxy did not let `easy` through, the status of its answer, and ERR_UNREACHABLE in *err
 * with its address and what can be done; else 0. */
int proxy_refusal(CURL *easy, struct error *err);

/* --- what differs by system --- */

/* Whether the system has to be asked; otherwise libcurl itself does (the environment, on Linux). */
bool proxy_system_is_asked(void);

/* *out = "" (connect directly) or the URL of the proxy for `url`. May take seconds. Caller frees. */
int proxy_system_find(char **out, const char *url, struct error *err);

/* Whether the user who runs us can be proven to a proxy without a password. */
bool proxy_system_has_sign_on(void);

/* For win32/, pure: of a list as WinHTTP gives it ("a:80;b:80", "https=a:80;http=b:80") the first
 * proxy for https, as a URL; "" when there is none. And whether `host` is in a list of bypasses
 * ("*.contoso.com;<local>"). */
int proxy_read_list(char **out, const char *list, struct error *err);
bool proxy_is_bypassed(const char *host, const char *list);

#endif
