#include "letter.h"

#include <stdlib.h>
#include <string.h>

#include "policy/entry.h"
#include "policy/settings.h"

enum owner { FREE, OTHERS, OURS };

struct letters {
    enum owner owner[26];
    size_t holder[26];    /* OURS: the mapping */
    bool is_reserved[26]; /* policy gives it to something, mapped or not: not for the pool */
    struct str_list *notes;
    struct plan_mapping *mappings;
};

static int note(struct letters *letters, struct error *err, const char *text, const char *path,
                char letter, const char *holder)
{
    char *sentence = NULL;
    int code;

    if (!letters->notes) {
        return 0;
    }
    code = str_format(&sentence, err, "'%s' gets no letter: %c: is %s%s%s", path, letter, text,
                      holder ? " " : "", holder ? holder : "");
    code = code < 0 ? code : str_list_add(letters->notes, sentence, err);
    str_free(&sentence);
    return code;
}

/* Gives `letter` to the mapping `at`, or says why not. */
static int give(struct letters *letters, size_t at, char letter, struct error *err)
{
    size_t i = (size_t)(letter - 'A');
    const char *path = letters->mappings[at].path;

    if (letters->owner[i] == OTHERS) {
        return note(letters, err, "in use by something else", path, letter, NULL);
    }
    if (letters->owner[i] == OURS) {
        return note(letters, err, "taken by", path, letter,
                    letters->mappings[letters->holder[i]].path);
    }
    letters->owner[i] = OURS;
    letters->holder[i] = at;
    letters->mappings[at].letter = letter;
    return 0;
}

static bool is_letter(char letter)
{
    return letter >= 'A' && letter <= 'Z';
}

static void reserve(struct letters *letters, char letter)
{
    if (is_letter(letter)) {
        letters->is_reserved[letter - 'A'] = true;
    }
}

/* Letters that policy names, whether or not their library is there. */
static int reserve_all(struct letters *letters, const struct settings *settings, struct error *err)
{
    int code = 0;

    for (size_t i = 0; code == 0 && i < settings->managed_mappings.count; i++) {
        struct policy_mapping mapping = {0};

        code = policy_mapping_parse(&mapping, settings->managed_mappings.items[i], err);
        if (code == 0) {
            reserve(letters, mapping.letter);
            policy_mapping_clear(&mapping);
        }
        code = code == ERR_NO_MEMORY ? code : 0;
    }
    for (size_t i = 0; code == 0 && i < settings->drive_letter_rules.count; i++) {
        char *glob = NULL;
        char letter = '\0';

        code = policy_letter_rule_parse(&glob, &letter, settings->drive_letter_rules.items[i], err);
        if (code == 0) {
            reserve(letters, letter);
        }
        str_free(&glob);
        code = code == ERR_NO_MEMORY ? code : 0;
    }
    if (settings->one_drive) {
        reserve(letters, policy_letter_parse(settings->one_drive_drive));
    }
    return code;
}

/* Letters given to one library by name: of managed mappings, then of OneDrive. */
static int give_explicit(struct letters *letters, const struct library *const *libraries,
                         size_t count, bool is_managed, struct error *err)
{
    int code = 0;

    for (size_t i = 0; code == 0 && i < count; i++) {
        if (is_letter(libraries[i]->letter) &&
            is_managed == ((libraries[i]->sources & LIBRARY_FROM_MANAGED) != 0)) {
            code = give(letters, i, libraries[i]->letter, err);
        }
    }
    return code;
}

/* Each rule gives its letter to the first library that it names and that has none. */
static int give_by_rules(struct letters *letters, const struct library *const *libraries,
                         size_t count, const struct settings *settings, struct error *err)
{
    int code = 0;

    for (size_t i = 0; code == 0 && i < settings->drive_letter_rules.count; i++) {
        char *glob = NULL;
        char letter = '\0';

        code = policy_letter_rule_parse(&glob, &letter, settings->drive_letter_rules.items[i], err);
        for (size_t j = 0; code == 0 && is_letter(letter) && j < count; j++) {
            if (libraries[j]->kind == LIBRARY_SITE && !letters->mappings[j].letter &&
                library_matches(libraries[j], glob)) {
                code = give(letters, j, letter, err);
                break;
            }
        }
        str_free(&glob);
        code = code == ERR_NO_MEMORY ? code : 0; /* an unreadable entry is the policy's warning */
    }
    return code;
}

static int give_from_pool(struct letters *letters, const struct library *const *libraries,
                          size_t count, const struct settings *settings, struct error *err)
{
    char pool[27];
    const char *next = pool;
    size_t without = 0;
    char *sentence = NULL;
    int code = 0;

    if (policy_letter_pool_parse(pool, settings->drive_letter_pool, NULL) < 0 || !pool[0]) {
        return 0;
    }
    for (size_t i = 0; code == 0 && i < count; i++) {
        if (letters->mappings[i].letter || libraries[i]->kind == LIBRARY_ONEDRIVE) {
            continue;
        }
        while (*next &&
               (letters->owner[*next - 'A'] != FREE || letters->is_reserved[*next - 'A'])) {
            next++;
        }
        if (*next) {
            code = give(letters, i, *next, err);
        } else {
            without++;
        }
    }
    if (code == 0 && without > 0 && letters->notes) {
        code = str_format(&sentence, err,
                          "DriveLetterPool is used up: %zu libraries have no letter", without);
        code = code < 0 ? code : str_list_add(letters->notes, sentence, err);
        str_free(&sentence);
    }
    return code;
}

int letter_assign(struct plan_mapping *mappings, const struct library *const *libraries,
                  size_t count, const struct settings *settings, const char *taken,
                  struct str_list *notes, struct error *err)
{
    struct letters letters = {.notes = notes, .mappings = mappings};
    int code;

    for (const char *c = taken ? taken : ""; *c; c++) {
        char letter = *c >= 'a' && *c <= 'z' ? (char)(*c - 32) : *c;

        if (is_letter(letter)) {
            letters.owner[letter - 'A'] = OTHERS;
        }
    }
    code = reserve_all(&letters, settings, err);
    code = code < 0 ? code : give_explicit(&letters, libraries, count, true, err);
    code = code < 0 ? code : give_explicit(&letters, libraries, count, false, err);
    code = code < 0 ? code : give_by_rules(&letters, libraries, count, settings, err);
    return code < 0 ? code : give_from_pool(&letters, libraries, count, settings, err);
}
