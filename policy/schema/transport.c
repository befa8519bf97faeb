/* The settings of the category Transport. How to add one: schema.c. */
#include "schema/rows.h"

static const char *const transports[] = {"Auto", "Np", "WebDav", NULL};
static const char *const transports_en[] = {
    "The best that is present", "Network provider (WinFsp on Windows, FUSE on Linux)",
    "WebDAV server on this computer, without a driver", NULL};
static const char *const transports_de[] = {
    "Das Beste, was vorhanden ist", "Netzwerkanbieter (WinFsp unter Windows, FUSE unter Linux)",
    "WebDAV-Server auf diesem Computer, ohne Treiber", NULL};

static const char *const web_dav_auths[] = {"Preferred", "Required", "Off", NULL};
static const char *const web_dav_auths_en[] = {
    "Check where the client is able to", "Refuse clients that do not prove it",
    "Do not check; the secret path alone protects", NULL};
static const char *const web_dav_auths_de[] = {"Prüfen, wenn der Client es kann",
                                               "Clients ohne Nachweis abweisen",
                                               "Nicht prüfen; nur der geheime Pfad schützt", NULL};

/* clang-format off */
static const struct setting rows[] = {
    {.name = "Transport", .type = SETTING_ENUM, .flags = BOTH, .offset = AT(transport),
     .default_text = "Auto", .choices = transports,
     .labels = transports_en, .labels_de = transports_de,
     .category = "Transport", .since = "0.1",
     .title = "Transport", .title_de = "Anbindung",
     .help = "How libraries become visible on the computer. Auto takes the network provider where "
             "its driver is present, and WebDAV where it is not. Choose a fixed value where all "
             "computers must behave alike.",
     .help_de = "Legt fest, wie Bibliotheken auf dem Computer sichtbar werden. Auto nimmt den "
                "Netzwerkanbieter, wenn dessen Treiber vorhanden ist, sonst WebDAV. Wählen Sie "
                "einen festen Wert, wenn sich alle Computer gleich verhalten müssen.",
     .example = "Np"},

    {.name = "WebDavPort", .type = SETTING_INT, .flags = BOTH, .offset = AT(web_dav_port),
     .default_text = "0", .min = 0, .max = 65535,
     .category = "Transport", .since = "0.1",
     .title = "Port of the WebDAV server", .title_de = "Port des WebDAV-Servers",
     .help = "The port of the WebDAV transport on the loopback address; 0 takes any that is free. "
             "A fixed port is needed only when a firewall or a proxy configuration names it; on "
             "computers with several sessions it can serve only one of them.",
     .help_de = "Der Port der WebDAV-Anbindung auf der Loopback-Adresse; 0 nimmt einen beliebigen "
                "freien. Ein fester Port ist nur nötig, wenn eine Firewall oder eine "
                "Proxykonfiguration ihn nennt; auf Computern mit mehreren Sitzungen kann er nur "
                "eine davon bedienen.",
     .example = "50080"},

    {.name = "WebDavAuth", .type = SETTING_ENUM, .flags = BOTH | SETTING_WINDOWS,
     .offset = AT(web_dav_auth),
     .default_text = "Preferred", .choices = web_dav_auths,
     .labels = web_dav_auths_en, .labels_de = web_dav_auths_de,
     .category = "Transport", .since = "0.1",
     .title = "Identity check of WebDAV clients",
     .title_de = "Identitätsprüfung der WebDAV-Clients",
     .help = "Whether programs that use the WebDAV transport must prove by Negotiate (Kerberos or "
             "NTLM) that they run as the user, beside the secret in the path. It keeps other "
             "users of the same computer out, even when they learn the path.",
     .help_de = "Legt fest, ob Programme, die die WebDAV-Anbindung verwenden, zusätzlich zum "
                "Geheimnis im Pfad mit Negotiate (Kerberos oder NTLM) nachweisen müssen, dass sie "
                "unter dem Konto des Benutzers laufen. Das hält andere Benutzer desselben "
                "Computers fern, selbst wenn sie den Pfad erfahren.",
     .example = "Required"},

    {.name = "MountRoot", .type = SETTING_TEXT,
     .flags = BOTH | SETTING_PATH | SETTING_NOT_EMPTY | SETTING_LINUX, .offset = AT(mount_root),
     .default_text = "$HOME/SharePoint",
     .category = "Transport", .since = "0.1",
     .title = "Mount folder", .title_de = "Einhängeordner",
     .help = "The folder below which libraries appear on Linux. Variables such as $HOME are "
             "expanded for each user, and the folder is made when it is missing.",
     .help_de = "Der Ordner, unter dem Bibliotheken unter Linux erscheinen. Variablen wie $HOME "
                "werden für jeden Benutzer aufgelöst; fehlt der Ordner, wird er angelegt.",
     .example = "$HOME/Company"},

    {.name = "OfflineAttribute", .type = SETTING_SWITCH, .flags = BOTH | SETTING_WINDOWS,
     .offset = AT(offline_attribute),
     .default_text = "true",
     .category = "Transport", .since = "0.1", .konnekt = "EnableOfflineAttribute",
     .title = "Mark files as offline", .title_de = "Dateien als offline kennzeichnen",
     .help = "Marks files as offline, so that previews, search indexers and virus scanners leave "
             "their content alone. Without it, opening a folder with pictures or PDF files can "
             "download all of them.",
     .help_de = "Kennzeichnet Dateien als offline, damit Vorschau, Suchindex und Virenscanner "
                "ihren Inhalt in Ruhe lassen. Ohne das kann schon das Öffnen eines Ordners mit "
                "Bildern oder PDF-Dateien alle davon herunterladen.",
     .example = "false"},

    {.name = "OfflineAttributeExclude", .type = SETTING_TEXT, .flags = BOTH | SETTING_WINDOWS,
     .offset = AT(offline_attribute_exclude),
     .default_text = "pdf", .check = check_extensions,
     .category = "Transport", .since = "0.1", .konnekt = "OfflineAttributeFilter",
     .title = "Extensions that are not marked as offline",
     .title_de = "Nicht als offline gekennzeichnete Endungen",
     .help = "File name extensions, separated by |, whose files are not marked as offline, "
             "because their programs refuse files that are, or because previews of them are "
             "wanted.",
     .help_de = "Dateinamenerweiterungen, durch | getrennt, deren Dateien nicht als offline "
                "gekennzeichnet werden, weil ihre Programme solche Dateien ablehnen oder weil "
                "eine Vorschau gewünscht ist.",
     .example = "pdf|msg"},

    {.name = "ReadOnly", .type = SETTING_SWITCH, .flags = BOTH, .offset = AT(read_only),
     .default_text = "false",
     .category = "Transport", .since = "0.1",
     .title = "Read-only", .title_de = "Schreibgeschützt",
     .help = "Makes all libraries read-only on this computer or for this user, whatever the "
             "permissions in SharePoint allow. It suits terminals, training rooms and pilots.",
     .help_de = "Macht alle Bibliotheken auf diesem Computer oder für diesen Benutzer "
                "schreibgeschützt, gleichgültig, was die Berechtigungen in SharePoint erlauben. "
                "Das eignet sich für Terminals, Schulungsräume und Pilotphasen.",
     .example = "true"},
};
/* clang-format on */

const struct schema_part schema_transport = {rows, sizeof(rows) / sizeof(rows[0])};
