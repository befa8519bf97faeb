#include "kql.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util.h"

#define MAX_DEPTH 30

enum kind { ALL, TERM, AND, OR, NOT };

struct kql {
    enum kind kind;
    char *property; /* TERM: lower case, or NULL for free text */
    char *value;
    bool is_prefix;
    struct kql *left, *right;
};

struct parser {
    const char *at;
    int depth;
    bool bad;
};

static struct kql *node(enum kind kind, struct kql *left, struct kql *right)
{
    struct kql *q = xcalloc(1, sizeof(*q));

    q->kind = kind;
    q->left = left;
    q->right = right;
    return q;
}

void kql_free(struct kql *q)
{
    if (q) {
        kql_free(q->left);
        kql_free(q->right);
        free(q->property);
        free(q->value);
        free(q);
    }
}

static void skip_blanks(struct parser *p)
{
    p->at += strspn(p->at, " \t\r\n");
}

/* AND, OR, NOT are operators in upper case only. */
static bool at_word(struct parser *p, const char *word)
{
    size_t n = strlen(word);

    skip_blanks(p);
    return strncmp(p->at, word, n) == 0 && strchr(" (\t\r\n", p->at[n]);
}

static bool take_word(struct parser *p, const char *word)
{
    if (!at_word(p, word)) {
        return false;
    }
    p->at += strlen(word);
    return true;
}

static char *take_value(struct parser *p)
{
    const char *start = p->at;
    size_t n;

    if (*start == '"') {
        n = strcspn(start + 1, "\"");
        if (start[1 + n] != '"') {
            p->bad = true;
            return xstrdup("");
        }
        p->at = start + n + 2;
        return xstrndup(start + 1, n);
    }
    n = strcspn(start, " \t\r\n()\"");
    p->at = start + n;
    return xstrndup(start, n);
}

static struct kql *take_term(struct parser *p)
{
    struct kql *q = node(TERM, NULL, NULL);
    size_t n = strspn(p->at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    size_t len;

    if (n > 0 && strchr(":=<>", p->at[n]) && p->at[n] != '\0') {
        q->property = xstrndup(p->at, n);
        for (char *c = q->property; *c != '\0'; c++) {
            *c = (char)tolower((unsigned char)*c);
        }
        p->at += n + 1;
        p->at += *p->at == '=';
    }
    q->value = take_value(p);
    if (q->property && strcmp(q->property, "path") == 0) { /* compared decoded */
        char *decoded = url_decode(q->value, strlen(q->value));

        if (decoded) {
            free(q->value);
            q->value = decoded;
        }
    }
    len = strlen(q->value);
    if (len > 0 && q->value[len - 1] == '*') {
        q->value[len - 1] = '\0';
        q->is_prefix = true;
    } else if (*p->at == '*') { /* "quoted"* */
        p->at++;
        q->is_prefix = true;
    }
    if (!q->property && q->is_prefix && *q->value == '\0') {
        q->kind = ALL;
    }
    p->bad |= !q->property && !q->is_prefix && len == 0;
    return q;
}

static struct kql *take_or(struct parser *p);

static struct kql *take_factor(struct parser *p)
{
    struct kql *q;

    skip_blanks(p);
    if (p->bad || *p->at == '\0' || ++p->depth > MAX_DEPTH) {
        p->bad = true;
        return node(ALL, NULL, NULL);
    }
    if (take_word(p, "NOT") || (*p->at == '-' && p->at[1] != ' ' && p->at++)) {
        q = node(NOT, take_factor(p), NULL);
    } else if (*p->at == '(') {
        p->at++;
        q = take_or(p);
        skip_blanks(p);
        p->bad |= *p->at != ')';
        p->at += *p->at == ')';
    } else {
        q = take_term(p);
    }
    p->depth--;
    return q;
}

static bool same_property(const struct kql *a, const struct kql *b)
{
    while (a->kind == OR && a->right) {
        a = a->right;
    }
    return a->kind == TERM && b->kind == TERM && a->property && b->property &&
           strcmp(a->property, b->property) == 0;
}

static struct kql *take_and(struct parser *p)
{
    struct kql *last = take_factor(p);
    struct kql *sum = NULL; /* what stands before `last` */

    for (;;) {
        bool has_and = take_word(p, "AND");
        struct kql *next;

        if (!has_and && (at_word(p, "OR") || *p->at == '\0' || *p->at == ')')) {
            break;
        }
        next = take_factor(p);
        if (!has_and && same_property(last, next)) {
            last = node(OR, last, next);
        } else {
            sum = sum ? node(AND, sum, last) : last;
            last = next;
        }
        if (p->bad) {
            break;
        }
    }
    return sum ? node(AND, sum, last) : last;
}

static struct kql *take_or(struct parser *p)
{
    struct kql *q = take_and(p);

    while (!p->bad && take_word(p, "OR")) {
        q = node(OR, q, take_and(p));
    }
    return q;
}

struct kql *kql_parse(const char *query)
{
    struct parser p = {.at = query};
    struct kql *q;

    skip_blanks(&p);
    if (*p.at == '\0') {
        return node(ALL, NULL, NULL);
    }
    q = take_or(&p);
    skip_blanks(&p);
    if (p.bad || *p.at != '\0') {
        kql_free(q);
        return NULL;
    }
    return q;
}

static bool is_word_char(char c)
{
    return isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

/* `word` stands in `text` at the beginning of a word, and ends with one unless it is a prefix. */
static bool has_word(const char *text, const char *word, bool is_prefix)
{
    size_t n = strlen(word);

    for (const char *at = text; (at = str_ifind(at, word)) != NULL; at++) {
        if ((at == text || !is_word_char(at[-1])) && (is_prefix || !is_word_char(at[n]))) {
            return true;
        }
    }
    return false;
}

static bool term_matches(const struct kql *q, const struct kql_document *doc)
{
    if (!q->property) {
        return has_word(doc->text, q->value, q->is_prefix);
    }
    for (size_t i = 0; i < doc->n_properties; i++) {
        const char *value = doc->property[i].value;

        if (strcmp(doc->property[i].name, q->property) != 0 || !value) {
            continue;
        }
        if (strcmp(q->property, "path") == 0) {
            return strncasecmp(value, q->value, strlen(q->value)) == 0;
        }
        if (strcmp(q->property, "title") == 0 || strcmp(q->property, "filename") == 0) {
            return has_word(value, q->value, q->is_prefix);
        }
        return q->is_prefix ? strncasecmp(value, q->value, strlen(q->value)) == 0
                            : str_ieq(value, q->value);
    }
    return false;
}

bool kql_matches(const struct kql *q, const struct kql_document *doc)
{
    switch (q->kind) {
    case ALL:
        return true;
    case TERM:
        return term_matches(q, doc);
    case AND:
        return kql_matches(q->left, doc) && kql_matches(q->right, doc);
    case OR:
        return kql_matches(q->left, doc) || kql_matches(q->right, doc);
    case NOT:
        return !kql_matches(q->left, doc);
    }
    return false;
}

bool kql_is_everything(const struct kql *q)
{
    return q->kind == ALL;
}

static void collect_words(const struct kql *q, struct strbuf *out)
{
    if (!q || q->kind == NOT) {
        return;
    }
    if (q->kind == TERM && !q->property) {
        sb_printf(out, "%s%s", out->len ? " " : "", q->value);
    }
    collect_words(q->left, out);
    collect_words(q->right, out);
}

char *kql_words(const struct kql *q)
{
    struct strbuf out = {0};

    collect_words(q, &out);
    for (size_t i = 0; i < out.len; i++) {
        out.data[i] = (char)tolower((unsigned char)out.data[i]);
    }
    return sb_take(&out);
}
