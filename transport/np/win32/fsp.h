/*
 * fsp.h - the part of WinFsp's native interface that we use, in our own words, and the functions of
 * its DLL, found at run time. Included after windows.h.
 *
 * WinFsp - Windows File System Proxy, Copyright (C) Bill Zissimopoulos,
 * https://github.com/winfsp/winfsp. The layouts are facts of its releases 2.x (inc/winfsp/fsctl.h,
 * winfsp.h); the sizes are asserted, so that a wrong one does not build.
 */
#ifndef NP_FSP_H
#define NP_FSP_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef LONG NTSTATUS;
typedef NTSTATUS fsp_status;

struct fsp_volume_params {
    uint16_t version; /* sizeof */
    uint16_t sector_size;
    uint16_t sectors_per_unit;
    uint16_t max_component_units;
    uint64_t creation_time;
    uint32_t serial_number;
    uint32_t transact_timeout;
    uint32_t irp_timeout_ms;
    uint32_t irp_capacity;
    uint32_t file_info_timeout_ms;
    uint32_t flags; /* FSP_* */
    wchar_t prefix[192];
    wchar_t file_system_name[16];
    uint32_t valid; /* none of the following is */
    uint32_t timeouts_ms[5];
    uint32_t control_code;
    uint32_t reserved32;
    uint64_t reserved64[2];
};

enum fsp_flag {
    FSP_CASE_PRESERVED = 1 << 1,
    FSP_UNICODE = 1 << 2,
    FSP_PERSISTENT_ACLS = 1 << 3,
    FSP_CLEANUP_WHEN_MODIFIED_ONLY = 1 << 10,
    FSP_PASS_QUERY_FILE_NAME = 1 << 13,
    FSP_FLUSH_AND_PURGE_ON_CLEANUP = 1 << 14,
    FSP_CONTEXT_2 = 1 << 16,          /* the context of a file is the handle's */
    FSP_POSIX_UNLINK_RENAME = 1 << 29 /* a name goes at once, also while others have it open */
};

enum fsp_cleanup { FSP_CLEANUP_DELETE = 1 };

struct fsp_volume_info {
    uint64_t total_bytes;
    uint64_t free_bytes;
    uint16_t label_bytes;
    wchar_t label[32];
};

struct fsp_file_info {
    uint32_t attributes;
    uint32_t reparse_tag;
    uint64_t allocation_bytes;
    uint64_t size_bytes;
    uint64_t created;
    uint64_t accessed;
    uint64_t modified;
    uint64_t changed;
    uint64_t index;
    uint32_t hard_links;
    uint32_t ea_bytes;
};

struct fsp_dir_info {
    uint16_t size; /* with the name */
    struct fsp_file_info file;
    uint8_t padding[24];
    wchar_t name[]; /* not terminated */
};

struct fsp_notify_info {
    uint16_t size;   /* with the name */
    uint32_t filter; /* FILE_NOTIFY_CHANGE_* */
    uint32_t action; /* FILE_ACTION_* */
    wchar_t name[];  /* from the volume's root on, in upper case, not terminated */
};

_Static_assert(sizeof(struct fsp_notify_info) == 12, "NOTIFY_INFO");
_Static_assert(sizeof(struct fsp_volume_params) == 504, "VOLUME_PARAMS");
_Static_assert(sizeof(struct fsp_volume_info) == 88, "VOLUME_INFO");
_Static_assert(sizeof(struct fsp_file_info) == 72, "FILE_INFO");
_Static_assert(sizeof(struct fsp_dir_info) == 104, "DIR_INFO");

/* Belongs to the DLL; of its content only the first two members are known to stay. */
struct fsp_file_system {
    uint16_t version;
    void *user_context;
};

typedef struct fsp_file_system *fsp_fs;

/* Slots that stay NULL are not spelled out. */
struct fsp_interface {
    fsp_status (*get_volume_info)(fsp_fs fs, struct fsp_volume_info *info);
    void *set_volume_label;
    fsp_status (*get_security_by_name)(fsp_fs fs, wchar_t *name, uint32_t *attributes,
                                       void *descriptor, size_t *size);
    fsp_status (*create)(fsp_fs fs, wchar_t *name, uint32_t options, uint32_t access,
                         uint32_t attributes, void *descriptor, uint64_t allocation, void **context,
                         struct fsp_file_info *info);
    fsp_status (*open)(fsp_fs fs, wchar_t *name, uint32_t options, uint32_t access, void **context,
                       struct fsp_file_info *info);
    fsp_status (*overwrite)(fsp_fs fs, void *context, uint32_t attributes, BOOLEAN replaces,
                            uint64_t allocation, struct fsp_file_info *info);
    void (*cleanup)(fsp_fs fs, void *context, wchar_t *name, ULONG flags);
    void (*close)(fsp_fs fs, void *context);
    fsp_status (*read)(fsp_fs fs, void *context, void *data, uint64_t offset, ULONG size,
                       ULONG *got);
    fsp_status (*write)(fsp_fs fs, void *context, void *data, uint64_t offset, ULONG size,
                        BOOLEAN to_end, BOOLEAN is_constrained, ULONG *done,
                        struct fsp_file_info *info);
    fsp_status (*flush)(fsp_fs fs, void *context, struct fsp_file_info *info);
    fsp_status (*get_file_info)(fsp_fs fs, void *context, struct fsp_file_info *info);
    fsp_status (*set_basic_info)(fsp_fs fs, void *context, uint32_t attributes, uint64_t created,
                                 uint64_t accessed, uint64_t modified, uint64_t changed,
                                 struct fsp_file_info *info);
    fsp_status (*set_file_size)(fsp_fs fs, void *context, uint64_t size, BOOLEAN is_allocation,
                                struct fsp_file_info *info);
    fsp_status (*can_delete)(fsp_fs fs, void *context, wchar_t *name);
    fsp_status (*rename)(fsp_fs fs, void *context, wchar_t *name, wchar_t *new_name,
                         BOOLEAN replaces);
    fsp_status (*get_security)(fsp_fs fs, void *context, void *descriptor, size_t *size);
    void *set_security;
    fsp_status (*read_directory)(fsp_fs fs, void *context, wchar_t *pattern, wchar_t *marker,
                                 void *buffer, ULONG size, ULONG *got);
    void *reparse_points_and_streams[5];
    fsp_status (*get_dir_info_by_name)(fsp_fs fs, void *context, wchar_t *name,
                                       struct fsp_dir_info *info);
    void *control;
    fsp_status (*set_delete)(fsp_fs fs, void *context, wchar_t *name, BOOLEAN deletes);
    void *create_ex_to_obsolete[5];
    void (*dispatcher_stopped)(fsp_fs fs, BOOLEAN normally);
    void *reserved[31];
};

_Static_assert(sizeof(struct fsp_interface) == 64 * sizeof(void *), "FSP_FILE_SYSTEM_INTERFACE");
_Static_assert(offsetof(struct fsp_interface, get_dir_info_by_name) == 24 * sizeof(void *), "");
_Static_assert(offsetof(struct fsp_interface, set_delete) == 26 * sizeof(void *), "");
_Static_assert(offsetof(struct fsp_interface, dispatcher_stopped) == 32 * sizeof(void *), "");

/* The DLL's functions. All of them use the system's calling convention of the C compiler. */
struct fsp_api {
    fsp_status (*create)(wchar_t *device, const struct fsp_volume_params *params,
                         const struct fsp_interface *interface, fsp_fs *out);
    fsp_status (*start_dispatcher)(fsp_fs fs, ULONG threads);
    void (*stop_dispatcher)(fsp_fs fs);
    void (*destroy)(fsp_fs fs);
    BOOLEAN (*add_dir_info)(struct fsp_dir_info *info, void *buffer, ULONG size, ULONG *used);

    /* What changed behind the driver's back. Begin keeps renames away until end, and fails when one
     * is under way for longer than timeout_ms. */
    fsp_status (*notify_begin)(fsp_fs fs, ULONG timeout_ms);
    fsp_status (*notify)(fsp_fs fs, struct fsp_notify_info *infos, size_t size);
    fsp_status (*notify_end)(fsp_fs fs);
    unsigned version; /* major << 16 | minor */
};

#define FSP_OLDEST 0x00020002u /* 2.2: before it CVE-2026-3006 and CVE-2026-7162 are open */

/* Loads the DLL from WinFsp's own folder and from nowhere else; it stays loaded until the process
 * ends. ERR_UNSUPPORTED with what to do when it is missing or too old. */
int fsp_load(struct fsp_api *out, struct error *err);

#endif
