#include "generate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ids.h"

static unsigned digits(uint64_t n)
{
    unsigned d = 1;
    while (n >= 10) {
        n /= 10;
        d++;
    }
    return d;
}

static void split_extensions(struct generator *g, const char *text)
{
    while (*text != '\0' && g->n_extensions < COUNT_OF(g->extensions)) {
        size_t n = strcspn(text, ",");
        g->extensions[g->n_extensions++] = xstrndup(text, n);
        text += n;
        text += *text == ',';
    }
}

struct generator *generator_new(struct item *folder, const struct generator_spec *spec)
{
    struct generator *g = xcalloc(1, sizeof(*g));
    uint64_t level = 1;
    g->drive = folder->drive;
    g->top = folder->serial;
    g->spec = *spec;
    if (g->spec.depth == 0 && g->spec.files_in_top == 0) {
        g->spec.files_in_top = spec->files_per_folder;
    }
    if (g->spec.size_max < g->spec.size) {
        g->spec.size_max = g->spec.size;
    }
    g->prefix = xstrdup(spec->prefix != NULL ? spec->prefix : "Document");
    g->folder_prefix = xstrdup(spec->folder_prefix != NULL ? spec->folder_prefix : "Folder");
    g->spec.prefix = g->spec.folder_prefix = g->spec.extensions = NULL;
    split_extensions(g, spec->extensions != NULL && spec->extensions[0] != '\0' ? spec->extensions
                                                                                : "txt");
    g->n_folders = 1;
    for (unsigned i = 0; i < spec->depth; i++) {
        g->n_inner_folders = g->n_folders;
        level *= spec->folders;
        g->n_folders += level;
    }
    g->n_items = g->n_folders + g->spec.files_in_top +
                 (g->n_folders - 1) * (uint64_t)g->spec.files_per_folder;
    g->files_first = name_compare(g->prefix, g->folder_prefix) < 0;
    if (g->n_items >> GEN_SHIFT != 0) {
        die("a generated tree of %llu items is too large", (unsigned long long)g->n_items);
    }
    return g;
}

void generator_free(struct generator *g)
{
    if (g == NULL) {
        return;
    }
    for (size_t i = 0; i < g->n_extensions; i++) {
        free(g->extensions[i]);
    }
    free(g->prefix);
    free(g->folder_prefix);
    free(g);
}

uint64_t store_generated_count(const struct generator *g)
{
    return g->n_items - 1;
}

uint64_t generator_serial(const struct generator *g, uint64_t number)
{
    return number == 0 ? g->top : ((uint64_t)g->index + 1) << GEN_SHIFT | number;
}

static uint64_t child_folders(const struct generator *g, uint64_t folder)
{
    return folder < g->n_inner_folders ? g->spec.folders : 0;
}

static uint64_t child_files(const struct generator *g, uint64_t folder)
{
    return folder == 0 ? g->spec.files_in_top : g->spec.files_per_folder;
}

uint64_t generator_children(const struct generator *g, uint64_t folder)
{
    return child_folders(g, folder) + child_files(g, folder);
}

uint64_t generator_child(const struct generator *g, uint64_t folder, uint64_t nth)
{
    uint64_t n_folders = child_folders(g, folder);
    uint64_t n_files = child_files(g, folder);
    bool is_file = g->files_first ? nth < n_files : nth >= n_folders;
    if (!is_file) {
        return folder * g->spec.folders + 1 + (g->files_first ? nth - n_files : nth);
    }
    uint64_t file = g->files_first ? nth : nth - n_folders;
    if (folder == 0) {
        return g->n_folders + file;
    }
    return g->n_folders + g->spec.files_in_top + (folder - 1) * g->spec.files_per_folder + file;
}

/* Parent folder of an item, and its number among its like there. */
static uint64_t parent_of(const struct generator *g, uint64_t number, uint64_t *nth)
{
    if (number < g->n_folders) {
        *nth = (number - 1) % g->spec.folders;
        return (number - 1) / g->spec.folders;
    }
    number -= g->n_folders;
    if (number < g->spec.files_in_top) {
        *nth = number;
        return 0;
    }
    number -= g->spec.files_in_top;
    *nth = number % g->spec.files_per_folder;
    return number / g->spec.files_per_folder + 1;
}

static void format_name(const struct generator *g, uint64_t number, char *out, size_t size)
{
    uint64_t nth;
    uint64_t parent = parent_of(g, number, &nth);
    if (number < g->n_folders) {
        snprintf(out, size, "%.60s %0*llu", g->folder_prefix, (int)digits(g->spec.folders),
                 (unsigned long long)nth + 1);
    } else {
        snprintf(out, size, "%.60s %0*llu.%.12s", g->prefix, (int)digits(child_files(g, parent)),
                 (unsigned long long)nth + 1, g->extensions[nth % g->n_extensions]);
    }
}

uint64_t generator_lower_bound(const struct generator *g, uint64_t folder, const char *name)
{
    uint64_t low = 0;
    uint64_t high = generator_children(g, folder);
    while (low < high) {
        char probe[96];
        uint64_t middle = low + (high - low) / 2;
        format_name(g, generator_child(g, folder, middle), probe, sizeof(probe));
        if (name_compare(probe, name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

void generator_fill(const struct generator *g, uint64_t number, struct item *out, char *name,
                    size_t name_size, struct content *content)
{
    uint64_t nth;
    uint64_t parent = parent_of(g, number, &nth);
    memset(out, 0, sizeof(*out));
    format_name(g, number, name, name_size);
    out->name = name;
    out->drive = g->drive;
    out->serial = generator_serial(g, number);
    out->parent_serial = generator_serial(g, parent);
    out->in_place = true;
    out->etag_n = out->ctag_n = out->version_n = 1;
    out->created = out->modified = g->spec.mtime + (int64_t)(mix64(number ^ g->spec.seed) % 86400);
    out->fs_created = out->fs_modified = out->created;
    out->created_by = out->modified_by =
        g->drive->tenant->n_users > 0 ? &g->drive->tenant->users[0] : NULL;
    if (number < g->n_folders) {
        out->kind = ITEM_FOLDER;
        out->gen = (struct generator *)g;
        out->gen_folder = number;
        return;
    }
    uint64_t h = mix64(g->spec.seed + number);
    memset(content, 0, sizeof(*content));
    atomic_init(&content->refs, 1);
    content->seed = h;
    content->size = g->spec.size + (int64_t)(h % (uint64_t)(g->spec.size_max - g->spec.size + 1));
    out->kind = ITEM_FILE;
    out->content = content;
}

int64_t generator_size(const struct generator *g, uint64_t folder)
{
    uint64_t average = (uint64_t)(g->spec.size + g->spec.size_max) / 2;
    uint64_t folders = 0;
    uint64_t first = folder;
    uint64_t in_level = 1;
    while (first < g->n_folders) { /* the folders of each level below are in one run */
        folders += in_level;
        if (first >= g->n_inner_folders) {
            break;
        }
        first = first * g->spec.folders + 1;
        in_level *= g->spec.folders;
    }
    uint64_t files = folders * g->spec.files_per_folder;
    if (folder == 0) {
        files = g->spec.files_in_top + (folders - 1) * (uint64_t)g->spec.files_per_folder;
    }
    return (int64_t)(files * average);
}
