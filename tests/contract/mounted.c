#include "mounted.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/process.h"
#include "test.h"

const char *mounted_transport = "np";

bool mounted_is_possible(void)
{
    struct transport_options options = {.root = NULL};
    struct transport *transport = NULL;
    char home[] = "/tmp/mooring-np-XXXXXX";
    struct vfs *vfs = NULL;
    struct error err = {0};
    int code = 0;

    options.root = mkdtemp(home);
    assert_non_null(options.root);
    assert_int_equal(memfs_new(&vfs, NULL, NULL), 0);
    assert_int_equal(transport_create(&transport, mounted_transport, &options, NULL), 0);
    code = transport_start(transport, vfs, &err);
    transport_stop(transport, 1000);
    vfs_unref(vfs);
    rmdir(home);
    if (code < 0) {
        print_message("nothing can be mounted here: %s\n", err.message);
    }
    return code == 0;
}

void mounted_make(struct mounted *m, const struct memfs_options *memory)
{
    struct vfs_attr attr;

    memset(m, 0, sizeof(*m));
    snprintf(m->home, sizeof(m->home), "/tmp/mooring-np-XXXXXX");
    assert_non_null(mkdtemp(m->home));
    snprintf(m->root, sizeof(m->root), "%s/root", m->home);
    snprintf(m->lib, sizeof(m->lib), "%s/t/s/l", m->root);
    assert_int_equal(memfs_new(&m->memory, memory, NULL), 0);
    assert_int_equal(vfs_mkdir(m->memory, &attr, VFS_ROOT, "library", NULL, NULL), 0);
    m->library = attr.id;
    m->served = m->memory;
}

void mounted_start(struct mounted *m, const struct transport_options *options)
{
    struct transport_options ours = options ? *options : (struct transport_options){.root = NULL};
    struct mapping mapping = {
        .path = "t/s/l", .root_id = m->library, .letter = 'H', .label = "Label"};
    struct error err = {0};
    int code = 0;

    ours.root = m->root;
    code = transport_create(&m->transport, mounted_transport, &ours, &err);
    if (code == 0) {
        code = transport_start(m->transport, m->served, &err);
    }
    if (code == 0) {
        code = transport_attach(m->transport, &mapping, &err);
    }
    if (code < 0) {
        transport_stop(m->transport, 0);
        m->transport = NULL;
        fail_msg("mounting: %s", err.message);
    }
}

void mounted_stop(struct mounted *m, int64_t wait_ms)
{
    transport_stop(m->transport, wait_ms);
    m->transport = NULL;
}

void mounted_end(struct mounted *m)
{
    mounted_stop(m, 2000);
    vfs_unref(m->memory);
    m->memory = NULL;
    rmdir(m->root);
    rmdir(m->home);
}

int mounted_setup_unmounted(void **state)
{
    struct mounted *m = calloc(1, sizeof(*m));

    assert_non_null(m);
    mounted_make(m, NULL);
    *state = m;
    return 0;
}

int mounted_setup(void **state)
{
    int code = mounted_setup_unmounted(state);

    mounted_start(*state, NULL);
    return code;
}

int mounted_teardown(void **state)
{
    mounted_end(*state);
    free(*state);
    return 0;
}

const char *mounted_path(struct mounted *m, const char *name)
{
    snprintf(m->path, sizeof(m->path), "%s/%s", m->lib, name);
    return m->path;
}

void write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(close(fd), 0);
}

void expect_text(const char *path, const char *want)
{
    char data[4096] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        fail_msg("'%s' does not open", path);
    }
    assert_true(read(fd, data, sizeof(data) - 1) >= 0);
    close(fd);
    assert_string_equal(data, want);
}

int run_program(const char *const *argv)
{
    struct process_options options = {.argv = argv};
    struct process *process = NULL;
    int status = -1;

    assert_int_equal(process_start(&process, &options, NULL), 0);
    assert_int_equal(process_wait(process, &status, 60000, NULL), 0);
    process_free(process);
    return status;
}
