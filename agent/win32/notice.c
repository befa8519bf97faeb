#include "notice.h"

#include <stdlib.h>
#include <windows.h>

#include "base/win32.h"

void notice_show(const char *text, bool is_failure)
{
    wchar_t *wide = NULL;

    if (win32_wide(&wide, text, NULL) == 0) {
        MessageBoxW(NULL, wide, L"Mooring",
                    MB_OK | MB_SETFOREGROUND | (is_failure ? MB_ICONWARNING : MB_ICONINFORMATION));
    }
    free(wide);
}
