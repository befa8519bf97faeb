#include "np_order.h"

#include <string.h>

#include "base/buf.h"
#include "base/str.h"

#define WINFSP "WinFsp.Np"

enum { ORDER_LIMIT = 65536 };

/* One word of the list as it stands there, and without the blanks around it. */
struct word {
    const char *start;
    size_t length; /* up to the comma */
    const char *text;
    size_t text_length;
};

/* The word at *at; moves on behind its comma. False at the end. An empty list has no words. */
static bool next_word(const char **at, struct word *out)
{
    const char *start = *at;
    size_t length;

    if (!start || !*start) {
        return false;
    }
    length = strcspn(start, ",");
    *out = (struct word){start, length, start, length};
    while (out->text_length > 0 && *out->text == ' ') {
        out->text++;
        out->text_length--;
    }
    while (out->text_length > 0 && out->text[out->text_length - 1] == ' ') {
        out->text_length--;
    }
    *at = start[length] ? start + length + 1 : NULL;
    return true;
}

static bool is_word(const struct word *word, const char *text)
{
    return strlen(text) == word->text_length && str_starts_with_nocase(word->text, text);
}

unsigned np_order_find(const char *order, const char *word, unsigned *count)
{
    unsigned position = 0;
    unsigned at = 0;
    struct word found;

    while (next_word(&order, &found)) {
        at++;
        position = position == 0 && is_word(&found, word) ? at : position;
    }
    if (count) {
        *count = at;
    }
    return position;
}

static int add_word(struct buf *out, const char *text, size_t length, struct error *err)
{
    int code = out->size > 0 ? buf_add(out, ",", 1, err) : 0;

    return code == 0 ? buf_add(out, text, length, err) : code;
}

static int finish(char **out, struct buf *made, int code, struct error *err)
{
    if (code == 0) {
        code = str_copy_n(out, buf_text(made), made->size, err);
    }
    buf_clear(made);
    return code;
}

int np_order_add(char **out, const char *order, const char *word, struct error *err)
{
    struct buf made;
    struct word found;
    bool is_in = false;
    int code = 0;

    buf_init(&made, ORDER_LIMIT);
    if (np_order_find(order, word, NULL) > 0) {
        return str_copy(out, order, err);
    }
    while (code == 0 && next_word(&order, &found)) {
        if (!is_in && is_word(&found, WINFSP)) {
            code = add_word(&made, word, strlen(word), err);
            is_in = true;
        }
        if (code == 0) {
            code = add_word(&made, found.start, found.length, err);
        }
    }
    if (code == 0 && !is_in) {
        code = add_word(&made, word, strlen(word), err);
    }
    return finish(out, &made, code, err);
}

int np_order_remove(char **out, const char *order, const char *word, struct error *err)
{
    struct buf made;
    struct word found;
    int code = 0;

    buf_init(&made, ORDER_LIMIT);
    while (code == 0 && next_word(&order, &found)) {
        if (!is_word(&found, word)) {
            code = add_word(&made, found.start, found.length, err);
        }
    }
    return finish(out, &made, code, err);
}
