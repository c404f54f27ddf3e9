/* SPDX-License-Identifier: Apache-2.0 */
/* DHCP: times that a lease is given for, in seconds. */
#include "config.h"
#include "signatures/keyword/keyword.h"

#include "common/err.h"

static int seconds(struct draft *d, const char *keyword, struct text value)
{
    if (draft_app_claim(d, SIG_APP_DHCP))
        return ABENG_EFORMAT;
    return keyword_app_number(d, keyword, value, UINT64_MAX);
}

static int parse_leasetime(struct draft *d, struct text value)
{
    return seconds(d, "dhcp.leasetime", value);
}

static int parse_rebinding(struct draft *d, struct text value)
{
    return seconds(d, "dhcp.rebinding_time", value);
}

static int parse_renewal(struct draft *d, struct text value)
{
    return seconds(d, "dhcp.renewal_time", value);
}

const struct sig_keyword keywords_dhcp[] = {
    { "dhcp.leasetime", parse_leasetime, 0, NULL },
    { "dhcp.rebinding_time", parse_rebinding, 0, NULL },
    { "dhcp.renewal_time", parse_renewal, 0, NULL },
    { NULL, NULL, 0, NULL },
};
