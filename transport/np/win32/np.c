#include "np/np.h"

/* Known by name, so that status can say so; this build does not have it. */
const struct transport_type transport_type_np = {
    .name = "np", .title = "network provider with WinFsp", .ops = NULL};
