/*
 * The machine dies after each step of each sequence: what is on its disk at that moment (spool and
 * journal, copied) and what is on the server is all that the next agent has. Neither the old nor the
 * new content may be lost: the document is on the server, whole, old or new; and content that a
 * program had written completely is on the server or named with its bytes.
 *
 * `test_saves_crash [PATTERN]`
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "all_saves.h"
#include "base/buf.h"
#include "base/file.h"
#include "fixture.h"
#include "replay.h"

#define WAIT_MS 20000

struct crash {
    struct fixture f;
    struct replay replay;
    const struct str_list *patterns;
    bool is_background;
    bool is_complete; /* a file here had the new content, all of it, and was closed */
    char why[600];
    size_t size;
};

static void start(struct fixture *f, const struct crash *crash)
{
    f->options.settle_ms = 3600000; /* only when told to */
    f->options.upload_delay_ms = crash->is_background ? 60000 : 0;
    f->options.saves_in_background = crash->is_background;
    f->options.keeps_both = true;
    f->options.local_only = crash->patterns;
    fixture_start(f);
}

/* --- what is where --- */

static bool is_on_server(struct fake *fake, const char *name, const char *content)
{
    size_t size = 0;
    char *bytes = sequence_content(content, &size);
    bool is_so = fake_has(fake, name, bytes, size);

    free(bytes);
    return is_so;
}

/* Under whatever name: what waited whether it gets another one is sent as it was called. */
struct anywhere {
    const char *bytes;
    size_t size;
    bool is_found;
};

static void compare(void *payload, const char *path, bool is_folder, const void *data,
                    uint64_t size)
{
    struct anywhere *search = payload;

    (void)path;
    if (!is_folder && size == search->size && memcmp(data, search->bytes, size) == 0) {
        search->is_found = true;
    }
}

static bool is_anywhere(struct fake *fake, const char *content)
{
    struct anywhere search = {0};
    char *bytes = sequence_content(content, &search.size);

    search.bytes = bytes;
    fake_visit(fake, compare, &search);
    free(bytes);
    return search.is_found;
}

struct search {
    const char *content;
    bool is_found;
};

static void look_into(void *payload, const struct online_vfs_unsaved *unsaved)
{
    struct search *search = payload;
    size_t size = 0;
    char *bytes = sequence_content(search->content, &size);
    struct buf buf;

    buf_init(&buf, 16u * 1024 * 1024);
    if (unsaved->size_bytes == size && file_read_all(&buf, unsaved->spool_file, NULL) == 0 &&
        buf.size == size && memcmp(buf_text(&buf), bytes, size) == 0) {
        search->is_found = true;
    }
    buf_clear(&buf);
    free(bytes);
}

static bool is_unsaved(struct fixture *f, const char *content)
{
    struct search search = {.content = content};

    return online_vfs_visit_unsaved(f->online, look_into, &search, NULL) == 0 && search.is_found;
}

/* --- the next agent --- */

static bool lost(struct crash *crash, size_t step, const char *what)
{
    snprintf(crash->why, sizeof(crash->why), "after step %zu: %s", step, what);
    return false;
}

/* Which file of the sequence has a name and all of the new content now, by the first agent. */
static bool is_written(struct crash *crash)
{
    const struct sequence *s = crash->replay.sequence;

    for (size_t i = 0; i < s->step_count; i++) {
        const struct step *step = &s->steps[i];
        struct vfs_attr attr;
        size_t size = 0;
        size_t got = 0;
        char *bytes = NULL;
        char *data = NULL;
        struct vfs_file *file = NULL;
        bool is_so = false;

        if (step->kind != STEP_CREATE ||
            vfs_lookup(crash->f.vfs, &attr, crash->f.root, step->words[1], NULL, NULL) < 0) {
            continue;
        }
        bytes = sequence_content(s->becomes, &size);
        data = malloc(size + 1);
        if (attr.size_bytes == size &&
            vfs_open(crash->f.vfs, &file, attr.id, VFS_READ, NULL, NULL) == 0) {
            is_so = vfs_read(crash->f.vfs, file, data, size, 0, &got, NULL, NULL) == 0 &&
                    got == size && memcmp(data, bytes, size) == 0;
            vfs_close(crash->f.vfs, file);
        }
        vfs_forget(crash->f.vfs, attr.id, 1);
        free(bytes);
        free(data);
        if (is_so) {
            return true;
        }
    }
    return false;
}

static bool judge(struct crash *crash, struct fixture *next, size_t step)
{
    const struct sequence *s = crash->replay.sequence;
    struct fake *fake = crash->f.fake;
    bool has_new = is_on_server(fake, s->document, s->becomes);
    bool has_old = is_on_server(fake, s->document, "old");
    bool has_between = is_on_server(fake, s->document, "new"); /* of two saves, the first */

    if (!s->is_new && !has_new && !has_old && !has_between) {
        return lost(crash, step, "the document is not on the server");
    }
    if (crash->is_complete && !is_anywhere(fake, s->becomes) && !is_unsaved(next, s->becomes)) {
        return lost(crash, step, "the new content is lost");
    }
    return true;
}

/* The first agent is dead; the next one starts with a copy of its spool. */
static bool after_step(void *payload, size_t done)
{
    struct crash *crash = payload;
    struct fixture next = {.fake = crash->f.fake, .options = crash->f.options};

    crash->is_complete = crash->is_complete || is_written(crash);
    if (done < crash->size) {
        return true;
    }
    snprintf(next.spool, sizeof(next.spool), "%s/spool2", crash->f.directory);
    snprintf(next.cache, sizeof(next.cache), "%s/cache2", crash->f.directory);
    next.options.spool_directory = next.spool;
    next.options.cache_directory = next.cache;
    fixture_copy_spool(&crash->f, next.spool);
    start(&next, crash);
    (void)online_vfs_settle(next.online, WAIT_MS);
    (void)online_vfs_retry_uploads(next.online, NULL, NULL, NULL);
    (void)online_vfs_wait_uploads(next.online, WAIT_MS);
    (void)judge(crash, &next, done);
    fixture_stop(&next);
    return false; /* enough; crash->why says how it was */
}

static bool put(void *payload, const char *name, const void *data, size_t size)
{
    struct crash *crash = payload;

    fake_put(crash->f.fake, name, data, size);
    return true;
}

static bool crash_at(struct crash *crash, const struct sequence *sequence, size_t step)
{
    bool is_good = false;

    fixture_prepare(&crash->f);
    start(&crash->f, crash);
    crash->size = step;
    crash->is_complete = false;
    crash->replay = (struct replay){.sequence = sequence,
                                    .vfs = crash->f.vfs,
                                    .folder = crash->f.root,
                                    .after_step = after_step,
                                    .payload = crash};
    is_good = replay_prepare(&crash->replay, put) && fixture_list(&crash->f, "") >= 0 &&
              replay_run(&crash->replay);
    if (!is_good && !*crash->why) {
        snprintf(crash->why, sizeof(crash->why), "%s", crash->replay.failure);
    }
    fixture_end(&crash->f);
    return is_good && !*crash->why;
}

static bool crash_everywhere(void *payload, const struct sequence *sequence, char *why, size_t size)
{
    struct crash *crash = payload;
    bool is_good = true;

    *crash->why = '\0';
    for (size_t step = 1; step <= sequence->step_count && is_good; step++) {
        is_good = crash_at(crash, sequence, step);
    }
    snprintf(why, size, "%s", crash->why);
    return is_good;
}

int main(int argc, char **argv)
{
    const char *pattern = argc > 1 ? argv[1] : NULL;
    struct str_list patterns = {0};
    struct crash crash = {.patterns = &patterns};
    int failed = 0;

    saves_patterns(&patterns);
    failed = all_saves("crash, before close", pattern, crash_everywhere, &crash);
    crash.is_background = true;
    failed |= all_saves("crash, in the background", pattern, crash_everywhere, &crash);
    str_list_clear(&patterns);
    return failed;
}
