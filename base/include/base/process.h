/*
 * process.h - other programs that we start, and what this process is.
 */
#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct process;

struct process_options {
    const char *const *argv; /* argv[0] is the program: a path, or a name to be found in PATH */
    const char *const
        *environment_add;    /* "NAME=value", NULL-terminated, over our own; may be NULL */
    const char *output_file; /* stdout and stderr go here (0600, appended); NULL: ours */
    bool is_own_group;       /* Ctrl-C at our terminal does not reach it */
    bool dies_with_us;       /* is told to end (SIGTERM) when we die; Windows ends it */
};

/* Starts it; stdin is empty. *out ends with process_free(), which does not end the program. */
int process_start(struct process **out, const struct process_options *options, struct error *err);

/* Waits at most wait_ms: 0 with *status = exit code (128 + signal when a signal ended it),
 * ERR_TIMED_OUT otherwise. */
int process_wait(struct process *process, int *status, int64_t wait_ms, struct error *err);

/* Asks it to end, waits, then ends it by force. Already ended: fine. */
void process_stop(struct process *process, int64_t wait_ms);
void process_free(struct process *process);

uint32_t process_id(const struct process *process);

/* Path of the running program. Caller frees. */
int process_own_path(char **out, struct error *err);

/* The folder that it lies in, without the separator at the end. Caller frees. */
int process_own_folder(char **out, struct error *err);

/* For a process that idles for hours beside many others: gives memory that was freed back to the system instead of keeping
 * it per thread. To be called before any thread is started. tests/bench has what it saves. */
void process_keep_small(void);

/* Gives the system back what was freed and lies between things that live on; it takes milliseconds. After work that took much
 * memory for a while. */
void process_give_back(void);

/* Before anything else in main(): on Windows, libraries come from the system's folder only, and a broken heap ends the
 * process. Linux needs none of it. */
void process_harden(void);

/* The arguments of main() in UTF-8; what is there is replaced, on Linux by itself. Windows' console is told that our
 * output is UTF-8 too. The result lives as long as the process. */
int process_arguments(int *argc, char ***argv, struct error *err);

/* Termination as the system asks for it. process_block_stop() must be called before any thread is
 * started; afterwards process_wait_for_stop() gives what came within wait_ms. */
enum process_event { PROCESS_NOTHING, PROCESS_STOP, PROCESS_RELOAD };
void process_block_stop(void);
enum process_event process_wait_for_stop(int64_t wait_ms);

/* The same as if the system had asked for our end, after process_block_stop(). Any thread. */
void process_request_stop(void);

#endif
