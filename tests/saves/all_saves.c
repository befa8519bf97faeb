#include "all_saves.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in SAVES_DIRECTORY that end in .txt, in their order. */
static void list_sequences(struct str_list *names)
{
    const struct dirent *entry;
    DIR *dir = opendir(SAVES_DIRECTORY);

    while (dir && (entry = readdir(dir)) != NULL) {
        if (str_ends_with(entry->d_name, ".txt") && str_list_add(names, entry->d_name, NULL) < 0) {
            abort();
        }
    }
    if (dir) {
        closedir(dir);
    }
    if (names->count > 0) {
        qsort(names->items, names->count, sizeof(*names->items), compare_names);
    }
}

int all_saves(const char *title, const char *pattern, save_fn run, void *payload)
{
    struct str_list found = {0};
    unsigned failed = 0;
    unsigned count = 0;

    list_sequences(&found);
    for (size_t i = 0; i < found.count; i++) {
        struct sequence *sequence = NULL;
        char path[1000];
        char name[128];
        char why[600] = "";
        bool is_good = false;

        snprintf(name, sizeof(name), "%.*s", (int)strcspn(found.items[i], "."), found.items[i]);
        snprintf(path, sizeof(path), "%s/%s", SAVES_DIRECTORY, found.items[i]);
        if (pattern && !str_glob_match(pattern, name)) {
            continue;
        }
        sequence = sequence_read(path);
        is_good = run(payload, sequence, why, sizeof(why));
        printf("%-4s %s: %s%s%s\n", is_good ? "ok" : "FAIL", title, name, *why ? ": " : "", why);
        fflush(stdout);
        failed += !is_good;
        count++;
        sequence_free(sequence);
    }
    str_list_clear(&found);
    printf("%u sequences on %s, %u failed\n", count, title, failed);
    return failed > 0 || count == 0;
}
