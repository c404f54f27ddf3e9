/* SPDX-License-Identifier: Apache-2.0 */
/* pcre: the regex, its flags, and the letters that name a buffer. Compiled in sensor/detect and
 * in the compile test. */
#include "config.h"
#include "signatures/keyword/keyword.h"

#include <ctype.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "common/err.h"

/* Longest regex. */
#define REGEX_MAX 8192

static const struct {
    char letter;
    uint32_t option;
} options[] = {
    {'i',  PCRE2_CASELESS      },
    { 'm', PCRE2_MULTILINE     },
    { 's', PCRE2_DOTALL        },
    { 'x', PCRE2_EXTENDED      },
    { 'A', PCRE2_ANCHORED      },
    { 'E', PCRE2_DOLLAR_ENDONLY},
    { 'G', PCRE2_UNGREEDY      },
};

static const struct {
    char letter;
    enum sig_buffer buffer;
} buffers[] = {
    {'U',  SIG_BUF_HTTP_URI         },
    { 'I', SIG_BUF_HTTP_URI_RAW     },
    { 'P', SIG_BUF_HTTP_REQUEST_BODY},
    { 'Q', SIG_BUF_FILE_DATA        },
    { 'H', SIG_BUF_HTTP_HEADER      },
    { 'D', SIG_BUF_HTTP_HEADER_RAW  },
    { 'M', SIG_BUF_HTTP_METHOD      },
    { 'C', SIG_BUF_HTTP_COOKIE      },
    { 'V', SIG_BUF_HTTP_USER_AGENT  },
    { 'W', SIG_BUF_HTTP_HOST        },
    { 'Z', SIG_BUF_HTTP_HOST_RAW    },
    { 'S', SIG_BUF_HTTP_STAT_CODE   },
    { 'Y', SIG_BUF_HTTP_STAT_MSG    },
};

struct letters {
    uint32_t options, flags;
    bool no_limit, app;
    enum sig_buffer buffer; /* SIG_BUF_COUNT: none named */
};

static bool option_letter(char c, struct letters *l)
{
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        if (options[i].letter == c) {
            l->options |= options[i].option;
            return true;
        }
    }
    return false;
}

static int buffer_letter(struct draft *d, char c, struct letters *l)
{
    for (size_t i = 0; i < sizeof(buffers) / sizeof(buffers[0]); i++) {
        if (buffers[i].letter != c)
            continue;
        if (l->buffer != SIG_BUF_COUNT)
            return draft_refuse(d, "pcre: more than one letter that names a buffer");
        l->buffer = buffers[i].buffer;
        return 0;
    }
    return draft_refuse(d, "pcre: unknown letter '%c' behind the regex", c);
}

static int read_letters(struct draft *d, struct text t, struct letters *l)
{
    *l = (struct letters){ .buffer = SIG_BUF_COUNT };
    for (size_t i = 0; i < t.len; i++) {
        char c = t.at[i];
        if (option_letter(c, l))
            continue;
        if (c == 'R')
            l->flags |= SIG_F_RELATIVE;
        else if (c == 'B')
            l->flags |= SIG_F_RAWBYTES;
        else if (c == 'O')
            l->no_limit = true;
        else if (buffer_letter(d, c, l))
            return ABENG_EFORMAT;
    }
    return 0;
}

/* An upper case letter that is no escape or class name can never match a buffer in lower case. */
static bool has_upper(struct text t)
{
    for (size_t i = 0; i < t.len; i++) {
        if (t.at[i] == '\\')
            i++;
        else if (isupper((unsigned char)t.at[i]))
            return true;
    }
    return false;
}

/* "/regex/letters" and, behind it, variables for the captures. */
static int cut(struct draft *d, struct text value, struct text *regex, struct text *letters,
               struct text *vars)
{
    size_t end = value.len;
    while (end > 1 && value.at[end - 1] != '/')
        end--;
    if (value.len < 3 || value.at[0] != '/' || end < 3)
        return draft_refuse(d, "pcre: a regex stands between slashes: \"/regex/letters\"");
    *regex = (struct text){ value.at + 1, end - 2 };
    *letters = (struct text){ value.at + end, value.len - end };
    const char *comma = memchr(letters->at, ',', letters->len);
    *vars = (struct text){ NULL, 0 };
    if (comma) {
        *vars = (struct text){ comma, letters->len - (size_t)(comma - letters->at) };
        letters->len = (size_t)(comma - letters->at);
    }
    if (regex->len > REGEX_MAX)
        return draft_refuse(d, "pcre: longer than %d characters", REGEX_MAX);
    return 0;
}

static int capture_add(struct draft *d, struct sig_op *op, struct text name, unsigned group,
                       bool packet)
{
    if (op->u.pcre.captures == SIG_CAPTURES_MAX || group >= SIG_CAPTURE_PACKET)
        return draft_refuse(d, "pcre: more than %d variables", SIG_CAPTURES_MAX);
    op->u.pcre.name[op->u.pcre.captures] = keyword_var_name(name);
    op->u.pcre.group[op->u.pcre.captures++] = (uint8_t)(group | (packet ? SIG_CAPTURE_PACKET : 0));
    return 0;
}

/* ", flow:name, pkt:name": the groups in their order. */
static int listed_captures(struct draft *d, struct sig_op *op, struct text vars)
{
    struct text one;
    unsigned group = 1;
    int rc = 0;
    while (!rc && text_cut(&vars, ',', &one)) {
        struct text name = one;
        if (!one.len)
            continue;
        bool packet = text_skip(&name, "pkt:");
        if ((!packet && !text_skip(&name, "flow:")) || !name.len)
            return draft_refuse(d, "pcre: flow:NAME or pkt:NAME behind the regex, not '%.*s'",
                                (int)(one.len < 40 ? one.len : 40), one.at);
        rc = capture_add(d, op, name, group++, packet);
    }
    return rc;
}

/* The name of the group that begins at `at`, behind its "(?P<"; len 0: it has none. */
static struct text group_name(struct text regex, size_t at)
{
    struct text t = { regex.at + at, regex.len - at };
    if (!text_skip(&t, "(?P<") && !text_skip(&t, "(?<"))
        return (struct text){ NULL, 0 };
    const char *end = memchr(t.at, '>', t.len);
    bool looks_back = t.len && (t.at[0] == '=' || t.at[0] == '!');
    return end && !looks_back ? (struct text){ t.at, (size_t)(end - t.at) }
                              : (struct text){ NULL, 0 };
}

/* (?P<flow_name>…) and (?P<pkt_name>…). */
static int named_captures(struct draft *d, struct sig_op *op, struct text regex)
{
    unsigned group = 0;
    bool class = false;
    int rc = 0;
    for (size_t i = 0; !rc && i < regex.len; i++) {
        char c = regex.at[i];
        if (c == '\\')
            i++;
        else if (class || c == '[')
            class = c != ']';
        if (class || c != '(')
            continue;
        struct text name = group_name(regex, i);
        bool bare = i + 1 < regex.len && regex.at[i + 1] != '?' && regex.at[i + 1] != '*';
        group += bare || name.len;
        bool packet = name.len && text_skip(&name, "pkt_");
        if (packet || (name.len && text_skip(&name, "flow_")))
            rc = capture_add(d, op, name, group, packet);
    }
    return rc;
}

/* Whether PCRE2 takes it; the code is thrown away. */
static int compiles(struct draft *d, const uint8_t *regex, size_t len, uint32_t opts)
{
    int code;
    PCRE2_SIZE at;
    PCRE2_UCHAR text[128];
    pcre2_code *re = pcre2_compile(regex, len, opts, &code, &at, NULL);
    if (re) {
        pcre2_code_free(re);
        return 0;
    }
    pcre2_get_error_message(code, text, sizeof(text));
    return draft_refuse(d, "pcre: %s, at character %zu of the regex", (const char *)text, at);
}

static int parse_pcre(struct draft *d, struct text value)
{
    struct text regex = { "", 0 }, tail = { "", 0 }, vars = { NULL, 0 };
    struct letters l;
    uint32_t list = d->current;
    int rc = cut(d, value, &regex, &tail, &vars);
    if (!rc)
        rc = read_letters(d, tail, &l);
    if (rc)
        return rc;
    /* A sticky buffer wins over a letter, as in the reference. */
    if (d->said & DRAFT_STICKY)
        l.buffer = SIG_BUF_COUNT;
    if (l.buffer == SIG_BUF_HTTP_HOST && has_upper(regex))
        return draft_refuse(d, "pcre: letter W looks into http.host, which is lower case: this "
                               "regex has upper case letters");
    if (l.buffer == SIG_BUF_HTTP_HOST && (l.options & PCRE2_CASELESS))
        return draft_refuse(d, "pcre: i with W: http.host is lower case already");
    if (l.buffer != SIG_BUF_COUNT)
        rc = draft_buffer_find(d, l.buffer, &list);
    struct sig_bytes bytes = draft_blob_add(d, regex.at, regex.len);
    if (rc || !bytes.len)
        return ABENG_EFORMAT;
    rc = compiles(d, d->set->blob + bytes.at, bytes.len, l.options);
    struct sig_op *op = rc ? NULL : draft_op_add(d, list, SIG_OP_PCRE);
    if (!op)
        return ABENG_EFORMAT;
    op->u.pcre.pattern = bytes;
    op->u.pcre.options = l.options;
    op->u.pcre.match_limit_off = l.no_limit;
    op->flags = l.flags | (d->negated ? SIG_F_NEGATED : 0);
    rc = listed_captures(d, op, vars);
    if (!rc)
        rc = named_captures(d, op, regex);
    if (!rc && vars.len)
        op->u.pcre.tail = draft_blob_add(d, vars.at, vars.len);
    return rc;
}

const struct sig_keyword keywords_pcre[] = {
    {"pcre", parse_pcre, KEYWORD_MAY_QUOTE | KEYWORD_NEGATABLE, NULL},
    { NULL,  NULL,       0,                                     NULL},
};
