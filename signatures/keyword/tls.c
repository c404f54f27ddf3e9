/* SPDX-License-Identifier: Apache-2.0 */
/* TLS: versions, and the old keywords for certificates (sticky buffers need no code here). */
#include "config.h"
#include "signatures/keyword/keyword.h"

#include <string.h>

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
    op->flags = d->negated ? SIG_F_NEGATED : 0;
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

/* ssl_version:a,b: any of them; what is not a run of neighbours has no instruction yet. */
static int parse_ssl_version(struct draft *d, struct text value)
{
    const size_t count = sizeof(versions) / sizeof(versions[0]);
    unsigned set = 0, low = 0, high = 0;
    struct text t;
    while (text_cut(&value, ',', &t)) {
        unsigned before = set;
        if (text_skip(&t, "!"))
            d->negated = true;
        for (size_t i = 0; i < count; i++)
            set |= (unsigned)text_is_nocase(t, versions[i].ssl) << i;
        if (set == before)
            return draft_refuse(d, "ssl_version: sslv2, sslv3, tls1.0, tls1.1, tls1.2, tls1.3");
    }
    while (!(set >> low & 1))
        low++;
    for (high = low; set >> (high + 1) & 1;)
        high++;
    if (set >> (high + 1))
        return draft_refuse(d,
                            "ssl_version: versions that are no neighbours are not supported yet");
    return version_op(d, versions[low].version, versions[high].version) ? 0 : ABENG_EFORMAT;
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

#define LEGACY (KEYWORD_QUOTED | KEYWORD_NEGATABLE)

const struct sig_keyword keywords_tls[] = {
    { "tls.version", parse_tls_version, KEYWORD_MAY_QUOTE | KEYWORD_NEGATABLE, NULL },
    { "ssl_version", parse_ssl_version, KEYWORD_NEGATABLE | KEYWORD_MAY_QUOTE, NULL },
    { "ssl_state", parse_ssl_state, KEYWORD_MAY_QUOTE, NULL },
    { "tls.store", parse_store, KEYWORD_NO_VALUE, NULL },
    { "tls.subject", parse_subject, LEGACY, NULL },
    { "tls.issuerdn", parse_issuerdn, LEGACY, NULL },
    { "tls.fingerprint", parse_fingerprint, LEGACY, NULL },
    { NULL, NULL, 0, NULL },
};
