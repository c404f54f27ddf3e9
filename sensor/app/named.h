/* SPDX-License-Identifier: Apache-2.0 */
/**
 * First messages that tell by themselves what a flow is and whom it asks for: a ClientHello, a DNS
 * query, a browser's request. Each function wants the whole message in one packet, well formed,
 * with a name in plain letters; whatever is not that is left to nDPI, which knows the odd cases. No
 * state, no memory.
 */
#ifndef SENSOR_NAMED_H
#define SENSOR_NAMED_H

#include <stdbool.h>
#include <stdint.h>

/** Room for a name and its NUL; of a longer one the end is kept, as nDPI does. */
#define NAMED_HOST_MAX 80

/** What a server's first bytes say of its TLS. */
enum named_tls {
    NAMED_TLS_OTHER, /* no ServerHello, or not in this packet */
    NAMED_TLS_12,    /* 1.2 or older: a certificate in plain text follows */
    NAMED_TLS_13,    /* nothing that can be read follows */
};

/** A host's name of plain letters as nDPI's tables want it, in lower case. */
bool named_host(const uint8_t *name, uint32_t len, char host[NAMED_HOST_MAX]);

/** A ClientHello (RFC 8446 4.1.2) with a server name; `host` in lower case. */
bool named_client_hello(const uint8_t *payload, uint32_t len, char host[NAMED_HOST_MAX]);

/** A server's first bytes (RFC 8446 4.1.3). */
enum named_tls named_server_hello(const uint8_t *payload, uint32_t len);

/** A DNS query (RFC 1035 4.1) for one name; `host` in lower case with dots. */
bool named_dns_query(const uint8_t *payload, uint32_t len, char host[NAMED_HOST_MAX]);

/**
 * The head of a browser's GET or HEAD (RFC 9112 3) for a host; `host` in lower case without a port.
 * False for what nDPI tells from plain HTTP by other marks: addresses and clients of file sharing,
 * tunnels, tests of speed, certificates' status.
 */
bool named_http_request(const uint8_t *payload, uint32_t len, char host[NAMED_HOST_MAX]);

/** A server's first bytes: an HTTP answer with a text, data, an image or nothing in it. */
bool named_http_answer(const uint8_t *payload, uint32_t len);

#endif
