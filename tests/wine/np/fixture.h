/*
 * fixture.h - mooringnp.dll as Windows' mpr.dll has loaded it into this program, and a double of the
 * agent in another one. Included after windows.h, npapi.h and winnetwk.h.
 */
#ifndef TESTS_NP_FIXTURE_H
#define TESTS_NP_FIXTURE_H

#include <stdbool.h>

#include "base/process.h"
#include "mpr.h"

#define ORDER_KEY L"SYSTEM\\CurrentControlSet\\Control\\NetworkProvider\\Order"
#define POLICY_KEY L"Software\\Policies\\Mooring"

struct np_places {
    char *folder; /* of this program, and of the double */
    char *double_path;
    wchar_t *system_dll;
};
extern struct np_places places; /* belongs to set_up_all() and tear_down_all() */

int set_up_all(void **state);
int tear_down_all(void **state);
void set_order(const wchar_t *order);

/* A double of the agent in the mode `mode` of np_agent.c. For cmocka: one that serves, and no
 * letters left afterwards. */
struct process *start_double(const char *mode);
void stop_double(struct process *process);
int set_up(void **state);
int tear_down(void **state);

/* What the double was sent. */
DWORD bytes_sent(void);

#endif
