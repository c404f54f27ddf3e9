/* SPDX-License-Identifier: Apache-2.0 */
/* The transforms. None writes more than its input and ROOM_SPARE bytes. */
#include "config.h"

#include "sensor/detect/transform.h"

#include <string.h>

#include "sensor/app/digest.h"
#include "sensor/detect/regex.h"
#include "sensor/detect/search.h"

/* What a digest of nothing, or a dot in front, needs beyond the input's length. */
#define ROOM_SPARE 32u

/* What a transform reads and writes. */
struct change {
    const uint8_t *in;
    uint32_t len;
    uint8_t *out;            /* has room for len + ROOM_SPARE */
    const uint8_t *argument; /* xor's key */
    uint32_t argument_len;
    uint32_t regex; /* pcrexform's */
    struct regex_scratch *regexes;
};

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static uint32_t do_lower(const struct change *c)
{
    for (uint32_t i = 0; i < c->len; i++)
        c->out[i] = search_lower(c->in[i]);
    return c->len;
}

static uint32_t do_upper(const struct change *c)
{
    for (uint32_t i = 0; i < c->len; i++)
        c->out[i] = (uint8_t)(c->in[i] - 'a') < 26 ? c->in[i] & 0xdf : c->in[i];
    return c->len;
}

/* Runs of white space become their first character. */
static uint32_t do_compress_whitespace(const struct change *c)
{
    uint32_t made = 0;
    for (uint32_t i = 0; i < c->len; i++) {
        if (!is_space(c->in[i]) || i == 0 || !is_space(c->in[i - 1]))
            c->out[made++] = c->in[i];
    }
    return made;
}

static uint32_t do_strip_whitespace(const struct change *c)
{
    uint32_t made = 0;
    for (uint32_t i = 0; i < c->len; i++) {
        if (!is_space(c->in[i]))
            c->out[made++] = c->in[i];
    }
    return made;
}

static uint32_t do_dotprefix(const struct change *c)
{
    c->out[0] = '.';
    memcpy(c->out + 1, c->in, c->len);
    return c->len + 1;
}

/* Names of headers to lower case, their values as they are. */
static uint32_t do_header_lowercase(const struct change *c)
{
    bool name = true;
    for (uint32_t i = 0; i < c->len; i++) {
        if (c->in[i] == ':' && i > 0 && c->in[i - 1] != '\n')
            name = false;
        else if (c->in[i] == '\n')
            name = true;
        c->out[i] = name ? search_lower(c->in[i]) : c->in[i];
    }
    return c->len;
}

/* Lines that begin with a colon (HTTP/2's) are left out. */
static uint32_t do_strip_pseudo_headers(const struct change *c)
{
    uint32_t made = 0;
    for (uint32_t at = 0; at < c->len;) {
        const uint8_t *end = memchr(c->in + at, '\n', c->len - at);
        uint32_t line = end ? (uint32_t)(end - (c->in + at)) + 1 : c->len - at;
        if (c->in[at] != ':') {
            memcpy(c->out + made, c->in + at, line);
            made += line;
        }
        at += line;
    }
    return made;
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = search_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static uint32_t do_url_decode(const struct change *c)
{
    uint32_t made = 0;
    for (uint32_t i = 0; i < c->len; i++) {
        bool coded = c->in[i] == '%' && i + 2 < c->len && hex_digit(c->in[i + 1]) >= 0 &&
                     hex_digit(c->in[i + 2]) >= 0;
        if (coded) {
            c->out[made++] = (uint8_t)(hex_digit(c->in[i + 1]) << 4 | hex_digit(c->in[i + 2]));
            i += 2;
        } else {
            c->out[made++] = c->in[i] == '+' ? ' ' : c->in[i];
        }
    }
    return made;
}

static uint32_t do_xor(const struct change *c)
{
    for (uint32_t i = 0; i < c->len; i++)
        c->out[i] = c->argument_len ? c->in[i] ^ c->argument[i % c->argument_len] : c->in[i];
    return c->len;
}

static uint32_t do_md5(const struct change *c)
{
    app_md5(c->in, c->len, c->out);
    return 16;
}

static uint32_t do_sha1(const struct change *c)
{
    app_sha1(c->in, c->len, c->out);
    return 20;
}

static uint32_t do_sha256(const struct change *c)
{
    app_sha256(c->in, c->len, c->out);
    return 32;
}

/* What the regex's group took; without a match all stays as it is. */
static uint32_t do_pcrexform(const struct change *c)
{
    uint32_t from = 0, to = c->len;
    if (regex_search(c->regexes, c->regex, c->in, c->len, 0, false, &from, &to) != REGEX_MATCH ||
        !regex_group(c->regexes, 1, &from, &to)) {
        from = 0;
        to = c->len;
    }
    memcpy(c->out, c->in + from, to - from);
    return to - from;
}

static uint32_t (*const transforms[])(const struct change *c) = {
    [SIG_TR_TO_LOWERCASE] = do_lower,
    [SIG_TR_TO_UPPERCASE] = do_upper,
    [SIG_TR_COMPRESS_WHITESPACE] = do_compress_whitespace,
    [SIG_TR_STRIP_WHITESPACE] = do_strip_whitespace,
    [SIG_TR_DOTPREFIX] = do_dotprefix,
    [SIG_TR_HEADER_LOWERCASE] = do_header_lowercase,
    [SIG_TR_STRIP_PSEUDO_HEADERS] = do_strip_pseudo_headers,
    [SIG_TR_TO_MD5] = do_md5,
    [SIG_TR_TO_SHA1] = do_sha1,
    [SIG_TR_TO_SHA256] = do_sha256,
    [SIG_TR_URL_DECODE] = do_url_decode,
    [SIG_TR_XOR] = do_xor,
    [SIG_TR_PCREXFORM] = do_pcrexform,
};

bool transform_known(uint8_t kind)
{
    return kind < sizeof(transforms) / sizeof(transforms[0]) && transforms[kind];
}

bool transform_apply(struct transform_room *room, const struct sig_bufspec *spec,
                     const uint8_t *blob, struct regex_scratch *regexes, struct app_view *view)
{
    for (unsigned i = 0; i < spec->transform_count; i++) {
        struct change c = {
            .in = view->data,
            .len = view->len,
            .out = room->bytes + room->used,
            .argument = spec->arguments[i].len ? blob + spec->arguments[i].at : NULL,
            .argument_len = spec->arguments[i].len,
            .regex = spec->arguments[i].at,
            .regexes = regexes,
        };
        if (!transform_known(spec->transforms[i]) ||
            room->cap - room->used < view->len + ROOM_SPARE)
            return false;
        if (view->len == 0)
            c.in = (const uint8_t *)"";
        view->data = c.out;
        view->len = transforms[spec->transforms[i]](&c);
        room->used += view->len;
    }
    return true;
}
