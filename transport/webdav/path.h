/*
 * path.h - from what stands in a request line, a Destination or a tagged list to a path below the
 * root of the gateway, and back. Pure.
 *
 * A path is "" for the root, else "/name/name" in decoded UTF-8 without a slash at its end. Refused
 * are: escapes that are broken, %00 and %2F, names "." and "..", what is not UTF-8, control
 * characters, a fragment, more than DAV_DEPTH_MAX names or DAV_PATH_MAX bytes. Decoded once only.
 */
#ifndef TRANSPORT_WEBDAV_PATH_H
#define TRANSPORT_WEBDAV_PATH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"

#define DAV_PATH_MAX 8192u
#define DAV_DEPTH_MAX 128u

/* `raw`: an absolute path as sent, percent-encoded. A query is cut off. ERR_INVALID. The caller frees
 * *out. */
int dav_path_decode(char **out, const char *raw, struct error *err);

/* `uri`: an absolute path, or http://HOST/path whose HOST is accepted by `is_us` (else
 * ERR_CROSS_LIBRARY). */
typedef bool (*dav_is_us_fn)(void *payload, const char *host, size_t length);
int dav_path_from_uri(char **out, const char *uri, dav_is_us_fn is_us, void *payload,
                      struct error *err);

/* Appends the path percent-encoded; `is_folder` ends it with a slash. */
int dav_path_encode(struct buf *out, const char *path, bool is_folder, struct error *err);

/* *out = the path folded, so that equal keys are equal names; the caller frees. */
int dav_path_key(char **out, const char *path, struct error *err);

/* Whether key `inner` is `outer` or below it; keys of dav_path_key(). */
bool dav_key_is_below(const char *inner, const char *outer);

/* The last name ("" for the root); lent. */
const char *dav_path_name(const char *path);

/* *out = the path of the folder that holds it; of the root: the root. */
int dav_path_parent(char **out, const char *path, struct error *err);

#endif
