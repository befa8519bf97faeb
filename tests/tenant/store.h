/*
 * store.h - the items of one library (drive).
 *
 * An item is known by its serial number, from which its UniqueId and item id are computed and back
 * (ids.h), so no table of ids exists. Serial 1 is the root. Items of a generated tree have computed
 * serials and names; they take no memory until store_get() touches them or something changes them.
 *
 * All of this is under world_lock(). Items are never freed while the world lives: a deleted one
 * stays as a tombstone for delta and the recycle bin. A pointer from store_get() therefore stays
 * valid; one from an iterator is scratch and valid until the next step only.
 */
#ifndef TENANT_STORE_H
#define TENANT_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "blob.h"
#include "world.h"

struct generator;

enum item_kind {
    ITEM_FOLDER,
    ITEM_FILE,
    ITEM_PACKAGE, /* OneNote notebook: neither file nor folder */
    ITEM_REMOTE,  /* "Add shortcut": stands for a folder of another drive */
};

/* How a 423 is worded (facts, 2.11). */
enum lock_shape {
    LOCK_RESOURCE_LOCKED = 1,
    LOCK_NOT_ALLOWED = 2,
    LOCK_ACCESS_DENIED = 3,
};

struct item_lock {
    enum lock_shape shape; /* 0: not locked */
    bool is_shared;        /* a co-authoring lock: `Prefer: bypass-shared-lock` passes */
    struct user *owner;    /* may still write; NULL: nobody may */
};

struct version {
    unsigned number; /* 3 is "3.0" */
    struct content *content;
    int64_t modified; /* unix seconds */
    struct user *modified_by;
};

struct link {
    char *id;
    char *type;
    char *scope;
    char *web_url;
    char *share_id;
};

struct item {
    struct drive *drive;
    uint64_t serial;
    uint64_t parent_serial; /* 0 for the root */
    enum item_kind kind;
    const char *name;
    bool name_is_own; /* name is on the heap */
    bool in_place;    /* a generated item that still is where the generator put it */
    bool is_deleted;  /* itself, in the recycle bin; see store_is_gone() for its descendants */
    bool is_purged;   /* permanently */
    int64_t created, modified;       /* the server's, unix seconds */
    int64_t fs_created, fs_modified; /* the client's */
    struct user *created_by, *modified_by;
    unsigned etag_n, ctag_n;
    unsigned version_n;       /* number of the current version */
    struct content *content;  /* files only, never NULL for them */
    struct version *versions; /* older ones, oldest first */
    size_t n_versions;

    struct item **children; /* own ones, sorted by name; those of the generator are not here */
    size_t n_children, cap_children;
    struct generator *gen; /* folder of a generated tree (or its top) */
    uint64_t gen_folder;   /* which of its folders */
    uint64_t gen_removed;  /* generated children that moved away or were deleted */
    int64_t size_delta;    /* of a folder: bytes below it, beyond those of the generator */

    struct item *older, *newer; /* list of changes of the drive */
    uint64_t changed_seq;       /* 0: never changed since the scenario */
    int64_t changed_ms;

    struct item_lock lock;
    struct user *checked_out_by;
    struct content *checkout_content; /* what discarding the check-out brings back */
    char *malware;                    /* name of the virus; NULL: clean */
    char *retention_label;            /* NULL: none */
    bool is_on_hold;                  /* cannot be deleted; a folder above it neither */
    bool is_record_locked;            /* label forbids edits */
    bool is_draft;                    /* never checked in: only who checked it out sees it */
    char *description;
    struct drive *remote_drive;
    uint64_t remote_serial;
    struct link *links;
    size_t n_links;
};

struct drive_access {
    struct user *user;
    enum access access;
};

struct drive {
    struct tenant *tenant;
    struct site *site;
    char *name;     /* what Graph calls it: "Documents" */
    char *url_name; /* last segment of its URL: "Shared Documents" */
    char *web_url;  /* encoded */
    char *description;
    char list_guid[GUID_TEXT];
    char id[72];            /* b!... */
    const char *drive_type; /* "documentLibrary" or "business" */
    struct user *owner;     /* of a OneDrive */
    unsigned index;         /* in all drives of the world */
    uint64_t id_key;        /* scrambles serials to UniqueIds */
    unsigned char id_prefix[4];
    int64_t created;

    /* All below: [lock]. */
    bool is_hidden; /* from search only */
    bool is_system; /* not listed without $select=system */
    bool require_checkout;
    bool no_versions;
    bool search_is_stale; /* the index has its title of yesterday */
    enum access default_access;
    struct drive_access *access;
    size_t n_access;
    int64_t quota_total; /* bytes */
    int64_t quota_deleted;
    int64_t modified;

    struct item *root;
    struct item **explicit_items; /* by serial - 1 */
    size_t n_explicit, cap_explicit;
    struct item **touched; /* hash of generated items that were materialised */
    size_t n_touched, cap_touched;
    struct generator **generators;
    size_t n_generators;
    uint64_t seq;         /* of the last change */
    uint64_t delta_floor; /* delta tokens below it get 410 */
    struct item *newest;
};

/* ---- reading ---- */

/* The item of a serial number, materialised; NULL when there never was one. May be deleted. */
struct item *store_get(struct drive *d, uint64_t serial);
/* By item id ("01...", case as given); NULL if unknown, deleted, or below something deleted. */
struct item *store_by_id(struct drive *d, const char *item_id);
/* By path below a folder, '/'-separated, decoded; "" is the folder itself. NULL if absent. */
struct item *store_by_path(struct drive *d, struct item *from, const char *path);
struct item *store_child(struct item *folder, const char *name);
struct item *store_parent(struct item *it); /* NULL for the root */
bool store_is_gone(struct item *it);        /* deleted, or something above it is */
bool store_is_below(struct item *it, const struct item *folder); /* or the same */
uint64_t store_child_count(const struct item *folder);
int64_t store_size(const struct item *it); /* of folders: everything below */
/* "/a/b.txt" below the root, not encoded, "" for the root; for the caller to free. */
char *store_path(struct item *it);
/* Length in characters as SharePoint counts it (decoded, after the host name) of a name put into a
 * folder. */
size_t store_url_length(struct item *folder, const char *name);

/* Children in order of name, starting after a name (NULL: from the start). The item handed out is
 * scratch. */
struct child_iter {
    struct item *folder;
    size_t own;         /* next of its own */
    uint64_t generated; /* next of the generator */
    struct item scratch;
    char scratch_name[96];
    struct content scratch_content;
};
void store_children(struct child_iter *iter, struct item *folder, const char *after);
const struct item *store_next_child(struct child_iter *iter); /* NULL at the end */

/* Every live item of the drive, parents first as long as nothing was moved. cursor starts at 0. */
const struct item *store_next_item(struct drive *d, uint64_t *cursor, struct child_iter *scratch);

/* Calls fn for each live item whose name contains every word of `text` (ASCII case aside), until it
 * returns false. The item is scratch. */
void store_search(struct drive *d, const char *text,
                  bool (*fn)(const struct item *it, void *payload), void *payload);

/* ---- changing: each makes a change that delta tells ---- */

/* What a name breaks (facts, section 8): NULL if fine, else a sentence. */
const char *name_problem(const char *name, bool is_folder, bool in_library_root);
int name_compare(const char *a,
                 const char *b); /* order and equality of the service: case-insensitive */

/* `name` must be free in parent. content: taken over (files). */
struct item *store_add(struct item *parent, const char *name, enum item_kind kind,
                       struct content *content, struct user *by);
void store_set_content(struct item *it, struct content *content,
                       struct user *by); /* new version; takes content */
/* The service rewrites a file by itself: new tags, no version. Takes content. */
void store_rewrite(struct item *it, struct content *content);
/* Puts an older version behind the current content; takes content. For scenarios. */
void store_add_old_version(struct item *it, struct content *content, struct user *by);
void store_set_times(struct item *it, int64_t fs_created, int64_t fs_modified,
                     struct user *by); /* -1: leave */
void store_move(struct item *it, struct item *new_parent, const char *new_name, struct user *by);
void store_delete(struct item *it, struct user *by); /* to the recycle bin */
void store_purge(struct item *it, struct user *by);
bool store_restore(struct item *it, struct user *by); /* false: parent gone or name taken */
void store_touch(struct item *it, struct user *by);   /* any other change: new eTag */
/* A name that is free: "a.txt", "a 1.txt", ...; for the caller to free. */
char *store_free_name(struct item *parent, const char *name);

int64_t store_used(const struct drive *d); /* bytes, recycle bin not counted */

struct generator_spec {
    unsigned folders;          /* in each folder above the last level */
    unsigned depth;            /* levels of folders below the top; 0: only files */
    unsigned files_per_folder; /* in each folder; in the top itself only when depth is 0 ... */
    unsigned files_in_top;     /* ... and these */
    int64_t size, size_max;    /* of each file */
    uint64_t seed;
    int64_t mtime;             /* unix seconds, of the first; others some minutes apart */
    const char *prefix;        /* of file names; NULL: "Document" */
    const char *folder_prefix; /* NULL: "Folder" */
    const char *extensions;    /* "docx,txt": in turn; NULL: "txt" */
};
/* Puts a generated tree into an empty folder. */
void store_generate(struct item *folder, const struct generator_spec *spec);
uint64_t store_generated_count(const struct generator *g);

struct drive *store_new_drive(struct site *site, const char *name, const char *url_name,
                              const char *list_guid);

/* [lock] */
void store_rename_drive(struct drive *d, const char *name, const char *url_name);
void store_free_drive(struct drive *d);

#endif
