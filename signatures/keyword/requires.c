/* SPDX-License-Identifier: Apache-2.0 */
/* requires: which Suricata a rule is for. Rules are read as 7.0.10 reads them: that is compared. */
#include "config.h"
#include "signatures/keyword/keyword.h"

#include "common/err.h"

/* 7.0.10, eight bits a part. */
#define VERSION_OURS 0x07000au

/* "7", "7.0", "7.0.4". */
static bool read_version(struct text t, uint32_t *out)
{
    struct text part;
    uint64_t n;
    unsigned parts = 0;
    for (*out = 0; text_cut(&t, '.', &part); parts++) {
        if (parts == 3 || text_u64(part, UINT8_MAX, &n))
            return false;
        *out = *out << 8 | (uint32_t)n;
    }
    *out <<= 8 * (3 - parts);
    return parts > 0;
}

/* ">= 7.0.4 < 8": all of them. False when it can't be read. */
static bool all_hold(struct text t, bool *hold)
{
    static const char *const signs[] = { ">=", "<=", ">", "<" };
    *hold = true;
    for (t = text_trim(t); t.len; t = text_trim(t)) {
        unsigned sign = 0;
        struct text version = { NULL, 0 };
        uint32_t v;
        while (sign < 4 && !text_skip(&t, signs[sign]))
            sign++;
        t = text_trim(t);
        version.at = t.at;
        while (version.len < t.len && t.at[version.len] != ' ')
            version.len++;
        t = (struct text){ t.at + version.len, t.len - version.len };
        if (sign == 4 || !read_version(version, &v))
            return false;
        bool holds[] = { VERSION_OURS >= v, VERSION_OURS <= v, VERSION_OURS > v, VERSION_OURS < v };
        *hold &= holds[sign];
    }
    return true;
}

static int check_version(struct draft *d, struct text value)
{
    struct text all = value, one;
    bool any = false, hold;
    while (text_cut(&value, '|', &one)) {
        if (!one.len || !all_hold(one, &hold))
            return draft_refuse(d, "requires: version wants >=, <=, > or < and a version");
        any |= hold;
    }
    if (any)
        return 0;
    return draft_refuse(d, "requires version %.*s; rules are read as Suricata 7.0.10 reads them",
                        (int)all.len, all.at);
}

static int parse_requires(struct draft *d, struct text value)
{
    struct text t;
    while (text_cut(&value, ',', &t)) {
        if (text_skip(&t, "version ")) {
            if (check_version(d, text_trim(t)))
                return ABENG_EFORMAT;
            continue;
        }
        return draft_refuse(d, "requires %.*s, which this sensor has not", (int)t.len, t.at);
    }
    return 0;
}

const struct sig_keyword keywords_requires[] = {
    { "requires", parse_requires, 0, NULL },
    { NULL, NULL, 0, NULL },
};
