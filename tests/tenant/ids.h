/*
 * ids.h - identifiers in the syntax of SharePoint Online (facts, 2.2).
 *
 *   drive id  "b!" + base64url(site GUID, web GUID, list GUID), each in .NET byte order: 64
 * characters item id   "01" + base32(4 bytes of the drive, UniqueId in .NET byte order): 34
 * characters
 *
 * The UniqueId of an item is a keyed permutation of its serial number, so it is found again without
 * a table; the root's is the constant seen in every tenant.
 */
#ifndef TENANT_IDS_H
#define TENANT_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ITEM_ID_TEXT 35
#define DRIVE_ID_TEXT 72
#define GUID_SIZE 16

extern const char ROOT_UNIQUE_ID[37];

/* GUID as text <-> the 16 bytes of .NET's ToByteArray(). */
bool guid_parse(uint8_t out[GUID_SIZE], const char *text);
void guid_format(char out[37], const uint8_t bytes[GUID_SIZE], bool upper_case);

/* A GUID (version 4 form) that depends on the text alone: ids in scenarios are stable between runs.
 */
void guid_from_text(char out[37], const char *text);
uint64_t hash_text(const char *text);
uint64_t mix64(uint64_t x);

void drive_id_format(char out[DRIVE_ID_TEXT], const char *site_guid, const char *web_guid,
                     const char *list_guid);

/* serial <-> UniqueId. 1 is the root. */
void unique_id_make(uint8_t out[GUID_SIZE], uint64_t key, uint64_t serial);
bool unique_id_serial(uint64_t *serial, uint64_t key, const uint8_t guid[GUID_SIZE]);

void item_id_format(char out[ITEM_ID_TEXT], const uint8_t prefix[4], const uint8_t guid[GUID_SIZE]);
bool item_id_parse(uint8_t prefix[4], uint8_t guid[GUID_SIZE], const char *text);

#endif
