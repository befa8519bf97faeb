/*
 * main.c - `mooring COMMAND`: which command does what.
 */
#include <stdio.h>
#include <string.h>

#include "base/process.h"
#include "commands/command.h"
#include "commands/policy.h"

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
};

static const struct command commands[] = {
    {"agent", command_agent, "run in this session: show the user's libraries as folders"},
    {"demo", command_demo,
     "a simulated tenant and an agent on it: try everything without an account"},
    {"status", command_status, "what is shown, who is signed in, what is wrong"},
    {"plan", command_plan, "which libraries are mapped where, which are not, and why"},
    {"explain", command_explain, "why the library at a URL is mapped or is not"},
    {"login", command_login, "sign in again, by browser or code"},
    {"logout", command_logout, "forget the sign-in"},
    {"open", command_open, "open a file, Office files for editing together"},
    {"view", command_view, "show a file, folder, library or site in the browser"},
    {"link", command_link, "a sharing link"},
    {"versions", command_versions, "the versions of a file: list, restore, save"},
    {"desktop", command_desktop, "entries in the menus of the file manager"},
    {"doctor", command_doctor, "look at every condition for the agent's work; what to do"},
    {"report", command_report, "a bundle for support, without names and secrets"},
    {"deletes", command_deletes, "whether deleting is paused; allow deleting very much"},
    {"np", command_np, "register, unregister or check the network provider (Windows)"},
    {"setup", command_setup, "for installers: end, start, autostart (Windows)"},
    {"uploads", command_uploads, "files on their way: list, wait, retry, export, discard"},
    {"policy", command_policy,
     "the settings in force and where they come from; check, diff, export, import"},
};

static void print_usage(FILE *out)
{
    fprintf(out, "usage: mooring COMMAND [options]     mooring COMMAND --help tells more\n\n");
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].help);
    }
}

/* Who reads our output must not take half of it for all. */
static int finish(int exit_code)
{
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "mooring: the output could not be written\n");
        return COMMAND_FAILED;
    }
    return exit_code;
}

int main(int argc, char **argv)
{
    struct error err = {0};

    process_harden();
    if (process_arguments(&argc, &argv, &err) < 0) {
        return command_fail("", false, &err);
    }
    if (argc < 2) {
        print_usage(stderr);
        return COMMAND_FAILED;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        print_usage(stdout);
        return COMMAND_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("mooring %s\n", MOORING_VERSION);
        printf("On Windows, drives are shown by WinFsp - Windows File System Proxy,\n"
               "Copyright (C) Bill Zissimopoulos, https://github.com/winfsp/winfsp\n");
        return COMMAND_OK;
    }
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(argv[1], commands[i].name) == 0) {
            return finish(commands[i].run(argc - 1, argv + 1));
        }
    }
    fprintf(stderr, "mooring: there is no command '%s'\n", argv[1]);
    print_usage(stderr);
    return COMMAND_FAILED;
}
