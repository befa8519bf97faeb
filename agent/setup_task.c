/*
 * setup_task.c - the scheduled task, as text.
 *
 * A task and not the Run key, because published applications (RemoteApp) run without the shell that
 * reads that key. The group as principal makes it a task of whoever logs on; Parallel lets a second
 * user have an instance, which the default refuses. No limit of time, and none by the battery.
 */
#include "base/buf.h"
#include "base/str.h"
#include "base/xml_text.h"
#include "setup.h"

enum { XML_LIMIT = 64 * 1024 };

static const char before[] =
    "<?xml version=\"1.0\"?>\n"
    "<Task version=\"1.2\" xmlns=\"http://schemas.microsoft.com/windows/2004/02/mit/task\">\n"
    "  <RegistrationInfo>\n"
    "    <Author>Mooring</Author>\n"
    "    <Description>Shows the user's SharePoint libraries as drives.</Description>\n"
    "  </RegistrationInfo>\n"
    "  <Triggers>\n"
    "    <LogonTrigger>\n"
    "      <Enabled>true</Enabled>\n"
    "    </LogonTrigger>\n"
    "  </Triggers>\n"
    "  <Principals>\n"
    "    <Principal id=\"Users\">\n"
    "      <GroupId>S-1-5-32-545</GroupId>\n"
    "      <RunLevel>LeastPrivilege</RunLevel>\n"
    "    </Principal>\n"
    "  </Principals>\n"
    "  <Settings>\n"
    "    <MultipleInstancesPolicy>Parallel</MultipleInstancesPolicy>\n"
    "    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>\n"
    "    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>\n"
    "    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>\n"
    "    <Priority>4</Priority>\n"
    "    <Enabled>true</Enabled>\n"
    "  </Settings>\n"
    "  <Actions Context=\"Users\">\n"
    "    <Exec>\n"
    "      <Command>";
static const char behind[] = "</Command>\n"
                             "    </Exec>\n"
                             "  </Actions>\n"
                             "</Task>\n";

int setup_task_xml(char **out, const char *program, struct error *err)
{
    struct buf xml;
    int code;

    buf_init(&xml, XML_LIMIT);
    code = buf_add_text(&xml, before, err);
    if (code == 0) {
        code = xml_text_add(&xml, program, false, err);
    }
    if (code == 0) {
        code = buf_add_text(&xml, behind, err);
    }
    if (code == 0) {
        code = str_copy(out, buf_text(&xml), err);
    }
    buf_clear(&xml);
    return code;
}
