#include "policy/import.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "konnekt.h"
#include "system.h"

static void note_clear(struct policy_note *note)
{
    str_free(&note->where);
    str_free(&note->name);
    str_free(&note->value);
    str_free(&note->setting);
    str_free(&note->message);
}

static int copy_shown(char **out, const char *text, struct error *err)
{
    return text ? setting_display(out, NULL, text, err) : 0;
}

int import_add_note(struct policy_import *out, const struct policy_note *note, struct error *err)
{
    struct policy_note copy = {.kind = note->kind};
    int code;

    if (out->note_count == out->note_capacity) {
        size_t capacity = out->note_capacity ? 2 * out->note_capacity : 16;
        struct policy_note *notes = realloc(out->notes, capacity * sizeof(*notes));

        if (!notes) {
            return error_set(err, ERR_NO_MEMORY, "no memory for %zu notes", capacity);
        }
        out->notes = notes;
        out->note_capacity = capacity;
    }
    code = copy_shown(&copy.where, note->where, err);
    code = code == 0 ? copy_shown(&copy.name, note->name, err) : code;
    code = code == 0 ? copy_shown(&copy.value, note->value, err) : code;
    code = code == 0 ? copy_shown(&copy.setting, note->setting, err) : code;
    code = code == 0 ? copy_shown(&copy.message, note->message, err) : code;
    if (code < 0) {
        note_clear(&copy);
        return code;
    }
    out->notes[out->note_count++] = copy;
    return 0;
}

static int read_image(struct registry_image *image, const struct buf *content, struct error *err)
{
    int line = 0;
    struct error why = {0};
    int code;

    if (regpol_is(content->data, content->size)) {
        return regpol_read(image, content->data, content->size, err);
    }
    if (!regfile_is(content->data, content->size)) {
        return error_set(err, ERR_INVALID, "it is neither a Registry.pol nor a .reg file");
    }
    code = regfile_read(image, &line, content->data, content->size, &why);
    return code == 0 ? 0 : error_set(err, code, "line %d: %s", line, why.message);
}

static int read_file(struct registry_image *image, const char *file, struct error *err)
{
    struct buf content;
    int code = system_require_file(file, err);

    buf_init(&content, REGISTRY_FILE_LIMIT);
    if (code == 0) {
        code = file_read_all(&content, file, err);
    }
    if (code == 0) {
        code = read_image(image, &content, err);
    }
    if (code < 0) {
        error_prefix(err, "'%s' cannot be used", file);
    }
    buf_clear(&content);
    return code;
}

static int read_live(struct registry_image *image, struct error *err)
{
    static const char *const keys[] = {KONNEKT_POLICY_KEY, KONNEKT_PREFERENCE_KEY};
    int code = 0;

    for (size_t i = 0; code == 0 && i < 4; i++) {
        code = registry_read(image, i % 2 == 0, keys[i / 2], NULL, err);
    }
    registry_image_compact(image);
    return code;
}

int policy_import_konnekt(struct policy_import *out, const char *file, struct error *err)
{
    static const char *const roots[] = {KONNEKT_POLICY_KEY, KONNEKT_PREFERENCE_KEY, NULL};
    struct policy_import import = {0};
    struct registry_image image;
    int code;

    registry_image_init(&image, roots);
    code = file ? read_file(&image, file, err) : read_live(&image, err);
    if (code == 0) {
        code = konnekt_convert(&import, &image, err);
    }
    registry_image_clear(&image);
    if (code < 0) {
        policy_import_clear(&import);
        return code;
    }
    *out = import;
    return 0;
}

void policy_import_clear(struct policy_import *import)
{
    policy_set_clear(&import->set);
    for (size_t i = 0; i < import->note_count; i++) {
        note_clear(&import->notes[i]);
    }
    free(import->notes);
    *import = (struct policy_import){0};
}
