#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>
#include <sddl.h>

#include "fsp.h"
#include "volume.h"

#include "base/str.h"
#include "base/win32.h"

enum {
    SECTOR_BYTES = 4096,
    COMPONENT_UNITS = 255,
    INFO_TIMEOUT_MS = 1000, /* what others change is seen after this at the latest */
    IRP_MARGIN_MS = 60000,
    IRP_LEAST_MS = 60000,
    IRP_MOST_MS = 600000,
    SESSIONS_OF_A_USER = 9
};

#define NAME_COLLISION ((fsp_status)0xC0000035) /* STATUS_OBJECT_NAME_COLLISION */

/* Access checks need an owner and a group. Everybody on the machine can reach the volume's device:
 * this descriptor is all that keeps them out. */
static int make_descriptor(struct volume *volume, struct error *err)
{
    char *sid = NULL;
    char *text = NULL;
    wchar_t *wide = NULL;
    ULONG size = 0;
    int code = win32_user_sid(&sid, err);

    if (code == 0) {
        code = str_format(&text, err, "O:%sG:%sD:P(A;;FA;;;SY)(A;;FA;;;%s)", sid, sid, sid);
    }
    if (code == 0) {
        code = win32_wide(&wide, text, err);
    }
    if (code == 0 && !ConvertStringSecurityDescriptorToSecurityDescriptorW(
                         wide, SDDL_REVISION_1, &volume->descriptor, &size)) {
        volume->descriptor = NULL;
        code = win32_failed(err, GetLastError(), "cannot make a security descriptor");
    }
    volume->descriptor_bytes = size;
    free(wide);
    free(text);
    free(sid);
    return code;
}

static uint32_t irp_timeout(const struct volume *volume)
{
    int64_t longest = volume->save_deadline_ms > volume->deadline_ms ? volume->save_deadline_ms
                                                                     : volume->deadline_ms;

    /* the kernel must not give up before the vfs does */
    longest += IRP_MARGIN_MS;
    longest = longest < IRP_LEAST_MS ? IRP_LEAST_MS : longest;
    return (uint32_t)(longest > IRP_MOST_MS ? IRP_MOST_MS : longest);
}

static int make_params(struct fsp_volume_params *params, const struct volume *volume,
                       const char *server, struct error *err)
{
    wchar_t *wide = NULL;
    char *prefix = NULL;
    int code = str_format(&prefix, err, "\\%s\\%s", server, volume->share);

    *params = (struct fsp_volume_params){
        .version = sizeof(*params),
        .sector_size = SECTOR_BYTES,
        .sectors_per_unit = 1,
        .max_component_units = COMPONENT_UNITS,
        .serial_number = (uint32_t)str_hash_nocase(volume->folder),
        .irp_timeout_ms = irp_timeout(volume),
        .file_info_timeout_ms = INFO_TIMEOUT_MS,
        .flags = FSP_CASE_PRESERVED | FSP_UNICODE | FSP_PERSISTENT_ACLS |
                 FSP_CLEANUP_WHEN_MODIFIED_ONLY | FSP_PASS_QUERY_FILE_NAME |
                 FSP_FLUSH_AND_PURGE_ON_CLEANUP | FSP_CONTEXT_2 | FSP_POSIX_UNLINK_RENAME,
        .file_system_name = L"Mooring"};
    if (code == 0) {
        code = win32_wide(&wide, prefix, err);
    }
    if (code == 0 && wcslen(wide) >= ARRAYSIZE(params->prefix)) {
        code = error_set(err, ERR_LIMIT, "the network path '%s' is too long", prefix);
    }
    if (code == 0) {
        memcpy(params->prefix, wide, (wcslen(wide) + 1) * sizeof(*wide));
    }
    free(wide);
    free(prefix);
    return code;
}

/* The name for other programs; `number` counts the sessions of one user. */
static int make_share(struct volume *volume, const char *tag, unsigned number, struct error *err)
{
    if (!tag) {
        return str_copy(&volume->share, volume->folder, err);
    }
    return number == 1 ? str_format(&volume->share, err, "%s~%s", volume->folder, tag)
                       : str_format(&volume->share, err, "%s~%s%u", volume->folder, tag, number);
}

/* *status says what WinFsp answered when it refused. */
static int create(struct volume *volume, const struct volume_options *options, unsigned number,
                  fsp_status *status, struct error *err)
{
    static wchar_t device[] = L"WinFsp.Net";
    struct fsp_volume_params params;
    int code = make_share(volume, options->user_tag, number, err);

    *status = 0;
    if (code == 0) {
        code = make_params(&params, volume, options->server, err);
    }
    if (code < 0) {
        return code;
    }
    *status = volume->api->create(device, &params, options->interface, &volume->fs);
    if (*status < 0) {
        volume->fs = NULL;
        return error_set(err, ERR_BUSY,
                         "WinFsp does not show \\\\%s\\%s (status %08lX); another program or "
                         "session may have this name",
                         options->server, volume->share, (unsigned long)*status);
    }
    return 0;
}

static int show(struct volume *volume, const struct volume_options *options, struct error *err)
{
    unsigned most = options->user_tag ? SESSIONS_OF_A_USER : 1;
    fsp_status status = 0;
    int code = create(volume, options, 1, &status, err);

    for (unsigned number = 2; status == NAME_COLLISION && number <= most; number++) {
        code = create(volume, options, number, &status, err);
    }
    if (code < 0) {
        return code;
    }
    volume->fs->user_context = volume;
    status = volume->api->start_dispatcher(volume->fs, options->max_threads);
    if (status < 0) {
        return error_set(err, ERR_IO, "WinFsp does not start to serve (status %08lX)",
                         (unsigned long)status);
    }
    volume->is_dispatching = true;
    return 0;
}

int volume_new(struct volume **out, const struct volume_options *options, struct error *err)
{
    struct volume *volume = calloc(1, sizeof(*volume));
    struct vfs_attr attr;
    int code;

    if (!volume) {
        return error_set(err, ERR_NO_MEMORY, "no memory for a volume");
    }
    volume->api = options->api;
    volume->is_cancelling = options->is_cancelling;
    volume->offline = options->offline;
    volume->vfs = vfs_ref(options->vfs);
    mutex_init(&volume->lock);
    volume->deadline_ms = options->deadline_ms;
    volume->save_deadline_ms = options->save_deadline_ms;
    code = str_copy(&volume->folder, options->folder, err);
    if (code == 0) {
        code = vfs_lookup(volume->vfs, &attr, VFS_ROOT, volume->folder, NULL, err);
    }
    if (code == 0) {
        volume->root = attr.id;
        code = make_descriptor(volume, err);
    }
    if (code == 0) {
        code = show(volume, options, err);
    }
    if (code < 0) {
        volume_free(volume);
        return code;
    }
    *out = volume;
    return 0;
}

void volume_free(struct volume *volume)
{
    if (!volume) {
        return;
    }
    if (volume->is_dispatching) {
        volume->api->stop_dispatcher(volume->fs);
    }
    if (volume->fs) {
        volume->api->destroy(volume->fs);
    }
    vfs_forget(volume->vfs, volume->root, volume->root ? 1 : 0);
    vfs_unref(volume->vfs);
    LocalFree(volume->descriptor);
    mutex_clear(&volume->lock);
    str_free(&volume->folder);
    str_free(&volume->share);
    free(volume);
}
