/* SPDX-License-Identifier: Apache-2.0 */
/**
 * JA4 of a ClientHello (FoxIO, technical details of JA4): what JA3 is made of, in an order that a
 * client can't shuffle.
 */
#ifndef SENSOR_APP_JA4_H
#define SENSOR_APP_JA4_H

#include <stdbool.h>
#include <stdint.h>

#include "common/cursor.h"

/** "t13d1516h2_8daaf6152771_e5627efa2ab1" and a NUL. */
#define JA4_LEN 36

/** What of the hello it is made of; lists as on the wire, without the length before them. */
struct ja4_hello {
    uint16_t version;                           /* the hello's own */
    struct cursor versions;                     /* supported_versions, empty without */
    struct cursor ciphers, extensions, signatures;
    struct cursor alpn;                         /* protocol names, each with its length */
    bool quic, named;                           /* over QUIC; with a server name */
};

/** Write it. Lists that are longer than a hello can hold are cut. */
void ja4_make(const struct ja4_hello *hello, char out[JA4_LEN + 1]);

/** RFC 8701: values that mean nothing. */
static inline bool ja4_grease(uint16_t v)
{
    return (v & 0x0f0f) == 0x0a0a && v >> 8 == (v & 0xff);
}

#endif
