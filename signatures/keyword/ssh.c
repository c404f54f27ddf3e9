/* SPDX-License-Identifier: Apache-2.0 */
/* SSH's old keywords, which compare the whole of what their sticky buffers hold. */
#include "config.h"
#include "signatures/keyword/keyword.h"

#include <stdint.h>

#include "common/err.h"

static int whole_text(struct draft *d, enum sig_buffer buffer, struct text value)
{
    uint32_t was = d->current, said = d->said;
    int rc = draft_buffer_find(d, buffer, &d->current);
    if (!rc &&
        !keyword_content_add(d, value.at, value.len, SIG_F_STARTSWITH | SIG_F_ENDSWITH))
        rc = ABENG_EFORMAT;
    d->current = was;
    d->said = said;
    return rc;
}

/* A version, or "2_compat": one that lets version 2 be spoken. */
static int parse_protoversion(struct draft *d, struct text value)
{
    if (!text_is_nocase(value, "2_compat"))
        return whole_text(d, SIG_BUF_SSH_PROTO, value);
    if (draft_app_claim(d, SIG_APP_SSH))
        return ABENG_EFORMAT;
    return keyword_app_number(d, "ssh.protoversion", text_of("2"), 2);
}

static int parse_softwareversion(struct draft *d, struct text value)
{
    return whole_text(d, SIG_BUF_SSH_SOFTWARE, value);
}

const struct sig_keyword keywords_ssh[] = {
    { "ssh.protoversion", parse_protoversion, KEYWORD_MAY_QUOTE, NULL },
    { "ssh.softwareversion", parse_softwareversion, KEYWORD_MAY_QUOTE, NULL },
    { NULL, NULL, 0, NULL },
};
