/* SPDX-License-Identifier: Apache-2.0 */
/* TLS: versions, and the old keywords for certificates (sticky buffers need no code here). */
#include "config.h"
#include "signatures/keyword/keyword.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/err.h"

/* Longest text of the old certificate keywords. */
#define CERT_TEXT_MAX 1024

/* Versions on the wire: RFC 8446 section 4.1.2 and its forerunners. */
static const struct {
    const char *tls, *ssl;
    uint16_t version;
} versions[] = {
    {NULL,   "sslv2",  0x0200},
    { NULL,  "sslv3",  0x0300},
    { "1.0", "tls1.0", 0x0301},
    { "1.1", "tls1.1", 0x0302},
    { "1.2", "tls1.2", 0x0303},
    { "1.3", "tls1.3", 0x0304},
};

static struct sig_op *version_op(struct draft *d, uint64_t low, uint64_t high)
{
    if (draft_app_claim(d, SIG_APP_TLS))
        return NULL;
    if (keyword_app_number(d, "tls.version", (struct text){ "0", 1 }, UINT16_MAX))
        return NULL;
    struct sig_op *op = &d->ops[d->op_count - 1].op;
    op->u.number.compare = low == high ? SIG_CMP_EQ : SIG_CMP_RANGE_INCL;
    op->u.number.a = low;
    op->u.number.b = high;
    return op;
}

static int parse_tls_version(struct draft *d, struct text value)
{
    uint64_t version = 0;
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        if (versions[i].tls && text_is(value, versions[i].tls))
            version = versions[i].version;
    }
    if (!version && (value.len < 3 || text_u64(value, UINT16_MAX, &version) || value.at[1] != 'x'))
        return draft_refuse(d, "tls.version: 1.0, 1.1, 1.2, 1.3 or 0x…");
    return version_op(d, version, version) ? 0 : ABENG_EFORMAT;
}

/* The next run of neighbours in a set of versions is taken out of it. */
static void versions_run(unsigned *set, unsigned *low, unsigned *high)
{
    *low = 0;
    while (!(*set >> *low & 1))
        ++*low;
    *high = *low;
    while (*set >> (*high + 1) & 1)
        ++*high;
    *set &= ~((2u << *high) - (1u << *low));
}

/* ssl_version:a,b: any of them; ssl_version:!a,!b: never. */
static int parse_ssl_version(struct draft *d, struct text value)
{
    const size_t count = sizeof(versions) / sizeof(versions[0]);
    unsigned set = 0, plain = 0, negated = 0, low, high;
    struct text t;
    while (text_cut(&value, ',', &t)) {
        unsigned before = set;
        bool no = text_skip(&t, "!");
        negated += no;
        plain += !no;
        for (size_t i = 0; i < count; i++)
            set |= (unsigned)text_is_nocase(t, versions[i].ssl) << i;
        if (set == before)
            return draft_refuse(d, "ssl_version: sslv2, sslv3, tls1.0, tls1.1, tls1.2, tls1.3");
    }
    if (plain && negated)
        return draft_refuse(d, "ssl_version: all with ! or none");
    d->negated = false;
    if (negated) /* 7.0.10 never finds a version by what it is not */
        return version_op(d, 1, 0) ? 0 : ABENG_EFORMAT;
    while (set) {
        versions_run(&set, &low, &high);
        struct sig_op *op = version_op(d, versions[low].version, versions[high].version);
        if (!op)
            return ABENG_EFORMAT;
        op->flags |= set ? SIG_F_OR_NEXT : 0;
    }
    return 0;
}

/* ssl_state:a,!b (or |): whether what the last handshake message was is as said; bits as the
 * sensor's parser numbers them (app_tx_number "ssl_state"). */
static int parse_ssl_state(struct draft *d, struct text value)
{
    static const char *const names[] = { "client_hello", "server_hello", "client_keyx",
                                         "server_keyx", "unknown" };
    char sep = memchr(value.at, '|', value.len) ? '|' : ',';
    uint64_t bits = 0, without = 0;
    struct text t;
    while (text_cut(&value, sep, &t)) {
        bool no = text_skip(&t, "!");
        uint64_t bit = 0;
        t = text_trim(t);
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
            bit |= (uint64_t)text_is(t, names[i]) << i;
        if (!bit)
            return draft_refuse(d, "ssl_state: client_hello, server_hello, client_keyx, "
                                   "server_keyx or unknown, each with or without !");
        bits |= bit;
        without |= no ? bit : 0;
    }
    if (draft_app_claim(d, SIG_APP_TLS) ||
        keyword_app_number(d, "ssl_state", (struct text){ "0", 1 }, UINT8_MAX))
        return ABENG_EFORMAT;
    struct sig_op *op = &d->ops[d->op_count - 1].op;
    op->u.number.compare = SIG_CMP_MASKED_NE;
    op->u.number.a = bits;
    op->u.number.b = without;
    return 0;
}

/* A text somewhere in a buffer. */
static int text_in(struct draft *d, enum sig_buffer buffer, struct text value, uint32_t flags)
{
    uint8_t bytes[CERT_TEXT_MAX];
    uint32_t was = d->current, said = d->said;
    if (value.len > sizeof(bytes))
        return draft_refuse(d, "longer than %d characters", CERT_TEXT_MAX);
    for (size_t i = 0; i < value.len; i++)
        bytes[i] = (uint8_t)value.at[i];
    int rc = draft_buffer_find(d, buffer, &d->current);
    if (!rc && d->negated)
        flags |= SIG_F_NEGATED;
    if (!rc && !keyword_content_add(d, bytes, value.len, flags))
        rc = ABENG_EFORMAT;
    d->current = was;
    d->said = said;
    return rc;
}

static int parse_subject(struct draft *d, struct text value)
{
    return text_in(d, SIG_BUF_TLS_CERT_SUBJECT, value, 0);
}

static int parse_issuerdn(struct draft *d, struct text value)
{
    return text_in(d, SIG_BUF_TLS_CERT_ISSUER, value, 0);
}

static int parse_fingerprint(struct draft *d, struct text value)
{
    return text_in(d, SIG_BUF_TLS_CERT_FINGERPRINT, value, SIG_F_STARTSWITH | SIG_F_ENDSWITH);
}

/* Certificates are not stored; the alert is given all the same. */
static int parse_store(struct draft *d, struct text value)
{
    (void)value;
    return draft_app_claim(d, SIG_APP_TLS);
}

/* Whether the certificate was over when it came: 1 or 0. */
static int expired(struct draft *d, const char *number)
{
    if (draft_app_claim(d, SIG_APP_TLS))
        return ABENG_EFORMAT;
    return keyword_app_number(d, "tls_cert_expired", text_of(number), 1);
}

static int parse_expired(struct draft *d, struct text value)
{
    (void)value;
    return expired(d, "1");
}

static int parse_valid(struct draft *d, struct text value)
{
    (void)value;
    return expired(d, "0");
}

/* "2012-10-31 10:20:30" in UTC, cut anywhere behind the month; a T may stand for the blank. A year
 * alone is read as no time at all: 7.0.10 takes it so. */
static bool read_date(struct text t, uint64_t *out)
{
    static const char shape[] = "0000-00-00 00:00:00";
    char text[sizeof(shape)];
    struct tm tm = { .tm_mday = 1 };
    t = text_trim(t);
    bool cut = t.len == 4 || t.len == 7 || t.len == 10 || t.len == 13 || t.len == 16 || t.len == 19;
    if (!cut)
        return false;
    *out = 0;
    for (size_t i = 0; i < t.len; i++) {
        char c = t.at[i];
        bool good = shape[i] == '0' ? c >= '0' && c <= '9' : c == shape[i] || (i == 10 && c == 'T');
        if (!good)
            return false;
        text[i] = c == 'T' ? ' ' : c;
    }
    text[t.len] = '\0';
    if (t.len == 4)
        return true;
    int month = 1;
    if (sscanf(text, "%4d-%2d-%2d %2d:%2d:%2d", &tm.tm_year, &month, &tm.tm_mday, &tm.tm_hour,
               &tm.tm_min, &tm.tm_sec) < 1)
        return false;
    if (tm.tm_year < 1970 || month < 1 || month > 12 || tm.tm_mday < 1 || tm.tm_mday > 31 ||
        tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60)
        return false;
    tm.tm_year -= 1900;
    tm.tm_mon = month - 1;
    *out = (uint64_t)timegm(&tm);
    return true;
}

/* DATE, <DATE, >DATE or DATE<>DATE; all of them hold for the dates themselves. */
static int cert_date(struct draft *d, const char *keyword, struct text value)
{
    uint64_t low = 0, high = 0;
    uint8_t compare = SIG_CMP_EQ;
    struct text v = text_trim(value), second = { NULL, 0 };
    bool less = text_skip(&v, "<"), more = !less && text_skip(&v, ">");
    for (size_t i = 1; i + 1 < v.len; i++) {
        if (v.at[i] == '<' && v.at[i + 1] == '>') {
            second = (struct text){ v.at + i + 2, v.len - i - 2 };
            v.len = i;
            break;
        }
    }
    bool good = read_date(v, &low) && (!second.at || (!less && !more && read_date(second, &high) &&
                                                      low <= high));
    if (!good)
        return draft_refuse(d,
                            "%s: DATE, <DATE, >DATE or DATE<>DATE, as 2012-10-31 10:20:30 or "
                            "its beginning",
                            keyword);
    if (second.at)
        compare = SIG_CMP_RANGE_INCL;
    else if (less || more)
        compare = less ? SIG_CMP_LE : SIG_CMP_GE;
    if (draft_app_claim(d, SIG_APP_TLS) ||
        keyword_app_number(d, keyword, (struct text){ "0", 1 }, UINT64_MAX))
        return ABENG_EFORMAT;
    struct sig_op *op = &d->ops[d->op_count - 1].op;
    op->u.number.compare = compare;
    op->u.number.a = low;
    op->u.number.b = high;
    return 0;
}

static int parse_notbefore(struct draft *d, struct text value)
{
    return cert_date(d, "tls_cert_notbefore", value);
}

static int parse_notafter(struct draft *d, struct text value)
{
    return cert_date(d, "tls_cert_notafter", value);
}

#define LEGACY (KEYWORD_QUOTED | KEYWORD_NEGATABLE)

const struct sig_keyword keywords_tls[] = {
    { "tls.version", parse_tls_version, 0, NULL },
    { "ssl_version", parse_ssl_version, 0, NULL },
    { "tls_cert_notbefore", parse_notbefore, 0, NULL },
    { "tls_cert_notafter", parse_notafter, 0, NULL },
    { "tls_cert_expired", parse_expired, KEYWORD_NO_VALUE, NULL },
    { "tls_cert_valid", parse_valid, KEYWORD_NO_VALUE, NULL },
    { "tls_store", parse_store, KEYWORD_NO_VALUE, NULL },
    { "ssl_state", parse_ssl_state, KEYWORD_MAY_QUOTE, NULL },
    { "tls.store", parse_store, KEYWORD_NO_VALUE, NULL },
    { "tls.subject", parse_subject, LEGACY, NULL },
    { "tls.issuerdn", parse_issuerdn, LEGACY, NULL },
    { "tls.fingerprint", parse_fingerprint, LEGACY, NULL },
    { NULL, NULL, 0, NULL },
};
