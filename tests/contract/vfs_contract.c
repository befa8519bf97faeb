#include "vfs_contract_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* cmocka hands a test's state on by pointer; the group's is the contract itself. */
static struct vfs_contract *running;

void contract_expect(const struct vfs_contract *c, int want, int got, const char *call,
                     const char *file, int line)
{
    int want_class = c->code_class ? c->code_class(want) : want;
    int got_class = c->code_class ? c->code_class(got) : got;

    if (want_class != got_class) {
        print_error("%s\n  gave %s, not %s\n", call, got ? error_name(got) : "success",
                    want ? error_name(want) : "success");
        _fail(file, line);
    }
}

void contract_close(struct vfs_contract *c, struct vfs_file *file)
{
    expect_ok(c, vfs_flush(c->vfs, file, NULL, NULL));
    vfs_close(c->vfs, file);
}

void contract_put(struct vfs_contract *c, uint64_t parent, const char *name, const void *data,
                  size_t size)
{
    struct vfs_file *file = NULL;
    struct vfs_attr attr;

    expect_ok(c,
              vfs_create(c->vfs, &file, &attr, parent, name, VFS_WRITE | VFS_TRUNCATE, NULL, NULL));
    expect_ok(c, vfs_write(c->vfs, file, data, size, 0, NULL, NULL));
    contract_close(c, file);
    vfs_forget(c->vfs, attr.id, 1);
}

void contract_put_text(struct vfs_contract *c, uint64_t parent, const char *name, const char *text)
{
    contract_put(c, parent, name, text, strlen(text));
}

size_t contract_read(struct vfs_contract *c, struct vfs_file *file, void *data, size_t size,
                     uint64_t offset)
{
    size_t got = 0;

    expect_ok(c, vfs_read(c->vfs, file, data, size, offset, &got, NULL, NULL));
    return got;
}

void contract_has(struct vfs_contract *c, uint64_t parent, const char *name, const void *data,
                  size_t size)
{
    unsigned char *bytes = malloc(size + 1);
    struct vfs_file *file = NULL;
    struct vfs_attr attr;

    assert_non_null(bytes);
    expect_ok(c, vfs_lookup(c->vfs, &attr, parent, name, NULL, NULL));
    assert_int_equal(attr.kind, VFS_FILE);
    assert_int_equal(attr.size_bytes, size);
    expect_ok(c, vfs_open(c->vfs, &file, attr.id, VFS_READ, NULL, NULL));
    assert_int_equal(contract_read(c, file, bytes, size + 1, 0), size);
    assert_memory_equal(bytes, data, size);
    vfs_close(c->vfs, file);
    vfs_forget(c->vfs, attr.id, 1);
    free(bytes);
}

void contract_has_text(struct vfs_contract *c, uint64_t parent, const char *name, const char *text)
{
    contract_has(c, parent, name, text, strlen(text));
}

uint64_t contract_id(struct vfs_contract *c, uint64_t parent, const char *name)
{
    struct vfs_attr attr;

    expect_ok(c, vfs_lookup(c->vfs, &attr, parent, name, NULL, NULL));
    return attr.id;
}

bool contract_exists(struct vfs_contract *c, uint64_t parent, const char *name)
{
    struct vfs_attr attr;
    int code = vfs_lookup(c->vfs, &attr, parent, name, NULL, NULL);

    if (code == 0) {
        vfs_forget(c->vfs, attr.id, 1);
        return true;
    }
    expect_code(c, ERR_NOT_FOUND, code);
    return false;
}

uint64_t contract_mkdir(struct vfs_contract *c, uint64_t parent, const char *name)
{
    struct vfs_attr attr;

    expect_ok(c, vfs_mkdir(c->vfs, &attr, parent, name, NULL, NULL));
    assert_int_equal(attr.kind, VFS_FOLDER);
    return attr.id;
}

void contract_fill(unsigned char *data, size_t size, uint64_t offset, unsigned seed)
{
    for (size_t i = 0; i < size; i++) {
        uint64_t x = (offset + i) * UINT64_C(0x9E3779B97F4A7C15) + seed;

        data[i] = (unsigned char)(x >> 32 ^ x >> 11);
    }
}

static int each_setup(void **state)
{
    struct vfs_contract *c = running;
    struct error err = {0};
    struct vfs_attr attr;

    snprintf(c->folder_name, sizeof(c->folder_name), "contract %u", ++c->folder_count);
    if (vfs_mkdir(c->vfs, &attr, c->root, c->folder_name, NULL, &err) < 0) {
        print_error("no folder for the test: %s\n", err.message);
        return -1;
    }
    c->folder = attr.id;
    *state = c;
    return 0;
}

static int each_teardown(void **state)
{
    struct vfs_contract *c = running;

    (void)state;
    vfs_forget(c->vfs, c->folder, 1);
    return 0;
}

static size_t append(struct CMUnitTest *to, size_t at, struct contract_list list)
{
    for (size_t i = 0; i < list.count; i++) {
        to[at] = list.tests[i];
        to[at].setup_func = each_setup;
        to[at].teardown_func = each_teardown;
        at++;
    }
    return at;
}

int vfs_contract_run(struct vfs_contract *contract, const char *filter)
{
    struct CMUnitTest tests[128];
    struct error err = {0};
    size_t count = 0;
    int failed = 1;

    count = append(tests, count, contract_names());
    count = append(tests, count, contract_files());
    count = append(tests, count, contract_folders());
    count = append(tests, count, contract_renames());
    count = append(tests, count, contract_versions());
    count = append(tests, count, contract_threads());
    if (contract->make(contract, &err) < 0) {
        print_error("%s: cannot be made: %s\n", contract->name, err.message);
        return 1;
    }
    running = contract;
    if (filter) {
        cmocka_set_test_filter(filter);
    }
    failed = _cmocka_run_group_tests(contract->name, tests, count, NULL, NULL);
    running = NULL;
    contract->end(contract);
    return failed;
}
