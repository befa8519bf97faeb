/*
 * webfs.h - a WebDAV client as a vfs, so that the contract and the recorded saves run through the
 * gateway: what WebClient does on Windows (windows-facts 3.6, 3.7), as simply as can be.
 *
 * A file that is opened is fetched whole, and all who have it open share those bytes. A new one is
 * made by PUT of nothing; who writes takes a LOCK; what was written is sent by PUT with its token
 * when it is flushed; a rename is MOVE. One request at a time.
 */
#ifndef TESTS_WEBFS_H
#define TESTS_WEBFS_H

#include "transport/vfs.h"

/* VFS_ROOT is the folder at `url` (with a slash at its end). `password` of Basic. */
int webfs_new(struct vfs **out, const char *url, const char *password, struct error *err);

/* What a status of HTTP lets a client tell apart: for vfs_contract.code_class. */
int webfs_class(int code);

#endif
