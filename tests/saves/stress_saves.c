/*
 * Four programs save at once, each in a folder of its own, while what waits is sent almost at once:
 * in the middle of every save, that is. Which item has the content then is a matter of luck; that
 * every program sees what it did, and that the server has it in the end, is not. For
 * ThreadSanitizer.
 *
 * `stress_saves [ROUNDS [PATTERN]]`
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "all_saves.h"
#include "base/thread.h"
#include "fixture.h"
#include "replay.h"

#define PROGRAMS 4
#define WAIT_MS 60000

struct program {
    struct thread thread;
    struct fixture *f;
    const struct sequence *sequence;
    struct replay replay;
    char folder[32];
    bool is_good;
};

static void *run(void *payload)
{
    struct program *p = payload;

    p->is_good = replay_prepare(&p->replay, NULL) && replay_run(&p->replay);
    return NULL;
}

static bool is_on_server(struct program *p)
{
    const struct sequence *s = p->sequence;
    char path[256];
    size_t size = 0;
    char *bytes = sequence_content(s->becomes, &size);
    bool is_so = false;

    snprintf(path, sizeof(path), "%s/%s", p->folder, s->document);
    is_so = fake_has(p->f->fake, path, bytes, size);
    free(bytes);
    return is_so;
}

static bool save_at_once(void *payload, const struct sequence *sequence, char *why, size_t size)
{
    const struct str_list *patterns = payload;
    struct program programs[PROGRAMS];
    struct fixture f;
    bool is_good = true;

    fixture_prepare(&f);
    f.options.settle_ms = 2;
    f.options.upload_delay_ms = 1;
    f.options.saves_in_background = true;
    f.options.keeps_both = true;
    f.options.local_only = patterns;
    fixture_start(&f);
    fake_set_latency(f.fake, 1);
    for (int i = 0; i < PROGRAMS; i++) {
        struct program *p = &programs[i];
        struct vfs_attr attr;

        *p = (struct program){.f = &f, .sequence = sequence};
        snprintf(p->folder, sizeof(p->folder), "program %d", i);
        if (vfs_mkdir(f.vfs, &attr, f.root, p->folder, NULL, NULL) < 0) {
            exit(2);
        }
        p->replay = (struct replay){.sequence = sequence, .vfs = f.vfs, .folder = attr.id};
    }
    for (int i = 0; i < PROGRAMS; i++) {
        if (thread_start(&programs[i].thread, "program", run, &programs[i], NULL) < 0) {
            exit(2);
        }
    }
    for (int i = 0; i < PROGRAMS; i++) {
        struct program *p = &programs[i];

        thread_join(&p->thread);
        if (is_good && !p->is_good) {
            snprintf(why, size, "%s", p->replay.failure);
            is_good = false;
        }
    }
    if (is_good && (online_vfs_settle(f.online, WAIT_MS) > 0 ||
                    online_vfs_wait_uploads(f.online, WAIT_MS) > 0)) {
        snprintf(why, size, "something is still waiting");
        is_good = false;
    }
    for (int i = 0; i < PROGRAMS; i++) {
        struct program *p = &programs[i];

        if (is_good && (!replay_check(&p->replay) || !is_on_server(p))) {
            snprintf(why, size, "in the end: %s",
                     *p->replay.failure ? p->replay.failure : "not on the server");
            is_good = false;
        }
        vfs_forget(f.vfs, p->replay.folder, 1);
    }
    fixture_end(&f);
    return is_good;
}

int main(int argc, char **argv)
{
    struct str_list patterns = {0};
    int64_t rounds = 2;
    int failed = 0;

    if (argc > 1 && !str_to_int64(argv[1], 1, 10000, &rounds)) {
        fprintf(stderr, "usage: stress_saves [ROUNDS [PATTERN]]\n");
        return 2;
    }
    saves_patterns(&patterns);
    for (int64_t i = 0; i < rounds && !failed; i++) {
        failed = all_saves("at once", argc > 2 ? argv[2] : NULL, save_at_once, &patterns);
    }
    str_list_clear(&patterns);
    return failed;
}
