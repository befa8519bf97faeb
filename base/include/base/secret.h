/*
 * secret.h - random numbers and memory that held a secret.
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stddef.h>

#include "base/error.h"

/* Fills from the system's random source; never returns weak bytes: ERR_IO when there is none. */
int secret_random(void *out, size_t size, struct error *err);

/* Overwrites in a way the compiler keeps. NULL is fine. */
void secret_wipe(void *data, size_t size);

/* Wipes and frees a text; sets it to NULL. */
void secret_free(char **text);

#endif
