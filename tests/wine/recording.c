/*
 * recording.c - the recording transport: a test double in the place of the real `np`. It shows
 * nothing to anybody; it writes what the agent asks of it into the file that MOORING_RECORDING
 * names, a line each:
 *
 *   start | attach LETTER PATH LABEL | detach PATH | stop N     (N: still attached then)
 *
 * The program that it is linked into is the real agent in all else.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "base/thread.h"
#include "np/np.h"

struct recording {
    struct transport base;
    struct mutex mutex; /* guards both */
    FILE *file;
    struct str_list attached; /* paths */
};

static struct recording *of(struct transport *t)
{
    return (struct recording *)t;
}

static int create(struct transport **out, const struct transport_options *options,
                  struct error *err)
{
    struct recording *recording = calloc(1, sizeof(*recording));
    const char *path = getenv("MOORING_RECORDING");

    (void)options;
    if (!recording || !path) {
        free(recording);
        return error_set(err, ERR_INVALID, "MOORING_RECORDING names the file to record into");
    }
    recording->base.type = &transport_type_np;
    recording->file = file_open_stream(path, "ab", err);
    if (!recording->file) {
        free(recording);
        return ERR_IO;
    }
    mutex_init(&recording->mutex);
    *out = &recording->base;
    return 0;
}

static int start(struct transport *t, struct vfs *vfs, struct error *err)
{
    (void)vfs;
    (void)err;
    fprintf(of(t)->file, "start\n");
    fflush(of(t)->file);
    return 0;
}

static size_t find(const struct recording *recording, const char *path)
{
    size_t i = 0;

    while (i < recording->attached.count && strcmp(recording->attached.items[i], path) != 0) {
        i++;
    }
    return i;
}

static int attach(struct transport *t, const struct mapping *mapping, struct error *err)
{
    struct recording *recording = of(t);
    int code = 0;

    mutex_lock(&recording->mutex);
    if (find(recording, mapping->path) == recording->attached.count) {
        code = str_list_add(&recording->attached, mapping->path, err);
    }
    fprintf(recording->file, "attach %c %s\t%s\n", mapping->letter ? mapping->letter : '-',
            mapping->path, mapping->label ? mapping->label : "");
    fflush(recording->file);
    mutex_unlock(&recording->mutex);
    return code;
}

static int detach(struct transport *t, const char *path, struct error *err)
{
    struct recording *recording = of(t);
    size_t at;

    (void)err;
    mutex_lock(&recording->mutex);
    at = find(recording, path);
    if (at < recording->attached.count) {
        char **items = recording->attached.items;

        free(items[at]);
        memmove(items + at, items + at + 1, (recording->attached.count - at - 1) * sizeof(*items));
        recording->attached.count--;
    }
    fprintf(recording->file, "detach %s\n", path);
    fflush(recording->file);
    mutex_unlock(&recording->mutex);
    return 0;
}

static int enumerate(struct transport *t, transport_visit_fn visit, void *payload,
                     struct error *err)
{
    struct recording *recording = of(t);

    (void)err;
    mutex_lock(&recording->mutex);
    for (size_t i = 0; i < recording->attached.count; i++) {
        const struct mapping mapping = {.path = recording->attached.items[i]};

        visit(payload, &mapping);
    }
    mutex_unlock(&recording->mutex);
    return 0;
}

/* As the real one does it. */
static int local_path(struct transport *t, char **out, const char *path, struct error *err)
{
    int code = str_format(out, err, "\\\\mooring%s%s", *path ? "\\" : "", path);

    (void)t;
    for (char *c = code == 0 ? *out : NULL; c && *c; c++) {
        *c = *c == '/' ? '\\' : *c;
    }
    return code;
}

static int check(struct transport *t, struct error *err)
{
    (void)t;
    (void)err;
    return 0;
}

static void stop(struct transport *t, int64_t wait_ms)
{
    struct recording *recording = of(t);

    (void)wait_ms;
    fprintf(recording->file, "stop %zu\n", recording->attached.count);
    fclose(recording->file);
    str_list_clear(&recording->attached);
    mutex_clear(&recording->mutex);
    free(recording);
}

static const struct transport_ops ops = {.create = create,
                                         .start = start,
                                         .attach = attach,
                                         .detach = detach,
                                         .enumerate = enumerate,
                                         .check = check,
                                         .local_path = local_path,
                                         .stop = stop};

const struct transport_type transport_type_np = {.name = "np",
                                                 .title = "recording transport (test double)",
                                                 .caps = TRANSPORT_CAP_LETTERS,
                                                 .ops = &ops};
