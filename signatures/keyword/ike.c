/* SPDX-License-Identifier: Apache-2.0 */
/* IKE: numbers of a message, and what the responder chose (the rest are sticky buffers). */
#include "config.h"
#include "signatures/keyword/keyword.h"

#include "common/err.h"

static int number(struct draft *d, const char *keyword, struct text value, uint64_t max)
{
    if (draft_app_claim(d, SIG_APP_IKE))
        return ABENG_EFORMAT;
    return keyword_app_number(d, keyword, value, max);
}

static int parse_exchtype(struct draft *d, struct text value)
{
    return number(d, "ike.exchtype", value, UINT8_MAX);
}

static int parse_key_length(struct draft *d, struct text value)
{
    return number(d, "ike.key_exchange_payload_length", value, UINT32_MAX);
}

static int parse_nonce_length(struct draft *d, struct text value)
{
    return number(d, "ike.nonce_payload_length", value, UINT32_MAX);
}

/* Attributes by the reference's names, with their numbers of RFC 2409 appendix A. */
static const struct {
    const char *name;
    uint8_t number;
} attributes[] = {
    { "alg_enc", 1 },        { "alg_hash", 2 },       { "alg_auth", 3 },          { "alg_dh", 4 },
    { "sa_group_type", 5 },  { "sa_life_type", 11 },  { "sa_life_duration", 12 }, { "alg_prf", 13 },
    { "sa_key_length", 14 }, { "sa_field_size", 15 },
};

/* attribute=value; instances of the buffer are one byte of attribute, four of value. */
static int parse_chosen(struct draft *d, struct text value)
{
    struct text name = { "", 0 };
    uint64_t want = 0;
    uint8_t attribute = 0;
    text_cut(&value, '=', &name);
    for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++) {
        if (text_is(name, attributes[i].name))
            attribute = attributes[i].number;
    }
    struct text digits = text_trim(value);
    if (!attribute || text_digits(digits).len != digits.len || text_u64(digits, UINT32_MAX, &want))
        return draft_refuse(d, "ike.chosen_sa_attribute: attribute=number, with alg_enc, alg_hash, "
                               "alg_auth, alg_dh, alg_prf or a name in sa_…");
    struct keyword_field field = { .nbytes = 1 };
    if (keyword_field_open(d, SIG_BUF_IKE_CHOSEN, &field.list) ||
        !keyword_field_test(d, field, SIG_CMP_EQ, attribute))
        return ABENG_EFORMAT;
    field.offset = 1;
    field.nbytes = 4;
    return keyword_field_test(d, field, SIG_CMP_EQ, want) ? 0 : ABENG_EFORMAT;
}

const struct sig_keyword keywords_ike[] = {
    { "ike.exchtype", parse_exchtype, 0, NULL },
    { "ike.key_exchange_payload_length", parse_key_length, 0, NULL },
    { "ike.nonce_payload_length", parse_nonce_length, 0, NULL },
    { "ike.chosen_sa_attribute", parse_chosen, 0, NULL },
    { NULL, NULL, 0, NULL },
};
