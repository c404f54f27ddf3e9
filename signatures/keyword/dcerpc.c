/* SPDX-License-Identifier: Apache-2.0 */
/* DCE/RPC: the interface a call is bound to, and its operation. */
#include "config.h"
#include "signatures/keyword/keyword.h"

#include "common/err.h"

#define UUID_LEN 16

/* 8-4-4-4-12 hex digits, in the order of the text. */
static int read_uuid(struct draft *d, struct text t, uint8_t out[UUID_LEN])
{
    size_t n = 0;
    for (size_t i = 0; i < t.len; i++) {
        if (t.at[i] == '-' && (i == 8 || i == 13 || i == 18 || i == 23))
            continue;
        int digit = text_hex_digit(t.at[i]);
        if (digit < 0 || n == 2 * UUID_LEN)
            return draft_refuse(d, "dcerpc.iface: '%.*s' is no UUID", (int)t.len, t.at);
        out[n / 2] = (uint8_t)(n % 2 ? out[n / 2] | digit : digit << 4);
        n++;
    }
    return n == 2 * UUID_LEN ? 0 : draft_refuse(d, "dcerpc.iface: a UUID has 32 hex digits");
}

static int check_parsed(struct draft *d)
{
    if (!sig_app_parsed(SIG_APP_DCERPC))
        return draft_refuse(d, "the sensor has no parser for dcerpc yet");
    return draft_app_claim(d, SIG_APP_DCERPC);
}

static int parse_iface(struct draft *d, struct text value)
{
    struct text uuid = { "", 0 };
    uint8_t bytes[UUID_LEN];
    uint32_t list;
    text_cut(&value, ',', &uuid);
    if (value.len)
        return draft_refuse(d, "dcerpc.iface: version and any_frag are not supported yet");
    if (read_uuid(d, uuid, bytes) || check_parsed(d) ||
        draft_buffer_find(d, SIG_BUF_DCE_IFACE, &list))
        return ABENG_EFORMAT;
    uint32_t was = d->current;
    d->current = list;
    struct sig_op *op = keyword_content_add(d, bytes, sizeof(bytes), SIG_F_STARTSWITH);
    d->current = was;
    return op ? 0 : ABENG_EFORMAT;
}

static int parse_opnum(struct draft *d, struct text value)
{
    if (check_parsed(d))
        return ABENG_EFORMAT;
    return keyword_app_number(d, "dcerpc.opnum", value, UINT16_MAX);
}

const struct sig_keyword keywords_dcerpc[] = {
    {"dcerpc.iface",  parse_iface, 0, NULL},
    { "dce_iface",    parse_iface, 0, NULL},
    { "dcerpc.opnum", parse_opnum, 0, NULL},
    { "dce_opnum",    parse_opnum, 0, NULL},
    { NULL,           NULL,        0, NULL},
};
