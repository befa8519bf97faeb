/*
 * system_error.h - what error.c asks of the system.
 */
#ifndef BASE_SYSTEM_ERROR_H
#define BASE_SYSTEM_ERROR_H

#include <stddef.h>

/* The system's sentence for an os_code of struct error, without a final dot or newline. */
void system_error_text(char *out, size_t size, long os_code);

#endif
