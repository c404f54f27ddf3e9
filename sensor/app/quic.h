/* SPDX-License-Identifier: Apache-2.0 */
/**
 * QUIC inside this stage: its integers, and the protection of Initial packets (RFC 9001 5), whose
 * keys anyone can derive who saw the client's first packet.
 */
#ifndef SENSOR_APP_QUIC_H
#define SENSOR_APP_QUIC_H

#include "common/cursor.h"
#include "sensor/app/bytes.h"

#define QUIC_KEY_LEN 16u
#define QUIC_IV_LEN  12u
#define QUIC_TAG_LEN 16u

#define QUIC_V2      UINT32_C(0x6b3343cf)

/** Next variable-length integer (RFC 9000 16). */
static inline uint64_t quic_integer_read(struct cursor *c)
{
    uint8_t first = cursor_u8(c);
    uint64_t v = first & 0x3f;
    for (unsigned n = (1u << (first >> 6)) - 1; n > 0; n--)
        v = v << 8 | cursor_u8(c);
    return v;
}

/**
 * What protects the Initial packets of one direction. A flow keeps the keys as they are derived:
 * the tables that a cipher makes of them are a hundred times as large, and few packets need them.
 */
struct quic_keys {
    uint8_t payload[QUIC_KEY_LEN], header[QUIC_KEY_LEN], iv[QUIC_IV_LEN];
};

/**
 * Derive the keys of both directions (by enum sig_dir) from the destination connection id of the
 * client's first packet. False for a version whose salt is not known.
 */
bool quic_keys_make(uint32_t version, const uint8_t *id, uint32_t id_len, struct quic_keys keys[2]);

/**
 * Undo the protection of a packet: `head` bytes up to its packet number, then `len` with number,
 * payload and tag. `out` receives the header and the payload, which begins at the returned place;
 * 0: it does not decrypt, or there is no memory.
 */
uint32_t quic_unprotect(const struct quic_keys *keys, struct slab *slab, const uint8_t *packet,
                        uint32_t head, uint32_t len, struct app_bytes *out);

#endif
