#include "verb.h"

#include <fcntl.h>
#include <io.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "commands/command.h"
#include "notice.h"

#define SAID_BYTES 8192 /* what a command writes to its standard error is a sentence or two */

struct verb {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *option;
    const char *done; /* what is said when it worked; NULL: that is seen */
};

static const struct verb verbs[] = {
    {"open", command_open, NULL, NULL},
    {"view", command_view, NULL, NULL},
    {"link", command_link, "--copy", "The sharing link is in the clipboard."},
};

bool verb_is(int argc, char **argv)
{
    return argc > 1 && strcmp(argv[1], "--verb") == 0;
}

/* This program has no standard error: gives it one that can be read. The reading end, or -1. */
static int catch_errors(void)
{
    int ends[2];

    if (_pipe(ends, SAID_BYTES, _O_BINARY) < 0) {
        return -1;
    }
    if (!freopen("NUL", "w", stderr) || _dup2(ends[1], _fileno(stderr)) < 0) {
        _close(ends[0]);
        _close(ends[1]);
        return -1;
    }
    setvbuf(stderr, NULL, _IONBF, 0);
    _close(ends[1]);
    return ends[0];
}

/* "mooring open: no agent runs ..." without what it begins with. */
static void show_said(int from, const char *name)
{
    char text[SAID_BYTES + 1];
    char prefix[40];
    const char *sentence = text;
    int size;

    fclose(stderr); /* the last writing end */
    size = from >= 0 ? _read(from, text, SAID_BYTES) : 0;
    text[size > 0 ? size : 0] = '\0';
    text[strcspn(text, "\r\n")] = '\0';
    snprintf(prefix, sizeof(prefix), "mooring %s: ", name);
    if (str_starts_with(text, prefix)) {
        sentence += strlen(prefix);
    }
    notice_show(*sentence ? sentence : "This did not work.", true);
}

/* Explorer gives a drive as "F:\", and the last quote then belongs to the name. */
static void trim_quote(char *path)
{
    size_t length = strlen(path);

    if (length > 0 && path[length - 1] == '"') {
        path[length - 1] = '\0';
    }
}

int verb_run(int argc, char **argv)
{
    const struct verb *verb = NULL;
    char *words[5] = {NULL};
    int count = 0;
    int errors;
    int exit_code;

    for (size_t i = 0; argc == 4 && i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (strcmp(argv[2], verbs[i].name) == 0) {
            verb = &verbs[i];
        }
    }
    if (!verb) {
        return COMMAND_FAILED;
    }
    trim_quote(argv[3]);
    words[count++] = argv[2];
    if (verb->option) {
        words[count++] = (char *)verb->option;
    }
    words[count++] = (char *)"--";
    words[count++] = argv[3];
    errors = catch_errors();
    exit_code = verb->run(count, words);
    if (exit_code != COMMAND_OK) {
        show_said(errors, verb->name);
    } else if (verb->done) {
        notice_show(verb->done, false);
    }
    if (errors >= 0) {
        _close(errors);
    }
    return exit_code;
}
