#include "ids.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

const char ROOT_UNIQUE_ID[37] = "ea8cc6be-ffdb-43d7-976f-bc7da445c639";

/* Where byte i of .NET's ToByteArray() stands in the text: the first three groups are
 * little-endian. */
static const int byte_order[GUID_SIZE] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool guid_parse(uint8_t out[GUID_SIZE], const char *text)
{
    uint8_t plain[GUID_SIZE];
    size_t n = 0;
    if (strlen(text) != 36) {
        return false;
    }
    for (size_t i = 0; i < 36;) {
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (text[i++] != '-') {
                return false;
            }
            continue;
        }
        int high = hex_value(text[i]);
        int low = hex_value(text[i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        plain[n++] = (uint8_t)(high * 16 + low);
        i += 2;
    }
    for (int i = 0; i < GUID_SIZE; i++) {
        out[i] = plain[byte_order[i]];
    }
    return true;
}

void guid_format(char out[37], const uint8_t bytes[GUID_SIZE], bool upper_case)
{
    uint8_t plain[GUID_SIZE];
    const char *digits = upper_case ? "0123456789ABCDEF" : "0123456789abcdef";
    char *p = out;
    for (int i = 0; i < GUID_SIZE; i++) {
        plain[byte_order[i]] = bytes[i];
    }
    for (int i = 0; i < GUID_SIZE; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            *p++ = '-';
        }
        *p++ = digits[plain[i] >> 4];
        *p++ = digits[plain[i] & 15];
    }
    *p = '\0';
}

uint64_t mix64(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

uint64_t hash_text(const char *text)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (; *text != '\0'; text++) {
        h = (h ^ (unsigned char)*text) * 0x100000001b3u;
    }
    return mix64(h);
}

void guid_from_text(char out[37], const char *text)
{
    uint8_t bytes[GUID_SIZE];
    uint64_t a = hash_text(text);
    uint64_t b = mix64(a ^ 0x6d6f6f72696e67u);
    memcpy(bytes, &a, 8);
    memcpy(bytes + 8, &b, 8);
    bytes[7] = (uint8_t)((bytes[7] & 0x0f) | 0x40);
    bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
    guid_format(out, bytes, false);
}

void drive_id_format(char out[DRIVE_ID_TEXT], const char *site_guid, const char *web_guid,
                     const char *list_guid)
{
    uint8_t all[3 * GUID_SIZE];
    if (!guid_parse(all, site_guid) || !guid_parse(all + GUID_SIZE, web_guid) ||
        !guid_parse(all + 2 * (size_t)GUID_SIZE, list_guid)) {
        die("a drive needs three GUIDs: %s %s %s", site_guid, web_guid, list_guid);
    }
    char *text = base64url_encode(all, sizeof(all));
    snprintf(out, DRIVE_ID_TEXT, "b!%s", text);
    free(text);
}

/* A Feistel network over two halves of 64 bits: cheap, keyed, and it can be undone. */
enum { ROUNDS = 4 };
static const uint64_t UNIQUE_ID_TAG = 0x6d6f6f72696e6731u;

void unique_id_make(uint8_t out[GUID_SIZE], uint64_t key, uint64_t serial)
{
    if (serial == 1) {
        guid_parse(out, ROOT_UNIQUE_ID);
        return;
    }
    uint64_t left = UNIQUE_ID_TAG;
    uint64_t right = serial;
    for (uint64_t i = 0; i < ROUNDS; i++) {
        uint64_t next = left ^ mix64(right ^ mix64(key + i));
        left = right;
        right = next;
    }
    memcpy(out, &left, 8);
    memcpy(out + 8, &right, 8);
}

bool unique_id_serial(uint64_t *serial, uint64_t key, const uint8_t guid[GUID_SIZE])
{
    uint8_t root[GUID_SIZE];
    uint64_t left;
    uint64_t right;
    guid_parse(root, ROOT_UNIQUE_ID);
    if (memcmp(root, guid, GUID_SIZE) == 0) {
        *serial = 1;
        return true;
    }
    memcpy(&left, guid, 8);
    memcpy(&right, guid + 8, 8);
    for (uint64_t i = ROUNDS; i-- > 0;) {
        uint64_t before = right ^ mix64(left ^ mix64(key + i));
        right = left;
        left = before;
    }
    *serial = right;
    return left == UNIQUE_ID_TAG && right > 1;
}

static const char base32_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

void item_id_format(char out[ITEM_ID_TEXT], const uint8_t prefix[4], const uint8_t guid[GUID_SIZE])
{
    uint8_t bytes[20];
    memcpy(bytes, prefix, 4);
    memcpy(bytes + 4, guid, GUID_SIZE);
    *out++ = '0';
    *out++ = '1';
    for (int group = 0; group < 4; group++) { /* 5 bytes make 8 digits */
        uint64_t v = 0;
        for (int i = 0; i < 5; i++) {
            v = v << 8 | bytes[group * 5 + i];
        }
        for (int i = 7; i >= 0; i--) {
            *out++ = base32_digits[v >> (5 * i) & 31];
        }
    }
    *out = '\0';
}

bool item_id_parse(uint8_t prefix[4], uint8_t guid[GUID_SIZE], const char *text)
{
    uint8_t bytes[20];
    if (strlen(text) != ITEM_ID_TEXT - 1 || text[0] != '0' || text[1] != '1') {
        return false;
    }
    text += 2;
    for (int group = 0; group < 4; group++) {
        uint64_t v = 0;
        for (int i = 0; i < 8; i++) {
            const char *digit = strchr(base32_digits, *text++);
            if (digit == NULL) {
                return false;
            }
            v = v << 5 | (uint64_t)(digit - base32_digits);
        }
        for (int i = 4; i >= 0; i--) {
            bytes[group * 5 + i] = (uint8_t)v;
            v >>= 8;
        }
    }
    memcpy(prefix, bytes, 4);
    memcpy(guid, bytes + 4, GUID_SIZE);
    return true;
}
