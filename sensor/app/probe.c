/* SPDX-License-Identifier: Apache-2.0 */
/* Protocol detection from first bytes. */
#include "config.h"
#include "sensor/app/probe.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/cursor.h"
#include "common/xalloc.h"
#include "sensor/app/quic.h"
#include "sensor/decode/packet.h"

#define TCP  PACKET_PROTO_TCP
#define UDP  PACKET_PROTO_UDP
#define TS   SIG_DIRS_TOSERVER
#define TC   SIG_DIRS_TOCLIENT
#define BOTH SIG_DIRS_BOTH

/** More first bytes than this tell a direction nothing new. */
#define PROBE_ENOUGH 64

enum probe_verdict { PROBE_NO, PROBE_MORE, PROBE_YES };

/** Bytes at a fixed place, on any port. `check` (may be NULL) has the last word. */
struct probe_pattern {
    uint8_t app, ip_proto, dirs, offset;
    uint8_t len;
    bool nocase;
    const char *bytes;
    enum probe_verdict (*check)(unsigned dir, const uint8_t *data, uint32_t len);
};

/** A check that holds for one server port. */
struct probe_port {
    uint8_t app, ip_proto, dirs;
    uint16_t port;
    enum probe_verdict (*check)(unsigned dir, const uint8_t *data, uint32_t len);
};

/* ---- checks -------------------------------------------------------------------------------- */

/**
 * One DNS name: labels, or a pointer, which ends it. False when malformed; short of bytes is the
 * cursor's `bad`.
 */
static bool dns_name_sound(struct cursor *c)
{
    for (unsigned labels = 0; labels < 128; labels++) {
        uint8_t n = cursor_u8(c);
        if (n == 0)
            return true;
        if ((n & 0xc0) == 0xc0) {
            cursor_skip(c, 1);
            return true;
        }
        if (n & 0xc0)
            return false;
        cursor_skip(c, n);
    }
    return false;
}

/** RFC 1035 4.1.1: a sound header and, as far as there are bytes, a sound first question. */
static enum probe_verdict check_dns(unsigned dir, const uint8_t *data, uint32_t len)
{
    (void)dir;
    struct cursor c = cursor_make(data, len);
    cursor_skip(&c, 4);
    uint32_t records = 0;
    uint16_t questions = cursor_be16(&c);
    for (unsigned i = 0; i < 3; i++)
        records += cursor_be16(&c);
    if (c.bad || 2 * (records + questions) > len)
        return PROBE_NO;
    if (questions == 0)
        return PROBE_YES;
    return dns_name_sound(&c) ? PROBE_YES : PROBE_NO;
}

static enum probe_verdict check_dns_tcp(unsigned dir, const uint8_t *data, uint32_t len)
{
    if (len < 14)
        return PROBE_MORE;
    uint32_t size = (uint32_t)data[0] << 8 | data[1];
    if (size < 12)
        return PROBE_NO;
    return check_dns(dir, data + 2, len - 2 < size ? len - 2 : size);
}

/** A TLS record on its port, or an SSLv2 hello. */
static enum probe_verdict check_tls(unsigned dir, const uint8_t *data, uint32_t len)
{
    (void)dir;
    if (len < 3)
        return PROBE_MORE;
    if (data[0] & 0x80)
        return data[2] == 1 ? PROBE_YES : PROBE_NO;
    return data[0] >= 20 && data[0] <= 24 && data[1] == 3 ? PROBE_YES : PROBE_NO;
}

static enum probe_verdict check_smtp(unsigned dir, const uint8_t *data, uint32_t len)
{
    (void)dir;
    if (len < 5)
        return PROBE_MORE;
    return memcmp(data, "220", 3) == 0 && (data[3] == ' ' || data[3] == '-') ? PROBE_YES : PROBE_NO;
}

/** NetBIOS session header, then either SMB version. */
static enum probe_verdict check_smb(unsigned dir, const uint8_t *data, uint32_t len)
{
    (void)dir;
    if (len < 8)
        return PROBE_MORE;
    return (data[4] == 0xff || data[4] == 0xfe || data[4] == 0xfd) &&
                   memcmp(data + 5, "SMB", 3) == 0
               ? PROBE_YES
               : PROBE_NO;
}

/**
 * DCE RPC 1.1 12.6.3.1: version 5.0 or 5.1, a known packet type, a fragment length that holds its
 * header.
 */
static enum probe_verdict check_dcerpc_tcp(unsigned dir, const uint8_t *data, uint32_t len)
{
    (void)dir;
    if (len < 16)
        return PROBE_MORE;
    bool little = data[4] & 0x10;
    unsigned size = little ? data[8] | data[9] << 8 : data[8] << 8 | data[9];
    return data[1] <= 1 && data[2] <= 19 && (data[4] & 0xee) == 0 && size >= 16 ? PROBE_YES
                                                                                : PROBE_NO;
}

static enum probe_verdict check_dcerpc_udp(unsigned dir, const uint8_t *data, uint32_t len)
{
    (void)dir;
    if (len < 80)
        return PROBE_NO;
    return data[1] <= 10 && (data[4] & 0xee) == 0 && data[5] <= 4 ? PROBE_YES : PROBE_NO;
}

static enum probe_verdict check_ntp(unsigned dir, const uint8_t *data, uint32_t len)
{
    (void)dir;
    unsigned version = data[0] >> 3 & 7;
    return len >= 48 && version >= 3 && version <= 4 ? PROBE_YES : PROBE_NO;
}

/** A BER sequence, then INTEGER version 0, 1 or 3 (RFC 1157, 3412). */
static enum probe_verdict check_snmp(unsigned dir, const uint8_t *data, uint32_t len)
{
    (void)dir;
    struct cursor c = cursor_make(data, len);
    if (cursor_u8(&c) != 0x30)
        return PROBE_NO;
    uint8_t n = cursor_u8(&c);
    if (n & 0x80)
        cursor_skip(&c, n & 0x7f);
    bool integer = cursor_u8(&c) == 2 && cursor_u8(&c) == 1;
    uint8_t version = cursor_u8(&c);
    return !c.bad && integer && (version < 2 || version == 3) ? PROBE_YES : PROBE_NO;
}

/** Kerberos message: application tag 10 to 30 (RFC 4120). */
static enum probe_verdict check_krb5_udp(unsigned dir, const uint8_t *data, uint32_t len)
{
    (void)dir;
    if (len < 10)
        return PROBE_NO;
    return (data[0] & 0xe0) == 0x60 && (data[0] & 31) >= 10 && (data[0] & 31) <= 30 ? PROBE_YES
                                                                                    : PROBE_NO;
}

static enum probe_verdict check_krb5_tcp(unsigned dir, const uint8_t *data, uint32_t len)
{
    if (len < 14)
        return PROBE_MORE;
    uint32_t size =
        (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
    return size >= 10 && size <= 16384 ? check_krb5_udp(dir, data + 4, len - 4) : PROBE_NO;
}

/** Room for BOOTP's fields and a cookie (RFC 2131): on its ports that is enough, as in Suricata. */
static enum probe_verdict check_dhcp(unsigned dir, const uint8_t *data, uint32_t len)
{
    (void)dir;
    (void)data;
    return len >= 240 ? PROBE_YES : PROBE_NO;
}

static enum probe_verdict check_tftp(unsigned dir, const uint8_t *data, uint32_t len)
{
    (void)dir;
    return len >= 4 && data[0] == 0 && data[1] >= 1 && data[1] <= 5 ? PROBE_YES : PROBE_NO;
}

/** ISAKMP header (RFC 2408, 7296): any of version 1; of version 2.0 one whose length fits. */
static enum probe_verdict check_ike(unsigned dir, const uint8_t *data, uint32_t len)
{
    (void)dir;
    if (len < 28)
        return PROBE_NO;
    uint32_t size =
        (uint32_t)data[24] << 24 | (uint32_t)data[25] << 16 | (uint32_t)data[26] << 8 | data[27];
    if (data[17] >> 4 == 1)
        return PROBE_YES;
    return data[17] == 0x20 && data[18] >= 34 && data[18] <= 37 && size == len ? PROBE_YES
                                                                               : PROBE_NO;
}

/** TPKT and X.224 connection request or confirm (MS-RDPBCGR 1.3.1.1), or TLS behind one. */
static enum probe_verdict check_rdp(unsigned dir, const uint8_t *data, uint32_t len)
{
    (void)dir;
    if (len < 7)
        return PROBE_MORE;
    return data[0] == 3 && data[1] == 0 && (data[5] & 0xf0) >= 0xc0 ? PROBE_YES : PROBE_NO;
}

/**
 * The public header of Google's QUIC before Q044: connection id, nonce, version, packet number,
 * hash as flagged.
 */
static bool quic_public_sound(uint8_t flags, struct cursor c)
{
    cursor_skip(&c, flags & 8 ? 8 : flags & 4 ? 32 : 0);
    cursor_skip(&c, flags & 1 ? 4 : 0);
    cursor_skip(&c, 1 + (flags >> 4 & 3));
    cursor_skip(&c, flags & 8 ? 12 : 0);
    return !c.bad;
}

static bool quic_long_sound(uint8_t flags, struct cursor c)
{
    uint32_t version = cursor_be32(&c);
    bool google = version >= 0x51303433 && version <= 0x51303436; /* "Q043" to "Q046" */
    bool early = google && version != 0x51303436;
    if (early && (flags & 0x7f) < 0x7c)
        return false;
    if (google) {
        uint8_t lengths = cursor_u8(&c);
        cursor_skip(&c, lengths >> 4 ? (lengths >> 4) + 3 : 0);
        cursor_skip(&c, lengths & 15 ? (lengths & 15) + 3 : 0);
    } else {
        uint8_t n = cursor_u8(&c);
        cursor_skip(&c, n);
        n = cursor_u8(&c);
        cursor_skip(&c, n);
    }
    bool initial = version != 0 && (early ? (flags & 0x7f) == 0x7f : (flags & 0x30) == 0);
    if (!initial)
        return !c.bad;
    if (google) {
        cursor_skip(&c, 4 + 12);
        return !c.bad;
    }
    uint64_t token = quic_integer_read(&c);
    cursor_skip(&c, token < UINT32_MAX ? (size_t)token : SIZE_MAX);
    uint64_t length = quic_integer_read(&c);
    return !c.bad && length <= cursor_left(&c) && length <= UINT16_MAX;
}

/**
 * Any header that QUIC (RFC 9000 17, or Google's before it) could have: on its ports that is
 * enough, as in Suricata.
 */
static enum probe_verdict check_quic(unsigned dir, const uint8_t *data, uint32_t len)
{
    (void)dir;
    struct cursor c = cursor_make(data, len);
    uint8_t flags = cursor_u8(&c);
    bool sound = flags & 0x80   ? quic_long_sound(flags, c)
                 : flags & 0x40 ? true
                                : quic_public_sound(flags, c);
    return sound ? PROBE_YES : PROBE_NO;
}

/**
 * A SIP request or status line (RFC 3261 7.1): the version tells it from SSDP, which has NOTIFY
 * too.
 */
static enum probe_verdict check_sip(unsigned dir, const uint8_t *data, uint32_t len)
{
    (void)dir;
    static const char version[] = "SIP/2.0";
    const uint8_t *end = memchr(data, '\n', len);
    uint32_t line = end ? (uint32_t)(end - data) : len;
    for (uint32_t i = 0; i + sizeof(version) - 1 <= line; i++)
        if (memcmp(data + i, version, sizeof(version) - 1) == 0)
            return PROBE_YES;
    return PROBE_NO;
}

/** A fixed header (MQTT 3.1.1 2.2) with a type and a quality of service that there are. */
static enum probe_verdict check_mqtt(unsigned dir, const uint8_t *data, uint32_t len)
{
    (void)dir;
    struct cursor c = cursor_make(data, len);
    uint8_t first = cursor_u8(&c), more = 0x80;
    for (unsigned i = 0; i < 4 && more & 0x80; i++)
        more = cursor_u8(&c);
    if (c.bad)
        return PROBE_MORE;
    return !(more & 0x80) && first >> 4 != 0 && (first >> 1 & 3) <= 2 ? PROBE_YES : PROBE_NO;
}

/**
 * Telnet option negotiation at the start (RFC 854), or any first line from the server on its port.
 */
static enum probe_verdict check_telnet(unsigned dir, const uint8_t *data, uint32_t len)
{
    (void)dir;
    if (len < 3)
        return PROBE_MORE;
    return data[0] == 0xff && data[1] >= 0xf0 ? PROBE_YES : PROBE_NO;
}

/** ONC RPC (RFC 5531) call of NFS: over TCP with its record mark. */
static enum probe_verdict check_nfs_tcp(unsigned dir, const uint8_t *data, uint32_t len)
{
    if (len < 28)
        return PROBE_MORE;
    struct cursor c = cursor_make(data + 8, len - 8);
    uint32_t type = cursor_be32(&c), version = cursor_be32(&c), program = cursor_be32(&c);
    if (dir == SIG_DIR_TOCLIENT)
        return type == 1 && version <= 1 ? PROBE_YES : PROBE_NO;
    return type == 0 && version == 2 && program == 100003 ? PROBE_YES : PROBE_NO;
}

static enum probe_verdict check_nfs_udp(unsigned dir, const uint8_t *data, uint32_t len)
{
    if (len < 24)
        return PROBE_NO;
    struct cursor c = cursor_make(data + 4, len - 4);
    uint32_t type = cursor_be32(&c), version = cursor_be32(&c), program = cursor_be32(&c);
    if (dir == SIG_DIR_TOCLIENT)
        return type == 1 && version <= 1 && len >= 32 ? PROBE_YES : PROBE_NO;
    /* calls and replies without contents do not count, as in Suricata */
    bool call = type == 0 && version == 2 && program == 100003;
    return call && len >= 48 ? PROBE_YES : PROBE_NO;
}

/** RFC 9113 3.4: the server's first frame is SETTINGS, of no more than the smallest maximum. */
static enum probe_verdict check_http2(unsigned dir, const uint8_t *data, uint32_t len)
{
    (void)dir;
    struct cursor c = cursor_make(data, len);
    uint32_t size = cursor_be24(&c);
    uint8_t type = cursor_u8(&c), flags = cursor_u8(&c);
    uint32_t stream = cursor_be32(&c);
    if (c.bad)
        return PROBE_MORE;
    return size <= 16384 && type == 4 && (flags & 0xfe) == 0 && stream >> 31 == 0 ? PROBE_YES
                                                                                  : PROBE_NO;
}

/* ---- tables -------------------------------------------------------------------------------- */

#define PM(app, proto, dirs, at, text, fold, check)                                                \
    {                                                                                              \
        SIG_APP_##app, proto, dirs, at, sizeof(text) - 1, fold, text, check                        \
    }
#define HTTP(method)                                                                               \
    PM(HTTP1, TCP, TS, 0, method " ", true, NULL), PM(HTTP1, TCP, TS, 0, method "\t", true, NULL)
#define SIP(method) PM(SIP, UDP, TS, 0, method, false, check_sip)

static const struct probe_pattern patterns[] = {
    HTTP("GET"),
    HTTP("PUT"),
    HTTP("POST"),
    HTTP("HEAD"),
    HTTP("TRACE"),
    HTTP("OPTIONS"),
    HTTP("CONNECT"),
    HTTP("DELETE"),
    HTTP("PATCH"),
    HTTP("PROPFIND"),
    HTTP("PROPPATCH"),
    HTTP("MKCOL"),
    HTTP("COPY"),
    HTTP("MOVE"),
    HTTP("LOCK"),
    HTTP("UNLOCK"),
    HTTP("CHECKOUT"),
    HTTP("UNCHECKOUT"),
    HTTP("CHECKIN"),
    HTTP("UPDATE"),
    HTTP("LABEL"),
    HTTP("REPORT"),
    HTTP("MKWORKSPACE"),
    HTTP("MKACTIVITY"),
    HTTP("MERGE"),
    HTTP("INVALID"),
    HTTP("VERSION-CONTROL"),
    HTTP("BASELINE-CONTROL"),
    PM(HTTP1, TCP, TC, 0, "HTTP/0.9", true, NULL),
    PM(HTTP1, TCP, TC, 0, "HTTP/1.0", true, NULL),
    PM(HTTP1, TCP, TC, 0, "HTTP/1.1", true, NULL),
    PM(HTTP2, TCP, TS, 0, "PRI * HTTP/2.0\r\n", false, NULL),
    PM(TLS, TCP, TS, 2, "\x01\x00\x02", false, NULL),
    PM(TLS, TCP, TS, 0, "\x01\x03\x00", false, NULL),
    PM(TLS, TCP, TS, 0, "\x01\x03\x01", false, NULL),
    PM(TLS, TCP, TS, 0, "\x01\x03\x02", false, NULL),
    PM(TLS, TCP, TS, 0, "\x01\x03\x03", false, NULL),
    PM(TLS, TCP, BOTH, 0, "\x16\x03\x00", false, NULL),
    PM(TLS, TCP, BOTH, 0, "\x16\x03\x01", false, NULL),
    PM(TLS, TCP, BOTH, 0, "\x16\x03\x02", false, NULL),
    PM(TLS, TCP, BOTH, 0, "\x16\x03\x03", false, NULL),
    PM(TLS, TCP, TC, 0, "\x15\x03\x00", false, NULL),
    PM(TLS, TCP, TC, 0, "\x15\x03\x01", false, NULL),
    PM(TLS, TCP, TC, 0, "\x15\x03\x02", false, NULL),
    PM(TLS, TCP, TC, 0, "\x15\x03\x03", false, NULL),
    PM(TLS, TCP, TC, 0, "\x17\x03\x00", false, NULL),
    PM(TLS, TCP, TC, 0, "\x17\x03\x01", false, NULL),
    PM(TLS, TCP, TC, 0, "\x17\x03\x02", false, NULL),
    PM(TLS, TCP, TC, 0, "\x17\x03\x03", false, NULL),
    PM(SSH, TCP, BOTH, 0, "SSH-", false, NULL),
    PM(SMTP, TCP, TS, 0, "EHLO", true, NULL),
    PM(SMTP, TCP, TS, 0, "HELO", true, NULL),
    PM(SMTP, TCP, TS, 0, "QUIT", true, NULL),
    PM(FTP, TCP, TC, 0, "220 (", true, NULL),
    PM(FTP, TCP, TS, 0, "FEAT", true, NULL),
    PM(FTP, TCP, TS, 0, "USER ", true, NULL),
    PM(FTP, TCP, TS, 0, "PASS ", true, NULL),
    PM(FTP, TCP, TS, 0, "PORT ", true, NULL),
    PM(SMB, TCP, BOTH, 4, "\xffSMB", false, check_smb),
    PM(SMB, TCP, BOTH, 4, "\xfeSMB", false, check_smb),
    PM(DCERPC, TCP, TS, 0, "\x05\x00", false, check_dcerpc_tcp),
    PM(DCERPC, TCP, TC, 0, "\x05\x00", false, NULL),
    PM(DCERPC, UDP, TS, 0, "\x04\x00", false, check_dcerpc_udp),
    PM(IMAP, TCP, TS, 0, "1 capability", true, NULL),
    PM(RFB, TCP, BOTH, 0, "RFB ", false, NULL),
    PM(BITTORRENT_DHT, UDP, BOTH, 0, "d1:ad2:id20:", false, NULL),
    PM(BITTORRENT_DHT, UDP, BOTH, 0, "d1:rd2:id20:", false, NULL),
    PM(BITTORRENT_DHT, UDP, BOTH, 0, "d2:ip", false, NULL),
    PM(BITTORRENT_DHT, UDP, BOTH, 0, "d1:el", false, NULL),
    SIP("REGISTER"),
    SIP("INVITE"),
    SIP("ACK"),
    SIP("BYE"),
    SIP("CANCEL"),
    SIP("UPDATE"),
    SIP("REFER"),
    SIP("PRACK"),
    SIP("SUBSCRIBE"),
    SIP("NOTIFY"),
    SIP("PUBLISH"),
    SIP("MESSAGE"),
    SIP("INFO"),
    PM(SIP, UDP, TS, 0, "OPTIONS ", false, check_sip),
    PM(SIP, UDP, TC, 0, "SIP/2.0", false, NULL),
};

static const struct probe_port ports[] = {
    {SIG_APP_DNS,     UDP, BOTH, 53,    check_dns     },
    { SIG_APP_DNS,    TCP, BOTH, 53,    check_dns_tcp },
    { SIG_APP_TLS,    TCP, TS,   443,   check_tls     },
    { SIG_APP_HTTP2,  TCP, TC,   80,    check_http2   },
    { SIG_APP_SMTP,   TCP, TC,   25,    check_smtp    },
    { SIG_APP_SMTP,   TCP, TC,   465,   check_smtp    },
    { SIG_APP_SMTP,   TCP, TC,   587,   check_smtp    },
    { SIG_APP_SMB,    TCP, BOTH, 139,   check_smb     },
    { SIG_APP_SMB,    TCP, BOTH, 445,   check_smb     },
    { SIG_APP_NTP,    UDP, BOTH, 123,   check_ntp     },
    { SIG_APP_SNMP,   UDP, BOTH, 161,   check_snmp    },
    { SIG_APP_SNMP,   UDP, BOTH, 162,   check_snmp    },
    { SIG_APP_KRB5,   UDP, BOTH, 88,    check_krb5_udp},
    { SIG_APP_KRB5,   TCP, BOTH, 88,    check_krb5_tcp},
    { SIG_APP_DHCP,   UDP, BOTH, 67,    check_dhcp    },
    { SIG_APP_DHCP,   UDP, BOTH, 68,    check_dhcp    },
    { SIG_APP_TFTP,   UDP, BOTH, 69,    check_tftp    },
    { SIG_APP_IKE,    UDP, BOTH, 500,   check_ike     },
    { SIG_APP_RDP,    TCP, BOTH, 3389,  check_rdp     },
    { SIG_APP_QUIC,   UDP, BOTH, 443,   check_quic    },
    { SIG_APP_QUIC,   UDP, BOTH, 80,    check_quic    },
    { SIG_APP_MQTT,   TCP, BOTH, 1883,  check_mqtt    },
    { SIG_APP_TELNET, TCP, BOTH, 23,    check_telnet  },
    { SIG_APP_NFS,    TCP, BOTH, 2049,  check_nfs_tcp },
    { SIG_APP_NFS,    UDP, BOTH, 2049,  check_nfs_udp },
};

#define PATTERNS (sizeof(patterns) / sizeof(patterns[0]))
#define PORTS    (sizeof(ports) / sizeof(ports[0]))
#define WORDS    ((PATTERNS + 63) / 64)
#define SLOTS    64 /* for ports, by their last bits */
_Static_assert(PORTS <= 64, "a port's checks are one word");

/** Sets of numbers in the tables above, in whose order they are asked. */
struct app_probes {
    uint64_t first[2][2][256][WORDS]; /* [UDP][dir][first byte]: what may hold then */
    uint64_t port[SLOTS];
    uint32_t enough[2];
};

/* ---- which are asked ------------------------------------------------------------------------- */

/** Whether a pattern may hold for bytes that begin so. */
static bool may_begin(const struct probe_pattern *p, unsigned byte)
{
    unsigned want = (uint8_t)p->bytes[0];
    return p->offset > 0 || want == byte || (p->nocase && tolower((int)want) == tolower((int)byte));
}

static void pattern_add(struct app_probes *probes, unsigned n)
{
    const struct probe_pattern *p = &patterns[n];
    uint32_t end = (uint32_t)p->offset + p->len;
    for (unsigned dir = 0; dir < 2; dir++) {
        if (!(p->dirs & 1u << dir))
            continue;
        for (unsigned byte = 0; byte < 256; byte++)
            if (may_begin(p, byte))
                probes->first[p->ip_proto == UDP][dir][byte][n / 64] |= UINT64_C(1) << n % 64;
        if (p->ip_proto == TCP && end > probes->enough[dir])
            probes->enough[dir] = end;
    }
}

struct app_probes *app_probes_create(void)
{
    struct app_probes *probes = xcalloc(1, sizeof(*probes));
    for (unsigned i = 0; i < PATTERNS; i++)
        pattern_add(probes, i);
    for (unsigned i = 0; i < PORTS; i++)
        probes->port[ports[i].port % SLOTS] |= UINT64_C(1) << i;
    return probes;
}

void app_probes_free(struct app_probes *probes)
{
    free(probes);
}

/* ---- asking ---------------------------------------------------------------------------------- */

static enum probe_verdict pattern_try(const struct probe_pattern *p, unsigned dir,
                                      const uint8_t *data, uint32_t len)
{
    if (len <= p->offset)
        return PROBE_MORE;
    uint32_t have = len - p->offset < p->len ? len - p->offset : p->len;
    const char *at = (const char *)data + p->offset;
    if ((p->nocase ? strncasecmp(at, p->bytes, have) : memcmp(at, p->bytes, have)) != 0)
        return PROBE_NO;
    if (have < p->len)
        return PROBE_MORE;
    return p->check ? p->check(dir, data, len) : PROBE_YES;
}

static enum sig_app patterns_ask(const uint64_t *sets, unsigned dir, const uint8_t *data,
                                 uint32_t len, bool *more)
{
    for (unsigned w = 0; w < WORDS; w++) {
        for (uint64_t set = sets[w]; set != 0; set &= set - 1) {
            const struct probe_pattern *p = &patterns[64 * w + (unsigned)__builtin_ctzll(set)];
            enum probe_verdict v = pattern_try(p, dir, data, len);
            if (v == PROBE_YES)
                return (enum sig_app)p->app;
            *more |= v == PROBE_MORE;
        }
    }
    return SIG_APP_UNKNOWN;
}

enum sig_app app_probe(const struct app_probes *probes, unsigned ip_proto, unsigned dir,
                       uint16_t port, const uint8_t *data, uint32_t len, bool *over)
{
    *over = len >= PROBE_ENOUGH;
    if (len == 0)
        return SIG_APP_UNKNOWN;
    bool more = false;
    const uint64_t *sets = probes->first[ip_proto == UDP][dir][data[0]];
    enum sig_app app = patterns_ask(sets, dir, data, len, &more);
    if (app != SIG_APP_UNKNOWN)
        return app;
    for (uint64_t set = probes->port[port % SLOTS]; set != 0; set &= set - 1) {
        const struct probe_port *p = &ports[__builtin_ctzll(set)];
        if (p->port != port || p->ip_proto != ip_proto || !(p->dirs & 1u << dir))
            continue;
        enum probe_verdict v = p->check(dir, data, len);
        if (v == PROBE_YES)
            return (enum sig_app)p->app;
        more |= v == PROBE_MORE;
    }
    if (!more && len >= (ip_proto == TCP ? probes->enough[dir] : 0))
        *over = true;
    return SIG_APP_UNKNOWN;
}

uint32_t app_probe_enough(const struct app_probes *probes, unsigned dir)
{
    return probes->enough[dir];
}
