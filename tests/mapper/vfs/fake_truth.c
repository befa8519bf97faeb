/* What is on the drive in memory, and ever was. */
#include "fake_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void visit_folder(struct fake *fake, uint32_t folder, const char *above, fake_visit_fn visit,
                         void *payload)
{
    for (uint32_t at = fake_next_of(fake, folder, 0); at; at = fake_next_of(fake, folder, at)) {
        const struct item *item = &fake->items[at];
        char *path = NULL;

        str_format(&path, NULL, "%s%s%s", above, *above ? "/" : "", item->name);
        visit(payload, path, item->is_folder, item->data, item->size);
        if (item->is_folder) {
            visit_folder(fake, at, path, visit, payload);
        }
        free(path);
    }
}

void fake_visit(struct fake *fake, fake_visit_fn visit, void *payload)
{
    mutex_lock(&fake->lock);
    visit_folder(fake, 0, "", visit, payload);
    mutex_unlock(&fake->lock);
}

static bool held(const struct item *item, const void *data, uint64_t size)
{
    if (item->data && item->size == size && memcmp(item->data, data, size) == 0) {
        return true;
    }
    for (const struct older *older = item->older; older; older = older->next) {
        if (older->size == size && memcmp(older->data, data, size) == 0) {
            return true;
        }
    }
    return false;
}

bool fake_ever_held(struct fake *fake, const void *data, uint64_t size)
{
    bool is_held = false;

    mutex_lock(&fake->lock);
    for (uint32_t i = 0; i < fake->count && !is_held; i++) {
        is_held = held(&fake->items[i], data, size);
    }
    mutex_unlock(&fake->lock);
    return is_held;
}
