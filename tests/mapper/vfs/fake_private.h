/*
 * fake_private.h - inside the fake: the drive's items. All with its lock held, except fake_enter(),
 * which takes it.
 */
#ifndef TESTS_FAKE_PRIVATE_H
#define TESTS_FAKE_PRIVATE_H

#include "fake_graph.h"

#include "base/str.h"
#include "base/thread.h"

#define ITEMS_MAX 400000u
#define CHUNK 16384u

/* What an item was before. */
struct older {
    unsigned char *data;
    uint64_t size;
    struct older *next;
};

struct item {
    char *name;
    uint32_t parent;
    bool is_folder;
    bool is_gone;
    bool is_large;
    bool is_infected;
    bool is_by_other; /* who made the newest version */
    int64_t saved_ms; /* ... and when */
    bool is_notebook;
    bool is_hidden; /* from listings */
    char *checked_out_by;
    unsigned char *data;
    uint64_t size;
    uint64_t claimed; /* 0: the true size */
    struct older *older;
    unsigned version;
    unsigned change;
    int64_t modified_ms;
    int64_t created_ms;
    uint64_t seq;   /* of its last change */
    uint64_t place; /* in its folder: the order of arrival */
    char id[36];
};

struct account {
    struct fake *fake;
};

#define HOLDS_NOTHING FAKE_CALLS

struct fault {
    int code;
    unsigned skip;
    unsigned times;
};

struct fake {
    struct account account;
    struct mutex lock;
    struct item *items;
    uint32_t count;
    int latency_ms;
    unsigned jitter_us;
    unsigned holds;     /* enum fake_call of the next answer that is held back */
    unsigned held_more; /* ... and how many after it */
    unsigned entered;   /* of the request that has the lock */
    bool is_holding;
    struct cond held;
    uint32_t random;
    size_t page;
    unsigned counts[FAKE_CALLS];
    struct fault faults[FAKE_CALLS];
    bool has_no_etags;
    unsigned lost_uploads; /* answers that get lost */
    int lost_code;
    uint64_t downloaded;
    unsigned pace_ms;
    uint64_t stop_at;
    unsigned downloads; /* that run */
    unsigned most_downloads;
    struct str_list ever; /* names of items, the first few thousand */
    uint64_t seq;         /* of the last change of all */
    uint64_t last_place;
    uint64_t gone_seq; /* tokens below it are gone */
    bool is_awkward;
    uint32_t *first_child; /* of folders, for fast listings: next in `next_child` */
    uint32_t *next_child;
    uint32_t *last_child;
};

uint32_t fake_add_item(struct fake *fake, uint32_t parent, const char *name, bool is_folder);
uint32_t fake_next_of(struct fake *fake, uint32_t parent, uint32_t at); /* 0: none */
/* ... whose place is after this one. */
uint32_t fake_next_after(struct fake *fake, uint32_t parent, uint64_t place);
uint32_t fake_find_child(struct fake *fake, uint32_t parent, const char *name);
uint32_t fake_walk(struct fake *fake, const char *path, bool makes); /* UINT32_MAX: not there */
uint32_t fake_by_id(struct fake *fake, const char *id);
void fake_set_content(struct item *item, const void *data, uint64_t size);
void fake_versions_of(const struct item *item, uint32_t index, char **etag, char **ctag);
void fake_fill(struct fake *fake, struct graph_item *out, uint32_t index, bool with_url);
int fake_update_item(struct fake *fake, uint32_t index, const struct graph_update *update,
                     struct error *err);
void fake_remove_item(struct fake *fake, uint32_t index);
int fake_not_found(struct error *err);
void fake_note(struct fake *fake, uint32_t index); /* it changed */

/* Waits as long as the server takes, or the caller wants. Then with the lock. */
int fake_enter(struct fake *fake, enum fake_call kind, const struct call *call, struct error *err);

/* Gives the lock back, and waits as long as the answer is on its way. */
void fake_leave(struct fake *fake);

#endif
