/*
 * play.h - does the operations of one worker on a world, and says where it differs from the shadow.
 */
#ifndef TESTS_MODEL_PLAY_H
#define TESTS_MODEL_PLAY_H

#include "shadow.h"
#include "world.h"

#define HOLDS_MAX 12

struct play {
    struct world *world;
    struct shadow *shadow;
    struct vfs_file *files[HANDLES];
    const struct op *op;
    uint64_t held[HOLDS_MAX]; /* given back after each operation */
    unsigned held_count;
};

/* False: shadow->failure says why. */
bool play_op(struct play *play, const struct op *op);

/* Flushes and closes what is open. */
bool play_close_all(struct play *play);

/* The worker's files as they are shown: all of them, by reading. */
bool play_check_all(struct play *play);

bool play_fail(struct play *play, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Any file by its name: reads it whole. *data is the caller's and ends with a NUL; NULL: it is not
 * there. The result is false when it does not work. */
bool play_read_file(struct play *play, unsigned dir, const char *name, char **data, size_t *size);

/* The names in a folder that `visit` wants. */
typedef void (*play_entry_fn)(void *payload, const char *name, const struct vfs_attr *attr);
bool play_list(struct play *play, uint64_t id, play_entry_fn visit, void *payload);
int play_find_dir(struct play *play, uint64_t *id, unsigned dir);
void play_release(struct play *play);

/* Whether an error is one of the line, and not too often: then it waited a little. */
bool play_again(struct play *play, int code, unsigned *tries);
/* ... or comes from somebody else, who changed it meanwhile. */
bool play_again_elsewhere(int code, unsigned *tries);
int play_lookup(struct play *play, struct vfs_attr *out, uint64_t parent, const char *name);

bool play_expect(struct play *play, const char *what, int code, int want, const struct error *err);

/* Each does the operation of its name, play->op. */

/* play_files.c */
bool play_open(struct play *play);
bool play_create(struct play *play);
bool play_read(struct play *play);
bool play_write(struct play *play);
bool play_resize(struct play *play);
bool play_flush(struct play *play); /* also OP_FSYNC */
bool play_close(struct play *play);
bool play_put(struct play *play);
bool play_get(struct play *play);
bool play_stat(struct play *play);
bool play_set(struct play *play); /* times, or the size */

/* play_shared.c */
bool play_shared_put(struct play *play);
bool play_shared_get(struct play *play);
bool play_shared_unlink(struct play *play);

/* play_names.c */
bool play_rename(struct play *play);
bool play_unlink(struct play *play);
bool play_mkdir(struct play *play);
bool play_rmdir(struct play *play);
bool play_move_dir(struct play *play);
bool play_list_op(struct play *play);

#endif
