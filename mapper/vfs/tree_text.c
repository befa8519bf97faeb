/*
 * tree_text.c - the texts of a node: item id, cTag, eTag, name. Short, many, and as long as the node
 * lives, so they are cut from slabs in pieces of 8 bytes, without the 16 that malloc() would add to
 * each. A piece that was given back waits for the next text of its size.
 */
#include "tree_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define SLAB_BYTES (64u * 1024)
#define SLAB_HEAD sizeof(void *) /* leads to the next one */

#if defined(__SANITIZE_ADDRESS__) /* which is to see who uses a text that is gone */
#define SLAB_TEXT_MAX 0u
#else
#define SLAB_TEXT_MAX (TEXT_PIECES_MAX * TEXT_PIECE)
#endif

/* --- memory --- */

static size_t pieces_of(size_t size)
{
    return (size + TEXT_PIECE - 1) / TEXT_PIECE;
}

/* A free piece, and each slab, begins with where the next one is. */
static char *next_of(const char *at)
{
    char *next;

    memcpy(&next, at, sizeof(next));
    return next;
}

static void set_next(char *at, char *next)
{
    memcpy(at, &next, sizeof(next));
}

static void put_free(struct texts *texts, char *at, size_t pieces)
{
    set_next(at, texts->free[pieces]);
    texts->free[pieces] = at;
}

static bool add_slab(struct texts *texts)
{
    char *slab = malloc(SLAB_BYTES);

    if (!slab) {
        return false;
    }
    if (texts->fresh_size > 0) { /* less than any text that was asked for and did not fit */
        put_free(texts, texts->fresh, texts->fresh_size / TEXT_PIECE);
    }
    set_next(slab, texts->slabs);
    texts->slabs = slab;
    texts->fresh = slab + SLAB_HEAD;
    texts->fresh_size = SLAB_BYTES - SLAB_HEAD;
    return true;
}

static char *get(struct texts *texts, size_t size)
{
    size_t pieces = pieces_of(size);
    char *at = NULL;

    if (size > SLAB_TEXT_MAX) {
        return malloc(size);
    }
    at = texts->free[pieces];
    if (at) {
        texts->free[pieces] = next_of(at);
        return at;
    }
    if (pieces * TEXT_PIECE > texts->fresh_size && !add_slab(texts)) {
        return NULL;
    }
    at = texts->fresh;
    texts->fresh += pieces * TEXT_PIECE;
    texts->fresh_size -= pieces * TEXT_PIECE;
    return at;
}

void tree_drop_made(struct tree *tree, struct node_text *made)
{
    size_t size = 0;

    if (!made->text) {
        return;
    }
    size = made->name_at + strlen(made->text + made->name_at) + 1;
    tree->text_bytes -= pieces_of(size) * TEXT_PIECE;
    if (size > SLAB_TEXT_MAX) {
        free(made->text);
    } else {
        put_free(&tree->texts, made->text, pieces_of(size));
    }
    made->text = NULL;
}

void tree_drop_text(struct tree *tree, struct node *node)
{
    tree_drop_made(tree, &(struct node_text){.text = node->text, .name_at = node->name_at});
    node->text = NULL;
}

void tree_take_text(struct tree *tree, struct node *node, struct node_text *made)
{
    tree_drop_text(tree, node);
    node->text = made->text;
    node->ctag_at = made->ctag_at;
    node->etag_at = made->etag_at;
    node->name_at = made->name_at;
    *made = (struct node_text){0};
}

void tree_free_texts(struct tree *tree)
{
    while (tree->texts.slabs) {
        char *slab = tree->texts.slabs;

        tree->texts.slabs = next_of(slab);
        free(slab);
    }
}

/* --- what they are --- */

const char *node_item_id(const struct node *node)
{
    return node->text;
}

const char *node_ctag(const struct node *node)
{
    return node->text + node->ctag_at;
}

/* --- eTags ---
 *
 * The service makes both tags of one GUID: "{GUID},4" and "c:{GUID},6", with the quotes. What follows
 * the common part is then all that is stored of the eTag, behind a mark. */

#define ETAG_SHARES '\1' /* the rest of an eTag that begins as the cTag does */
#define ETAG_PLAIN '\2'  /* an eTag that itself begins with a mark */

/* What an eTag has in common with this cTag, after its quote: "{GUID},". *size 0: nothing. */
static const char *shared_part(const char *ctag, size_t *size)
{
    const char *comma = strrchr(ctag, ',');

    *size = comma && str_starts_with(ctag, "\"c:") ? (size_t)(comma - ctag) - 2 : 0;
    return ctag + 3;
}

/* What is stored of `etag`: a mark, or '\0' for none, and the text behind it. */
static char pack_etag(const char **rest, const char *etag, const char *ctag)
{
    size_t size = 0;
    const char *shared = shared_part(ctag, &size);

    *rest = etag;
    if (size > 0 && etag[0] == '"' && strncmp(etag + 1, shared, size) == 0) {
        *rest = etag + 1 + size;
        return ETAG_SHARES;
    }
    return etag[0] == ETAG_SHARES || etag[0] == ETAG_PLAIN ? ETAG_PLAIN : '\0';
}

bool node_has_etag(const struct node *node, const char *etag)
{
    const char *stored = node->text + node->etag_at;
    const char *rest = NULL;
    char mark = pack_etag(&rest, etag ? etag : "", node_ctag(node));

    return mark ? stored[0] == mark && strcmp(stored + 1, rest) == 0 : strcmp(stored, rest) == 0;
}

int node_copy_etag(char **out, const struct node *node, struct error *err)
{
    const char *stored = node->text + node->etag_at;
    size_t size = 0;
    const char *shared = shared_part(node_ctag(node), &size);

    if (stored[0] == ETAG_SHARES) {
        return str_format(out, err, "\"%.*s%s", (int)size, shared, stored + 1);
    }
    return str_copy(out, stored[0] == ETAG_PLAIN ? stored + 1 : stored, err);
}

const char *node_name(const struct node *node)
{
    return node->text + node->name_at;
}

const char *node_version(const struct node *node)
{
    const char *etag = node->text + node->etag_at;

    if (*node_ctag(node)) {
        return node_ctag(node);
    }
    return *etag == ETAG_PLAIN ? etag + 1 : etag; /* it shares nothing with no cTag */
}

bool node_is_link(const struct node *node)
{
    return str_starts_with(node_ctag(node), "https://"); /* tags of the service begin with '"' */
}

static const char *text_or_empty(const char *text)
{
    return text ? text : "";
}

int tree_make_text(struct tree *tree, struct node_text *out, const struct node_facts *facts,
                   struct error *err)
{
    const char *item_id = text_or_empty(facts->item_id);
    const char *ctag = text_or_empty(facts->ctag);
    const char *etag = text_or_empty(facts->etag);
    const char *name = text_or_empty(facts->name);
    size_t item_size = strlen(item_id) + 1;
    size_t ctag_size = strlen(ctag) + 1;
    char mark = pack_etag(&etag, etag, ctag);
    size_t etag_size = strlen(etag) + 1 + (mark ? 1 : 0);
    size_t name_size = strlen(name) + 1;
    size_t total = item_size + ctag_size + etag_size + name_size;
    char *text = NULL;

    if (total > TEXT_MAX || name_size > VFS_NAME_MAX + 1) {
        return error_set(err, ERR_PROTOCOL, "an item has ids or a name that are too long");
    }
    text = get(&tree->texts, total);
    if (!text) {
        return error_set(err, ERR_NO_MEMORY, "no memory for an item");
    }
    memcpy(text, item_id, item_size);
    memcpy(text + item_size, ctag, ctag_size);
    text[item_size + ctag_size] = mark;
    memcpy(text + item_size + ctag_size + (mark ? 1 : 0), etag, strlen(etag) + 1);
    memcpy(text + item_size + ctag_size + etag_size, name, name_size);
    tree->text_bytes += pieces_of(total) * TEXT_PIECE;
    *out = (struct node_text){.text = text,
                              .ctag_at = (uint16_t)item_size,
                              .etag_at = (uint16_t)(item_size + ctag_size),
                              .name_at = (uint16_t)(item_size + ctag_size + etag_size)};
    return 0;
}
