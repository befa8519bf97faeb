/* The settings of the category Diagnostics. How to add one: schema.c. */
#include "schema/rows.h"

static const char *const log_levels[] = {"Off", "Error", "Info", "Debug", NULL};
static const char *const event_logs[] = {"Off", "Errors", "All", NULL};
static const char *const languages[] = {"System", "English", "German", NULL};

/* clang-format off */
static const struct setting rows[] = {
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

const struct schema_part schema_diagnostics = {rows, sizeof(rows) / sizeof(rows[0])};
