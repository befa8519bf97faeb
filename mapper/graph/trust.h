/*
 * trust.h - an additional trusted CA (setting CaFile, for TLS inspection), beside the system's own
 * trust and not instead of it.
 */
#ifndef GRAPH_TRUST_H
#define GRAPH_TRUST_H

#include <curl/curl.h>

#include "base/error.h"

struct trust;

/* Reads every certificate of the PEM file. ERR_INVALID when there is none in it. */
int trust_new(struct trust **out, const char *ca_file, struct error *err);
void trust_free(struct trust *trust);

/* Makes `easy` trust it too. `trust` must outlive the transfer. NULL is fine. */
void trust_apply(struct trust *trust, CURL *easy);

#endif
