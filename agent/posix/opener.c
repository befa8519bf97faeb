#include "opener.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/process.h"
#include "base/str.h"
#include "doors_path.h"

#define START_MS 2000 /* what cannot show anything has ended by then */
#define COPY_MS 20000 /* all of them end when they have the text; one that hangs ends the command */

static bool is_target(const char *target)
{
    return str_starts_with(target, "https://") || str_starts_with(target, "ms-") || *target == '/';
}

int opener_open(const char *target, struct error *err)
{
    const char *argv[] = {"xdg-open", target, NULL};
    const struct process_options options = {
        .argv = argv, .output_file = "/dev/null", .is_own_group = true};
    struct process *process = NULL;
    int status = 0;
    int code;

    if (!is_target(target)) {
        return error_set(err, ERR_INVALID, "'%.100s' is nothing to open", target);
    }
    code = process_start(&process, &options, err);
    if (code < 0) {
        return error_set(err, ERR_UNSUPPORTED,
                         "xdg-open could not be started; the package xdg-utils has it");
    }
    if (process_wait(process, &status, START_MS, NULL) == 0 && status != 0) {
        code = error_set(err, ERR_UNSUPPORTED, "this desktop has no program for it (xdg-open: %d)",
                         status);
    }
    process_free(process);
    return code;
}

static bool is_in_path(const char *program)
{
    const char *path = getenv("PATH");
    char file[4096];

    while (path && *path) {
        size_t length = strcspn(path, ":");
        int size = snprintf(file, sizeof(file), "%.*s/%s", (int)length, path, program);

        if (size > 0 && (size_t)size < sizeof(file) && access(file, X_OK) == 0) {
            return true;
        }
        path += length + (path[length] == ':');
    }
    return false;
}

/* `file` holds the text: on a command line every user of the machine could read it, and a link is a
 * key. The shell gets a constant, and the name of the file as its $0. */
static int copy_file(const char *file, struct error *err)
{
    static const struct {
        const char *program;
        const char *script;
    } ways[] = {{"wl-copy", "exec wl-copy <\"$0\""},
                {"xclip", "exec xclip -selection clipboard <\"$0\""},
                {"xsel", "exec xsel --clipboard --input <\"$0\""}};

    for (size_t i = getenv("WAYLAND_DISPLAY") ? 0 : 1; i < sizeof(ways) / sizeof(ways[0]); i++) {
        const char *argv[] = {"/bin/sh", "-c", ways[i].script, file, NULL};
        const struct process_options options = {
            .argv = argv, .output_file = "/dev/null", .is_own_group = true};
        struct process *process = NULL;
        int status = 1;
        int code;

        if (!is_in_path(ways[i].program) || process_start(&process, &options, NULL) < 0) {
            continue;
        }
        code = process_wait(process, &status, COPY_MS, NULL);
        process_free(process);
        if (code == 0 && status == 0) {
            return 0;
        }
    }
    return error_set(err, ERR_UNSUPPORTED,
                     "the link is not in the clipboard: wl-copy, xclip or xsel is needed, and a "
                     "desktop");
}

int opener_copy(const char *text, struct error *err)
{
    char *directory = NULL;
    char *file = NULL;
    int code = file_make_temporary_directory(&directory, "mooring-copy", err);

    if (code == 0) {
        code = str_format(&file, err, "%s/text", directory);
    }
    if (code == 0) {
        code = file_write_atomic(file, text, strlen(text), err);
    }
    if (code == 0) {
        code = copy_file(file, err);
    }
    if (directory) {
        (void)file_remove_tree(directory, NULL);
    }
    free(file);
    free(directory);
    return code;
}

int opener_absolute(char **out, const char *path, struct error *err)
{
    char *directory = *path == '/' ? NULL : getcwd(NULL, 0);
    int code = *path != '/' && !directory
                   ? error_set(err, ERR_NOT_FOUND, "the current folder cannot be found")
                   : door_path_absolute(out, path, directory ? directory : "/", err);

    free(directory);
    return code;
}

int opener_real(char **out, const char *path, struct error *err)
{
    char *real = realpath(path, NULL);
    int code = real && str_is_utf8(real, strlen(real))
                   ? str_copy(out, real, err)
                   : error_set(err, ERR_NOT_FOUND, "'%.100s' is not there", path);

    free(real);
    return code;
}
