/* SPDX-License-Identifier: Apache-2.0 */
/* Names of stream events, and the stage's counters, of which each event has one. */
#include "config.h"

#include "sensor/stream/event.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "sensor/stream/internal.h"

static const char *const names[STREAM_EVENTS] = {
#define X(id, name) [STREAM_EVENT_##id] = name,
    STREAM_EVENT_LIST(X)
#undef X
};

const struct counter_def stream_counters[] = {
    [STREAM_COUNT_SESSIONS] = { "stream.sessions", "TCP sessions begun" },
    [STREAM_COUNT_MIDSTREAM] = { "stream.midstream", "TCP sessions taken up in the middle" },
    [STREAM_COUNT_NO_SESSION] = { "stream.no_session", "segments without a session" },
    [STREAM_COUNT_INVALID] = { "stream.invalid", "segments their session did not take" },
    [STREAM_COUNT_BAD_CHECKSUM] = { "stream.bad_checksum", "segments ignored for their checksum" },
    [STREAM_COUNT_BYTES] = { "stream.bytes", "bytes laid into reassembly" },
    [STREAM_COUNT_OVERLAPS] = { "stream.overlaps", "segments over bytes that were there" },
    [STREAM_COUNT_GAPS] = { "stream.gaps", "holes that the peer had acknowledged" },
    [STREAM_COUNT_GAP_BYTES] = { "stream.gap_bytes", "bytes missing in such holes" },
    [STREAM_COUNT_DEPTH] = { "stream.depth", "directions that reached the reassembly depth" },
    [STREAM_COUNT_WINDOW] = { "stream.window",
                              "segments dropped: too far ahead of what is committed" },
    [STREAM_COUNT_SEGMENTS] = { "stream.segments",
                                "segments dropped: too many wait in one direction" },
    [STREAM_COUNT_NO_MEMORY] = { "stream.no_memory",
                                 "segments or sessions dropped: memory was out" },
#define X(id, name)                                                                                \
    [STREAM_COUNT_EVENTS + STREAM_EVENT_##                                                         \
        id] = { "stream.event." name, "packets with this stream event" },
    STREAM_EVENT_LIST(X)
#undef X
        [STREAM_COUNTERS] = { NULL, NULL },
};

const char *stream_event_name(unsigned number)
{
    return number < STREAM_EVENTS ? names[number] : NULL;
}

/* Names that Suricata's own rules use for others'. */
static const char *plain_name(const char *name)
{
    if (strcasecmp(name, "est_synack_resend_with_different_ack") == 0)
        return names[STREAM_EVENT_EST_SYNACK_RESEND_WITH_DIFF_ACK];
    if (strcasecmp(name, "3whs_synack_resend_with_different_ack") == 0)
        return names[STREAM_EVENT_3WHS_SYNACK_RESEND_WITH_DIFF_ACK];
    return name;
}

int stream_event_find(const char *name)
{
    name = plain_name(name);
    for (int i = 0; i < STREAM_EVENTS; i++) {
        if (strcasecmp(names[i], name) == 0)
            return i;
    }
    return -1;
}
