/* The settings of the category Diagnostics. How to add one: schema.c. */
#include "schema/rows.h"

static const char *const log_levels[] = {"Off", "Error", "Info", "Debug", NULL};
static const char *const log_levels_en[] = {"Nothing", "Errors only", "Errors and what happened",
                                            "Everything, with paths", NULL};
static const char *const log_levels_de[] = {"Nichts", "Nur Fehler", "Fehler und Ereignisse",
                                            "Alles, mit Pfaden", NULL};

static const char *const event_logs[] = {"Off", "Errors", "All", NULL};
static const char *const event_logs_en[] = {"Nothing", "Errors",
                                            "Errors, sign-ins, policy changes and uploads", NULL};
static const char *const event_logs_de[] = {
    "Nichts", "Fehler", "Fehler, Anmeldungen, Richtlinienänderungen und Uploads", NULL};

static const char *const languages[] = {"System", "English", "German", NULL};
static const char *const languages_en[] = {"As the system has it", "English", "German", NULL};
static const char *const languages_de[] = {"Wie im System festgelegt", "Englisch", "Deutsch", NULL};

/* clang-format off */
static const struct setting rows[] = {
    {.name = "LogLevel", .type = SETTING_ENUM, .flags = BOTH, .offset = AT(log_level),
     .default_text = "Info", .choices = log_levels,
     .labels = log_levels_en, .labels_de = log_levels_de,
     .category = "Diagnostics", .since = "0.1", .konnekt = "LogLevel",
     .title = "Log level", .title_de = "Protokollstufe",
     .help = "How much is written to the log. Debug names the paths of users and is meant for "
             "searching an error; tokens and passwords are never written.",
     .help_de = "Legt fest, wie viel protokolliert wird. Debug nennt Pfade der Benutzer und ist "
                "für die Fehlersuche gedacht; Token und Kennwörter werden nie geschrieben.",
     .example = "Debug"},

    {.name = "LogSizeKB", .type = SETTING_INT, .flags = BOTH, .offset = AT(log_size_kb),
     .default_text = "1024", .min = 64, .max = 102400, .unit = "KB",
     .category = "Diagnostics", .since = "0.1", .konnekt = "LogRotation",
     .title = "Size of a log file", .title_de = "Größe einer Protokolldatei",
     .help = "How large a log file gets before it is closed and a new one begins.",
     .help_de = "Wie groß eine Protokolldatei wird, bevor sie geschlossen wird und eine neue "
                "beginnt.",
     .example = "4096"},

    {.name = "LogFiles", .type = SETTING_INT, .flags = BOTH, .offset = AT(log_files),
     .default_text = "6", .min = 1, .max = 20,
     .category = "Diagnostics", .since = "0.1", .konnekt = "LogRotation",
     .title = "Number of log files", .title_de = "Anzahl der Protokolldateien",
     .help = "How many log files are kept, the current one included. The log of a user takes at "
             "most LogFiles times LogSizeKB.",
     .help_de = "Wie viele Protokolldateien aufgehoben werden, die aktuelle eingeschlossen. Das "
                "Protokoll eines Benutzers belegt höchstens LogFiles mal LogSizeKB.",
     .example = "10"},

    {.name = "LogDirectory", .type = SETTING_TEXT, .flags = BOTH | SETTING_PATH | SETTING_NOT_EMPTY,
     .offset = AT(log_directory),
     .default_text = "$XDG_STATE_HOME/mooring", .default_windows = "%LOCALAPPDATA%\\Mooring",
     .category = "Diagnostics", .since = "0.1",
     .title = "Folder of the log", .title_de = "Ordner des Protokolls",
     .help = "The folder of the log files. Variables are expanded for each user; users must not "
             "share a folder.",
     .help_de = "Der Ordner der Protokolldateien. Variablen werden für jeden Benutzer aufgelöst; "
                "Benutzer dürfen sich keinen Ordner teilen.",
     .example = "D:\\Logs\\%USERNAME%\\Mooring"},

    {.name = "EventLog", .type = SETTING_ENUM, .flags = BOTH, .offset = AT(event_log),
     .default_text = "Errors", .choices = event_logs,
     .labels = event_logs_en, .labels_de = event_logs_de,
     .category = "Diagnostics", .since = "0.1",
     .title = "System's event log", .title_de = "Ereignisprotokoll des Systems",
     .help = "What is also written to the Windows event log, or to the journal on Linux, where "
             "central monitoring finds it.",
     .help_de = "Legt fest, was zusätzlich in das Windows-Ereignisprotokoll geschrieben wird "
                "(unter Linux in das Journal), wo eine zentrale Überwachung es findet.",
     .example = "All"},

    {.name = "Language", .type = SETTING_ENUM, .flags = LATER, .offset = AT(language),
     .default_text = "System", .choices = languages,
     .labels = languages_en, .labels_de = languages_de,
     .category = "Diagnostics", .since = "0.1", .konnekt = "Language",
     .title = "Language", .title_de = "Sprache",
     .help = "The language of messages to the user. Logs are always in English.",
     .help_de = "Die Sprache der Meldungen an den Benutzer. Protokolle sind immer englisch.",
     .example = "German"},
};
/* clang-format on */

const struct schema_part schema_diagnostics = {rows, sizeof(rows) / sizeof(rows[0])};
