/*
 * world.h - where the model test is played: the file system in memory, the online vfs over the fake
 * drive or over the simulated tenant, a mounted folder.
 */
#ifndef TESTS_MODEL_WORLD_H
#define TESTS_MODEL_WORLD_H

#include "op.h"
#include "transport/vfs.h"

/* What is somewhere: path, size, and a hash of the content. */
struct world_entry {
    char path[200];
    bool is_folder;
    uint64_t size;
    char sha256[65];
};
#define TREE_MAX 2000u
struct world_tree {
    struct world_entry entries[TREE_MAX];
    unsigned count;
};

void world_hash(char out[65], const void *data, size_t size);
void world_add(struct world_tree *tree, const char *path, bool is_folder, uint64_t size,
               const char *sha256);

struct world {
    struct vfs *vfs;
    uint64_t root;    /* has the shared folders "common" and "common/deep" */
    bool has_scratch; /* LocalOnlyPatterns; else those names are left alone */
    uint32_t seed;    /* decides small choices, as how long things wait */
    void *payload;
    const char *path;      /* argument of the program, for a mounted folder */
    const char *elsewhere; /* ... and where somebody else is told to rest; NULL: there is nobody */
};

/* One for each program; what is NULL cannot be done there. Whatever goes wrong in one of them ends
 * the program with a word about it. */
struct world_type {
    const char *name;
    bool is_mounted; /* system calls: a kernel stands between */
    void (*start)(struct world *world);
    void (*stop)(struct world *world);

    /* What can be told apart of an error; NULL: everything. */
    int (*code_class)(int code);

    /* Somebody else: `text` NULL deletes. */
    void (*edit)(struct world *world, const char *path, const char *text);
    void (*rename)(struct world *world, const char *path, const char *name);
    void (*fault)(struct world *world, const struct op *op);

    /* No more faults; returns when all is on the server. False: something is left. */
    bool (*rest)(struct world *world, char *why, size_t size);
    /* The rest is over. */
    void (*go_on)(struct world *world);
    /* Ends the agent and starts another. The deletes that wait are told before, uploads are not. */
    void (*restart)(struct world *world);

    /* What is on the server below root. */
    void (*truth)(struct world *world, struct world_tree *out);
    /* Whether a content is on the server, also as a version or in the recycle bin. */
    bool (*ever_held)(struct world *world, const char *text);
};

extern const struct world_type world_type;

#endif
