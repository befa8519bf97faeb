#include "waiting.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct search {
    struct waiting_seen seen;
    bool is_for_state;
    enum online_vfs_upload_state state;
};

static void see(void *payload, const struct online_vfs_upload *upload)
{
    struct search *search = payload;
    struct waiting_seen *seen = &search->seen;

    if (search->is_for_state && upload->state != search->state) {
        return;
    }
    seen->count++;
    seen->tried += upload->attempts > 0;
    seen->state = upload->state;
    snprintf(seen->id, sizeof(seen->id), "%s", upload->id);
    snprintf(seen->path, sizeof(seen->path), "%s", upload->path);
    snprintf(seen->file, sizeof(seen->file), "%s", upload->spool_file);
    snprintf(seen->reason, sizeof(seen->reason), "%s", upload->reason);
}

struct waiting_seen waiting_look(struct fixture *f)
{
    struct search search = {.is_for_state = false};

    assert_int_equal(online_vfs_visit_uploads(f->online, see, &search, NULL), 0);
    return search.seen;
}

struct waiting_seen waiting_look_for(struct fixture *f, enum online_vfs_upload_state state)
{
    struct search search = {.is_for_state = true, .state = state};

    assert_int_equal(online_vfs_visit_uploads(f->online, see, &search, NULL), 0);
    return search.seen;
}

static void count_row(void *payload, const struct online_vfs_upload *upload)
{
    *(unsigned *)payload += upload->state != UPLOAD_UNSAVED;
}

unsigned waiting_left(struct fixture *f)
{
    unsigned count = 0;

    assert_int_equal(online_vfs_visit_uploads(f->online, count_row, &count, NULL), 0);
    return count;
}

void waiting_until_tried(struct fixture *f)
{
    struct waiting_seen seen = waiting_look_for(f, UPLOAD_SETTLING);

    for (int i = 0; i < WAITING_LONG_MS && seen.tried < seen.count; i++) {
        usleep(1000);
        seen = waiting_look_for(f, UPLOAD_SETTLING);
    }
    assert_in_range(seen.count, 1, UINT32_MAX);
    assert_int_equal(seen.tried, seen.count);
}

void waiting_decide_in_vain(struct fixture *f)
{
    fixture_cut_line(f, true);
    (void)online_vfs_settle(f->online, 0);
    waiting_until_tried(f);
    assert_non_null(strstr(waiting_look_for(f, UPLOAD_SETTLING).reason, "did not take"));
}

void waiting_hold(struct fixture *f, int64_t delay_ms)
{
    f->options.upload_delay_ms = delay_ms;
    online_vfs_configure(f->online, &f->options);
}

void waiting_until_sent(struct fixture *f)
{
    assert_int_equal(online_vfs_wait_uploads(f->online, WAITING_LONG_MS), 0);
}

void waiting_send_all(struct fixture *f)
{
    for (int i = 0; i < WAITING_LONG_MS / 10 && waiting_look(f).count > 0; i++) {
        assert_int_equal(online_vfs_retry_uploads(f->online, NULL, NULL, NULL), 0);
        usleep(10000);
    }
    assert_int_equal(waiting_look(f).count, 0);
}

void waiting_drain(struct fixture *f)
{
    assert_int_equal(online_vfs_drain(f->online, WAITING_LONG_MS), 0);
}

void waiting_send_now(struct fixture *f)
{
    assert_int_equal(online_vfs_retry_uploads(f->online, waiting_look(f).id, NULL, NULL), 0);
    waiting_until_sent(f);
}
