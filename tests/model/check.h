/*
 * check.h - everything that is shown against everything that is on the server.
 */
#ifndef TESTS_MODEL_CHECK_H
#define TESTS_MODEL_CHECK_H

#include "play.h"

/* False: `why` says what differs. */
bool check_view(struct play *plays, unsigned workers, char *why, size_t size);

/* What was closed last in each shared file is on the server, in one form or another. */
bool check_shared(struct world *world, const struct shadow *shadow, char *why, size_t size);

/* Scratch files live as long as the agent: those that are gone are gone for the shadow, too. */
bool check_scratch(struct play *play);

#endif
