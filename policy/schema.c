/*
 * TO ADD A SETTING: 1. a field in struct settings (settings.h); 2. a row here, with a name that was
 * never used before; 3. a line in tests/data/policy/settings.txt; 4. ctest. When a planned feature
 * is built, take SETTING_PLANNED out of its row.
 */
#include "policy/schema.h"

#include <stddef.h>

#include "check.h"
#include "policy/settings.h"

#define AT(field) offsetof(struct settings, field)
#define BOTH (SETTING_MACHINE | SETTING_USER)
#define LATER (BOTH | SETTING_PLANNED)

static const char *const clouds[] = {"Global", "UsGovHigh", "UsGovDod", "China", "Custom", NULL};
static const char *const sign_ins[] = {"Auto", "SilentOnly", "Browser", "DeviceCode", NULL};
static const char *const library_scopes[] = {"Default", "All", NULL};
static const char *const transports[] = {"Auto", "Np", "WebDav", NULL};
static const char *const web_dav_auths[] = {"Preferred", "Required", "Off", NULL};
static const char *const write_modes[] = {"Background", "BeforeClose", NULL};
static const char *const conflict_modes[] = {"KeepBoth", "Refuse", NULL};
static const char *const co_authorings[] = {"Off", "DesktopApps", "Browser", NULL};
static const char *const link_scopes[] = {"Tenant", "Anonymous", "Organization", "Disabled", NULL};
static const char *const throttling_levels[] = {"Auto", "Low", "Medium", "High", NULL};
static const char *const http_versions[] = {"Auto", "Http1", NULL};
static const char *const proxies[] = {"System", "None", "Manual", NULL};
static const char *const log_levels[] = {"Off", "Error", "Info", "Debug", NULL};
static const char *const event_logs[] = {"Off", "Errors", "All", NULL};
static const char *const languages[] = {"System", "English", "German", NULL};

/* clang-format off */
/* A row reads best as: name and type; values; category; titles; help. */
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

    {.name = "Transport", .type = SETTING_ENUM, .flags = BOTH, .offset = AT(transport),
     .default_text = "Auto", .choices = transports,
     .category = "Transport", .since = "0.1",
     .title = "Transport", .title_de = "Anbindung",
     .help = "How libraries become visible. Np is the network provider (WinFsp on Windows, FUSE "
             "on Linux); WebDav is a WebDAV server on this machine, for hosts without a driver. "
             "Auto takes Np where its driver is present."},
    {.name = "WebDavPort", .type = SETTING_INT, .flags = LATER, .offset = AT(web_dav_port),
     .default_text = "0", .min = 0, .max = 65535,
     .category = "Transport", .since = "0.1",
     .title = "Port of the WebDAV server", .title_de = "Port des WebDAV-Servers",
     .help = "The loopback port of the WebDAV transport; 0 takes any that is free."},
    {.name = "WebDavAuth", .type = SETTING_ENUM, .flags = LATER | SETTING_WINDOWS,
     .offset = AT(web_dav_auth),
     .default_text = "Preferred", .choices = web_dav_auths,
     .category = "Transport", .since = "0.1",
     .title = "Identity check of WebDAV clients",
     .title_de = "Identitätsprüfung der WebDAV-Clients",
     .help = "Whether WebDAV clients must prove by Negotiate that they belong to the user's "
             "session, beside the secret in the path."},
    {.name = "MountRoot", .type = SETTING_TEXT,
     .flags = BOTH | SETTING_PATH | SETTING_NOT_EMPTY | SETTING_LINUX, .offset = AT(mount_root),
     .default_text = "$HOME/SharePoint",
     .category = "Transport", .since = "0.1",
     .title = "Mount folder", .title_de = "Einhängeordner",
     .help = "Where libraries appear on Linux. Variables such as $HOME are expanded for each "
             "user."},
    {.name = "OfflineAttribute", .type = SETTING_SWITCH, .flags = LATER | SETTING_WINDOWS,
     .offset = AT(offline_attribute),
     .default_text = "true",
     .category = "Transport", .since = "0.1", .konnekt = "EnableOfflineAttribute",
     .title = "Mark files as offline", .title_de = "Dateien als offline kennzeichnen",
     .help = "Marks files so that previews, indexers and scanners leave their content alone."},
    {.name = "OfflineAttributeExclude", .type = SETTING_TEXT, .flags = LATER | SETTING_WINDOWS,
     .offset = AT(offline_attribute_exclude),
     .default_text = "pdf", .check = check_extensions,
     .category = "Transport", .since = "0.1", .konnekt = "OfflineAttributeFilter",
     .title = "Extensions that are not marked as offline",
     .title_de = "Nicht als offline gekennzeichnete Endungen",
     .help = "File name extensions, separated by |, whose files are not marked as offline."},
    {.name = "ReadOnly", .type = SETTING_SWITCH, .flags = BOTH, .offset = AT(read_only),
     .default_text = "false",
     .category = "Transport", .since = "0.1",
     .title = "Read-only", .title_de = "Schreibgeschützt",
     .help = "Makes all mappings read-only on this machine or for this user, whatever the "
             "permissions in SharePoint allow."},

    {.name = "ReadOnlyAboveMB", .type = SETTING_INT, .flags = BOTH,
     .offset = AT(read_only_above_mb),
     .default_text = "512", .min = 0, .max = 256000, .unit = "MB", .off_text = "0",
     .category = "Files", .since = "0.1", .konnekt = "OneDriveOpenFilesLargerThanReadOnly (bytes)",
     .title = "Open read-only above this size", .title_de = "Ab dieser Größe nur lesend öffnen",
     .help = "Larger files can be read but not changed in place; 0 means never."},
    {.name = "BlockAboveMB", .type = SETTING_INT, .flags = BOTH, .offset = AT(block_above_mb),
     .default_text = "1024", .min = 0, .max = 256000, .unit = "MB", .off_text = "0",
     .category = "Files", .since = "0.1", .konnekt = "OneDriveDoNotOpenFilesLargerThan (bytes)",
     .title = "Do not open above this size", .title_de = "Ab dieser Größe nicht öffnen",
     .help = "Larger files do not open at all; 0 means never."},
    {.name = "UploadBlockAboveMB", .type = SETTING_INT, .flags = LATER,
     .offset = AT(upload_block_above_mb),
     .default_text = "0", .min = 0, .max = 256000, .unit = "MB", .off_text = "0",
     .category = "Files", .since = "0.1",
     .title = "Refuse to write above this size", .title_de = "Ab dieser Größe nicht schreiben",
     .help = "A write that would make a file larger than this is refused; 0 means never."},
    {.name = "BlockedExtensions", .type = SETTING_LIST, .flags = LATER,
     .offset = AT(blocked_extensions),
     .default_text = "", .check = check_extension,
     .category = "Files", .since = "0.1",
     .title = "Blocked file types", .title_de = "Gesperrte Dateitypen",
     .help = "File name extensions, such as exe, that may not be created or uploaded."},
    {.name = "LocalOnlyPatterns", .type = SETTING_LIST, .flags = LATER,
     .offset = AT(local_only_patterns),
     .default_text = "~$*\n*.tmp\nThumbs.db\ndesktop.ini\n.DS_Store\n._*\n*.crdownload\n"
                     "*.partial\n~WR[DL]*.tmp\n*.asd",
     .check = check_file_name,
     .category = "Files", .since = "0.1",
     .title = "Scratch files that stay on the machine",
     .title_de = "Arbeitsdateien, die auf dem Gerät bleiben",
     .help = "Files whose names match one of these patterns are kept on the machine until they "
             "are renamed to something else."},
    {.name = "CacheSizeMB", .type = SETTING_INT, .flags = BOTH, .offset = AT(cache_size_mb),
     .default_text = "0", .min = 0, .max = 1048576, .unit = "MB",
     .category = "Files", .since = "0.1", .konnekt = "CacheSize",
     .title = "Size of the content cache", .title_de = "Größe des Inhaltscache",
     .help = "Least recently used content is removed first. 0 takes a quarter of the free disk, "
             "at most 10 GB."},
    {.name = "CacheMinutes", .type = SETTING_INT, .flags = BOTH, .offset = AT(cache_minutes),
     .default_text = "60", .min = 0, .max = 60480, .unit = "minutes",
     .category = "Files", .since = "0.1", .konnekt = "CacheTTL",
     .title = "Age of the content cache", .title_de = "Alter des Inhaltscache",
     .help = "How long the content of a closed file is kept."},
    {.name = "CacheDirectory", .type = SETTING_TEXT,
     .flags = BOTH | SETTING_PATH | SETTING_NOT_EMPTY, .offset = AT(cache_directory),
     .default_text = "$XDG_CACHE_HOME/mooring", .default_windows = "%LOCALAPPDATA%\\Mooring\\cache",
     .category = "Files", .since = "0.1",
     .title = "Folder of the content cache", .title_de = "Ordner des Inhaltscache",
     .help = "A folder that only the user can read. Variables are expanded for each user."},
    {.name = "JournalDirectory", .type = SETTING_TEXT,
     .flags = BOTH | SETTING_PATH | SETTING_NOT_EMPTY, .offset = AT(journal_directory),
     .default_text = "$XDG_STATE_HOME/mooring/journal",
     .default_windows = "%LOCALAPPDATA%\\Mooring\\journal",
     .category = "Files", .since = "0.1",
     .title = "Folder of unsent files", .title_de = "Ordner für noch nicht gesendete Dateien",
     .help = "Closed files that are not on the server yet. On desktop pools without profile "
             "containers point it at a lasting place, or set WriteMode to BeforeClose."},
    {.name = "DrainSeconds", .type = SETTING_INT, .flags = BOTH, .offset = AT(drain_seconds),
     .default_text = "60", .min = 0, .max = 600, .unit = "seconds",
     .category = "Files", .since = "0.1",
     .title = "Wait for uploads at logoff", .title_de = "Bei der Abmeldung auf Uploads warten",
     .help = "How long the end of a session may wait for uploads. What is not sent then stays in "
             "the journal."},
    {.name = "ScannerProcesses", .type = SETTING_LIST, .flags = LATER,
     .offset = AT(scanner_processes),
     .default_text = "SearchIndexer.exe\nSearchProtocolHost.exe\nSearchFilterHost.exe\n"
                     "MsMpEng.exe\nMpCmdRun.exe\ntracker-miner-fs-3\ntracker-extract-3\n"
                     "baloo_file\nbaloo_file_extractor\nupdatedb\nupdatedb.mlocate\n"
                     "updatedb.plocate\ntumblerd\ngdk-pixbuf-thumbnailer\n"
                     "totem-video-thumbnailer\nevince-thumbnailer\nffmpegthumbnailer\nclamscan\n"
                     "clamd",
     .check = check_file_name,
     .category = "Files", .since = "0.1",
     .title = "Programs that cause no downloads",
     .title_de = "Programme, die keine Downloads auslösen",
     .help = "Program names of indexers, thumbnailers and scanners. They see names, sizes and "
             "dates, but their reading downloads nothing."},
    {.name = "RecoveryDirectory", .type = SETTING_TEXT, .flags = LATER | SETTING_PATH,
     .offset = AT(recovery_directory),
     .default_text = "",
     .category = "Files", .since = "0.1", .konnekt = "DownloadDirectory",
     .title = "Folder for exported files", .title_de = "Ordner für exportierte Dateien",
     .help = "Where mooring uploads export puts a file that could not be sent. Empty is the "
             "user's Downloads folder."},
    {.name = "MetadataSeconds", .type = SETTING_INT, .flags = BOTH, .offset = AT(metadata_seconds),
     .default_text = "60", .min = 0, .max = 86400, .unit = "seconds",
     .category = "Files", .since = "0.1",
     .title = "Age of listings", .title_de = "Alter von Verzeichnislisten",
     .help = "How long a listing is believed before the agent asks the server for changes."},
    {.name = "WriteMode", .type = SETTING_ENUM, .flags = LATER, .offset = AT(write_mode),
     .default_text = "Background", .choices = write_modes,
     .category = "Files", .since = "0.1",
     .title = "When closing a file returns", .title_de = "Wann das Schließen einer Datei endet",
     .help = "Background returns when the file is safe in the journal, BeforeClose when it is on "
             "the server. This version always waits for the server."},
    {.name = "ConflictMode", .type = SETTING_ENUM, .flags = LATER, .offset = AT(conflict_mode),
     .default_text = "KeepBoth", .choices = conflict_modes,
     .category = "Files", .since = "0.1",
     .title = "When someone else saved meanwhile",
     .title_de = "Wenn jemand anderes inzwischen gespeichert hat",
     .help = "KeepBoth keeps both versions, the user's as a copy named for user and time. Refuse "
             "makes the save fail. Nothing is overwritten in either case."},
    {.name = "MassDeleteThreshold", .type = SETTING_INT, .flags = LATER,
     .offset = AT(mass_delete_threshold),
     .default_text = "200", .min = 0, .max = 100000, .unit = "per minute", .off_text = "0",
     .category = "Files", .since = "0.1",
     .title = "Guard against mass deletion", .title_de = "Schutz vor Massenlöschung",
     .help = "More deletions than this within a minute are refused until mooring deletes allow "
             "lets them go on; 0 turns the guard off."},
    {.name = "CoAuthoring", .type = SETTING_ENUM, .flags = LATER, .offset = AT(co_authoring),
     .default_text = "DesktopApps", .choices = co_authorings,
     .category = "Files", .since = "0.1", .konnekt = "EnableCoAuthoring",
     .title = "Co-authoring of Office files",
     .title_de = "Gemeinsame Bearbeitung von Office-Dateien",
     .help = "What mooring open and the Explorer verb do with Office files: hand them to the "
             "desktop apps, to the browser, or open them as plain files."},
    {.name = "LinkScope", .type = SETTING_ENUM, .flags = LATER, .offset = AT(link_scope),
     .default_text = "Tenant", .choices = link_scopes,
     .category = "Files", .since = "0.1", .konnekt = "SharepointLinkScope",
     .title = "Scope of sharing links", .title_de = "Reichweite von Freigabelinks",
     .help = "Who can use a link that mooring link makes. Tenant leaves it to the tenant's own "
             "default."},

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

    {.name = "LogLevel", .type = SETTING_ENUM, .flags = BOTH, .offset = AT(log_level),
     .default_text = "Info", .choices = log_levels,
     .category = "Diagnostics", .since = "0.1", .konnekt = "LogLevel",
     .title = "Log level", .title_de = "Protokollstufe",
     .help = "How much is written to the log. Debug names users' paths; tokens are never written."},
    {.name = "LogSizeKB", .type = SETTING_INT, .flags = BOTH, .offset = AT(log_size_kb),
     .default_text = "1024", .min = 64, .max = 102400, .unit = "KB",
     .category = "Diagnostics", .since = "0.1", .konnekt = "LogRotation",
     .title = "Size of a log file", .title_de = "Größe einer Protokolldatei",
     .help = "A log file that would become larger is closed, and a new one begins."},
    {.name = "LogFiles", .type = SETTING_INT, .flags = BOTH, .offset = AT(log_files),
     .default_text = "6", .min = 1, .max = 20,
     .category = "Diagnostics", .since = "0.1", .konnekt = "LogRotation",
     .title = "Number of log files", .title_de = "Anzahl der Protokolldateien",
     .help = "How many log files are kept, with the current one."},
    {.name = "LogDirectory", .type = SETTING_TEXT, .flags = BOTH | SETTING_PATH | SETTING_NOT_EMPTY,
     .offset = AT(log_directory),
     .default_text = "$XDG_STATE_HOME/mooring", .default_windows = "%LOCALAPPDATA%\\Mooring",
     .category = "Diagnostics", .since = "0.1",
     .title = "Folder of the log", .title_de = "Ordner des Protokolls",
     .help = "Where log files are written. Variables are expanded for each user."},
    {.name = "EventLog", .type = SETTING_ENUM, .flags = LATER, .offset = AT(event_log),
     .default_text = "Errors", .choices = event_logs,
     .category = "Diagnostics", .since = "0.1",
     .title = "System's event log", .title_de = "Ereignisprotokoll des Systems",
     .help = "What is also written to the Windows event log, or to the journal on Linux."},
    {.name = "Language", .type = SETTING_ENUM, .flags = LATER, .offset = AT(language),
     .default_text = "System", .choices = languages,
     .category = "Diagnostics", .since = "0.1", .konnekt = "Language",
     .title = "Language", .title_de = "Sprache",
     .help = "The language of messages to the user."},
};
/* clang-format on */

size_t schema_count(void)
{
    return sizeof(rows) / sizeof(rows[0]);
}

const struct setting *schema_at(size_t index)
{
    return index < schema_count() ? &rows[index] : NULL;
}
