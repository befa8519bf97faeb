/*
 * desktop.c - `mooring desktop install|remove`: entries in the menus of the file manager, for this
 * user alone.
 *
 * An application for Office files with two actions, and scripts for Nautilus and Nemo, which hand
 * the selected files over as arguments. All names are ours, so that removing needs no record.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/process.h"
#include "base/str.h"
#include "commands/command.h"

static const char usage[] =
    "usage: mooring desktop install|remove\n"
    "Puts 'Edit together', 'View in browser' and 'Copy sharing link' into the menus of this "
    "user's\n"
    "file manager (Nautilus and Nemo scripts, and an application for Office files), or takes them\n"
    "away.\n";

static const char application[] =
    "[Desktop Entry]\nType=Application\nName=Mooring\nComment=Edit Office files together\n"
    "NoDisplay=true\nTerminal=false\nExec=\"%s\" open %%f\n"
    "MimeType=application/vnd.openxmlformats-officedocument.wordprocessingml.document;"
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet;"
    "application/vnd.openxmlformats-officedocument.presentationml.presentation;\n"
    "Actions=view;link;\n\n"
    "[Desktop Action view]\nName=View in browser\nExec=\"%s\" view %%f\n\n"
    "[Desktop Action link]\nName=Copy sharing link\nExec=\"%s\" link --copy %%f\n";

static const struct {
    const char *path; /* below the user's data */
    const char *command;
} entries[] = {
    {"applications/mooring-open.desktop", NULL},
    {"nautilus/scripts/Mooring: edit together", "open"},
    {"nautilus/scripts/Mooring: view in browser", "view"},
    {"nautilus/scripts/Mooring: copy sharing link", "link --copy"},
    {"nemo/scripts/Mooring: edit together", "open"},
    {"nemo/scripts/Mooring: view in browser", "view"},
    {"nemo/scripts/Mooring: copy sharing link", "link --copy"},
};

static int data_path(char **out, const char *path, struct error *err)
{
    const char *data = getenv("XDG_DATA_HOME");
    const char *home = getenv("HOME");

    if (data && *data == '/') {
        return str_format(out, err, "%s/%s", data, path);
    }
    return home && *home == '/' ? str_format(out, err, "%s/.local/share/%s", home, path)
                                : error_set(err, ERR_NOT_FOUND, "there is no home folder");
}

static int install(size_t index, const char *program, struct error *err)
{
    const char *command = entries[index].command;
    char *path = NULL;
    char *text = NULL;
    int code = data_path(&path, entries[index].path, err);

    if (code == 0) {
        char *slash = strrchr(path, '/');

        *slash = '\0';
        code = file_make_directories(path, err);
        *slash = '/';
    }
    if (code == 0) {
        code = command ? str_format(&text, err,
                                    "#!/bin/sh\n# made by `mooring desktop install`\n"
                                    "for file in \"$@\"; do\n    \"%s\" %s \"$file\"\ndone\n",
                                    program, command)
                       : str_format(&text, err, application, program, program, program);
    }
    if (code == 0) {
        code = file_write_atomic(path, text, strlen(text), err);
    }
    if (code == 0 && command && chmod(path, 0700) < 0) {
        code = error_set(err, ERR_IO, "'%s' cannot be made a program", path);
    }
    free(path);
    free(text);
    return code;
}

static int remove_entry(size_t index, struct error *err)
{
    char *path = NULL;
    int code = data_path(&path, entries[index].path, err);

    if (code == 0) {
        code = file_remove(path, err);
    }
    free(path);
    return code;
}

/* It is written between quotes of a shell and of a .desktop file. */
static int own_program(char **out, struct error *err)
{
    int code = process_own_path(out, err);

    return code == 0 && strpbrk(*out, "\"'\\`$%\n")
               ? error_set(err, ERR_INVALID, "the program lies in a folder with quotes in its name")
               : code;
}

int command_desktop(int argc, char **argv)
{
    const char *verb = NULL;
    const struct command_word words[] = {{.text = &verb, .is_needed = true}, {0}};
    struct error err = {0};
    char *program = NULL;
    bool is_install;
    int exit_code;
    int code = 0;

    if (!command_parse(words, argc, argv, usage, &exit_code)) {
        return exit_code;
    }
    is_install = strcmp(verb, "install") == 0;
    if (!is_install && strcmp(verb, "remove") != 0) {
        return command_misused(usage);
    }
    if (is_install) {
        code = own_program(&program, &err);
    }
    for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]) && code == 0; i++) {
        code = is_install ? install(i, program, &err) : remove_entry(i, &err);
    }
    free(program);
    return code < 0 ? command_fail("desktop", false, &err) : COMMAND_OK;
}
