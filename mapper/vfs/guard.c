#include "guard.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "base/thread.h"
#include "mapper/online_vfs.h"

#define WINDOW_S 60
#define TITLE_MAX 15 /* of the name that Linux keeps of a process */

/* Deletes of one second. */
struct second {
    int64_t at_s;
    uint32_t count;
};

struct guard {
    struct mutex lock; /* guards all below */
    struct str_list extensions;
    struct str_list scanners;
    uint32_t threshold; /* 0: off */
    struct second seconds[WINDOW_S];
    bool is_paused;    /* the threshold was crossed and nobody allowed it yet */
    uint32_t refused;  /* deletes, since then */
    int64_t paused_ms; /* wall clock */
    int64_t allowed_until_ms;
};

int guard_new(struct guard **out, struct error *err)
{
    struct guard *guard = calloc(1, sizeof(*guard));

    if (!guard) {
        return error_set(err, ERR_NO_MEMORY, "no memory for the online file system");
    }
    mutex_init(&guard->lock);
    *out = guard;
    return 0;
}

void guard_free(struct guard *guard)
{
    if (guard) {
        str_list_clear(&guard->extensions);
        str_list_clear(&guard->scanners);
        mutex_clear(&guard->lock);
        free(guard);
    }
}

/* As administrators write them: "exe", ".exe", "*.exe". */
static const char *bare_extension(const char *text)
{
    text += *text == '*';
    return text + (*text == '.');
}

static int copy_list(struct str_list *out, const struct str_list *from, bool are_extensions,
                     struct error *err)
{
    int code = 0;

    for (size_t i = 0; from && i < from->count && code == 0; i++) {
        const char *item = are_extensions ? bare_extension(from->items[i]) : from->items[i];

        code = *item ? str_list_add(out, item, err) : 0;
    }
    return code;
}

int guard_configure(struct guard *guard, const struct online_vfs_options *options,
                    struct error *err)
{
    struct str_list extensions = {0};
    struct str_list scanners = {0};
    struct str_list old = {0};
    int code = copy_list(&extensions, options->blocked_extensions, true, err);

    if (code == 0) {
        code = copy_list(&scanners, options->scanner_processes, false, err);
    }
    if (code == 0) {
        mutex_lock(&guard->lock);
        old = guard->extensions;
        guard->extensions = extensions;
        extensions = old;
        old = guard->scanners;
        guard->scanners = scanners;
        scanners = old;
        guard->threshold = options->delete_threshold;
        guard->is_paused = guard->is_paused && guard->threshold > 0;
        mutex_unlock(&guard->lock);
    }
    str_list_clear(&extensions);
    str_list_clear(&scanners);
    return code;
}

/* --- deletes; the lock is held --- */

static int64_t now_ms(void)
{
    return clock_mono_ms(clock_system());
}

static uint64_t count_window(const struct guard *guard, int64_t now_s)
{
    uint64_t count = 0;

    for (size_t i = 0; i < WINDOW_S; i++) {
        count += guard->seconds[i].at_s > now_s - WINDOW_S ? guard->seconds[i].count : 0;
    }
    return count;
}

static void count_delete(struct guard *guard, int64_t now_s, uint32_t items)
{
    struct second *second = &guard->seconds[now_s % WINDOW_S];

    if (second->at_s != now_s) {
        *second = (struct second){.at_s = now_s};
    }
    second->count += items;
}

int guard_delete(struct guard *guard, uint32_t items, struct error *err)
{
    int64_t now = now_ms();
    bool is_news = false;
    bool is_refused = false;
    uint32_t threshold = 0;

    mutex_lock(&guard->lock);
    threshold = guard->threshold;
    if (threshold > 0 && now >= guard->allowed_until_ms && items > 0) {
        is_refused = guard->is_paused || count_window(guard, now / 1000) + items > guard->threshold;
        is_news = is_refused && !guard->is_paused;
    }
    if (is_refused) {
        guard->is_paused = true;
        guard->refused += items;
        guard->paused_ms = is_news ? clock_wall_ms(clock_system()) : guard->paused_ms;
    } else {
        count_delete(guard, now / 1000, items);
    }
    mutex_unlock(&guard->lock);
    if (is_news) {
        log_write(LOG_LEVEL_ERROR, LOG_VFS,
                  "more than %u items were to be deleted within a minute: deleting is paused until "
                  "`mooring deletes allow`",
                  threshold);
    }
    return is_refused ? error_set(err, ERR_DENIED,
                                  "more than %u deletes within a minute (MassDeleteThreshold): "
                                  "deleting is paused until `mooring deletes allow`",
                                  threshold)
                      : 0;
}

void guard_delete_failed(struct guard *guard, uint32_t items)
{
    mutex_lock(&guard->lock);
    for (size_t i = 0; i < WINDOW_S && items > 0; i++) {
        struct second *second = &guard->seconds[i];
        uint32_t part = second->count < items ? second->count : items;

        second->count -= part;
        items -= part;
    }
    mutex_unlock(&guard->lock);
}

void guard_allow_deletes(struct guard *guard, int64_t for_ms)
{
    mutex_lock(&guard->lock);
    memset(guard->seconds, 0, sizeof(guard->seconds));
    guard->is_paused = false;
    guard->refused = 0;
    guard->allowed_until_ms = now_ms() + for_ms;
    mutex_unlock(&guard->lock);
}

void guard_deletes(struct guard *guard, struct online_vfs_deletes *out)
{
    int64_t now = now_ms();

    mutex_lock(&guard->lock);
    *out = (struct online_vfs_deletes){
        .is_paused = guard->is_paused,
        .refused = guard->refused,
        .paused_ms = guard->paused_ms,
        .threshold = guard->threshold,
        .allowed_ms = guard->allowed_until_ms > now ? guard->allowed_until_ms - now : 0,
    };
    mutex_unlock(&guard->lock);
}

/* --- names --- */

static bool has_extension(const char *name, const char *extension)
{
    size_t length = strlen(name);
    size_t ending = strlen(extension);

    return length > ending && name[length - ending - 1] == '.' &&
           str_equal_nocase(name + length - ending, extension);
}

int guard_name(struct guard *guard, const char *name, struct error *err)
{
    bool is_blocked = false;

    mutex_lock(&guard->lock);
    for (size_t i = 0; i < guard->extensions.count && !is_blocked; i++) {
        is_blocked = has_extension(name, guard->extensions.items[i]);
    }
    mutex_unlock(&guard->lock);
    return is_blocked
               ? error_set(err, ERR_DENIED,
                           "policy (BlockedExtensions) lets no such file be saved: '%.120s'", name)
               : 0;
}

/* --- who calls --- */

static bool is_named(const char *wanted, const char *program, const char *title)
{
    size_t length = strlen(wanted);

    return str_equal_nocase(wanted, program) || str_equal_nocase(wanted, title) ||
           (length > TITLE_MAX && strlen(title) == TITLE_MAX &&
            str_starts_with_nocase(wanted, title));
}

bool guard_is_scanner(struct guard *guard, uint32_t pid)
{
    char program[CALLER_NAME_SIZE];
    char title[CALLER_NAME_SIZE];
    bool is_scanner = false;
    bool has_any = false;

    mutex_lock(&guard->lock);
    has_any = guard->scanners.count > 0;
    mutex_unlock(&guard->lock);
    if (!has_any || pid == 0) {
        return false;
    }
    caller_names(pid, program, title);
    mutex_lock(&guard->lock);
    for (size_t i = 0; i < guard->scanners.count && !is_scanner; i++) {
        is_scanner = is_named(guard->scanners.items[i], program, title);
    }
    mutex_unlock(&guard->lock);
    return is_scanner;
}
