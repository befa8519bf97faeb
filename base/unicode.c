/*
 * unicode.c - the part of str.h that looks inside UTF-8: decoding, folding, globs.
 */
#include "base/str.h"

#include <string.h>

/* Length of the valid UTF-8 sequence at `s` of at most `left` bytes, its value in *out; 0 when
 * invalid. */
static size_t sequence(const unsigned char *s, size_t left, uint32_t *out)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = s[0] < 0x80   ? 1
                    : s[0] < 0xC2 ? 0
                    : s[0] < 0xE0 ? 2
                    : s[0] < 0xF0 ? 3
                    : s[0] < 0xF5 ? 4
                                  : 0;
    uint32_t value;

    if (length == 0 || length > left) {
        return 0;
    }
    if (length == 1) {
        *out = s[0];
        return 1;
    }
    value = s[0] & (0x7Fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((s[i] & 0xC0) != 0x80) {
            return 0;
        }
        value = value << 6 | (s[i] & 0x3Fu);
    }
    if (value < least[length] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) {
        return 0;
    }
    *out = value;
    return length;
}

uint32_t str_decode(const char **at)
{
    const unsigned char *s = (const unsigned char *)*at;
    uint32_t value = 0xFFFD;
    size_t length = 0;

    if (*s > 0 && *s < 0x80) { /* most names: every look-up of one goes through here */
        (*at)++;
        return *s;
    }
    length = sequence(s, strnlen(*at, 4), &value);
    *at += length ? length : (*s ? 1 : 0);
    return value;
}

bool str_is_utf8(const char *text, size_t length)
{
    const unsigned char *s = (const unsigned char *)text;
    uint32_t value;

    while (length > 0) {
        size_t step = *s < 0x80 ? 1 : sequence(s, length, &value);

        if (step == 0) {
            return false;
        }
        s += step;
        length -= step;
    }
    return true;
}

/* Blocks in which upper and lower case alternate: the even (or odd) code point is the upper one. */
static bool is_pair_block(uint32_t c, uint32_t *upper_parity)
{
    *upper_parity = 0;
    if ((c >= 0x100 && c <= 0x137 && c != 0x130 && c != 0x131) || (c >= 0x14A && c <= 0x177) ||
        (c >= 0x1DE && c <= 0x1EF) || (c >= 0x1F8 && c <= 0x21F) || (c >= 0x222 && c <= 0x233) ||
        (c >= 0x3D8 && c <= 0x3EF) || (c >= 0x460 && c <= 0x481) || (c >= 0x48A && c <= 0x4BF) ||
        (c >= 0x4D0 && c <= 0x52F) || (c >= 0x1E00 && c <= 0x1E95) ||
        (c >= 0x1EA0 && c <= 0x1EFF)) {
        return true;
    }
    *upper_parity = 1;
    return (c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17E) || (c >= 0x1CD && c <= 0x1DC) ||
           (c >= 0x4C1 && c <= 0x4CE);
}

uint32_t str_fold(uint32_t c)
{
    uint32_t parity;

    if (c < 0x80) {
        return c >= 'A' && c <= 'Z' ? c + 32 : c;
    }
    if ((c >= 0xC0 && c <= 0xDE && c != 0xD7) || (c >= 0x391 && c <= 0x3AB && c != 0x3A2) ||
        (c >= 0x410 && c <= 0x42F) || (c >= 0xFF21 && c <= 0xFF3A)) {
        return c + 32;
    }
    if (c >= 0x400 && c <= 0x40F) {
        return c + 80;
    }
    if (c == 0x178) {
        return 0xFF;
    }
    if (c == 0x386) {
        return 0x3AC;
    }
    if (c >= 0x388 && c <= 0x38A) {
        return c + 37;
    }
    if (c == 0x38C) {
        return 0x3CC;
    }
    if (c == 0x38E || c == 0x38F) {
        return c + 63;
    }
    if (is_pair_block(c, &parity) && c % 2 == parity) {
        return c + 1;
    }
    return c;
}

/* Matches one class at *at (just past '['); moves *at past ']'. False in *is_class when there is no
 * closing bracket. */
static bool class_matches(const char **at, uint32_t wanted, bool *is_class)
{
    const char *p = *at;
    bool negated = *p == '!' || *p == '^';
    bool found = false;
    bool first = true;

    if (negated) {
        p++;
    }
    for (; *p && (first || *p != ']'); first = false) {
        uint32_t low = str_fold(str_decode(&p));
        uint32_t high = low;

        if (*p == '-' && p[1] && p[1] != ']') {
            p++;
            high = str_fold(str_decode(&p));
        }
        found = found || (wanted >= low && wanted <= high);
    }
    *is_class = *p == ']';
    if (*is_class) {
        *at = p + 1;
    }
    return found != negated;
}

/* Matches one non-star pattern element against one character; moves both on when it fits. */
static bool element_matches(const char **pattern, const char **text)
{
    const char *p = *pattern;
    const char *t = *text;
    uint32_t c = str_fold(str_decode(&t));
    bool is_class = false;

    if (*p == '?') {
        if (c == '/') {
            return false;
        }
        p++;
    } else if (*p == '[') {
        const char *after = p + 1;
        bool hit = class_matches(&after, c, &is_class);

        if (is_class) {
            if (!hit || c == '/') {
                return false;
            }
            p = after;
        } else if (c != '[') {
            return false;
        } else {
            p++;
        }
    } else {
        if (*p == '\\' && p[1]) {
            p++;
        }
        if (str_fold(str_decode(&p)) != c) {
            return false;
        }
    }
    *pattern = p;
    *text = t;
    return true;
}

/*
 * Iterative with one saved position for the last '*' and one for the last '**': going back to
 * anything earlier than the last '**' can never help, and going back to a '*' only within its own
 * segment. Polynomial in the lengths: no
 * pattern makes it try exponentially often.
 */
bool str_glob_match(const char *pattern, const char *text)
{
    const char *star_p = NULL, *star_t = NULL;
    const char *deep_p = NULL, *deep_t = NULL;

    for (;;) {
        if (pattern[0] == '*' && pattern[1] == '*') {
            while (*pattern == '*') {
                pattern++;
            }
            deep_p = pattern;
            deep_t = text;
            star_p = NULL;
            continue;
        }
        if (pattern[0] == '*') {
            star_p = ++pattern;
            star_t = text;
            continue;
        }
        if (!*text && !*pattern) {
            return true;
        }
        if (*text && *pattern && element_matches(&pattern, &text)) {
            continue;
        }
        if (star_p && *star_t && *star_t != '/') {
            str_decode(&star_t);
            pattern = star_p;
            text = star_t;
            continue;
        }
        if (deep_p && *deep_t) {
            str_decode(&deep_t);
            pattern = deep_p;
            text = deep_t;
            star_p = NULL;
            continue;
        }
        return false;
    }
}
