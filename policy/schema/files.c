/* The settings of the category Files. How to add one: schema.c. */
#include "schema/rows.h"

static const char *const write_modes[] = {"Background", "BeforeClose", NULL};
static const char *const conflict_modes[] = {"KeepBoth", "Refuse", NULL};
static const char *const co_authorings[] = {"Off", "DesktopApps", "Browser", NULL};
static const char *const link_scopes[] = {"Tenant", "Anonymous", "Organization", "Disabled", NULL};

/* clang-format off */
static const struct setting rows[] = {
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
};
/* clang-format on */

const struct schema_part schema_files = {rows, sizeof(rows) / sizeof(rows[0])};
