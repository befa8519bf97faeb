/*
 * setup_task.c - the scheduled task in Windows' Task Scheduler 2.0.
 */
#define COBJMACROS
#include "setup.h"

#include <initguid.h>
#include <stdlib.h>
#include <windows.h>
#include <taskschd.h>

#include "base/process.h"
#include "base/str.h"
#include "base/win32.h"

#define TASK_NAME L"Mooring"

static int failed(struct error *err, HRESULT result, const char *what)
{
    unsigned long os_code = HRESULT_FACILITY(result) == FACILITY_WIN32
                                ? (unsigned long)HRESULT_CODE(result)
                                : (unsigned long)result;

    if (os_code == ERROR_ACCESS_DENIED) {
        return error_set_os(err, ERR_DENIED, (int)os_code,
                            "cannot %s: run this as an administrator", what);
    }
    return win32_failed(err, os_code, "cannot %s", what);
}

static BSTR text(const wchar_t *value)
{
    return SysAllocString(value);
}

/* The folder of all tasks; ITaskFolder_Release(). */
static HRESULT open_root(ITaskFolder **out)
{
    ITaskService *service = NULL;
    VARIANT empty = {.vt = VT_EMPTY};
    BSTR root = text(L"\\");
    HRESULT result = root ? CoCreateInstance(&CLSID_TaskScheduler, NULL, CLSCTX_INPROC_SERVER,
                                             &IID_ITaskService, (void **)&service)
                          : E_OUTOFMEMORY;

    if (SUCCEEDED(result)) {
        result = ITaskService_Connect(service, empty, empty, empty, empty);
    }
    if (SUCCEEDED(result)) {
        result = ITaskService_GetFolder(service, root, out);
    }
    if (service) {
        ITaskService_Release(service);
    }
    SysFreeString(root);
    return result;
}

static HRESULT put_task(ITaskFolder *folder, BSTR name, BSTR xml)
{
    IRegisteredTask *task = NULL;
    VARIANT empty = {.vt = VT_EMPTY};
    HRESULT result = ITaskFolder_RegisterTask(folder, name, xml, TASK_CREATE_OR_UPDATE, empty,
                                              empty, TASK_LOGON_GROUP, empty, &task);

    if (task) {
        IRegisteredTask_Release(task);
    }
    return result;
}

/* `xml` NULL: the task is taken away. */
static HRESULT change(BSTR xml)
{
    ITaskFolder *folder = NULL;
    BSTR name = text(TASK_NAME);
    HRESULT com = CoInitializeEx(NULL, COINIT_MULTITHREADED);
    HRESULT result = name ? open_root(&folder) : E_OUTOFMEMORY;

    if (SUCCEEDED(result)) {
        result = xml ? put_task(folder, name, xml) : ITaskFolder_DeleteTask(folder, name, 0);
        ITaskFolder_Release(folder);
    }
    SysFreeString(name);
    if (SUCCEEDED(com)) {
        CoUninitialize();
    }
    return result;
}

static int agent_path(char **out, struct error *err)
{
    char *folder = NULL;
    int code = process_own_folder(&folder, err);

    if (code == 0) {
        code = str_format(out, err, "%s\\mooring-agent.exe", folder);
    }
    free(folder);
    return code;
}

int setup_add_task(struct error *err)
{
    char *program = NULL;
    char *xml = NULL;
    wchar_t *wide = NULL;
    BSTR argument = NULL;
    HRESULT result;
    int code = agent_path(&program, err);

    if (code == 0) {
        code = setup_task_xml(&xml, program, err);
    }
    if (code == 0) {
        code = win32_wide(&wide, xml, err);
    }
    if (code == 0) {
        argument = text(wide);
        result = argument ? change(argument) : E_OUTOFMEMORY;
        code = SUCCEEDED(result) ? 0 : failed(err, result, "make the scheduled task");
    }
    SysFreeString(argument);
    free(wide);
    free(xml);
    free(program);
    return code;
}

int setup_remove_task(struct error *err)
{
    HRESULT result = change(NULL);

    if (FAILED(result) && result != HRESULT_FROM_WIN32(ERROR_FILE_NOT_FOUND)) {
        return failed(err, result, "remove the scheduled task");
    }
    return 0;
}
