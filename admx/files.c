#include <string.h>

#include "admx/admx.h"
#include "base/file.h"
#include "base/str.h"

static int write_english(struct buf *out, struct error *err)
{
    return admx_write_language(out, ADMX_ENGLISH, err);
}

static int write_german(struct buf *out, struct error *err)
{
    return admx_write_language(out, ADMX_GERMAN, err);
}

static int write_reference(struct buf *out, struct error *err)
{
    return admx_write_reference(out, ADMX_ENGLISH, err);
}

static int write_reference_german(struct buf *out, struct error *err)
{
    return admx_write_reference(out, ADMX_GERMAN, err);
}

static int write_profile(struct buf *out, struct error *err)
{
    return admx_write_intune_profile(out, NULL, 0, err);
}

static const struct {
    const char *folder; /* NULL: none */
    const char *name;
    int (*write)(struct buf *out, struct error *err);
} files[] = {
    {NULL, "Mooring.admx", admx_write_template},
    {"en-US", "Mooring.adml", write_english},
    {"de-DE", "Mooring.adml", write_german},
    {NULL, "settings.md", write_reference},
    {NULL, "settings.de.md", write_reference_german},
    {"intune", "profile.json", write_profile},
    {"intune", "oma-uris.json", admx_write_intune_list},
    {"intune", "oma-uris.md", admx_write_intune_reference},
};

/* The folder of the file, and its path. Both are the caller's to free. */
static int make_path(char **folder, char **path, const char *directory, size_t index,
                     struct error *err)
{
    bool has_folder = files[index].folder != NULL;
    int code = str_format(folder, err, "%s%s%s", directory, has_folder ? "/" : "",
                          has_folder ? files[index].folder : "");

    return code < 0 ? code : str_format(path, err, "%s/%s", *folder, files[index].name);
}

static int save(const char *folder, const char *path, const struct buf *text, struct error *err)
{
    int code = file_make_directories(folder, err);

    return code < 0 ? code : file_write_atomic(path, buf_text(text), text->size, err);
}

static int compare(const char *path, const struct buf *text, struct error *err)
{
    struct buf there;
    int code;

    buf_init(&there, 2 * ADMX_SIZE_LIMIT);
    code = file_read_all(&there, path, err);
    if (code == 0 &&
        (there.size != text->size || memcmp(buf_text(&there), buf_text(text), text->size) != 0)) {
        code = error_set(err, ERR_CHANGED, "'%s' is not what the table of settings says", path);
    }
    buf_clear(&there);
    return code;
}

static int each_file(const char *directory, bool is_check, struct error *err)
{
    int code = 0;

    for (size_t i = 0; code == 0 && i < sizeof(files) / sizeof(files[0]); i++) {
        char *folder = NULL;
        char *path = NULL;
        struct buf text;

        buf_init(&text, ADMX_SIZE_LIMIT);
        code = make_path(&folder, &path, directory, i, err);
        if (code == 0) {
            code = files[i].write(&text, err);
        }
        if (code == 0) {
            code = is_check ? compare(path, &text, err) : save(folder, path, &text, err);
        }
        buf_clear(&text);
        str_free(&path);
        str_free(&folder);
    }
    return code;
}

int admx_write_files(const char *directory, struct error *err)
{
    return each_file(directory, false, err);
}

int admx_check_files(const char *directory, struct error *err)
{
    return each_file(directory, true, err);
}
