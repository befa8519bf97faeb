/* What the kernel holds, counted by the mount: each hold is given back once. */
#include "test.h"

#include <string.h>

#include "np/posix/np_internal.h"

#define IDS 600u

struct counting_vfs {
    struct vfs base; /* must stay first */
    uint64_t forgotten[IDS];
};

static void count_forget(struct vfs *vfs, uint64_t id, uint64_t count)
{
    struct counting_vfs *counting = (struct counting_vfs *)vfs;

    assert_in_range(id, 2, IDS + 1);
    counting->forgotten[id - 2] += count;
}

static const struct vfs_ops ops = {.forget = count_forget};

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static void np_holds__give_back_each_hold_once(void **state)
{
    struct counting_vfs vfs = {.forgotten = {0}};
    struct np np = {.vfs = &vfs.base};
    uint64_t added[IDS] = {0};
    uint32_t seed = 7;

    (void)state;
    vfs_init(&vfs.base, &ops);
    mutex_init(&np.holds.lock);
    for (unsigned i = 0; i < 60000; i++) {
        uint32_t at = next_random(&seed) % IDS;
        bool is_growing = i / 10000 % 2 == 0;

        if (next_random(&seed) % 8 < (is_growing ? 6u : 2u)) {
            assert_int_equal(np_holds_add(&np, at + 2), 0);
            added[at]++;
        } else { /* often more than there are: never more than there are is given back */
            np_holds_forget(&np, at + 2, 1 + next_random(&seed) % 3);
        }
        assert_in_range(vfs.forgotten[at], 0, added[at]);
    }
    np_holds_forget_all(&np);
    for (unsigned i = 0; i < IDS; i++) {
        assert_int_equal(vfs.forgotten[i], added[i]);
    }
    assert_int_equal(np.holds.used, 0);
    mutex_clear(&np.holds.lock);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(np_holds__give_back_each_hold_once),
};

TEST_MAIN("what the kernel holds", tests)
