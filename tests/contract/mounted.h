/*
 * mounted.h - a mount for a test: memfs behind a transport, below a folder of its own.
 */
#ifndef TESTS_MOUNTED_H
#define TESTS_MOUNTED_H

#include <stdbool.h>
#include <stdint.h>

#include "transport/memfs.h"
#include "transport/transport.h"

struct mounted {
    char home[64];  /* made by mkdtemp() */
    char root[96];  /* where the namespace is: home/root */
    char lib[128];  /* root/t/s/l, which shows the folder `library` of `memory` */
    char path[256]; /* of mounted_path() */
    struct vfs *memory;
    struct vfs *served; /* `memory`, or what stands in front of it */
    uint64_t library;
    struct transport *transport;
};

/* The name of the transport under test; set once by main(). */
extern const char *mounted_transport;

/* Whether this machine lets us mount; says why not. */
bool mounted_is_possible(void);

/* Makes folder, memfs and library, nothing is mounted yet. Options may be NULL. */
void mounted_make(struct mounted *m, const struct memfs_options *memory);

/* Mounts and attaches t/s/l with the label "Label" and the letter H. */
void mounted_start(struct mounted *m, const struct transport_options *options);
/* For cmocka: *state is a struct mounted, made, or mounted too; and its end. */
int mounted_setup_unmounted(void **state);
int mounted_setup(void **state);
int mounted_teardown(void **state);

void mounted_stop(struct mounted *m, int64_t wait_ms);
void mounted_end(struct mounted *m);

/* `name` below the library; lent until the next call. */
const char *mounted_path(struct mounted *m, const char *name);

void write_text(const char *path, const char *text);
void expect_text(const char *path, const char *want);

/* Runs a program to its end; gives its exit code. */
int run_program(const char *const *argv);

#endif
