/*
 * errors.h - what the errors of the vfs are called on Linux.
 */
#ifndef TRANSPORT_NP_ERRORS_H
#define TRANSPORT_NP_ERRORS_H

/* The errno for an ERR_* (vfs.h has the table); EIO for what is in no row. */
int np_errno(int code);

#endif
