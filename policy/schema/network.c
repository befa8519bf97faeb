/* The settings of the category Network. How to add one: schema.c. */
#include "schema/rows.h"

static const char *const throttling_levels[] = {"Auto", "Low", "Medium", "High", NULL};
static const char *const http_versions[] = {"Auto", "Http1", NULL};
static const char *const proxies[] = {"System", "None", "Manual", NULL};

/* clang-format off */
static const struct setting rows[] = {
    {.name = "ThrottlingLevel", .type = SETTING_ENUM, .flags = LATER,
     .offset = AT(throttling_level),
     .default_text = "Auto", .choices = throttling_levels,
     .category = "Network", .since = "0.1", .konnekt = "SharepointThrottling",
     .title = "Saving of requests", .title_de = "Einsparung von Anfragen",
     .help = "How much freshness to give up to save requests to Microsoft 365."},
    {.name = "RequestSoftLimit", .type = SETTING_INT, .flags = BOTH,
     .offset = AT(request_soft_limit),
     .default_text = "250", .min = 0, .max = 1000000, .unit = "resource units per window",
     .off_text = "0",
     .category = "Network", .since = "0.1", .konnekt = "ClientThrottlingSoftLimit",
     .title = "Soft limit of requests", .title_de = "Weiche Grenze für Anfragen",
     .help = "Above it, background work (refresh, prefetch) stops until the window ends; 0 turns "
             "the limit off."},
    {.name = "RequestHardLimit", .type = SETTING_INT, .flags = BOTH,
     .offset = AT(request_hard_limit),
     .default_text = "0", .min = 0, .max = 1000000, .unit = "resource units per window",
     .off_text = "0",
     .category = "Network", .since = "0.1", .konnekt = "ClientThrottlingHardLimit",
     .title = "Hard limit of requests", .title_de = "Harte Grenze für Anfragen",
     .help = "Above it, requests fail until the window ends; 0 turns the limit off."},
    {.name = "RequestWindowSeconds", .type = SETTING_INT, .flags = BOTH,
     .offset = AT(request_window_seconds),
     .default_text = "300", .min = 1, .max = 86400, .unit = "seconds",
     .category = "Network", .since = "0.1", .konnekt = "ClientThrottlingTimeWindow",
     .title = "Window of the request limits", .title_de = "Zeitfenster der Anfragegrenzen",
     .help = "The time over which RequestSoftLimit and RequestHardLimit count."},
    {.name = "MaxConnections", .type = SETTING_INT, .flags = BOTH, .offset = AT(max_connections),
     .default_text = "8", .min = 1, .max = 32,
     .category = "Network", .since = "0.1",
     .title = "Connections per host", .title_de = "Verbindungen je Host",
     .help = "How many connections the agent opens to one host at most."},
    {.name = "HttpVersion", .type = SETTING_ENUM, .flags = BOTH, .offset = AT(http_version),
     .default_text = "Auto", .choices = http_versions,
     .category = "Network", .since = "0.1",
     .title = "HTTP version", .title_de = "HTTP-Version",
     .help = "Auto uses HTTP/2 where the network lets it through. Http1 helps behind proxies "
             "that inspect traffic and break HTTP/2."},
    {.name = "StartupJitterSeconds", .type = SETTING_INT, .flags = BOTH,
     .offset = AT(startup_jitter_seconds),
     .default_text = "60", .min = 0, .max = 3600, .unit = "seconds",
     .category = "Network", .since = "0.1",
     .title = "Spread of verification after logon",
     .title_de = "Verteilung der Prüfung nach der Anmeldung",
     .help = "The verification of last session's mappings begins at a random moment within this "
             "time. It delays nothing when no last session is known."},
    {.name = "Proxy", .type = SETTING_ENUM, .flags = LATER, .offset = AT(proxy),
     .default_text = "System", .choices = proxies,
     .category = "Network", .since = "0.1",
     .title = "Proxy", .title_de = "Proxy",
     .help = "System takes the proxy of the system, None connects directly, Manual takes "
             "ProxyUrl. In this version, on Linux, the environment variables https_proxy and "
             "no_proxy decide."},
    {.name = "ProxyUrl", .type = SETTING_TEXT, .flags = LATER | SETTING_SECRET,
     .offset = AT(proxy_url),
     .default_text = "", .check = check_proxy_url, .normalise = normalise_url,
     .category = "Network", .since = "0.1",
     .title = "Address of the proxy", .title_de = "Adresse des Proxys",
     .help = "For Proxy=Manual: http://proxy.contoso.com:8080. A user name and password in it "
             "are used for Basic authentication; without them the proxy is asked with the "
             "session's own sign-in. In this version, on Linux, the environment variable "
             "https_proxy decides."},
    {.name = "ProxyBypass", .type = SETTING_TEXT, .flags = LATER, .offset = AT(proxy_bypass),
     .default_text = "",
     .category = "Network", .since = "0.1",
     .title = "Hosts without proxy", .title_de = "Hosts ohne Proxy",
     .help = "For Proxy=Manual: hosts that are reached directly, separated by commas. In this "
             "version, on Linux, the environment variable no_proxy decides."},
    {.name = "CaFile", .type = SETTING_TEXT, .flags = SETTING_MACHINE | SETTING_PATH,
     .offset = AT(ca_file),
     .default_text = "",
     .category = "Network", .since = "0.1",
     .title = "Additional trusted certificates",
     .title_de = "Zusätzliche vertrauenswürdige Zertifikate",
     .help = "A PEM file with certification authorities that are trusted beside those of the "
             "system, for networks that inspect TLS."},
    {.name = "UserAgentTag", .type = SETTING_TEXT, .flags = BOTH, .offset = AT(user_agent_tag),
     .default_text = "", .check = check_header_text,
     .category = "Network", .since = "0.1",
     .title = "Text in the User-Agent", .title_de = "Text im User-Agent",
     .help = "Appended to the User-Agent of every request, so that your own proxies and logs can "
             "tell it."},
};
/* clang-format on */

const struct schema_part schema_network = {rows, sizeof(rows) / sizeof(rows[0])};
