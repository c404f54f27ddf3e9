/* SPDX-License-Identifier: Apache-2.0 */
/*
 * QUIC versions 1 and 2, the drafts 23 to 34 (RFC 9000, 9001, 9369), and Google's Q043 to Q046:
 * Initial packets are decrypted and the hello in them is read. As in Suricata each packet with a
 * long header is a transaction of its own with one direction, until the side's hello is there.
 */
#include "config.h"
#include "sensor/app/quic.h"

#include <stdio.h>

#include "common/cursor.h"
#include "common/json.h"
#include "sensor/app/digest.h"
#include "sensor/app/parsers.h"
#include "sensor/app/tls.h"

/** Bytes of a side's hello that are gathered (Suricata's limit), and pieces of it out of order. */
#define HELLO_MAX  65535u
#define PIECES_MAX 128u
/** Tags of Google's hello that are read, and room for their names. */
#define TAGS_MAX     128u
#define CYU_MAX      1024u

#define GOOGLE_FIRST UINT32_C(0x51303433) /* "Q043" */
#define GOOGLE_LAST  UINT32_C(0x51303436) /* "Q046" */
/** Google's Initial packets carry a hash in front of their frames. */
#define GOOGLE_HASH 12u

enum quic_event { QUIC_FAILED_DECRYPT, QUIC_ERROR_ON_DATA, QUIC_CRYPTO_TOO_LONG };

static const char *const quic_events[] = { "failed_decrypt", "error_on_data",
                                           "crypto_frag_too_long", NULL };

enum packet_type { PACKET_INITIAL, PACKET_OTHER, PACKET_RETRY };

/** A header as read. */
struct header {
    uint32_t version;
    uint8_t type;      /* enum packet_type */
    bool google;       /* frames of its own, in the clear */
    bool old;          /* without a long header */
    const uint8_t *id; /* of the destination */
    uint32_t id_len;
    uint32_t head;   /* bytes up to the packet number */
    uint32_t length; /* of number, payload and tag */
};

struct quic_tx {
    struct tls_tx hello; /* its first member is the transaction */
    uint8_t dir;
    uint8_t version[4];
    bool old;    /* rules see no version in a header that is not long */
    bool hashed; /* of a version that CYU is made for */
    bool whole, mixed; /* the hello: all of it came; its frames not in the order of its bytes */
    struct app_bytes user_agent, cyu;
    char cyu_hash[33];
};

/** A run of bytes of the hello that has come. */
struct piece {
    uint32_t from, to;
};

struct quic_side {
    struct app_bytes hello, pieces;
    bool done; /* the hello is there; what follows is not read */
};

struct quic_state {
    struct quic_keys keys[2];
    bool keyed;
    struct quic_side side[2];
    struct app_bytes plain;
};

/* ---- headers ------------------------------------------------------------------------------- */

static bool is_google(uint32_t version)
{
    return version >= GOOGLE_FIRST && version <= GOOGLE_LAST;
}

static uint8_t long_type(uint8_t flags, const struct header *h)
{
    uint8_t bits = flags >> 4 & 3;
    if (h->version == 0)
        return PACKET_OTHER; /* version negotiation */
    if (h->google && h->version != GOOGLE_LAST)
        return (flags & 0x7f) == 0x7f ? PACKET_INITIAL : PACKET_OTHER;
    if (h->version == QUIC_V2)
        bits = (bits + 3) & 3;
    return bits == 0 ? PACKET_INITIAL : bits == 3 ? PACKET_RETRY : PACKET_OTHER;
}

/** Connection ids of Google's long header: four bits of length each, less three. */
static void google_ids(struct cursor *c, struct header *h)
{
    uint8_t lengths = cursor_u8(c);
    h->id_len = lengths >> 4 ? (lengths >> 4) + 3u : 0;
    h->id = cursor_take(c, h->id_len);
    cursor_skip(c, lengths & 15 ? (lengths & 15) + 3u : 0);
    cursor_skip(c, 4); /* packet number */
}

static void ietf_rest(struct cursor *c, struct header *h)
{
    h->id_len = cursor_u8(c);
    h->id = cursor_take(c, h->id_len);
    uint8_t source = cursor_u8(c);
    cursor_skip(c, source);
    h->length = 0;
    if (h->version == 0 || h->type == PACKET_RETRY) {
        cursor_skip(c, cursor_left(c));
        return;
    }
    if (h->type == PACKET_INITIAL) {
        uint64_t token = quic_integer_read(c);
        cursor_skip(c, token < UINT32_MAX ? (size_t)token : SIZE_MAX);
    }
    uint64_t length = quic_integer_read(c);
    c->bad |= length > cursor_left(c);
    h->length = (uint32_t)length;
}

/** Google's header before Q044: flags say what there is; it has a version in a hello alone. */
static bool public_header(uint8_t flags, const uint8_t *data, uint32_t len, struct header *h)
{
    struct cursor c = cursor_make(data + 1, len - 1);
    if (!(flags & 1))
        return false;
    h->id_len = flags & 8 ? 8 : 0;
    h->id = cursor_take(&c, h->id_len);
    h->version = cursor_be32(&c);
    cursor_skip(&c, 1u << (flags >> 4 & 3));
    h->google = h->old = true;
    h->type = PACKET_INITIAL;
    h->head = (uint32_t)(c.at - data);
    h->length = len - h->head;
    return !c.bad && h->version >> 16 == GOOGLE_FIRST >> 16;
}

/** A packet's header at the front of `len` bytes; false when it is none that can be read. */
static bool header_read(const uint8_t *data, uint32_t len, struct header *h)
{
    struct cursor c = cursor_make(data, len);
    uint8_t flags = cursor_u8(&c);
    *h = (struct header){ 0 };
    if (!(flags & 0x80))
        return !(flags & 0x40) && public_header(flags, data, len, h);
    h->version = cursor_be32(&c);
    h->google = is_google(h->version);
    h->type = long_type(flags, h);
    if (h->google)
        google_ids(&c, h);
    else
        ietf_rest(&c, h);
    h->head = (uint32_t)(c.at - data);
    if (h->google)
        h->length = (uint32_t)cursor_left(&c);
    return !c.bad;
}

/* ---- the hello ----------------------------------------------------------------------------- */

static struct quic_tx *tx_new(struct app_io *io, const struct header *h)
{
    struct quic_tx *t = (struct quic_tx *)app_tx_new(io);
    if (!t)
        return NULL;
    t->dir = (uint8_t)io->dir;
    t->old = h->old;
    t->hashed = is_google(h->version);
    for (unsigned i = 0; i < 4; i++)
        t->version[i] = (uint8_t)(h->version >> (24 - 8 * i));
    app_tx_one_way(&t->hello.tx, io->dir);
    app_tx_progress(&t->hello.tx, io->dir, SIG_PROGRESS_DONE);
    return t;
}

/** Keep a CRYPTO frame's bytes (RFC 9000 19.6) at their place. */
static void hello_add(struct app_io *io, struct quic_tx *t, struct quic_side *s, uint64_t offset,
                      const uint8_t *data, uint32_t len)
{
    if (offset > HELLO_MAX || len > HELLO_MAX - offset ||
        s->pieces.len / sizeof(struct piece) >= PIECES_MAX) {
        app_tx_event(t ? &t->hello.tx : NULL, io->dir, QUIC_CRYPTO_TOO_LONG);
        return;
    }
    struct piece p = { (uint32_t)offset, (uint32_t)offset + len };
    uint32_t more = p.to > s->hello.len ? p.to - s->hello.len : 0;
    if (!app_bytes_reserve(io->ctx->slab, &s->hello, more) ||
        !app_bytes_add(io->ctx->slab, &s->pieces, &p, sizeof(p))) {
        app_count(io->ctx, APP_COUNT_NO_MEMORY);
        return;
    }
    memset(s->hello.data + s->hello.len, 0, more);
    s->hello.len += more;
    memcpy(s->hello.data + p.from, data, len);
}

/** Bytes of the hello from its start on without a hole. */
static uint32_t hello_prefix(const struct quic_side *s)
{
    const struct piece *all = (const void *)s->pieces.data;
    uint32_t count = s->pieces.len / (uint32_t)sizeof(*all), have = 0;
    for (bool grown = true; grown;) {
        grown = false;
        for (uint32_t i = 0; i < count; i++)
            if (all[i].from <= have && all[i].to > have) {
                have = all[i].to;
                grown = true;
            }
    }
    return have;
}

/** Whether frames came before others that stand in front of them. */
static bool hello_mixed(const struct quic_side *s)
{
    const struct piece *all = (const void *)s->pieces.data;
    uint32_t count = s->pieces.len / (uint32_t)sizeof(*all), have = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (all[i].from > have)
            return true;
        have = all[i].to > have ? all[i].to : have;
    }
    return false;
}

/** Read the hello once it is whole. Behind both nothing can be read any more: all other keys come
 * from what the hellos agree on (RFC 9001 5). */
static void hello_read(struct app_io *io, struct quic_tx *t, struct quic_side *s)
{
    const struct quic_state *state = io->af->state;
    struct cursor c = cursor_make(s->hello.data, hello_prefix(s));
    uint8_t type = cursor_u8(&c);
    uint32_t size = cursor_be24(&c);
    bool client = io->dir == SIG_DIR_TOSERVER;
    if (c.bad || cursor_left(&c) < size)
        return;
    s->done = true;
    io->out->encrypted = state->side[!io->dir].done;
    if (t) {
        t->whole = true;
        t->mixed = hello_mixed(s);
    }
    if (type == (client ? 1 : 2) && t && !tls_hello_read(io, &t->hello, c.at, size))
        app_tx_event(&t->hello.tx, io->dir, QUIC_ERROR_ON_DATA);
    app_bytes_free(io->ctx->slab, &s->hello);
    app_bytes_free(io->ctx->slab, &s->pieces);
}

/** More PADDING (RFC 9000 19.1), which makes up most of a client's first datagrams. */
static void padding_skip(struct cursor *c)
{
    size_t n = 0, left = cursor_left(c);
    uint64_t eight;
    while (left - n >= sizeof(eight) && (memcpy(&eight, c->at + n, sizeof(eight)), eight == 0))
        n += sizeof(eight);
    while (n < left && c->at[n] == 0)
        n++;
    cursor_skip(c, n);
}

/** ACK (RFC 9000 19.3), with counts of congestion in type 3. */
static void ack_skip(struct cursor *c, uint64_t type)
{
    (void)quic_integer_read(c);
    (void)quic_integer_read(c);
    uint64_t ranges = quic_integer_read(c);
    (void)quic_integer_read(c);
    for (; ranges > 0 && !c->bad; ranges--) {
        (void)quic_integer_read(c);
        (void)quic_integer_read(c);
    }
    for (unsigned i = 0; type == 3 && i < 3; i++)
        (void)quic_integer_read(c);
}

/** CONNECTION_CLOSE (RFC 9000 19.19). */
static void close_skip(struct cursor *c, uint64_t type)
{
    (void)quic_integer_read(c);
    if (type == 0x1c)
        (void)quic_integer_read(c);
    uint64_t reason = quic_integer_read(c);
    cursor_skip(c, reason < UINT32_MAX ? (size_t)reason : SIZE_MAX);
}

/** Append a tag's name, its trailing NULs left out, to the string that CYU hashes. */
static void cyu_tag(struct app_io *io, struct quic_tx *t, const uint8_t *tag)
{
    uint32_t n = 4;
    while (n > 0 && tag[n - 1] == 0)
        n--;
    if (t->cyu.len + n + 1 > CYU_MAX)
        return;
    if (t->cyu.len > 3)
        (void)app_bytes_add(io->ctx->slab, &t->cyu, "-", 1);
    (void)app_bytes_add(io->ctx->slab, &t->cyu, tag, n);
}

/** A CHLO message: pairs of a tag and the end of its value, then the values. */
static void chlo_read(struct app_io *io, struct quic_tx *t, struct cursor c)
{
    const uint8_t *kind = cursor_take(&c, 4);
    uint16_t count = cursor_le16(&c);
    cursor_skip(&c, 2);
    struct cursor tags = cursor_sub(&c, (size_t)count * 8);
    if (!kind || memcmp(kind, "CHLO", 4) != 0 || tags.bad || count > TAGS_MAX)
        return;
    char start[4] = { (char)t->version[2], (char)t->version[3], ',', 0 };
    (void)app_bytes_add(io->ctx->slab, &t->cyu, start, 3);
    for (uint32_t i = 0, from = 0; i < count; i++) {
        const uint8_t *tag = cursor_take(&tags, 4);
        uint32_t to = cursor_le32(&tags);
        const uint8_t *value = to >= from ? cursor_take(&c, to - from) : NULL;
        if (!tag || !value)
            break;
        cyu_tag(io, t, tag);
        if (memcmp(tag, "SNI\0", 4) == 0 && t->hello.sni.len == 0)
            (void)app_bytes_add(io->ctx->slab, &t->hello.sni, value, to - from);
        if (memcmp(tag, "UAID", 4) == 0 && t->user_agent.len == 0)
            (void)app_bytes_add(io->ctx->slab, &t->user_agent, value, to - from);
        from = to;
    }
    if (t->hashed)
        app_md5_hex(t->cyu.data, t->cyu.len, t->cyu_hash);
    else
        app_bytes_free(io->ctx->slab, &t->cyu);
}

/**
 * The frames that an Initial packet may have (RFC 9000 12.4), up to one that it may not; false when
 * one is cut short.
 */
static bool frames_read(struct app_io *io, struct quic_tx *t, struct quic_side *s,
                        const uint8_t *data, uint32_t len)
{
    struct cursor c = cursor_make(data, len);
    while (cursor_left(&c) > 0) {
        uint64_t type = quic_integer_read(&c);
        if (type == 0) {
            padding_skip(&c);
        } else if (type == 2 || type == 3) {
            ack_skip(&c, type);
        } else if (type == 0x1c || type == 0x1d) {
            close_skip(&c, type);
        } else if (type == 6 || type == 8) {
            uint64_t offset = quic_integer_read(&c), size = quic_integer_read(&c);
            const uint8_t *at = size <= cursor_left(&c) ? cursor_take(&c, (size_t)size) : NULL;
            if (!at || c.bad)
                return false;
            if (type == 6)
                hello_add(io, t, s, offset, at, (uint32_t)size);
            else if (t) /* Q050's */
                chlo_read(io, t, cursor_make(at, (size_t)size));
        } else if (type != 1) { /* no PING */
            return true;
        }
    }
    return !c.bad;
}

/** Frames of Google's QUIC: the first STREAM frame has the hello; padding and PING are passed. */
static void google_read(struct app_io *io, struct quic_tx *t, const uint8_t *data, uint32_t len)
{
    struct cursor c = cursor_make(data, len);
    cursor_skip(&c, GOOGLE_HASH);
    while (cursor_left(&c) > 0) {
        uint8_t type = cursor_u8(&c);
        if (type == 0 || type == 7)
            continue;
        if (!(type & 0x80))
            return;
        unsigned offset = type >> 2 & 7;
        cursor_skip(&c, (type & 3u) + 1);
        cursor_skip(&c, offset ? offset + 1 : 0);
        size_t size = type & 0x20 ? cursor_be16(&c) : cursor_left(&c);
        chlo_read(io, t, cursor_sub(&c, size));
        return;
    }
}

/* ---- packets ------------------------------------------------------------------------------- */

/** A transaction that has nothing but an event. */
static void fail(struct app_io *io, const struct header *h, enum quic_event event)
{
    struct quic_tx *t = tx_new(io, h);
    app_tx_event(t ? &t->hello.tx : NULL, io->dir, event);
}

static bool initial_take(struct app_io *io, const struct header *h, const uint8_t *packet)
{
    struct quic_state *s = io->af->state;
    struct quic_side *side = &s->side[io->dir];
    if (h->google) {
        struct quic_tx *t = tx_new(io, h);
        if (t)
            google_read(io, t, packet + h->head, h->length);
        return true;
    }
    uint32_t at =
        quic_unprotect(&s->keys[io->dir], io->ctx->slab, packet, h->head, h->length, &s->plain);
    if (at == 0) {
        fail(io, h, QUIC_FAILED_DECRYPT);
        return false;
    }
    struct quic_tx *t = tx_new(io, h);
    if (!frames_read(io, t, side, s->plain.data + at, s->plain.len - at)) {
        app_tx_event(t ? &t->hello.tx : NULL, io->dir, QUIC_ERROR_ON_DATA);
        return false;
    }
    hello_read(io, t, side);
    return true;
}

/** One packet; false: the rest of the datagram is not read. */
static bool packet_take(struct app_io *io, const struct header *h, const uint8_t *packet)
{
    struct quic_state *s = io->af->state;
    if (h->type == PACKET_INITIAL && !h->google && !s->keyed) {
        if (!quic_keys_make(h->version, h->id, h->id_len, s->keys))
            return tx_new(io, h) != NULL; /* a version whose keys are not known */
        s->keyed = true;
        if (io->dir == SIG_DIR_TOCLIENT) /* the client's hello was not seen */
            s->side[SIG_DIR_TOSERVER].done = true;
    }
    if (h->type == PACKET_RETRY)
        s->keyed = false; /* the client begins again, with another id */
    if (h->type == PACKET_INITIAL)
        return initial_take(io, h, packet);
    return tx_new(io, h) != NULL;
}

static void quic_datagram(struct app_io *io, const uint8_t *data, uint32_t len)
{
    struct quic_state *s = io->af->state;
    struct header h;
    while (len > 0 && !s->side[io->dir].done && header_read(data, len, &h)) {
        uint32_t size = h.head + h.length;
        if (!packet_take(io, &h, data) || size == 0)
            break;
        data += size;
        len -= size;
    }
    app_bytes_free(io->ctx->slab, &s->plain);
}

/* ---- what rules and records see ------------------------------------------------------------- */

static bool bytes_view(const struct app_bytes *b, struct app_view *out)
{
    return b->len > 0 && app_view_set(out, b->data, b->len);
}

static bool hash_view(const struct tls_side *side, bool hash, struct app_view *out)
{
    if (side->ja3.len == 0)
        return false;
    return hash ? app_view_set(out, side->ja3_hash, 32) : bytes_view(&side->ja3, out);
}

static bool quic_buffer(struct app_ctx *ctx, struct app_flow *af, struct app_tx *tx, unsigned dir,
                        enum sig_buffer buffer, uint32_t index, struct app_view *out)
{
    (void)ctx;
    (void)af;
    const struct quic_tx *t = (const struct quic_tx *)tx;
    const struct tls_side *side = &t->hello.side[dir];
    if (index > 0 || dir != t->dir)
        return false;
    switch (buffer) {
    case SIG_BUF_QUIC_SNI:
        return bytes_view(&t->hello.sni, out);
    case SIG_BUF_QUIC_UA:
        return bytes_view(&t->user_agent, out);
    case SIG_BUF_QUIC_VERSION:
        return !t->old && app_view_set(out, t->version, sizeof(t->version));
    case SIG_BUF_QUIC_CYU_STRING:
        return bytes_view(&t->cyu, out);
    case SIG_BUF_QUIC_CYU_HASH:
        return t->cyu.len > 0 && app_view_set(out, t->cyu_hash, 32);
    case SIG_BUF_JA3_HASH:
    case SIG_BUF_JA3_STRING:
        return dir == SIG_DIR_TOSERVER && hash_view(side, buffer == SIG_BUF_JA3_HASH, out);
    case SIG_BUF_JA4_HASH:
        return dir == SIG_DIR_TOSERVER && side->ja4[0] && app_view_set(out, side->ja4, JA4_LEN);
    case SIG_BUF_JA3S_HASH:
    case SIG_BUF_JA3S_STRING:
        return dir == SIG_DIR_TOCLIENT && hash_view(side, buffer == SIG_BUF_JA3S_HASH, out);
    default:
        return false;
    }
}

static void quic_clear(struct app_ctx *ctx, struct app_tx *tx)
{
    struct quic_tx *t = (struct quic_tx *)tx;
    for (unsigned d = 0; d < 2; d++)
        app_bytes_free(ctx->slab, &t->hello.side[d].ja3);
    app_bytes_free(ctx->slab, &t->hello.sni);
    app_bytes_free(ctx->slab, &t->user_agent);
    app_bytes_free(ctx->slab, &t->cyu);
}

static void quic_state_clear(struct app_ctx *ctx, void *state)
{
    struct quic_state *s = state;
    for (unsigned d = 0; d < 2; d++) {
        app_bytes_free(ctx->slab, &s->side[d].hello);
        app_bytes_free(ctx->slab, &s->side[d].pieces);
    }
    app_bytes_free(ctx->slab, &s->plain);
}

static void describe_ja3(const char *key, const struct tls_side *side, struct json *out)
{
    if (side->ja3.len == 0)
        return;
    json_open(out, key);
    json_str(out, "hash", side->ja3_hash);
    json_strn(out, "string", side->ja3.data, side->ja3.len);
    json_close(out);
}

static void quic_describe(struct app_flow *af, struct app_tx *tx, struct json *out)
{
    (void)af;
    const struct quic_tx *t = (const struct quic_tx *)tx;
    const uint8_t *v = t->version;
    char version[12];
    if (v[0] == 'Q')
        snprintf(version, sizeof(version), "Q%c%c%c", v[1], v[2], v[3]);
    else
        snprintf(version, sizeof(version), "%x",
                 (unsigned)v[0] << 24 | (unsigned)v[1] << 16 | (unsigned)v[2] << 8 | v[3]);
    json_open(out, "quic");
    json_str(out, "version", version);
    if (t->hello.sni.len > 0)
        json_strn(out, "sni", t->hello.sni.data, t->hello.sni.len);
    if (t->user_agent.len > 0)
        json_strn(out, "ua", t->user_agent.data, t->user_agent.len);
    if (t->cyu.len > 0) {
        json_open_array(out, "cyu");
        json_open(out, NULL);
        json_str(out, "hash", t->cyu_hash);
        json_strn(out, "string", t->cyu.data, t->cyu.len);
        json_close(out);
        json_close_array(out);
    }
    describe_ja3("ja3", &t->hello.side[SIG_DIR_TOSERVER], out);
    describe_ja3("ja3s", &t->hello.side[SIG_DIR_TOCLIENT], out);
    if (t->hello.side[SIG_DIR_TOSERVER].ja4[0])
        json_str(out, "ja4", t->hello.side[SIG_DIR_TOSERVER].ja4);
    json_close(out);
}

static bool quic_number(struct app_flow *af, struct app_tx *tx, unsigned dir, const char *name,
                        uint64_t *out)
{
    (void)af;
    (void)dir;
    const struct quic_tx *t = (const struct quic_tx *)tx;
    *out = t->mixed;
    return t->whole && strcmp(name, APP_NUMBER_HELLO_MIXED) == 0;
}

const struct app_parser app_parser_quic = {
    .app = SIG_APP_QUIC,
    .state_size = sizeof(struct quic_state),
    .datagram = quic_datagram,
    .buffer = quic_buffer,
    .number = quic_number,
    .tx_clear = quic_clear,
    .state_clear = quic_state_clear,
    .describe = quic_describe,
    .tx_size = sizeof(struct quic_tx),
    .events = quic_events,
};
