#include <stdlib.h>

#include "all_saves.h"

void saves_patterns(struct str_list *out)
{
    static const char *const patterns[] = {"~$*",          "*.tmp", "Thumbs.db",    "desktop.ini",
                                           ".DS_Store",    "._*",   "*.crdownload", "*.partial",
                                           "~WR[DL]*.tmp", "*.asd"};

    *out = (struct str_list){.limit = 100};
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        if (str_list_add(out, patterns[i], NULL) < 0) {
            abort();
        }
    }
}
