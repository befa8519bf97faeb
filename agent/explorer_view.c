#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "explorer.h"
#include "office.h"

#define CONDITION_MAX 16384

void explorer_view_clear(struct explorer_view *view)
{
    for (size_t i = 0; i < view->letter_count; i++) {
        free(view->letters[i].label);
        free(view->letters[i].path);
    }
    for (size_t i = 0; i < view->folder_count; i++) {
        free(view->folders[i].name);
        free(view->folders[i].path);
    }
    free(view->root);
    memset(view, 0, sizeof(*view));
}

bool explorer_view_equal(const struct explorer_view *a, const struct explorer_view *b)
{
    bool is_equal = str_equal(a->root, b->root) && a->letter_count == b->letter_count &&
                    a->folder_count == b->folder_count;

    for (size_t i = 0; is_equal && i < a->letter_count; i++) {
        is_equal = a->letters[i].letter == b->letters[i].letter &&
                   str_equal(a->letters[i].label, b->letters[i].label) &&
                   str_equal(a->letters[i].path, b->letters[i].path);
    }
    for (size_t i = 0; is_equal && i < a->folder_count; i++) {
        is_equal = str_equal(a->folders[i].name, b->folders[i].name) &&
                   str_equal(a->folders[i].path, b->folders[i].path);
    }
    return is_equal;
}

int explorer_view_add_folder(struct explorer_view *view, const char *name, const char *path,
                             struct error *err)
{
    struct explorer_folder folder = {0};
    int code;

    for (size_t i = 0; i < view->folder_count; i++) {
        if (str_equal_nocase(view->folders[i].name, name)) {
            return 0;
        }
    }
    if (view->folder_count == EXPLORER_FOLDERS_MAX) {
        return 0;
    }
    code = str_copy(&folder.name, name, err);
    if (code == 0) {
        code = str_copy(&folder.path, path, err);
    }
    if (code < 0) {
        free(folder.name);
        return code;
    }
    view->folders[view->folder_count++] = folder;
    return 0;
}

int explorer_view_add_letter(struct explorer_view *view, char letter, const char *label,
                             const char *path, struct error *err)
{
    struct explorer_letter added = {.letter = letter};
    int code;

    if (letter < 'A' || letter > 'Z' ||
        view->letter_count == sizeof(view->letters) / sizeof(view->letters[0])) {
        return error_set(err, ERR_INVALID, "'%c' is no letter of a drive", letter);
    }
    code = str_copy(&added.label, label, err);
    if (code == 0) {
        code = str_copy(&added.path, path, err);
    }
    if (code < 0) {
        free(added.label);
        return code;
    }
    view->letters[view->letter_count++] = added;
    return 0;
}

/* A share's name may have no '"' in it, so nothing can end the quotes. */
static int add_place(struct buf *text, const char *path, struct error *err)
{
    return buf_add_format(text, err, "%sSystem.ItemPathDisplay:~<\"%s\\\"",
                          text->size > 1 ? " OR " : "", path);
}

int explorer_condition(char **out, const struct explorer_view *view, bool is_office,
                       struct error *err)
{
    const char *extension;
    struct buf text;
    int code;

    buf_init(&text, CONDITION_MAX);
    code = buf_add_text(&text, "(", err);
    if (code == 0 && view->root) {
        code = add_place(&text, view->root, err);
    }
    for (size_t i = 0; code == 0 && i < view->letter_count; i++) {
        const char letter[] = {view->letters[i].letter, ':', '\0'};

        code = add_place(&text, letter, err);
    }
    if (code == 0) {
        code = buf_add_text(&text, is_office ? ") AND (" : ")", err);
    }
    for (size_t i = 0; code == 0 && is_office && (extension = office_extension(i)); i++) {
        code = buf_add_format(&text, err, "%sSystem.FileExtension:=\"%s\"", i > 0 ? " OR " : "",
                              extension);
    }
    if (code == 0 && is_office) {
        code = buf_add_text(&text, ")", err);
    }
    if (code == 0) {
        code = str_copy(out, buf_text(&text), err);
    }
    buf_clear(&text);
    return code;
}

int explorer_mount_point(char **out, const char *path, struct error *err)
{
    int code = str_copy(out, path, err);

    for (char *c = code == 0 ? *out : NULL; c && *c; c++) {
        if (*c == '\\') {
            *c = '#';
        }
    }
    return code;
}
