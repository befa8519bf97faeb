#include "text.h"

const struct words words_german = {
    .template_name = "Mooring",
    .template_description = "Einstellungen für Mooring, das Bibliotheken aus SharePoint, Teams und "
                            "OneDrive als Laufwerke anzeigt.",
    .root_help = "Einstellungen für Mooring, das Bibliotheken aus SharePoint, Teams und OneDrive "
                 "als Laufwerke anzeigt, online und ohne Synchronisierung.",
    .supported = "Mindestens Mooring {version}",

    .not_configured = "Nicht konfiguriert: Die nächstniedrigere Quelle entscheidet (die Richtlinie "
                      "des Benutzers, danach Voreinstellungen); gibt es keine, {default}.",
    .not_configured_machine = "Nicht konfiguriert: Eine Voreinstellung des Computers entscheidet; "
                              "gibt es keine, {default}.",
    .not_configured_list = "Nicht konfiguriert: Es zählen die Einträge der nächstniedrigeren "
                           "Quelle (der Richtlinie des Benutzers, danach der Voreinstellungen); "
                           "gibt es keine, {default}.",
    .default_value = "gilt der Standard: {value}",
    .default_none = "ist nichts festgelegt",
    .default_list_empty = "ist die Liste leer",
    .default_list = "enthält die Liste {value}",
    .on = "ein",
    .off = "aus",

    .disabled_switch = "Aktiviert: Die Einstellung ist eingeschaltet. Deaktiviert: Sie ist "
                       "ausgeschaltet, und niedrigere Quellen können sie nicht einschalten.",
    .disabled_default = "Deaktiviert: Der Standard ({value}) wird ausdrücklich festgelegt, sodass "
                        "niedrigere Quellen nicht mehr zählen.",
    .disabled_empty = "Deaktiviert: Der Wert ist ausdrücklich leer, sodass niedrigere Quellen "
                      "nicht mehr zählen.",
    .disabled_off = "Deaktiviert: Es wird {value} festgelegt und damit die Funktion "
                    "ausgeschaltet.",
    .disabled_list = "Deaktiviert: Die Liste ist leer. Weder Standardeinträge noch Einträge "
                     "niedrigerer Quellen zählen.",

    .choices = "Auswahl:",
    .range = "Bereich: {min} bis {max}{unit}.",
    .precedence = "Die Richtlinie des Computers hat Vorrang vor der des Benutzers.",
    .entries = "Die Einträge aus den Richtlinien des Computers und des Benutzers werden "
               "zusammengeführt. Ein Eintrag ist eine Zeile des Listenfelds: Der Wert ist der "
               "Eintrag, der Wertname ist frei wählbar. Mehrere Richtlinien ergänzen sich, wenn "
               "sich ihre Wertnamen unterscheiden; die Einträge gelten in der Reihenfolge der "
               "Wertnamen, Zahlen zuerst. Der Eintrag - entfernt die Standardeinträge und die "
               "Einträge niedrigerer Quellen.",
    .example = "Beispiel:",
    .konnekt = "In KONNEKT: {value}.",
    .konnekt_terms = {"inverted", "umgekehrt", "is SilentOnly", "entspricht SilentOnly", "bytes",
                      "in Byte"},

    .registry_value = "Registrierung: Wert {name} ({kind}) in Software\\Policies\\Mooring unter "
                      "{hives}.",
    .registry_list = "Registrierung: ein Wert (REG_SZ) je Eintrag in "
                     "Software\\Policies\\Mooring\\{name} unter {hives}.",
    .registry_path = "REG_SZ oder REG_EXPAND_SZ; Variablen werden in beiden Fällen aufgelöst",
    .hives_both = "HKEY_LOCAL_MACHINE oder HKEY_CURRENT_USER",
    .hives_machine = "HKEY_LOCAL_MACHINE",

    .list_hint = "Eine Zeile je Eintrag. Wertname: frei wählbar, aber eindeutig. Wert: der "
                 "Eintrag.",

    .reference_title = "Einstellungen",
    .reference_intro =
        "Jede Einstellung hat genau einen Namen: So heißen die Richtlinie in der administrativen "
        "Vorlage, der Wert in der Registrierung und der Schlüssel in YAML. Die Quellen, höchste "
        "zuerst: Richtlinie des Computers, Richtlinie des Benutzers, Voreinstellung des "
        "Computers, Voreinstellung des Benutzers, Standard. Eine Einstellung wird als Ganzes aus "
        "der höchsten Quelle genommen, die einen gültigen Wert hat; Listen aus den beiden "
        "Richtlinien werden zusammengeführt.\n\n"
        "Unter Windows stehen Richtlinien in `Software\\Policies\\Mooring` und Voreinstellungen in "
        "`Software\\Mooring`, jeweils unter `HKEY_LOCAL_MACHINE` und `HKEY_CURRENT_USER`. Unter "
        "Linux stehen Richtlinien in `/etc/mooring/policy.yaml` und "
        "`/etc/mooring/policy.d/*.yaml`, die Voreinstellungen des Benutzers in "
        "`~/.config/mooring/settings.yaml`. `mooring policy show` zeigt zu jedem Wert, woher er "
        "kommt und welche anderen er verdrängt hat.\n\n"
        "In der Registrierung sind Schalter `REG_DWORD` 1 und 0, Zahlen `REG_DWORD`, "
        "Auswahlwerte `REG_DWORD` nach ihrer Position (ab 0) und Texte `REG_SZ`; eine Liste ist "
        "ein Unterschlüssel mit einem `REG_SZ`-Wert je Eintrag, dessen Name frei ist. In YAML "
        "sind es `true` und `false`, Zahlen, die Namen der Auswahlwerte, Texte und Sequenzen.",
    .head_type = "Typ",
    .head_default = "Standard",
    .head_range = "Bereich",
    .head_class = "Richtlinie für",
    .head_since = "Seit",
    .class_both = "Computer und Benutzer",
    .class_machine = "Computer",
    .types = {"Schalter", "Zahl", "Text", "Liste", "Auswahl"},
    .none = "keiner",
    .linux_only = "Nur unter Linux; nicht in der administrativen Vorlage.",
    .windows_only = "Nur unter Windows.",
    .planned_title = "Noch nicht in dieser Version",
    .planned_intro = "Diese Einstellungen werden angenommen, damit eine Richtlinie für mehrere "
                     "Versionen taugt, haben aber noch keine Wirkung. In der administrativen "
                     "Vorlage fehlen sie.",
};
