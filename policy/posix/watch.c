/*
 * inotify on folders, never on files: a file that is replaced by rename, or that is not there yet,
 * has no inode to watch. For each source all folders of its path are watched for the next name in
 * it, symbolic links are followed step by step, so that a link that is turned to another place
 * (Kubernetes, stow) tells like a file that is written. What tells that something happened is
 * inotify; whether something changed tells a print of what stat() says.
 */
#include "policy/watch.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "debounce.h"

enum {
    LOOK_MS = 30000,      /* beside inotify: network file systems, bind mounts */
    LOOK_ALONE_MS = 1000, /* instead of inotify */
    LINKS_MAX = 40,
    WATCHES_MAX = 512,
    ENTRIES_MAX = 4096
};

#define ON_NAMES \
    (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF)
#define ON_CONTENT (IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB)

/* One folder: told about these names in it, or about all. */
struct watched {
    int wd;
    bool is_any;
    struct str_list names;
};

struct watched_list {
    struct watched *items;
    size_t count;
    size_t capacity;
};

struct policy_watch {
    struct thread thread;
    struct str_list places; /* absolute; the first `folder_count` are folders */
    size_t folder_count;
    policy_watch_fn changed;
    void *payload;
    int inotify; /* -1: none to be had */
    int stop;    /* eventfd: readable when it shall end */
    struct watched_list watched;
    struct debounce debounce;
    uint64_t print; /* of what was there when `changed` was called last */
};

static void list_clear(struct watched_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        str_list_clear(&list->items[i].names);
    }
    free(list->items);
    *list = (struct watched_list){0};
}

static struct watched *list_find(const struct watched_list *list, int wd)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].wd == wd) {
            return &list->items[i];
        }
    }
    return NULL;
}

/* NULL without memory, or when there are too many: then it is looked at now and then. */
static struct watched *list_add(struct watched_list *list, int wd)
{
    struct watched *items = list->items;

    if (list->count == WATCHES_MAX) {
        return NULL;
    }
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 16;

        items = realloc(items, capacity * sizeof(*items));
        if (!items) {
            return NULL;
        }
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count] = (struct watched){.wd = wd};
    return &list->items[list->count++];
}

/* `name` NULL: all that happens in the folder. */
static void watch_folder(const struct policy_watch *watch, struct watched_list *list,
                         const char *folder, const char *name, bool has_content)
{
    uint32_t mask = ON_NAMES | (has_content ? (uint32_t)ON_CONTENT : 0) | IN_ONLYDIR | IN_MASK_ADD;
    struct watched *watched;
    int wd;

    if (watch->inotify < 0) {
        return;
    }
    wd = inotify_add_watch(watch->inotify, *folder ? folder : "/", mask);
    if (wd < 0) {
        return;
    }
    watched = list_find(list, wd);
    watched = watched ? watched : list_add(list, wd);
    if (!watched) {
        inotify_rm_watch(watch->inotify, wd);
    } else if (!name) {
        watched->is_any = true;
    } else if (str_list_add(&watched->names, name, NULL) < 0) {
        watched->is_any = true;
    }
}

/* What the link at `at` says, put before `rest`: in `rest` again, and `at` is where it starts. */
static bool follow_link(char at[PATH_MAX], size_t parent_length, char rest[PATH_MAX])
{
    char target[PATH_MAX];
    ssize_t length = readlink(at, target, sizeof(target) - 1);
    size_t rest_length = strlen(rest);

    if (length <= 0 || (size_t)length + 1 + rest_length >= PATH_MAX) {
        return false;
    }
    target[length] = '\0';
    memmove(rest + length + 1, rest, rest_length + 1);
    memcpy(rest, target, (size_t)length);
    rest[length] = '/';
    at[target[0] == '/' ? 0 : parent_length] = '\0';
    return true;
}

/* Takes the first component of `rest` off it; false when there is none. */
static bool take_component(char rest[PATH_MAX], char name[NAME_MAX + 1])
{
    const char *from = rest + strspn(rest, "/");
    size_t length = strcspn(from, "/");

    if (length == 0 || length > NAME_MAX) {
        return false;
    }
    memcpy(name, from, length);
    name[length] = '\0';
    memmove(rest, from + length, strlen(from + length) + 1);
    return true;
}

static bool add_component(char at[PATH_MAX], const char *name)
{
    size_t used = strlen(at);
    size_t length = strlen(name);

    if (used + 1 + length >= PATH_MAX) {
        return false;
    }
    at[used] = '/';
    memcpy(at + used + 1, name, length + 1);
    return true;
}

/* Watches every folder on the way to `path`, links followed. Each folder is watched before what is
 * in it is looked at, so that nothing comes between. */
static void watch_path(const struct policy_watch *watch, struct watched_list *list,
                       const char *path)
{
    char at[PATH_MAX] = "";
    char rest[PATH_MAX];
    char name[NAME_MAX + 1];
    int links = 0;

    if (path[0] != '/' || strlen(path) >= sizeof(rest)) {
        return;
    }
    memcpy(rest, path, strlen(path) + 1);
    while (take_component(rest, name)) {
        size_t parent_length = strlen(at);
        struct stat st;

        if (strcmp(name, "..") == 0) {
            char *slash = strrchr(at, '/');

            at[slash ? slash - at : 0] = '\0';
            continue;
        }
        if (strcmp(name, ".") == 0) {
            continue;
        }
        watch_folder(watch, list, at, name, rest[strspn(rest, "/")] == '\0');
        if (!add_component(at, name) || lstat(at, &st) < 0) {
            return;
        }
        if (S_ISLNK(st.st_mode) && (++links > LINKS_MAX || !follow_link(at, parent_length, rest))) {
            return;
        }
    }
}

static uint64_t mix(uint64_t print, uint64_t value)
{
    for (int i = 0; i < 8; i++) {
        print = (print ^ ((value >> (8 * i)) & 0xFF)) * UINT64_C(0x100000001b3);
    }
    return print;
}

/* What stat() says about `path`: another file, other bytes, another owner or mode change it. */
static uint64_t print_path(const char *path)
{
    uint64_t print = str_hash(path);
    struct stat st;

    if (stat(path, &st) < 0) {
        return mix(print, (uint64_t)errno);
    }
    print = mix(print, (uint64_t)st.st_dev);
    print = mix(print, (uint64_t)st.st_ino);
    print = mix(print, (uint64_t)st.st_mode);
    if (S_ISDIR(st.st_mode)) {
        return print; /* its times tell of files that are not ours */
    }
    print = mix(print, (uint64_t)st.st_size);
    print = mix(print, (uint64_t)st.st_mtim.tv_sec);
    print = mix(print, (uint64_t)st.st_mtim.tv_nsec);
    print = mix(print, (uint64_t)st.st_ctim.tv_sec);
    return mix(print, (uint64_t)st.st_ctim.tv_nsec);
}

/* Visits the entries of a folder of policy: watches where links lead (`list` not NULL), and gives
 * the print of all, whatever their order. */
static uint64_t visit_folder(const struct policy_watch *watch, struct watched_list *list,
                             const char *folder)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    uint64_t print = 0;
    int count = 0;

    while (dir && count < ENTRIES_MAX && (entry = readdir(dir)) != NULL) {
        char *path = NULL;

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            str_format(&path, NULL, "%s/%s", folder, entry->d_name) < 0) {
            continue;
        }
        count++;
        print += print_path(path);
        if (list && entry->d_type != DT_REG) {
            watch_path(watch, list, path);
        }
        free(path);
    }
    if (dir) {
        closedir(dir);
    }
    return print;
}

static uint64_t print_all(const struct policy_watch *watch)
{
    uint64_t print = 0;

    for (size_t i = 0; i < watch->places.count; i++) {
        const char *place = watch->places.items[i];

        print = mix(print, print_path(place));
        if (i < watch->folder_count) {
            print = mix(print, visit_folder(watch, NULL, place));
        }
    }
    return print;
}

/* Watches what is to be watched now, then lets go of what is not any more. */
static void arm(struct policy_watch *watch)
{
    struct watched_list fresh = {0};

    for (size_t i = 0; i < watch->places.count; i++) {
        const char *place = watch->places.items[i];

        watch_path(watch, &fresh, place);
        if (i < watch->folder_count) {
            watch_folder(watch, &fresh, place, NULL, true);
            (void)visit_folder(watch, &fresh, place);
        }
    }
    for (size_t i = 0; i < watch->watched.count; i++) {
        if (!list_find(&fresh, watch->watched.items[i].wd)) {
            inotify_rm_watch(watch->inotify, watch->watched.items[i].wd);
        }
    }
    list_clear(&watch->watched);
    watch->watched = fresh;
}

static bool is_about_us(const struct policy_watch *watch, const struct inotify_event *event)
{
    const struct watched *watched = list_find(&watch->watched, event->wd);

    if (event->mask & IN_Q_OVERFLOW) {
        return true;
    }
    if (!watched || (event->mask & IN_IGNORED)) {
        return false;
    }
    if (watched->is_any || event->len == 0) {
        return true;
    }
    for (size_t i = 0; i < watched->names.count; i++) {
        if (strcmp(watched->names.items[i], event->name) == 0) {
            return true;
        }
    }
    return false;
}

static bool read_events(const struct policy_watch *watch)
{
    char buffer[8192] __attribute__((aligned(__alignof__(struct inotify_event))));
    bool is_ours = false;
    ssize_t got;

    while ((got = read(watch->inotify, buffer, sizeof(buffer))) > 0) {
        for (ssize_t at = 0; at < got;) {
            const struct inotify_event *event = (const struct inotify_event *)(buffer + at);

            is_ours = is_about_us(watch, event) || is_ours;
            at += (ssize_t)(sizeof(*event) + event->len);
        }
    }
    return is_ours;
}

static void look(struct policy_watch *watch)
{
    uint64_t print;

    arm(watch);
    print = print_all(watch);
    if (print != watch->print) {
        watch->print = print;
        watch->changed(watch->payload);
    }
}

static void *run(void *payload)
{
    struct policy_watch *watch = payload;
    struct pollfd fds[2] = {{.fd = watch->stop, .events = POLLIN},
                            {.fd = watch->inotify, .events = POLLIN}};

    arm(watch);
    watch->print = print_all(watch);
    watch->changed(watch->payload);
    for (;;) {
        int64_t wait = debounce_wait_ms(&watch->debounce, clock_mono_ms(clock_system()));
        int ready;

        if (wait < 0) {
            wait = watch->inotify < 0 ? LOOK_ALONE_MS : LOOK_MS;
        }
        ready = poll(fds, 2, (int)wait);
        if (fds[0].revents) {
            return NULL;
        }
        if (ready > 0 && (fds[1].revents & POLLIN) && read_events(watch)) {
            debounce_note(&watch->debounce, clock_mono_ms(clock_system()));
        }
        if (debounce_take(&watch->debounce, clock_mono_ms(clock_system())) ||
            (ready == 0 && !watch->debounce.is_pending)) {
            look(watch);
        }
    }
}

static int add_place(struct policy_watch *watch, const char *path, struct error *err)
{
    return path ? str_list_add(&watch->places, path, err) : 0;
}

static int copy_places(struct policy_watch *watch, const struct policy_sources *sources,
                       struct error *err)
{
    char *absolute = NULL;
    int code = add_place(watch, sources->machine_directory, err);

    watch->folder_count = watch->places.count;
    if (code == 0) {
        code = add_place(watch, sources->machine_file, err);
    }
    if (code == 0) {
        code = add_place(watch, sources->user_preference_file, err);
    }
    if (code == 0 && sources->override_file && sources->override_file[0] != '/') {
        char here[PATH_MAX];

        if (!getcwd(here, sizeof(here))) {
            return error_set(err, ERR_IO, "the current folder has no path: %s", strerror(errno));
        }
        code = str_format(&absolute, err, "%s/%s", here, sources->override_file);
    }
    if (code == 0) {
        code = add_place(watch, absolute ? absolute : sources->override_file, err);
    }
    free(absolute);
    return code;
}

static void watch_free(struct policy_watch *watch)
{
    if (watch->inotify >= 0) {
        close(watch->inotify);
    }
    if (watch->stop >= 0) {
        close(watch->stop);
    }
    list_clear(&watch->watched);
    str_list_clear(&watch->places);
    free(watch);
}

int policy_watch_start(struct policy_watch **out, const struct policy_sources *sources,
                       policy_watch_fn changed, void *payload, struct error *err)
{
    struct policy_watch *watch = calloc(1, sizeof(*watch));
    int code;

    if (!watch) {
        return error_set(err, ERR_NO_MEMORY, "no memory to watch the policy");
    }
    watch->changed = changed;
    watch->payload = payload;
    watch->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    watch->stop = eventfd(0, EFD_CLOEXEC);
    if (watch->inotify < 0) { /* fs.inotify.max_user_instances is soon reached on shared hosts */
        log_info(LOG_POLICY, "changes of the policy are looked for every second: %s",
                 strerror(errno));
    }
    code = watch->stop < 0
               ? error_set(err, ERR_IO, "the policy cannot be watched: %s", strerror(errno))
               : copy_places(watch, sources, err);
    if (code == 0) {
        code = thread_start(&watch->thread, "policy", run, watch, err);
    }
    if (code < 0) {
        watch_free(watch);
        return code;
    }
    *out = watch;
    return 0;
}

void policy_watch_stop(struct policy_watch *watch)
{
    const uint64_t one = 1;

    if (!watch) {
        return;
    }
    if (write(watch->stop, &one, sizeof(one)) == (ssize_t)sizeof(one)) {
        thread_join(&watch->thread);
        watch_free(watch);
    }
}
