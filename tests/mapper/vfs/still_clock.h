/*
 * still_clock.h - time that stands still, however long the machine takes for the test: what the vfs
 * learnt a moment ago stays fresh, and what it put off (a retry, the next step of a walk) does not come
 * by itself. No deadline passes either: a test waits for what comes, or not at all (0 ms). Any thread.
 */
#ifndef TESTS_VFS_STILL_CLOCK_H
#define TESTS_VFS_STILL_CLOCK_H

#include <stdint.h>

/* fixture_end() lets it go on. */
void still_clock_begin(void);
void still_clock_advance(int64_t ms); /* while it stands still */
void still_clock_end(void);

#endif
