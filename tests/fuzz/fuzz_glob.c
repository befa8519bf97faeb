/*
 * Any pattern against any text: str_glob_match() must agree with a table of all prefixes, which is
 * slow and plain. The input is "pattern\ntext".
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "mapper/discover.h"

#define LENGTH_MAX 60

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Length of the element at `p` (a class, a quoted or a plain character). */
static size_t element_length(const char *p)
{
    const char *at = p;

    if (*p == '[') {
        const char *end = p + 1 + (p[1] == '!' || p[1] == '^' ? 1 : 0);

        for (bool is_first = true; *end && (is_first || *end != ']'); is_first = false) {
            str_decode(&end);
            if (*end == '-' && end[1] && end[1] != ']') {
                end++;
                str_decode(&end);
            }
        }
        if (*end == ']') {
            return (size_t)(end + 1 - p);
        }
    }
    if (*p == '\\' && p[1]) {
        at++;
    }
    str_decode(&at);
    return (size_t)(at - p);
}

/* One element without stars against one character: the matcher itself, since there is nothing to
 * search in. */
static bool element_fits(const char *p, size_t length, const char *t, size_t t_length)
{
    char pattern[LENGTH_MAX + 1];
    char text[8];

    memcpy(pattern, p, length);
    pattern[length] = '\0';
    memcpy(text, t, t_length);
    text[t_length] = '\0';
    return str_glob_match(pattern, text);
}

/* reach[i]: the text's first i bytes are matched by the pattern so far. */
static bool plain_match(const char *pattern, const char *text)
{
    size_t size = strlen(text);
    bool reach[LENGTH_MAX + 2] = {true};

    while (*pattern) {
        bool next[LENGTH_MAX + 2] = {false};
        bool is_deep = pattern[0] == '*' && pattern[1] == '*';
        size_t length = *pattern == '*' ? strspn(pattern, "*") : element_length(pattern);

        if (*pattern == '*' && !is_deep) {
            length = 1;
        }
        for (size_t i = 0; i <= size; i++) {
            const char *at = text + i;
            size_t step;

            if (!reach[i]) {
                continue;
            }
            if (*pattern == '*') {
                next[i] = true;
                if (i < size && (is_deep || text[i] != '/')) {
                    str_decode(&at);
                    reach[at - text] = true;
                }
            } else if (i < size) {
                str_decode(&at);
                step = (size_t)(at - text) - i;
                next[i + step] = next[i + step] || element_fits(pattern, length, text + i, step);
            }
        }
        memcpy(reach, next, sizeof(reach));
        pattern += length;
    }
    return reach[size];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct library library = {0};
    char *text = NULL;
    char *at;

    if (str_copy_n(&text, (const char *)data, size, NULL) < 0) {
        return 0;
    }
    at = strchr(text, '\n');
    if (at) {
        *at++ = '\0';
        if (strlen(text) <= LENGTH_MAX && strlen(at) <= LENGTH_MAX &&
            str_glob_match(text, at) != plain_match(text, at)) {
            abort();
        }
        if (str_format(&library.url, NULL, "https://h.example/sites/a/%s", at) == 0 &&
            str_copy(&library.site_url, "https://h.example/sites/a", NULL) == 0 &&
            str_copy(&library.title, at, NULL) == 0) {
            (void)library_matches(&library, text);
            (void)library_site_matches(&library, text);
        }
    }
    library_clear(&library);
    str_free(&text);
    return 0;
}
