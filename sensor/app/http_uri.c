/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Request URIs as rules see them: the path percent-decoded (also %uXXXX), separators unified and
 * compressed, UTF-8 mapped to single bytes, dot segments removed; the query percent-decoded once;
 * scheme and authority left out.
 */
#include "config.h"
#include "sensor/app/http.h"

/** What a code point without a near byte becomes. */
#define REPLACEMENT '?'

/** Parts of a URI (RFC 3986 3), as far as they are there. */
struct uri_parts {
    struct http_slice host, path, query, fragment;
    bool has_query, has_fragment;
};

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/** The value of `n` hexadecimal digits at `d`, or -1. */
static int hex_take(const uint8_t *d, uint32_t len, uint32_t n)
{
    int v = 0;
    if (len < n)
        return -1;
    for (uint32_t i = 0; i < n; i++) {
        int digit = hex_value(d[i]);
        if (digit < 0)
            return -1;
        v = v * 16 + digit;
    }
    return v;
}

/**
 * The byte that looks most like a code point, as code page 1252's best fit has it for what evasions
 * use.
 */
static uint8_t best_fit(uint32_t code)
{
    static const struct {
        uint16_t first, last;
        const char *bytes;
    } runs[] = {
        {0x0100,  0x0105, "AaAaAa"      },
        { 0x0106, 0x010d, "CcCcCcCc"    },
        { 0x010e, 0x0111, "DdDd"        },
        { 0x0112, 0x011b, "EeEeEeEeEe"  },
        { 0x011c, 0x0123, "GgGgGgGg"    },
        { 0x0124, 0x0127, "HhHh"        },
        { 0x0128, 0x0131, "IiIiIiIiIi"  },
        { 0x0134, 0x0137, "JjKk"        },
        { 0x0139, 0x013e, "LlLlLl"      },
        { 0x0143, 0x0148, "NnNnNn"      },
        { 0x014c, 0x0151, "OoOoOo"      },
        { 0x0154, 0x0159, "RrRrRr"      },
        { 0x015a, 0x0161, "SsSsSsSs"    },
        { 0x0162, 0x0167, "TtTtTt"      },
        { 0x0168, 0x0173, "UuUuUuUuUuUu"},
        { 0x0174, 0x0178, "WwYyY"       },
        { 0x0179, 0x017e, "ZzZzZz"      },
        { 0x2010, 0x2015, "------"      },
        { 0x2018, 0x201b, "'','"        },
        { 0x2024, 0x2024, "."           },
        { 0x2032, 0x2036, "'\"`'\""     },
        { 0x2044, 0x2044, "/"           },
        { 0x2215, 0x2217, "/\\*"        },
    };
    if (code < 0x100)
        return (uint8_t)code;
    if (code >= 0xff01 && code <= 0xff5e)
        return (uint8_t)(code - 0xff01 + 0x21);
    for (unsigned i = 0; i < sizeof(runs) / sizeof(runs[0]); i++)
        if (code >= runs[i].first && code <= runs[i].last)
            return (uint8_t)runs[i].bytes[code - runs[i].first];
    return REPLACEMENT;
}

/** Split; a URI that has no scheme and no leading slash is all path. */
static struct uri_parts uri_split(const uint8_t *d, uint32_t len)
{
    struct uri_parts p = { 0 };
    const uint8_t *colon = len > 0 && d[0] != '/' ? memchr(d, ':', len) : NULL;
    uint32_t at = colon ? (uint32_t)(colon - d) + 1 : 0;
    if (colon && at + 2 < len && d[at] == '/' && d[at + 1] == '/' && d[at + 2] != '/') {
        uint32_t start = at + 2, end = start;
        while (end < len && d[end] != '/' && d[end] != '?' && d[end] != '#')
            end++;
        at = end;
        for (uint32_t i = start; i < end; i++)
            if (d[i] == '@')
                start = i + 1;
        uint32_t stop = start;
        bool bracket = stop < end && d[stop] == '[';
        while (stop < end && (bracket || d[stop] != ':')) {
            bracket = bracket && d[stop] != ']';
            stop++;
        }
        p.host = (struct http_slice){ start, stop - start };
    }
    uint32_t start = at;
    while (at < len && d[at] != '?' && d[at] != '#')
        at++;
    p.path = (struct http_slice){ start, at - start };
    if (at < len && d[at] == '?') {
        start = ++at;
        while (at < len && d[at] != '#')
            at++;
        p.query = (struct http_slice){ start, at - start };
        p.has_query = true;
    }
    if (at < len) {
        p.fragment = (struct http_slice){ at + 1, len - at - 1 };
        p.has_fragment = true;
    }
    return p;
}

/**
 * Percent decoding in place; `path` adds %uXXXX and the path's separators. Invalid sequences keep
 * their percent sign.
 */
static uint32_t percent_decode(uint8_t *d, uint32_t len, bool path)
{
    uint32_t out = 0;
    bool slash = false;
    for (uint32_t i = 0; i < len;) {
        uint8_t c = d[i];
        int v;
        if (c == '%' && path && i + 1 < len && (d[i + 1] == 'u' || d[i + 1] == 'U') &&
            (v = hex_take(d + i + 2, len - i - 2, 4)) >= 0) {
            c = best_fit((uint32_t)v);
            i += 6;
        } else if (c == '%' && (v = hex_take(d + i + 1, len - i - 1, 2)) >= 0) {
            c = (uint8_t)v;
            i += 3;
        } else {
            i++;
        }
        if (path && c == '\\')
            c = '/';
        if (path && c == '/' && slash)
            continue;
        slash = path && c == '/';
        d[out++] = c;
    }
    return out;
}

/**
 * One UTF-8 sequence at `d`: its length and code point, also of overlong forms; 0 when it is none.
 */
static uint32_t utf8_take(const uint8_t *d, uint32_t len, uint32_t *code)
{
    uint32_t n = d[0] < 0xc0 ? 0 : d[0] < 0xe0 ? 2 : d[0] < 0xf0 ? 3 : d[0] < 0xf8 ? 4 : 0;
    if (n == 0 || n > len)
        return 0;
    *code = d[0] & (0xffu >> (n + 1));
    for (uint32_t i = 1; i < n; i++) {
        if ((d[i] & 0xc0) != 0x80)
            return 0;
        *code = *code << 6 | (d[i] & 0x3f);
    }
    return n;
}

static uint32_t utf8_fold(uint8_t *d, uint32_t len)
{
    uint32_t out = 0;
    for (uint32_t i = 0; i < len;) {
        uint32_t code, n = d[i] < 0x80 ? 0 : utf8_take(d + i, len - i, &code);
        if (n == 0) {
            d[out++] = d[i++];
            continue;
        }
        d[out++] = best_fit(code);
        i += n;
    }
    return out;
}

/** RFC 3986 5.2.4 in place. */
static uint32_t remove_dots(uint8_t *d, uint32_t len)
{
    uint32_t out = 0, i = 0;
    while (i < len) {
        const uint8_t *p = d + i;
        uint32_t left = len - i;
        if (left >= 3 && memcmp(p, "../", 3) == 0) {
            i += 3;
        } else if (left >= 2 && memcmp(p, "./", 2) == 0) {
            i += 2;
        } else if (left >= 3 && memcmp(p, "/./", 3) == 0) {
            i += 2;
        } else if (left == 2 && memcmp(p, "/.", 2) == 0) {
            d[++i] = '/';
        } else if ((left >= 4 && memcmp(p, "/../", 4) == 0) ||
                   (left == 3 && memcmp(p, "/..", 3) == 0)) {
            i += left == 3 ? 2 : 3;
            d[i] = '/';
            while (out > 0 && d[--out] != '/')
                ;
        } else if ((left == 1 && p[0] == '.') || (left == 2 && memcmp(p, "..", 2) == 0)) {
            break;
        } else {
            do
                d[out++] = d[i++];
            while (i < len && d[i] != '/');
        }
    }
    return out;
}

struct http_slice http_uri_host(const uint8_t *uri, uint32_t len)
{
    if (len > 0 && uri[0] == '/')
        return (struct http_slice){ 0, 0 };
    return uri_split(uri, len).host;
}

bool http_uri_normalise(struct slab *slab, const uint8_t *uri, uint32_t len, struct app_bytes *out)
{
    struct uri_parts p = uri_split(uri, len);
    if (!app_bytes_reserve(slab, out, len + 2))
        return false;
    (void)app_bytes_add(slab, out, uri + p.path.at, p.path.len);
    out->len = percent_decode(out->data, out->len, true);
    out->len = utf8_fold(out->data, out->len);
    out->len = remove_dots(out->data, out->len);
    if (p.has_query) {
        (void)app_bytes_add(slab, out, "?", 1);
        uint32_t at = out->len;
        (void)app_bytes_add(slab, out, uri + p.query.at, p.query.len);
        out->len = at + percent_decode(out->data + at, out->len - at, false);
    }
    if (p.has_fragment) {
        (void)app_bytes_add(slab, out, "#", 1);
        (void)app_bytes_add(slab, out, uri + p.fragment.at, p.fragment.len);
    }
    return true;
}
