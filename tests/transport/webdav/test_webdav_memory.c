/*
 * What a listing of 100,000 entries costs: the bytes that the gateway has allocated, counted, and not
 * what the system says of the process. The folder is none that anybody stores: names are made as they
 * are asked for. libmicrohttpd's own memory is a fixed pool for each connection and does not count.
 */
#include "test.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/str.h"
#include "base/thread.h"
#include "test_socket.h"
#include "webdav/webdav_internal.h"

#define ENTRIES 100000u
#define ALLOWED (2u * 1024 * 1024) /* the listing is 50 MB */

/* --- counted allocations (linked with --wrap) --- */

static atomic_llong live;
static atomic_llong peak;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void __real_free(void *old);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void __wrap_free(void *old);

static void *count(void *memory)
{
    long long now = memory ? atomic_fetch_add(&live, (long long)malloc_usable_size(memory)) +
                                 (long long)malloc_usable_size(memory)
                           : 0;
    long long before = atomic_load(&peak);

    while (now > before && !atomic_compare_exchange_weak(&peak, &before, now)) {
    }
    return memory;
}

static void uncount(void *memory)
{
    if (memory) {
        atomic_fetch_sub(&live, (long long)malloc_usable_size(memory));
    }
}

void *__wrap_malloc(size_t size)
{
    return count(__real_malloc(size));
}

void *__wrap_calloc(size_t number, size_t size)
{
    return count(__real_calloc(number, size));
}

void *__wrap_realloc(void *old, size_t size)
{
    void *fresh = NULL;

    uncount(old);
    fresh = __real_realloc(old, size);
    return count(fresh ? fresh : old);
}

void __wrap_free(void *old)
{
    uncount(old);
    __real_free(old);
}

/* --- a folder that nobody stores: id 2, below the root --- */

struct vfs_dir {
    int unused;
};

static int many_lookup(struct vfs *vfs, struct vfs_attr *out, uint64_t parent, const char *name,
                       const struct vfs_call *call, struct error *err)
{
    (void)vfs;
    (void)out;
    (void)parent;
    (void)name;
    (void)call;
    return error_set(err, ERR_NOT_FOUND, "nothing here has a name");
}

static void many_forget(struct vfs *vfs, uint64_t id, uint64_t holds)
{
    (void)vfs;
    (void)id;
    (void)holds;
}

static int many_getattr(struct vfs *vfs, struct vfs_attr *out, uint64_t id, struct vfs_file *file,
                        const struct vfs_call *call, struct error *err)
{
    (void)vfs;
    (void)file;
    (void)call;
    (void)err;
    *out = (struct vfs_attr){.id = id, .kind = VFS_FOLDER};
    return 0;
}

static int many_opendir(struct vfs *vfs, struct vfs_dir **out, uint64_t id,
                        const struct vfs_call *call, struct error *err)
{
    (void)vfs;
    (void)id;
    (void)call;
    *out = malloc(sizeof(**out));
    return *out ? 0 : error_set(err, ERR_NO_MEMORY, "no memory");
}

static int many_readdir(struct vfs *vfs, struct vfs_dir *dir, uint64_t cookie, vfs_entry_fn fill,
                        void *payload, const struct vfs_call *call, struct error *err)
{
    (void)vfs;
    (void)dir;
    (void)call;
    (void)err;
    for (; cookie < ENTRIES; cookie++) {
        struct vfs_attr attr = {.id = cookie + 10, .size_bytes = cookie, .version = cookie + 1};
        char name[64];

        snprintf(name, sizeof(name), "Report number %06u of the year.docx", (unsigned)cookie);
        if (!fill(payload, name, &attr, cookie + 1)) {
            break;
        }
    }
    return 0;
}

static void many_closedir(struct vfs *vfs, struct vfs_dir *dir)
{
    (void)vfs;
    free(dir);
}

static void many_free(struct vfs *vfs)
{
    (void)vfs;
}

static const struct vfs_ops ops = {.lookup = many_lookup,
                                   .forget = many_forget,
                                   .getattr = many_getattr,
                                   .opendir = many_opendir,
                                   .readdir = many_readdir,
                                   .closedir = many_closedir,
                                   .free = many_free};

/* --- the test --- */

struct served {
    struct vfs vfs;
    struct transport *transport;
    char *folder;
    unsigned port;
};

/* The secret stands in the path, so that no header has to be made. */
static void start(struct served *s)
{
    struct transport_options options = {.secret_in_path = true, .dav_auth = TRANSPORT_DAV_AUTH_OFF};
    struct mapping mapping = {.path = "t/s/l", .root_id = 2};

    vfs_init(&s->vfs, &ops);
    assert_int_equal(file_make_temporary_directory(&s->folder, "memory", NULL), 0);
    options.private_directory = s->folder;
    assert_int_equal(transport_create(&s->transport, "webdav", &options, NULL), 0);
    assert_int_equal(transport_start(s->transport, &s->vfs, NULL), 0);
    assert_int_equal(transport_attach(s->transport, &mapping, NULL), 0);
}

/* Reads to the end of the connection, and counts the entries. */
static unsigned count_entries(int fd)
{
    static const char mark[] = "<D:response>";
    const size_t length = sizeof(mark) - 1;
    char block[65536];
    size_t kept = 0; /* of the end of the block before */
    unsigned entries = 0;
    long got = 0;

    while ((got = test_socket_receive(fd, block + kept, sizeof(block) - kept)) > 0) {
        size_t size = kept + (size_t)got;
        const char *at = block;

        while ((at = memmem(at, size - (size_t)(at - block), mark, length))) {
            entries++;
            at += length;
        }
        kept = size < length - 1 ? size : length - 1; /* too short for a whole one */
        memmove(block, block + size - kept, kept);
    }
    return entries;
}

static void webdav_listing__of_100000_entries_costs_a_block(void **state)
{
    struct served s = {.port = 0};
    long long before = 0;
    char *request = NULL;
    int fd = -1;

    (void)state;
    start(&s);
    s.port = ((struct webdav *)s.transport)->port;
    assert_int_equal(str_format(&request, NULL,
                                "PROPFIND /%s/t/s/l HTTP/1.1\r\nHost: localhost:%u\r\nDepth: 1\r\n"
                                "Connection: close\r\n\r\n",
                                ((struct webdav *)s.transport)->secret, s.port),
                     0);
    before = atomic_load(&live);
    atomic_store(&peak, before);
    fd = test_socket_connect(s.port, false);
    assert_true(fd >= 0);
    assert_int_equal(test_socket_send(fd, request, strlen(request)), (long)strlen(request));
    assert_int_equal(count_entries(fd), ENTRIES + 1);
    test_socket_close(fd);
    print_message("%lld bytes for %u entries\n", atomic_load(&peak) - before, ENTRIES);
    assert_true(atomic_load(&peak) > before); /* it was counted */
    assert_true(atomic_load(&peak) - before < ALLOWED);
    transport_stop(s.transport, 5000);
    assert_int_equal(file_remove_tree(s.folder, NULL), 0);
    free(request);
    free(s.folder);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(webdav_listing__of_100000_entries_costs_a_block),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests_name("webdav_memory", tests, NULL, NULL);
}
