/* SPDX-License-Identifier: Apache-2.0 */
/* frame: a sticky buffer over the frames of a protocol, "tls.pdu" or, in a rule on it, "pdu". */
#include "config.h"
#include "signatures/keyword/keyword.h"

#include <string.h>

#include "common/err.h"
#include "signatures/frame.h"

/* The protocol in front of the first dot, else the rule's; `value` is cut to the frame's name. */
static enum sig_app frame_app(const struct draft *d, struct text *value)
{
    const char *dot = memchr(value->at, '.', value->len);
    size_t n = dot ? (size_t)(dot - value->at) : 0;
    enum sig_app app = n ? sig_app_find(value->at, n) : SIG_APP_UNKNOWN;
    if (app == SIG_APP_UNKNOWN)
        return (enum sig_app)d->rule.app;
    *value = (struct text){ dot + 1, value->len - n - 1 };
    return app;
}

static int parse_frame(struct draft *d, struct text value)
{
    struct text name = value;
    enum sig_app app = frame_app(d, &name);
    if (app == SIG_APP_UNKNOWN)
        return draft_refuse(d, "frame: '%.*s' needs its protocol in front, or a rule on it",
                            (int)value.len, value.at);
    enum sig_frame frame = sig_frame_find(app, name.at, name.len);
    if (frame == SIG_FRAME_COUNT)
        return draft_refuse(d, "frame: %s has no frame '%.*s'", sig_app_name(app), (int)name.len,
                            name.at);
    if (!sig_app_parsed(app))
        return draft_refuse(d, "frame: the sensor has no parser for %s yet", sig_app_name(app));
    if (draft_app_claim(d, app) || draft_frame_open(d, frame))
        return ABENG_EFORMAT;
    return 0;
}

const struct sig_keyword keywords_frame[] = {
    { "frame", parse_frame, KEYWORD_MAY_QUOTE, NULL },
    { NULL, NULL, 0, NULL },
};
