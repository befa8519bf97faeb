/* The settings of the category Files. How to add one: schema.c. */
#include "schema/rows.h"

static const char *const write_modes[] = {"Background", "BeforeClose", NULL};
static const char *const write_modes_en[] = {"When the file is safe in the journal",
                                             "When the file is on the server", NULL};
static const char *const write_modes_de[] = {"Wenn die Datei sicher im Journal liegt",
                                             "Wenn die Datei auf dem Server ist", NULL};

static const char *const conflict_modes[] = {"KeepBoth", "Refuse", NULL};
static const char *const conflict_modes_en[] = {
    "Keep both; the user's version becomes a copy named after user and time",
    "Refuse to save; the program shows an error", NULL};
static const char *const conflict_modes_de[] = {
    "Beide behalten; die Version des Benutzers wird eine Kopie mit Name und Zeit",
    "Speichern verweigern; das Programm zeigt einen Fehler", NULL};

static const char *const co_authorings[] = {"Off", "DesktopApps", "Browser", NULL};
static const char *const co_authorings_en[] = {
    "Open as plain files", "Open in the desktop apps by address", "Open in the browser", NULL};
static const char *const co_authorings_de[] = {"Als gewöhnliche Dateien öffnen",
                                               "In den Desktop-Apps über die Adresse öffnen",
                                               "Im Browser öffnen", NULL};

static const char *const link_scopes[] = {"Tenant", "Anonymous", "Organization", "Disabled", NULL};
static const char *const link_scopes_en[] = {
    "What the tenant has as its default", "Anybody who has the link", "People in the organisation",
    "Nobody: no links are made", NULL};
static const char *const link_scopes_de[] = {
    "Was im Mandanten als Standard festgelegt ist", "Alle, die den Link haben",
    "Personen in der Organisation", "Niemand: Es werden keine Links erzeugt", NULL};

/* clang-format off */
static const struct setting rows[] = {
    {.name = "ReadOnlyAboveMB", .type = SETTING_INT, .flags = BOTH,
     .offset = AT(read_only_above_mb),
     .default_text = "512", .min = 0, .max = 256000, .unit = "MB", .off_text = "0",
     .category = "Files", .since = "0.1", .konnekt = "OneDriveOpenFilesLargerThanReadOnly (bytes)",
     .title = "Open read-only above this size", .title_de = "Ab dieser Größe nur lesend öffnen",
     .help = "Files larger than this can be read but not changed in place; 0 means never. Saving "
             "a large file sends all of it again, so that programs which write often, such as "
             "databases and mail archives, would keep the line busy.",
     .help_de = "Dateien über dieser Größe lassen sich lesen, aber nicht an Ort und Stelle "
                "ändern; 0 bedeutet nie. Beim Speichern wird eine große Datei vollständig neu "
                "gesendet; Programme, die oft schreiben, etwa Datenbanken und Mailarchive, würden "
                "die Leitung dauerhaft belegen.",
     .example = "2048"},

    {.name = "BlockAboveMB", .type = SETTING_INT, .flags = BOTH, .offset = AT(block_above_mb),
     .default_text = "1024", .min = 0, .max = 256000, .unit = "MB", .off_text = "0",
     .category = "Files", .since = "0.1", .konnekt = "OneDriveDoNotOpenFilesLargerThan (bytes)",
     .title = "Do not open above this size", .title_de = "Ab dieser Größe nicht öffnen",
     .help = "Files larger than this do not open at all; 0 means never. It protects slow lines "
             "and small disks from files that were never meant to be opened online, such as disk "
             "images.",
     .help_de = "Dateien über dieser Größe lassen sich gar nicht öffnen; 0 bedeutet nie. Das "
                "schützt langsame Leitungen und kleine Datenträger vor Dateien, die nie für die "
                "Onlinenutzung gedacht waren, etwa Datenträgerabbildern.",
     .example = "10240"},

    {.name = "UploadBlockAboveMB", .type = SETTING_INT, .flags = BOTH,
     .offset = AT(upload_block_above_mb),
     .default_text = "0", .min = 0, .max = 256000, .unit = "MB", .off_text = "0",
     .category = "Files", .since = "0.1",
     .title = "Refuse to write above this size", .title_de = "Ab dieser Größe nicht schreiben",
     .help = "A write that would make a file larger than this is refused; 0 means never. It keeps "
             "users from copying archives and machine images into a library.",
     .help_de = "Ein Schreibvorgang, der eine Datei über diese Größe bringen würde, wird "
                "abgelehnt; 0 bedeutet nie. So kopiert niemand Archive und Maschinenabbilder in "
                "eine Bibliothek.",
     .example = "4096"},

    {.name = "BlockedExtensions", .type = SETTING_LIST, .flags = BOTH,
     .offset = AT(blocked_extensions),
     .default_text = "", .check = check_extension,
     .category = "Files", .since = "0.1",
     .title = "Blocked file types", .title_de = "Gesperrte Dateitypen",
     .help = "File name extensions that may not be created or uploaded. Files that are in the "
             "library already can be read. Use it for programs, scripts and databases that do not "
             "work on a network drive.",
     .help_de = "Dateinamenerweiterungen, die weder angelegt noch hochgeladen werden dürfen. "
                "Dateien, die schon in der Bibliothek liegen, lassen sich lesen. Gedacht ist das "
                "für Programme, Skripte und Datenbanken, die auf einem Netzlaufwerk nicht "
                "funktionieren.",
     .example = "exe\n"
                "pst\n"
                "accdb"},

    {.name = "LocalOnlyPatterns", .type = SETTING_LIST, .flags = BOTH,
     .offset = AT(local_only_patterns),
     .default_text = "~$*\n*.tmp\nThumbs.db\ndesktop.ini\n.DS_Store\n._*\n*.crdownload\n"
                     "*.partial\n~WR[DL]*.tmp\n*.asd",
     .check = check_file_name,
     .category = "Files", .since = "0.1",
     .title = "Scratch files that stay on the machine",
     .title_de = "Arbeitsdateien, die auf dem Gerät bleiben",
     .help = "Patterns for the names of scratch files that stay on the machine until they are "
             "renamed to something else. Programs write such files and delete them again within "
             "seconds; sending them would cost requests and show them to everybody.",
     .help_de = "Muster für die Namen von Arbeitsdateien, die auf dem Gerät bleiben, bis sie "
                "anders umbenannt werden. Programme legen solche Dateien an und löschen sie nach "
                "Sekunden wieder; sie zu senden würde Anfragen kosten und sie allen zeigen.",
     .example = "*.bak\n"
                "*.lock"},

    {.name = "CacheSizeMB", .type = SETTING_INT, .flags = BOTH, .offset = AT(cache_size_mb),
     .default_text = "0", .min = 0, .max = 1048576, .unit = "MB",
     .category = "Files", .since = "0.1", .konnekt = "CacheSize",
     .title = "Size of the content cache", .title_de = "Größe des Inhaltscache",
     .help = "How much disk space the contents of files that were opened may take. What was not "
             "used for longest is removed first; files that are not on the server yet never count "
             "and are never removed. 0 takes a quarter of the free disk, at most 10 GB.\n\n"
             "On servers with many sessions, set it to what the disk holds divided by the number "
             "of users.",
     .help_de = "Wie viel Speicherplatz die Inhalte geöffneter Dateien belegen dürfen. Was am "
                "längsten nicht verwendet wurde, wird zuerst entfernt; Dateien, die noch nicht "
                "auf dem Server sind, zählen nicht mit und werden nie entfernt. 0 nimmt ein "
                "Viertel des freien Speicherplatzes, höchstens 10 GB.\n\n"
                "Auf Servern mit vielen Sitzungen sollte der Wert dem verfügbaren Platz geteilt "
                "durch die Zahl der Benutzer entsprechen.",
     .example = "4096"},

    {.name = "CacheMinutes", .type = SETTING_INT, .flags = BOTH, .offset = AT(cache_minutes),
     .default_text = "60", .min = 0, .max = 60480, .unit = "minutes", .unit_de = "Minuten",
     .category = "Files", .since = "0.1", .konnekt = "CacheTTL",
     .title = "Age of the content cache", .title_de = "Alter des Inhaltscache",
     .help = "How long the content of a closed file is kept after its last use. 0 removes it when "
             "the file is closed, which suits shared computers; longer times save downloads.",
     .help_de = "Wie lange der Inhalt einer geschlossenen Datei nach der letzten Verwendung "
                "aufgehoben wird. 0 entfernt ihn beim Schließen, was sich für gemeinsam genutzte "
                "Computer eignet; längere Zeiten sparen Downloads.",
     .example = "1440"},

    {.name = "CacheDirectory", .type = SETTING_TEXT,
     .flags = BOTH | SETTING_PATH | SETTING_NOT_EMPTY, .offset = AT(cache_directory),
     .default_text = "$XDG_CACHE_HOME/mooring", .default_windows = "%LOCALAPPDATA%\\Mooring\\cache",
     .category = "Files", .since = "0.1",
     .title = "Folder of the content cache", .title_de = "Ordner des Inhaltscache",
     .help = "The folder of the content cache. Variables are expanded for each user, and the "
             "folder is made so that only the user can read it. Put it on a fast local disk, "
             "never on a network drive or in a roaming profile.",
     .help_de = "Der Ordner des Inhaltscache. Variablen werden für jeden Benutzer aufgelöst, und "
                "der Ordner wird so angelegt, dass nur der Benutzer ihn lesen kann. Er gehört auf "
                "einen schnellen lokalen Datenträger, nie auf ein Netzlaufwerk oder in ein "
                "servergespeichertes Profil.",
     .example = "D:\\Cache\\%USERNAME%\\Mooring"},

    {.name = "JournalDirectory", .type = SETTING_TEXT,
     .flags = BOTH | SETTING_PATH | SETTING_NOT_EMPTY, .offset = AT(journal_directory),
     .default_text = "$XDG_STATE_HOME/mooring/journal",
     .default_windows = "%LOCALAPPDATA%\\Mooring\\journal",
     .category = "Files", .since = "0.1",
     .title = "Folder of unsent files", .title_de = "Ordner für noch nicht gesendete Dateien",
     .help = "The folder of files that were closed and are not on the server yet. Variables are "
             "expanded for each user. It must outlive the session: on desktop pools without "
             "profile containers, point it at a lasting place, or set WriteMode to BeforeClose.",
     .help_de = "Der Ordner für Dateien, die geschlossen, aber noch nicht auf dem Server sind. "
                "Variablen werden für jeden Benutzer aufgelöst. Er muss die Sitzung überdauern: "
                "In Desktoppools ohne Profilcontainer muss er auf einen dauerhaften Ort zeigen, "
                "oder WriteMode steht auf BeforeClose.",
     .example = "U:\\Mooring\\journal"},

    {.name = "DrainSeconds", .type = SETTING_INT, .flags = BOTH, .offset = AT(drain_seconds),
     .default_text = "60", .min = 0, .max = 600, .unit = "seconds", .unit_de = "Sekunden",
     .category = "Files", .since = "0.1",
     .title = "Wait for uploads at logoff", .title_de = "Bei der Abmeldung auf Uploads warten",
     .help = "How long the end of a session may wait for uploads. What is not sent then stays in "
             "the journal and is sent after the next logon. 0 does not wait.",
     .help_de = "Wie lange das Ende einer Sitzung auf Uploads warten darf. Was bis dahin nicht "
                "gesendet ist, bleibt im Journal und wird nach der nächsten Anmeldung gesendet. 0 "
                "wartet nicht.",
     .example = "180"},

    {.name = "ScannerProcesses", .type = SETTING_LIST, .flags = BOTH,
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
     .help = "The program names of indexers, thumbnailers and scanners. They see names, sizes and "
             "dates, but what they read downloads nothing, so that a nightly scan does not fetch "
             "a whole library. Entries add to the well-known ones.",
     .help_de = "Die Programmnamen von Indexdiensten, Miniaturansichten und Scannern. Sie sehen "
                "Namen, Größen und Daten, aber was sie lesen, löst keinen Download aus; so holt "
                "ein nächtlicher Scan nicht die ganze Bibliothek. Einträge ergänzen die bekannten "
                "Programme.",
     .example = "backupagent.exe"},

    {.name = "RecoveryDirectory", .type = SETTING_TEXT, .flags = BOTH | SETTING_PATH,
     .offset = AT(recovery_directory),
     .default_text = "",
     .category = "Files", .since = "0.1", .konnekt = "DownloadDirectory",
     .title = "Folder for exported files", .title_de = "Ordner für exportierte Dateien",
     .help = "The folder in which mooring uploads export puts a copy of a file that could not be "
             "sent. Without a value it is the user's Downloads folder.",
     .help_de = "Der Ordner, in den mooring uploads export eine Kopie einer Datei legt, die nicht "
                "gesendet werden konnte. Ohne Wert ist es der Ordner Downloads des Benutzers.",
     .example = "%USERPROFILE%\\Documents\\Recovered"},

    {.name = "MetadataSeconds", .type = SETTING_INT, .flags = BOTH, .offset = AT(metadata_seconds),
     .default_text = "60", .min = 0, .max = 86400, .unit = "seconds", .unit_de = "Sekunden",
     .category = "Files", .since = "0.1",
     .title = "Age of listings", .title_de = "Alter von Verzeichnislisten",
     .help = "How long a listing is believed before the agent asks the server for changes. Longer "
             "times save requests, shorter ones show others' changes sooner; 0 asks each time.",
     .help_de = "Wie lange eine Verzeichnisliste gilt, bevor der Agent den Server nach Änderungen "
                "fragt. Längere Zeiten sparen Anfragen, kürzere zeigen Änderungen anderer früher; "
                "0 fragt jedes Mal.",
     .example = "300"},

    {.name = "WriteMode", .type = SETTING_ENUM, .flags = BOTH, .offset = AT(write_mode),
     .default_text = "Background", .choices = write_modes,
     .labels = write_modes_en, .labels_de = write_modes_de,
     .category = "Files", .since = "0.1",
     .title = "When closing a file returns", .title_de = "Wann das Schließen einer Datei endet",
     .help = "When closing a file returns to the program. With Background the user goes on "
             "working while the file is sent from a journal on the machine; with BeforeClose the "
             "file is on the server when the program has saved it. Choose BeforeClose where the "
             "journal cannot outlive the session.",
     .help_de = "Legt fest, wann das Schließen einer Datei zum Programm zurückkehrt. Bei "
                "Background arbeitet der Benutzer weiter, während die Datei aus einem Journal auf "
                "dem Gerät gesendet wird; bei BeforeClose ist die Datei auf dem Server, sobald "
                "das Programm gespeichert hat. Wählen Sie BeforeClose, wenn das Journal die "
                "Sitzung nicht überdauert.",
     .example = "BeforeClose"},

    {.name = "ConflictMode", .type = SETTING_ENUM, .flags = BOTH, .offset = AT(conflict_mode),
     .default_text = "KeepBoth", .choices = conflict_modes,
     .labels = conflict_modes_en, .labels_de = conflict_modes_de,
     .category = "Files", .since = "0.1",
     .title = "When someone else saved meanwhile",
     .title_de = "Wenn jemand anderes inzwischen gespeichert hat",
     .help = "What happens when someone else saved the same file in the meantime. Nothing is "
             "overwritten in either case.",
     .help_de = "Legt fest, was geschieht, wenn inzwischen jemand anderes dieselbe Datei "
                "gespeichert hat. Überschrieben wird in keinem Fall etwas.",
     .example = "Refuse"},

    {.name = "MassDeleteThreshold", .type = SETTING_INT, .flags = BOTH,
     .offset = AT(mass_delete_threshold),
     .default_text = "200", .min = 0, .max = 100000, .unit = "per minute", .unit_de = "pro Minute",
     .off_text = "0",
     .category = "Files", .since = "0.1",
     .title = "Guard against mass deletion", .title_de = "Schutz vor Massenlöschung",
     .help = "How many deletions within a minute are allowed before deleting pauses until it is "
             "confirmed with mooring deletes allow; 0 turns the guard off. It stops scripts, "
             "mistakes and ransomware before a library is empty; what was deleted lies in the "
             "recycle bin.",
     .help_de = "Wie viele Löschvorgänge innerhalb einer Minute erlaubt sind, bevor das Löschen "
                "anhält, bis es mit mooring deletes allow bestätigt wird; 0 schaltet den Schutz "
                "ab. Er hält Skripte, Versehen und Ransomware auf, bevor eine Bibliothek leer "
                "ist; Gelöschtes liegt im Papierkorb.",
     .example = "500"},

    {.name = "CoAuthoring", .type = SETTING_ENUM, .flags = BOTH, .offset = AT(co_authoring),
     .default_text = "DesktopApps", .choices = co_authorings,
     .labels = co_authorings_en, .labels_de = co_authorings_de,
     .category = "Files", .since = "0.1", .konnekt = "EnableCoAuthoring",
     .title = "Co-authoring of Office files",
     .title_de = "Gemeinsame Bearbeitung von Office-Dateien",
     .help = "What mooring open and the Explorer verb do with Office files. Opened by their "
             "address, several people can edit them at the same time; opened as plain files, one "
             "saves after the other.",
     .help_de = "Legt fest, was mooring open und der Befehl im Explorer mit Office-Dateien tun. "
                "Über ihre Adresse geöffnet, können mehrere Personen sie gleichzeitig bearbeiten; "
                "als gewöhnliche Dateien geöffnet, speichert einer nach dem anderen.",
     .example = "Browser"},

    {.name = "LinkScope", .type = SETTING_ENUM, .flags = BOTH, .offset = AT(link_scope),
     .default_text = "Tenant", .choices = link_scopes,
     .labels = link_scopes_en, .labels_de = link_scopes_de,
     .category = "Files", .since = "0.1", .konnekt = "SharepointLinkScope",
     .title = "Scope of sharing links", .title_de = "Reichweite von Freigabelinks",
     .help = "Who can use a link that mooring link makes. What the tenant or the site forbids "
             "stays forbidden.",
     .help_de = "Legt fest, wer einen mit mooring link erzeugten Link verwenden kann. Was der "
                "Mandant oder die Website verbietet, bleibt verboten.",
     .example = "Organization"},
};
/* clang-format on */

const struct schema_part schema_files = {rows, sizeof(rows) / sizeof(rows[0])};
