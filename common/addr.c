/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses. */
#include "config.h"
#include "common/addr.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"

static const uint8_t v4_prefix[12] = { [10] = 0xff, [11] = 0xff };

struct addr addr_from_v4(const uint8_t four[4])
{
    struct addr a;
    memcpy(a.bytes, v4_prefix, sizeof(v4_prefix));
    memcpy(a.bytes + 12, four, 4);
    return a;
}

bool addr_is_v4(const struct addr *a)
{
    return memcmp(a->bytes, v4_prefix, sizeof(v4_prefix)) == 0;
}

void addr_format(const struct addr *a, char out[ADDR_TEXT_MAX])
{
    if (!addr_is_v4(a)) {
        inet_ntop(AF_INET6, a->bytes, out, ADDR_TEXT_MAX);
        return;
    }
    for (int i = 12; i < 16; i++) {
        unsigned n = a->bytes[i];
        if (n >= 100)
            *out++ = (char)('0' + n / 100);
        if (n >= 10)
            *out++ = (char)('0' + n / 10 % 10);
        *out++ = (char)('0' + n % 10);
        *out++ = i < 15 ? '.' : '\0';
    }
}

void addr_format_eve(const struct addr *a, unsigned version, char out[ADDR_TEXT_MAX])
{
    static const char hex[] = "0123456789abcdef";
    if (version != 6 && addr_is_v4(a)) {
        addr_format(a, out);
        return;
    }
    for (unsigned i = 0; i < 16; i++) {
        *out++ = hex[a->bytes[i] >> 4];
        *out++ = hex[a->bytes[i] & 15];
        if (i % 2)
            *out++ = i < 15 ? ':' : '\0';
    }
}

int addr_parse(const char *text, struct addr *out)
{
    uint8_t four[4];
    if (inet_pton(AF_INET, text, four) == 1) {
        *out = addr_from_v4(four);
        return ABENG_OK;
    }
    return inet_pton(AF_INET6, text, out->bytes) == 1 ? ABENG_OK : ABENG_EFORMAT;
}

int addr_parse_prefix(const char *text, struct addr *out, unsigned *bits)
{
    char host[ADDR_TEXT_MAX + 4];
    const char *slash = strchr(text, '/');
    size_t len = slash ? (size_t)(slash - text) : strlen(text);
    if (len >= sizeof(host))
        return ABENG_EFORMAT;
    memcpy(host, text, len);
    host[len] = 0;
    if (addr_parse(host, out) < 0)
        return ABENG_EFORMAT;
    unsigned most = addr_is_v4(out) && !strchr(host, ':') ? 32 : 128;
    *bits = 128;
    if (!slash)
        return ABENG_OK;
    char *end;
    unsigned long n = strtoul(slash + 1, &end, 10);
    if (slash[1] < '0' || slash[1] > '9' || *end || n > most)
        return ABENG_EFORMAT;
    *bits = 128 - most + (unsigned)n;
    return ABENG_OK;
}

bool addr_in_prefix(const struct addr *a, const struct addr *net, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;
    if (memcmp(a->bytes, net->bytes, whole) != 0)
        return false;
    return !rest || ((a->bytes[whole] ^ net->bytes[whole]) >> (8 - rest)) == 0;
}

int addr_compare(const struct addr *a, const struct addr *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}
