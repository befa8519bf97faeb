#include "scan.h"

#include <string.h>

bool scan_number(const char **text, uint64_t *out)
{
    const char *p = *text;
    uint64_t n = 0;
    while (*p >= '0' && *p <= '9') {
        unsigned digit = (unsigned)(*p++ - '0');
        if (n > ((uint64_t)INT64_MAX - digit) / 10) {
            return false;
        }
        n = n * 10 + digit;
    }
    if (p == *text) {
        return false;
    }
    *text = p;
    *out = n;
    return true;
}

bool scan_text(const char **text, const char *expected)
{
    size_t n = strlen(expected);
    if (strncmp(*text, expected, n) != 0) {
        return false;
    }
    *text += n;
    return true;
}
