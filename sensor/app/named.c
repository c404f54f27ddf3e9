/* SPDX-License-Identifier: Apache-2.0 */
/* First messages that tell by themselves what a flow is. */
#include "config.h"
#include "sensor/app/named.h"

#include <string.h>

#include "common/cursor.h"

#define RECORD_HANDSHAKE       0x16
#define HELLO_CLIENT           1
#define HELLO_SERVER           2
#define RANDOM_LEN             32
#define EXT_SERVER_NAME        0
#define EXT_SUPPORTED_VERSIONS 43
#define NAME_TYPE_HOST         0
#define VERSION_13             0x0304

#define DNS_FLAGS_QUERY        0xf800u /* response, opcode: none of them set */
#define DNS_NAME_MAX           253
#define DNS_LABEL_MAX          63

/** Letters, digits, '-', '_' and '.' in lower case; 0 for others. */
static char plain(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c | 0x20);
    bool ok = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    return ok ? (char)c : '\0';
}

bool named_host(const uint8_t *name, uint32_t len, char host[NAMED_HOST_MAX])
{
    if (!name || len == 0)
        return false;
    if (len > NAMED_HOST_MAX - 1) {
        name += len - (NAMED_HOST_MAX - 1);
        len = NAMED_HOST_MAX - 1;
    }
    for (uint32_t i = 0; i < len; i++)
        if (!(host[i] = plain(name[i])))
            return false;
    host[len] = '\0';
    return true;
}

/** The body of a hello of `type` that fills its record; what is behind stays in `c`. */
static struct cursor hello_body(struct cursor *c, uint8_t type)
{
    bool right = cursor_u8(c) == RECORD_HANDSHAKE && cursor_u8(c) == 3;
    cursor_skip(c, 1);
    uint16_t record = cursor_be16(c);
    right = right && cursor_u8(c) == type;
    uint32_t len = cursor_be24(c);
    if (!right || len + 4 > record)
        c->bad = true;
    return cursor_sub(c, len);
}

/** The first host name of a server_name extension (RFC 6066 3). */
static bool host_of(struct cursor ext, char host[NAMED_HOST_MAX])
{
    struct cursor list = cursor_sub(&ext, cursor_be16(&ext));
    bool right = cursor_u8(&list) == NAME_TYPE_HOST;
    uint16_t len = cursor_be16(&list);
    return right && named_host(cursor_take(&list, len), len, host);
}

bool named_client_hello(const uint8_t *payload, uint32_t len, char host[NAMED_HOST_MAX])
{
    struct cursor c = cursor_make(payload, len);
    struct cursor body = hello_body(&c, HELLO_CLIENT);
    if (cursor_left(&c) > 0)
        return false;
    cursor_skip(&body, 2 + RANDOM_LEN);
    cursor_skip(&body, cursor_u8(&body));  /* session */
    cursor_skip(&body, cursor_be16(&body)); /* ciphers */
    cursor_skip(&body, cursor_u8(&body));  /* compressions */
    struct cursor all = cursor_sub(&body, cursor_be16(&body));
    bool found = false;
    while (cursor_left(&all) > 0) {
        uint16_t type = cursor_be16(&all);
        struct cursor ext = cursor_sub(&all, cursor_be16(&all));
        if (type == EXT_SERVER_NAME && !(found = !found && host_of(ext, host)))
            return false;
    }
    return found && !all.bad && cursor_left(&body) == 0;
}

enum named_tls named_server_hello(const uint8_t *payload, uint32_t len)
{
    struct cursor c = cursor_make(payload, len);
    struct cursor body = hello_body(&c, HELLO_SERVER);
    uint16_t version = cursor_be16(&body);
    cursor_skip(&body, RANDOM_LEN);
    cursor_skip(&body, cursor_u8(&body)); /* session */
    cursor_skip(&body, 2 + 1);            /* cipher, compression */
    if (body.bad)
        return NAMED_TLS_OTHER;
    struct cursor all = { 0 };
    if (cursor_left(&body) > 0)
        all = cursor_sub(&body, cursor_be16(&body));
    while (cursor_left(&all) > 0) {
        uint16_t type = cursor_be16(&all);
        struct cursor ext = cursor_sub(&all, cursor_be16(&all));
        if (type == EXT_SUPPORTED_VERSIONS)
            version = cursor_be16(&ext);
        if (ext.bad)
            return NAMED_TLS_OTHER;
    }
    return all.bad ? NAMED_TLS_OTHER : version == VERSION_13 ? NAMED_TLS_13 : NAMED_TLS_12;
}

bool named_dns_query(const uint8_t *payload, uint32_t len, char host[NAMED_HOST_MAX])
{
    struct cursor c = cursor_make(payload, len);
    cursor_skip(&c, 2); /* transaction */
    bool right = (cursor_be16(&c) & DNS_FLAGS_QUERY) == 0;
    right &= cursor_be16(&c) == 1; /* questions */
    right &= cursor_be16(&c) == 0; /* answers */
    right &= cursor_be16(&c) == 0; /* authorities */
    cursor_skip(&c, 2);
    uint8_t name[DNS_NAME_MAX + 1];
    uint32_t n = 0;
    for (uint8_t label; right && (label = cursor_u8(&c)) > 0;) {
        const uint8_t *at = cursor_take(&c, label);
        if (!at || label > DNS_LABEL_MAX || n + label + 1 > sizeof(name))
            return false;
        if (n > 0)
            name[n++] = '.';
        memcpy(name + n, at, label);
        if (memchr(at, '.', label))
            return false;
        n += label;
    }
    uint16_t type = cursor_be16(&c);
    cursor_skip(&c, 2); /* class */
    return right && !c.bad && type != 0 && named_host(name, n, host);
}
