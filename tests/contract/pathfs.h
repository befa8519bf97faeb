/*
 * pathfs.h - a folder of this machine as a vfs, so that the contract runs on a mounted path: each
 * call becomes the system call that a program would make.
 */
#ifndef TESTS_PATHFS_H
#define TESTS_PATHFS_H

#include "transport/vfs.h"

/* VFS_ROOT is the folder `path`. */
int pathfs_new(struct vfs **out, const char *path, struct error *err);

/* What can be told apart by errno: for vfs_contract.code_class. */
int pathfs_class(int code);

#endif
