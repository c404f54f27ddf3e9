/* SPDX-License-Identifier: Apache-2.0 */
/* Frames for tests. */
#include "config.h"

#include "tests/unit/decode/make.h"

#include <string.h>

static void be16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void be32(uint8_t *p, uint32_t v)
{
    be16(p, v >> 16);
    be16(p + 2, v);
}

void make_bytes(struct made *m, const void *bytes, uint32_t len)
{
    m->at = MAKE_MAX;
    make_front(m, bytes, len);
}

void make_payload(struct made *m, const char *payload)
{
    make_bytes(m, payload, (uint32_t)strlen(payload));
}

void make_front(struct made *m, const void *bytes, uint32_t len)
{
    m->at -= len;
    memcpy(m->room + m->at, bytes, len);
}

const uint8_t *make_data(const struct made *m, uint32_t *len)
{
    *len = MAKE_MAX - m->at;
    return m->room + m->at;
}

void make_udp(struct made *m, uint16_t sport, uint16_t dport)
{
    uint8_t h[8] = { 0 };
    be16(h, sport);
    be16(h + 2, dport);
    be16(h + 4, MAKE_MAX - m->at + 8);
    make_front(m, h, sizeof(h));
}

void make_tcp(struct made *m, uint16_t sport, uint16_t dport, uint32_t seq, uint32_t ack,
              uint8_t flags)
{
    uint8_t h[20] = { 0 };
    be16(h, sport);
    be16(h + 2, dport);
    be32(h + 4, seq);
    be32(h + 8, ack);
    h[12] = 5 << 4;
    h[13] = flags;
    be16(h + 14, 8192);
    make_front(m, h, sizeof(h));
}

void make_ipv4_fragment(struct made *m, uint8_t proto, uint16_t id, uint16_t offset, int more)
{
    uint8_t h[20] = { 0x45, 0, 0, 0, 0, 0, 0, 0, 64, proto, 0, 0, 192, 0, 2, 1, 198, 51, 100, 2 };
    be16(h + 2, MAKE_MAX - m->at + 20);
    be16(h + 4, id);
    be16(h + 6, (uint32_t)(more ? 0x2000 : 0) | offset / 8);
    make_front(m, h, sizeof(h));
}

void make_ipv4(struct made *m, uint8_t proto)
{
    make_ipv4_fragment(m, proto, 7, 0, 0);
}

void make_ipv6(struct made *m, uint8_t next)
{
    uint8_t h[40] = { 0x60 };
    be16(h + 4, MAKE_MAX - m->at);
    h[6] = next;
    h[7] = 64;
    memcpy(h + 8, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", 16);
    memcpy(h + 24, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02", 16);
    make_front(m, h, sizeof(h));
}

void make_ipv6_fragment(struct made *m, uint8_t next, uint32_t id, uint16_t offset, int more)
{
    uint8_t h[8] = { next, 0 };
    be16(h + 2, (uint32_t)offset | (more ? 1 : 0));
    be32(h + 4, id);
    make_front(m, h, sizeof(h));
    make_ipv6(m, 44);
}

void make_ether(struct made *m, uint16_t type)
{
    uint8_t h[14] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2 };
    be16(h + 12, type);
    make_front(m, h, sizeof(h));
}
