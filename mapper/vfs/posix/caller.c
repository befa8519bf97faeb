#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "guard.h"

/* The kernel adds this to the path of a program that was replaced while it runs. */
#define DELETED " (deleted)"

static void read_program(uint32_t pid, char *out, size_t size)
{
    char link[64];
    char path[4096];
    ssize_t length = 0;
    const char *name = NULL;

    snprintf(link, sizeof(link), "/proc/%u/exe", pid);
    length = readlink(link, path, sizeof(path) - 1);
    if (length <= 0) {
        return;
    }
    path[length] = '\0';
    if (length > (ssize_t)strlen(DELETED) &&
        strcmp(path + length - strlen(DELETED), DELETED) == 0) {
        path[length - (ssize_t)strlen(DELETED)] = '\0';
    }
    name = strrchr(path, '/');
    name = name ? name + 1 : path;
    if (strlen(name) < size) {
        memcpy(out, name, strlen(name) + 1);
    }
}

static void read_title(uint32_t pid, char *out, size_t size)
{
    char path[64];
    ssize_t length = 0;
    int file = -1;

    snprintf(path, sizeof(path), "/proc/%u/comm", pid);
    file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return;
    }
    length = read(file, out, size - 1);
    close(file);
    out[length > 0 ? length : 0] = '\0';
    out[strcspn(out, "\n")] = '\0';
}

void caller_names(uint32_t pid, char program[CALLER_NAME_SIZE], char title[CALLER_NAME_SIZE])
{
    *program = '\0';
    *title = '\0';
    read_program(pid, program, CALLER_NAME_SIZE);
    read_title(pid, title, CALLER_NAME_SIZE);
}
