/*
 * sequence.h - what a program does to save a file, as a list of calls that was written down: one
 * file in tests/data/saves (README.md there has the format). Parsing only; replay.h does it.
 *
 * Nothing here may fail quietly: a line that is not understood ends the program that reads it.
 */
#ifndef TESTS_SAVES_SEQUENCE_H
#define TESTS_SAVES_SEQUENCE_H

#include <stdbool.h>
#include <stddef.h>

#define SEQUENCE_WORDS 8
#define SEQUENCE_NAMES 16

enum step_kind {
    STEP_CREATE, /* handle name flags */
    STEP_OPEN,   /* handle name flags */
    STEP_WRITE,  /* handle content: all of it, from the start */
    STEP_PART,   /* handle content from to: these bytes of it, where they belong */
    STEP_READ,   /* handle content: reads to the end, which must be this */
    STEP_RESIZE, /* handle bytes */
    STEP_FLUSH,  /* handle */
    STEP_FSYNC,  /* handle */
    STEP_CLOSE,  /* handle: flush, then close */
    STEP_TIMES,  /* name-or-handle seconds */
    STEP_RENAME, /* name name [noreplace] */
    STEP_UNLINK, /* name */
    STEP_MKDIR,  /* name */
    STEP_RMDIR,  /* name */
    STEP_STAT,   /* name [content]: is there, with the size of this */
    STEP_ABSENT, /* name: is not there */
    STEP_HAS,    /* name content: is there, with these bytes */
    STEP_LIST,   /* name...: exactly these, and the document when it is there */
    STEP_WAIT,   /* the program rests for longer than anything waits for it */
};

struct step {
    enum step_kind kind;
    int line;
    int count;
    char *words[SEQUENCE_WORDS];
};

/* A name and what is in it: "old", "new", or a text in quotes. */
struct sequence_file {
    char *name;
    char *content;
};

struct sequence {
    char *path; /* of the file it came from */
    char *program;
    char *document;
    char *becomes;                               /* its content after the save */
    bool is_new;                                 /* the document was not there before */
    int versions;                                /* so many more of it at the end: 1 */
    struct sequence_file before[SEQUENCE_NAMES]; /* what is there before the first step */
    size_t before_count;
    struct sequence_file after[SEQUENCE_NAMES]; /* what is there after, beside the document */
    size_t after_count;
    char *scratch[SEQUENCE_NAMES]; /* patterns of names that must never be on the server */
    size_t scratch_count;
    struct step *steps;
    size_t step_count;
};

/* Ends the program with the line that is wrong. */
struct sequence *sequence_read(const char *path);
void sequence_free(struct sequence *sequence);

/* Whether a name matches one of the patterns of scratch names. */
bool sequence_is_scratch(const struct sequence *sequence, const char *name);

/* The bytes of a content; *size says how many. Caller frees. NULL: there is no such content. */
char *sequence_content(const char *content, size_t *size);

#endif
