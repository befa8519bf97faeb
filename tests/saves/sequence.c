#include "sequence.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/str.h"

#define LINE_MAX_BYTES 1024
#define STEPS_MAX 400

static const struct {
    const char *verb;
    enum step_kind kind;
    int least; /* words after the verb */
    int most;
} verbs[] = {
    {"create", STEP_CREATE, 3, 3}, {"open", STEP_OPEN, 3, 3},
    {"write", STEP_WRITE, 2, 2},   {"part", STEP_PART, 4, 4},
    {"read", STEP_READ, 2, 2},     {"resize", STEP_RESIZE, 2, 2},
    {"flush", STEP_FLUSH, 1, 1},   {"fsync", STEP_FSYNC, 1, 1},
    {"close", STEP_CLOSE, 1, 1},   {"times", STEP_TIMES, 2, 2},
    {"rename", STEP_RENAME, 2, 3}, {"unlink", STEP_UNLINK, 1, 1},
    {"mkdir", STEP_MKDIR, 1, 1},   {"rmdir", STEP_RMDIR, 1, 1},
    {"stat", STEP_STAT, 1, 2},     {"absent", STEP_ABSENT, 1, 1},
    {"has", STEP_HAS, 2, 2},       {"list", STEP_LIST, 0, SEQUENCE_WORDS},
    {"wait", STEP_WAIT, 0, 0},
};

struct reader {
    struct sequence *sequence;
    int line;
};

static void refuse(const struct reader *r, const char *format, ...) __attribute__((noreturn))
PRINTF_LIKE(2, 3);

static void refuse(const struct reader *r, const char *format, ...)
{
    va_list args;

    fprintf(stderr, "%s:%d: ", r->sequence->path, r->line);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(2);
}

static char *copy(const char *text)
{
    char *out = strdup(text);

    if (!out) {
        abort();
    }
    return out;
}

/* The next word; a text in quotes keeps its opening quote, so that it is told from a name of a
 * content, except where `is_name`. NULL at the end of the line. */
static char *next_word(const struct reader *r, char **at)
{
    char *start = *at + strspn(*at, " \t");
    char *end = NULL;

    if (!*start || *start == '#') {
        return NULL;
    }
    if (*start == '"') {
        end = strchr(start + 1, '"');
        if (!end) {
            refuse(r, "a quote is not closed");
        }
    } else {
        end = start + strcspn(start, " \t");
    }
    *at = *end ? end + 1 : end;
    *end = '\0';
    return copy(start);
}

/* Names with blanks stand in quotes. */
static char *plain(char *word)
{
    if (word && *word == '"') {
        memmove(word, word + 1, strlen(word));
    }
    return word;
}

static bool is_content(const char *word)
{
    size_t size = 0;
    char *bytes = sequence_content(word, &size);
    bool is_known = bytes != NULL;

    free(bytes);
    return is_known;
}

static void add_file(const struct reader *r, struct sequence_file *files, size_t *count, char **at)
{
    char *name = plain(next_word(r, at));
    char *content = next_word(r, at);

    if (!name || !content || !is_content(content) || *count == SEQUENCE_NAMES) {
        refuse(r, "expected a name and a content");
    }
    files[(*count)++] = (struct sequence_file){name, content};
}

/* Lines before the steps; false: it is a step. */
static bool take_head(const struct reader *r, const char *verb, char *at)
{
    struct sequence *s = r->sequence;

    if (strcmp(verb, "program") == 0) {
        s->program = copy(at + strspn(at, " "));
    } else if (strcmp(verb, "source") == 0) {
        return true; /* for readers */
    } else if (strcmp(verb, "document") == 0) {
        s->document = plain(next_word(r, &at));
    } else if (strcmp(verb, "becomes") == 0) {
        s->becomes = next_word(r, &at);
        if (!s->becomes || !is_content(s->becomes)) {
            refuse(r, "there is no such content");
        }
    } else if (strcmp(verb, "versions") == 0) {
        char *word = next_word(r, &at);
        int64_t number = 0;

        if (!word || !str_to_int64(word, 0, 100, &number)) {
            refuse(r, "expected a number");
        }
        s->versions = (int)number;
        free(word);
    } else if (strcmp(verb, "before") == 0) {
        add_file(r, s->before, &s->before_count, &at);
    } else if (strcmp(verb, "after") == 0) {
        add_file(r, s->after, &s->after_count, &at);
    } else if (strcmp(verb, "scratch") == 0) {
        char *pattern = plain(next_word(r, &at));

        if (!pattern || s->scratch_count == SEQUENCE_NAMES) {
            refuse(r, "expected a pattern");
        }
        s->scratch[s->scratch_count++] = pattern;
    } else {
        return false;
    }
    return true;
}

static bool word_is_content(enum step_kind kind, int index)
{
    switch (kind) {
    case STEP_WRITE:
    case STEP_PART:
    case STEP_READ:
    case STEP_STAT:
    case STEP_HAS:
        return index == 1;
    default:
        return false;
    }
}

static void take_step(const struct reader *r, const char *verb, char *at)
{
    struct sequence *s = r->sequence;
    struct step *step = &s->steps[s->step_count];
    char *word = NULL;
    size_t i = 0;

    while (i < sizeof(verbs) / sizeof(verbs[0]) && strcmp(verbs[i].verb, verb) != 0) {
        i++;
    }
    if (i == sizeof(verbs) / sizeof(verbs[0]) || s->step_count == STEPS_MAX) {
        refuse(r, "'%s' is not known, or there are too many steps", verb);
    }
    *step = (struct step){.kind = verbs[i].kind, .line = r->line};
    while ((word = next_word(r, &at)) != NULL) {
        if (step->count == SEQUENCE_WORDS || step->count == verbs[i].most) {
            refuse(r, "too many words");
        }
        if (!word_is_content(step->kind, step->count)) {
            plain(word);
        } else if (!is_content(word)) {
            refuse(r, "there is no content '%s'", word);
        }
        step->words[step->count++] = word;
    }
    if (step->count < verbs[i].least) {
        refuse(r, "'%s' needs %d words", verb, verbs[i].least);
    }
    s->step_count++;
}

static void finish(struct reader *r)
{
    struct sequence *s = r->sequence;

    if (!s->program || !s->document || s->step_count == 0) {
        refuse(r, "program, document and steps are needed");
    }
    s->is_new = true;
    for (size_t i = 0; i < s->before_count; i++) {
        s->is_new = s->is_new && strcmp(s->before[i].name, s->document) != 0;
    }
    s->becomes = s->becomes ? s->becomes : copy("new");
    for (size_t i = 0; i < s->after_count; i++) {
        if (sequence_is_scratch(s, s->after[i].name)) {
            refuse(r, "'%s' is to stay and is scratch", s->after[i].name);
        }
    }
}

struct sequence *sequence_read(const char *path)
{
    struct sequence *s = calloc(1, sizeof(*s));
    struct reader r = {.sequence = s};
    char line[LINE_MAX_BYTES];
    FILE *file = fopen(path, "re");

    if (!s || !file) {
        fprintf(stderr, "%s cannot be read\n", path);
        exit(2);
    }
    s->path = copy(path);
    s->versions = 1;
    s->steps = calloc(STEPS_MAX, sizeof(*s->steps));
    if (!s->steps) {
        abort();
    }
    while (fgets(line, sizeof(line), file)) {
        char *at = line;
        char *verb = NULL;

        r.line++;
        line[strcspn(line, "\n")] = '\0';
        verb = next_word(&r, &at);
        if (verb && !take_head(&r, verb, at)) {
            take_step(&r, verb, at);
        }
        free(verb);
    }
    fclose(file);
    finish(&r);
    return s;
}

void sequence_free(struct sequence *sequence)
{
    if (!sequence) {
        return;
    }
    for (size_t i = 0; i < sequence->step_count; i++) {
        for (int w = 0; w < sequence->steps[i].count; w++) {
            free(sequence->steps[i].words[w]);
        }
    }
    for (size_t i = 0; i < SEQUENCE_NAMES; i++) {
        free(sequence->before[i].name);
        free(sequence->before[i].content);
        free(sequence->after[i].name);
        free(sequence->after[i].content);
        free(sequence->scratch[i]);
    }
    free(sequence->steps);
    free(sequence->path);
    free(sequence->program);
    free(sequence->document);
    free(sequence->becomes);
    free(sequence);
}

bool sequence_is_scratch(const struct sequence *sequence, const char *name)
{
    for (size_t i = 0; i < sequence->scratch_count; i++) {
        if (str_glob_match(sequence->scratch[i], name)) {
            return true;
        }
    }
    return false;
}

char *sequence_content(const char *content, size_t *size)
{
    /* `grown` begins as `old` does: a program that appends. */
    static const struct {
        const char *name;
        size_t size;
        unsigned seed;
    } contents[] = {{"old", 30011, 1},   {"new", 50021, 2}, {"newer", 41017, 3},
                    {"grown", 42013, 1}, {"owner", 162, 4}, {"large", 6291457, 5},
                    {"empty", 0, 0}};
    char *bytes = NULL;

    if (*content == '"') {
        *size = strlen(content + 1);
        return copy(content + 1);
    }
    for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); i++) {
        if (strcmp(contents[i].name, content) != 0) {
            continue;
        }
        *size = contents[i].size;
        bytes = malloc(*size + 1);
        if (!bytes) {
            abort();
        }
        for (size_t at = 0; at < *size; at++) {
            bytes[at] =
                (char)(unsigned char)((at * 131u + (at >> 8) * 7u + contents[i].seed * 37u) & 0xff);
        }
        bytes[*size] = '\0';
        return bytes;
    }
    return NULL;
}
