/*
 * fixture.h - an online vfs over the fake drive, in a folder of its own, and short words for what
 * tests do with it.
 */
#ifndef TESTS_VFS_FIXTURE_H
#define TESTS_VFS_FIXTURE_H

#include "test.h"

#include "fake_graph.h"
#include "mapper/online_vfs.h"
#include "transport/vfs.h"

struct fixture {
    struct fake *fake;
    struct online_vfs *online;
    struct vfs *vfs;
    uint64_t root;
    char *directory;
    struct online_vfs_options options;
    char cache[160];
    char spool[160];
};

/* Options may be changed between the two; a zero struct fixture to begin with. */
void fixture_prepare(struct fixture *f);
void fixture_start(struct fixture *f);
void fixture_stop(struct fixture *f); /* the vfs; the folder and the fake stay */
void fixture_end(struct fixture *f);

/* prepare and start */
void fixture_begin(struct fixture *f);

/* The next agent, over what this one leaves. */
void fixture_restart(struct fixture *f);

/* For a setup of cmocka's with options of its own: prepared, and not started. */
struct fixture *fixture_new(void);
/* ... files are sent behind their close, both versions of a conflict are kept, and what settles does so
 * for an hour. */
struct fixture *fixture_new_settling(void);

/* For cmocka: *state is a struct fixture that began. */
int fixture_setup(void **state);
/* ... and sends files behind their close, and keeps both versions of a conflict. */
int fixture_setup_background(void **state);
int fixture_teardown(void **state);

/* By path below the library, with a hold that is given back: 0 when it is not there. */
uint64_t fixture_find(struct fixture *f, const char *path, struct vfs_attr *attr);

/* A file that is there; the test closes it. */
struct vfs_file *fixture_open(struct fixture *f, const char *path, unsigned flags);
void fixture_write_at(struct fixture *f, struct vfs_file *file, const char *text, uint64_t offset);

/* As a program: open or create, write, flush, close. Returns the first error. */
int fixture_write(struct fixture *f, const char *folder, const char *name, const void *data,
                  size_t size);
int fixture_write_text(struct fixture *f, const char *folder, const char *name, const char *text);
bool fixture_has_text(struct fixture *f, const char *path, const char *text);

/* Of the library's root, as a program does it. */
int fixture_delete(struct fixture *f, const char *name);
int fixture_rename(struct fixture *f, const char *name, const char *new_name);

/* What changes something on the server, and what looks first whether it may, does not reach it, or does
 * again. */
void fixture_cut_line(struct fixture *f, bool is_cut);

/* Lists a folder to its end: how many entries, or the error. */
int64_t fixture_list(struct fixture *f, const char *path);
unsigned fixture_unsaved(struct fixture *f);

/* All files of the spool as they are now, into a new folder (what was there goes): what a loss of
 * power or a killed agent leaves. */
void fixture_copy_spool(struct fixture *f, const char *to);

/* The agent is killed: the next one has what its disk has now, in the folder `image`, and its last words
 * do not arrive. Then the next one begins, with a line or without. fixture_crash(): both. */
void fixture_kill(struct fixture *f, char *image, size_t size);
void fixture_begin_next(struct fixture *f, const char *image, bool is_cut);
void fixture_crash(struct fixture *f, bool is_cut);

#endif
