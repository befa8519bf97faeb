/*
 * generate.h - trees of any size that are computed, not stored. Private to store.c.
 *
 * Folders are numbered like a heap: the top is 0, those below folder k are k*F+1 .. k*F+F. Files
 * are numbered behind all folders, folder by folder. serial = (generator + 1) << GEN_SHIFT |
 * number, so a serial tells generator, parent and name without a table. Within a folder the
 * children are ordered by name, because numbers in names are padded: so the n-th child and "the
 * first after this name" are computed too.
 */
#ifndef TENANT_GENERATE_H
#define TENANT_GENERATE_H

#include "store.h"

#define GEN_SHIFT 40

struct generator {
    struct drive *drive;
    unsigned index; /* in drive->generators */
    uint64_t top;   /* serial of the folder it fills */
    struct generator_spec spec;
    char *prefix, *folder_prefix;
    char *extensions[8];
    size_t n_extensions;
    uint64_t n_folders;       /* the top included */
    uint64_t n_inner_folders; /* those that have folders below them */
    uint64_t n_items;         /* numbers are 1 .. n_items - 1; the top is 0 */
    bool files_first;         /* in order of names */
};

struct generator *generator_new(struct item *folder, const struct generator_spec *spec);
void generator_free(struct generator *g);

uint64_t generator_serial(const struct generator *g, uint64_t number);
uint64_t generator_children(const struct generator *g, uint64_t folder);
/* Number of the n-th child of a folder, in order of name. */
uint64_t generator_child(const struct generator *g, uint64_t folder, uint64_t nth);
/* The first child whose name is not before `name`. */
uint64_t generator_lower_bound(const struct generator *g, uint64_t folder, const char *name);
/* Fills in an item and its name; content too for a file. */
void generator_fill(const struct generator *g, uint64_t number, struct item *out, char *name,
                    size_t name_size, struct content *content);
/* Bytes below a folder as generated. */
int64_t generator_size(const struct generator *g, uint64_t folder);

#endif
