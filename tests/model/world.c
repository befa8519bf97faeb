#include "world.h"

#include <stdio.h>
#include <string.h>
#include <openssl/sha.h>

void world_hash(char out[65], const void *data, size_t size)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];

    SHA256(data, size, digest);
    for (unsigned i = 0; i < sizeof(digest); i++) {
        snprintf(out + i * 2, 3, "%02x", digest[i]);
    }
}

void world_add(struct world_tree *tree, const char *path, bool is_folder, uint64_t size,
               const char *sha256)
{
    struct world_entry *entry = &tree->entries[tree->count];

    if (tree->count == TREE_MAX) {
        return;
    }
    tree->count++;
    snprintf(entry->path, sizeof(entry->path), "%s", path);
    snprintf(entry->sha256, sizeof(entry->sha256), "%s", sha256);
    entry->is_folder = is_folder;
    entry->size = size;
}
