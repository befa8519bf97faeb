/*
 * foreign.h - somebody else, who changes the same library: files of his own in the shared folders,
 * the shared files of the workers; and the faults.
 */
#ifndef TESTS_MODEL_FOREIGN_H
#define TESTS_MODEL_FOREIGN_H

#include "world.h"

struct foreign {
    struct world *world;
    unsigned workers;
    bool is_there[SHARED_DIRS][FOREIGN_NAMES];
};

void foreign_init(struct foreign *foreign, struct world *world, unsigned workers);
void foreign_op(struct foreign *foreign, const struct op *op);

#endif
