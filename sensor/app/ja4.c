/* SPDX-License-Identifier: Apache-2.0 */
/* JA4. */
#include "config.h"
#include "sensor/app/ja4.h"

#include <ctype.h>
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

static void values_read(struct values *v, struct cursor list)
{
    v->count = 0;
    while (cursor_left(&list) >= 2)
        values_add(v, cursor_be16(&list));
}

static void extensions_read(struct values *v, struct cursor list)
{
    v->count = 0;
    while (cursor_left(&list) >= 4) {
        uint16_t type = cursor_be16(&list);
        cursor_skip(&list, cursor_be16(&list));
        if (list.bad)
            break;
        values_add(v, type);
    }
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
    struct values offered;
    values_read(&offered, hello->versions);
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

/** The first digits of the list's hash, or as many zeros of an empty one. */
static void hash_write(struct buf *b, const struct buf *list)
{
    uint8_t sum[SHA256_DIGEST_SIZE] = { 0 };
    char text[HASH_DIGITS + 1];
    if (list->len > 0)
        app_sha256(list->data, list->len, sum);
    app_hex(sum, HASH_DIGITS / 2, text);
    buf_byte(b, '_');
    buf_add(b, text, HASH_DIGITS);
}

/** In two digits, 99 at most. */
static void count_write(struct buf *b, unsigned count)
{
    unsigned n = count < 99 ? count : 99;
    buf_byte(b, (uint8_t)('0' + n / 10));
    buf_byte(b, (uint8_t)('0' + n % 10));
}

/** What can be read of the hello in it. */
static void plain_write(struct buf *b, const struct ja4_hello *hello, unsigned ciphers,
                        unsigned extensions)
{
    char alpn[2];
    alpn_text(hello->alpn, alpn);
    buf_byte(b, hello->quic ? 'q' : 't');
    buf_text(b, version_text(hello));
    buf_byte(b, hello->named ? 'd' : 'i');
    count_write(b, ciphers);
    count_write(b, extensions);
    buf_add(b, alpn, sizeof(alpn));
}

void ja4_make(const struct ja4_hello *hello, char out[JA4_LEN + 1])
{
    uint8_t room[2 * VALUES_MAX * sizeof(",0000")];
    struct values ciphers, extensions, signatures;
    struct buf list, text;
    buf_init_fixed(&text, out, JA4_LEN + 1);
    values_read(&ciphers, hello->ciphers);
    extensions_read(&extensions, hello->extensions);
    values_read(&signatures, hello->signatures);
    values_sort(&ciphers);
    values_sort(&extensions);
    plain_write(&text, hello, ciphers.count, extensions.count);
    buf_init_fixed(&list, room, sizeof(room));
    values_write(&list, &ciphers, true);
    hash_write(&text, &list);
    buf_clear(&list);
    values_write(&list, &extensions, false);
    if (signatures.count > 0)
        buf_byte(&list, '_');
    values_write(&list, &signatures, true);
    hash_write(&text, &list);
    buf_byte(&text, 0);
}
