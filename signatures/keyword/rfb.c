/* SPDX-License-Identifier: Apache-2.0 */
/* RFB: how the two sides agreed (RFC 6143 7.1). The desktop's name has a sticky buffer. */
#include "config.h"
#include "signatures/keyword/keyword.h"

#include "common/err.h"

static int parse_sectype(struct draft *d, struct text value)
{
    if (draft_app_claim(d, SIG_APP_RFB))
        return ABENG_EFORMAT;
    return keyword_app_number(d, "rfb.sectype", value, UINT32_MAX);
}

static int parse_secresult(struct draft *d, struct text value)
{
    static const char *const names[] = { "ok", "fail", "toomany" };
    char digit[2] = { 0, 0 };
    for (char i = 0; i < 3; i++) {
        if (text_is_nocase(value, names[(int)i]) ||
            (value.len == 1 && value.at[0] == (char)('0' + i)))
            digit[0] = (char)('0' + i);
    }
    if (!digit[0])
        return draft_refuse(d, "rfb.secresult: ok, fail or toomany");
    if (draft_app_claim(d, SIG_APP_RFB))
        return ABENG_EFORMAT;
    return keyword_app_number(d, "rfb.secresult", (struct text){ digit, 1 }, UINT32_MAX);
}

const struct sig_keyword keywords_rfb[] = {
    { "rfb.sectype", parse_sectype, 0, NULL },
    { "rfb.secresult", parse_secresult, 0, NULL },
    { NULL, NULL, 0, NULL },
};
