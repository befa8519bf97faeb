/*
 * ids.c - what can be read in the ids of sites and drives.
 */
#include "merge.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "mapper/url.h"

bool merge_is_id(const char *id)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,-_!";

    return id && *id && strlen(id) <= 400 && id[strspn(id, plain)] == '\0';
}

static const char *join_id(const char *site_id)
{
    const char *comma = strchr(site_id, ',');

    return comma && strchr(comma + 1, ',') ? comma + 1 : site_id;
}

int merge_site_key(char **out, const char *site_id, struct error *err)
{
    return url_fold(out, join_id(site_id), err);
}

static void format_guid(char out[37], const unsigned char *bytes)
{
    /* .NET's ToByteArray(): the first three groups are little-endian */
    static const int order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    static const char digits[] = "0123456789abcdef";

    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            *out++ = '-';
        }
        *out++ = digits[bytes[order[i]] >> 4];
        *out++ = digits[bytes[order[i]] & 15];
    }
    *out = '\0';
}

bool merge_drive_guids(const char *drive_id, char site[37], char web[37], char list[37])
{
    void *bytes = NULL;
    size_t size = 0;

    if (!str_starts_with(drive_id, "b!") ||
        str_base64_decode(&bytes, &size, drive_id + 2, NULL) < 0 || size != 48) {
        free(bytes);
        return false;
    }
    if (site && web) {
        format_guid(site, bytes);
        format_guid(web, (unsigned char *)bytes + 16);
    }
    format_guid(list, (unsigned char *)bytes + 32);
    free(bytes);
    return true;
}
