/* The settings of the category Account. How to add one: schema.c. */
#include "schema/rows.h"

static const char *const clouds[] = {"Global", "UsGovHigh", "UsGovDod", "China", "Custom", NULL};
static const char *const clouds_en[] = {"Microsoft 365 worldwide, including GCC",
                                        "US Government GCC High",
                                        "US Government DoD",
                                        "China, operated by 21Vianet",
                                        "Addresses from CustomLoginUrl and CustomGraphUrl",
                                        NULL};
static const char *const clouds_de[] = {"Microsoft 365 weltweit, auch GCC",
                                        "US-Behörden, GCC High",
                                        "US-Verteidigungsministerium (DoD)",
                                        "China, betrieben von 21Vianet",
                                        "Adressen aus CustomLoginUrl und CustomGraphUrl",
                                        NULL};

static const char *const sign_ins[] = {"Auto", "SilentOnly", "Browser", "DeviceCode", NULL};
static const char *const sign_ins_en[] = {
    "Silently, else in the browser, else by device code", "Silently only; never show anything",
    "Silently, else in the browser", "Silently, else by device code", NULL};
static const char *const sign_ins_de[] = {
    "Still, sonst im Browser, sonst mit Gerätecode", "Nur still, nie etwas anzeigen",
    "Still, sonst im Browser", "Still, sonst mit Gerätecode", NULL};

/* clang-format off */
static const struct setting rows[] = {
    {.name = "Enabled", .type = SETTING_SWITCH, .flags = BOTH, .offset = AT(enabled),
     .default_text = "true",
     .category = "Account", .since = "0.1", .konnekt = "SkipAccountWizard (inverted)",
     .title = "Run the agent", .title_de = "Agent ausführen",
     .help = "Whether the agent runs. When it is off, the agent ends at once for this computer or "
             "this user and shows no drive.\n\n"
             "Use it to roll Mooring out step by step, or to keep it off servers that share an "
             "image with desktops.",
     .help_de = "Legt fest, ob der Agent läuft. Ist die Einstellung ausgeschaltet, beendet sich "
                "der Agent auf diesem Computer oder für diesen Benutzer sofort und zeigt keine "
                "Laufwerke an.\n\n"
                "Damit lässt sich Mooring schrittweise einführen oder auf Servern abschalten, die "
                "dasselbe Abbild wie die Arbeitsplätze verwenden.",
     .example = "false"},

    {.name = "Tenants", .type = SETTING_LIST, .flags = BOTH, .offset = AT(tenants),
     .default_text = "", .check = check_tenant_entry,
     .category = "Account", .since = "0.1",
     .title = "Microsoft 365 tenants", .title_de = "Microsoft-365-Mandanten",
     .help = "The Microsoft 365 organisations to sign in to, all at the same time. An entry is "
             "tenant|client id|cloud|login hint; only the tenant is needed. The tenant is one of "
             "its domains or its id, the client id belongs to the app registration in this "
             "tenant, the cloud is one of the choices of Cloud, and the login hint preselects an "
             "account.\n\n"
             "Without any entry the agent signs in to the home tenant of whoever signs in.",
     .help_de = "Die Microsoft-365-Organisationen, bei denen sich der Agent gleichzeitig "
                "anmeldet. Ein Eintrag hat die Form Mandant|Client-ID|Cloud|Anmeldehinweis; nur "
                "der Mandant ist erforderlich. Der Mandant ist eine seiner Domänen oder seine ID, "
                "die Client-ID gehört zur App-Registrierung in diesem Mandanten, die Cloud ist "
                "einer der Auswahlwerte von Cloud, und der Anmeldehinweis wählt ein Konto vor.\n\n"
                "Ohne Eintrag verwendet der Agent den Heimatmandanten der Person, die sich "
                "anmeldet.",
     .example = "contoso.onmicrosoft.com|11111111-2222-3333-4444-555555555555\n"
                "fabrikam.com|66666666-7777-8888-9999-000000000000|Global|anna@fabrikam.com"},

    {.name = "ClientId", .type = SETTING_TEXT, .flags = BOTH, .offset = AT(client_id),
     .default_text = "", .check = check_guid,
     .category = "Account", .since = "0.1",
     .title = "Client id of the app registration", .title_de = "Client-ID der App-Registrierung",
     .help = "The id of the app registration (a GUID) that is used for tenants whose entry in "
             "Tenants names none. Mooring brings no registration of its own, so that the "
             "permissions stay in your hands. Without one, the sign-in explains how to register "
             "it.",
     .help_de = "Die ID der App-Registrierung (eine GUID) für alle Mandanten, deren Eintrag in "
                "Tenants keine nennt. Mooring bringt keine eigene Registrierung mit; so bleiben "
                "die Berechtigungen in Ihrer Hand. Fehlt sie, erklärt die Anmeldung, wie man sie "
                "anlegt.",
     .example = "11111111-2222-3333-4444-555555555555"},

    {.name = "Cloud", .type = SETTING_ENUM, .flags = BOTH, .offset = AT(cloud),
     .default_text = "Global", .choices = clouds,
     .labels = clouds_en, .labels_de = clouds_de,
     .category = "Account", .since = "0.1",
     .title = "National cloud", .title_de = "Nationale Cloud",
     .help = "The Microsoft cloud of tenants whose entry in Tenants names none. It decides which "
             "addresses are used for signing in and for Microsoft Graph.",
     .help_de = "Die Microsoft-Cloud für alle Mandanten, deren Eintrag in Tenants keine nennt. "
                "Davon hängt ab, welche Adressen für die Anmeldung und für Microsoft Graph "
                "verwendet werden.",
     .example = "UsGovHigh"},

    {.name = "CustomLoginUrl", .type = SETTING_TEXT, .flags = BOTH, .offset = AT(custom_login_url),
     .default_text = "", .check = check_service_url, .normalise = normalise_url,
     .category = "Account", .since = "0.1",
     .title = "Sign-in address of the custom cloud", .title_de = "Anmeldeadresse der eigenen Cloud",
     .help = "The address for signing in when Cloud is Custom: an https address without a path. "
             "The agent appends /{tenant}/oauth2/v2.0/... to it. It is needed for clouds that "
             "have no choice of their own, and for tests.",
     .help_de = "Die Adresse für die Anmeldung, wenn Cloud auf Custom steht: eine https-Adresse "
                "ohne Pfad. Der Agent hängt /{Mandant}/oauth2/v2.0/... an. Nötig ist sie für "
                "Clouds ohne eigenen Auswahlwert und für Tests.",
     .example = "https://login.example.com"},

    {.name = "CustomGraphUrl", .type = SETTING_TEXT, .flags = BOTH, .offset = AT(custom_graph_url),
     .default_text = "", .check = check_service_url, .normalise = normalise_url,
     .category = "Account", .since = "0.1",
     .title = "Graph address of the custom cloud", .title_de = "Graph-Adresse der eigenen Cloud",
     .help = "The address of Microsoft Graph when Cloud is Custom: an https address without a "
             "path. The agent appends /v1.0/... to it. It is needed for clouds that have no "
             "choice of their own, and for tests.",
     .help_de = "Die Adresse von Microsoft Graph, wenn Cloud auf Custom steht: eine https-Adresse "
                "ohne Pfad. Der Agent hängt /v1.0/... an. Nötig ist sie für Clouds ohne eigenen "
                "Auswahlwert und für Tests.",
     .example = "https://graph.example.com"},

    {.name = "SignIn", .type = SETTING_ENUM, .flags = BOTH, .offset = AT(sign_in),
     .default_text = "Auto", .choices = sign_ins,
     .labels = sign_ins_en, .labels_de = sign_ins_de,
     .category = "Account", .since = "0.1", .konnekt = "PopupReauthenticateAccount=0 is SilentOnly",
     .title = "Ways to sign in", .title_de = "Erlaubte Anmeldewege",
     .help = "Which ways of signing in are allowed. A silent sign-in is always tried first; the "
             "setting says what may happen when it is not possible. SilentOnly suits kiosks and "
             "servers on which nobody can answer a question.",
     .help_de = "Legt fest, welche Anmeldewege erlaubt sind. Die stille Anmeldung wird immer "
                "zuerst versucht; die Einstellung bestimmt, was geschehen darf, wenn sie nicht "
                "möglich ist. SilentOnly eignet sich für Kioskgeräte und Server, an denen niemand "
                "eine Frage beantworten kann.",
     .example = "SilentOnly"},

    {.name = "AllowedTenants", .type = SETTING_LIST, .flags = BOTH | SETTING_RESTRICTS,
     .offset = AT(allowed_tenants),
     .default_text = "", .check = check_guid,
     .category = "Account", .since = "0.1",
     .title = "Allowed tenants", .title_de = "Erlaubte Mandanten",
     .help = "The ids (GUIDs) of the tenants that may be signed in to; ids, since a domain can "
             "change hands. Without any entry, and when this policy is disabled, all tenants in "
             "Tenants are allowed. Users' own settings cannot add to the entries of a policy: "
             "this keeps company computers from connecting to foreign organisations.",
     .help_de = "Die IDs (GUIDs) der Mandanten, bei denen sich der Agent anmelden darf; IDs, weil "
                "eine Domäne den Besitzer wechseln kann. Ohne Eintrag, und wenn die Richtlinie "
                "deaktiviert ist, sind alle Mandanten in Tenants erlaubt. Eigene Einstellungen "
                "der Benutzer können die Einträge einer Richtlinie nicht erweitern: So verbinden "
                "sich Firmengeräte nicht mit fremden Organisationen.",
     .example = "99999999-8888-7777-6666-555555555555"},
};
/* clang-format on */

const struct schema_part schema_account = {rows, sizeof(rows) / sizeof(rows[0])};
