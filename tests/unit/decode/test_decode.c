/* SPDX-License-Identifier: Apache-2.0 */
/* Layers, tunnels, fragments and steering; every frame is also cut at every length, in a block of
 * just that size. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/slab.h"
#include "common/xalloc.h"
#include "sensor/capture/capture.h"
#include "sensor/decode/decode.h"
#include "sensor/decode/internal.h"
#include "tests/unit/decode/make.h"

struct rig {
    struct slab *slab;
    struct decoder *d;
    uint64_t slots[DECODE_COUNTERS];
    struct counter_block counters;
    struct packet out[DECODE_PACKETS_MAX];
    uint64_t number;
};

static int setup(void **state)
{
    struct rig *r = xcalloc(1, sizeof(*r));
    r->slab = slab_create(16u << 20);
    r->counters.slots = r->slots;
    r->d = decode_create(&(struct decode_conf){ .tunnels_more = true, .defrag_trackers_max = 64 },
                         r->slab, &r->counters);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;
    struct slab_stats stats;
    decode_free(r->d);
    slab_stats(r->slab, &stats);
    slab_free_all(r->slab);
    free(r);
    return stats.used == 0 ? 0 : -1;
}

static int decode_bytes(struct rig *r, uint32_t link, const void *data, uint32_t len,
                        uint64_t now_ns)
{
    struct frame f = { .data = data, .len = len, .wire_len = len, .ts_ns = now_ns, .link = link };
    return decode_frame(r->d, &f, ++r->number, now_ns, r->out);
}

static int decode_made(struct rig *r, uint32_t link, const struct made *m)
{
    uint32_t len;
    const uint8_t *data = make_data(m, &len);
    return decode_bytes(r, link, data, len, 1);
}

static bool has_event(const struct packet *p, enum decode_event e)
{
    return p->events[e / 64] >> e % 64 & 1;
}

/* ---- tunnels and tags, one table ---- */

static void udp_in_ipv4(struct made *m)
{
    make_payload(m, "hello");
    make_udp(m, 1234, 53);
    make_ipv4(m, 17);
}

static void wrap_plain(struct made *m)
{
    make_ether(m, 0x0800);
}

static void wrap_qinq(struct made *m)
{
    make_front(m, "\x00\x0a\x08\x00", 4);
    make_front(m, "\x00\x0b\x81\x00", 4);
    make_ether(m, 0x88a8);
}

static void wrap_mpls(struct made *m)
{
    make_front(m, "\x00\x01\x01\x40", 4);
    make_front(m, "\x00\x01\x00\x40", 4);
    make_ether(m, 0x8847);
}

static void wrap_pppoe(struct made *m)
{
    make_front(m, "\x11\x00\x00\x01\x00\x40\x00\x21", 8);
    make_ether(m, 0x8864);
}

static void wrap_padded(struct made *m)
{
    uint32_t len;
    uint8_t copy[MAKE_MAX];
    const uint8_t *data = make_data(m, &len);
    memcpy(copy, data, len);
    memset(copy + len, 0xee, 9);
    make_bytes(m, copy, len + 9);
    make_ether(m, 0x0800);
}

static void wrap_ipip(struct made *m)
{
    make_ipv4(m, 4);
    make_ether(m, 0x0800);
}

static void wrap_4in6(struct made *m)
{
    make_ipv6(m, 4);
    make_ether(m, 0x86dd);
}

static void wrap_gre(struct made *m)
{
    make_front(m, "\x30\x00\x08\x00\x00\x00\x00\x01\x00\x00\x00\x02", 12);
    make_ipv4(m, 47);
    make_ether(m, 0x0800);
}

static void wrap_erspan2(struct made *m)
{
    make_ether(m, 0x0800);
    make_front(m, "\x10\x00\x00\x00\x00\x00\x00\x00", 8);
    make_front(m, "\x10\x00\x88\xbe\x00\x00\x00\x01", 8);
    make_ipv4(m, 47);
    make_ether(m, 0x0800);
}

static void wrap_erspan3(struct made *m)
{
    make_ether(m, 0x0800);
    make_front(
        m, "\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00", 20);
    make_front(m, "\x10\x00\x22\xeb\x00\x00\x00\x01", 8);
    make_ipv4(m, 47);
    make_ether(m, 0x0800);
}

static void wrap_vxlan(struct made *m)
{
    make_ether(m, 0x0800);
    make_front(m, "\x08\x00\x00\x00\x00\x00\x01\x00", 8);
    make_udp(m, 4444, 4789);
    make_ipv4(m, 17);
    make_ether(m, 0x0800);
}

static void wrap_geneve(struct made *m)
{
    make_front(m, "\x01\x00\x08\x00\x00\x00\x01\x00\x01\x02\x00\x00", 12);
    make_udp(m, 4444, 6081);
    make_ipv6(m, 17);
    make_ether(m, 0x86dd);
}

static void wrap_gtpu(struct made *m)
{
    make_front(m, "\x32\xff\x00\x00\x00\x00\x00\x01\x00\x05\x00\x00", 12);
    make_udp(m, 2152, 2152);
    make_ipv4(m, 17);
    make_ether(m, 0x0800);
}

static void wrap_nsh(struct made *m)
{
    make_front(m, "\x00\x02\x02\x01\x00\x00\x01\x02", 8);
    make_ether(m, 0x894f);
}

static void wrap_sll(struct made *m)
{
    make_front(m, "\x00\x00\x00\x01\x00\x06\0\0\0\0\0\0\0\0\x08\x00", 16);
}

static void wrap_sll2(struct made *m)
{
    make_front(m, "\x08\x00\0\0\0\0\0\x01\0\x01\0\x06\0\0\0\0\0\0\0\0", 20);
}

static void wrap_ppp(struct made *m)
{
    make_front(m, "\xff\x03\x00\x21", 4);
}

static void wrap_ppp_short(struct made *m)
{
    make_front(m, "\x21", 1);
}

static void wrap_chdlc(struct made *m)
{
    make_front(m, "\x0f\x00\x08\x00", 4);
}

static void wrap_null(struct made *m)
{
    make_front(m, "\x02\x00\x00\x00", 4);
}

static void wrap_nothing(struct made *m)
{
    (void)m;
}

static const struct {
    const char *name;
    void (*wrap)(struct made *m);
    uint32_t link;
    int packets;
    uint8_t tunnel, vlans;
} wraps[] = {
    { "ethernet", wrap_plain, 1, 1, DECODE_TUNNEL_NONE, 0 },
    { "padding behind the datagram", wrap_padded, 1, 1, DECODE_TUNNEL_NONE, 0 },
    { "qinq", wrap_qinq, 1, 1, DECODE_TUNNEL_NONE, 2 },
    { "mpls", wrap_mpls, 1, 1, DECODE_TUNNEL_NONE, 0 },
    { "pppoe", wrap_pppoe, 1, 1, DECODE_TUNNEL_NONE, 0 },
    { "ip in ip", wrap_ipip, 1, 2, DECODE_TUNNEL_IP, 0 },
    { "4 in 6", wrap_4in6, 1, 2, DECODE_TUNNEL_IP, 0 },
    { "gre", wrap_gre, 1, 2, DECODE_TUNNEL_GRE, 0 },
    { "erspan II", wrap_erspan2, 1, 2, DECODE_TUNNEL_ERSPAN, 0 },
    { "erspan III", wrap_erspan3, 1, 2, DECODE_TUNNEL_ERSPAN, 0 },
    { "vxlan", wrap_vxlan, 1, 2, DECODE_TUNNEL_VXLAN, 0 },
    { "geneve", wrap_geneve, 1, 2, DECODE_TUNNEL_GENEVE, 0 },
    { "gtp-u", wrap_gtpu, 1, 2, DECODE_TUNNEL_GTPU, 0 },
    { "network service header", wrap_nsh, 1, 1, DECODE_TUNNEL_NONE, 0 },
    { "cooked", wrap_sll, 113, 1, DECODE_TUNNEL_NONE, 0 },
    { "cooked v2", wrap_sll2, 276, 1, DECODE_TUNNEL_NONE, 0 },
    { "ppp", wrap_ppp, 9, 1, DECODE_TUNNEL_NONE, 0 },
    { "ppp, one byte of protocol", wrap_ppp_short, 50, 1, DECODE_TUNNEL_NONE, 0 },
    { "cisco hdlc", wrap_chdlc, 104, 1, DECODE_TUNNEL_NONE, 0 },
    { "null", wrap_null, 0, 1, DECODE_TUNNEL_NONE, 0 },
    { "raw", wrap_nothing, 101, 1, DECODE_TUNNEL_NONE, 0 },
    { "ipv4", wrap_nothing, 228, 1, DECODE_TUNNEL_NONE, 0 },
};

static void test_every_way_to_udp(void **state)
{
    struct rig *r = *state;
    for (size_t i = 0; i < sizeof(wraps) / sizeof(wraps[0]); i++) {
        struct made m;
        udp_in_ipv4(&m);
        wraps[i].wrap(&m);
        int n = decode_made(r, wraps[i].link, &m);
        if (n != wraps[i].packets)
            fail_msg("%s: %d packets", wraps[i].name, n);
        const struct packet *p = &r->out[n - 1];
        assert_int_equal(p->proto, 17);
        assert_int_equal(p->sport, 1234);
        assert_int_equal(p->dport, 53);
        assert_int_equal(p->payload_len, 5);
        assert_memory_equal(p->payload, "hello", 5);
        assert_int_equal(p->tunnel, wraps[i].tunnel);
        assert_int_equal(p->vlan_count, wraps[i].vlans);
        assert_int_equal(!!(p->flags & PACKET_F_TUNNELED), n > 1);
        if (n > 1)
            assert_true(r->out[0].flags & PACKET_F_OUTER);
    }
}

/* An outer and an inner fragment too, so that the defragmenter is reached from cut frames. */
static void test_no_cut_reads_beyond(void **state)
{
    struct rig *r = *state;
    for (size_t i = 0; i < sizeof(wraps) / sizeof(wraps[0]); i++) {
        struct made m;
        uint32_t len;
        udp_in_ipv4(&m);
        wraps[i].wrap(&m);
        const uint8_t *data = make_data(&m, &len);
        for (uint32_t cut = 0; cut < len; cut++) {
            uint8_t *copy = xmalloc(cut ? cut : 1);
            memcpy(copy, data, cut);
            assert_in_range(decode_bytes(r, wraps[i].link, copy, cut, 1), 0, DECODE_PACKETS_MAX);
            struct frame f = { .data = copy, .len = cut, .link = wraps[i].link };
            assert_in_range(decode_steer(&f, 4), 0, 3);
            free(copy);
        }
    }
}

/* ---- what is refused, and how ---- */

#define SIXTEEN "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"

static void test_bad_headers(void **state)
{
    static const struct {
        const char *bytes;
        uint32_t len;
        enum decode_event event;
        uint8_t version, proto;
    } bad[] = {
        { "\x45\x00", 2, DECODE_EVENT_IPV4_PKT_TOO_SMALL, 0, 0 },
        { "\x44\0\0\x14\0\0\0\0\x40\x11\0\0\1\2\3\4\5\6\7\x08", 20,
          DECODE_EVENT_IPV4_HLEN_TOO_SMALL, 0, 0 },
        { "\x45\0\0\x13\0\0\0\0\x40\x11\0\0\1\2\3\4\5\6\7\x08", 20,
          DECODE_EVENT_IPV4_IPLEN_SMALLER_THAN_HLEN, 0, 0 },
        { "\x45\0\0\x15\0\0\0\0\x40\x11\0\0\1\2\3\4\5\6\7\x08", 20, DECODE_EVENT_IPV4_TRUNC_PKT, 0,
          0 },
        { "\x45\0\0\x14\0\0\0\0\x40\x11\0\0\1\2\3\4\5\6\7\x08", 20, DECODE_EVENT_UDP_PKT_TOO_SMALL,
          4, 17 },
        { "\x45\0\0\x1c\0\0\0\0\x40\x11\0\0\1\2\3\4\5\6\7\x08\0\1\0\2\0\5\0\0", 28,
          DECODE_EVENT_UDP_LEN_INVALID, 4, 17 },
        { "\x45\0\0\x14\0\0\0\0\x40\x06\0\0\1\2\3\4\5\6\7\x08", 20, DECODE_EVENT_TCP_PKT_TOO_SMALL,
          4, 6 },
        { "\x45\0\0\x14\0\0\0\0\x40\x84\0\0\1\2\3\4\5\6\7\x08", 20, DECODE_EVENT_SCTP_PKT_TOO_SMALL,
          4, 132 },
        { "\x45\0\0\x14\0\0\0\0\x40\x3a\0\0\1\2\3\4\5\6\7\x08", 20, DECODE_EVENT_IPV4_ICMPV6, 4,
          58 },
        { "\x30", 1, DECODE_EVENT_IPRAW_INVALID_IP_VERSION, 0, 0 },
        { "\x60\0\0\0", 4, DECODE_EVENT_IPV6_PKT_TOO_SMALL, 0, 0 },
        /* an option longer than the header */
        { "\x46\0\0\x20\0\0\0\0\x40\x11\0\0\1\2\3\4\5\6\7\x08\x83\x09\0\0\0\1\0\2\0\x08\0\0", 32,
          DECODE_EVENT_IPV4_OPT_INVALID_LEN, 0, 0 },
        /* a record route option whose pointer stands between two slots */
        { "\x46\0\0\x20\0\0\0\0\x40\x11\0\0\1\2\3\4\5\6\7\x08\x07\x03\x05\0\0\0\0\0\0\x08\0\0", 32,
          DECODE_EVENT_IPV4_OPT_MALFORMED, 4, 17 },
        /* IPv6 that says IPv6 and carries something else */
        { "\x60\0\0\0\0\x28\x29\x40" SIXTEEN SIXTEEN "\x45\0\0\0\0\0\0\0" SIXTEEN SIXTEEN, 80,
          DECODE_EVENT_IPV6_IPV6_IN_IPV6_WRONG_VERSION, 6, 41 },
        { "\x60\0\0\0\0\x04\x04\x40" SIXTEEN SIXTEEN "\x45\0\0\0", 44,
          DECODE_EVENT_IPV6_IPV4_IN_IPV6_TOO_SMALL, 6, 4 },
        /* one byte of ICMPv6 behind a useless fragment header */
        { "\x60\0\0\0\0\x09\x2c\x40" SIXTEEN SIXTEEN "\x3a\0\0\0\0\0\0\1\x80", 49,
          DECODE_EVENT_IPV6_TRUNC_EXTHDR, 6, 44 },
    };
    struct rig *r = *state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(decode_bytes(r, 101, bad[i].bytes, bad[i].len, 1), 1);
        if (!has_event(&r->out[0], bad[i].event))
            fail_msg("case %zu: no event %s", i, decode_event_name(bad[i].event));
        assert_int_equal(r->out[0].ip_version, bad[i].version);
        assert_int_equal(r->out[0].proto, bad[i].proto);
        assert_int_equal(r->out[0].sport, 0);
        assert_true(r->slots[DECODE_COUNT_EVENTS + bad[i].event] > 0);
    }
}

static void test_tcp_options(void **state)
{
    struct rig *r = *state;
    struct made m;
    make_bytes(
        &m, "\x02\x04\x05\xb4\x04\x02\x08\x0a\x00\x00\x00\x07\x00\x00\x00\x09\x01\x03\x03\x07", 20);
    make_tcp(&m, 1, 2, 100, 0, PACKET_TCP_SYN);
    m.room[m.at + 12] = 10 << 4;
    make_ipv4(&m, 6);
    assert_int_equal(decode_made(r, 101, &m), 1);
    const struct packet_tcp *t = &r->out[0].tcp;
    assert_int_equal(t->mss, 1460);
    assert_true(t->sack_permitted && t->has_timestamp && t->has_wscale);
    assert_int_equal(t->wscale, 7);
    assert_int_equal(t->ts_value, 7);
    assert_int_equal(t->ts_echo, 9);
    assert_int_equal(r->out[0].payload_len, 0);
}

/* The makers leave checksums 0: what a right one would be is worked out by summing. */
static void test_checksums(void **state)
{
    struct rig *r = *state;
    struct made m;
    make_payload(&m, "odd");
    make_udp(&m, 1, 2);
    make_ipv4(&m, 17);
    assert_int_equal(decode_made(r, 101, &m), 1);
    assert_int_equal(decode_checksum_check(&r->out[0], SIG_CSUM_UDPV4), -1); /* it has none */
    assert_int_equal(decode_checksum_check(&r->out[0], SIG_CSUM_TCPV4), -1);
    assert_int_equal(decode_checksum_check(&r->out[0], SIG_CSUM_UDPV6), -1);
    make_payload(&m, "odd");
    make_udp(&m, 1, 2);
    /* 192.0.2.1 198.51.100.2 17 11, 1 2 11, "od" "d\0" */
    uint32_t sum = 0xc000 + 0x0201 + 0xc633 + 0x6402 + 17 + 11 + 1 + 2 + 11 + 0x6f64 + 0x6400;
    sum = (sum & 0xffff) + (sum >> 16);
    m.room[m.at + 6] = (uint8_t)(~sum >> 8);
    m.room[m.at + 7] = (uint8_t)~sum;
    make_ipv4(&m, 17);
    assert_int_equal(decode_made(r, 101, &m), 1);
    assert_int_equal(decode_checksum_check(&r->out[0], SIG_CSUM_UDPV4), 1);
    make_payload(&m, "ever");
    make_tcp(&m, 1, 2, 3, 4, PACKET_TCP_ACK);
    make_ipv4(&m, 6);
    assert_int_equal(decode_made(r, 101, &m), 1);
    assert_int_equal(decode_checksum_check(&r->out[0], SIG_CSUM_TCPV4), 0);
    assert_int_equal(decode_checksum_check(&r->out[0], SIG_CSUM_ICMPV4), -1);
}

static void test_icmp_error_quotes(void **state)
{
    struct rig *r = *state;
    struct made m;
    make_payload(&m, "");
    make_udp(&m, 1111, 2222);
    make_ipv4(&m, 17);
    make_front(&m, "\x03\x03\0\0\0\0\0\0", 8);
    make_ipv4(&m, 1);
    assert_int_equal(decode_made(r, 101, &m), 1);
    const struct packet *p = &r->out[0];
    assert_int_equal(p->quoted.ip_version, 4);
    assert_int_equal(p->quoted.proto, 17);
    assert_int_equal(p->quoted.sport, 1111);
    assert_int_equal(p->quoted.dport, 2222);
}

static void test_ipv6_headers(void **state)
{
    struct rig *r = *state;
    struct made m;
    make_payload(&m, "x");
    make_udp(&m, 5, 6);
    make_front(&m, "\x11\x00\x01\x04\x00\x00\x00\x00", 8); /* destination options */
    make_front(&m, "\x3c\x00\x05\x02\x00\x00\x01\x00", 8); /* hop by hop, router alert */
    make_ipv6(&m, 0);
    assert_int_equal(decode_made(r, 101, &m), 1);
    assert_int_equal(r->out[0].proto, 17);
    assert_int_equal(r->out[0].dport, 6);
    assert_true(has_event(&r->out[0], DECODE_EVENT_IPV6_DSTOPTS_ONLY_PADDING));
    assert_false(has_event(&r->out[0], DECODE_EVENT_IPV6_HOPOPTS_UNKNOWN_OPT));
}

/* ---- fragments ---- */

struct piece {
    uint16_t offset;
    int more;
    const char *data; /* multiples of eight but for the last */
};

static int send_piece(struct rig *r, int version, const struct piece *p, uint64_t now_ns)
{
    struct made m;
    uint32_t len;
    make_payload(&m, p->data);
    if (version == 4)
        make_ipv4_fragment(&m, 200, 9, p->offset, p->more);
    else
        make_ipv6_fragment(&m, 200, 9, p->offset, p->more);
    const uint8_t *data = make_data(&m, &len);
    return decode_bytes(r, 101, data, len, now_ns);
}

static void test_fragments(void **state)
{
    static const struct {
        const char *name;
        int version;
        struct piece pieces[4];
        const char *whole;
    } cases[] = {
        { "in order", 4, { { 0, 1, "AAAAAAAA" }, { 8, 0, "BBB" } }, "AAAAAAAABBB" },
        { "last first", 4, { { 8, 0, "BBB" }, { 0, 1, "AAAAAAAA" } }, "AAAAAAAABBB" },
        { "ipv6", 6, { { 8, 0, "BBB" }, { 0, 1, "AAAAAAAA" } }, "AAAAAAAABBB" },
        { "the first copy stays",
          4,
          { { 8, 1, "BBBBBBBB" }, { 0, 1, "AAAAAAAACCCCCCCC" }, { 16, 0, "D" } },
          "AAAAAAAABBBBBBBBD" },
        { "but not when enclosed",
          4,
          { { 8, 1, "BBBBBBBB" }, { 0, 1, "AAAAAAAACCCCCCCCDDDDDDDD" }, { 24, 0, "E" } },
          "AAAAAAAACCCCCCCCDDDDDDDDE" },
        { "further left wins",
          6,
          { { 8, 1, "BBBBBBBB" }, { 0, 1, "AAAAAAAACCCCCCCC" }, { 16, 0, "D" } },
          "AAAAAAAACCCCCCCCD" },
        { "further right loses",
          6,
          { { 0, 1, "AAAAAAAABBBBBBBB" }, { 8, 1, "CCCCCCCCDDDDDDDD" }, { 24, 0, "E" } },
          "AAAAAAAABBBBBBBBDDDDDDDDE" },
    };
    struct rig *r = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct piece *p = cases[i].pieces;
        for (; p[1].data; p++) {
            assert_int_equal(send_piece(r, cases[i].version, p, 1), 1);
            assert_true(r->out[0].flags & PACKET_F_FRAGMENT);
        }
        if (send_piece(r, cases[i].version, p, 1) != 2)
            fail_msg("%s: not whole", cases[i].name);
        const struct packet *made = &r->out[1];
        uint32_t header = cases[i].version == 4 ? 20 : 40;
        assert_true(made->flags & PACKET_F_REASSEMBLED);
        assert_int_equal(made->proto, 200);
        assert_int_equal(made->l3_len, header + strlen(cases[i].whole));
        if (memcmp(made->l3 + header, cases[i].whole, strlen(cases[i].whole)) != 0)
            fail_msg("%s: %.*s", cases[i].name, (int)strlen(cases[i].whole), made->l3 + header);
    }
}

/* Bytes that tell where in the datagram they stand. */
static uint8_t sample(uint32_t at)
{
    return (uint8_t)(at ^ at >> 8);
}

static int send_sample(struct rig *r, uint16_t id, uint32_t from, uint32_t to, int more)
{
    struct made m;
    uint8_t bytes[1480];
    uint32_t len;
    assert_in_range(to - from, 1, sizeof(bytes));
    for (uint32_t i = from; i < to; i++)
        bytes[i - from] = sample(i);
    make_bytes(&m, bytes, to - from);
    make_ipv4_fragment(&m, 200, id, (uint16_t)from, more);
    const uint8_t *data = make_data(&m, &len);
    return decode_bytes(r, 101, data, len, 1);
}

/* The longest datagram, every other fragment of it first. */
static void test_largest_datagram(void **state)
{
    struct rig *r = *state;
    const uint32_t step = 1480, whole = 65535 - 20;
    int packets = 0;
    for (uint32_t odd = 0; odd < 2; odd++) {
        for (uint32_t at = odd * step; at < whole; at += 2 * step) {
            uint32_t end = at + step < whole ? at + step : whole;
            packets = send_sample(r, 7, at, end, end < whole);
        }
    }
    assert_int_equal(packets, 2);
    assert_int_equal(r->out[1].l3_len, 65535);
    for (uint32_t i = 0; i < whole; i++)
        assert_int_equal(r->out[1].l3[20 + i], sample(i));
}

/* A fragment costs by its length, wherever in the datagram it says to stand. */
static void test_far_fragments_are_cheap(void **state)
{
    struct rig *r = *state;
    struct slab_stats before, after;
    slab_stats(r->slab, &before);
    for (uint16_t i = 0; i < 32; i++)
        assert_int_equal(send_sample(r, (uint16_t)(100 + i), 65400, 65408, 1), 1);
    slab_stats(r->slab, &after);
    assert_in_range(after.used - before.used, 32 * 8, 32 * 3 * 1024);
}

/* What was put together stays while the next frames are decoded, other datagrams among them. */
static void test_views_outlive_the_frames_ahead(void **state)
{
    struct rig *r = *state;
    for (char round = 'A'; round < 'A' + 10; round++) {
        const char text[9] = { round, round, round, round, round, round, round, round };
        const struct piece mine[] = { { 0, 1, text }, { 8, 0, "end" } };
        const struct piece others[] = { { 0, 1, "--------" }, { 8, 0, "---" } };
        assert_int_equal(send_piece(r, 4, &mine[0], 1), 1);
        assert_int_equal(send_piece(r, 4, &mine[1], 1), 2);
        const uint8_t *view = r->out[1].l3 + 20;
        for (unsigned n = 0; n + 1 < DECODE_AHEAD; n++) {
            assert_int_equal(send_piece(r, 6, &others[n % 2], 1), n % 2 + 1);
            assert_memory_equal(view, text, 8);
            assert_memory_equal(view + 8, "end", 3);
        }
        if (DECODE_AHEAD % 2 == 0)
            assert_int_equal(send_piece(r, 6, &others[1], 1), 2);
    }
}

/* A fragment of IPv6 is a packet of protocol 44, whatever it carries a part of. */
static void test_protocol_of_fragments(void **state)
{
    struct rig *r = *state;
    const struct piece first = { 0, 1, "AAAAAAAA" }, last = { 8, 0, "B" };
    assert_int_equal(send_piece(r, 6, &first, 1), 1);
    assert_int_equal(r->out[0].proto, 44);
    assert_int_equal(send_piece(r, 6, &last, 1), 2);
    assert_int_equal(r->out[0].proto, 44);
    assert_int_equal(r->out[1].proto, 200);
    assert_int_equal(send_piece(r, 4, &first, 1), 1);
    assert_int_equal(r->out[0].proto, 200);
}

static void test_fragments_wait_for_a_minute(void **state)
{
    struct rig *r = *state;
    const struct piece first = { 0, 1, "AAAAAAAA" }, last = { 8, 0, "B" };
    assert_int_equal(send_piece(r, 4, &first, 1), 1);
    assert_int_equal(send_piece(r, 4, &last, 70000000000ull), 1);
    assert_int_equal(r->slots[DECODE_COUNT_DEFRAG_TIMEOUT], 1);
}

static void test_too_many_datagrams_shed_the_oldest(void **state)
{
    struct rig *r = *state;
    for (unsigned i = 0; i < 100; i++) {
        struct made m;
        uint32_t len;
        make_payload(&m, "AAAAAAAA");
        make_ipv4_fragment(&m, 200, (uint16_t)(100 + i), 0, 1);
        const uint8_t *data = make_data(&m, &len);
        assert_int_equal(decode_bytes(r, 101, data, len, 1), 1);
    }
    assert_int_equal(r->slots[DECODE_COUNT_DEFRAG_FULL], 100 - 64);
}

/* ---- steering ---- */

static unsigned steer_made(const struct made *m)
{
    struct frame f = { .link = 1 };
    f.data = make_data(m, &f.len);
    return decode_steer(&f, 251);
}

static void test_steering_follows_the_inner_pair(void **state)
{
    struct made m;
    (void)state;
    udp_in_ipv4(&m);
    make_ether(&m, 0x0800);
    unsigned plain = steer_made(&m);
    for (size_t i = 0; i < sizeof(wraps) / sizeof(wraps[0]); i++) {
        if (wraps[i].link != 1 || wraps[i].tunnel == DECODE_TUNNEL_GTPU)
            continue;
        udp_in_ipv4(&m);
        wraps[i].wrap(&m);
        if (steer_made(&m) != plain)
            fail_msg("%s goes elsewhere", wraps[i].name);
    }
    udp_in_ipv4(&m);
    uint8_t *ip = m.room + m.at, other[4];
    memcpy(other, ip + 12, 4);
    memcpy(ip + 12, ip + 16, 4);
    memcpy(ip + 16, other, 4);
    make_ether(&m, 0x0800);
    assert_int_equal(steer_made(&m), plain);
}

/* Two networks whose hosts are numbered alike: each pair differs by the same bits. */
static void test_steering_spreads_like_networks(void **state)
{
    enum { WORKERS = 4, PAIRS = 256 };
    unsigned got[WORKERS] = { 0 };
    (void)state;
    for (unsigned i = 0; i < PAIRS; i++) {
        struct made m;
        struct frame f = { .link = 1 };
        udp_in_ipv4(&m);
        uint8_t *ip = m.room + m.at;
        memcpy(ip + 12, (uint8_t[]){ 10, 1, 0, (uint8_t)i }, 4);
        memcpy(ip + 16, (uint8_t[]){ 10, 2, 0, (uint8_t)i }, 4);
        make_ether(&m, 0x0800);
        f.data = make_data(&m, &f.len);
        got[decode_steer(&f, WORKERS)]++;
    }
    for (unsigned i = 0; i < WORKERS; i++)
        assert_in_range(got[i], PAIRS / WORKERS / 2, PAIRS / WORKERS * 3 / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_way_to_udp, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_cut_reads_beyond, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_headers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tcp_options, setup, teardown),
        cmocka_unit_test_setup_teardown(test_checksums, setup, teardown),
        cmocka_unit_test_setup_teardown(test_icmp_error_quotes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ipv6_headers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fragments, setup, teardown),
        cmocka_unit_test_setup_teardown(test_largest_datagram, setup, teardown),
        cmocka_unit_test_setup_teardown(test_far_fragments_are_cheap, setup, teardown),
        cmocka_unit_test_setup_teardown(test_views_outlive_the_frames_ahead, setup, teardown),
        cmocka_unit_test_setup_teardown(test_protocol_of_fragments, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fragments_wait_for_a_minute, setup, teardown),
        cmocka_unit_test_setup_teardown(test_too_many_datagrams_shed_the_oldest, setup, teardown),
        cmocka_unit_test(test_steering_follows_the_inner_pair),
        cmocka_unit_test(test_steering_spreads_like_networks),
    };
    return cmocka_run_group_tests_name("decode", tests, NULL, NULL);
}
