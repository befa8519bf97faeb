/* The settings of the category Mappings. How to add one: schema.c. */
#include "schema/rows.h"

static const char *const library_scopes[] = {"Default", "All", NULL};

/* clang-format off */
static const struct setting rows[] = {
    {.name = "AutoMap", .type = SETTING_SWITCH, .flags = BOTH, .offset = AT(auto_map),
     .default_text = "true",
     .category = "Mappings", .since = "0.1", .konnekt = "O365SharepointUsage",
     .title = "Map what discovery finds", .title_de = "Gefundene Bibliotheken einbinden",
     .help = "Shows every library that the user can reach and that the scope settings let "
             "through. When off, only ManagedMappings and OneDrive are shown."},
    {.name = "SiteQuery", .type = SETTING_TEXT, .flags = BOTH | SETTING_NOT_EMPTY,
     .offset = AT(site_query),
     .default_text = "(webtemplate:STS OR webtemplate:GROUP OR webtemplate:SITEPAGEPUBLISHING) "
                     "AND (contentclass=STS_Site OR contentclass=STS_Web)",
     .category = "Mappings", .since = "0.1", .konnekt = "SharepointSiteQuery",
     .title = "Search query for sites", .title_de = "Suchabfrage für Websites",
     .help = "The sites to look at, as a query in Microsoft's Keyword Query Language. It goes to "
             "the search as it is."},
    {.name = "LibraryScope", .type = SETTING_ENUM, .flags = BOTH, .offset = AT(library_scope),
     .default_text = "All", .choices = library_scopes,
     .category = "Mappings", .since = "0.1", .konnekt = "AddAllSharepointLibraries",
     .title = "Libraries of a site", .title_de = "Bibliotheken einer Website",
     .help = "Default shows only the default library of each site, All shows all of its document "
             "libraries."},
    {.name = "TeamsChannels", .type = SETTING_SWITCH, .flags = LATER, .offset = AT(teams_channels),
     .default_text = "false",
     .category = "Mappings", .since = "0.1", .konnekt = "(KQL TEAMCHANNEL)",
     .title = "Private and shared Teams channels",
     .title_de = "Private und freigegebene Teams-Kanäle",
     .help = "Also looks for the folders of private and shared channels of the teams the user "
             "has joined. This asks for two more permissions."},
    {.name = "IncludeSites", .type = SETTING_LIST, .flags = BOTH, .offset = AT(include_sites),
     .default_text = "", .check = check_glob,
     .category = "Mappings", .since = "0.1",
     .title = "Sites to include", .title_de = "Einbezogene Websites",
     .help = "Patterns on a site's URL, or on its title when the entry begins with title:. With "
             "any entry here, only sites that match one are shown. An exclusion always wins."},
    {.name = "ExcludeSites", .type = SETTING_LIST, .flags = BOTH, .offset = AT(exclude_sites),
     .default_text = "", .check = check_glob,
     .category = "Mappings", .since = "0.1",
     .title = "Sites to exclude", .title_de = "Ausgeschlossene Websites",
     .help = "Patterns on a site's URL, or on its title when the entry begins with title:. Sites "
             "that match one are not shown."},
    {.name = "IncludeLibraries", .type = SETTING_LIST, .flags = BOTH,
     .offset = AT(include_libraries),
     .default_text = "", .check = check_glob,
     .category = "Mappings", .since = "0.1",
     .title = "Libraries to include", .title_de = "Einbezogene Bibliotheken",
     .help = "Patterns on site/library or on a library's URL. With any entry here, only "
             "libraries that match one are shown. An exclusion always wins."},
    {.name = "ExcludeLibraries", .type = SETTING_LIST, .flags = BOTH,
     .offset = AT(exclude_libraries),
     .default_text = "", .check = check_glob,
     .category = "Mappings", .since = "0.1",
     .title = "Libraries to exclude", .title_de = "Ausgeschlossene Bibliotheken",
     .help = "Patterns on site/library or on a library's URL. Libraries that match one are not "
             "shown."},
    {.name = "ManagedMappings", .type = SETTING_LIST, .flags = BOTH, .offset = AT(managed_mappings),
     .default_text = "", .check = check_mapping_entry,
     .category = "Mappings", .since = "0.1", .konnekt = "SharepointSites",
     .title = "Managed mappings", .title_de = "Verwaltete Zuordnungen",
     .help = "Sites, subsites, libraries or folders that are always shown, by URL, as in "
             "https://contoso.sharepoint.com/sites/finance/Shared Documents|Finance|P:. After "
             "the URL follow, separated by |, a name, a drive letter, a tenant, and options "
             "separated by commas: readonly, favorite, all."},
    {.name = "OneDrive", .type = SETTING_SWITCH, .flags = BOTH, .offset = AT(one_drive),
     .default_text = "true",
     .category = "Mappings", .since = "0.1",
     .title = "Map OneDrive", .title_de = "OneDrive einbinden",
     .help = "Shows the user's own OneDrive."},
    {.name = "OneDriveDrive", .type = SETTING_TEXT, .flags = BOTH | SETTING_NOT_EMPTY,
     .offset = AT(one_drive_drive),
     .default_text = "H:", .off_text = "none", .check = check_drive, .normalise = normalise_drive,
     .category = "Mappings", .since = "0.1", .konnekt = "ConnectDrive",
     .title = "Drive letter of OneDrive", .title_de = "Laufwerksbuchstabe von OneDrive",
     .help = "F: to Z:, or none. A letter that something else uses is left alone. On Linux it is "
             "a link below the folder drives of MountRoot."},
    {.name = "DriveLetterRules", .type = SETTING_LIST, .flags = BOTH,
     .offset = AT(drive_letter_rules),
     .default_text = "", .check = check_letter_rule,
     .category = "Mappings", .since = "0.1",
     .title = "Rules for drive letters", .title_de = "Regeln für Laufwerksbuchstaben",
     .help = "Letters for libraries that discovery finds. An entry is a pattern on site/library "
             "or on the URL, an equals sign and a letter: finance/*=P."},
    {.name = "DriveLetterPool", .type = SETTING_TEXT, .flags = BOTH,
     .offset = AT(drive_letter_pool),
     .default_text = "", .check = check_letter_pool,
     .category = "Mappings", .since = "0.1",
     .title = "Pool of drive letters", .title_de = "Vorrat an Laufwerksbuchstaben",
     .help = "Letters that are handed out, in order of name, to libraries that have none, as in "
             "P-T,V. Empty gives no letter."},
    {.name = "NameFormat", .type = SETTING_TEXT, .flags = BOTH | SETTING_NOT_EMPTY,
     .offset = AT(name_format),
     .default_text = "{site} - {library}", .check = check_name_format,
     .category = "Mappings", .since = "0.1",
     .title = "Label of a mapping", .title_de = "Bezeichnung einer Zuordnung",
     .help = "The label of a letter and the name in flat lists. {site}, {library} and {tenant} "
             "stand for the names. Paths do not depend on it."},
    {.name = "UncServer", .type = SETTING_TEXT,
     .flags = SETTING_MACHINE | SETTING_NOT_EMPTY | SETTING_WINDOWS | SETTING_PLANNED,
     .offset = AT(unc_server),
     .default_text = "mooring", .check = check_host_label,
     .category = "Mappings", .since = "0.1",
     .title = "Server name of the UNC path", .title_de = "Servername im UNC-Pfad",
     .help = "The first part of the network path. It is the one setting that changes paths: "
             "links that people saved before no longer lead to their files."},
    {.name = "RefreshMinutes", .type = SETTING_INT, .flags = BOTH, .offset = AT(refresh_minutes),
     .default_text = "60", .min = 5, .max = 1440, .unit = "minutes",
     .category = "Mappings", .since = "0.1",
     .title = "Discovery interval", .title_de = "Abstand der Suchläufe",
     .help = "How often the agent looks for new libraries and for those that are gone."},
    {.name = "MaxMappings", .type = SETTING_INT, .flags = BOTH, .offset = AT(max_mappings),
     .default_text = "1000", .min = 1, .max = 5000,
     .category = "Mappings", .since = "0.1",
     .title = "Largest number of mappings", .title_de = "Höchstzahl der Zuordnungen",
     .help = "When discovery finds more libraries than this, the rest is reported and not shown."},
    {.name = "RemoveOnLogoff", .type = SETTING_SWITCH, .flags = LATER,
     .offset = AT(remove_on_logoff),
     .default_text = "true",
     .category = "Mappings", .since = "0.1",
     .title = "Remove letters at logoff", .title_de = "Buchstaben bei der Abmeldung entfernen",
     .help = "Removes the drive letters at the end of the session. When off they stay and show "
             "no content until the agent runs again."},
};
/* clang-format on */

const struct schema_part schema_mappings = {rows, sizeof(rows) / sizeof(rows[0])};
