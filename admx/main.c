/*
 * mooring-admx - writes the administrative templates and what belongs to them from the table of
 * settings. Run it after every change of policy/schema/ or of this folder:
 *
 *   mooring-admx --out admx/out      writes the files
 *   mooring-admx --check admx/out    exit code 1 when they are not what would be written
 */
#include <stdio.h>
#include <string.h>

#include "admx/admx.h"

int main(int argc, char **argv)
{
    struct error err = {0};
    int code;

    if (argc != 3 || (strcmp(argv[1], "--out") != 0 && strcmp(argv[1], "--check") != 0)) {
        (void)fputs("usage: mooring-admx --out DIRECTORY | --check DIRECTORY\n", stderr);
        return 2;
    }
    if (strcmp(argv[1], "--out") == 0) {
        code = admx_write_files(argv[2], &err);
    } else {
        code = admx_check_files(argv[2], &err);
    }
    if (code < 0) {
        (void)fprintf(stderr, "mooring-admx: %s\n", err.message);
        if (code == ERR_CHANGED || code == ERR_NOT_FOUND) {
            (void)fprintf(stderr, "write it anew: mooring-admx --out %s\n", argv[2]);
        }
        return 1;
    }
    return 0;
}
