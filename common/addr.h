/* SPDX-License-Identifier: Apache-2.0 */
/**
 * IP addresses as 16 bytes: IPv6 as it is, IPv4 in the last four with the ::ffff:0:0/96 prefix, so
 * one comparison and one table serve both.
 */
#ifndef COMMON_ADDR_H
#define COMMON_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ADDR_TEXT_MAX 46

struct addr {
    uint8_t bytes[16];
};

/** From four bytes in network order. */
struct addr addr_from_v4(const uint8_t four[4]);

/** Whether it is an IPv4 address. */
bool addr_is_v4(const struct addr *a);

/** Text as inet_ntop writes it; IPv4 dotted, IPv6 compressed. */
void addr_format(const struct addr *a, char out[ADDR_TEXT_MAX]);

/**
 * As Suricata writes EVE addresses: IPv6 with all eight groups, four digits each; `version` 6 of an
 * IPv6 header, also an IPv4 address mapped.
 */
void addr_format_eve(const struct addr *a, unsigned version, char out[ADDR_TEXT_MAX]);

/** Parse an IPv4 or IPv6 address; 0 or ABENG_EFORMAT. */
int addr_parse(const char *text, struct addr *out);

/**
 * Parse ADDRESS or ADDRESS/BITS; `bits` counts from the front of all 128 (an IPv4 /24 gives 120).
 */
int addr_parse_prefix(const char *text, struct addr *out, unsigned *bits);

/** Whether `a` lies in `net`/`bits` (bits of 128). */
bool addr_in_prefix(const struct addr *a, const struct addr *net, unsigned bits);

/** memcmp order. */
int addr_compare(const struct addr *a, const struct addr *b);

#endif
