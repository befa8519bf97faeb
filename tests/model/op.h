/*
 * op.h - one operation of the model test, and lists of them: made from a seed, written to a file
 * and read from it. Nothing in an operation depends on what happened before: it names slots
 * (shadow.h), so any part of a list can be played, which is what makes shrinking possible.
 *
 * The file has one operation a line: worker, name, handle, folder, file, other folder, other file,
 * flags, offset, size, seed. Lines that begin with # are skipped.
 */
#ifndef TESTS_MODEL_OP_H
#define TESTS_MODEL_OP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define WORKERS_MAX 8
#define DIRS 5        /* 0, 1: shared, always there; the others are the worker's own */
#define SHARED_DIRS 2 /* ... of which so many */
#define FILES 6
#define FILE_SCRATCH 4 /* matches LocalOnlyPatterns: never on the server */
#define HANDLES 3
#define SIZE_MAX_BYTES 200000u

#define FOREIGN_NAMES 4 /* files of somebody else in the shared folders */

enum op_kind {
    OP_OPEN,
    OP_CREATE,
    OP_READ,
    OP_WRITE,
    OP_RESIZE, /* an open file */
    OP_FLUSH,
    OP_FSYNC,
    OP_CLOSE,
    OP_PUT, /* create or truncate, write, flush, close */
    OP_GET, /* open, read all, close */
    OP_STAT,
    OP_LIST,
    OP_RENAME,
    OP_UNLINK,
    OP_MKDIR,
    OP_RMDIR,
    OP_MOVE_DIR,
    OP_TIMES,
    OP_SIZE,       /* without an open file */
    OP_SHARED_PUT, /* the file that others change too: what is closed must not be lost */
    OP_SHARED_GET,
    OP_SHARED_UNLINK,
    OP_FOREIGN_PUT, /* from here on: of somebody else */
    OP_FOREIGN_UNLINK,
    OP_FOREIGN_RENAME,
    OP_FOREIGN_SHARED_PUT,
    OP_FOREIGN_SHARED_UNLINK,
    OP_FAULT,
    OP_REST,    /* from here on: of everybody. Waits until all is sent, and compares everything */
    OP_RESTART, /* the agent ends, with what is pending, and another begins */
    OP_KINDS
};

enum op_flags {
    OP_UPPER = 1,   /* the name in the other case */
    OP_READING = 2, /* open to read only */
    OP_TRUNCATE = 4,
    OP_EXCLUSIVE = 8,
    OP_NO_REPLACE = 16
};

struct op {
    uint8_t worker;
    uint8_t kind; /* enum op_kind */
    uint8_t handle;
    uint8_t dir;
    uint8_t file;
    uint8_t dir2;
    uint8_t file2;
    uint8_t flags;
    uint32_t offset;
    uint32_t size;
    uint32_t seed;
};

struct op_list {
    struct op *ops;
    size_t count;
};

struct op_options {
    unsigned workers;
    unsigned count;
    uint32_t seed;
    bool has_foreign; /* what the world can do */
    bool has_faults;
    bool has_restart;
};

void op_list_make(struct op_list *out, const struct op_options *options);
bool op_list_read(struct op_list *out, const char *path); /* false: says what is wrong */
void op_list_clear(struct op_list *list);
void op_print(FILE *out, const struct op *op);
bool op_is_global(const struct op *op);
bool op_is_foreign(const struct op *op);

/* xorshift; *state is not 0 */
uint32_t op_random(uint32_t *state);

#endif
