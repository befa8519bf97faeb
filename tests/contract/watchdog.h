/*
 * watchdog.h - for a test that serves a mount and looks into it from the same process.
 *
 * When such a process dies while one of its threads waits for an answer that another of its threads
 * was to give, the kernel waits for ever: the process stays, unkillable, and the mount with it. So
 * whatever ends the test - a signal, a failed sanitizer, too long a time - lets go of the FUSE
 * device first.
 */
#ifndef TESTS_WATCHDOG_H
#define TESTS_WATCHDOG_H

/* Call first in main(), before any other thread; ends the test after `seconds`. */
void watchdog_start(int seconds);

#endif
