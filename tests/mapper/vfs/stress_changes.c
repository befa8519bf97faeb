/*
 * stress_changes.c - somebody else makes, edits, renames, moves and deletes without end, while
 * programs here do the same and changes come by delta, now and then breaking off. At the end what is
 * shown is what the server has: every name, every size, by the changes alone. With "twice" the drive is
 * mapped a second time, half of the programs use it there, and that mapping comes and goes.
 *
 *   stress_changes [rounds [seed [jitter_us [twice]]]]
 */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/thread.h"

#define FOLDERS 5
#define NAMES 10
#define THREADS 4

struct worker {
    struct fixture *f;
    struct thread thread;
    unsigned rounds;
    uint32_t random;
};

static uint32_t next(struct worker *w)
{
    w->random = w->random * 1664525u + 1013904223u;
    return w->random >> 8;
}

static void pick(struct worker *w, char *folder, char *path)
{
    snprintf(folder, 32, "folder%u", next(w) % FOLDERS);
    snprintf(path, 64, "%s/file%u", folder, next(w) % NAMES);
}

/* --- elsewhere --- */

static void foreign(struct worker *w)
{
    struct fake *fake = w->f->fake;
    char folder[32];
    char path[64];
    char other[64];

    pick(w, other, path);
    pick(w, folder, path);
    switch (next(w) % 6) {
    case 0:
    case 1:
        fake_put(fake, path, "theirs, and of several sizes", 1 + next(w) % 28);
        break;
    case 2:
        fake_try_remove(fake, path);
        break;
    case 3:
        snprintf(folder, sizeof(folder), "file%u", next(w) % NAMES);
        fake_try_rename(fake, path, folder);
        break;
    case 4:
        fake_try_move(fake, path, other);
        break;
    default:
        if (next(w) % 20 == 0) {
            fake_resync(fake);
        }
        fake_set_awkward(fake, next(w) % 2);
        break;
    }
}

/* --- here --- */

static void ours(struct worker *w)
{
    struct fixture *f = w->f;
    struct vfs_attr attr;
    char folder[32];
    char path[64];
    char other[32];
    char other_path[64];
    uint64_t id = 0;
    uint64_t other_id = 0;

    pick(w, other, other_path);
    pick(w, folder, path);
    id = fixture_find(f, folder, NULL);
    switch (next(w) % 5) {
    case 0:
        (void)fixture_write(f, folder, strchr(path, '/') + 1, "ours", 1 + next(w) % 4);
        break;
    case 1:
        if (id) {
            (void)vfs_unlink(f->vfs, id, strchr(path, '/') + 1, NULL, NULL);
        }
        break;
    case 2:
        other_id = fixture_find(f, other, NULL);
        if (id && other_id) {
            (void)vfs_rename(f->vfs, id, strchr(path, '/') + 1, other_id,
                             strchr(other_path, '/') + 1, VFS_RENAME_NO_REPLACE, NULL, NULL);
        }
        break;
    case 3:
        (void)fixture_find(f, path, &attr);
        break;
    default:
        (void)fixture_list(f, folder);
        break;
    }
}

static void *work(void *payload)
{
    struct worker *w = payload;

    for (unsigned i = 0; i < w->rounds; i++) {
        if (w->random % 2) {
            ours(w);
        } else {
            foreign(w);
        }
    }
    return NULL;
}

/* --- the truth --- */

struct check {
    struct fixture *f;
    const char *folder;
    unsigned count;
    unsigned wrong;
};

static bool check_entry(void *payload, const char *name, const struct vfs_attr *attr,
                        uint64_t cookie)
{
    struct check *check = payload;
    char path[128];
    int64_t size = 0;

    (void)cookie;
    snprintf(path, sizeof(path), "%s/%s", check->folder, name);
    size = fake_size(check->f->fake, path);
    if (size != (int64_t)attr->size_bytes) {
        printf("'%s' is shown with %llu bytes and has %lld\n", path,
               (unsigned long long)attr->size_bytes, (long long)size);
        check->wrong++;
    }
    check->count++;
    return true;
}

static unsigned check_folder(struct fixture *f, const char *folder)
{
    struct check check = {.f = f, .folder = folder};
    struct vfs_dir *dir = NULL;
    unsigned there = fake_children(f->fake, folder);

    if (vfs_opendir(f->vfs, &dir, fixture_find(f, folder, NULL), NULL, NULL) < 0) {
        printf("'%s' is not there\n", folder);
        return 1;
    }
    for (unsigned before = UINT32_MAX; before != check.count;) {
        before = check.count;
        if (vfs_readdir(f->vfs, dir, check.count, check_entry, &check, NULL, NULL) < 0) {
            check.wrong++;
        }
    }
    vfs_closedir(f->vfs, dir);
    if (check.count != there) {
        printf("'%s' shows %u entries and has %u\n", folder, check.count, there);
        check.wrong++;
    }
    return check.wrong;
}

static unsigned check_all(struct fixture *f)
{
    unsigned wrong = 0;
    char folder[32];

    for (unsigned i = 0; i < FOLDERS; i++) {
        snprintf(folder, sizeof(folder), "folder%u", i);
        wrong += check_folder(f, folder);
    }
    return wrong;
}

/* The same drive again. */
static void map_twin(struct fixture *twin, const struct fixture *f)
{
    struct online_library library = {.account = fake_account(f->fake),
                                     .key = "twin",
                                     .drive_id = "b!drive",
                                     .is_verified = true,
                                     .url = "https://contoso.sharepoint.com/sites/a/Documents"};

    *twin = *f;
    assert_int_equal(online_vfs_add(f->online, &twin->root, &library, NULL), 0);
    fixture_list(twin, "");
}

static unsigned check_twice(struct fixture *f)
{
    unsigned wrong = check_all(f);
    unsigned lists = fake_count(f->fake, FAKE_LIST);

    wrong += check_all(f);
    if (fake_count(f->fake, FAKE_LIST) != lists) {
        printf("folders that are covered were listed again\n");
        wrong++;
    }
    return wrong;
}

static void run_part(struct fixture *f, struct fixture *twin, unsigned rounds, unsigned seed)
{
    struct worker workers[THREADS];

    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){
            .f = i < 2 ? f : twin, .rounds = rounds, .random = (seed + i) * 2 + i % 2};
        assert_int_equal(thread_start(&workers[i].thread, "worker", work, &workers[i], NULL), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        thread_join(&workers[i].thread);
    }
}

int main(int argc, char **argv)
{
    unsigned rounds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 300;
    unsigned seed = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 1;
    unsigned jitter_us = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 0;
    bool is_twice = argc > 4;
    struct fixture f;
    struct fixture twin;
    unsigned wrong = 0;

    fixture_prepare(&f);
    f.options.metadata_ms = 3;
    f.options.poll_ms = 2;
    fake_set_page(f.fake, 7);
    fake_set_jitter(f.fake, jitter_us);
    for (unsigned i = 0; i < FOLDERS; i++) {
        char path[32];

        snprintf(path, sizeof(path), "folder%u/seed", i);
        fake_put_text(f.fake, path, "seed");
    }
    fixture_start(&f);
    fixture_list(&f, "");
    for (unsigned part = 0; part < 10; part++) {
        if (is_twice && part % 3 == 0) {
            map_twin(&twin, &f);
        }
        run_part(&f, is_twice ? &twin : &f, rounds / 10, seed * 1000 + part * 10);
        f.options.metadata_ms = 0;
        online_vfs_configure(f.online, &f.options);
        wrong += check_twice(&f);
        if (is_twice) {
            wrong += check_twice(&twin);
        }
        if (is_twice && part % 3 == 2) {
            online_vfs_remove(f.online, twin.root);
        }
        f.options.metadata_ms = 3;
        online_vfs_configure(f.online, &f.options);
    }
    printf("%u rounds, seed %u: %u requests for changes, %u listings, %u wrong, %s\n", rounds, seed,
           fake_count(f.fake, FAKE_DELTA), fake_count(f.fake, FAKE_LIST), wrong,
           wrong ? "FAILED" : "ok");
    fixture_end(&f);
    return wrong ? 1 : 0;
}
