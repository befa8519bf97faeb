/*
 * np_protocol.h - the messages between mooringnp.dll and the agent: np/provider/protocol.md in C.
 * Little-endian, as all our machines are.
 */
#ifndef TRANSPORT_NP_PROTOCOL_H
#define TRANSPORT_NP_PROTOCOL_H

#include <stdint.h>

#define NP_MAGIC 0x31504E4Du /* "MNP1" */

/* Names in the registry; `mooring np register` writes what the DLL reads. */
#define NP_SERVICE "MooringNP" /* key below Services, and the word in ProviderOrder */
#define NP_NAME "Mooring"      /* NETRESOURCE.lpProvider, shown to users */
#define NP_DLL "mooringnp.dll"

#define NP_PIPE_PREFIX "\\\\.\\pipe\\mooring-np-" /* then the SID, '-', and the session's number */

/* Not assigned to anybody in wnnc.h, where ids ended at 0x44; there is no register to ask. */
#define NP_NET_TYPE 0x4B4E0000u

enum np_op { NP_CONNECT = 1, NP_DISCONNECT = 2, NP_EXISTS = 3, NP_CHILDREN = 4 };
enum np_flag { NP_FORCE = 1 };

/* np_answer.status: the WN_* codes of npapi.h that the agent uses. */
enum np_status {
    NP_STATUS_SUCCESS = 0,
    NP_STATUS_ACCESS_DENIED = 5,
    NP_STATUS_OUT_OF_MEMORY = 8,
    NP_STATUS_NOT_SUPPORTED = 50,
    NP_STATUS_NET_ERROR = 59,
    NP_STATUS_BAD_NETNAME = 67,
    NP_STATUS_ALREADY_CONNECTED = 85,
    NP_STATUS_BAD_LOCALNAME = 1200,
    NP_STATUS_NOT_CONNECTED = 2250
};

enum { NP_REMOTE_UNITS = 1024, NP_ANSWER_BYTES = 16384 };

struct np_request {
    uint32_t magic;
    uint16_t op;
    uint16_t flags;
    uint32_t start;
    uint16_t local_units;
    uint16_t remote_units;
};

struct np_answer {
    uint32_t magic;
    uint32_t status;
    uint32_t count;
    uint32_t bytes;
};

_Static_assert(sizeof(struct np_request) == 16 && sizeof(struct np_answer) == 16,
               "as protocol.md says");

#endif
