#include "text.h"

const struct words words_english = {
    .template_name = "Mooring",
    .template_description = "Settings of Mooring, which shows SharePoint, Teams and OneDrive "
                            "libraries as drives.",
    .root_help = "Settings of Mooring, which shows SharePoint, Teams and OneDrive libraries as "
                 "drives, online and without synchronising.",
    .supported = "At least Mooring {version}",

    .not_configured = "Not configured: the next lower source decides (the user's policy, then "
                      "preferences); if there is none, {default}.",
    .not_configured_machine = "Not configured: a preference of the computer decides; if there is "
                              "none, {default}.",
    .not_configured_list = "Not configured: the entries of the next lower source count (the "
                           "user's policy, then preferences); if there are none, {default}.",
    .default_value = "the default applies: {value}",
    .default_none = "nothing is set",
    .default_list_empty = "the list is empty",
    .default_list = "the list holds {value}",
    .on = "on",
    .off = "off",

    .disabled_switch = "Enabled: the setting is on. Disabled: it is off, and lower sources cannot "
                       "switch it on.",
    .disabled_default = "Disabled: the default, {value}, is set explicitly, so that lower sources "
                        "no longer count.",
    .disabled_empty = "Disabled: nothing is set, explicitly, so that lower sources no longer "
                      "count.",
    .disabled_off = "Disabled: {value} is set, which turns it off.",
    .disabled_list = "Disabled: the list is empty. Neither default entries nor entries of lower "
                     "sources count.",

    .choices = "Choices:",
    .range = "Range: {min} to {max}{unit}.",
    .precedence = "The computer's policy wins over the user's.",
    .entries = "The entries of the computer's policy and the user's policy add up. An entry is a "
               "line of the list box: its value is the entry, its name is free. Policies add up "
               "when their names differ; entries count in the order of their names, numbers "
               "first. The entry - removes the default entries and those of lower sources.",
    .example = "Example:",
    .konnekt = "In KONNEKT: {value}.",

    .registry_value = "Registry: value {name} ({kind}) in Software\\Policies\\Mooring below "
                      "{hives}.",
    .registry_list = "Registry: one value (REG_SZ) for each entry in "
                     "Software\\Policies\\Mooring\\{name} below {hives}.",
    .registry_path = "REG_SZ or REG_EXPAND_SZ; variables are expanded either way",
    .hives_both = "HKEY_LOCAL_MACHINE or HKEY_CURRENT_USER",
    .hives_machine = "HKEY_LOCAL_MACHINE",

    .list_hint = "One line for each entry. Value name: free, but unique. Value: the entry.",

    .reference_title = "Settings",
    .reference_intro =
        "Every setting has one name: it is the name of the policy in the administrative template, "
        "of the registry value and of the key in YAML. Sources, highest first: the computer's "
        "policy, the user's policy, a preference of the computer, a preference of the user, the "
        "default. A setting is taken whole from the highest source that has a valid value; lists "
        "of the two policies add up.\n\n"
        "On Windows, policies live in `Software\\Policies\\Mooring` and preferences in "
        "`Software\\Mooring`, each below `HKEY_LOCAL_MACHINE` and `HKEY_CURRENT_USER`. On Linux, "
        "policies live in `/etc/mooring/policy.yaml` and `/etc/mooring/policy.d/*.yaml`, the "
        "user's preferences in `~/.config/mooring/settings.yaml`. `mooring policy show` prints "
        "every value, its source and what it overrode.\n\n"
        "In the registry, switches are `REG_DWORD` 1 and 0, numbers `REG_DWORD`, choices "
        "`REG_DWORD` by their position (from 0), texts `REG_SZ`, and a list is a subkey with one "
        "`REG_SZ` value for each entry, whose name is free. In YAML they are `true` and `false`, "
        "numbers, the names of the choices, texts and sequences.",
    .head_type = "Type",
    .head_default = "Default",
    .head_range = "Range",
    .head_class = "Policy of",
    .head_since = "Since",
    .class_both = "computer and user",
    .class_machine = "computer",
    .types = {"switch", "number", "text", "list", "choice"},
    .none = "none",
    .linux_only = "On Linux only; not in the administrative template.",
    .windows_only = "On Windows only.",
    .planned_title = "Not in this version",
    .planned_intro = "These settings are accepted, so that one policy serves several versions, but "
                     "have no effect yet. They are not in the administrative template.",
};
