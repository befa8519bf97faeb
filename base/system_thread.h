/*
 * system_thread.h - what thread.c shares with its two systems.
 */
#ifndef BASE_SYSTEM_THREAD_H
#define BASE_SYSTEM_THREAD_H

/* Aborts on an error of pthreads: a lock that cannot be had is a bug, and going on a silent race. */
void thread_must(int result);

#endif
