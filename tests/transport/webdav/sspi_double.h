/*
 * sspi_double.h - a double of the system's SSPI, which neither Linux nor Wine has: tokens are words.
 * "hello" is answered with "who?", and then "me" is us, "somebody" is somebody else, and all else
 * proves nothing. "ticket" is us at once, as Kerberos would say it.
 */
#ifndef TESTS_SSPI_DOUBLE_H
#define TESTS_SSPI_DOUBLE_H

#include "webdav/auth.h"

extern const struct dav_sspi sspi_double;
extern const struct dav_sspi sspi_double_without_packages;
unsigned sspi_double_sessions(void); /* that began and did not end */

#endif
