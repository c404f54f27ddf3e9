/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers of Kerberos, SNMP and NFS (what they call things is in sticky buffers). */
#include "config.h"
#include "signatures/keyword/keyword.h"

#include "common/err.h"

/* A number without a comparison. */
static int plain_number(struct draft *d, enum sig_app app, const char *keyword, struct text value,
                        uint64_t max)
{
    uint64_t number;
    if (draft_app_claim(d, app))
        return ABENG_EFORMAT;
    if (text_u64(value, max, &number))
        return draft_refuse(d, "%s: '%.*s' is no number up to %llu", keyword,
                            (int)(value.len < 60 ? value.len : 60), value.at,
                            (unsigned long long)max);
    return keyword_app_number(d, keyword, value, max);
}

static int parse_msg_type(struct draft *d, struct text value)
{
    return plain_number(d, SIG_APP_KRB5, "krb5_msg_type", value, UINT8_MAX);
}

static int parse_err_code(struct draft *d, struct text value)
{
    return plain_number(d, SIG_APP_KRB5, "krb5_err_code", value, INT32_MAX);
}

/* Ciphers by name (RFC 3961 8, and Microsoft's). */
static const struct {
    const char *name;
    int32_t type;
} ciphers[] = {
    { "des-cbc-crc", 1 },
    { "des-cbc-md4", 2 },
    { "des-cbc-md5", 3 },
    { "des3-cbc-md5", 5 },
    { "des3-cbc-sha1", 7 },
    { "dsaWithSHA1-CmsOID", 9 },
    { "md5WithRSAEncryption-CmsOID", 10 },
    { "sha1WithRSAEncryption-CmsOID", 11 },
    { "rc2CBC-EnvOID", 12 },
    { "rsaEncryption-EnvOID", 13 },
    { "rsaES-OAEP-ENV-OID", 14 },
    { "des-ede3-cbc-Env-OID", 15 },
    { "des3-cbc-sha1-kd", 16 },
    { "aes128-cts-hmac-sha1-96", 17 },
    { "aes256-cts-hmac-sha1-96", 18 },
    { "aes128-cts-hmac-sha256-128", 19 },
    { "aes256-cts-hmac-sha384-192", 20 },
    { "rc4-hmac", 23 },
    { "rc4-hmac-exp", 24 },
    { "camellia128-cts-cmac", 25 },
    { "camellia256-cts-cmac", 26 },
    { "subkey-keymaterial", 65 },
    { "rc4-md4", -128 },
    { "rc4-plain2", -129 },
    { "rc4-lm", -130 },
    { "rc4-sha", -131 },
    { "des-plain", -132 },
    { "rc4-hmac-OLD", -133 },
    { "rc4-plain-OLD", -134 },
    { "rc4-hmac-OLD-exp", -135 },
    { "rc4-plain-OLD-exp", -136 },
    { "rc4-plain", -140 },
    { "rc4-plain-exp", -141 },
};

static bool cipher_find(struct text t, int64_t *type)
{
    for (size_t i = 0; i < sizeof(ciphers) / sizeof(ciphers[0]); i++) {
        if (text_is(t, ciphers[i].name)) {
            *type = ciphers[i].type;
            return true;
        }
    }
    return text_i64(t, INT32_MAX, type) == 0;
}

static struct sig_op *ticket_op(struct draft *d, const char *field, uint64_t value)
{
    if (keyword_app_number(d, field, (struct text){ "0", 1 }, 0))
        return NULL;
    struct sig_op *op = &d->ops[d->op_count - 1].op;
    op->u.number.a = value;
    return op;
}

/* weak, !weak, or ciphers by name or number: any of them. */
static int parse_ticket(struct draft *d, struct text value)
{
    struct text t;
    int64_t type;
    if (draft_app_claim(d, SIG_APP_KRB5))
        return ABENG_EFORMAT;
    value = text_trim(value);
    if (text_is(value, "weak") || text_is(value, "!weak"))
        return ticket_op(d, "krb5.ticket_weak", value.at[0] != '!') ? 0 : ABENG_EFORMAT;
    while (text_cut(&value, ',', &t)) {
        if (!cipher_find(t, &type))
            return draft_refuse(d,
                                "krb5.ticket_encryption: weak, !weak, or names and numbers of "
                                "ciphers, not '%.*s'",
                                (int)(t.len < 60 ? t.len : 60), t.at);
        struct sig_op *op = ticket_op(d, "krb5.ticket_encryption", (uint32_t)type);
        if (!op)
            return ABENG_EFORMAT;
        op->flags |= value.len ? SIG_F_OR_NEXT : 0;
    }
    return 0;
}

static int parse_snmp_version(struct draft *d, struct text value)
{
    if (draft_app_claim(d, SIG_APP_SNMP))
        return ABENG_EFORMAT;
    return keyword_app_number(d, "snmp.version", value, UINT32_MAX);
}

static int parse_pdu_type(struct draft *d, struct text value)
{
    return plain_number(d, SIG_APP_SNMP, "snmp.pdu_type", value, UINT32_MAX);
}

/* NFS's numbers: unlike others, a range has its ends within it, and can't begin with 0. */
static int nfs_number(struct draft *d, const char *field, struct text value)
{
    if (draft_app_claim(d, SIG_APP_NFS) || keyword_app_number(d, field, value, UINT32_MAX))
        return ABENG_EFORMAT;
    struct sig_op *op = &d->ops[d->op_count - 1].op;
    if (op->u.number.compare != SIG_CMP_RANGE)
        return 0;
    if (op->u.number.a == 0)
        return draft_refuse(d, "%s: a range begins with 1 or more", field);
    op->u.number.compare = SIG_CMP_RANGE_INCL;
    return 0;
}

static int parse_nfs_version(struct draft *d, struct text value)
{
    return nfs_number(d, "nfs.version", value);
}

static int parse_nfs_procedure(struct draft *d, struct text value)
{
    return nfs_number(d, "nfs_procedure", value);
}

const struct sig_keyword keywords_directory[] = {
    { "nfs.version", parse_nfs_version, 0, NULL },
    { "nfs_version", parse_nfs_version, 0, NULL },
    { "nfs_procedure", parse_nfs_procedure, 0, NULL },
    { "krb5_msg_type", parse_msg_type, 0, NULL },
    { "krb5_err_code", parse_err_code, 0, NULL },
    { "krb5.ticket_encryption", parse_ticket, 0, NULL },
    { "snmp.version", parse_snmp_version, 0, NULL },
    { "snmp.pdu_type", parse_pdu_type, 0, NULL },
    { NULL, NULL, 0, NULL },
};
