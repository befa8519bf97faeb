/*
 * fspfs.h - a volume of the double of WinFsp's DLL as a vfs, so that the contract and the save
 * sequences run on it: each call becomes the callbacks that WinFsp's driver and DLL would make for
 * the system call of a program, with the checks that they make themselves. It claims no more than
 * that: there is no driver. Included after windows.h.
 */
#ifndef TESTS_FSPFS_H
#define TESTS_FSPFS_H

#include "double.h"
#include "transport/vfs.h"

/* VFS_ROOT is the folder `path` of the volume ("\\finance\\Documents"). Files are open to all
 * programs, also to delete and rename. */
int fspfs_new(struct vfs **out, struct double_volume *volume, const wchar_t *path,
              struct error *err);

/* What a program on Windows can tell apart: for vfs_contract.code_class. */
int fspfs_class(int code);

#endif
