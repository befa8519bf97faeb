/* The settings of the category Transport. How to add one: schema.c. */
#include "schema/rows.h"

static const char *const transports[] = {"Auto", "Np", "WebDav", NULL};
static const char *const web_dav_auths[] = {"Preferred", "Required", "Off", NULL};

/* clang-format off */
static const struct setting rows[] = {
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
};
/* clang-format on */

const struct schema_part schema_transport = {rows, sizeof(rows) / sizeof(rows[0])};
