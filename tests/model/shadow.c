#include "shadow.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

void shadow_init(struct shadow *shadow, unsigned number)
{
    memset(shadow, 0, sizeof(*shadow));
    shadow->number = number;
    for (unsigned dir = 0; dir < DIRS; dir++) {
        shadow->has_dir[dir] = dir < SHARED_DIRS;
        for (unsigned file = 0; file < FILES; file++) {
            shadow->names[dir][file].inode = NOTHING;
        }
    }
    for (unsigned i = 0; i < HANDLES; i++) {
        shadow->handles[i].inode = NOTHING;
    }
}

int shadow_new_inode(struct shadow *shadow)
{
    for (int i = 0; i < INODES; i++) {
        struct shadow_inode *inode = &shadow->inodes[i];

        if (!inode->is_used) {
            inode->is_used = true;
            inode->is_linked = true;
            inode->is_replaced = false;
            inode->is_unknown = false;
            inode->is_dirty = false;
            inode->opened = 0;
            inode->modified_ms = NOTHING;
            inode->size = 0;
            return i;
        }
    }
    abort(); /* more than names and handles */
}

void shadow_put_inode(struct shadow *shadow, int inode)
{
    struct shadow_inode *it = &shadow->inodes[inode];

    it->is_used = it->is_linked || it->opened > 0;
}

void shadow_resize(struct shadow_inode *inode, uint32_t size)
{
    if (size > inode->size) {
        memset(inode->data + inode->size, 0, size - inode->size);
    }
    inode->size = size;
    inode->modified_ms = NOTHING;
}

bool shadow_is_empty(const struct shadow *shadow, unsigned dir)
{
    for (unsigned file = 0; file < FILES; file++) {
        if (shadow->names[dir][file].inode != NOTHING) {
            return false;
        }
    }
    return true;
}

const char *shadow_dir_name(const struct shadow *shadow, char *out, unsigned dir)
{
    static const char *const names[DIRS] = {"common", "deep", "one", "two", "sub"};

    if (dir < SHARED_DIRS) {
        snprintf(out, 64, "%s", names[dir]);
    } else {
        snprintf(out, 64, "w%u %s", shadow->number, names[dir]);
    }
    return out;
}

const char *shadow_dir_path(const struct shadow *shadow, char *out, unsigned dir)
{
    char name[64];

    shadow_dir_name(shadow, name, dir);
    snprintf(out, 200, "%s%s", dir == 1 || dir == 4 ? "common/" : "", name);
    return out;
}

const char *shadow_file_name(const struct shadow *shadow, char *out, unsigned file, bool is_upper)
{
    static const char *const names[FILES] = {"w%u alpha.txt",  "w%u Report.docx", "w%u data.bin",
                                             "w%u Report.bak", "~WRD%04u.tmp",    "w%u plan.xlsx"};

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(out, 64, names[file], shadow->number);
#pragma GCC diagnostic pop
    for (char *at = out; is_upper && *at; at++) {
        *at = (char)toupper((unsigned char)*at);
    }
    return out;
}

void shadow_fill(unsigned char *out, uint32_t size, uint32_t seed)
{
    uint32_t state = seed | 1;

    for (uint32_t i = 0; i < size; i++) {
        if (i % 4 == 0) {
            op_random(&state);
        }
        out[i] = (unsigned char)(state >> i % 4 * 8);
    }
}

void shadow_text(char *out, uint32_t size, uint32_t seed)
{
    int head = snprintf(out, size + 1, "%08x %08x ", seed, size);

    for (uint32_t i = (uint32_t)head; i < size; i++) {
        out[i] = (char)('a' + (seed + i) % 26);
    }
    out[size] = '\0';
}

bool shadow_is_text(const char *data, size_t size)
{
    unsigned seed = 0;
    unsigned length = 0;
    char *want = NULL;
    bool is_same = false;

    if (size < 24 || sscanf(data, "%8x %8x ", &seed, &length) != 2 || length != size) {
        return false;
    }
    want = malloc(size + 1);
    if (!want) {
        abort();
    }
    shadow_text(want, (uint32_t)size, seed);
    is_same = memcmp(want, data, size) == 0;
    free(want);
    return is_same;
}
