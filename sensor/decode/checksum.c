/* SPDX-License-Identifier: Apache-2.0 */
/* Internet checksums (RFC 1071) of headers, for the stream stage and for rules. */
#include "config.h"

#include "sensor/decode/decode.h"
#include "sensor/decode/internal.h"

/* Sixteen bits at a time, an odd last byte as their upper half. */
static uint64_t sum_bytes(uint64_t sum, const uint8_t *at, uint32_t len)
{
    uint32_t i = 0;
    for (; i + 2 <= len; i += 2)
        sum += decode_be16(at + i);
    return i < len ? sum + ((uint32_t)at[i] << 8) : sum;
}

static uint16_t fold(uint64_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

uint16_t decode_checksum(const struct packet *p)
{
    unsigned skip = p->ip_version == 4 ? 12 : 0;
    uint64_t sum = (uint64_t)p->proto + p->l4_len;
    sum = sum_bytes(sum, p->src.bytes + skip, 16 - skip);
    sum = sum_bytes(sum, p->dst.bytes + skip, 16 - skip);
    return fold(sum_bytes(sum, p->l4, p->l4_len));
}

static bool is_over(const struct packet *p, unsigned version, uint8_t proto, uint32_t least)
{
    return p->ip_version == version && p->proto == proto && p->l4 && p->l4_len >= least &&
           !(p->flags & (PACKET_F_FRAGMENT | PACKET_F_L4_BAD));
}

/* A UDP datagram may do without (RFC 768); it is neither right nor wrong then. */
static int udp_check(const struct packet *p, unsigned version)
{
    if (!is_over(p, version, PACKET_PROTO_UDP, 8) || (p->l4[6] == 0 && p->l4[7] == 0))
        return -1;
    return decode_checksum(p) == 0;
}

static int ipv4_check(const struct packet *p)
{
    uint32_t len = p->ip_version == 4 && p->l3 && p->l3_len >= 20 ? (p->l3[0] & 0xfu) * 4 : 0;
    if (len < 20 || len > p->l3_len)
        return -1;
    return fold(sum_bytes(0, p->l3, len)) == 0;
}

int decode_checksum_check(const struct packet *p, enum sig_csum which)
{
    switch (which) {
    case SIG_CSUM_IPV4:
        return ipv4_check(p);
    case SIG_CSUM_TCPV4:
    case SIG_CSUM_TCPV6:
        if (!is_over(p, which == SIG_CSUM_TCPV4 ? 4 : 6, PACKET_PROTO_TCP, 20))
            return -1;
        return decode_checksum(p) == 0;
    case SIG_CSUM_UDPV4:
    case SIG_CSUM_UDPV6:
        return udp_check(p, which == SIG_CSUM_UDPV4 ? 4 : 6);
    case SIG_CSUM_ICMPV4:
        return is_over(p, 4, PACKET_PROTO_ICMP, 4) ? fold(sum_bytes(0, p->l4, p->l4_len)) == 0 : -1;
    case SIG_CSUM_ICMPV6:
        return is_over(p, 6, PACKET_PROTO_ICMPV6, 4) ? decode_checksum(p) == 0 : -1;
    default:
        return -1;
    }
}
