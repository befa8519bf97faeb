/* The settings of the category Mappings. How to add one: schema.c. */
#include "schema/rows.h"

static const char *const library_scopes[] = {"Default", "All", NULL};
static const char *const library_scopes_en[] = {"Only the default library of each site",
                                                "All document libraries", NULL};
static const char *const library_scopes_de[] = {"Nur die Standardbibliothek jeder Website",
                                                "Alle Dokumentbibliotheken", NULL};

/* F: to Z: as in check_drive(); the order is that of the drop-down list. */
static const char *const one_drive_letters[] = {
    "F:", "G:", "H:", "I:", "J:", "K:", "L:", "M:", "N:", "O:",   "P:", "Q:",
    "R:", "S:", "T:", "U:", "V:", "W:", "X:", "Y:", "Z:", "none", NULL};

/* clang-format off */
static const struct setting rows[] = {
    {.name = "AutoMap", .type = SETTING_SWITCH, .flags = BOTH, .offset = AT(auto_map),
     .default_text = "true",
     .category = "Mappings", .since = "0.1", .konnekt = "O365SharepointUsage",
     .title = "Map what discovery finds", .title_de = "Gefundene Bibliotheken einbinden",
     .help = "Shows every library that discovery finds for the user and that the include and "
             "exclude lists let through. When it is off, only ManagedMappings and OneDrive are "
             "shown, which suits an organisation that hands out a fixed set of drives.",
     .help_de = "Zeigt jede Bibliothek an, die die Suche für den Benutzer findet und die die Ein- "
                "und Ausschlusslisten zulassen. Ist die Einstellung ausgeschaltet, erscheinen nur "
                "ManagedMappings und OneDrive; das passt zu Organisationen, die einen festen Satz "
                "von Laufwerken vorgeben.",
     .example = "false"},

    {.name = "SiteQuery", .type = SETTING_TEXT, .flags = BOTH | SETTING_NOT_EMPTY,
     .offset = AT(site_query),
     .default_text = "(webtemplate:STS OR webtemplate:GROUP OR webtemplate:SITEPAGEPUBLISHING) "
                     "AND (contentclass=STS_Site OR contentclass=STS_Web)",
     .category = "Mappings", .since = "0.1", .konnekt = "SharepointSiteQuery",
     .title = "Search query for sites", .title_de = "Suchabfrage für Websites",
     .help = "Which sites discovery looks at: a query in the Keyword Query Language (KQL) of "
             "SharePoint search. It is passed on unchanged. Narrow it when users reach many "
             "thousands of sites, or widen it for site templates of your own.",
     .help_de = "Legt fest, welche Websites die Suche betrachtet: eine Abfrage in der Keyword "
                "Query Language (KQL) der SharePoint-Suche. Sie wird unverändert weitergegeben. "
                "Schränken Sie sie ein, wenn Benutzer viele Tausend Websites erreichen, oder "
                "erweitern Sie sie um eigene Websitevorlagen.",
     .example = "webtemplate:GROUP AND contentclass=STS_Site"},

    {.name = "LibraryScope", .type = SETTING_ENUM, .flags = BOTH, .offset = AT(library_scope),
     .default_text = "All", .choices = library_scopes,
     .labels = library_scopes_en, .labels_de = library_scopes_de,
     .category = "Mappings", .since = "0.1", .konnekt = "AddAllSharepointLibraries",
     .title = "Libraries of a site", .title_de = "Bibliotheken einer Website",
     .help = "Whether a site appears with its default library only or with all of its document "
             "libraries. Default keeps the number of drives small where sites have many technical "
             "libraries.",
     .help_de = "Legt fest, ob von einer Website nur die Standardbibliothek oder alle "
                "Dokumentbibliotheken erscheinen. Default hält die Zahl der Laufwerke klein, wenn "
                "Websites viele technische Bibliotheken haben.",
     .example = "Default"},

    {.name = "TeamsChannels", .type = SETTING_SWITCH, .flags = BOTH, .offset = AT(teams_channels),
     .default_text = "false",
     .category = "Mappings", .since = "0.1", .konnekt = "(KQL TEAMCHANNEL)",
     .title = "Private and shared Teams channels",
     .title_de = "Private und freigegebene Teams-Kanäle",
     .help = "Also looks for the libraries of private and shared channels of the teams that the "
             "user has joined; SharePoint search does not find all of them. This needs two more "
             "permissions of the app registration, Team.ReadBasic.All and "
             "Channel.ReadBasic.All, and one request for each team.",
     .help_de = "Sucht zusätzlich nach den Bibliotheken der privaten und freigegebenen Kanäle "
                "aller Teams, denen der Benutzer angehört; die SharePoint-Suche findet nicht "
                "alle davon. Dafür braucht die App-Registrierung zwei weitere Berechtigungen, "
                "Team.ReadBasic.All und Channel.ReadBasic.All, und der Agent stellt eine Anfrage "
                "je Team.",
     .example = "true"},

    {.name = "IncludeSites", .type = SETTING_LIST, .flags = BOTH, .offset = AT(include_sites),
     .default_text = "", .check = check_glob,
     .category = "Mappings", .since = "0.1",
     .title = "Sites to include", .title_de = "Einbezogene Websites",
     .help = "Patterns for sites that are shown. With any entry here, discovery shows only sites "
             "that match one of them; an exclusion always wins. A pattern is compared with the "
             "address of the site, with and without host, or with its title when it begins with "
             "title:. * stands for any characters but a slash, ** for any characters, ? for one.",
     .help_de = "Muster für Websites, die angezeigt werden. Sobald es einen Eintrag gibt, zeigt "
                "die Suche nur noch Websites, auf die einer davon passt; ein Ausschluss hat immer "
                "Vorrang. Ein Muster wird mit der Adresse der Website verglichen, mit und ohne "
                "Host, oder mit ihrem Titel, wenn es mit title: beginnt. * steht für beliebige "
                "Zeichen außer dem Schrägstrich, ** für beliebige Zeichen, ? für eines.",
     .example = "/sites/finance*\n"
                "title:Project *"},

    {.name = "ExcludeSites", .type = SETTING_LIST, .flags = BOTH, .offset = AT(exclude_sites),
     .default_text = "", .check = check_glob,
     .category = "Mappings", .since = "0.1",
     .title = "Sites to exclude", .title_de = "Ausgeschlossene Websites",
     .help = "Patterns for sites that are not shown, in the form described at IncludeSites. An "
             "exclusion wins over an inclusion.",
     .help_de = "Muster für Websites, die nicht angezeigt werden, in der bei IncludeSites "
                "beschriebenen Form. Ein Ausschluss hat Vorrang vor einem Einschluss.",
     .example = "/sites/archive-*\n"
                "title:Test*"},

    {.name = "IncludeLibraries", .type = SETTING_LIST, .flags = BOTH,
     .offset = AT(include_libraries),
     .default_text = "", .check = check_glob,
     .category = "Mappings", .since = "0.1",
     .title = "Libraries to include", .title_de = "Einbezogene Bibliotheken",
     .help = "Patterns for libraries that are shown. With any entry here, discovery shows only "
             "libraries that match one of them; an exclusion always wins. A pattern is compared "
             "with site/library by their titles, and with the address of the library.",
     .help_de = "Muster für Bibliotheken, die angezeigt werden. Sobald es einen Eintrag gibt, "
                "zeigt die Suche nur noch Bibliotheken, auf die einer davon passt; ein Ausschluss "
                "hat immer Vorrang. Ein Muster wird mit Website/Bibliothek (den Titeln) und mit "
                "der Adresse der Bibliothek verglichen.",
     .example = "*/Documents\n"
                "Finance/*"},

    {.name = "ExcludeLibraries", .type = SETTING_LIST, .flags = BOTH,
     .offset = AT(exclude_libraries),
     .default_text = "", .check = check_glob,
     .category = "Mappings", .since = "0.1",
     .title = "Libraries to exclude", .title_de = "Ausgeschlossene Bibliotheken",
     .help = "Patterns for libraries that are not shown, in the form described at "
             "IncludeLibraries. An exclusion wins over an inclusion.",
     .help_de = "Muster für Bibliotheken, die nicht angezeigt werden, in der bei IncludeLibraries "
                "beschriebenen Form. Ein Ausschluss hat Vorrang vor einem Einschluss.",
     .example = "*/Site Assets\n"
                "*/Style Library"},

    {.name = "ManagedMappings", .type = SETTING_LIST, .flags = BOTH, .offset = AT(managed_mappings),
     .default_text = "", .check = check_mapping_entry,
     .category = "Mappings", .since = "0.1", .konnekt = "SharepointSites",
     .title = "Managed mappings", .title_de = "Verwaltete Zuordnungen",
     .help = "Sites, subsites, libraries or folders that are always shown, by address, whatever "
             "discovery finds. An entry is url|name|letter|tenant|options; only the address is "
             "needed. Options are readonly, favorite and all (all libraries of a site), separated "
             "by commas.\n\n"
             "Use it for drives that everybody must have under the same letter. Users who have no "
             "access to a library do not see it.",
     .help_de = "Websites, Unterwebsites, Bibliotheken oder Ordner, die unabhängig von der Suche "
                "immer angezeigt werden, angegeben mit ihrer Adresse. Ein Eintrag hat die Form "
                "URL|Name|Buchstabe|Mandant|Optionen; nur die Adresse ist erforderlich. Optionen "
                "sind readonly, favorite und all (alle Bibliotheken einer Website), durch Kommas "
                "getrennt.\n\n"
                "Damit legen Sie Laufwerke fest, die alle unter demselben Buchstaben haben "
                "sollen. Wer keinen Zugriff auf eine Bibliothek hat, sieht sie nicht.",
     .example = "https://contoso.sharepoint.com/sites/finance/Shared Documents|Finance|P:\n"
                "https://contoso.sharepoint.com/sites/rules|Rules|||readonly"},

    {.name = "OneDrive", .type = SETTING_SWITCH, .flags = BOTH, .offset = AT(one_drive),
     .default_text = "true",
     .category = "Mappings", .since = "0.1",
     .title = "Map OneDrive", .title_de = "OneDrive einbinden",
     .help = "Shows the user's own OneDrive. Switch it off when OneDrive is synchronised by other "
             "means or not used at all.",
     .help_de = "Zeigt das eigene OneDrive des Benutzers an. Schalten Sie die Einstellung aus, "
                "wenn OneDrive auf anderem Weg synchronisiert oder gar nicht verwendet wird.",
     .example = "false"},

    {.name = "OneDriveDrive", .type = SETTING_TEXT, .flags = BOTH | SETTING_NOT_EMPTY,
     .offset = AT(one_drive_drive),
     .default_text = "H:", .off_text = "none", .check = check_drive, .normalise = normalise_drive,
     .picks = one_drive_letters,
     .category = "Mappings", .since = "0.1", .konnekt = "ConnectDrive",
     .title = "Drive letter of OneDrive", .title_de = "Laufwerksbuchstabe von OneDrive",
     .help = "The drive letter of the user's OneDrive, or none. A letter that something else uses "
             "is left alone, and OneDrive stays reachable by its path.",
     .help_de = "Der Laufwerksbuchstabe für das OneDrive des Benutzers, oder none für keinen. Ein "
                "Buchstabe, den etwas anderes belegt, wird nicht angetastet; OneDrive bleibt dann "
                "über seinen Pfad erreichbar.",
     .example = "O:"},

    {.name = "DriveLetterRules", .type = SETTING_LIST, .flags = BOTH,
     .offset = AT(drive_letter_rules),
     .default_text = "", .check = check_letter_rule,
     .category = "Mappings", .since = "0.1",
     .title = "Rules for drive letters", .title_de = "Regeln für Laufwerksbuchstaben",
     .help = "Drive letters for libraries that discovery finds. An entry is pattern=letter; the "
             "pattern is compared as in IncludeLibraries, and the first rule that matches gives "
             "the letter. Letters of ManagedMappings and of OneDrive come first.",
     .help_de = "Laufwerksbuchstaben für Bibliotheken, die die Suche findet. Ein Eintrag hat die "
                "Form Muster=Buchstabe; das Muster wird wie bei IncludeLibraries verglichen, und "
                "die erste passende Regel vergibt den Buchstaben. Buchstaben aus ManagedMappings "
                "und der von OneDrive haben Vorrang.",
     .example = "Finance/*=P:\n"
                "**/sites/hr/**=Q:"},

    {.name = "DriveLetterPool", .type = SETTING_TEXT, .flags = BOTH,
     .offset = AT(drive_letter_pool),
     .default_text = "", .check = check_letter_pool,
     .category = "Mappings", .since = "0.1",
     .title = "Pool of drive letters", .title_de = "Vorrat an Laufwerksbuchstaben",
     .help = "Letters that are handed out, in the order of names, to libraries that have none: "
             "single letters and ranges, separated by commas. When the letters are used up, the "
             "other libraries are reachable by their paths. Leave out letters that logon scripts "
             "use.",
     .help_de = "Buchstaben, die in der Reihenfolge der Namen an Bibliotheken ohne Buchstaben "
                "vergeben werden: einzelne Buchstaben und Bereiche, durch Kommas getrennt. Sind "
                "sie aufgebraucht, sind die übrigen Bibliotheken über ihre Pfade erreichbar. "
                "Lassen Sie Buchstaben aus, die Anmeldeskripte verwenden.",
     .example = "P-T,V"},

    {.name = "NameFormat", .type = SETTING_TEXT, .flags = BOTH | SETTING_NOT_EMPTY,
     .offset = AT(name_format),
     .default_text = "{site} - {library}", .check = check_name_format,
     .category = "Mappings", .since = "0.1",
     .title = "Label of a mapping", .title_de = "Bezeichnung einer Zuordnung",
     .help = "The label of a drive letter and the name of a library in flat lists. {site}, "
             "{library} and {tenant} stand for the titles. Paths do not depend on it, so links "
             "and recent files stay valid when it changes.",
     .help_de = "Die Bezeichnung eines Laufwerks und der Name einer Bibliothek in flachen Listen. "
                "{site}, {library} und {tenant} stehen für die Titel. Pfade hängen nicht davon "
                "ab; Verknüpfungen und zuletzt verwendete Dateien bleiben bei einer Änderung "
                "gültig.",
     .example = "{library} ({site})"},

    {.name = "UncServer", .type = SETTING_TEXT,
     .flags = SETTING_MACHINE | SETTING_NOT_EMPTY | SETTING_WINDOWS,
     .offset = AT(unc_server),
     .default_text = "mooring", .check = check_host_label,
     .category = "Mappings", .since = "0.1",
     .title = "Server name of the UNC path", .title_de = "Servername im UNC-Pfad",
     .help = "The first part of the network path of all libraries: \\\\mooring\\.... Change it "
             "before the roll-out only, for instance when a server of this name exists: it is the "
             "one setting that changes paths, and links that people have saved no longer lead to "
             "their files.",
     .help_de = "Der erste Teil des Netzwerkpfads aller Bibliotheken: \\\\mooring\\.... Ändern "
                "Sie ihn nur vor der Einführung, etwa wenn es einen Server dieses Namens gibt: "
                "Diese Einstellung ist die einzige, die Pfade ändert; gespeicherte Verknüpfungen "
                "führen danach nicht mehr zu ihren Dateien.",
     .example = "sharepoint"},

    {.name = "RefreshMinutes", .type = SETTING_INT, .flags = BOTH, .offset = AT(refresh_minutes),
     .default_text = "60", .min = 5, .max = 1440, .unit = "minutes", .unit_de = "Minuten",
     .category = "Mappings", .since = "0.1",
     .title = "Discovery interval", .title_de = "Abstand der Suchläufe",
     .help = "How often the agent looks for libraries that are new or gone. Shorter intervals "
             "show new teams sooner and cost more requests.",
     .help_de = "Wie oft der Agent nach neuen und weggefallenen Bibliotheken sucht. Kürzere "
                "Abstände zeigen neue Teams früher und kosten mehr Anfragen.",
     .example = "30"},

    {.name = "MaxMappings", .type = SETTING_INT, .flags = BOTH, .offset = AT(max_mappings),
     .default_text = "1000", .min = 1, .max = 5000,
     .category = "Mappings", .since = "0.1",
     .title = "Largest number of mappings", .title_de = "Höchstzahl der Zuordnungen",
     .help = "How many libraries are shown at most. When discovery finds more, the rest is "
             "reported in mooring status and not shown. It protects computers and the tenant from "
             "users who reach everything, such as administrators.",
     .help_de = "Wie viele Bibliotheken höchstens angezeigt werden. Findet die Suche mehr, meldet "
                "mooring status den Rest, ohne ihn anzuzeigen. Das schützt Computer und Mandant "
                "vor Benutzern, die auf alles Zugriff haben, etwa Administratoren.",
     .example = "250"},

    {.name = "RemoveOnLogoff", .type = SETTING_SWITCH, .flags = BOTH,
     .offset = AT(remove_on_logoff),
     .default_text = "true",
     .category = "Mappings", .since = "0.1",
     .title = "Remove letters at logoff", .title_de = "Buchstaben bei der Abmeldung entfernen",
     .help = "Removes the drive letters at the end of the session. When it is off, Windows "
             "remembers them, and shows them as network drives that are not connected until the "
             "agent runs again; some programs need that, since they remember missing drives "
             "badly. It is for letters by WinFsp on Windows: those by WebDAV are always removed.",
     .help_de = "Entfernt die Laufwerksbuchstaben am Ende der Sitzung. Ist die Einstellung "
                "ausgeschaltet, merkt Windows sie sich und zeigt sie als nicht verbundene "
                "Netzlaufwerke, bis der Agent wieder läuft; manche Programme brauchen das, weil "
                "sie mit fehlenden Laufwerken schlecht umgehen. Sie gilt für Buchstaben durch "
                "WinFsp unter Windows: solche durch WebDAV werden immer entfernt.",
     .example = "false"},
};
/* clang-format on */

const struct schema_part schema_mappings = {rows, sizeof(rows) / sizeof(rows[0])};
