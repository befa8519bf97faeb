#include "base/process.h"

#include <stdlib.h>
#include <string.h>
#include <windows.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/win32.h"
#include "win32/process_text.h"

#define ENDED_BY_FORCE (128 + 15) /* what a shell would say of SIGTERM */

struct process {
    HANDLE handle;
    HANDLE job; /* ends the program when we end; NULL: nothing does */
    DWORD id;
    bool is_own_group;
};

static HANDLE open_for_child(const wchar_t *path, DWORD access, DWORD disposition)
{
    SECURITY_ATTRIBUTES inherit = {.nLength = sizeof(inherit), .bInheritHandle = TRUE};

    return CreateFileW(path, access, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                       &inherit, disposition, FILE_ATTRIBUTE_NORMAL, NULL);
}

static HANDLE duplicate_for_child(DWORD which)
{
    HANDLE ours = GetStdHandle(which);
    HANDLE copy = NULL;

    if (!ours || ours == INVALID_HANDLE_VALUE ||
        !DuplicateHandle(GetCurrentProcess(), ours, GetCurrentProcess(), &copy, 0, TRUE,
                         DUPLICATE_SAME_ACCESS)) {
        return open_for_child(L"NUL", GENERIC_WRITE, OPEN_EXISTING);
    }
    return copy;
}

struct streams {
    HANDLE in;
    HANDLE out;
    HANDLE err;
};

static void streams_close(struct streams *streams)
{
    HANDLE all[] = {streams->in, streams->out, streams->err};

    for (size_t i = 0; i < 3; i++) {
        if (all[i] && all[i] != INVALID_HANDLE_VALUE) {
            CloseHandle(all[i]);
        }
    }
}

static int streams_open(struct streams *streams, const char *output_file, struct error *err)
{
    wchar_t *wide = NULL;
    int code = 0;

    streams->in = open_for_child(L"NUL", GENERIC_READ, OPEN_EXISTING);
    if (output_file) {
        code = win32_wide_path(&wide, output_file, err);
        if (code == 0) {
            streams->out = open_for_child(
                wide, FILE_APPEND_DATA | FILE_READ_ATTRIBUTES | SYNCHRONIZE, OPEN_ALWAYS);
            if (streams->out == INVALID_HANDLE_VALUE) {
                code = win32_failed(err, GetLastError(), "cannot open '%s'", output_file);
            } else if (!DuplicateHandle(GetCurrentProcess(), streams->out, GetCurrentProcess(),
                                        &streams->err, 0, TRUE, DUPLICATE_SAME_ACCESS)) {
                code = win32_failed(err, GetLastError(), "cannot open '%s'", output_file);
            }
        }
        free(wide);
    } else {
        streams->out = duplicate_for_child(STD_OUTPUT_HANDLE);
        streams->err = duplicate_for_child(STD_ERROR_HANDLE);
    }
    return code;
}

/* CreateProcess() with exactly these three handles inherited, whatever other threads open. */
static DWORD create(PROCESS_INFORMATION *made, const wchar_t *program, wchar_t *command,
                    wchar_t *environment, DWORD flags, const struct streams *streams)
{
    HANDLE handles[] = {streams->in, streams->out, streams->err};
    STARTUPINFOEXW start = {.StartupInfo = {.cb = sizeof(start),
                                            .dwFlags = STARTF_USESTDHANDLES,
                                            .hStdInput = streams->in,
                                            .hStdOutput = streams->out,
                                            .hStdError = streams->err}};
    SIZE_T size = 0;
    DWORD result = ERROR_SUCCESS;

    InitializeProcThreadAttributeList(NULL, 1, 0, &size);
    start.lpAttributeList = calloc(1, size);
    if (!start.lpAttributeList) {
        return ERROR_NOT_ENOUGH_MEMORY;
    }
    if (!InitializeProcThreadAttributeList(start.lpAttributeList, 1, 0, &size)) {
        result = GetLastError();
        free(start.lpAttributeList);
        return result;
    }
    if (!UpdateProcThreadAttribute(start.lpAttributeList, 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST,
                                   handles, sizeof(handles), NULL, NULL) ||
        !CreateProcessW(program, command, NULL, NULL, TRUE,
                        flags | CREATE_UNICODE_ENVIRONMENT | EXTENDED_STARTUPINFO_PRESENT,
                        environment, NULL, &start.StartupInfo, made)) {
        result = GetLastError();
    }
    DeleteProcThreadAttributeList(start.lpAttributeList);
    free(start.lpAttributeList);
    return result;
}

/* A job that dies with its last handle, which is ours. */
static HANDLE make_job(void)
{
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = {
        .BasicLimitInformation = {.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE}};
    HANDLE job = CreateJobObjectW(NULL, NULL);

    if (job &&
        !SetInformationJobObject(job, JobObjectExtendedLimitInformation, &limits, sizeof(limits))) {
        CloseHandle(job);
        job = NULL;
    }
    return job;
}

int process_start(struct process **out, const struct process_options *options, struct error *err)
{
    struct process *process = calloc(1, sizeof(*process));
    struct streams streams = {0};
    PROCESS_INFORMATION made = {0};
    wchar_t *program = NULL;
    wchar_t *command = NULL;
    wchar_t *environment = NULL;
    DWORD flags = CREATE_SUSPENDED | (options->is_own_group ? CREATE_NEW_PROCESS_GROUP : 0);
    DWORD os_code;
    int code = process ? process_text_program(&program, options->argv[0], err)
                       : error_set(err, ERR_NO_MEMORY, "no memory to start a program");

    if (code == 0) {
        code = process_text_command(&command, options->argv, err);
    }
    if (code == 0) {
        code = process_text_environment(&environment, options->environment_add, err);
    }
    if (code == 0) {
        code = streams_open(&streams, options->output_file, err);
    }
    if (code < 0) {
        goto out;
    }
    os_code = create(&made, program, command, environment, flags, &streams);
    if (os_code != ERROR_SUCCESS) {
        code = win32_failed(err, os_code, "cannot start '%s'", options->argv[0]);
        goto out;
    }
    process->handle = made.hProcess;
    process->id = made.dwProcessId;
    process->is_own_group = options->is_own_group;
    process->job = options->dies_with_us ? make_job() : NULL;
    if (process->job) {
        AssignProcessToJobObject(process->job, made.hProcess);
    }
    ResumeThread(made.hThread);
    CloseHandle(made.hThread);
    *out = process;
    process = NULL;
out:
    streams_close(&streams);
    free(program);
    free(command);
    free(environment);
    free(process);
    return code;
}

int process_wait(struct process *process, int *status, int64_t wait_ms, struct error *err)
{
    DWORD wait = wait_ms < 0 ? 0 : wait_ms >= INFINITE ? INFINITE - 1 : (DWORD)wait_ms;
    DWORD exit_code = 0;

    if (WaitForSingleObject(process->handle, wait) != WAIT_OBJECT_0) {
        return error_set(err, ERR_TIMED_OUT, "the program still runs");
    }
    GetExitCodeProcess(process->handle, &exit_code);
    *status = (int)exit_code;
    return 0;
}

void process_stop(struct process *process, int64_t wait_ms)
{
    int status;

    if (!process || process_wait(process, &status, 0, NULL) == 0) {
        return;
    }
    /* Only a group of its own can be told without telling ourselves. */
    if (process->is_own_group && GenerateConsoleCtrlEvent(CTRL_BREAK_EVENT, process->id) &&
        process_wait(process, &status, wait_ms, NULL) == 0) {
        return;
    }
    TerminateProcess(process->handle, ENDED_BY_FORCE);
    process_wait(process, &status, 5000, NULL);
}

/* The job stays open until our own end, which is what it waits for. */
void process_free(struct process *process)
{
    if (process) {
        CloseHandle(process->handle);
        free(process);
    }
}

uint32_t process_id(const struct process *process)
{
    return process->id;
}

int process_own_path(char **out, struct error *err)
{
    DWORD size = MAX_PATH;
    int code = ERR_LIMIT;

    while (code == ERR_LIMIT && size <= 32768) {
        wchar_t *path = calloc(size, sizeof(*path));
        DWORD length = path ? GetModuleFileNameW(NULL, path, size) : 0;

        if (!path) {
            code = error_set(err, ERR_NO_MEMORY, "no memory for a path");
        } else if (length == 0) {
            code = win32_failed(err, GetLastError(), "cannot find the path of this program");
        } else if (length >= size) {
            size *= 2;
        } else {
            code = win32_utf8(out, path, err);
        }
        free(path);
    }
    return code;
}

int process_own_folder(char **out, struct error *err)
{
    char *path = NULL;
    int code = process_own_path(&path, err);

    if (code == 0) {
        const char *slash = strrchr(path, '\\');
        const char *other = strrchr(path, '/');

        slash = other > slash ? other : slash;
        code = str_copy_n(out, path, slash ? (size_t)(slash - path) : 0, err);
    }
    free(path);
    return code;
}

/* The heap of Windows gives memory back by itself. */
void process_keep_small(void)
{
}

void process_give_back(void)
{
    HeapCompact(GetProcessHeap(), 0);
}

void process_harden(void)
{
    HeapSetInformation(NULL, HeapEnableTerminationOnCorruption, NULL, 0);
    SetDefaultDllDirectories(LOAD_LIBRARY_SEARCH_SYSTEM32);
    SetDllDirectoryW(L"");
    SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOOPENFILEERRORBOX); /* no box that nobody sees */
}

int process_arguments(int *argc, char ***argv, struct error *err)
{
    char **made;
    int code = process_text_arguments(&made, argc, GetCommandLineW(), err);

    if (code == 0) {
        *argv = made;
        SetConsoleOutputCP(CP_UTF8);
    }
    return code;
}

/* Set by the system's own thread, which knows no payload. */
static HANDLE stop_event;

static BOOL WINAPI on_console(DWORD event)
{
    SetEvent(stop_event);
    if (event == CTRL_CLOSE_EVENT || event == CTRL_LOGOFF_EVENT || event == CTRL_SHUTDOWN_EVENT) {
        Sleep(
            INFINITE); /* returning would end the process at once; the system waits some seconds */
    }
    return TRUE;
}

void process_block_stop(void)
{
    if (!stop_event) {
        stop_event = CreateEventW(NULL, FALSE, FALSE, NULL);
    }
    if (!stop_event) {
        abort();
    }
    SetConsoleCtrlHandler(on_console, TRUE);
}

enum process_event process_wait_for_stop(int64_t wait_ms)
{
    DWORD wait = wait_ms < 0 ? 0 : wait_ms >= INFINITE ? INFINITE - 1 : (DWORD)wait_ms;

    return WaitForSingleObject(stop_event, wait) == WAIT_OBJECT_0 ? PROCESS_STOP : PROCESS_NOTHING;
}

void process_request_stop(void)
{
    SetEvent(stop_event);
}
