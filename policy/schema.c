/*
 * The table of settings. A row stands in schema/<category>.c; here they become one table.
 *
 * TO ADD A SETTING: 1. a field in struct settings (settings.h); 2. a row in schema/<category>.c,
 * with a name that was never used before; 3. a line in tests/data/policy/settings.txt, and samples
 * in tests/admx/test_roundtrip.py; 4. `mooring-admx --out admx/out`; 5. ctest. When a planned
 * feature is built, take SETTING_PLANNED out of its row (LATER becomes BOTH), and do 4 and 5.
 */
#include "policy/schema.h"

#include <assert.h>
#include <stddef.h>

#include "schema/rows.h"

/* In the order in which settings are documented and shown. */
static const struct {
    struct setting_category category;
    const struct schema_part *part;
} parts[] = {
    {{"Account", "Account", "Konto", "Which Microsoft 365 tenants the agent signs in to, and how.",
      "Bei welchen Microsoft-365-Mandanten sich der Agent anmeldet und auf welchem Weg."},
     &schema_account},
    {{"Mappings", "Mappings", "Zuordnungen",
      "Which libraries are shown, under which names and drive letters.",
      "Welche Bibliotheken angezeigt werden, unter welchen Namen und Laufwerksbuchstaben."},
     &schema_mappings},
    {{"Transport", "Transport", "Anbindung",
      "How libraries become drives and folders on the machine.",
      "Wie Bibliotheken auf dem Gerät zu Laufwerken und Ordnern werden."},
     &schema_transport},
    {{"Files", "Files", "Dateien",
      "Opening, saving and deleting files: limits, cache, unsent files, conflicts.",
      "Öffnen, Speichern und Löschen von Dateien: Grenzen, Cache, nicht gesendete Dateien, "
      "Konflikte."},
     &schema_files},
    {{"Network", "Network", "Netzwerk",
      "Requests to Microsoft 365: budgets, connections, proxy, certificates.",
      "Anfragen an Microsoft 365: Budgets, Verbindungen, Proxy, Zertifikate."},
     &schema_network},
    {{"Diagnostics", "Diagnostics", "Diagnose", "Logs, event log and the language of messages.",
      "Protokolle, Ereignisprotokoll und Sprache der Meldungen."},
     &schema_diagnostics},
};

enum { PART_COUNT = sizeof(parts) / sizeof(parts[0]) };

const struct setting_category *schema_category_at(size_t index)
{
    return index < PART_COUNT ? &parts[index].category : NULL;
}

size_t schema_count(void)
{
    size_t count = 0;

    for (size_t i = 0; i < PART_COUNT; i++) {
        count += parts[i].part->count;
    }
    return count;
}

const struct setting *schema_at(size_t index)
{
    for (size_t i = 0; i < PART_COUNT; i++) {
        if (index < parts[i].part->count) {
            return &parts[i].part->rows[index];
        }
        index -= parts[i].part->count;
    }
    return NULL;
}

size_t schema_index(const struct setting *row)
{
    size_t before = 0;

    for (size_t i = 0; i < PART_COUNT; i++) {
        for (size_t j = 0; j < parts[i].part->count; j++) {
            if (row == &parts[i].part->rows[j]) {
                return before + j;
            }
        }
        before += parts[i].part->count;
    }
    assert(!"a row of the table");
    return 0;
}
