#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "session_private.h"

/* The tenant's folder, once; a transport that names no places is one that Explorer does not show. */
static int add(struct explorer_view *view, struct session *session,
               const struct plan_mapping *mapping, struct error *err)
{
    char *name = NULL;
    char *path = NULL;
    int code = str_copy_n(&name, mapping->path, strcspn(mapping->path, "/"), err);

    if (code == 0) {
        code = transport_local_path(session->transport, &path, name, err);
    }
    if (code == 0) {
        code = explorer_view_add_folder(view, name, path, err);
    }
    if (code == 0 && mapping->letter) {
        code = transport_local_path(session->transport, &path, mapping->path, err);
        if (code == 0) {
            code = explorer_view_add_letter(view, mapping->letter, mapping->label, path, err);
        }
    }
    free(name);
    free(path);
    return code;
}

void session_explorer_update(struct session *session)
{
    struct explorer_view view = {0};
    struct error err = {0};
    int code = 0;

    if (!session->explorer) {
        return;
    }
    if (session->transport) {
        code = transport_local_path(session->transport, &view.root, "", &err);
    }
    for (size_t i = 0; i < session->have.count && code == 0 && view.root; i++) {
        code = add(&view, session, &session->have.items[i], &err);
    }
    if (code < 0 && code != ERR_UNSUPPORTED) {
        log_error(LOG_AGENT, &err, "Explorer does not show all that it could");
    }
    explorer_show(session->explorer, &view);
}
