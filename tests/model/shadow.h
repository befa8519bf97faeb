/*
 * shadow.h - what the files of one worker must be: names, contents, times. Plain arrays and no
 * pointers, so that workers may be processes that share it.
 *
 * Each worker has names of its own (with its number in them), in folders that all use, and folders
 * of its own; so it knows what each call must answer, whatever the others do at the same time.
 */
#ifndef TESTS_MODEL_SHADOW_H
#define TESTS_MODEL_SHADOW_H

#include "op.h"

#define INODES 40
#define NOTHING (-1)

struct shadow_inode {
    bool is_used;
    bool is_linked;
    bool is_replaced; /* another file was renamed onto it: open files keep what they had, or fail */
    bool is_unknown;  /* a write to what is deleted failed */
    bool is_dirty;    /* written since the last flush */
    unsigned opened;
    int64_t modified_ms; /* NOTHING: not known */
    uint32_t size;
    unsigned char data[SIZE_MAX_BYTES * 2];
};

struct shadow_name {
    int inode;
    int is_upper;  /* the case it is shown in; NOTHING: not known */
    bool was_used; /* what is made in place of what was just deleted may be the same item, in its
                      case */
};

struct shadow {
    unsigned number;
    bool has_dir[DIRS];
    struct shadow_name names[DIRS][FILES];
    struct {
        int inode; /* NOTHING: not open */
        bool is_writer;
    } handles[HANDLES];
    struct shadow_inode inodes[INODES];
    uint32_t
        shared_last; /* the seed of what was closed last in the shared file, and is not deleted */
    uint32_t shared_size;
    bool
        has_renamed_away; /* a document to a scratch name: when no other takes its place in time, the
                              server gets the plain rename */
    bool may_fail;        /* faults: errors of the line are retried */
    char failure[600];
};

void shadow_init(struct shadow *shadow, unsigned number);
int shadow_new_inode(struct shadow *shadow);
void shadow_put_inode(struct shadow *shadow, int inode); /* frees it when nothing has it */
void shadow_resize(struct shadow_inode *inode, uint32_t size);
bool shadow_is_empty(const struct shadow *shadow, unsigned dir);

/* Names and paths. `out` takes 64 or 200 bytes. */
const char *shadow_dir_name(const struct shadow *shadow, char *out, unsigned dir);
const char *shadow_dir_path(const struct shadow *shadow, char *out, unsigned dir);
const char *shadow_file_name(const struct shadow *shadow, char *out, unsigned file, bool is_upper);

/* Content that is known by its seed. */
void shadow_fill(unsigned char *out, uint32_t size, uint32_t seed);
/* ... and that tells its own seed, as text: at least 24 bytes, `out` has room for size + 1. */
void shadow_text(char *out, uint32_t size, uint32_t seed);
bool shadow_is_text(const char *data, size_t size); /* whole, and of one seed */

#endif
