#include "direct.h"

#include "base/str.h"
#include "mapper/url.h"

int direct_question(char **out, const struct library *library, struct error *err)
{
    static const char select[] = "?$select=id,name,driveType,webUrl";

    if (str_equal(library->list_id, library->drive_id)) {
        return str_format(out, err, "/drives/%s%s", library->drive_id, select);
    }
    return str_format(out, err, "/sites/%s/lists/%s/drive%s", library->site_id, library->list_id,
                      select);
}

int direct_take_answer(struct library *library, const struct graph_answer *answer,
                       struct error *err)
{
    struct graph_drive drive = {0};
    char *url = NULL;
    int code = graph_parse_drive(&drive, answer->body, answer->body_size, err);

    if (code == 0 && (!drive.id || !drive.web_url)) {
        code = error_set(err, ERR_PROTOCOL, "a drive without id or address");
    }
    code = code < 0 ? code : url_clean(&url, drive.web_url, URL_FROM_SERVICE, err);
    code = code < 0 ? code : str_copy(&library->drive_id, drive.id, err);
    if (code == 0) {
        library->is_verified = true;
        if (!str_equal(library->url, url)) {
            str_free(&library->url); /* renamed, and search does not know yet */
            library->url = url;
            url = NULL;
        }
    }
    str_free(&url);
    graph_drive_clear(&drive);
    return code;
}
