#include "all_saves.h"

#include <glob.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

int all_saves(const char *title, const char *pattern, save_fn run, void *payload)
{
    glob_t found = {0};
    unsigned failed = 0;
    unsigned count = 0;

    if (glob(SAVES_DIRECTORY "/*.txt", 0, NULL, &found) != 0) {
        fprintf(stderr, "no sequences in %s\n", SAVES_DIRECTORY);
        return 1;
    }
    for (size_t i = 0; i < found.gl_pathc; i++) {
        const char *slash = strrchr(found.gl_pathv[i], '/');
        struct sequence *sequence = NULL;
        char name[128];
        char why[600] = "";
        bool is_good = false;

        snprintf(name, sizeof(name), "%.*s", (int)strcspn(slash + 1, "."), slash + 1);
        if (pattern && !str_glob_match(pattern, name)) {
            continue;
        }
        sequence = sequence_read(found.gl_pathv[i]);
        is_good = run(payload, sequence, why, sizeof(why));
        printf("%-4s %s: %s%s%s\n", is_good ? "ok" : "FAIL", title, name, *why ? ": " : "", why);
        fflush(stdout);
        failed += !is_good;
        count++;
        sequence_free(sequence);
    }
    globfree(&found);
    printf("%u sequences on %s, %u failed\n", count, title, failed);
    return failed > 0 || count == 0;
}
