/* SPDX-License-Identifier: Apache-2.0 */
/* X.509 from DER. */
#include "config.h"
#include "sensor/app/x509.h"

#include <stdio.h>
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

bool x509_time_text(struct cursor digits, bool four, char out[20])
{
    unsigned skip = four ? 4 : 2;
    size_t need = skip + 10;
    const uint8_t *d = cursor_take(&digits, need);
    if (!d)
        return false;
    for (size_t i = 0; i < need; i++)
        if (d[i] < '0' || d[i] > '9')
            return false;
    const char *century = d[0] < '5' ? "20" : "19"; /* RFC 5280 4.1.2.5.1 */
    const char *t = (const char *)d + skip;
    snprintf(out, 20, "%s%.*s-%.2s-%.2sT%.2s:%.2s:%.2s", four ? "" : century, (int)skip,
             (const char *)d, t, t + 2, t + 4, t + 6, t + 8);
    return true;
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
    char text[20];
    int year, month, day, hour, minute, second;
    if (!x509_time_text(digits, four, text) ||
        sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d", &year, &month, &day, &hour, &minute, &second) != 6)
        return false;
    if (month < 1 || month > 12 || day < 1 || day > 31)
        return false;
    *out = days_of(year, (unsigned)month, (unsigned)day) * 86400 + hour * 3600 + minute * 60 +
           second;
    return true;
}
