/*
 * crash.h - what the tests of dying agents share.
 *
 * crash_uploads runs itself as a child that does file operations in WriteMode=Background on the
 * simulated tenant and writes down each of them before it begins and after it ended. The child is
 * killed at the n-th step (faults.c: journal, spool, server), or at any moment; or one of its steps
 * fails for want of room; or the power goes off at its n-th sync (power.c). Then another child, on
 * the same journal, has to bring to the server what the first was told is safe: byte for byte, and
 * once.
 */
#ifndef TESTS_CRASH_H
#define TESTS_CRASH_H

#include <stdbool.h>
#include <stdint.h>

#define CRASH_NAMES 5         /* files "f0" to "f4" */
#define CRASH_PIECE 131072u   /* of a write */
#define CRASH_STEPS 14        /* operations of a child */
#define CRASH_LARGE 11000000u /* goes by an upload session of two fragments */
#define CRASH_HUGE 41943040u  /* ... of four */

enum crash_op { CRASH_WRITE, CRASH_APPEND, CRASH_RENAME, CRASH_DELETE, CRASH_OPS };

/* What a child does in its n-th step; the same in both processes. */
struct crash_step {
    enum crash_op op;
    unsigned name;
    unsigned to;   /* RENAME */
    unsigned seed; /* of the bytes */
    uint32_t size;
};
struct crash_step crash_step(unsigned seed, unsigned number);

/* Whether deletes and renames of this run may settle: then a crash may undo the last of them. */
#define CRASH_SETTLE_MS 40
bool crash_settles(unsigned seed);

/* faults.c: at the n-th step (0: never) the process is killed, or the n-th that may fail does. */
void faults_arm(unsigned kill_at, unsigned fail_at);
bool faults_are_over(void); /* there was no such step yet */

/* In the exit code of a child: there was none until its end. */
#define CRASH_NOT_REACHED 8

/* power.c: at the n-th sync of the spool (0: never) what a disk would have of it is written to the
 * new folder `image`, and the process is killed. `kind`: what was not synced got there by chance. */
#define POWER_NAMES_LATE 1u
#define POWER_BYTES_LATE 2u
#define POWER_KINDS 4u
void power_arm(const char *spool, const char *image, unsigned cut_at, unsigned kind);
unsigned power_syncs(void); /* so far */

/* child.c: argv as crash_uploads gives it; the exit code. */
int child_main(int argc, char **argv);

#endif
