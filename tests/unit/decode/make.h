/* SPDX-License-Identifier: Apache-2.0 */
/* Frames for tests: layers are put in front of what is there, from the inside out. */
#ifndef TESTS_DECODE_MAKE_H
#define TESTS_DECODE_MAKE_H

#include <stdint.h>

#define MAKE_MAX 4096

/** A frame that grows to the front. */
struct made {
    uint8_t room[MAKE_MAX];
    uint32_t at; /* its first byte */
};

/** Begin with `payload` (may be ""), without its NUL. */
void make_payload(struct made *m, const char *payload);

/** Begin with `len` bytes. */
void make_bytes(struct made *m, const void *bytes, uint32_t len);

/** Put `len` bytes in front. */
void make_front(struct made *m, const void *bytes, uint32_t len);

/** A UDP header whose length fits. */
void make_udp(struct made *m, uint16_t sport, uint16_t dport);

/** A TCP header without options. */
void make_tcp(struct made *m, uint16_t sport, uint16_t dport, uint32_t seq, uint32_t ack,
              uint8_t flags);

/** An IPv4 header from 192.0.2.1 to 198.51.100.2 whose length fits. */
void make_ipv4(struct made *m, uint8_t proto);

/** The same for a fragment; `offset` in bytes. */
void make_ipv4_fragment(struct made *m, uint8_t proto, uint16_t id, uint16_t offset, int more);

/** An IPv6 header between two addresses of 2001:db8::/32. */
void make_ipv6(struct made *m, uint8_t next);

/** The same with a fragment header behind it. */
void make_ipv6_fragment(struct made *m, uint8_t next, uint32_t id, uint16_t offset, int more);

/** An Ethernet header. */
void make_ether(struct made *m, uint16_t type);

/** The bytes, and how many. */
const uint8_t *make_data(const struct made *m, uint32_t *len);

#endif
