/*
 * Many threads at once. They only count what went wrong; the test's own thread asserts, since a
 * failing assertion must not jump out of another thread.
 */
#include "vfs_contract_internal.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS 8

struct worker {
    struct vfs_contract *c;
    unsigned number;
    unsigned rounds;
    uint64_t id; /* of the shared file */
    unsigned failures;
    int first_code;
    const char *first_step;
};

static bool check(struct worker *w, const char *step, int code)
{
    if (code < 0 && w->failures++ == 0) {
        w->first_code = code;
        w->first_step = step;
    }
    return code == 0;
}

static void run_all(struct worker *workers, void *(*run)(void *))
{
    pthread_t threads[THREADS];

    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, run, &workers[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        if (workers[i].failures > 0) {
            fail_msg("thread %u: %s gave %s (%u failures)", i, workers[i].first_step,
                     error_name(workers[i].first_code), workers[i].failures);
        }
    }
}

static bool count_entry(void *payload, const char *name, const struct vfs_attr *attr,
                        uint64_t cookie)
{
    unsigned *count = payload;

    (void)name;
    (void)attr;
    (void)cookie;
    ++*count;
    return true;
}

static void list_folder(struct worker *w)
{
    struct vfs_contract *c = w->c;
    struct vfs_dir *dir = NULL;
    unsigned count = 0;

    if (check(w, "opendir", vfs_opendir(c->vfs, &dir, c->folder, NULL, NULL))) {
        check(w, "readdir", vfs_readdir(c->vfs, dir, 0, count_entry, &count, NULL, NULL));
        vfs_closedir(c->vfs, dir);
    }
}

/* Makes, reads, renames, lists and deletes its own files in the folder that all share. */
static void *busy(void *payload)
{
    struct worker *w = payload;
    struct vfs_contract *c = w->c;
    char name[32];
    char renamed[32];
    char text[32];
    char data[32];

    for (unsigned i = 0; i < w->rounds; i++) {
        struct vfs_file *file = NULL;
        struct vfs_attr attr = {.id = 0};
        size_t got = 0;
        size_t length = 0;

        snprintf(name, sizeof(name), "t%u-%u", w->number, i);
        snprintf(renamed, sizeof(renamed), "r%u-%u", w->number, i);
        length = (size_t)snprintf(text, sizeof(text), "thread %u round %u", w->number, i);
        if (!check(w, "create",
                   vfs_create(c->vfs, &file, &attr, c->folder, name,
                              VFS_READ | VFS_WRITE | VFS_EXCLUSIVE, NULL, NULL))) {
            break;
        }
        check(w, "write", vfs_write(c->vfs, file, text, length, 0, NULL, NULL));
        check(w, "flush", vfs_flush(c->vfs, file, NULL, NULL));
        check(w, "read", vfs_read(c->vfs, file, data, sizeof(data), 0, &got, NULL, NULL));
        if (got != length || memcmp(data, text, length) != 0) {
            check(w, "what was written", ERR_IO);
        }
        vfs_close(c->vfs, file);
        check(w, "rename", vfs_rename(c->vfs, c->folder, name, c->folder, renamed, 0, NULL, NULL));
        check(w, "getattr", vfs_getattr(c->vfs, &attr, attr.id, NULL, NULL, NULL));
        if (i % 4 == 0) {
            list_folder(w);
        }
        if (i % 2 == 0) {
            check(w, "unlink", vfs_unlink(c->vfs, c->folder, renamed, NULL, NULL));
        }
        vfs_forget(c->vfs, attr.id, 1);
    }
    return NULL;
}

static void vfs_calls__work_from_many_threads_in_one_folder(void **state)
{
    struct vfs_contract *c = *state;
    struct worker workers[THREADS];
    unsigned rounds = c->is_slow ? 10 : 60;
    struct vfs_dir *dir = NULL;
    unsigned count = 0;
    char name[32];
    char text[32];

    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.c = c, .number = i, .rounds = rounds};
    }
    run_all(workers, busy);
    expect_ok(c, vfs_opendir(c->vfs, &dir, c->folder, NULL, NULL));
    expect_ok(c, vfs_readdir(c->vfs, dir, 0, count_entry, &count, NULL, NULL));
    vfs_closedir(c->vfs, dir);
    assert_int_equal(count, THREADS * (rounds / 2));
    snprintf(name, sizeof(name), "r3-%u", rounds - 1);
    snprintf(text, sizeof(text), "thread 3 round %u", rounds - 1);
    contract_has_text(c, c->folder, name, text);
}

#define STRIPE 1000u

/* Writes every eighth stripe of one file, through a handle of its own. */
static void *stripes(void *payload)
{
    struct worker *w = payload;
    struct vfs_contract *c = w->c;
    unsigned char bytes[STRIPE];
    struct vfs_file *file = NULL;

    if (!check(w, "open", vfs_open(c->vfs, &file, w->id, VFS_WRITE, NULL, NULL))) {
        return NULL;
    }
    for (unsigned i = 0; i < w->rounds; i++) {
        uint64_t at = (uint64_t)(i * THREADS + w->number) * STRIPE;

        contract_fill(bytes, STRIPE, at, 5);
        check(w, "write", vfs_write(c->vfs, file, bytes, STRIPE, at, NULL, NULL));
    }
    check(w, "flush", vfs_flush(c->vfs, file, NULL, NULL));
    vfs_close(c->vfs, file);
    return NULL;
}

static void vfs_write__of_many_threads_makes_one_file(void **state)
{
    struct vfs_contract *c = *state;
    struct worker workers[THREADS];
    unsigned rounds = c->is_slow ? 10 : 40;
    size_t size = (size_t)rounds * THREADS * STRIPE;
    unsigned char *want = malloc(size);
    uint64_t id = 0;

    assert_non_null(want);
    contract_put_text(c, c->folder, "shared", "");
    id = contract_id(c, c->folder, "shared");
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.c = c, .number = i, .rounds = rounds, .id = id};
    }
    run_all(workers, stripes);
    contract_fill(want, size, 0, 5);
    contract_has(c, c->folder, "shared", want, size);
    vfs_forget(c->vfs, id, 1);
    free(want);
}

struct contract_list contract_threads(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(vfs_calls__work_from_many_threads_in_one_folder),
        cmocka_unit_test(vfs_write__of_many_threads_makes_one_file),
    };

    return (struct contract_list){tests, sizeof(tests) / sizeof(tests[0])};
}
