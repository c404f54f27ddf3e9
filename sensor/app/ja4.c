/* SPDX-License-Identifier: Apache-2.0 */
/* JA4. */
#include "config.h"
#include "sensor/app/ja4.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "common/buf.h"
#include "sensor/app/digest.h"

/** Values of a list that are looked at; more than any client offers. */
#define VALUES_MAX 512
/** Digits of a hash that are kept. */
#define HASH_DIGITS 12

#define EXT_SERVER_NAME 0
#define EXT_ALPN        16

struct values {
    uint16_t all[VALUES_MAX];
    unsigned count;
};

static void values_add(struct values *v, uint16_t value)
{
    if (v->count < VALUES_MAX && !ja4_grease(value))
        v->all[v->count++] = value;
}

static struct values values_read(struct cursor list)
{
    struct values v = { .count = 0 };
    while (cursor_left(&list) >= 2)
        values_add(&v, cursor_be16(&list));
    return v;
}

static struct values extensions_read(struct cursor list)
{
    struct values v = { .count = 0 };
    while (cursor_left(&list) >= 4) {
        uint16_t type = cursor_be16(&list);
        cursor_skip(&list, cursor_be16(&list));
        if (list.bad)
            break;
        values_add(&v, type);
    }
    return v;
}

/** In place and without allocation (Shell's sort). */
static void values_sort(struct values *v)
{
    for (unsigned gap = VALUES_MAX / 2; gap > 0; gap /= 2)
        for (unsigned i = gap; i < v->count; i++) {
            uint16_t value = v->all[i];
            unsigned at = i;
            for (; at >= gap && v->all[at - gap] > value; at -= gap)
                v->all[at] = v->all[at - gap];
            v->all[at] = value;
        }
}

static const char *version_text(const struct ja4_hello *hello)
{
    static const struct {
        uint16_t version;
        const char *text;
    } names[] = {
        { 0x0304, "13" },
        { 0x0303, "12" },
        { 0x0302, "11" },
        { 0x0301, "10" },
        { 0x0300, "s3" },
        { 0x0002, "s2" },
        { 0x0001, "s1" },
        { 0xfefc, "d3" },
        { 0xfefd, "d2" },
        { 0xfeff, "d1" },
    };
    uint16_t version = hello->version;
    struct values offered = values_read(hello->versions);
    for (unsigned i = 0; i < offered.count; i++)
        if (offered.all[i] > version)
            version = offered.all[i];
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i].version == version)
            return names[i].text;
    return "00";
}

/** First and last character of the first protocol; of bytes that are none, their digits. Names of
 * one character are left out, as in Suricata. */
static void alpn_text(struct cursor alpn, char out[2])
{
    struct cursor name = cursor_sub(&alpn, cursor_u8(&alpn));
    size_t len = name.bad ? 0 : cursor_left(&name);
    out[0] = out[1] = '0';
    if (len < 2 || (len == 2 && ja4_grease((uint16_t)(name.at[0] << 8 | name.at[1]))))
        return;
    uint8_t first = name.at[0], last = name.at[len - 1];
    bool text = isalnum(first) && isalnum(last);
    out[0] = text ? (char)first : "0123456789abcdef"[first >> 4];
    out[1] = text ? (char)last : "0123456789abcdef"[last & 15];
}

/* Each value in four hexadecimal digits. */
static void values_write(struct buf *b, const struct values *v, bool server_name_and_alpn)
{
    static const char digits[] = "0123456789abcdef";
    bool more = false;
    for (unsigned i = 0; i < v->count; i++) {
        uint16_t value = v->all[i];
        if (!server_name_and_alpn && (value == EXT_SERVER_NAME || value == EXT_ALPN))
            continue;
        const char text[] = { ',', digits[value >> 12], digits[value >> 8 & 15],
                              digits[value >> 4 & 15], digits[value & 15] };
        buf_add(b, more ? text : text + 1, more ? 5 : 4);
        more = true;
    }
}

/** The hash's first digits, or as many zeros of an empty list. */
static void hash_text(const struct buf *list, char out[HASH_DIGITS + 1])
{
    uint8_t sum[SHA256_DIGEST_SIZE];
    memset(out, '0', HASH_DIGITS);
    out[HASH_DIGITS] = '\0';
    if (list->len == 0)
        return;
    app_sha256(list->data, list->len, sum);
    app_hex(sum, HASH_DIGITS / 2, out);
}

static unsigned two_digits(unsigned count)
{
    return count < 99 ? count : 99;
}

void ja4_make(const struct ja4_hello *hello, char out[JA4_LEN + 1])
{
    char ciphers_text[HASH_DIGITS + 1], extensions_text[HASH_DIGITS + 1], alpn[2];
    uint8_t room[2 * VALUES_MAX * sizeof(",0000")];
    struct values ciphers = values_read(hello->ciphers);
    struct values extensions = extensions_read(hello->extensions);
    struct values signatures = values_read(hello->signatures);
    struct buf list;
    values_sort(&ciphers);
    values_sort(&extensions);
    buf_init_fixed(&list, room, sizeof(room));
    values_write(&list, &ciphers, true);
    hash_text(&list, ciphers_text);
    buf_init_fixed(&list, room, sizeof(room));
    values_write(&list, &extensions, false);
    if (signatures.count > 0)
        buf_byte(&list, '_');
    values_write(&list, &signatures, true);
    hash_text(&list, extensions_text);
    alpn_text(hello->alpn, alpn);
    snprintf(out, JA4_LEN + 1, "%c%s%c%02u%02u%c%c_%s_%s", hello->quic ? 'q' : 't',
             version_text(hello), hello->named ? 'd' : 'i', two_digits(ciphers.count),
             two_digits(extensions.count), alpn[0], alpn[1], ciphers_text, extensions_text);
}
