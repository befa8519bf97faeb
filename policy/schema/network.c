/* The settings of the category Network. How to add one: schema.c. */
#include "schema/rows.h"

static const char *const throttling_levels[] = {"Auto", "Low", "Medium", "High", NULL};
static const char *const throttling_levels_en[] = {"By what the service reports",
                                                   "Little: fresh listings, more requests", "Some",
                                                   "Much: few requests, older listings", NULL};
static const char *const throttling_levels_de[] = {"Nach dem, was der Dienst meldet",
                                                   "Wenig: aktuelle Listen, mehr Anfragen", "Etwas",
                                                   "Viel: wenige Anfragen, ältere Listen", NULL};

static const char *const http_versions[] = {"Auto", "Http1", NULL};
static const char *const http_versions_en[] = {"HTTP/2 where the network lets it through",
                                               "HTTP/1.1 only", NULL};
static const char *const http_versions_de[] = {"HTTP/2, wo das Netzwerk es zulässt", "Nur HTTP/1.1",
                                               NULL};

static const char *const proxies[] = {"System", "None", "Manual", NULL};
static const char *const proxies_en[] = {"As the system has it", "No proxy: connect directly",
                                         "As ProxyUrl says", NULL};
static const char *const proxies_de[] = {"Wie im System festgelegt", "Kein Proxy: direkt verbinden",
                                         "Wie in ProxyUrl festgelegt", NULL};

/* clang-format off */
static const struct setting rows[] = {
    {.name = "ThrottlingLevel", .type = SETTING_ENUM, .flags = BOTH,
     .offset = AT(throttling_level),
     .default_text = "Auto", .choices = throttling_levels,
     .labels = throttling_levels_en, .labels_de = throttling_levels_de,
     .category = "Network", .since = "0.1", .konnekt = "SharepointThrottling",
     .title = "Saving of requests", .title_de = "Einsparung von Anfragen",
     .help = "How much freshness to give up to save requests to Microsoft 365. Raise it on hosts "
             "with many sessions, or when mooring status reports throttling.",
     .help_de = "Legt fest, wie viel Aktualität aufgegeben wird, um Anfragen an Microsoft 365 zu "
                "sparen. Erhöhen Sie den Wert auf Hosts mit vielen Sitzungen, oder wenn mooring "
                "status eine Drosselung meldet.",
     .example = "High"},

    {.name = "RequestSoftLimit", .type = SETTING_INT, .flags = BOTH,
     .offset = AT(request_soft_limit),
     .default_text = "250", .min = 0, .max = 1000000, .unit = "resource units per window",
     .unit_de = "Ressourceneinheiten je Zeitfenster",
     .off_text = "0",
     .category = "Network", .since = "0.1", .konnekt = "ClientThrottlingSoftLimit",
     .title = "Soft limit of requests", .title_de = "Weiche Grenze für Anfragen",
     .help = "When more resource units than this were used within RequestWindowSeconds, "
             "background work (refresh, prefetch) stops until the window ends; 0 turns the limit "
             "off. Microsoft counts the same units when it throttles; what users do goes on.",
     .help_de = "Wurden innerhalb von RequestWindowSeconds mehr Ressourceneinheiten verbraucht, "
                "ruht die Hintergrundarbeit (Aktualisieren, Vorausladen), bis das Zeitfenster "
                "endet; 0 schaltet die Grenze ab. Microsoft zählt bei der Drosselung dieselben "
                "Einheiten; was Benutzer tun, geht weiter.",
     .example = "500"},

    {.name = "RequestHardLimit", .type = SETTING_INT, .flags = BOTH,
     .offset = AT(request_hard_limit),
     .default_text = "0", .min = 0, .max = 1000000, .unit = "resource units per window",
     .unit_de = "Ressourceneinheiten je Zeitfenster",
     .off_text = "0",
     .category = "Network", .since = "0.1", .konnekt = "ClientThrottlingHardLimit",
     .title = "Hard limit of requests", .title_de = "Harte Grenze für Anfragen",
     .help = "When more resource units than this were used within RequestWindowSeconds, all "
             "requests fail until the window ends; 0 turns the limit off. Programs show errors "
             "then: use it only where one session must not be able to slow down the whole tenant.",
     .help_de = "Wurden innerhalb von RequestWindowSeconds mehr Ressourceneinheiten verbraucht, "
                "schlagen alle Anfragen fehl, bis das Zeitfenster endet; 0 schaltet die Grenze "
                "ab. Programme zeigen dann Fehler: Verwenden Sie sie nur, wenn eine Sitzung nie "
                "den ganzen Mandanten bremsen darf.",
     .example = "3000"},

    {.name = "RequestWindowSeconds", .type = SETTING_INT, .flags = BOTH,
     .offset = AT(request_window_seconds),
     .default_text = "300", .min = 1, .max = 86400, .unit = "seconds", .unit_de = "Sekunden",
     .category = "Network", .since = "0.1", .konnekt = "ClientThrottlingTimeWindow",
     .title = "Window of the request limits", .title_de = "Zeitfenster der Anfragegrenzen",
     .help = "The time over which RequestSoftLimit and RequestHardLimit count.",
     .help_de = "Der Zeitraum, über den RequestSoftLimit und RequestHardLimit zählen.",
     .example = "60"},

    {.name = "MaxConnections", .type = SETTING_INT, .flags = BOTH, .offset = AT(max_connections),
     .default_text = "8", .min = 1, .max = 32,
     .category = "Network", .since = "0.1",
     .title = "Connections per host", .title_de = "Verbindungen je Host",
     .help = "How many connections the agent opens to one host at most. Fewer are kinder to "
             "proxies and firewalls with many sessions behind them, more help fast lines.",
     .help_de = "Wie viele Verbindungen der Agent höchstens zu einem Host öffnet. Weniger schonen "
                "Proxys und Firewalls, hinter denen viele Sitzungen laufen; mehr helfen auf "
                "schnellen Leitungen.",
     .example = "4"},

    {.name = "HttpVersion", .type = SETTING_ENUM, .flags = BOTH, .offset = AT(http_version),
     .default_text = "Auto", .choices = http_versions,
     .labels = http_versions_en, .labels_de = http_versions_de,
     .category = "Network", .since = "0.1",
     .title = "HTTP version", .title_de = "HTTP-Version",
     .help = "Which version of HTTP is used. Http1 helps behind proxies that inspect traffic and "
             "break HTTP/2.",
     .help_de = "Legt die HTTP-Version fest. Http1 hilft hinter Proxys, die den Datenverkehr "
                "untersuchen und HTTP/2 stören.",
     .example = "Http1"},

    {.name = "StartupJitterSeconds", .type = SETTING_INT, .flags = BOTH,
     .offset = AT(startup_jitter_seconds),
     .default_text = "60", .min = 0, .max = 3600, .unit = "seconds", .unit_de = "Sekunden",
     .category = "Network", .since = "0.1",
     .title = "Spread of verification after logon",
     .title_de = "Verteilung der Prüfung nach der Anmeldung",
     .help = "The agent shows last session's libraries at once and verifies them at a random "
             "moment within this time. Spreading keeps the logons of a whole morning from asking "
             "the service at the same time. It delays nothing when no last session is known.",
     .help_de = "Der Agent zeigt die Bibliotheken der letzten Sitzung sofort an und prüft sie zu "
                "einem zufälligen Zeitpunkt innerhalb dieser Spanne. Die Verteilung verhindert, "
                "dass alle Anmeldungen eines Morgens den Dienst gleichzeitig fragen. Ist keine "
                "letzte Sitzung bekannt, verzögert sie nichts.",
     .example = "300"},

    {.name = "Proxy", .type = SETTING_ENUM, .flags = BOTH, .offset = AT(proxy),
     .default_text = "System", .choices = proxies,
     .labels = proxies_en, .labels_de = proxies_de,
     .category = "Network", .since = "0.1",
     .title = "Proxy", .title_de = "Proxy",
     .help = "Where the agent takes its proxy from. Manual uses ProxyUrl and ProxyBypass.",
     .help_de = "Legt fest, woher der Agent seinen Proxy nimmt. Manual verwendet ProxyUrl und "
                "ProxyBypass.",
     .example = "Manual"},

    {.name = "ProxyUrl", .type = SETTING_TEXT, .flags = BOTH | SETTING_SECRET,
     .offset = AT(proxy_url),
     .default_text = "", .check = check_proxy_url, .normalise = normalise_url,
     .category = "Network", .since = "0.1",
     .title = "Address of the proxy", .title_de = "Adresse des Proxys",
     .help = "The address of the proxy for Proxy=Manual. A user name and password in it are used "
             "for Basic authentication, and are blanked wherever the setting is shown; without "
             "them the proxy is asked with the session's own sign-in. Everybody who can read the "
             "policy can read the password.",
     .help_de = "Die Adresse des Proxys für Proxy=Manual. Ein Benutzername und Kennwort darin "
                "werden für die Basic-Authentifizierung verwendet und überall unkenntlich "
                "gemacht, wo die Einstellung angezeigt wird; ohne sie meldet sich der Agent mit "
                "der Anmeldung der Sitzung beim Proxy an. Wer die Richtlinie lesen kann, kann "
                "auch das Kennwort lesen.",
     .example = "http://proxy.contoso.com:8080"},

    {.name = "ProxyBypass", .type = SETTING_TEXT, .flags = BOTH, .offset = AT(proxy_bypass),
     .default_text = "",
     .category = "Network", .since = "0.1",
     .title = "Hosts without proxy", .title_de = "Hosts ohne Proxy",
     .help = "Hosts that are reached without the proxy, separated by commas, for Proxy=Manual. A "
             "name that begins with a dot stands for all hosts of a domain.",
     .help_de = "Hosts, die ohne Proxy erreicht werden, durch Kommas getrennt, für Proxy=Manual. "
                "Ein Name mit führendem Punkt steht für alle Hosts einer Domäne.",
     .example = "localhost,.contoso.com"},

    {.name = "CaFile", .type = SETTING_TEXT, .flags = SETTING_MACHINE | SETTING_PATH,
     .offset = AT(ca_file),
     .default_text = "",
     .category = "Network", .since = "0.1",
     .title = "Additional trusted certificates",
     .title_de = "Zusätzliche vertrauenswürdige Zertifikate",
     .help = "A PEM file with certification authorities that are trusted beside those of the "
             "system. It is needed in networks that inspect TLS when their authority is not in "
             "the system's store.",
     .help_de = "Eine PEM-Datei mit Zertifizierungsstellen, denen zusätzlich zu denen des Systems "
                "vertraut wird. Nötig ist sie in Netzwerken, die TLS untersuchen, wenn deren "
                "Zertifizierungsstelle nicht im Speicher des Systems liegt.",
     .example = "C:\\ProgramData\\Contoso\\ca.pem"},

    {.name = "UserAgentTag", .type = SETTING_TEXT, .flags = BOTH, .offset = AT(user_agent_tag),
     .default_text = "", .check = check_header_text,
     .category = "Network", .since = "0.1",
     .title = "Text in the User-Agent", .title_de = "Text im User-Agent",
     .help = "Text that is appended to the User-Agent of every request, so that your own proxies "
             "and logs can tell apart who is asking, for instance a pool of desktops. Printable "
             "ASCII, at most 128 characters.",
     .help_de = "Text, der an den User-Agent jeder Anfrage angehängt wird, damit Ihre eigenen "
                "Proxys und Protokolle unterscheiden können, wer fragt, etwa einen Pool von "
                "Desktops. Druckbares ASCII, höchstens 128 Zeichen.",
     .example = "pool-7"},
};
/* clang-format on */

const struct schema_part schema_network = {rows, sizeof(rows) / sizeof(rows[0])};
