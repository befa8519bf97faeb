/*
 * trust.h - which CAs a transfer trusts: the system's, and beside them, not instead, those of the setting
 * CaFile (for TLS inspection).
 */
#ifndef GRAPH_TRUST_H
#define GRAPH_TRUST_H

#include <stdbool.h>

#include <curl/curl.h>

#include "base/error.h"

struct trust;

/* Reads every certificate of the PEM file; NULL: there is none. ERR_INVALID when the file has no
 * certificate. */
int trust_new(struct trust **out, const char *ca_file, struct error *err);
void trust_free(struct trust *trust);

/* Makes `easy` trust them. `trust` must outlive the transfer. */
void trust_apply(struct trust *trust, CURL *easy);

/* Whether `folder`, in which OpenSSL finds a CA by its hash, can stand for `file`, which has all of
 * them one after the other: it is hashed, and nobody wrote to the file since. NULL: there is none.
 * False on Windows, where OpenSSL is given the system's own store. (posix/, win32/) */
bool trust_folder_is_current(const char *folder, const char *file);

#endif
