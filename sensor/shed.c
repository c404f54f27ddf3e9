/* SPDX-License-Identifier: Apache-2.0 */
/* What is left out under pressure, and what never is. */
#include "config.h"
#include "sensor/shed.h"

#include "sensor/app/app.h"
#include "sensor/decode/packet.h"
#include "sensor/flow/flow.h"
#include "sensor/stream/stream.h"

#define PORT_DNS  53
#define PORT_MDNS 5353

enum shed_step shed_step_next(enum shed_step now, unsigned permille)
{
    if (permille >= SHED_BULK_FROM)
        return SHED_BULK;
    if (now == SHED_BULK && permille > SHED_BULK_TO)
        return SHED_BULK;
    if (permille >= SHED_ELEPHANTS_FROM)
        return SHED_ELEPHANTS;
    if (now != SHED_NOTHING && permille > SHED_ELEPHANTS_TO)
        return SHED_ELEPHANTS;
    return SHED_NOTHING;
}

static bool is_dns(const struct packet *p, const struct flow *f)
{
    return app_protocol(f) == SIG_APP_DNS || p->sport == PORT_DNS || p->dport == PORT_DNS ||
           p->sport == PORT_MDNS || p->dport == PORT_MDNS;
}

static bool may_be_shed(const struct packet *p, const struct flow *f)
{
    const uint8_t ends = PACKET_TCP_SYN | PACKET_TCP_FIN | PACKET_TCP_RST;
    if (!p->payload_len || p->flags & (PACKET_F_OUTER | PACKET_F_PSEUDO))
        return false;
    if (p->proto == PACKET_PROTO_TCP)
        return !(p->tcp.flags & ends) && !is_dns(p, f);
    return p->proto == PACKET_PROTO_UDP && !is_dns(p, f);
}

/* Beyond the depth in bytes, and nothing of this direction is put together any more. A protocol
 * that is read to its end (SMB) has no depth to be past. */
static bool is_elephant(const struct packet *p, const struct flow *f, unsigned dir, uint64_t depth)
{
    if (f->bytes[dir] <= depth)
        return false;
    return p->proto != PACKET_PROTO_TCP || f->flags & FLOW_F_NO_PAYLOAD_INSPECTION ||
           stream_depth_reached(f, dir);
}

static bool is_unidentified_bulk(const struct flow *f, unsigned dir)
{
    enum sig_app app = app_protocol(f);
    return f->bytes[dir] > SHED_BULK_BYTES && (app == SIG_APP_UNKNOWN || app == SIG_APP_FAILED);
}

enum shed_step shed_packet_kind(enum shed_step step, const struct packet *p, const struct flow *f,
                                unsigned dir, uint64_t depth)
{
    if (step == SHED_NOTHING || !may_be_shed(p, f))
        return SHED_NOTHING;
    if (is_elephant(p, f, dir, depth))
        return SHED_ELEPHANTS;
    return step == SHED_BULK && is_unidentified_bulk(f, dir) ? SHED_BULK : SHED_NOTHING;
}
