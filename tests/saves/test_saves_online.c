/*
 * Every sequence on the online vfs itself.
 *
 * `test_saves_online [PATTERN]`
 */
#include <stddef.h>

#include "online_saves.h"

int main(int argc, char **argv)
{
    return online_saves(argc > 1 ? argv[1] : NULL, NULL);
}
