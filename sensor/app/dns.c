/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DNS (RFC 1035) over UDP and TCP. As in Suricata 7 each message is a transaction of its own with
 * one direction. The message is kept as it came; names are made when a rule asks.
 */
#include "config.h"
#include "sensor/app/frames.h"
#include "sensor/app/parsers.h"

#include <stdio.h>

#include "common/addr.h"
#include "common/buf.h"
#include "common/cursor.h"
#include "common/json.h"

/** Longest name that is made of labels, as Suricata: more is cut. */
#define DNS_NAME_MAX 1025
/** Labels and compression pointers of one name, as in Suricata. */
#define DNS_STEPS_MAX 256
/** Questions of a message that rules see. */
#define DNS_QUESTIONS_MAX 64
#define DNS_HEADER        12

enum dns_event {
    DNS_MALFORMED,
    DNS_NOT_REQUEST,
    DNS_NOT_RESPONSE,
    DNS_Z_FLAG,
    DNS_BAD_OPCODE,
    DNS_NAME_TOO_LONG, /* the last three in the order of enum name_oddity */
};

static const char *const dns_events[] = { "malformed_data", "not_request",   "not_response",
                                          "z_flag_set",     "invalid_opcode", "name_too_long",
                                          "infinite_loop",  "too_many_labels", NULL };

struct dns_tx {
    struct app_tx tx;
    uint8_t *message;
    uint32_t len;
    struct app_bytes names; /* of the questions: two bytes of length, then the name */
    uint16_t flags, questions;
    bool named;
};

/** What is odd about a name that can be read all the same. */
enum name_oddity { NAME_CUT = 1, NAME_LOOP = 2, NAME_LABELS = 4 };

/** Where the labels of a name end up. */
struct dns_name {
    uint8_t text[DNS_NAME_MAX];
    uint32_t len;
    unsigned oddities; /* enum name_oddity */
};

static void name_label(struct dns_name *out, const uint8_t *label, uint32_t n)
{
    if (out->len > 0 && out->len < DNS_NAME_MAX)
        out->text[out->len++] = '.';
    uint32_t room = DNS_NAME_MAX - out->len;
    if (n > room)
        out->oddities |= NAME_CUT;
    memcpy(out->text + out->len, label, n < room ? n : room);
    out->len += n < room ? n : room;
}

/**
 * Read a name at `c` (a cursor over the rest of the message `whole`), following pointers. False
 * when malformed. Once a pointer was followed it is known where the name ends, and what is wrong
 * behind it only makes it odd.
 */
static bool name_read(struct cursor *c, const uint8_t *whole, uint32_t len, struct dns_name *out)
{
    struct cursor walk = *c;
    bool jumped = false;
    out->len = 0;
    out->oddities = 0;
    for (unsigned steps = 0; steps < DNS_STEPS_MAX; steps++) {
        const uint8_t *at = walk.at;
        uint8_t n = cursor_u8(&walk);
        if (walk.bad || (n & 0xc0) == 0x40 || (n & 0xc0) == 0x80)
            return false;
        if (n < 0xc0) {
            const uint8_t *label = cursor_take(&walk, n);
            if (!label)
                return false;
            if (!jumped)
                *c = walk;
            if (n == 0)
                return true;
            if (!(out->oddities & NAME_CUT))
                name_label(out, label, n);
            continue;
        }
        uint32_t to = (uint32_t)(n & 0x3f) << 8 | cursor_u8(&walk);
        if (walk.bad || to >= len)
            return false;
        if (whole + to == at) {
            out->oddities |= NAME_LOOP;
            return jumped;
        }
        if (!jumped)
            *c = walk;
        jumped = true;
        walk = cursor_make(whole + to, len - to);
    }
    out->oddities |= NAME_LABELS | NAME_CUT;
    return jumped;
}

/** Make the names of the questions. */
static void names_build(struct app_ctx *ctx, struct dns_tx *t)
{
    t->named = true;
    struct cursor c = cursor_make(t->message + DNS_HEADER, t->len - DNS_HEADER);
    struct dns_name name;
    for (unsigned i = 0; i < t->questions && i < DNS_QUESTIONS_MAX; i++) {
        if (!name_read(&c, t->message, t->len, &name))
            return;
        cursor_skip(&c, 4);
        uint8_t size[2] = { (uint8_t)(name.len >> 8), (uint8_t)name.len };
        if (c.bad || !app_bytes_reserve(ctx->slab, &t->names, 2 + name.len))
            return;
        (void)app_bytes_add(ctx->slab, &t->names, size, 2);
        (void)app_bytes_add(ctx->slab, &t->names, name.text, name.len);
    }
}

static bool dns_buffer(struct app_ctx *ctx, struct app_flow *af, struct app_tx *tx, unsigned dir,
                       enum sig_buffer buffer, uint32_t index, struct app_view *out)
{
    (void)af;
    struct dns_tx *t = (struct dns_tx *)tx;
    if (buffer != SIG_BUF_DNS_QUERY || dir != SIG_DIR_TOSERVER || t->flags & 0x8000)
        return false;
    if (!t->named)
        names_build(ctx, t);
    struct cursor c = cursor_make(t->names.data, t->names.len);
    for (;;) {
        uint16_t n = cursor_be16(&c);
        const uint8_t *name = cursor_take(&c, n);
        if (!name)
            return false;
        if (index-- == 0)
            return n > 0 && app_view_set(out, name, n); /* the root: none, as in the reference */
    }
}

static bool dns_number(struct app_flow *af, struct app_tx *tx, unsigned dir, const char *name,
                       uint64_t *out)
{
    (void)af;
    (void)dir;
    const struct dns_tx *t = (const struct dns_tx *)tx;
    if (strcmp(name, "dns.opcode") == 0)
        *out = t->flags >> 11 & 15;
    else if (strcmp(name, "dns.rcode") == 0 && t->flags & 0x8000)
        *out = t->flags & 15;
    else
        return false;
    return true;
}

static void dns_clear(struct app_ctx *ctx, struct app_tx *tx)
{
    struct dns_tx *t = (struct dns_tx *)tx;
    slab_free(ctx->slab, t->message, t->len);
    app_bytes_free(ctx->slab, &t->names);
}

/** Whether the questions of a message can be read: a message that can't is no transaction. What is
 * odd about their names is added to `oddities`. */
static bool message_sound(const uint8_t *data, uint32_t len, uint16_t questions,
                          unsigned *oddities)
{
    struct cursor c = cursor_make(data + DNS_HEADER, len - DNS_HEADER);
    struct dns_name name;
    for (unsigned i = 0; i < questions && i < DNS_QUESTIONS_MAX; i++) {
        if (!name_read(&c, data, len, &name))
            return false;
        *oddities |= name.oddities;
        cursor_skip(&c, 4);
    }
    return !c.bad;
}

/** Whether the records of a response can be read, its answers and authorities; Suricata takes a
 * record without data for a broken one. */
static bool records_sound(const uint8_t *data, uint32_t len, uint16_t questions,
                          unsigned *oddities)
{
    struct cursor c = cursor_make(data + 6, len - 6);
    unsigned records = cursor_be16(&c);
    records += cursor_be16(&c);
    cursor_skip(&c, 2);
    struct dns_name name;
    for (unsigned i = 0; i < questions; i++) {
        if (!name_read(&c, data, len, &name))
            return false;
        cursor_skip(&c, 4);
    }
    for (unsigned i = 0; i < records && !c.bad; i++) {
        if (!name_read(&c, data, len, &name))
            return false;
        *oddities |= name.oddities;
        cursor_skip(&c, 8); /* type, class, time to live */
        uint16_t size = cursor_be16(&c);
        cursor_skip(&c, size);
        if (size == 0)
            return false;
    }
    return !c.bad;
}

/* Malformed data count against the message before, in the direction that it has. */
static void malformed(struct app_io *io)
{
    const struct app_tx *last = io->af->last;
    const struct dns_tx *t = (const struct dns_tx *)last;
    if (t)
        app_tx_event(io->af->last, t->flags & 0x8000 ? SIG_DIR_TOCLIENT : SIG_DIR_TOSERVER,
                     DNS_MALFORMED);
}

/** One whole message; false when it is none. */
static bool dns_message(struct app_io *io, const uint8_t *data, uint32_t len)
{
    struct cursor c = cursor_make(data, len);
    cursor_skip(&c, 2);
    uint16_t flags = cursor_be16(&c), questions = cursor_be16(&c);
    unsigned oddities = 0;
    if (len < DNS_HEADER || !message_sound(data, len, questions, &oddities) ||
        (flags & 0x8000 && !records_sound(data, len, questions, &oddities))) {
        malformed(io);
        return false;
    }
    bool response = flags & 0x8000;
    if (response != (io->dir == SIG_DIR_TOCLIENT)) {
        app_tx_event(io->af->last, io->dir, response ? DNS_NOT_REQUEST : DNS_NOT_RESPONSE);
        return false;
    }
    struct dns_tx *t = (struct dns_tx *)app_tx_new(io);
    if (!t)
        return true;
    app_tx_one_way(&t->tx, io->dir);
    t->message = slab_try_alloc(io->ctx->slab, len);
    if (t->message) {
        memcpy(t->message, data, len);
        t->len = len;
    } else {
        app_count(io->ctx, APP_COUNT_NO_MEMORY);
        t->named = true;
    }
    t->flags = flags;
    t->questions = questions;
    if (flags & 0x0040)
        app_tx_event(&t->tx, io->dir, DNS_Z_FLAG);
    if ((flags >> 11 & 15) >= 7)
        app_tx_event(&t->tx, io->dir, DNS_BAD_OPCODE);
    for (unsigned i = 0; oddities >> i; i++)
        if (oddities >> i & 1)
            app_tx_event(&t->tx, io->dir, DNS_NAME_TOO_LONG + i);
    app_tx_progress(&t->tx, io->dir, SIG_PROGRESS_DONE);
    return true;
}

static void dns_datagram(struct app_io *io, const uint8_t *data, uint32_t len)
{
    app_frame_open(io, SIG_FRAME_DNS_PDU, data, len);
    (void)dns_message(io, data, len);
}

/** RFC 1035 4.2.2: messages behind two bytes of length. */
static uint32_t dns_stream(struct app_io *io, const uint8_t *data, uint32_t len, uint32_t old)
{
    (void)old;
    uint32_t used = 0;
    while (len - used >= 2) {
        uint32_t size = (uint32_t)data[used] << 8 | data[used + 1];
        if (len - used - 2 < size) {
            io->want = size + 2;
            break;
        }
        app_frame_open(io, SIG_FRAME_DNS_PDU, data + used + 2, size);
        if (size > 0 && !dns_message(io, data + used + 2, size))
            return APP_GIVE_UP;
        used += 2 + size;
    }
    return used;
}

/** Messages begin anywhere after a gap; those that do not read as one end the parser. */
static bool dns_gap(struct app_io *io, uint32_t len)
{
    (void)io;
    (void)len;
    return true;
}

/* ---- EVE ----------------------------------------------------------------------------------- */

static const char *type_name(uint16_t type, char fallback[8])
{
    static const struct {
        uint16_t type;
        const char *name;
    } names[] = {
        {1,    "A"     },
        { 2,   "NS"    },
        { 5,   "CNAME" },
        { 6,   "SOA"   },
        { 10,  "NULL"  },
        { 11,  "WKS"   },
        { 12,  "PTR"   },
        { 13,  "HINFO" },
        { 15,  "MX"    },
        { 16,  "TXT"   },
        { 28,  "AAAA"  },
        { 33,  "SRV"   },
        { 35,  "NAPTR" },
        { 39,  "DNAME" },
        { 41,  "OPT"   },
        { 43,  "DS"    },
        { 44,  "SSHFP" },
        { 46,  "RRSIG" },
        { 47,  "NSEC"  },
        { 48,  "DNSKEY"},
        { 50,  "NSEC3" },
        { 52,  "TLSA"  },
        { 65,  "HTTPS" },
        { 99,  "SPF"   },
        { 249, "TKEY"  },
        { 250, "TSIG"  },
        { 251, "IXFR"  },
        { 252, "AXFR"  },
        { 255, "ANY"   },
        { 257, "URI"   }
    };
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i].type == type)
            return names[i].name;
    snprintf(fallback, 8, "%u", type);
    return fallback;
}

static const char *rcode_name(unsigned rcode)
{
    static const char *const names[] = { "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN",
                                         "NOTIMP",  "REFUSED", "YXDOMAIN", "YXRRSET",
                                         "NXRRSET", "NOTAUTH", "NOTZONE" };
    return rcode < sizeof(names) / sizeof(names[0]) ? names[rcode] : "UNKNOWN";
}

static void describe_question(const struct dns_tx *t, struct cursor *c, struct json *out)
{
    struct dns_name name;
    char number[8];
    if (!name_read(c, t->message, t->len, &name))
        return;
    json_strn(out, "rrname", name.text, name.len);
    if (name.oddities & NAME_CUT)
        json_bool(out, "rrname_truncated", true);
    json_str(out, "rrtype", type_name(cursor_be16(c), number));
    cursor_skip(c, 2);
}

static void describe_query(const struct dns_tx *t, uint16_t id, struct cursor *c, struct json *out)
{
    json_open_array(out, "query");
    for (unsigned i = 0; i < t->questions && i < DNS_QUESTIONS_MAX; i++) {
        json_open(out, NULL);
        json_str(out, "type", "query");
        json_u64(out, "id", id);
        describe_question(t, c, out);
        json_u64(out, "tx_id", t->tx.id);
        if (t->flags & 0x0040)
            json_bool(out, "z", true);
        json_u64(out, "opcode", t->flags >> 11 & 15);
        json_close(out);
    }
    json_close_array(out);
}

static void describe_answer(const struct dns_tx *t, uint16_t id, struct cursor *c, struct json *out)
{
    char flags[5];
    snprintf(flags, sizeof(flags), "%x", t->flags);
    json_open(out, "answer");
    json_u64(out, "version", 2);
    json_str(out, "type", "answer");
    json_u64(out, "id", id);
    json_str(out, "flags", flags);
    json_bool(out, "qr", true);
    if (t->flags & 0x0100)
        json_bool(out, "rd", true);
    if (t->flags & 0x0080)
        json_bool(out, "ra", true);
    json_u64(out, "opcode", t->flags >> 11 & 15);
    if (t->questions > 0)
        describe_question(t, c, out);
    json_str(out, "rcode", rcode_name(t->flags & 15));
    json_close(out);
}

static void dns_describe(struct app_flow *af, struct app_tx *tx, struct json *out)
{
    (void)af;
    const struct dns_tx *t = (const struct dns_tx *)tx;
    if (!t->message)
        return;
    struct cursor c = cursor_make(t->message, t->len);
    uint16_t id = cursor_be16(&c);
    cursor_skip(&c, DNS_HEADER - 2);
    json_open(out, "dns");
    if (t->flags & 0x8000)
        describe_answer(t, id, &c, out);
    else
        describe_query(t, id, &c, out);
    json_close(out);
}

const struct app_parser app_parser_dns = {
    .app = SIG_APP_DNS,
    .stream = dns_stream,
    .gap = dns_gap,
    .datagram = dns_datagram,
    .buffer = dns_buffer,
    .number = dns_number,
    .tx_clear = dns_clear,
    .describe = dns_describe,
    .tx_size = sizeof(struct dns_tx),
    .events = dns_events,
};
