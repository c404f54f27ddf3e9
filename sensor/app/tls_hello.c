/* SPDX-License-Identifier: Apache-2.0 */
/* TLS hello messages: version, random, server name, JA3 and JA3S. */
#include "config.h"
#include "sensor/app/tls.h"

#include <stdio.h>

#include "common/buf.h"
#include "common/cursor.h"
#include "sensor/app/digest.h"
#include "sensor/decode/packet.h"

#define EXT_SERVER_NAME        0
#define EXT_GROUPS             10
#define EXT_POINT_FORMATS      11
#define EXT_SIGNATURES         13
#define EXT_ALPN               16
#define EXT_EARLY_DATA         42
#define EXT_SUPPORTED_VERSIONS 43

/** Room for a JA3 string while it is made; hello messages that need more get none. */
#define JA3_MAX 4096

const char *tls_version_name(uint16_t version, char scratch[TLS_VERSION_TEXT_MAX])
{
    switch (version) {
    case 0:
        return "UNDETERMINED";
    case 0x0002:
        return "SSLv2";
    case 0x0300:
        return "SSLv3";
    case 0x0301:
        return "TLSv1";
    case 0x0302:
        return "TLS 1.1";
    case 0x0303:
        return "TLS 1.2";
    case 0x0304:
        return "TLS 1.3";
    default:
        if (version >> 8 == 0x7f)
            snprintf(scratch, TLS_VERSION_TEXT_MAX, "TLS 1.3 draft-%u", version & 0xffu);
        else if (version >> 8 == 0xfb)
            snprintf(scratch, TLS_VERSION_TEXT_MAX, "TLS 1.3 draft-%u-fb", version & 0xffu);
        else
            snprintf(scratch, TLS_VERSION_TEXT_MAX, "0x%04x", version);
        return scratch;
    }
}

/** Numbers of `width` bytes as "1-2-3". */
static void ja3_list(struct buf *b, struct cursor list, unsigned width)
{
    bool first = true;
    while (cursor_left(&list) >= width) {
        unsigned v = width == 1 ? cursor_u8(&list) : cursor_be16(&list);
        if (width == 2 && ja4_grease((uint16_t)v))
            continue;
        if (!first)
            buf_byte(b, '-');
        buf_decimal(b, v);
        first = false;
    }
}

/** Parts of the extensions that JA3 is made of. */
struct hello_parts {
    struct cursor ciphers, types, groups, formats;
    struct cursor versions, signatures, alpn; /* of JA4 */
    bool named;
};

static void read_server_name(struct app_io *io, struct tls_tx *t, struct cursor ext)
{
    struct cursor list = cursor_make(NULL, 0);
    uint16_t n = cursor_be16(&ext);
    if (cursor_left(&ext) == 0)
        return;
    list = cursor_sub(&ext, n < cursor_left(&ext) ? n : cursor_left(&ext));
    uint8_t type = cursor_u8(&list);
    uint16_t len = cursor_be16(&list);
    const uint8_t *name = cursor_take(&list, len);
    if (type != 0)
        app_tx_event(&t->tx, io->dir, TLS_INVALID_SNI_TYPE);
    else if (!name)
        app_tx_event(&t->tx, io->dir, TLS_INVALID_SNI_LENGTH);
    if (!name || type != 0)
        return;
    if (t->sni.len > 0) {
        app_tx_event(&t->tx, io->dir, TLS_MULTIPLE_SNI);
        return;
    }
    const uint8_t *nul = memchr(name, 0, len);
    (void)app_bytes_add(io->ctx->slab, &t->sni, name, nul ? (uint32_t)(nul - name) : len);
}

/**
 * RFC 8446 4.2.1: the server names the one version; of the client's list the first TLS 1.3 counts.
 */
static void read_versions(struct app_io *io, struct tls_side *side, struct cursor ext)
{
    if (io->dir == SIG_DIR_TOCLIENT) {
        uint16_t v = cursor_be16(&ext);
        if (!ext.bad)
            side->version = v;
        return;
    }
    cursor_skip(&ext, 1);
    while (cursor_left(&ext) >= 2) {
        uint16_t v = cursor_be16(&ext);
        if (v == 0x0304 || v >> 8 == 0x7f) {
            side->version = v;
            return;
        }
    }
}

static void read_extension(struct app_io *io, struct tls_tx *t, uint16_t type, struct cursor ext,
                           struct hello_parts *parts)
{
    switch (type) {
    case EXT_SERVER_NAME:
        parts->named = true;
        if (io->dir == SIG_DIR_TOSERVER)
            read_server_name(io, t, ext);
        break;
    case EXT_GROUPS: {
        uint16_t n = cursor_be16(&ext);
        parts->groups = cursor_sub(&ext, n);
        break;
    }
    case EXT_POINT_FORMATS: {
        uint8_t n = cursor_u8(&ext);
        parts->formats = cursor_sub(&ext, n);
        break;
    }
    case EXT_SIGNATURES: {
        uint16_t n = cursor_be16(&ext);
        parts->signatures = cursor_sub(&ext, n);
        break;
    }
    case EXT_ALPN: {
        uint16_t n = cursor_be16(&ext);
        parts->alpn = cursor_sub(&ext, n);
        break;
    }
    case EXT_EARLY_DATA:
        t->early_data |= io->dir == SIG_DIR_TOSERVER;
        break;
    case EXT_SUPPORTED_VERSIONS:
        parts->versions = ext;
        cursor_skip(&parts->versions, 1);
        read_versions(io, &t->side[io->dir], ext);
        break;
    default:
        break;
    }
}

static bool read_extensions(struct app_io *io, struct tls_tx *t, struct cursor *c,
                            struct hello_parts *parts)
{
    if (cursor_left(c) == 0)
        return true;
    uint16_t n = cursor_be16(c);
    struct cursor list = cursor_sub(c, n);
    parts->types = list;
    while (cursor_left(&list) > 0) {
        uint16_t type = cursor_be16(&list);
        uint16_t len = cursor_be16(&list);
        struct cursor ext = cursor_sub(&list, len);
        if (ext.bad)
            return false;
        read_extension(io, t, type, ext, parts);
    }
    return !list.bad && !c->bad;
}

static void ja3_types(struct buf *b, struct cursor list)
{
    bool first = true;
    while (cursor_left(&list) >= 4) {
        uint16_t type = cursor_be16(&list);
        uint16_t len = cursor_be16(&list);
        cursor_skip(&list, len);
        if (list.bad || ja4_grease(type))
            continue;
        if (!first)
            buf_byte(b, '-');
        buf_decimal(b, type);
        first = false;
    }
}

/**
 * JA3: version,ciphers,extensions,groups,formats of the client; JA3S: version,cipher,extensions of
 * the server.
 */
static void ja3_make(struct app_io *io, struct tls_side *side, uint16_t version,
                     const struct hello_parts *parts)
{
    char text[JA3_MAX];
    struct buf b;
    buf_init_fixed(&b, text, sizeof(text));
    buf_decimal(&b, version);
    buf_byte(&b, ',');
    ja3_list(&b, parts->ciphers, 2);
    buf_byte(&b, ',');
    ja3_types(&b, parts->types);
    if (io->dir == SIG_DIR_TOSERVER) {
        buf_byte(&b, ',');
        ja3_list(&b, parts->groups, 2);
        buf_byte(&b, ',');
        ja3_list(&b, parts->formats, 1);
    }
    if (b.bad || !app_bytes_add(io->ctx->slab, &side->ja3, text, (uint32_t)b.len))
        return;
    app_md5_hex(text, b.len, side->ja3_hash);
}

static void fingerprint(struct app_io *io, struct tls_side *side, uint16_t version,
                        const struct hello_parts *parts)
{
    struct ja4_hello hello = { .version = version,
                               .versions = parts->versions,
                               .ciphers = parts->ciphers,
                               .extensions = parts->types,
                               .signatures = parts->signatures,
                               .alpn = parts->alpn,
                               .quic = io->flow->proto == PACKET_PROTO_UDP,
                               .named = parts->named };
    ja3_make(io, side, version, parts);
    if (io->dir == SIG_DIR_TOSERVER)
        ja4_make(&hello, side->ja4);
}

bool tls_hello_read(struct app_io *io, struct tls_tx *t, const uint8_t *body, uint32_t len)
{
    struct tls_side *side = &t->side[io->dir];
    struct hello_parts parts = { .named = false };
    struct cursor c = cursor_make(body, len);
    uint16_t version = cursor_be16(&c);
    const uint8_t *random = cursor_take(&c, TLS_RANDOM_LEN);
    uint8_t session = cursor_u8(&c);
    cursor_skip(&c, session);
    if (io->dir == SIG_DIR_TOSERVER) {
        uint16_t n = cursor_be16(&c);
        parts.ciphers = cursor_sub(&c, n);
        uint8_t compressions = cursor_u8(&c);
        cursor_skip(&c, compressions);
    } else {
        parts.ciphers = cursor_sub(&c, 2);
        cursor_skip(&c, 1);
    }
    if (c.bad || !random)
        return false;
    bool again = side->version != 0; /* RFC 8446 4.1.4: the server asked for another hello */
    side->version = version;
    memcpy(side->random, random, TLS_RANDOM_LEN);
    bool sound = read_extensions(io, t, &c, &parts);
    if (io->ctx->conf.ja3 && !again)
        fingerprint(io, side, version, &parts);
    return sound;
}
