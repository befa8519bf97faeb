/* The settings of the category Account. How to add one: schema.c. */
#include "schema/rows.h"

static const char *const clouds[] = {"Global", "UsGovHigh", "UsGovDod", "China", "Custom", NULL};
static const char *const sign_ins[] = {"Auto", "SilentOnly", "Browser", "DeviceCode", NULL};

/* clang-format off */
static const struct setting rows[] = {
    {.name = "Enabled", .type = SETTING_SWITCH, .flags = BOTH, .offset = AT(enabled),
     .default_text = "true",
     .category = "Account", .since = "0.1", .konnekt = "SkipAccountWizard (inverted)",
     .title = "Run the agent", .title_de = "Agent ausführen",
     .help = "When off, the agent ends at once for this machine or this user and shows no drive."},
    {.name = "Tenants", .type = SETTING_LIST, .flags = BOTH, .offset = AT(tenants),
     .default_text = "", .check = check_tenant_entry,
     .category = "Account", .since = "0.1",
     .title = "Microsoft 365 tenants", .title_de = "Microsoft-365-Mandanten",
     .help = "The organisations to sign in to, all at once. An entry is a tenant (its domain or "
             "id), and after it, separated by |, the app registration's client id, the cloud, "
             "and a login hint: "
             "contoso.onmicrosoft.com|11111111-2222-3333-4444-555555555555|Global|anna@contoso.com. "
             "Without any entry the agent uses the home tenant of the user who signs in."},
    {.name = "ClientId", .type = SETTING_TEXT, .flags = BOTH, .offset = AT(client_id),
     .default_text = "", .check = check_guid,
     .category = "Account", .since = "0.1",
     .title = "Client id of the app registration", .title_de = "Client-ID der App-Registrierung",
     .help = "The app registration (a GUID) for tenants that name none. Without one the sign-in "
             "explains how to register it."},
    {.name = "Cloud", .type = SETTING_ENUM, .flags = BOTH, .offset = AT(cloud),
     .default_text = "Global", .choices = clouds,
     .category = "Account", .since = "0.1",
     .title = "National cloud", .title_de = "Nationale Cloud",
     .help = "The Microsoft cloud of tenants that name none. Custom takes its addresses from "
             "CustomLoginUrl and CustomGraphUrl."},
    {.name = "CustomLoginUrl", .type = SETTING_TEXT, .flags = BOTH, .offset = AT(custom_login_url),
     .default_text = "", .check = check_service_url, .normalise = normalise_url,
     .category = "Account", .since = "0.1",
     .title = "Sign-in address of the custom cloud", .title_de = "Anmeldeadresse der eigenen Cloud",
     .help = "For Cloud=Custom: https address without a path; /{tenant}/oauth2/v2.0/... follows "
             "it."},
    {.name = "CustomGraphUrl", .type = SETTING_TEXT, .flags = BOTH, .offset = AT(custom_graph_url),
     .default_text = "", .check = check_service_url, .normalise = normalise_url,
     .category = "Account", .since = "0.1",
     .title = "Graph address of the custom cloud", .title_de = "Graph-Adresse der eigenen Cloud",
     .help = "For Cloud=Custom: https address without a path; /v1.0/... follows it."},
    {.name = "SignIn", .type = SETTING_ENUM, .flags = BOTH, .offset = AT(sign_in),
     .default_text = "Auto", .choices = sign_ins,
     .category = "Account", .since = "0.1", .konnekt = "PopupReauthenticateAccount=0 is SilentOnly",
     .title = "Ways to sign in", .title_de = "Erlaubte Anmeldewege",
     .help = "Auto tries silent sign-in first and then the browser. SilentOnly never shows "
             "anything. Browser and DeviceCode allow only this way when a silent sign-in is not "
             "possible."},
    {.name = "AllowedTenants", .type = SETTING_LIST, .flags = BOTH | SETTING_RESTRICTS,
     .offset = AT(allowed_tenants),
     .default_text = "", .check = check_guid,
     .category = "Account", .since = "0.1",
     .title = "Allowed tenants", .title_de = "Erlaubte Mandanten",
     .help = "Only the tenants with these ids (GUIDs, since a domain can change hands) may be signed "
             "in to. Empty allows all in Tenants. Entries of a policy cannot be added to by the user's own settings."},
};
/* clang-format on */

const struct schema_part schema_account = {rows, sizeof(rows) / sizeof(rows[0])};
