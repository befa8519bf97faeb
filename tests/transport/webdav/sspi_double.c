#include "sspi_double.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static atomic_uint sessions;

unsigned sspi_double_sessions(void)
{
    return atomic_load(&sessions);
}

static int acquire(void **credentials, const char *package, struct error *err)
{
    (void)package;
    *credentials = malloc(1);
    return *credentials ? 0 : error_set(err, ERR_NO_MEMORY, "no memory");
}

static int acquire_nothing(void **credentials, const char *package, struct error *err)
{
    (void)credentials;
    return error_set(err, ERR_UNSUPPORTED, "the double has no %s", package);
}

static void release(void *credentials)
{
    free(credentials);
}

static bool is_word(const void *token, size_t size, const char *word)
{
    return size == strlen(word) && memcmp(token, word, size) == 0;
}

static int accept_token(void *credentials, void **session, const void *token, size_t size,
                        struct buf *answer, bool *is_us, struct error *err)
{
    bool is_first = !*session;

    (void)credentials;
    *is_us = false;
    if (is_first) {
        *session = malloc(1);
        atomic_fetch_add(&sessions, 1);
    }
    if (is_first && is_word(token, size, "hello")) {
        return buf_add_text(answer, "who?", err) < 0 ? ERR_NO_MEMORY : 1;
    }
    if (is_first && is_word(token, size, "ticket")) {
        *is_us = true;
        return buf_add_text(answer, "welcome", err);
    }
    if (!is_first && (is_word(token, size, "me") || is_word(token, size, "somebody"))) {
        *is_us = is_word(token, size, "me");
        return 0;
    }
    return error_set(err, ERR_DENIED, "it proves nothing");
}

static void end(void *session)
{
    if (session) {
        atomic_fetch_sub(&sessions, 1);
    }
    free(session);
}

const struct dav_sspi sspi_double = {acquire, release, accept_token, end};
const struct dav_sspi sspi_double_without_packages = {acquire_nothing, release, accept_token, end};
