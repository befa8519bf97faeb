/* doctor_network.c - the hosts of the service: reached, by whom, at what time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "doctor.h"
#include "mapper/account.h"
#include "mapper/graph.h"
#include "mapper/probe.h"
#include "policy/entry.h"
#include "policy/settings.h"
#include "session_private.h"

#define WAIT_MS 15000
#define SKEW_WARN_MS 60000
#define SKEW_FAIL_MS 300000 /* the tolerance that is usual for tokens */
#define CLOUDS (CLOUD_CUSTOM + 1)

void doctor_judge_clock(struct doctor *doctor, int64_t ours_ms, int64_t theirs_ms)
{
    int64_t skew_ms = ours_ms - theirs_ms;
    int64_t size_ms = skew_ms < 0 ? -skew_ms : skew_ms;
    const char *way = skew_ms < 0 ? "slow" : "fast";

    if (size_ms < SKEW_WARN_MS) {
        doctor_add(doctor, "clock", DOCTOR_OK, NULL, "within a minute of the service's");
    } else {
        doctor_add(doctor, "clock", size_ms < SKEW_FAIL_MS ? DOCTOR_WARNING : DOCTOR_FAILED,
                   "set the clock: sign-ins and certificates depend on it",
                   "this machine's is %lld seconds %s", (long long)(size_ms / 1000), way);
    }
}

/* Microsoft's hosts show certificates of its own or of DigiCert (seen; graph-facts has no promise).
 * Anybody else stands in between. */
static bool is_usual(const char *issuer)
{
    static const char *const usual[] = {"O = Microsoft Corporation", "O=Microsoft Corporation",
                                        "O = DigiCert", "O=DigiCert"};

    for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++) {
        if (strstr(issuer, usual[i])) {
            return true;
        }
    }
    return false;
}

void doctor_judge_issuer(struct doctor *doctor, const char *host, const char *issuer,
                         bool is_microsoft)
{
    if (!*issuer) {
        return; /* HTTP on loopback */
    }
    if (is_microsoft && !is_usual(issuer)) {
        doctor_add(doctor, "certificate", DOCTOR_WARNING,
                   "ask the network's administrator to leave Microsoft 365 out of the inspection; "
                   "if HTTP/2 breaks by it, set HttpVersion to Http1",
                   "TLS to %s is inspected on the way, by '%s'", host, issuer);
    } else {
        doctor_add(doctor, "certificate", DOCTOR_OK, NULL, "%s: issued by '%s'", host, issuer);
    }
}

static void describe_way(char *out, size_t size, const struct graph_probe *probe)
{
    if (probe->is_proxied) {
        snprintf(out, size, "by the proxy at %s", probe->address);
    } else {
        snprintf(out, size, "directly");
    }
}

static const char *advice_for(const struct graph_probe *probe)
{
    if (probe->is_untrusted) {
        return "set CaFile to the certificate of the CA that inspects TLS here, or install it in "
               "the system's store";
    }
    if (probe->proxy_status == 407) {
        return "the proxy asks who you are: see Proxy and ProxyUrl";
    }
    return "see the settings Proxy, ProxyUrl and the firewall";
}

/* One host; *theirs_ms = its clock when it told it, *ours_ms = ours then. */
static void check_host(struct doctor *doctor, const char *what, const char *base, const char *path,
                       const struct settings *settings, bool is_microsoft,
                       struct graph_probe *probe)
{
    const struct graph_options options = session_graph_options(settings);
    struct error err = {0};
    char way[128];
    char name[32];
    char *url = NULL;

    memset(probe, 0, sizeof(*probe));
    snprintf(name, sizeof(name), "%s host", what);
    if (str_format(&url, &err, "%s%s", base, path) == 0 &&
        graph_probe(probe, &options, url, WAIT_MS, &err) == 0) {
        describe_way(way, sizeof(way), probe);
        doctor_add(doctor, name, DOCTOR_OK, NULL, "%s answers %s, HTTP/%s, in %lld ms", base, way,
                   probe->is_http2 ? "2" : "1.1", (long long)probe->took_ms);
        doctor_judge_issuer(doctor, base, probe->issuer, is_microsoft);
    } else {
        doctor_add(doctor, name, DOCTOR_FAILED, advice_for(probe), "%s is not reached: %s%s%s%s",
                   base, err.message, *probe->issuer ? "; its certificate is issued by '" : "",
                   probe->issuer, *probe->issuer ? "'" : "");
    }
    free(url);
}

static void check_cloud(struct doctor *doctor, enum cloud cloud, const struct settings *settings)
{
    bool is_custom = cloud == CLOUD_CUSTOM;
    const char *login = is_custom ? settings->custom_login_url : cloud_login_url(cloud);
    const char *graph = is_custom ? settings->custom_graph_url : cloud_graph_url(cloud);
    struct graph_probe probe;
    int64_t ours_ms = 0;
    int64_t theirs_ms = 0;

    if (!login || !*login || !graph || !*graph) {
        doctor_add(doctor, "cloud", DOCTOR_FAILED, "set CustomLoginUrl and CustomGraphUrl",
                   "Cloud is Custom, and its hosts are not set");
        return;
    }
    check_host(doctor, "login", login, "/common/v2.0/.well-known/openid-configuration", settings,
               !is_custom, &probe);
    ours_ms = probe.asked_ms;
    theirs_ms = probe.date_ms;
    check_host(doctor, "Graph", graph, "/v1.0/me", settings, !is_custom, &probe);
    if (theirs_ms == 0) {
        ours_ms = probe.asked_ms;
        theirs_ms = probe.date_ms;
    }
    if (theirs_ms > 0) {
        doctor_judge_clock(doctor, ours_ms, theirs_ms);
    }
}

void doctor_check_network(struct doctor *doctor, const struct settings *settings)
{
    bool is_used[CLOUDS] = {false};

    is_used[settings->cloud] = settings->tenants.count == 0;
    for (size_t i = 0; i < settings->tenants.count; i++) {
        struct policy_tenant tenant = {0};

        if (policy_tenant_parse(&tenant, settings->tenants.items[i], NULL) == 0) {
            is_used[tenant.has_cloud ? tenant.cloud : settings->cloud] = true;
        }
        policy_tenant_clear(&tenant);
    }
    for (int cloud = 0; cloud < CLOUDS; cloud++) {
        if (is_used[cloud]) {
            check_cloud(doctor, (enum cloud)cloud, settings);
        }
    }
}
