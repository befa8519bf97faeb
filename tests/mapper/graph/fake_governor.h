/*
 * fake_governor.h - the governor as a script: a test says what each request is answered, and reads
 * afterwards what was asked. Linked instead of governor.c.
 */
#ifndef TEST_FAKE_GOVERNOR_H
#define TEST_FAKE_GOVERNOR_H

#include <stddef.h>
#include <stdint.h>

struct fake_answer {
    const char *url_part; /* must occur in the request's URL: a wrong order fails the test */
    int code;             /* not 0: the transport failed like this */
    int status;
    const char *body;
    int64_t retry_after_ms; /* 0 counts as absent */
    void (*before)(void);   /* runs before the answer is given, e.g. to look at the file */
};

/* Forgets what was asked and takes a new script, borrowed. */
void fake_governor_script(const struct fake_answer *answers, size_t count);

/* From now on any number of requests in any order, each answered by the answer that fits its URL;
 * nothing is kept of them. */
void fake_governor_free_order(void);

/* How many requests came, and the URL and body of one; lent. */
size_t fake_governor_count(void);
const char *fake_governor_url(size_t index);
const char *fake_governor_body(size_t index);

/* All answers were used. */
int fake_governor_is_done(void);

#endif
