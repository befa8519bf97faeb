#include "replay.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/str.h"

#define HANDLES 12
#define PIECE 8192u

struct handle {
    const char *name; /* as the sequence calls it */
    struct vfs_file *file;
    uint64_t id;
};

struct player {
    struct replay *r;
    const struct step *step;
    struct handle handles[HANDLES];
};

static bool fail(struct player *p, const char *format, ...) PRINTF_LIKE(2, 3);

static bool fail(struct player *p, const char *format, ...)
{
    char *out = p->r->failure;
    size_t size = sizeof(p->r->failure);
    int used = snprintf(out, size, "%s:%d: ", p->r->sequence->program, p->step ? p->step->line : 0);
    va_list args;

    va_start(args, format);
    vsnprintf(out + used, size - (size_t)used, format, args);
    va_end(args);
    return false;
}

static bool failed(struct player *p, const char *what, const struct error *err)
{
    return fail(p, "%s: %s: %s", what, error_name(err->code), err->message);
}

/* --- files --- */

/* The id of a name, with a hold; 0: it is not there (or the look failed: r->failure). */
static uint64_t find(struct player *p, const char *name, struct vfs_attr *attr)
{
    struct error err = {0};
    struct vfs_attr found;
    int code = vfs_lookup(p->r->vfs, &found, p->r->folder, name, NULL, &err);

    if (code < 0 && code != ERR_NOT_FOUND) {
        failed(p, name, &err);
    }
    if (attr && code == 0) {
        *attr = found;
    }
    return code == 0 ? found.id : 0;
}

static void forget(struct player *p, uint64_t id)
{
    if (id) {
        vfs_forget(p->r->vfs, id, 1);
    }
}

static bool write_bytes(struct player *p, struct vfs_file *file, const char *bytes, size_t from,
                        size_t to)
{
    struct error err = {0};

    for (size_t at = from; at < to; at += PIECE) {
        size_t part = to - at < PIECE ? to - at : PIECE;

        if (vfs_write(p->r->vfs, file, bytes + at, part, at, NULL, &err) < 0) {
            return failed(p, "write", &err);
        }
    }
    return true;
}

/* To the end of the file: must be these bytes and no more. */
static bool expect_bytes(struct player *p, struct vfs_file *file, const char *name,
                         const char *content)
{
    struct error err = {0};
    size_t size = 0;
    size_t at = 0;
    size_t got = 0;
    char *bytes = sequence_content(content, &size);
    char *data = malloc(size + PIECE);
    bool is_good = bytes && data;

    do {
        is_good = is_good && vfs_read(p->r->vfs, file, data + at, PIECE, at, &got, NULL, &err) == 0;
        at += is_good ? got : 0;
    } while (is_good && got > 0 && at <= size);
    if (!is_good) {
        failed(p, name, &err);
    } else if (at != size || memcmp(data, bytes, size) != 0) {
        is_good = fail(p, "'%s' has %zu bytes that are not '%s' (%zu)", name, at, content, size);
    }
    free(bytes);
    free(data);
    return is_good;
}

static bool has(struct player *p, const char *name, const char *content)
{
    struct vfs_file *file = NULL;
    struct error err = {0};
    uint64_t id = find(p, name, NULL);
    bool is_good = false;

    if (!id) {
        return *p->r->failure ? false : fail(p, "there is no '%s'", name);
    }
    if (vfs_open(p->r->vfs, &file, id, VFS_READ, NULL, &err) < 0) {
        failed(p, name, &err);
    } else {
        is_good = expect_bytes(p, file, name, content);
        vfs_close(p->r->vfs, file);
    }
    forget(p, id);
    return is_good;
}

static bool is_absent(struct player *p, const char *name)
{
    uint64_t id = find(p, name, NULL);

    forget(p, id);
    return *p->r->failure ? false : id ? fail(p, "'%s' is there", name) : true;
}

static bool has_size(struct player *p, const char *name, const char *content)
{
    struct vfs_attr attr = {0};
    uint64_t id = find(p, name, &attr);
    size_t size = 0;

    if (!id) {
        return *p->r->failure ? false : fail(p, "there is no '%s'", name);
    }
    forget(p, id);
    if (content) {
        free(sequence_content(content, &size));
        if (attr.size_bytes != size) {
            return fail(p, "'%s' has %llu bytes, not %zu", name,
                        (unsigned long long)attr.size_bytes, size);
        }
    }
    return true;
}

/* --- listing --- */

struct seen {
    struct player *p;
    const char *const *names;
    unsigned *counts;
    size_t count;
    uint64_t last;
    unsigned calls;
    char stranger[128];
};

static bool take(void *payload, const char *name, const struct vfs_attr *attr, uint64_t cookie)
{
    struct seen *seen = payload;
    size_t i = 0;

    (void)attr;
    while (i < seen->count && !str_equal_nocase(seen->names[i], name)) {
        i++;
    }
    if (i < seen->count) {
        seen->counts[i]++;
    } else {
        snprintf(seen->stranger, sizeof(seen->stranger), "%.120s", name);
    }
    seen->last = cookie;
    seen->calls++;
    return true;
}

/* Exactly these names. */
static bool lists(struct player *p, const char *const *names, size_t count)
{
    unsigned counts[SEQUENCE_NAMES + SEQUENCE_WORDS] = {0};
    struct seen seen = {.p = p, .names = names, .counts = counts, .count = count};
    struct vfs_dir *dir = NULL;
    struct error err = {0};
    int code = vfs_opendir(p->r->vfs, &dir, p->r->folder, NULL, &err);

    do {
        seen.calls = 0;
        code = code < 0 ? code : vfs_readdir(p->r->vfs, dir, seen.last, take, &seen, NULL, &err);
    } while (code == 0 && seen.calls > 0);
    if (dir) {
        vfs_closedir(p->r->vfs, dir);
    }
    if (code < 0) {
        return failed(p, "the listing", &err);
    }
    if (*seen.stranger) {
        return fail(p, "the listing has '%s'", seen.stranger);
    }
    for (size_t i = 0; i < count; i++) {
        if (counts[i] != 1) {
            return fail(p, "the listing has '%s' %u times", names[i], counts[i]);
        }
    }
    return true;
}

/* --- handles --- */

static struct handle *handle_of(struct player *p, const char *name)
{
    for (size_t i = 0; i < HANDLES; i++) {
        if (p->handles[i].file && strcmp(p->handles[i].name, name) == 0) {
            return &p->handles[i];
        }
    }
    return NULL;
}

static unsigned flags_of(const char *text)
{
    return (strchr(text, 'r') ? VFS_READ : 0u) | (strchr(text, 'w') ? VFS_WRITE : 0u) |
           (strchr(text, 't') ? VFS_TRUNCATE : 0u) | (strchr(text, 'x') ? VFS_EXCLUSIVE : 0u);
}

static bool open_file(struct player *p)
{
    const struct step *step = p->step;
    struct handle *handle = NULL;
    struct vfs_attr attr = {0};
    struct error err = {0};
    unsigned flags = flags_of(step->words[2]);
    int code = 0;

    for (size_t i = 0; i < HANDLES && !handle; i++) {
        handle = p->handles[i].file ? NULL : &p->handles[i];
    }
    if (!handle || handle_of(p, step->words[0])) {
        return fail(p, "the handle '%s' is in use, or too many are", step->words[0]);
    }
    if (step->kind == STEP_CREATE) {
        code = vfs_create(p->r->vfs, &handle->file, &attr, p->r->folder, step->words[1], flags,
                          NULL, &err);
        handle->id = attr.id;
    } else {
        handle->id = find(p, step->words[1], NULL);
        if (!handle->id) {
            return *p->r->failure ? false : fail(p, "there is no '%s'", step->words[1]);
        }
        code = vfs_open(p->r->vfs, &handle->file, handle->id, flags, NULL, &err);
        if (code < 0) {
            forget(p, handle->id);
        }
    }
    handle->name = step->words[0];
    return code == 0 ? true : failed(p, step->words[1], &err);
}

static bool close_file(struct player *p, struct handle *handle)
{
    struct error err = {0};
    int code = vfs_flush(p->r->vfs, handle->file, NULL, &err);

    vfs_close(p->r->vfs, handle->file);
    forget(p, handle->id);
    *handle = (struct handle){0};
    return code == 0 ? true : failed(p, "close", &err);
}

static bool use_handle(struct player *p, struct handle *handle)
{
    const struct step *step = p->step;
    struct vfs_attr attr;
    struct vfs_set set = {.flags = VFS_SET_SIZE};
    struct error err = {0};
    int64_t from = 0;
    int64_t to = 0;
    size_t size = 0;
    char *bytes = NULL;
    bool is_good = true;

    switch (step->kind) {
    case STEP_WRITE:
    case STEP_PART:
        bytes = sequence_content(step->words[1], &size);
        to = (int64_t)size;
        if (step->kind == STEP_PART && (!str_to_int64(step->words[2], 0, to, &from) ||
                                        (strcmp(step->words[3], "end") != 0 &&
                                         !str_to_int64(step->words[3], from, to, &to)))) {
            is_good = fail(p, "not a range of '%s'", step->words[1]);
        }
        is_good = is_good && write_bytes(p, handle->file, bytes, (size_t)from, (size_t)to);
        free(bytes);
        return is_good;
    case STEP_READ:
        return expect_bytes(p, handle->file, step->words[0], step->words[1]);
    case STEP_RESIZE:
        (void)str_to_int64(step->words[1], 0, INT64_MAX, &to);
        set.size_bytes = (uint64_t)to;
        is_good = vfs_setattr(p->r->vfs, &attr, handle->id, handle->file, &set, NULL, &err) == 0;
        break;
    case STEP_FLUSH:
        is_good = vfs_flush(p->r->vfs, handle->file, NULL, &err) == 0;
        break;
    case STEP_FSYNC:
        is_good = vfs_fsync(p->r->vfs, handle->file, NULL, &err) == 0;
        break;
    default:
        return close_file(p, handle);
    }
    return is_good ? true : failed(p, step->words[0], &err);
}

/* --- names --- */

static bool set_times(struct player *p)
{
    const struct step *step = p->step;
    struct handle *handle = handle_of(p, step->words[0]);
    struct vfs_set set = {.flags = VFS_SET_MODIFIED};
    struct vfs_attr attr;
    struct error err = {0};
    uint64_t id = handle ? 0 : find(p, step->words[0], NULL);
    int64_t seconds = 0;
    int code = 0;

    if (!handle && !id) {
        return *p->r->failure ? false : fail(p, "there is no '%s'", step->words[0]);
    }
    (void)str_to_int64(step->words[1], 0, INT64_MAX / 1000, &seconds);
    set.modified_ms = seconds * 1000;
    code = vfs_setattr(p->r->vfs, &attr, handle ? handle->id : id, handle ? handle->file : NULL,
                       &set, NULL, &err);
    forget(p, id);
    return code == 0 ? true : failed(p, step->words[0], &err);
}

static bool change_names(struct player *p)
{
    struct replay *r = p->r;
    const struct step *step = p->step;
    const char *name = step->words[0];
    struct vfs_attr attr;
    struct error err = {0};
    int code = 0;

    switch (step->kind) {
    case STEP_RENAME:
        code = vfs_rename(r->vfs, r->folder, name, r->folder, step->words[1],
                          step->count > 2 ? VFS_RENAME_NO_REPLACE : 0, NULL, &err);
        break;
    case STEP_UNLINK:
        code = vfs_unlink(r->vfs, r->folder, name, NULL, &err);
        break;
    case STEP_MKDIR:
        code = vfs_mkdir(r->vfs, &attr, r->folder, name, NULL, &err);
        if (code == 0) {
            forget(p, attr.id);
        }
        break;
    default:
        code = vfs_rmdir(r->vfs, r->folder, name, NULL, &err);
        break;
    }
    return code == 0 ? true : failed(p, name, &err);
}

static bool play(struct player *p)
{
    const struct step *step = p->step;
    struct handle *handle = NULL;

    switch (step->kind) {
    case STEP_CREATE:
    case STEP_OPEN:
        return open_file(p);
    case STEP_TIMES:
        return set_times(p);
    case STEP_RENAME:
    case STEP_UNLINK:
    case STEP_MKDIR:
    case STEP_RMDIR:
        return change_names(p);
    case STEP_STAT:
        return has_size(p, step->words[0], step->count > 1 ? step->words[1] : NULL);
    case STEP_ABSENT:
        return is_absent(p, step->words[0]);
    case STEP_HAS:
        return has(p, step->words[0], step->words[1]);
    case STEP_LIST:
        return lists(p, (const char *const *)step->words, (size_t)step->count);
    case STEP_WAIT:
        if (p->r->rest) {
            p->r->rest(p->r->payload);
        }
        return true;
    default:
        handle = handle_of(p, step->words[0]);
        return handle ? use_handle(p, handle) : fail(p, "'%s' is not open", step->words[0]);
    }
}

/* --- the whole --- */

static bool put_as_program(struct player *p, const char *name, const char *bytes, size_t size)
{
    struct handle handle = {.name = "before"};
    struct vfs_attr attr = {0};
    struct error err = {0};

    if (vfs_create(p->r->vfs, &handle.file, &attr, p->r->folder, name, VFS_WRITE | VFS_TRUNCATE,
                   NULL, &err) < 0) {
        return failed(p, name, &err);
    }
    handle.id = attr.id;
    return write_bytes(p, handle.file, bytes, 0, size) && close_file(p, &handle);
}

bool replay_prepare(struct replay *r,
                    bool (*put)(void *payload, const char *name, const void *data, size_t size))
{
    struct player p = {.r = r};
    bool is_good = true;

    *r->failure = '\0';
    for (size_t i = 0; i < r->sequence->before_count && is_good; i++) {
        const struct sequence_file *file = &r->sequence->before[i];
        size_t size = 0;
        char *bytes = sequence_content(file->content, &size);

        is_good = put ? put(r->payload, file->name, bytes, size)
                      : put_as_program(&p, file->name, bytes, size);
        free(bytes);
    }
    return is_good ? true : *r->failure ? false : fail(&p, "what is there before cannot be made");
}

bool replay_check(struct replay *r)
{
    const struct sequence *s = r->sequence;
    const char *names[SEQUENCE_NAMES + 1] = {s->document};
    struct player p = {.r = r};
    bool is_good = has(&p, s->document, s->becomes);

    for (size_t i = 0; i < s->after_count && is_good; i++) {
        names[i + 1] = s->after[i].name;
        is_good = has(&p, s->after[i].name, s->after[i].content);
    }
    return is_good && lists(&p, names, s->after_count + 1);
}

bool replay_run(struct replay *r)
{
    struct player p = {.r = r};
    bool is_stopped = false;
    bool is_good = true;

    for (size_t i = 0; i < r->sequence->step_count && is_good && !is_stopped; i++) {
        p.step = &r->sequence->steps[i];
        is_good = play(&p);
        is_stopped = is_good && r->after_step && !r->after_step(r->payload, i + 1);
    }
    p.step = NULL;
    for (size_t i = 0; i < HANDLES; i++) {
        if (p.handles[i].file) {
            is_good = is_good && (is_stopped || fail(&p, "'%s' was left open", p.handles[i].name));
            (void)vfs_flush(r->vfs, p.handles[i].file, NULL, NULL);
            vfs_close(r->vfs, p.handles[i].file);
            forget(&p, p.handles[i].id);
        }
    }
    return is_good && (is_stopped || replay_check(r));
}
