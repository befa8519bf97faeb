/*
 * sso_com_double.h - a double of the COM class by which Windows gives the session's own sign-in
 * (windows-facts 7.1): a class object of this process, so that the real client code finds it by
 * CoCreateInstance(). It is made by the header of mingw-w64, not by our own declarations.
 *
 * There is no token in it; Wine has no such class, and no device here has a primary refresh token.
 */
#ifndef SSO_COM_DOUBLE_H
#define SSO_COM_DOUBLE_H

#include <stdbool.h>

#define SSO_COM_URLS_MAX 4

struct sso_com_double {
    /* what it does */
    long result;        /* HRESULT; 0: gives three cookies, of which two are for Entra */
    bool is_empty;      /* gives none */
    const char *forged; /* the value of the second one, in the place of a usual one */

    /* what it saw */
    unsigned asked;
    char urls[SSO_COM_URLS_MAX][1024];
    long references;    /* to its objects, that are still held */
    unsigned allocated; /* pieces of memory that the client has to free ... */
    unsigned freed;
    unsigned unwiped; /* ... and values among them that were freed as they were */
};

/* One at a time. The calling thread is in the multithreaded apartment until the end. */
void sso_com_double_begin(struct sso_com_double *com);
void sso_com_double_end(void);

#endif
