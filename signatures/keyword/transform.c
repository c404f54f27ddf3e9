/* SPDX-License-Identifier: Apache-2.0 */
/* Transforms: what is done to a sticky buffer before it is looked at. */
#include "config.h"
#include "signatures/keyword/keyword.h"

#include "common/err.h"

/* Longest xor key. */
#define XOR_KEY_MAX 255

/* The list just opened, or a new one where the buffer had been used plainly: tests before a
 * transform are on the plain buffer, those behind it on what it makes. */
static struct draft_list *target(struct draft *d, const char *keyword)
{
    bool open = d->said & DRAFT_OPENED || !d->lists[d->current].transform_count;
    if (!(d->said & DRAFT_STICKY) || !open || (d->said & DRAFT_BASE64)) {
        draft_refuse(d, "%s: a transform stands directly behind its sticky buffer", keyword);
        return NULL;
    }
    enum sig_buffer buffer = d->lists[d->current].buffer;
    if (buffer == SIG_BUF_IP_SRC || buffer == SIG_BUF_IP_DST) {
        draft_refuse(d, "%s: addresses are not transformed", keyword);
        return NULL;
    }
    if (d->lists[d->current].count && draft_buffer_again(d))
        return NULL;
    d->said |= DRAFT_OPENED;
    struct draft_list *l = &d->lists[d->current];
    if (l->transform_count == SIG_TRANSFORMS_MAX) {
        draft_refuse(d, "%s: more than %d transforms", keyword, SIG_TRANSFORMS_MAX);
        return NULL;
    }
    return l;
}

static int add(struct draft *d, const char *keyword, enum sig_transform_kind kind,
               struct text argument)
{
    struct draft_list *l = target(d, keyword);
    if (!l)
        return ABENG_EFORMAT;
    struct sig_bytes bytes = { 0, 0 };
    if (argument.len)
        bytes = draft_blob_add(d, argument.at, argument.len);
    l->arguments[l->transform_count] = bytes;
    l->transforms[l->transform_count++] = (uint8_t)kind;
    return 0;
}

#define PLAIN(function, word, kind)                                                                \
    static int function(struct draft *d, struct text value)                                        \
    {                                                                                              \
        (void)value;                                                                               \
        return add(d, word, kind, (struct text){ "", 0 });                                         \
    }

PLAIN(parse_to_lowercase, "to_lowercase", SIG_TR_TO_LOWERCASE)
PLAIN(parse_to_uppercase, "to_uppercase", SIG_TR_TO_UPPERCASE)
PLAIN(parse_compress, "compress_whitespace", SIG_TR_COMPRESS_WHITESPACE)
PLAIN(parse_strip, "strip_whitespace", SIG_TR_STRIP_WHITESPACE)
PLAIN(parse_dotprefix, "dotprefix", SIG_TR_DOTPREFIX)
PLAIN(parse_header_lowercase, "header_lowercase", SIG_TR_HEADER_LOWERCASE)
PLAIN(parse_strip_pseudo, "strip_pseudo_headers", SIG_TR_STRIP_PSEUDO_HEADERS)
PLAIN(parse_to_md5, "to_md5", SIG_TR_TO_MD5)
PLAIN(parse_to_sha1, "to_sha1", SIG_TR_TO_SHA1)
PLAIN(parse_to_sha256, "to_sha256", SIG_TR_TO_SHA256)
PLAIN(parse_url_decode, "url_decode", SIG_TR_URL_DECODE)

static int parse_xor(struct draft *d, struct text value)
{
    char key[XOR_KEY_MAX];
    size_t n = 0;
    if (value.len % 2 || value.len / 2 > XOR_KEY_MAX)
        return draft_refuse(d, "xor: the key is pairs of hex digits, up to %d bytes", XOR_KEY_MAX);
    for (size_t i = 0; i < value.len; i += 2) {
        int high = text_hex_digit(value.at[i]), low = text_hex_digit(value.at[i + 1]);
        if (high < 0 || low < 0)
            return draft_refuse(d, "xor: the key is pairs of hex digits");
        key[n++] = (char)(high << 4 | low);
    }
    return add(d, "xor", SIG_TR_XOR, (struct text){ key, n });
}

static int parse_pcrexform(struct draft *d, struct text value)
{
    return add(d, "pcrexform", SIG_TR_PCREXFORM, value);
}

const struct sig_keyword keywords_transform[] = {
    { "to_lowercase", parse_to_lowercase, KEYWORD_NO_VALUE, NULL },
    { "to_uppercase", parse_to_uppercase, KEYWORD_NO_VALUE, NULL },
    { "compress_whitespace", parse_compress, KEYWORD_NO_VALUE, NULL },
    { "strip_whitespace", parse_strip, KEYWORD_NO_VALUE, NULL },
    { "dotprefix", parse_dotprefix, KEYWORD_NO_VALUE, NULL },
    { "header_lowercase", parse_header_lowercase, KEYWORD_NO_VALUE, NULL },
    { "strip_pseudo_headers", parse_strip_pseudo, KEYWORD_NO_VALUE, NULL },
    { "to_md5", parse_to_md5, KEYWORD_NO_VALUE, NULL },
    { "to_sha1", parse_to_sha1, KEYWORD_NO_VALUE, NULL },
    { "to_sha256", parse_to_sha256, KEYWORD_NO_VALUE, NULL },
    { "url_decode", parse_url_decode, KEYWORD_NO_VALUE, NULL },
    { "xor", parse_xor, KEYWORD_QUOTED, NULL },
    { "pcrexform", parse_pcrexform, KEYWORD_QUOTED, NULL },
    { NULL, NULL, 0, NULL },
};
