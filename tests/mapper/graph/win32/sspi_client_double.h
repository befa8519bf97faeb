/*
 * sspi_client_double.h - a double of the client's side of SSPI: libcurl of the Windows build is
 * static and calls the system by a table, which is replaced here. Wine without Samba has no package
 * that could sign in (windows-facts), and a real one would need a domain.
 *
 * It says "hello", and "me" when it was asked "who?". It proves nothing.
 */
#ifndef SSPI_CLIENT_DOUBLE_H
#define SSPI_CLIENT_DOUBLE_H

#include <stdbool.h>

struct sspi_client_double {
    char package[32];  /* that was asked for last */
    char target[64];   /* whom we were to be proven to, last */
    bool has_password; /* a name and password were given, in place of the session's own sign-in */
    int open;          /* credentials and contexts that were not given back */
};

/* Between these two libcurl asks the double. The caller holds a curl_global_init() around both, and
 * no other thread uses libcurl at either moment. */
void sspi_client_double_begin(void);
void sspi_client_double_end(struct sspi_client_double *seen);

#endif
