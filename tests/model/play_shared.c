/* The file that others change, too. */
#include "play.h"

#include <stdlib.h>

bool play_shared_put(struct play *p)
{
    uint32_t size = 24 + p->op->size % 4000;
    struct vfs_file *file = NULL;
    struct vfs_attr attr = {0};
    struct error err = {0};
    unsigned tries = 0;
    uint64_t dir = 0;
    char name[64];
    char *text = malloc(size + 1);
    int code = play_find_dir(p, &dir, 0);

    if (!text) {
        abort();
    }
    snprintf(name, sizeof(name), "w%u shared.dat", p->shadow->number);
    shadow_text(text, size, p->op->seed);
    do {
        if (code == 0 || tries) {
            code = vfs_create(p->world->vfs, &file, &attr, dir, name, VFS_WRITE | VFS_TRUNCATE,
                              NULL, &err);
        }
        /* deleted or made elsewhere, between two looks */
    } while (play_again(p, code, &tries) || play_again_elsewhere(code, &tries));
    if (play_expect(p, "create the shared file", code, 0, &err)) {
        p->held[p->held_count++] = attr.id;
        code = vfs_write(p->world->vfs, file, text, size, 0, NULL, &err);
        do {
            if (code == 0 || tries) {
                code = vfs_flush(p->world->vfs, file, NULL, &err);
            }
        } while (play_again(p, code, &tries));
        vfs_close(p->world->vfs, file);
        if (code == 0) {
            p->shadow->shared_last = p->op->seed;
            p->shadow->shared_size = size;
        } else if (code != ERR_CHANGED && code != ERR_EXISTS) {
            play_expect(p, "save the shared file", code, 0, &err);
        }
    }
    free(text);
    return p->shadow->failure[0] == '\0';
}

bool play_shared_get(struct play *p)
{
    char name[64];
    char *data = NULL;
    size_t size = 0;

    snprintf(name, sizeof(name), "w%u shared.dat", p->shadow->number);
    if (!play_read_file(p, 0, name, &data, &size)) {
        return false;
    }
    if (data && !shadow_is_text(data, size)) {
        play_fail(p, "the shared file is a mix of two versions: %zu bytes, '%.40s'", size, data);
    }
    free(data);
    return p->shadow->failure[0] == '\0';
}

bool play_shared_unlink(struct play *p)
{
    struct error err = {0};
    unsigned tries = 0;
    uint64_t dir = 0;
    char name[64];
    int code = play_find_dir(p, &dir, 0);

    snprintf(name, sizeof(name), "w%u shared.dat", p->shadow->number);
    do {
        if (code == 0 || tries) {
            code = vfs_unlink(p->world->vfs, dir, name, NULL, &err);
        }
    } while (play_again(p, code, &tries));
    if (code == 0) {
        p->shadow->shared_last = 0;
    }
    return code == ERR_NOT_FOUND || code == ERR_CHANGED || code == ERR_STALE ||
           play_expect(p, "delete the shared file", code, 0, &err);
}
