/*
 * registry.h - a piece of a Windows registry in memory: what Registry.pol, .reg files and the live
 * registry become before they are read as a source (registry_source.h).
 *
 * Keys and names are compared without regard to case, as Windows does; there is one value of a
 * name in a key, the one that was put last. Data is kept as the registry holds it: texts are
 * UTF-16LE, with or without the NUL at their end. All sizes have limits: a file or a key that is
 * larger is refused whole.
 *
 * An image is not thread-safe.
 */
#ifndef POLICY_REGISTRY_H
#define POLICY_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

enum {
    REGISTRY_VALUE_LIMIT = 100000,   /* values in an image */
    REGISTRY_BYTES_LIMIT = 32 << 20, /* keys, names and data of an image together */
    REGISTRY_KEY_LIMIT = 1024,       /* UTF-8 bytes of a key; Windows: 255 characters a part */
    REGISTRY_NAME_LIMIT = 16384,     /* UTF-8 bytes of a name; list entries may stand there */
    REGISTRY_DATA_LIMIT = 1 << 20,   /* bytes of one value */
    REGISTRY_BULK_LIMIT = 1000,      /* deletions of all that is below a key */
    REGISTRY_FILE_LIMIT = 16 << 20   /* bytes of a Registry.pol or .reg file */
};

/* The keys that are ours, below a hive. */
#define REGISTRY_POLICY_KEY "Software\\Policies\\Mooring"
#define REGISTRY_PREFERENCE_KEY "Software\\Mooring"

/* windows-facts 4.4; the numbers are what files hold. */
enum registry_type {
    REGISTRY_NONE = 0,
    REGISTRY_SZ = 1,
    REGISTRY_EXPAND_SZ = 2,
    REGISTRY_BINARY = 3,
    REGISTRY_DWORD = 4,
    REGISTRY_DWORD_BE = 5,
    REGISTRY_MULTI_SZ = 7,
    REGISTRY_QWORD = 11
};

/* A Registry.pol does not say whose it is. */
enum registry_hive { REGISTRY_ANY, REGISTRY_MACHINE, REGISTRY_USER };

struct registry_value {
    enum registry_hive hive;
    char *key;     /* below the hive: "Software\Policies\Mooring" */
    char *name;    /* "" is the default value of the key */
    uint32_t type; /* enum registry_type, or what else the file says */
    unsigned char *data;
    size_t size;  /* bytes */
    int line;     /* in a .reg file, from 1; 0: there are no lines */
    bool is_dead; /* deleted again; registry_image_compact() removes it */
};

struct registry_image {
    struct registry_value *values; /* in the order they came, after registry_image_compact() */
    size_t count;
    size_t capacity;
    size_t bytes;
    size_t bulk_count;
    size_t skipped;           /* values outside `roots` */
    const char *const *roots; /* NULL-terminated, lent: keys outside are not kept; NULL: all are */
    size_t *index;            /* open addressing: value + 1; not in a compacted image */
    size_t index_size;
};

/* `roots` must outlive the image. */
void registry_image_init(struct registry_image *image, const char *const *roots);
void registry_image_clear(struct registry_image *image);

/* Puts a value, replacing the one of the same hive, key and name. `data` is copied. What is outside
 * the roots is counted and not kept. ERR_LIMIT when something is too large or too many. */
int registry_image_put(struct registry_image *image, const struct registry_value *value,
                       struct error *err);

/* Deletes one value; the values of one key; a key with all below it. ERR_LIMIT after
 * REGISTRY_BULK_LIMIT of the last two. */
void registry_image_delete(struct registry_image *image, enum registry_hive hive, const char *key,
                           const char *name);
int registry_image_delete_values(struct registry_image *image, enum registry_hive hive,
                                 const char *key, struct error *err);
int registry_image_delete_key(struct registry_image *image, enum registry_hive hive,
                              const char *key, struct error *err);

/* Ends the reading: what was deleted is gone. Afterwards the image is only read. */
void registry_image_compact(struct registry_image *image);

/* The live value of that name, lent; NULL when there is none. Before registry_image_compact(). */
struct registry_value *registry_image_find(const struct registry_image *image,
                                           enum registry_hive hive, const char *key,
                                           const char *name);

/* Whether `key` is `root` or below it. *rest, when asked for, is what follows: "" or "Sub\Key". */
bool registry_key_is_below(const char *key, const char *root, const char **rest);

/* "REG_DWORD", "REG_SZ", ...; "a type that is not known". */
const char *registry_type_name(uint32_t type);

/* The text of a REG_SZ or REG_EXPAND_SZ, without NULs at its end. ERR_INVALID with a clause that
 * goes after "the text ": "is not valid UTF-16". *out is the caller's to free. */
int registry_value_text(char **out, const struct registry_value *value, struct error *err);

/* The entries of a REG_MULTI_SZ, empty ones left out, added to *out. ERR_INVALID as above. */
int registry_value_texts(struct str_list *out, const struct registry_value *value,
                         struct error *err);

/* The number of a REG_DWORD, REG_DWORD_BIG_ENDIAN or REG_QWORD. False when it is none of them, or
 * its size is wrong. */
bool registry_value_number(const struct registry_value *value, uint64_t *number);

/* The value as somebody would read it, for messages: a number, a text, "hex 01 02 ...". Cut after
 * some hundred bytes. *out is the caller's to free. */
int registry_value_show(char **out, const struct registry_value *value, struct error *err);

/* Whether a file begins as one of that form. */
bool regpol_is(const void *data, size_t size);
bool regfile_is(const void *data, size_t size);

/* Files. Both fail with ERR_INVALID and a clause that goes after "the file is not used: " when the
 * bytes have not the right form; *line is then where (a .reg file), or 0. Special values of a
 * Registry.pol (**del. and so on) are carried out in order, as Windows does when it applies the
 * file to an empty registry. Compacted. */
int regpol_read(struct registry_image *image, const void *data, size_t size, struct error *err);
int regfile_read(struct registry_image *image, int *line, const void *data, size_t size,
                 struct error *err);

/* The live registry (win32/registry.c): adds what stands in `key` below HKEY_LOCAL_MACHINE (or
 * HKEY_CURRENT_USER), and in its subkeys, in the 64-bit view. A key that does not exist adds
 * nothing. Not compacted. The 32-bit view of Software\Policies is the same key (windows-facts 4.3).
 * A policy_registry_fn. ERR_DENIED, ERR_LIMIT; ERR_UNSUPPORTED where there is no registry. */
int registry_read(struct registry_image *image, bool is_machine, const char *key, void *payload,
                  struct error *err);

#endif
