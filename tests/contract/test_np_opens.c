/*
 * Two programs open a file on `np` at one moment, just after somebody else saved it: neither may read
 * what the kernel remembers of before. Skipped (77) where nothing can be mounted.
 */
#include "test.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "mounted.h"
#include "watchdog.h"

struct fuse_file_info;
struct fuse_req;
struct fuse_session;

static struct {
    atomic_bool is_mute;    /* the kernel is told of no change */
    atomic_bool is_holding; /* the next answer to an open stays here ... */
    atomic_bool is_held;    /* ... and is here now */
    atomic_uint closed;     /* files */
} between;

int __real_fuse_reply_open(struct fuse_req *req, const struct fuse_file_info *fi);
int __wrap_fuse_reply_open(struct fuse_req *req, const struct fuse_file_info *fi);
int __real_fuse_lowlevel_notify_inval_inode(struct fuse_session *session, uint64_t ino,
                                            int64_t offset, int64_t size);
int __wrap_fuse_lowlevel_notify_inval_inode(struct fuse_session *session, uint64_t ino,
                                            int64_t offset, int64_t size);
void __real_vfs_close(struct vfs *vfs, struct vfs_file *file);
void __wrap_vfs_close(struct vfs *vfs, struct vfs_file *file);

static void until(const atomic_bool *what, bool wanted)
{
    while (atomic_load(what) != wanted) {
        (void)poll(NULL, 0, 1);
    }
}

int __wrap_fuse_reply_open(struct fuse_req *req, const struct fuse_file_info *fi)
{
    bool expected = false;

    if (atomic_load(&between.is_holding) &&
        atomic_compare_exchange_strong(&between.is_held, &expected, true)) {
        until(&between.is_holding, false);
    }
    return __real_fuse_reply_open(req, fi);
}

int __wrap_fuse_lowlevel_notify_inval_inode(struct fuse_session *session, uint64_t ino,
                                            int64_t offset, int64_t size)
{
    return atomic_load(&between.is_mute)
               ? 0
               : __real_fuse_lowlevel_notify_inval_inode(session, ino, offset, size);
}

void __wrap_vfs_close(struct vfs *vfs, struct vfs_file *file)
{
    __real_vfs_close(vfs, file);
    atomic_fetch_add(&between.closed, file != NULL);
}

/* Not by its name, which would be looked up: that tells the kernel of the change, too. */
static int open_again(const char *path)
{
    return open(path, O_RDONLY | O_CLOEXEC);
}

static void *open_and_close(void *payload)
{
    int fd = open_again(payload);

    close(fd);
    return NULL;
}

/* The kernel drops what it has when the answer to the first one comes. The second one is answered
 * before. */
static void np_open__reads_nothing_of_before_beside_another_one(void **state)
{
    struct mounted *m = *state;
    pthread_t first;
    char path[64];
    char byte = 0;
    int place = -1;
    int fd = -1;

    mounted_start(m, NULL);
    assert_int_equal(memfs_edit(m->memory, m->library, "file", "old", 3, NULL), 0);
    place = open(mounted_path(m, "file"), O_PATH | O_CLOEXEC);
    assert_true(place >= 0);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", place);
    atomic_store(&between.closed, 0);
    fd = open_again(path);
    assert_int_equal(read(fd, &byte, 1), 1);
    assert_int_equal(byte, 'o');
    close(fd);
    while (atomic_load(&between.closed) == 0) {
        (void)poll(NULL, 0, 1);
    }
    atomic_store(&between.is_mute, true);
    assert_int_equal(memfs_edit(m->memory, m->library, "file", "new", 3, NULL), 0);
    atomic_store(&between.is_holding, true);
    assert_int_equal(pthread_create(&first, NULL, open_and_close, path), 0);
    until(&between.is_held, true);
    fd = open_again(path);
    assert_int_equal(read(fd, &byte, 1), 1);
    atomic_store(&between.is_holding, false);
    pthread_join(first, NULL);
    atomic_store(&between.is_held, false);
    atomic_store(&between.is_mute, false);
    assert_int_equal(byte, 'n');
    close(fd);
    close(place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(np_open__reads_nothing_of_before_beside_another_one,
                                        mounted_setup_unmounted, mounted_teardown),
    };

    watchdog_start(100);
    if (!mounted_is_possible()) {
        return 77;
    }
    return cmocka_run_group_tests_name("np opens", tests, NULL, NULL) ? 1 : 0;
}
