/*
 * encode.c - the part of str.h that turns text and bytes into each other: percent-encoding and
 * base64.
 */
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

static bool is_unreserved(unsigned char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

int str_percent_encode(char **out, const char *text, bool keep_slash, struct error *err)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t length = strlen(text);
    char *encoded = malloc(length * 3 + 1);
    char *to = encoded;

    if (!encoded) {
        return error_set(err, ERR_NO_MEMORY, "no memory to encode %zu bytes", length);
    }
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (is_unreserved(*c) || (keep_slash && *c == '/')) {
            *to++ = (char)*c;
        } else {
            *to++ = '%';
            *to++ = digits[*c >> 4];
            *to++ = digits[*c & 15];
        }
    }
    *to = '\0';
    free(*out);
    *out = encoded;
    return 0;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int str_percent_decode(char **out, const char *text, struct error *err)
{
    char *decoded = malloc(strlen(text) + 1);
    char *to = decoded;

    if (!decoded) {
        return error_set(err, ERR_NO_MEMORY, "no memory to decode a text");
    }
    for (; *text; text++) {
        int value = (unsigned char)*text;

        if (*text == '%') {
            int high = hex_value(text[1]);
            int low = high < 0 ? -1 : hex_value(text[2]);

            if (low < 0 || high * 16 + low == 0) {
                free(decoded);
                return error_set(err, ERR_INVALID, "broken percent-encoding");
            }
            value = high * 16 + low;
            text += 2;
        }
        *to++ = (char)value;
    }
    *to = '\0';
    if (!str_is_utf8(decoded, (size_t)(to - decoded))) {
        free(decoded);
        return error_set(err, ERR_INVALID, "percent-encoded text is not UTF-8");
    }
    free(*out);
    *out = decoded;
    return 0;
}

int str_base64url_encode(char **out, const void *data, size_t size, struct error *err)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const unsigned char *in = data;
    char *text = malloc((size + 2) / 3 * 4 + 1);
    char *to = text;

    if (!text) {
        return error_set(err, ERR_NO_MEMORY, "no memory to encode %zu bytes", size);
    }
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        unsigned long bits = (unsigned long)in[i] << 16;

        bits |= left > 1 ? (unsigned long)in[i + 1] << 8 : 0;
        bits |= left > 2 ? in[i + 2] : 0;
        *to++ = alphabet[bits >> 18 & 63];
        *to++ = alphabet[bits >> 12 & 63];
        if (left > 1) {
            *to++ = alphabet[bits >> 6 & 63];
        }
        if (left > 2) {
            *to++ = alphabet[bits & 63];
        }
    }
    *to = '\0';
    free(*out);
    *out = text;
    return 0;
}

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    if (c == '+' || c == '-') {
        return 62;
    }
    return c == '/' || c == '_' ? 63 : -1;
}

int str_base64_decode(void **out, size_t *out_size, const char *text, struct error *err)
{
    size_t length = strcspn(text, "=");
    unsigned char *data = malloc(length / 4 * 3 + 4);
    size_t size = 0;
    unsigned long bits = 0;

    if (!data) {
        return error_set(err, ERR_NO_MEMORY, "no memory to decode %zu bytes", length);
    }
    if (length % 4 == 1 || strspn(text + length, "=") != strlen(text + length) ||
        strlen(text + length) > 2) {
        free(data);
        return error_set(err, ERR_INVALID, "not base64");
    }
    for (size_t i = 0; i < length; i++) {
        int value = base64_value(text[i]);

        if (value < 0) {
            free(data);
            return error_set(err, ERR_INVALID, "not base64");
        }
        bits = bits << 6 | (unsigned long)value;
        if (i % 4 != 0) {
            data[size++] = (unsigned char)(bits >> (6 - 2 * (i % 4)));
        }
    }
    data[size] = 0;
    *out = data;
    *out_size = size;
    return 0;
}
