#include "graph/trust.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

/* "4042bcee.0", as `openssl rehash` names them. */
static bool is_hash(const char *name)
{
    return strspn(name, "0123456789abcdef") == 8 && name[8] == '.' && name[9] >= '0' &&
           name[9] <= '9';
}

static bool is_hashed(const char *folder)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry = NULL;
    bool is_found = false;

    while (dir && !is_found && (entry = readdir(dir)) != NULL) {
        is_found = is_hash(entry->d_name);
    }
    if (dir) {
        closedir(dir);
    }
    return is_found;
}

static bool is_older(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec < b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec < b->tv_nsec);
}

/* A CA that somebody appended to the file by hand is not in the folder. What the system does itself
 * (update-ca-certificates) changes the folder last. */
bool trust_folder_is_current(const char *folder, const char *file)
{
    struct stat of_folder;
    struct stat of_file;

    if (!folder || stat(folder, &of_folder) != 0 ||
        (file && stat(file, &of_file) == 0 && is_older(&of_folder.st_mtim, &of_file.st_mtim))) {
        return false;
    }
    return is_hashed(folder);
}
