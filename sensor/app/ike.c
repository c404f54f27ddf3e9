/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IKE versions 1 (RFC 2408, 2409) and 2 (RFC 7296) over UDP: what the two sides propose in the
 * clear. As in Suricata 7 each message is a transaction of its own with one direction; what is
 * encrypted stays closed.
 */
#include "config.h"
#include "sensor/app/parsers.h"

#include <string.h>

#include "common/cursor.h"
#include "common/json.h"

/** Vendors of a message that are kept. */
#define IKE_VENDORS_MAX 64
/** Payloads within payloads that are looked into: a proposal's transforms are at depth 2. */
#define IKE_DEPTH_MAX 8
/** Payloads of one message that are looked at, over all depths. */
#define IKE_PAYLOADS_MAX 1024
/** Transforms that a responder chose which are kept of a flow. */
#define IKE_CHOSEN_MAX 32

#define SPI_TEXT_LEN   16
#define HEADER_LEN     28
#define FLAG_ENCRYPTED 1
/** RFC 2407 4.2: the IPsec domain of interpretation. */
#define DOI_IPSEC 1

enum ike_event {
    IKE_MALFORMED_DATA,
    IKE_NO_ENCRYPTION,
    IKE_WEAK_CRYPTO_ENC,
    IKE_WEAK_CRYPTO_PRF,
    IKE_WEAK_CRYPTO_DH,
    IKE_WEAK_CRYPTO_AUTH,
    IKE_WEAK_CRYPTO_NO_DH,
    IKE_WEAK_CRYPTO_NO_AUTH,
    IKE_INVALID_PROPOSAL,
    IKE_UNKNOWN_PROPOSAL,
    IKE_PAYLOAD_EXTRA_DATA,
    IKE_MULTIPLE_SERVER_PROPOSAL,
};

static const char *const ike_events[] = { "malformed_data",
                                          "no_encryption",
                                          "weak_crypto_enc",
                                          "weak_crypto_prf",
                                          "weak_crypto_dh",
                                          "weak_crypto_auth",
                                          "weak_crypto_no_dh",
                                          "weak_crypto_no_auth",
                                          "invalid_proposal",
                                          "unknown_proposal",
                                          "payload_extra_data",
                                          "multiple_server_proposal",
                                          NULL };

/** Payloads of version 1 (RFC 2408 3.1). */
enum { V1_SA = 1, V1_PROPOSAL = 2, V1_TRANSFORM = 3, V1_KEY = 4, V1_NONCE = 10, V1_VENDOR = 13 };

/** Payloads of version 2 (RFC 7296 3.2), and its kinds of transforms (3.3.2). */
enum { V2_SA = 33, V2_KEY = 34, V2_NOTIFY = 41 };
enum { V2_ENC = 1, V2_PRF = 2, V2_AUTH = 3, V2_DH = 4, V2_ESN = 5 };
enum { V2_PROTOCOL_AH = 2 };

/** Version 1: attributes by number (RFC 2409 appendix A) are below this. */
#define ATTRIBUTES 17

/** One attribute that was agreed, as rules compare it: number of the attribute, value (be32). */
struct ike_chosen {
    uint8_t attribute, value[4];
};

struct ike_tx {
    struct app_tx tx;
    char spi[2][SPI_TEXT_LEN]; /* by direction */
    uint8_t version, minor, exchange;
    uint32_t message_id;
    struct app_bytes key, nonce, vendors; /* vendors: hexadecimal, one behind the other */
    uint32_t vendor_ends[IKE_VENDORS_MAX];
    unsigned vendor_count, transforms, chosen_count;
    struct ike_chosen chosen[IKE_CHOSEN_MAX];
};

struct ike_state {
    unsigned server_transforms; /* version 1 */
    /* version 2: what the responder chose so far */
    unsigned chosen_count;
    struct ike_chosen chosen[IKE_CHOSEN_MAX];
};

/** A message being read. */
struct ike_message {
    struct app_io *io;
    struct ike_tx *t;
    /* the message before, NULL when it is gone: events on the whole of this one go to it, as in the
     * reference */
    struct app_tx *before;
    unsigned payloads;
    bool broken, has_sa;
};

static void keep(struct app_io *io, struct app_bytes *b, const void *bytes, uint32_t len)
{
    if (len > 0 && !app_bytes_add(io->ctx->slab, b, bytes, len))
        app_count(io->ctx, APP_COUNT_NO_MEMORY);
}

static void chosen_add(struct ike_chosen *list, unsigned *count, uint8_t attribute, uint32_t value)
{
    if (*count == IKE_CHOSEN_MAX)
        return;
    list[(*count)++] = (struct ike_chosen){ attribute,
                                            { (uint8_t)(value >> 24), (uint8_t)(value >> 16),
                                              (uint8_t)(value >> 8), (uint8_t)value } };
}

/* ---- version 1 ------------------------------------------------------------------------------- */

static const char hex[] = "0123456789abcdef";

static void vendor_add(struct ike_message *m, struct cursor c)
{
    struct ike_tx *t = m->t;
    if (t->vendor_count == IKE_VENDORS_MAX)
        return;
    while (cursor_left(&c) > 0) {
        uint8_t byte = cursor_u8(&c);
        char digits[2] = { hex[byte >> 4], hex[byte & 15] };
        keep(m->io, &t->vendors, digits, sizeof(digits));
    }
    t->vendor_ends[t->vendor_count++] = t->vendors.len;
}

/** RFC 2408 3.3: attributes with a value of two bytes, or of a length; of the first transform. */
static void transform_v1(struct ike_message *m, struct cursor c)
{
    bool first = m->t->transforms++ == 0;
    cursor_skip(&c, 4);
    while (!c.bad && cursor_left(&c) >= 4) {
        uint16_t type = cursor_be16(&c), size = cursor_be16(&c);
        uint32_t value = size;
        bool number = type & 0x8000 || size == 4;
        if (!(type & 0x8000) && size == 4)
            value = cursor_be32(&c);
        else if (!(type & 0x8000))
            cursor_skip(&c, size);
        if (!c.bad && first && number && (type & 0x7fff) < ATTRIBUTES)
            chosen_add(m->t->chosen, &m->t->chosen_count, (uint8_t)(type & 0x7fff), value);
    }
}

static void payloads_v1(struct ike_message *m, struct cursor *c, uint8_t type, unsigned depth);

/** RFC 2408 3.4 and 3.5: the payloads within an association or a proposal. */
static void inner_v1(struct ike_message *m, struct cursor c, uint8_t type, unsigned depth)
{
    if (type == V1_SA) {
        uint32_t doi = cursor_be32(&c);
        m->has_sa = true;
        if (doi == DOI_IPSEC)
            cursor_skip(&c, 4);
        m->broken |= c.bad;
        if (doi != DOI_IPSEC)
            return;
    } else {
        cursor_skip(&c, 2);
        uint8_t spi = cursor_u8(&c);
        cursor_skip(&c, 1);
        cursor_skip(&c, spi);
        m->broken |= c.bad;
    }
    if (!m->broken)
        payloads_v1(m, &c, type + 1, depth + 1);
}

static void payload_v1(struct ike_message *m, uint8_t type, struct cursor c, unsigned depth)
{
    struct app_bytes *whole = type == V1_KEY ? &m->t->key : &m->t->nonce;
    switch (type) {
    case V1_SA:
    case V1_PROPOSAL:
        inner_v1(m, c, type, depth);
        break;
    case V1_TRANSFORM:
        transform_v1(m, c);
        break;
    case V1_KEY:
    case V1_NONCE:
        whole->len = 0; /* the last one counts */
        keep(m->io, whole, c.at, (uint32_t)cursor_left(&c));
        break;
    case V1_VENDOR:
        vendor_add(m, c);
        break;
    default:
        break;
    }
}

/** A chain of payloads as far as it can be read; `c` is left where it ended. */
static void payloads_v1(struct ike_message *m, struct cursor *c, uint8_t type, unsigned depth)
{
    while (cursor_left(c) >= 4 && !m->broken && depth < IKE_DEPTH_MAX) {
        struct cursor look = *c;
        uint8_t next = cursor_u8(&look);
        cursor_skip(&look, 1);
        uint16_t size = cursor_be16(&look);
        struct cursor data = cursor_sub(&look, size >= 4 ? size - 4u : 0);
        if (look.bad || m->payloads++ == IKE_PAYLOADS_MAX)
            return;
        payload_v1(m, type, data, depth);
        type = next;
        *c = look;
    }
}

static void message_v1(struct ike_message *m, struct cursor *c, uint8_t type, struct ike_state *s)
{
    struct app_io *io = m->io;
    payloads_v1(m, c, type, 0);
    if (m->broken)
        return;
    if (io->dir == SIG_DIR_TOCLIENT) {
        if (m->has_sa)
            s->server_transforms = 0;
        if (s->server_transforms <= 1 && s->server_transforms + m->t->transforms > 1)
            app_tx_event(m->before, io->dir, IKE_MULTIPLE_SERVER_PROPOSAL);
        s->server_transforms += m->t->transforms;
    }
    if (cursor_left(c) > 0)
        app_tx_event(m->before, io->dir, IKE_PAYLOAD_EXTRA_DATA);
}

/* ---- version 2 ------------------------------------------------------------------------------- */

/** What one proposal holds, for the judgement of the whole. */
struct proposal {
    bool dh, auth, aead;
};

static bool is_aead(uint16_t id)
{
    return (id >= 14 && id <= 16) || (id >= 18 && id <= 20) || id == 28;
}

/** The event that a transform is worth by itself, -1 for none (RFC 7296 3.3.2, RFC 8247). */
static int transform_event(uint8_t type, uint16_t id)
{
    switch (type) {
    case V2_ENC:
        return (id >= 1 && id <= 9) || id == 11 ? IKE_WEAK_CRYPTO_ENC : -1;
    case V2_PRF:
        return id == 0 ? IKE_INVALID_PROPOSAL : id <= 2 ? IKE_WEAK_CRYPTO_PRF : -1;
    case V2_AUTH:
        return id >= 1 && id <= 7 ? IKE_WEAK_CRYPTO_AUTH : -1;
    case V2_DH:
        if (id == 0)
            return IKE_INVALID_PROPOSAL;
        return id == 1 || id == 2 || id == 5 || id == 22 ? IKE_WEAK_CRYPTO_DH : -1;
    case V2_ESN:
        return -1;
    default:
        return IKE_UNKNOWN_PROPOSAL;
    }
}

/** Numbers of version 1 that rules know the kinds of version 2 by. */
static uint8_t attribute_of(uint8_t type)
{
    static const uint8_t attributes[] = { [V2_ENC] = 1, [V2_PRF] = 13, [V2_AUTH] = 3, [V2_DH] = 4 };
    return type < sizeof(attributes) ? attributes[type] : 0;
}

static void transform_v2(struct ike_message *m, struct ike_state *s, struct proposal *p,
                         uint8_t type, uint16_t id)
{
    int event = transform_event(type, id);
    if (event >= 0)
        app_tx_event(&m->t->tx, m->io->dir, (unsigned)event);
    p->dh |= type == V2_DH;
    p->auth |= type == V2_AUTH && id != 0;
    p->aead |= type == V2_ENC && is_aead(id);
    if (m->io->dir == SIG_DIR_TOCLIENT && attribute_of(type))
        chosen_add(s->chosen, &s->chosen_count, attribute_of(type), id);
}

/** RFC 7296 3.3.1; false when its bytes do not suffice. */
static bool proposal_v2(struct ike_message *m, struct ike_state *s, struct cursor *c)
{
    struct proposal p = { false, false, false };
    cursor_skip(c, 2);
    uint16_t size = cursor_be16(c);
    struct cursor body = cursor_sub(c, size >= 4 ? size - 4u : SIZE_MAX);
    cursor_skip(&body, 1);
    uint8_t protocol = cursor_u8(&body), spi = cursor_u8(&body), count = cursor_u8(&body);
    cursor_skip(&body, spi);
    for (unsigned i = 0; i < count && !body.bad; i++) {
        cursor_skip(&body, 2);
        uint16_t length = cursor_be16(&body);
        uint8_t type = cursor_u8(&body);
        cursor_skip(&body, 1);
        uint16_t id = cursor_be16(&body);
        cursor_skip(&body, length >= 8 ? length - 8u : SIZE_MAX);
        if (!body.bad)
            transform_v2(m, s, &p, type, id);
    }
    if (c->bad || body.bad)
        return false;
    if (!p.dh)
        app_tx_event(&m->t->tx, m->io->dir, IKE_WEAK_CRYPTO_NO_DH);
    if (protocol == V2_PROTOCOL_AH)
        app_tx_event(&m->t->tx, m->io->dir, IKE_NO_ENCRYPTION);
    if (!p.auth && !p.aead)
        app_tx_event(&m->t->tx, m->io->dir, IKE_WEAK_CRYPTO_NO_AUTH);
    return true;
}

/** Whether the chain holds together: a message that does not says nothing at all. */
static bool is_sound_v2(struct cursor c)
{
    while (cursor_left(&c) >= 4) {
        cursor_skip(&c, 2);
        uint16_t size = cursor_be16(&c);
        cursor_skip(&c, size >= 4 ? size - 4u : SIZE_MAX);
    }
    return !c.bad;
}

static void message_v2(struct ike_message *m, struct cursor *c, uint8_t type, struct ike_state *s)
{
    bool sound = is_sound_v2(*c);
    unsigned payloads = 0;
    for (; sound && cursor_left(c) >= 4 && payloads < IKE_PAYLOADS_MAX; payloads++) {
        uint8_t next = cursor_u8(c);
        cursor_skip(c, 1);
        struct cursor data = cursor_sub(c, cursor_be16(c) - 4u);
        while (type == V2_SA && cursor_left(&data) > 0 && proposal_v2(m, s, &data)) {
        }
        type = next;
    }
    if (payloads > 0 && m->io->dir == SIG_DIR_TOCLIENT) {
        memcpy(m->t->chosen, s->chosen, sizeof(s->chosen));
        m->t->chosen_count = s->chosen_count;
    }
}

/* ---- the parser ------------------------------------------------------------------------------ */

static void spi_write(char *out, uint64_t spi)
{
    for (unsigned i = 0; i < SPI_TEXT_LEN; i++)
        out[i] = hex[spi >> (60 - 4 * i) & 15];
}

static void tx_empty(struct app_ctx *ctx, struct app_tx *tx)
{
    struct ike_tx *t = (struct ike_tx *)tx;
    app_bytes_free(ctx->slab, &t->key);
    app_bytes_free(ctx->slab, &t->nonce);
    app_bytes_free(ctx->slab, &t->vendors);
}

static void ike_datagram(struct app_io *io, const uint8_t *data, uint32_t len)
{
    struct cursor c = cursor_make(data, len);
    uint64_t initiator = cursor_be64(&c), responder = cursor_be64(&c);
    uint8_t type = cursor_u8(&c), version = cursor_u8(&c), exchange = cursor_u8(&c);
    uint8_t flags = cursor_u8(&c);
    uint32_t id = cursor_be32(&c);
    cursor_skip(&c, 4);
    if (c.bad || (version >> 4 != 1 && version >> 4 != 2))
        return;
    struct ike_message m = { .io = io, .before = io->af->last };
    struct ike_tx *t = m.t = (struct ike_tx *)app_tx_new(io);
    if (!t)
        return;
    app_tx_one_way(&t->tx, io->dir);
    spi_write(t->spi[SIG_DIR_TOSERVER], initiator);
    spi_write(t->spi[SIG_DIR_TOCLIENT], responder);
    t->version = version >> 4;
    t->minor = version & 15;
    t->exchange = exchange;
    t->message_id = id;
    if (t->version == 2)
        message_v2(&m, &c, type, io->af->state);
    else if (!(flags & FLAG_ENCRYPTED))
        message_v1(&m, &c, type, io->af->state);
    if (m.broken)
        t->version = 0; /* not a message that rules see, as in the reference */
    app_tx_progress(&t->tx, io->dir, SIG_PROGRESS_DONE);
}

static bool view_bytes(const struct app_bytes *b, struct app_view *out)
{
    return b->len > 0 && app_view_set(out, b->data, b->len);
}

static bool view_vendor(const struct ike_tx *t, uint32_t index, struct app_view *out)
{
    if (index >= t->vendor_count)
        return false;
    uint32_t from = index ? t->vendor_ends[index - 1] : 0;
    const uint8_t *at = t->vendors.data ? t->vendors.data + from : (const uint8_t *)"";
    return app_view_set(out, at, t->vendor_ends[index] - from);
}

static bool ike_buffer(struct app_ctx *ctx, struct app_flow *af, struct app_tx *tx, unsigned dir,
                       enum sig_buffer buffer, uint32_t index, struct app_view *out)
{
    (void)ctx;
    (void)af;
    const struct ike_tx *t = (const struct ike_tx *)tx;
    if (t->version == 0)
        return false;
    switch (buffer) {
    case SIG_BUF_IKE_INIT_SPI:
    case SIG_BUF_IKE_RESP_SPI:
        return index == 0 && app_view_set(out, t->spi[dir], SPI_TEXT_LEN);
    case SIG_BUF_IKE_VENDOR:
        return view_vendor(t, index, out);
    case SIG_BUF_IKE_KEY_EXCHANGE:
        return index == 0 && view_bytes(&t->key, out);
    case SIG_BUF_IKE_NONCE:
        return index == 0 && view_bytes(&t->nonce, out);
    case SIG_BUF_IKE_CHOSEN:
        return index < t->chosen_count &&
               app_view_set(out, &t->chosen[index], sizeof(t->chosen[index]));
    default:
        return false;
    }
}

static bool ike_number(struct app_flow *af, struct app_tx *tx, unsigned dir, const char *name,
                       uint64_t *out)
{
    (void)af;
    (void)dir;
    const struct ike_tx *t = (const struct ike_tx *)tx;
    bool there = t->version != 0;
    if (strcmp(name, "ike.exchtype") == 0) {
        *out = t->exchange;
    } else if (strcmp(name, "ike.key_exchange_payload_length") == 0) {
        *out = t->key.len;
        there = t->key.len > 0;
    } else if (strcmp(name, "ike.nonce_payload_length") == 0) {
        *out = t->nonce.len;
        there = t->nonce.len > 0;
    } else {
        there = false;
    }
    return there;
}

static void ike_describe(struct app_flow *af, struct app_tx *tx, struct json *out)
{
    (void)af;
    const struct ike_tx *t = (const struct ike_tx *)tx;
    if (t->version == 0)
        return;
    json_open(out, "ike");
    json_u64(out, "version_major", t->version);
    json_u64(out, "version_minor", t->minor);
    json_u64(out, "exchange_type", t->exchange);
    json_u64(out, "message_id", t->message_id);
    json_strn(out, "init_spi", t->spi[SIG_DIR_TOSERVER], SPI_TEXT_LEN);
    json_strn(out, "resp_spi", t->spi[SIG_DIR_TOCLIENT], SPI_TEXT_LEN);
    json_close(out);
}

const struct app_parser app_parser_ike = {
    .app = SIG_APP_IKE,
    .state_size = sizeof(struct ike_state),
    .datagram = ike_datagram,
    .buffer = ike_buffer,
    .number = ike_number,
    .tx_clear = tx_empty,
    .describe = ike_describe,
    .tx_size = sizeof(struct ike_tx),
    .events = ike_events,
};
