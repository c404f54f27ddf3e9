/* SPDX-License-Identifier: Apache-2.0 */
/* flow: direction and state (anchors 2.5). */
#include "config.h"
#include "signatures/keyword/keyword.h"

#include "common/err.h"

#define DIRECTION (SIG_FLOW_TOSERVER | SIG_FLOW_TOCLIENT)
#define STATE     (SIG_FLOW_ESTABLISHED | SIG_FLOW_NOT_ESTABLISHED | SIG_FLOW_STATELESS)
#define WAY       (SIG_FLOW_ONLY_STREAM | SIG_FLOW_NO_STREAM)
#define FRAG      (SIG_FLOW_ONLY_FRAG | SIG_FLOW_NO_FRAG)

static const struct {
    const char *word;
    uint32_t flag, rivals;
} words[] = {
    { "to_server", SIG_FLOW_TOSERVER, DIRECTION },
    { "from_client", SIG_FLOW_TOSERVER, DIRECTION },
    { "to_client", SIG_FLOW_TOCLIENT, DIRECTION },
    { "from_server", SIG_FLOW_TOCLIENT, DIRECTION },
    { "established", SIG_FLOW_ESTABLISHED, STATE },
    { "not_established", SIG_FLOW_NOT_ESTABLISHED, STATE },
    { "stateless", SIG_FLOW_STATELESS, STATE },
    { "only_stream", SIG_FLOW_ONLY_STREAM, WAY },
    { "no_stream", SIG_FLOW_NO_STREAM, WAY },
    { "only_frag", SIG_FLOW_ONLY_FRAG, FRAG },
    { "no_frag", SIG_FLOW_NO_FRAG, FRAG },
};

static int add_word(struct draft *d, struct text t, uint32_t *here)
{
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (!text_is_nocase(t, words[i].word))
            continue;
        if (*here & words[i].rivals || d->rule.flow & words[i].rivals & ~words[i].flag)
            return draft_refuse(d, "flow: %s contradicts or repeats what stands before it",
                                words[i].word);
        *here |= words[i].flag;
        d->rule.flow |= words[i].flag;
        return 0;
    }
    return draft_refuse(d, "flow: unknown word '%.*s'", (int)t.len, t.at);
}

static int parse_flow(struct draft *d, struct text value)
{
    struct text t;
    uint32_t here = 0;
    d->said |= DRAFT_FLOW;
    while (text_cut(&value, ',', &t)) {
        if (add_word(d, t, &here))
            return ABENG_EFORMAT;
    }
    if (d->rule.flow & ~DIRECTION)
        d->said |= DRAFT_FLOW_MATCH;
    if (d->rule.flow & SIG_FLOW_ONLY_STREAM)
        d->said |= DRAFT_STREAM_ONLY;
    if (d->rule.flow & SIG_FLOW_NO_STREAM)
        d->said |= DRAFT_PACKET_ONLY;
    return 0;
}

const struct sig_keyword keywords_flow[] = {
    { "flow", parse_flow, KEYWORD_PREFILTER, NULL },
    { NULL, NULL, 0, NULL },
};
