/* SPDX-License-Identifier: Apache-2.0 */
/* Names of decoder events, and the stage's counters, of which each event has one. */
#include "config.h"

#include "sensor/decode/event.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "sensor/decode/decode.h"
#include "sensor/decode/internal.h"

static const char *const names[DECODE_EVENTS] = {
#define X(id, name) [DECODE_EVENT_##id] = name,
    DECODE_EVENT_LIST(X)
#undef X
};

const struct counter_def decode_counters[] = {
    [DECODE_COUNT_FRAMES] = { "decode.frames", "frames taken" },
    [DECODE_COUNT_BYTES] = { "decode.bytes", "bytes of frames taken" },
    [DECODE_COUNT_PACKETS] = { "decode.packets", "packets found in frames, tunnels included" },
    [DECODE_COUNT_IPV4] = { "decode.ipv4", "IPv4 packets" },
    [DECODE_COUNT_IPV6] = { "decode.ipv6", "IPv6 packets" },
    [DECODE_COUNT_TCP] = { "decode.tcp", "TCP segments" },
    [DECODE_COUNT_UDP] = { "decode.udp", "UDP datagrams" },
    [DECODE_COUNT_ICMP] = { "decode.icmp", "ICMP and ICMPv6 messages" },
    [DECODE_COUNT_SCTP] = { "decode.sctp", "SCTP packets" },
    [DECODE_COUNT_TUNNELS] = { "decode.tunnels", "inner packets found in tunnels" },
    [DECODE_COUNT_NOT_IP] = { "decode.not_ip", "frames of other protocols than IP" },
    [DECODE_COUNT_UNKNOWN_LINK] = { "decode.unknown_link",
                                    "frames of a link type that is not read" },
    [DECODE_COUNT_FRAGMENTS] = { "decode.fragments", "IP fragments" },
    [DECODE_COUNT_REASSEMBLED] = { "decode.reassembled", "datagrams made whole from fragments" },
    [DECODE_COUNT_DEFRAG_FULL] = { "decode.defrag_full",
                                   "datagrams given up because too many were waiting" },
    [DECODE_COUNT_DEFRAG_TIMEOUT] = { "decode.defrag_timeout",
                                      "datagrams given up because fragments did not come" },
    [DECODE_COUNT_DEFRAG_NO_MEMORY] = { "decode.defrag_no_memory",
                                        "fragments dropped because memory was out" },
    [DECODE_COUNT_BAD_CHECKSUM] = { "decode.bad_checksum", "TCP segments with a wrong checksum" },
    [DECODE_COUNT_TOO_DEEP] = { "decode.too_deep", "inner packets beyond the nesting limit" },
#define X(id, name)                                                                                \
    [DECODE_COUNT_EVENTS + DECODE_EVENT_##                                                         \
        id] = { "decode.event." name, "packets with this decoder event" },
    DECODE_EVENT_LIST(X)
#undef X
        [DECODE_COUNTERS] = { NULL, NULL },
};

const char *decode_event_name(unsigned number)
{
    return number < DECODE_EVENTS ? names[number] : NULL;
}

int decode_event_find(const char *name)
{
    for (int i = 0; i < DECODE_EVENTS; i++) {
        if (strcasecmp(names[i], name) == 0)
            return i;
    }
    return -1;
}
