#include "explorer_keys.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "user_registry.h"

#define CLASSES "Software\\Classes"
#define EXPLORER "Software\\Microsoft\\Windows\\CurrentVersion\\Explorer"
#define POINTS EXPLORER "\\MountPoints2"
#define DRIVES CLASSES "\\Applications\\Explorer.exe\\Drives"
#define NAME_SPACE EXPLORER "\\Desktop\\NameSpace"
#define HIDDEN EXPLORER "\\HideDesktopIcons\\NewStartPanel"

#define NODE "{3E5B2A6C-6D0F-4C55-9C0E-6B7A1F4D9E21}"
#define NODE_TITLE "SharePoint"
#define FOLDER_OBJECT "{0E5AAE11-A475-4c5b-AB00-C66DE400274E}" /* Windows': a folder elsewhere */

#define LABEL "_LabelFromReg"
#define MARK "Mooring" /* what we wrote there */
#define KEY_NAME_MAX 255

static const char *const class_folders[] = {CLASSES "\\CLSID", CLASSES "\\Wow6432Node\\CLSID"};

enum { CLASS_FOLDERS = sizeof(class_folders) / sizeof(class_folders[0]) };

struct verb {
    const char *shared; /* what it is for */
    const char *key;
    const char *title;
    const char *command;
    bool is_office;
};

#define FILES CLASSES "\\*\\shell"
#define FOLDERS CLASSES "\\Directory\\shell"
#define WHOLE_DRIVES CLASSES "\\Drive\\shell"

static const struct verb verbs[] = {
    {FILES, "Mooring.Open", "Edit together", "open", true},
    {FILES, "Mooring.View", "View in browser", "view", false},
    {FILES, "Mooring.Link", "Copy sharing link", "link", false},
    {FOLDERS, "Mooring.View", "View in browser", "view", false},
    {FOLDERS, "Mooring.Link", "Copy sharing link", "link", false},
    {WHOLE_DRIVES, "Mooring.View", "View in browser", "view", false},
};

enum { VERBS = sizeof(verbs) / sizeof(verbs[0]) };

/* --- the node of the navigation pane: the values are those of windows-facts 8.1 --- */

struct value {
    const char *key;
    const char *name;
    const char *text; /* NULL: the number */
    uint32_t number;
};

static int write_values(const char *shared, const struct value *values, size_t count,
                        struct error *err)
{
    int code = 0;

    for (size_t i = 0; i < count && code == 0; i++) {
        const struct value *value = &values[i];

        code = value->text
                   ? user_registry_set_text(shared, value->key, value->name, USER_REGISTRY_EXPAND,
                                            value->text, err)
                   : user_registry_set_number(shared, value->key, value->name, value->number, err);
    }
    return code;
}

int explorer_keys_add_node(const char *target, const char *program, struct error *err)
{
    char *icon = NULL;
    int code = str_format(&icon, err, "%s,0", program);
    const struct value values[] = {
        {NODE, "System.IsPinnedToNameSpaceTree", NULL, 1},
        {NODE, "SortOrderIndex", NULL, 0x42},
        {NODE "\\DefaultIcon", "", icon, 0},
        {NODE "\\InProcServer32", "", "%SystemRoot%\\system32\\shell32.dll", 0},
        {NODE "\\Instance", "CLSID", FOLDER_OBJECT, 0},
        {NODE "\\Instance\\InitPropertyBag", "Attributes", NULL, 0x11},
        {NODE "\\Instance\\InitPropertyBag", "TargetFolderPath", target, 0},
        {NODE "\\ShellFolder", "FolderValueFlags", NULL, 0x28},
        {NODE "\\ShellFolder", "Attributes", NULL, 0xF080004D},
    };

    for (int i = 0; i < CLASS_FOLDERS && code == 0; i++) {
        code =
            user_registry_set_text(class_folders[i], NODE, "", USER_REGISTRY_TEXT, NODE_TITLE, err);
        if (code == 0) {
            code = write_values(class_folders[i], values, sizeof(values) / sizeof(values[0]), err);
        }
    }
    if (code == 0) { /* not on the desktop itself; before it is known there */
        code = user_registry_set_number(HIDDEN, "", NODE, 1, err);
    }
    if (code == 0) {
        code = user_registry_set_text(NAME_SPACE, NODE, "", USER_REGISTRY_TEXT, NODE_TITLE, err);
    }
    free(icon);
    return code;
}

static int first_of(int code, int next)
{
    return code < 0 ? code : next;
}

/* Where it is listed goes before what it is. */
static int remove_node(struct error *err)
{
    int code = user_registry_remove(NAME_SPACE, NODE, EXPLORER, err);

    for (int i = 0; i < CLASS_FOLDERS; i++) {
        code = first_of(
            code, user_registry_remove(class_folders[i], NODE, CLASSES, code < 0 ? NULL : err));
    }
    code = first_of(code, user_registry_remove_value(HIDDEN, NODE, code < 0 ? NULL : err));
    user_registry_prune(HIDDEN, EXPLORER);
    return code;
}

/* --- menus --- */

/* The command comes last: without one the entry does nothing. */
static int add_verb(const struct verb *verb, const char *condition, const char *program,
                    struct error *err)
{
    char *icon = NULL;
    char *command = NULL;
    char *command_key = NULL;
    int code = str_format(&icon, err, "%s,0", program);

    if (code == 0) {
        code = str_format(&command, err, "\"%s\" --verb %s \"%%1\"", program, verb->command);
    }
    if (code == 0) {
        code = str_format(&command_key, err, "%s\\command", verb->key);
    }
    if (code == 0) {
        const struct value values[] = {
            {verb->key, "AppliesTo", condition, 0},
            {verb->key, "MUIVerb", verb->title, 0},
            {verb->key, "Icon", icon, 0},
            {verb->key, "MultiSelectModel", "Single", 0},
            {verb->key, "NoWorkingDirectory", "", 0},
        };

        for (size_t i = 0; i < sizeof(values) / sizeof(values[0]) && code == 0; i++) {
            code = user_registry_set_text(verb->shared, verb->key, values[i].name,
                                          USER_REGISTRY_TEXT, values[i].text, err);
        }
    }
    if (code == 0) {
        code =
            user_registry_set_text(verb->shared, command_key, "", USER_REGISTRY_TEXT, command, err);
    }
    free(icon);
    free(command);
    free(command_key);
    return code;
}

int explorer_keys_add_verbs(const struct explorer_view *view, const char *program,
                            struct error *err)
{
    char *all = NULL;
    char *office = NULL;
    int code = explorer_condition(&all, view, false, err);

    if (code == 0) {
        code = explorer_condition(&office, view, true, err);
    }
    for (int i = 0; i < VERBS && code == 0; i++) {
        code = add_verb(&verbs[i], verbs[i].is_office ? office : all, program, err);
    }
    free(all);
    free(office);
    return code;
}

/* --- letters --- */

/* A name that somebody else wrote there stays: it is the user's own, by Explorer's Rename, or that of
 * the WebDAV transport, which labels its letters itself (transport/webdav/win32/map.c): the key is
 * named after its secret, and is wanted in every session, while only a user's first agent has
 * entries for Explorer. */
static int add_label(const char *point, const char *label, struct error *err)
{
    char *key = NULL;
    char *there = NULL;
    char *mark = NULL;
    int code;

    if (strlen(point) > KEY_NAME_MAX) { /* Explorer has none either */
        return 0;
    }
    code = str_format(&key, err, POINTS "\\%s", point);
    if (code == 0) {
        code = user_registry_get_text(&there, key, LABEL, err);
    }
    if (code == 0) {
        code = user_registry_get_text(&mark, key, MARK, err);
    }
    if (code == 0 && (!there || (mark && strcmp(there, mark) == 0))) {
        code = user_registry_set_text(POINTS, point, MARK, USER_REGISTRY_TEXT, label, err);
        if (code == 0) {
            code = user_registry_set_text(POINTS, point, LABEL, USER_REGISTRY_TEXT, label, err);
        }
    }
    free(key);
    free(there);
    free(mark);
    return code;
}

/* What stands there and is ours; a name that the user gave stays. `payload` is nothing. */
static void remove_label(void *payload, const char *point)
{
    char *key = NULL;
    char *there = NULL;
    char *mark = NULL;

    (void)payload;
    if (str_format(&key, NULL, POINTS "\\%s", point) == 0 &&
        user_registry_get_text(&mark, key, MARK, NULL) == 0 && mark) {
        (void)user_registry_get_text(&there, key, LABEL, NULL);
        if (str_equal(there, mark)) {
            (void)user_registry_remove_value(key, LABEL, NULL);
        }
        (void)user_registry_remove_value(key, MARK, NULL);
        user_registry_prune(key, EXPLORER);
    }
    free(key);
    free(there);
    free(mark);
}

/* The two names under which builds of Windows keep a WebDAV path; one and NULL for others. */
static int points_of(char *points[2], const char *path, struct error *err)
{
    static const char root[] = "#DavWWWRoot";
    const char *at;
    int code = explorer_mount_point(&points[0], path, err);

    at = code == 0 ? strstr(points[0], root) : NULL;
    return at ? str_format(&points[1], err, "%.*s%s", (int)(at - points[0]), points[0],
                           at + strlen(root))
              : code;
}

static int add_icon(char letter, const char *program, struct error *err)
{
    const char drive[] = {letter, '\0'};
    char *key = NULL;
    char *icon = NULL;
    char *there = NULL;
    char *icon_key = NULL;
    int code = str_format(&key, err, DRIVES "\\%c\\DefaultIcon", letter);

    if (code == 0) {
        code = user_registry_get_text(&there, key, "", err);
    }
    if (code == 0 && !there) { /* else somebody chose one */
        code = str_format(&icon, err, "%s,0", program);
        if (code == 0) {
            code = user_registry_set_text(DRIVES, drive, MARK, USER_REGISTRY_TEXT, icon, err);
        }
        if (code == 0) {
            code = str_format(&icon_key, err, "%c\\DefaultIcon", letter);
        }
        if (code == 0) {
            code = user_registry_set_text(DRIVES, icon_key, "", USER_REGISTRY_TEXT, icon, err);
        }
    }
    free(key);
    free(icon);
    free(there);
    free(icon_key);
    return code;
}

static void remove_icon(void *payload, const char *drive)
{
    char *key = NULL;
    char *icon_key = NULL;
    char *there = NULL;
    char *mark = NULL;

    (void)payload;
    if (str_format(&key, NULL, DRIVES "\\%s", drive) == 0 &&
        str_format(&icon_key, NULL, "%s\\DefaultIcon", key) == 0 &&
        user_registry_get_text(&mark, key, MARK, NULL) == 0 && mark) {
        (void)user_registry_get_text(&there, icon_key, "", NULL);
        if (str_equal(there, mark)) {
            (void)user_registry_remove_value(icon_key, "", NULL);
        }
        (void)user_registry_remove_value(key, MARK, NULL);
        user_registry_prune(icon_key, CLASSES);
    }
    free(key);
    free(icon_key);
    free(there);
    free(mark);
}

int explorer_keys_add_letter(const struct explorer_letter *letter, const char *program,
                             struct error *err)
{
    char *points[2] = {NULL, NULL};
    int code = points_of(points, letter->path, err);

    for (int i = 0; i < 2 && code == 0 && letter->label; i++) {
        code = points[i] ? add_label(points[i], letter->label, err) : 0;
    }
    if (code == 0) {
        code = add_icon(letter->letter, program, err);
    }
    free(points[0]);
    free(points[1]);
    return code;
}

void explorer_keys_remove_letter(const struct explorer_letter *letter)
{
    const char drive[] = {letter->letter, '\0'};
    char *points[2] = {NULL, NULL};

    if (points_of(points, letter->path, NULL) == 0) {
        for (int i = 0; i < 2; i++) {
            if (points[i]) {
                remove_label(NULL, points[i]);
            }
        }
    }
    remove_icon(NULL, drive);
    free(points[0]);
    free(points[1]);
}

int explorer_keys_remove_all(struct error *err)
{
    int code = remove_node(err);

    for (int i = 0; i < VERBS; i++) {
        code = first_of(code, user_registry_remove(verbs[i].shared, verbs[i].key, CLASSES,
                                                   code < 0 ? NULL : err));
    }
    code = first_of(code, user_registry_visit(POINTS, remove_label, NULL, code < 0 ? NULL : err));
    return first_of(code, user_registry_visit(DRIVES, remove_icon, NULL, code < 0 ? NULL : err));
}
