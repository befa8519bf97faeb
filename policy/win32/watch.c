/*
 * The registry tells by events. A key that does not exist is waited for at the nearest key above
 * it that does. RegNotifyChangeKeyValue() tells once: it is armed again before anything is read,
 * so that a change while it is read is not lost. Whether something changed tells a print of all
 * the values; files (--policy FILE) are looked at every second.
 */
#include "policy/watch.h"

#include <stdlib.h>
#include <string.h>
#include <windows.h>

#include "base/clock.h"
#include "base/thread.h"
#include "base/win32.h"
#include "debounce.h"
#include "registry.h"

#ifndef REG_NOTIFY_THREAD_AGNOSTIC
#define REG_NOTIFY_THREAD_AGNOSTIC 0x10000000L
#endif

enum {
    LOOK_MS = 30000, /* beside the events */
    LOOK_FILES_MS = 1000,
    KEYS = 4,
    ARM_TRIES = 4,
    PLACES = 4
};

struct watched {
    bool is_machine;
    const char *key;
    size_t length; /* of what `handle` is of; less than the key's: one above it */
    HKEY handle;   /* NULL: nothing to be watched */
    HANDLE event;
};

struct policy_watch {
    struct thread thread;
    policy_watch_fn changed;
    void *payload;
    policy_registry_fn registry;
    void *registry_payload;
    char *places[PLACES]; /* files and folders; NULL: none */
    struct watched keys[KEYS];
    HANDLE stop;
    struct debounce debounce;
    uint64_t print;
};

static uint64_t mix(uint64_t print, const void *data, size_t size)
{
    const unsigned char *bytes = data;

    for (size_t i = 0; i < size; i++) {
        print = (print ^ bytes[i]) * UINT64_C(0x100000001b3);
    }
    return print;
}

/* The last part of a key goes; false when there is none left. */
static bool cut_last(wchar_t *key)
{
    wchar_t *slash = wcsrchr(key, L'\\');

    if (!slash) {
        return false;
    }
    *slash = L'\0';
    return true;
}

/* The length of the key's name up to where it exists, all of it when it does; 0: nothing. *handle,
 * when asked for, is what is there. */
static size_t find_nearest(const struct watched *watched, HKEY *handle)
{
    HKEY root = watched->is_machine ? HKEY_LOCAL_MACHINE : HKEY_CURRENT_USER;
    HKEY found = NULL;
    wchar_t *key = NULL;
    size_t length = 0;
    bool is_done = win32_wide(&key, watched->key, NULL) < 0;

    while (!is_done) {
        if (RegOpenKeyExW(root, key, 0, KEY_NOTIFY | KEY_WOW64_64KEY, &found) == ERROR_SUCCESS) {
            length = wcslen(key);
            is_done = true;
        } else {
            is_done = !cut_last(key);
        }
    }
    free(key);
    if (handle) {
        *handle = found;
    } else if (found) {
        RegCloseKey(found);
    }
    return length;
}

static void arm(struct watched *watched)
{
    for (int i = 0; i < ARM_TRIES; i++) {
        LSTATUS status;

        if (watched->handle) {
            RegCloseKey(watched->handle);
        }
        ResetEvent(watched->event); /* closing sets it */
        watched->length = find_nearest(watched, &watched->handle);
        if (watched->length == 0) {
            return;
        }
        status = RegNotifyChangeKeyValue(
            watched->handle, watched->length == strlen(watched->key), /* all below */
            REG_NOTIFY_CHANGE_NAME | REG_NOTIFY_CHANGE_LAST_SET | REG_NOTIFY_THREAD_AGNOSTIC,
            watched->event, TRUE);
        /* More of it may have been made between our look for it and our watch above it. */
        if (status == ERROR_SUCCESS && find_nearest(watched, NULL) == watched->length) {
            return;
        }
    }
}

static uint64_t print_registry(const struct policy_watch *watch, uint64_t print)
{
    for (size_t i = 0; watch->registry && i < KEYS; i++) {
        const struct watched *watched = &watch->keys[i];
        struct registry_image image;
        int code;

        registry_image_init(&image, NULL);
        code = watch->registry(&image, watched->is_machine, watched->key, watch->registry_payload,
                               NULL);
        print = mix(print, &code, sizeof(code));
        registry_image_compact(&image);
        for (size_t j = 0; j < image.count; j++) {
            const struct registry_value *value = &image.values[j];

            print = mix(print, value->key, strlen(value->key) + 1);
            print = mix(print, value->name, strlen(value->name) + 1);
            print = mix(print, &value->type, sizeof(value->type));
            print = mix(print, &value->size, sizeof(value->size));
            print = mix(print, value->data, value->size);
        }
        registry_image_clear(&image);
    }
    return print;
}

static uint64_t print_file(const wchar_t *path, uint64_t print)
{
    WIN32_FILE_ATTRIBUTE_DATA data;

    if (!GetFileAttributesExW(path, GetFileExInfoStandard, &data)) {
        return mix(print, "absent", 6);
    }
    print = mix(print, &data.ftCreationTime, sizeof(data.ftCreationTime));
    print = mix(print, &data.ftLastWriteTime, sizeof(data.ftLastWriteTime));
    print = mix(print, &data.nFileSizeLow, sizeof(data.nFileSizeLow));
    return mix(print, &data.nFileSizeHigh, sizeof(data.nFileSizeHigh));
}

static uint64_t print_all(const struct policy_watch *watch)
{
    uint64_t print = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < PLACES; i++) {
        wchar_t *wide = NULL;

        if (watch->places[i] && win32_wide_path(&wide, watch->places[i], NULL) == 0) {
            print = print_file(wide, print);
        }
        free(wide);
    }
    return print_registry(watch, print);
}

/* Until something happens that may be about us; false: it shall end. */
static bool wait_for_more(struct policy_watch *watch)
{
    HANDLE all[1 + KEYS] = {watch->stop};
    DWORD count = 1;
    bool has_files = false;
    int64_t wait = debounce_wait_ms(&watch->debounce, clock_mono_ms(clock_system()));
    DWORD got;

    for (size_t i = 0; i < KEYS && watch->registry; i++) {
        all[count++] = watch->keys[i].event;
    }
    for (size_t i = 0; i < PLACES; i++) {
        has_files = has_files || watch->places[i];
    }
    if (wait < 0) {
        wait = has_files ? LOOK_FILES_MS : LOOK_MS;
    }
    got = WaitForMultipleObjects(count, all, FALSE, (DWORD)wait);
    if (got == WAIT_OBJECT_0) {
        return false;
    }
    if (got > WAIT_OBJECT_0 && got < WAIT_OBJECT_0 + count) {
        arm(&watch->keys[got - WAIT_OBJECT_0 - 1]);
        debounce_note(&watch->debounce, clock_mono_ms(clock_system()));
    }
    return true;
}

static void *run(void *payload)
{
    struct policy_watch *watch = payload;

    for (size_t i = 0; i < KEYS && watch->registry; i++) {
        arm(&watch->keys[i]);
    }
    watch->print = print_all(watch);
    watch->changed(watch->payload);
    while (wait_for_more(watch)) {
        uint64_t print;

        if (!debounce_take(&watch->debounce, clock_mono_ms(clock_system())) &&
            watch->debounce.is_pending) {
            continue;
        }
        /* A key that went with all that is in it may have said so only of what went first. */
        for (size_t i = 0; i < KEYS && watch->registry; i++) {
            if (find_nearest(&watch->keys[i], NULL) != watch->keys[i].length) {
                arm(&watch->keys[i]);
            }
        }
        print = print_all(watch);
        if (print != watch->print) {
            watch->print = print;
            watch->changed(watch->payload);
        }
    }
    return NULL;
}

static void watch_free(struct policy_watch *watch)
{
    for (size_t i = 0; i < KEYS; i++) {
        if (watch->keys[i].handle) {
            RegCloseKey(watch->keys[i].handle);
        }
        if (watch->keys[i].event) {
            CloseHandle(watch->keys[i].event);
        }
    }
    for (size_t i = 0; i < PLACES; i++) {
        free(watch->places[i]);
    }
    if (watch->stop) {
        CloseHandle(watch->stop);
    }
    free(watch);
}

int policy_watch_start(struct policy_watch **out, const struct policy_sources *sources,
                       policy_watch_fn changed, void *payload, struct error *err)
{
    const char *places[PLACES] = {sources->machine_file, sources->machine_directory,
                                  sources->user_preference_file, sources->override_file};
    struct policy_watch *watch = calloc(1, sizeof(*watch));
    int code = 0;

    if (!watch) {
        return error_set(err, ERR_NO_MEMORY, "no memory to watch the policy");
    }
    watch->changed = changed;
    watch->payload = payload;
    watch->registry = sources->registry;
    watch->registry_payload = sources->payload;
    watch->stop = CreateEventW(NULL, TRUE, FALSE, NULL);
    for (size_t i = 0; i < KEYS; i++) {
        watch->keys[i].is_machine = i < 2;
        watch->keys[i].key = i % 2 == 0 ? REGISTRY_POLICY_KEY : REGISTRY_PREFERENCE_KEY;
        watch->keys[i].event = CreateEventW(NULL, TRUE, FALSE, NULL);
        if (!watch->stop || !watch->keys[i].event) {
            code = win32_failed(err, GetLastError(), "the policy cannot be watched");
        }
    }
    for (size_t i = 0; code == 0 && i < PLACES; i++) {
        code = str_copy(&watch->places[i], places[i], err);
    }
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
    if (watch) {
        SetEvent(watch->stop);
        thread_join(&watch->thread);
        watch_free(watch);
    }
}
