/*
 * transport.c - the array of all transports, and the public calls. Only this file calls through
 * ops.
 */
#include "transport/transport.h"

#include "base/str.h"
#include "np/np.h"
#include "webdav/webdav.h"

/* Best first: what `auto` takes. */
static const struct transport_type *const types[] = {&transport_type_np, &transport_type_webdav};

size_t transport_count(void)
{
    return sizeof(types) / sizeof(types[0]);
}

const struct transport_type *transport_at(size_t index)
{
    return types[index];
}

const struct transport_type *transport_find(const char *name)
{
    for (size_t i = 0; i < transport_count(); i++) {
        if (str_equal_nocase(types[i]->name, name)) {
            return types[i];
        }
    }
    return NULL;
}

static const struct transport_type *first_built(void)
{
    for (size_t i = 0; i < transport_count(); i++) {
        if (types[i]->ops) {
            return types[i];
        }
    }
    return NULL;
}

int transport_create(struct transport **out, const char *name,
                     const struct transport_options *options, struct error *err)
{
    const struct transport_type *type = NULL;

    if (str_equal_nocase(name, "auto")) {
        type = first_built();
        if (!type) {
            return error_set(err, ERR_UNSUPPORTED, "this program has no transport built in");
        }
    } else {
        type = transport_find(name);
    }
    if (!type) {
        return error_set(err, ERR_NOT_FOUND, "there is no transport '%s'", name);
    }
    if (!type->ops) {
        return error_set(err, ERR_UNSUPPORTED, "the transport '%s' is not built yet", type->name);
    }
    return type->ops->create(out, options, err);
}

int transport_start(struct transport *t, struct vfs *vfs, struct error *err)
{
    return t->type->ops->start(t, vfs, err);
}

int transport_attach(struct transport *t, const struct mapping *mapping, struct error *err)
{
    return t->type->ops->attach(t, mapping, err);
}

int transport_detach(struct transport *t, const char *path, struct error *err)
{
    return t->type->ops->detach(t, path, err);
}

int transport_enumerate(struct transport *t, transport_visit_fn visit, void *payload,
                        struct error *err)
{
    return t->type->ops->enumerate(t, visit, payload, err);
}

int transport_check(struct transport *t, struct error *err)
{
    return t->type->ops->check(t, err);
}

int transport_address(struct transport *t, char **out, struct error *err)
{
    if (!t->type->ops->address) {
        return error_set(err, ERR_UNSUPPORTED, "the transport '%s' has no address", t->type->name);
    }
    return t->type->ops->address(t, out, err);
}

int transport_set_letter(struct transport *t, char letter, const char *path, struct error *err)
{
    if (!t->type->ops->set_letter) {
        return error_set(err, ERR_UNSUPPORTED, "the transport '%s' gives no letters to people",
                         t->type->name);
    }
    return t->type->ops->set_letter(t, letter, path, err);
}

int transport_share(struct transport *t, char **out, const char *folder, struct error *err)
{
    return t->type->ops->share ? t->type->ops->share(t, out, folder, err)
                               : str_copy(out, folder, err);
}

int transport_set_offline(struct transport *t, const char *exclude, struct error *err)
{
    return t->type->ops->set_offline ? t->type->ops->set_offline(t, exclude, err) : 0;
}

int transport_advice(struct transport *t, char **out, struct error *err)
{
    return t->type->ops->advice ? t->type->ops->advice(t, out, err) : ERR_NOT_FOUND;
}

int transport_local_path(struct transport *t, char **out, const char *path, struct error *err)
{
    if (!t->type->ops->local_path) {
        return error_set(err, ERR_UNSUPPORTED, "the transport '%s' names no places", t->type->name);
    }
    return t->type->ops->local_path(t, out, path, err);
}

void transport_stop(struct transport *t, int64_t wait_ms)
{
    if (t) {
        t->type->ops->stop(t, wait_ms);
    }
}
