/* SPDX-License-Identifier: Apache-2.0 */
/* X.509 from DER. */
#include "config.h"
#include "sensor/app/x509.h"

#include <string.h>

#include "common/buf.h"
#include "sensor/app/der.h"

#define DER_BMP_STRING       0x1e
#define DER_UTC_TIME         0x17
#define DER_GENERALIZED_TIME 0x18
#define DER_CONTEXT_0        0xa0

enum x509_fault x509_read(const uint8_t *der, uint32_t len, struct x509 *out)
{
    struct cursor c = cursor_make(der, len);
    struct cursor certificate = der_want(&c, DER_SEQUENCE);
    struct cursor tbs = der_want(&certificate, DER_SEQUENCE);
    uint8_t tag;
    if (tbs.bad)
        return X509_BAD_DER;
    if (cursor_left(&tbs) > 0 && *tbs.at == DER_CONTEXT_0)
        (void)der_next(&tbs, &tag);
    if (tbs.bad)
        return X509_BAD_VERSION;
    out->serial = der_want(&tbs, DER_INTEGER);
    if (tbs.bad)
        return X509_BAD_SERIAL;
    (void)der_want(&tbs, DER_SEQUENCE);
    if (tbs.bad)
        return X509_BAD_ALGORITHM;
    out->issuer = der_want(&tbs, DER_SEQUENCE);
    if (tbs.bad)
        return X509_BAD_NAME;
    struct cursor validity = der_want(&tbs, DER_SEQUENCE);
    out->not_before = der_next(&validity, &tag);
    out->before_long = tag == DER_GENERALIZED_TIME;
    out->not_after = der_next(&validity, &tag);
    out->after_long = tag == DER_GENERALIZED_TIME;
    if (tbs.bad || validity.bad)
        return X509_BAD_DATE;
    out->subject = der_want(&tbs, DER_SEQUENCE);
    return tbs.bad ? X509_BAD_NAME : X509_SOUND;
}

/** Short name of an attribute type, NULL when it has none. */
static const char *oid_name(const uint8_t *oid, size_t len)
{
    static const struct {
        const char *oid;
        uint8_t len;
        const char *name;
    } names[] = {
        {"\x55\x04\x03",                                  3,  "CN"                           },
        { "\x55\x04\x04",                                 3,  "SN"                           },
        { "\x55\x04\x05",                                 3,  "serialNumber"                 },
        { "\x55\x04\x06",                                 3,  "C"                            },
        { "\x55\x04\x07",                                 3,  "L"                            },
        { "\x55\x04\x08",                                 3,  "ST"                           },
        { "\x55\x04\x09",                                 3,  "streetAddress"                },
        { "\x55\x04\x0a",                                 3,  "O"                            },
        { "\x55\x04\x0b",                                 3,  "OU"                           },
        { "\x55\x04\x0c",                                 3,  "title"                        },
        { "\x55\x04\x0d",                                 3,  "description"                  },
        { "\x55\x04\x0f",                                 3,  "businessCategory"             },
        { "\x55\x04\x11",                                 3,  "postalCode"                   },
        { "\x55\x04\x29",                                 3,  "name"                         },
        { "\x55\x04\x2a",                                 3,  "GN"                           },
        { "\x55\x04\x2b",                                 3,  "initials"                     },
        { "\x55\x1d\x11",                                 3,  "subjectAltName"               },
        { "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01",         9,  "Email"                        },
        { "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x02",         9,  "unstructuredName"             },
        { "\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x01",     10, "UID"                          },
        { "\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19",     10, "DC"                           },
        { "\x2b\x06\x01\x04\x01\x82\x37\x3c\x02\x01\x01", 11, "msJurisdictionLocality"       },
        { "\x2b\x06\x01\x04\x01\x82\x37\x3c\x02\x01\x02", 11, "msJurisdictionStateOrProvince"},
        { "\x2b\x06\x01\x04\x01\x82\x37\x3c\x02\x01\x03", 11, "msJurisdictionCountry"        },
    };
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i].len == len && memcmp(names[i].oid, oid, len) == 0)
            return names[i].name;
    return NULL;
}

/** An object identifier as dotted numbers. */
static void oid_text(struct cursor oid, struct buf *b)
{
    uint64_t arc = 0;
    bool first = true;
    while (cursor_left(&oid) > 0) {
        uint8_t byte = cursor_u8(&oid);
        arc = arc << 7 | (byte & 0x7f);
        if (byte & 0x80)
            continue;
        if (first)
            buf_printf(b, "%u.%u", arc < 80 ? (unsigned)(arc / 40) : 2,
                       (unsigned)(arc < 80 ? arc % 40 : arc - 80));
        else
            buf_printf(b, ".%llu", (unsigned long long)arc);
        first = false;
        arc = 0;
    }
}

static void attribute_text(struct cursor attribute, struct buf *b)
{
    uint8_t tag;
    struct cursor oid = der_want(&attribute, DER_OID);
    struct cursor value = der_next(&attribute, &tag);
    if (oid.bad || value.bad)
        return;
    const char *name = oid_name(oid.at, cursor_left(&oid));
    if (name)
        buf_text(b, name);
    else
        oid_text(oid, b);
    buf_byte(b, '=');
    if (tag != DER_BMP_STRING) {
        buf_add(b, value.at, cursor_left(&value));
        return;
    }
    while (cursor_left(&value) >= 2) {
        uint16_t unit = cursor_be16(&value);
        buf_byte(b, unit < 0x80 ? (uint8_t)unit : '?');
    }
}

uint32_t x509_name_text(struct cursor name, char out[X509_TEXT_MAX])
{
    struct buf b;
    buf_init_fixed(&b, out, X509_TEXT_MAX);
    while (cursor_left(&name) > 0 && !b.bad) {
        struct cursor set = der_want(&name, DER_SET);
        if (b.len > 0)
            buf_text(&b, ", ");
        for (bool more = false; cursor_left(&set) > 0; more = true) {
            if (more)
                buf_text(&b, " + ");
            attribute_text(der_want(&set, DER_SEQUENCE), &b);
        }
    }
    return (uint32_t)b.len;
}

uint32_t x509_hex_text(const uint8_t *bytes, uint32_t len, bool lower, char out[X509_TEXT_MAX])
{
    const char *digits = lower ? "0123456789abcdef" : "0123456789ABCDEF";
    uint32_t n = 0;
    for (uint32_t i = 0; i < len && n + 3 < X509_TEXT_MAX; i++) {
        if (i > 0)
            out[n++] = ':';
        out[n++] = digits[bytes[i] >> 4];
        out[n++] = digits[bytes[i] & 15];
    }
    return n;
}

/** Digits of a time without what stands between them: YYYYMMDDhhmmss. */
#define TIME_DIGITS 14

static bool time_digits(struct cursor digits, bool four, char out[TIME_DIGITS])
{
    size_t need = four ? TIME_DIGITS : TIME_DIGITS - 2;
    const uint8_t *d = cursor_take(&digits, need);
    if (!d)
        return false;
    for (size_t i = 0; i < need; i++)
        if (d[i] < '0' || d[i] > '9')
            return false;
    memcpy(out, d[0] < '5' ? "20" : "19", 2); /* RFC 5280 4.1.2.5.1 */
    memcpy(out + (TIME_DIGITS - need), d, need);
    return true;
}

bool x509_time_text(struct cursor digits, bool four, char out[20])
{
    char time[TIME_DIGITS], *at = out;
    if (!time_digits(digits, four, time))
        return false;
    for (unsigned i = 0; i < TIME_DIGITS; i++) {
        if (i >= 4 && i % 2 == 0)
            *at++ = i < 8 ? '-' : i == 8 ? 'T' : ':';
        *at++ = time[i];
    }
    *at = 0;
    return true;
}

static int number(const char *digits, unsigned count)
{
    int v = 0;
    for (unsigned i = 0; i < count; i++)
        v = 10 * v + (digits[i] - '0');
    return v;
}

/** Days from 1970-01-01 (Gregorian, from a year that begins in March). */
static int64_t days_of(int64_t year, unsigned month, unsigned day)
{
    year -= month <= 2;
    int64_t era = year / 400, of_era = year % 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

bool x509_time_seconds(struct cursor digits, bool four, int64_t *out)
{
    char time[TIME_DIGITS];
    if (!time_digits(digits, four, time))
        return false;
    int month = number(time + 4, 2), day = number(time + 6, 2);
    if (month < 1 || month > 12 || day < 1 || day > 31)
        return false;
    *out = days_of(number(time, 4), (unsigned)month, (unsigned)day) * 86400 +
           number(time + 8, 2) * 3600 + number(time + 10, 2) * 60 + number(time + 12, 2);
    return true;
}
