/*
 * stress_vfs.c - many threads on one library while somebody else edits it and the server stumbles.
 * Nothing is asserted about a single call; what counts: no race (run it under TSan), no leak and no
 * wild pointer (ASan), nothing hangs, no byte is read that was never in the file, and at the end
 * the listing is what the server has and nothing is left open.
 *
 *   stress_vfs [threads [rounds [journal]]]
 *
 * "journal": saves go to the journal and are sent behind, deletes and renames settle, some names are
 * those of a save's steps; at the end nothing may wait that does not need a person.
 */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/thread.h"

#define FOLDERS 4
#define NAMES 12
#define LARGE (5u * 1024 * 1024)

struct worker {
    struct fixture *f;
    struct thread thread;
    unsigned number;
    unsigned rounds;
    bool has_journal;
    uint32_t random;
    unsigned wrong; /* bytes that nobody wrote */
};

static uint32_t next(struct worker *w)
{
    w->random = w->random * 1664525u + 1013904223u;
    return w->random >> 8;
}

static void pick(struct worker *w, char *folder, char *name)
{
    unsigned number = 0;

    snprintf(folder, 32, "folder%u", next(w) % FOLDERS);
    number = next(w) % NAMES;
    switch (w->has_journal ? next(w) % 8 : 0) {
    case 1:
        snprintf(name, 32, "file%u.tmp", number);
        break;
    case 2:
        snprintf(name, 32, "~$file%u", number);
        break;
    default:
        snprintf(name, 32, "file%u", number);
        break;
    }
}

static void path_of(char *out, const char *folder, const char *name)
{
    snprintf(out, 80, "%s/%s", folder, name);
}

/* A file's bytes are all the same letter: a mix of two saves shows. */
static void do_write(struct worker *w)
{
    char folder[32];
    char name[32];
    char data[3000];
    size_t size = 1 + next(w) % sizeof(data);

    pick(w, folder, name);
    memset(data, 'a' + (int)(next(w) % 26), sizeof(data));
    (void)fixture_write(w->f, folder, name, data, size);
}

static void do_read(struct worker *w)
{
    struct vfs_file *file = NULL;
    char folder[32];
    char name[32];
    char path[80];
    char data[3000];
    size_t got = 0;
    uint64_t id = 0;

    pick(w, folder, name);
    path_of(path, folder, name);
    id = fixture_find(w->f, path, NULL);
    if (!id || vfs_open(w->f->vfs, &file, id, VFS_READ, NULL, NULL) < 0) {
        return;
    }
    if (vfs_read(w->f->vfs, file, data, sizeof(data), 0, &got, NULL, NULL) == 0 && got == 0) {
        (void)vfs_getattr(w->f->vfs, &(struct vfs_attr){0}, id, file, NULL, NULL);
    }
    vfs_close(w->f->vfs, file);
}

/* A program that goes on with a file while what it saved is on its way. */
static void read_and_sync(struct worker *w, struct vfs_file *file)
{
    char data[3000];
    size_t got = 0;

    (void)vfs_fsync(w->f->vfs, file, NULL, NULL);
    for (unsigned i = 0; i < 10; i++) {
        (void)vfs_read(w->f->vfs, file, data, sizeof(data), 0, &got, NULL, NULL);
    }
    (void)vfs_write(w->f->vfs, file, "again", 5, next(w) % 100, NULL, NULL);
    (void)vfs_flush(w->f->vfs, file, NULL, NULL);
}

static void do_patch(struct worker *w)
{
    struct vfs_file *file = NULL;
    struct vfs_set set = {.flags = VFS_SET_SIZE | VFS_SET_MODIFIED, .size_bytes = 100};
    struct vfs_attr attr;
    char folder[32];
    char name[32];
    char path[80];
    uint64_t id = 0;

    pick(w, folder, name);
    path_of(path, folder, name);
    id = fixture_find(w->f, path, NULL);
    if (!id || vfs_open(w->f->vfs, &file, id, VFS_READ | VFS_WRITE, NULL, NULL) < 0) {
        return;
    }
    set.modified_ms = 1600000000000 + next(w);
    (void)vfs_write(w->f->vfs, file, "patched", 7, next(w) % 2000, NULL, NULL);
    if (w->has_journal) {
        read_and_sync(w, file);
    }
    (void)vfs_setattr(w->f->vfs, &attr, id, file, &set, NULL, NULL);
    (void)vfs_flush(w->f->vfs, file, NULL, NULL);
    vfs_close(w->f->vfs, file);
}

static void do_rename(struct worker *w)
{
    char from[32];
    char from_name[32];
    char to[32];
    char to_name[32];
    uint64_t from_id = 0;
    uint64_t to_id = 0;

    pick(w, from, from_name);
    pick(w, to, to_name);
    from_id = fixture_find(w->f, from, NULL);
    to_id = fixture_find(w->f, to, NULL);
    if (from_id && to_id) {
        (void)vfs_rename(w->f->vfs, from_id, from_name, to_id, to_name, 0, NULL, NULL);
    }
}

static void do_delete(struct worker *w)
{
    char folder[32];
    char name[32];
    uint64_t id = 0;

    pick(w, folder, name);
    id = fixture_find(w->f, folder, NULL);
    if (id) {
        (void)vfs_unlink(w->f->vfs, id, name, NULL, NULL);
    }
}

static void do_folder(struct worker *w)
{
    struct vfs_attr attr;
    char name[32];

    snprintf(name, sizeof(name), "dir%u", next(w) % 4);
    if (next(w) % 2) {
        if (vfs_mkdir(w->f->vfs, &attr, w->f->root, name, NULL, NULL) == 0) {
            vfs_forget(w->f->vfs, attr.id, 1);
        }
    } else {
        (void)vfs_rmdir(w->f->vfs, w->f->root, name, NULL, NULL);
    }
}

/* Whatever else happens, the bytes of a file that nobody changes are right. */
static void do_large(struct worker *w)
{
    struct vfs_file *file = NULL;
    unsigned char data[20000];
    uint64_t id = fixture_find(w->f, "large", NULL);
    uint64_t offset = next(w) % LARGE;

    if (!id || vfs_open(w->f->vfs, &file, id, VFS_READ, NULL, NULL) < 0) {
        return;
    }
    for (unsigned step = 0; step < 8; step++) {
        size_t got = 0;

        if (vfs_read(w->f->vfs, file, data, sizeof(data), offset, &got, NULL, NULL) < 0) {
            break;
        }
        for (size_t i = 0; i < got; i++) {
            w->wrong += data[i] != fake_byte(offset + i);
        }
        offset = step % 3 ? offset + got : next(w) % LARGE;
    }
    vfs_close(w->f->vfs, file);
}

static void do_foreign(struct worker *w)
{
    char folder[32];
    char name[32];
    char path[80];

    pick(w, folder, name);
    path_of(path, folder, name);
    fake_put_text(w->f->fake, path, "someone else");
}

static void do_stumble(struct worker *w)
{
    static const int codes[] = {ERR_SERVER, ERR_THROTTLED, ERR_UNREACHABLE, ERR_LOCKED};

    fake_fail(w->f->fake, (enum fake_call)(next(w) % FAKE_DRIVE), codes[next(w) % 4], next(w) % 3,
              1);
}

static void *work(void *payload)
{
    static void (*const all[])(struct worker *) = {
        do_write, do_write,  do_write, do_read,   do_read,  do_read,    do_patch,
        do_patch, do_rename, do_large, do_delete, do_large, do_foreign, do_stumble,
    };
    struct worker *w = payload;

    for (unsigned i = 0; i < w->rounds; i++) {
        char folder[32];

        all[next(w) % (sizeof(all) / sizeof(all[0]))](w);
        if (i % 5 == 0) {
            snprintf(folder, sizeof(folder), "folder%u", next(w) % FOLDERS);
            (void)fixture_list(w->f, folder);
            do_folder(w);
        }
        if (i % 40 == 0) {
            online_vfs_configure(w->f->online, &w->f->options);
            (void)online_vfs_wipe_cache(w->f->online, NULL);
        }
    }
    return NULL;
}

static unsigned run(struct fixture *f, unsigned threads, unsigned rounds, bool has_journal)
{
    struct worker *workers = calloc(threads, sizeof(*workers));
    unsigned wrong = 0;

    for (unsigned i = 0; i < threads; i++) {
        workers[i] = (struct worker){.f = f,
                                     .number = i,
                                     .rounds = rounds,
                                     .has_journal = has_journal,
                                     .random = i * 77777 + 1};
        assert_int_equal(thread_start(&workers[i].thread, "worker", work, &workers[i], NULL), 0);
    }
    for (unsigned i = 0; i < threads; i++) {
        thread_join(&workers[i].thread);
        wrong += workers[i].wrong;
    }
    free(workers);
    return wrong;
}

static void set_journal(struct fixture *f)
{
    f->options.saves_in_background = true;
    f->options.keeps_both = true;
    f->options.settle_ms = 60;
    f->options.upload_delay_ms = 1;
}

static void count_sendable(void *payload, const struct online_vfs_upload *upload)
{
    unsigned *count = payload;

    *count += upload->state == UPLOAD_WAITING || upload->state == UPLOAD_RUNNING ||
              upload->state == UPLOAD_RETRY || upload->state == UPLOAD_SETTLING;
}

/* All that can be sent is; how many are not after all. */
static unsigned send_all(struct fixture *f)
{
    unsigned left = 1;

    for (unsigned i = 0; i < 200 && left > 0; i++) {
        (void)online_vfs_settle(f->online, 20000);
        assert_int_equal(online_vfs_retry_uploads(f->online, NULL, NULL, NULL), 0);
        (void)online_vfs_wait_uploads(f->online, 20000);
        left = 0;
        assert_int_equal(online_vfs_visit_uploads(f->online, count_sendable, &left, NULL), 0);
    }
    return left;
}

/* What is only here is not compared with the server. */
static void remove_local(struct fixture *f, const char *folder)
{
    uint64_t id = fixture_find(f, folder, NULL);

    for (unsigned i = 0; i < NAMES; i++) {
        char name[32];

        snprintf(name, sizeof(name), "file%u.tmp", i);
        (void)vfs_unlink(f->vfs, id, name, NULL, NULL);
        snprintf(name, sizeof(name), "~$file%u", i);
        (void)vfs_unlink(f->vfs, id, name, NULL, NULL);
    }
}

int main(int argc, char **argv)
{
    bool has_journal = argc > 3 && strcmp(argv[3], "journal") == 0;
    unsigned threads = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 16;
    unsigned rounds = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 150;
    struct online_vfs_stats stats = {0};
    struct fixture f;
    unsigned wrong = 0;
    int failures = 0;

    fixture_prepare(&f);
    f.options.metadata_ms = 20;
    f.options.cache_bytes = 2u * 1024 * 1024;
    f.options.max_items = 40;
    if (has_journal) {
        set_journal(&f);
    }
    fake_set_page(f.fake, 5);
    for (unsigned i = 0; i < FOLDERS; i++) {
        char path[32];

        snprintf(path, sizeof(path), "folder%u/seed", i);
        fake_put_text(f.fake, path, "seed");
    }
    fake_put_large(f.fake, "large", LARGE);
    fixture_start(&f);
    wrong = run(&f, threads, rounds, has_journal);
    for (int i = 0; i < FAKE_CALLS; i++) {
        fake_fail(f.fake, (enum fake_call)i, 0, 0, 0);
    }
    f.options.metadata_ms = 0;
    online_vfs_configure(f.online, &f.options);
    for (unsigned i = 0; i < FOLDERS && has_journal; i++) {
        char path[32];

        snprintf(path, sizeof(path), "folder%u", i);
        remove_local(&f, path);
    }
    failures += has_journal && send_all(&f) > 0;
    for (unsigned i = 0; i < FOLDERS; i++) {
        char path[32];

        snprintf(path, sizeof(path), "folder%u", i);
        failures += fixture_list(&f, path) != (int64_t)fake_children(f.fake, path);
    }
    online_vfs_stats(f.online, &stats);
    failures += stats.open_files != 0 || stats.uploads_running != 0 || wrong != 0;
    printf("%u threads, %u rounds: %u wrong bytes, %u open, %u uploading, %u requests, %u unsaved, "
           "%s\n",
           threads, rounds, wrong, stats.open_files, stats.uploads_running, fake_total(f.fake),
           stats.unsaved, failures ? "FAILED" : "ok");
    fixture_end(&f);
    return failures ? 1 : 0;
}
