#include "registry.h"

#include <stdlib.h>
#include <string.h>
#include <windows.h>

#include "base/win32.h"

enum { DEPTH_LIMIT = 8, KEY_UNITS = 256, NAME_UNITS = 16384 };

/* One key while it is read. */
struct reader {
    struct registry_image *image;
    enum registry_hive hive;
    wchar_t *name; /* NAME_UNITS */
    BYTE *data;    /* REGISTRY_DATA_LIMIT */
    struct error *err;
};

static int put(const struct reader *reader, const char *key, DWORD type, DWORD size)
{
    struct registry_value value = {
        .hive = reader->hive, .key = (char *)key, .type = type, .data = reader->data, .size = size};
    int code = win32_utf8(&value.name, reader->name, reader->err);

    if (code == ERR_INVALID) { /* half a surrogate pair: no name of ours, and not ours to refuse */
        return 0;
    }
    if (code == 0) {
        code = registry_image_put(reader->image, &value, reader->err);
    }
    free(value.name);
    return code;
}

static int read_values(const struct reader *reader, HKEY handle, const char *key)
{
    int code = 0;

    for (DWORD i = 0; code == 0; i++) {
        DWORD units = NAME_UNITS;
        DWORD size = REGISTRY_DATA_LIMIT;
        DWORD type = REG_NONE;
        LSTATUS status =
            RegEnumValueW(handle, i, reader->name, &units, NULL, &type, reader->data, &size);

        if (status == ERROR_NO_MORE_ITEMS) {
            break;
        }
        if (status == ERROR_MORE_DATA) {
            code =
                error_set(reader->err, ERR_LIMIT, "a value of the key '%s' is larger than %d bytes",
                          key, REGISTRY_DATA_LIMIT);
        } else if (status != ERROR_SUCCESS) {
            code =
                win32_failed(reader->err, (unsigned long)status, "cannot read the key '%s'", key);
        } else {
            code = put(reader, key, type, size);
        }
    }
    return code;
}

static int read_key(const struct reader *reader, HKEY parent, const wchar_t *name, const char *key,
                    int depth);

static int read_subkeys(const struct reader *reader, HKEY handle, const char *key, int depth)
{
    int code = 0;

    for (DWORD i = 0; code == 0; i++) {
        wchar_t name[KEY_UNITS];
        DWORD units = KEY_UNITS;
        char *text = NULL;
        char *below = NULL;
        LSTATUS status = RegEnumKeyExW(handle, i, name, &units, NULL, NULL, NULL, NULL);

        if (status == ERROR_NO_MORE_ITEMS) {
            break;
        }
        if (status != ERROR_SUCCESS) {
            return win32_failed(reader->err, (unsigned long)status, "cannot read the key '%s'",
                                key);
        }
        if (win32_utf8(&text, name, NULL) < 0) { /* as with names of values */
            continue;
        }
        code = str_format(&below, reader->err, "%s\\%s", key, text);
        if (code == 0) {
            code = read_key(reader, handle, name, below, depth + 1);
        }
        free(text);
        free(below);
    }
    return code;
}

static int read_key(const struct reader *reader, HKEY parent, const wchar_t *name, const char *key,
                    int depth)
{
    HKEY handle = NULL;
    LSTATUS status;
    int code;

    if (depth > DEPTH_LIMIT) {
        return error_set(reader->err, ERR_LIMIT, "the key '%s' lies too deep", key);
    }
    status = RegOpenKeyExW(parent, name, 0, KEY_READ | KEY_WOW64_64KEY, &handle);
    if (status == ERROR_FILE_NOT_FOUND) { /* or deleted while we came */
        return 0;
    }
    if (status != ERROR_SUCCESS) {
        return win32_failed(reader->err, (unsigned long)status, "cannot open the key '%s'", key);
    }
    code = read_values(reader, handle, key);
    if (code == 0) {
        code = read_subkeys(reader, handle, key, depth);
    }
    RegCloseKey(handle);
    return code;
}

int registry_read(struct registry_image *image, bool is_machine, const char *key, void *payload,
                  struct error *err)
{
    struct reader reader = {.image = image,
                            .hive = is_machine ? REGISTRY_MACHINE : REGISTRY_USER,
                            .name = calloc(NAME_UNITS, sizeof(*reader.name)),
                            .data = malloc(REGISTRY_DATA_LIMIT),
                            .err = err};
    wchar_t *wide = NULL;
    int code = win32_wide(&wide, key, err);

    (void)payload;
    if (code == 0 && (!reader.name || !reader.data)) {
        code = error_set(err, ERR_NO_MEMORY, "no memory to read the registry");
    }
    if (code == 0) {
        code = read_key(&reader, is_machine ? HKEY_LOCAL_MACHINE : HKEY_CURRENT_USER, wide, key, 0);
    }
    free(wide);
    free(reader.name);
    free(reader.data);
    return code;
}
