#include "office.h"

#include <string.h>

#include "base/str.h"

#define COMMAND_MAX 256
#define COMMAND_MAX_EXCEL 216

struct kind {
    const char *extension;
    const char *scheme;
    const char *command; /* ofe: open for editing; nft: new from template */
};

static const struct kind kinds[] = {
    {".docx", "ms-word", "ofe"},       {".docm", "ms-word", "ofe"},
    {".doc", "ms-word", "ofe"},        {".odt", "ms-word", "ofe"},
    {".rtf", "ms-word", "ofe"},        {".dotx", "ms-word", "nft"},
    {".dotm", "ms-word", "nft"},       {".dot", "ms-word", "nft"},
    {".xlsx", "ms-excel", "ofe"},      {".xlsm", "ms-excel", "ofe"},
    {".xlsb", "ms-excel", "ofe"},      {".xls", "ms-excel", "ofe"},
    {".ods", "ms-excel", "ofe"},       {".xltx", "ms-excel", "nft"},
    {".xltm", "ms-excel", "nft"},      {".xlt", "ms-excel", "nft"},
    {".pptx", "ms-powerpoint", "ofe"}, {".pptm", "ms-powerpoint", "ofe"},
    {".ppt", "ms-powerpoint", "ofe"},  {".ppsx", "ms-powerpoint", "ofe"},
    {".ppsm", "ms-powerpoint", "ofe"}, {".odp", "ms-powerpoint", "ofe"},
    {".potx", "ms-powerpoint", "nft"}, {".potm", "ms-powerpoint", "nft"},
    {".pot", "ms-powerpoint", "nft"},  {".vsdx", "ms-visio", "ofe"},
    {".vsdm", "ms-visio", "ofe"},      {".vsd", "ms-visio", "ofe"},
    {".vstx", "ms-visio", "nft"},      {".mpp", "ms-project", "ofe"},
    {".mpt", "ms-project", "nft"},     {".pub", "ms-publisher", "ofe"},
};

static const struct kind *kind_of(const char *name)
{
    const char *dot = name ? strrchr(name, '.') : NULL;

    for (size_t i = 0; dot && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (str_equal_nocase(dot, kinds[i].extension)) {
            return &kinds[i];
        }
    }
    return NULL;
}

bool office_is_document(const char *name)
{
    return kind_of(name) != NULL;
}

const char *office_extension(size_t index)
{
    return index < sizeof(kinds) / sizeof(kinds[0]) ? kinds[index].extension : NULL;
}

/* What a URL that is encoded cannot have, and a program that reads the command may stumble over. */
static bool is_plain(const char *url)
{
    for (const unsigned char *c = (const unsigned char *)url; *c; c++) {
        if (*c <= ' ' || *c >= 0x7F || strchr("\"'<>|\\^`{}", *c)) {
            return false;
        }
    }
    return str_starts_with(url, "https://");
}

int office_command(char **out, const char *name, const char *url, struct error *err)
{
    const struct kind *kind = kind_of(name);
    size_t limit;
    char *text = NULL;
    int code;

    if (!kind || !url || !is_plain(url)) {
        return 0;
    }
    code = str_format(&text, err, "%s:%s|u|%s", kind->scheme, kind->command, url);
    limit = strcmp(kind->scheme, "ms-excel") == 0 ? COMMAND_MAX_EXCEL : COMMAND_MAX;
    if (code == 0 && strlen(text) <= limit) {
        str_free(out);
        *out = text;
        return 0;
    }
    str_free(&text);
    return code;
}

int office_web_url(char **out, const char *web_url, struct error *err)
{
    static const char viewer[] = "action=default";
    const char *action = strstr(web_url, viewer);

    if (action) {
        return str_format(out, err, "%.*saction=edit%s", (int)(action - web_url), web_url,
                          action + strlen(viewer));
    }
    if (strchr(web_url, '?')) {
        return str_copy(out, web_url, err);
    }
    return str_format(out, err, "%s?web=1", web_url); /* else the browser would download it */
}
