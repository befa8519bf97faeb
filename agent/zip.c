#include "zip.h"

#include <string.h>

#include "base/clock.h"
#include "base/str.h"

#define VERSION 20
#define FLAG_UTF8 0x0800u
#define COUNT_MAX 65535u

static void put16(unsigned char **at, uint32_t value)
{
    *(*at)++ = (unsigned char)(value & 0xFF);
    *(*at)++ = (unsigned char)(value >> 8 & 0xFF);
}

static void put32(unsigned char **at, uint32_t value)
{
    put16(at, value & 0xFFFF);
    put16(at, value >> 16);
}

static uint32_t crc32_of(const void *data, size_t size)
{
    const unsigned char *bytes = data;
    uint32_t crc = 0xFFFFFFFFu;

    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (0xEDB88320u & (0u - (crc & 1)));
        }
    }
    return ~crc;
}

/* Two digits at `at`. */
static uint32_t digits(const char *at)
{
    return (uint32_t)(at[0] - '0') * 10 + (uint32_t)(at[1] - '0');
}

/* Time and date as MS-DOS had them, in UTC. */
static uint32_t dos_time(int64_t wall_ms)
{
    char iso[40]; /* "2026-03-02T08:11:45Z" */
    uint32_t year;

    clock_format_iso(iso, sizeof(iso), wall_ms - wall_ms % 1000);
    year = digits(iso) * 100 + digits(iso + 2);
    return (year < 1980 ? 0 : year - 1980) << 25 | digits(iso + 5) << 21 | digits(iso + 8) << 16 |
           digits(iso + 11) << 11 | digits(iso + 14) << 5 | digits(iso + 17) / 2;
}

void zip_init(struct zip *zip, size_t limit, int64_t wall_ms)
{
    memset(zip, 0, sizeof(*zip));
    buf_init(&zip->bytes, limit < UINT32_MAX ? limit : UINT32_MAX);
    buf_init(&zip->directory, limit < UINT32_MAX ? limit : UINT32_MAX);
    zip->dos_time = dos_time(wall_ms);
}

/* The fields that both headers share. */
static void put_facts(unsigned char **at, const struct zip *zip, uint32_t crc, size_t size,
                      size_t name_size)
{
    put16(at, VERSION);
    put16(at, FLAG_UTF8);
    put16(at, 0); /* stored */
    put32(at, zip->dos_time);
    put32(at, crc);
    put32(at, (uint32_t)size);
    put32(at, (uint32_t)size);
    put16(at, (uint32_t)name_size);
    put16(at, 0); /* no extra field */
}

static int add_entry(struct zip *zip, const char *name, uint32_t crc, size_t size, uint32_t offset,
                     struct error *err)
{
    unsigned char header[46];
    unsigned char *at = header;
    int code;

    put32(&at, 0x02014B50u);
    put16(&at, VERSION);
    put_facts(&at, zip, crc, size, strlen(name));
    put16(&at, 0); /* no comment */
    put16(&at, 0); /* first disk */
    put16(&at, 0);
    put32(&at, 0);
    put32(&at, offset);
    code = buf_add(&zip->directory, header, sizeof(header), err);
    return code < 0 ? code : buf_add_text(&zip->directory, name, err);
}

int zip_add(struct zip *zip, const char *name, const void *data, size_t size, struct error *err)
{
    uint32_t offset = (uint32_t)zip->bytes.size;
    uint32_t crc = crc32_of(data, size);
    unsigned char header[30];
    unsigned char *at = header;
    int code;

    if (zip->count == COUNT_MAX || strlen(name) > 0xFFFF) {
        return error_set(err, ERR_LIMIT, "too much for one archive");
    }
    put32(&at, 0x04034B50u);
    put_facts(&at, zip, crc, size, strlen(name));
    code = buf_add(&zip->bytes, header, sizeof(header), err);
    if (code == 0) {
        code = buf_add_text(&zip->bytes, name, err);
    }
    if (code == 0 && size > 0) {
        code = buf_add(&zip->bytes, data, size, err);
    }
    if (code == 0) {
        code = add_entry(zip, name, crc, size, offset, err);
    }
    zip->count += code == 0;
    return code;
}

int zip_end(struct zip *zip, struct error *err)
{
    uint32_t offset = (uint32_t)zip->bytes.size;
    unsigned char header[22];
    unsigned char *at = header;
    int code = 0;

    if (zip->directory.size > 0) {
        code = buf_add(&zip->bytes, zip->directory.data, zip->directory.size, err);
    }
    put32(&at, 0x06054B50u);
    put32(&at, 0); /* disks */
    put16(&at, zip->count);
    put16(&at, zip->count);
    put32(&at, (uint32_t)zip->directory.size);
    put32(&at, offset);
    put16(&at, 0); /* no comment */
    return code < 0 ? code : buf_add(&zip->bytes, header, sizeof(header), err);
}

void zip_clear(struct zip *zip)
{
    buf_clear(&zip->bytes);
    buf_clear(&zip->directory);
}
