/* SPDX-License-Identifier: Apache-2.0 */
/* Which rules are read, and as what; variables by site. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "config.h"
#include "signatures/policy.h"

#include <fnmatch.h>
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/arena.h"
#include "common/buf.h"
#include "common/err.h"
#include "common/xalloc.h"
#include "signatures/lex.h"
#include "signatures/parse.h"

/* Longest rule after its modification. */
#define MODIFIED_MAX LEX_LINE_MAX
/* Numbers of the rules that pass what is excluded; their gid is the policy's own. */
#define EXCLUDE_GID "3900"

enum file_kind { FILE_DISABLE, FILE_ENABLE, FILE_MODIFY, FILE_THRESHOLD, FILE_SITES, FILE_KINDS };

static const char *const file_names[FILE_KINDS] = {
    [FILE_DISABLE] = "disable.conf", [FILE_ENABLE] = "enable.conf",
    [FILE_MODIFY] = "modify.conf",   [FILE_THRESHOLD] = "threshold.config",
    [FILE_SITES] = "sites.conf",
};

enum match_kind { MATCH_ALL, MATCH_SID, MATCH_REGEX, MATCH_FILE, MATCH_METADATA };

/* One name for rules, and in modify.conf what is done to them. */
struct matcher {
    enum match_kind kind;
    uint32_t gid, sid;
    const char *text; /* pattern of files, or "key value" of metadata */
    pcre2_code *regex;
    pcre2_code *from;
    const char *to; /* in PCRE2's manner: ${1} */
    uint32_t line;
};

struct variable {
    const char *name, *value;
    bool site; /* said for this site: wins over what is said for all */
};

struct sig_policy {
    struct arena *arena;
    const char *site;
    struct matcher *matchers[FILE_KINDS];
    uint32_t counts[FILE_KINDS];
    struct policy_threshold *thresholds;
    uint32_t threshold_count;
    struct variable *variables;
    uint32_t variable_count;
    struct buf exclusions;
    uint32_t excluded;
};

struct sig_policy *sig_policy_create(const char *site)
{
    struct sig_policy *p = xcalloc(1, sizeof(*p));
    p->arena = arena_create(0);
    p->site = site ? arena_strdup(p->arena, site) : "";
    buf_init(&p->exclusions, 16u << 20);
    return p;
}

void sig_policy_free(struct sig_policy *p)
{
    if (!p)
        return;
    for (unsigned k = 0; k < FILE_KINDS; k++) {
        for (uint32_t i = 0; i < p->counts[k]; i++) {
            pcre2_code_free(p->matchers[k][i].regex);
            pcre2_code_free(p->matchers[k][i].from);
        }
        free(p->matchers[k]);
    }
    free(p->thresholds);
    free(p->variables);
    buf_free(&p->exclusions);
    arena_free(p->arena);
    free(p);
}

static const char *base_name(const char *name)
{
    const char *slash = strrchr(name, '/');
    return slash ? slash + 1 : name;
}

static enum file_kind kind_of(const char *name)
{
    unsigned k = 0;
    while (k < FILE_KINDS && strcmp(base_name(name), file_names[k]) != 0)
        k++;
    return (enum file_kind)k;
}

bool sig_policy_has(const char *name)
{
    return kind_of(name) < FILE_KINDS;
}

/* ---- reading --------------------------------------------------------------------------------- */

static const char *keep(struct sig_policy *p, struct text t)
{
    return arena_strndup(p->arena, t.at, t.len);
}

static pcre2_code *compile(struct text t, uint32_t options, const char **why)
{
    int code;
    size_t at;
    pcre2_code *re = pcre2_compile((PCRE2_SPTR)t.at, t.len, options, &code, &at, NULL);
    if (!re)
        *why = "its regex is none that PCRE2 takes";
    return re;
}

static bool read_sid(struct text t, struct matcher *m)
{
    struct text gid;
    uint64_t g = 1, s;
    m->kind = MATCH_SID;
    if (memchr(t.at, ':', t.len) && (!text_cut(&t, ':', &gid) || text_u64(gid, UINT32_MAX, &g)))
        return false;
    if (text_u64(text_trim(t), UINT32_MAX, &s))
        return false;
    m->gid = (uint32_t)g;
    m->sid = (uint32_t)s;
    return true;
}

/* One name without commas of its own. */
static int read_match(struct sig_policy *p, struct text t, struct matcher *m, const char **why)
{
    *why = "names rules by sid, gid:sid, re:…, group:…, filename:…, metadata: key value, or *";
    if (text_is(t, "*")) {
        m->kind = MATCH_ALL;
    } else if (text_skip(&t, "re:")) {
        m->kind = MATCH_REGEX;
        m->regex = compile(text_trim(t), PCRE2_CASELESS, why);
        return m->regex ? 0 : ABENG_EFORMAT;
    } else if (text_skip(&t, "group:") || text_skip(&t, "filename:")) {
        m->kind = MATCH_FILE;
        m->text = keep(p, text_trim(t));
    } else if (text_skip(&t, "metadata:")) {
        m->kind = MATCH_METADATA;
        m->text = keep(p, text_trim(t));
    } else if (!read_sid(t, m)) {
        return ABENG_EFORMAT;
    }
    return m->text && !*m->text ? ABENG_EFORMAT : 0;
}

static void add_matcher(struct sig_policy *p, enum file_kind kind, const struct matcher *m)
{
    p->matchers[kind] =
        xreallocarray(p->matchers[kind], p->counts[kind] + 1, sizeof(*p->matchers[kind]));
    p->matchers[kind][p->counts[kind]++] = *m;
}

static int read_names(struct sig_policy *p, enum file_kind kind, struct text line, uint32_t number,
                      const char **why)
{
    bool whole = line.at[0] < '0' || line.at[0] > '9'; /* a regex holds commas of its own */
    struct text t = line;
    while (whole || text_cut(&line, ',', &t)) {
        struct matcher m = { .line = number };
        if (read_match(p, t, &m, why))
            return ABENG_EFORMAT;
        add_matcher(p, kind, &m);
        if (whole)
            break;
    }
    return 0;
}

/* "text" at the end of a line, with \" for a quote; cut off it. */
static bool cut_quoted(struct text *line, struct text *out)
{
    *line = text_trim(*line);
    if (line->len < 2 || line->at[line->len - 1] != '"')
        return false;
    size_t at = line->len - 1;
    while (at > 0 && !(line->at[at - 1] == '"' && (at < 2 || line->at[at - 2] != '\\')))
        at--;
    if (at == 0)
        return false;
    *out = (struct text){ line->at + at, line->len - 1 - at };
    *line = text_trim((struct text){ line->at, at - 1 });
    return true;
}

/* Python's \1 becomes PCRE2's ${1}; a dollar sign is only itself. \" is a quote. */
static const char *replacement(struct sig_policy *p, struct text t)
{
    char *out = arena_alloc(p->arena, t.len * 4 + 1);
    size_t n = 0;
    for (size_t i = 0; i < t.len; i++) {
        char next = i + 1 < t.len ? t.at[i + 1] : 0;
        if (t.at[i] == '$') {
            out[n++] = '$';
            out[n++] = '$';
        } else if (t.at[i] == '\\' && next >= '1' && next <= '9') {
            n += (size_t)snprintf(out + n, 5, "${%c}", next);
            i++;
        } else if (t.at[i] == '\\' && (next == '"' || next == '\\')) {
            out[n++] = next;
            i++;
        } else {
            out[n++] = t.at[i];
        }
    }
    out[n] = 0;
    return out;
}

static int read_modify(struct sig_policy *p, struct text line, uint32_t number, const char **why)
{
    struct text to, from;
    uint32_t before = p->counts[FILE_MODIFY];
    if (!cut_quoted(&line, &to) || !cut_quoted(&line, &from)) {
        *why = "RULES \"regex\" \"replacement\"";
        return ABENG_EFORMAT;
    }
    if (!line.len || read_names(p, FILE_MODIFY, line, number, why))
        return ABENG_EFORMAT;
    for (uint32_t i = before; i < p->counts[FILE_MODIFY]; i++) {
        struct matcher *m = &p->matchers[FILE_MODIFY][i];
        m->from = compile(from, 0, why);
        m->to = replacement(p, to);
        if (!m->from)
            return ABENG_EFORMAT;
    }
    return 0;
}

static int read_threshold(struct sig_policy *p, struct text line, const char **why)
{
    struct policy_threshold t;
    struct text addresses;
    if (policy_threshold_read(line, &t, &addresses, why))
        return ABENG_EFORMAT;
    if (t.type == 0)
        return 0;
    t.addresses = keep(p, addresses);
    p->thresholds = xreallocarray(p->thresholds, p->threshold_count + 1, sizeof(*p->thresholds));
    p->thresholds[p->threshold_count++] = t;
    return 0;
}

static bool cut_word(struct text *line, struct text *out)
{
    size_t n = 0;
    *line = text_trim(*line);
    while (n < line->len && line->at[n] != ' ' && line->at[n] != '\t')
        n++;
    *out = (struct text){ line->at, n };
    *line = text_trim((struct text){ line->at + n, line->len - n });
    return n > 0;
}

static int read_site(struct sig_policy *p, struct text line, const char **why)
{
    struct text site, name;
    *why = "SITE NAME VALUE, or SITE exclude PREFIX";
    if (!cut_word(&line, &site) || !cut_word(&line, &name) || !line.len)
        return ABENG_EFORMAT;
    bool all = text_is(site, "*");
    if (!all && !text_is(site, p->site))
        return 0;
    if (text_is(name, "exclude")) {
        buf_printf(&p->exclusions,
                   "pass ip %.*s any <> any any (msg:\"excluded by local policy\"; gid:" EXCLUDE_GID
                   "; sid:%u;)\n",
                   (int)line.len, line.at, ++p->excluded);
        return 0;
    }
    p->variables = xreallocarray(p->variables, p->variable_count + 1, sizeof(*p->variables));
    p->variables[p->variable_count++] = (struct variable){ keep(p, name), keep(p, line), !all };
    return 0;
}

static int read_line(struct sig_policy *p, enum file_kind kind, struct text line, uint32_t number,
                     const char **why)
{
    switch (kind) {
    case FILE_MODIFY:
        return read_modify(p, line, number, why);
    case FILE_THRESHOLD:
        return read_threshold(p, line, why);
    case FILE_SITES:
        return read_site(p, line, why);
    default:
        return read_names(p, kind, line, number, why);
    }
}

int sig_policy_read(struct sig_policy *p, const char *name, const char *text, size_t len,
                    char *reason, size_t cap)
{
    enum file_kind kind = kind_of(name);
    struct lex lex;
    struct text line;
    uint32_t number;
    const char *why = "is not the name of a policy's file";
    int rc = 0;
    if (kind == FILE_KINDS) {
        snprintf(reason, cap, "%s: %s", name, why);
        return ABENG_EFORMAT;
    }
    lex_begin(&lex, text, len);
    while (!rc && lex_line(&lex, &line, &number)) {
        rc = read_line(p, kind, line, number, &why);
        if (rc)
            snprintf(reason, cap, "%s:%u: %s", name, number, why);
    }
    lex_end(&lex);
    return rc;
}

/* ---- judging --------------------------------------------------------------------------------- */

/* What matchers ask of a rule. */
struct subject {
    const char *file;
    struct text line;
    uint32_t gid, sid;
    bool is_rule;
};

static struct subject subject_of(const char *file, struct text line)
{
    struct subject s = { .file = file, .line = line, .gid = 1 };
    struct text header, rest, name, value;
    uint64_t n;
    if (!lex_rule(line, &header, &rest))
        return s;
    while (lex_option(&rest, &name, &value) > 0) {
        if (text_is(name, "sid") && value.at && text_u64(value, UINT32_MAX, &n) == 0)
            s.sid = (uint32_t)n;
        else if (text_is(name, "gid") && value.at && text_u64(value, UINT32_MAX, &n) == 0)
            s.gid = (uint32_t)n;
    }
    s.is_rule = s.sid != 0;
    return s;
}

static bool regex_finds(const pcre2_code *re, struct text t)
{
    pcre2_match_data *data = pcre2_match_data_create_from_pattern(re, NULL);
    int got = data ? pcre2_match(re, (PCRE2_SPTR)t.at, t.len, 0, 0, data, NULL) : -1;
    pcre2_match_data_free(data);
    return got >= 0;
}

/* As suricata-update compares: the path, the file's name, and that without its ending. */
static bool file_matches(const char *pattern, const char *file)
{
    char stem[256];
    const char *base = base_name(file), *dot = strrchr(base, '.');
    snprintf(stem, sizeof(stem), "%.*s", (int)(dot ? (size_t)(dot - base) : strlen(base)), base);
    return fnmatch(pattern, file, 0) == 0 || fnmatch(pattern, base, 0) == 0 ||
           fnmatch(pattern, stem, 0) == 0;
}

static bool metadata_matches(const char *want, struct text line)
{
    struct text header, rest, name, value, pair;
    if (!lex_rule(line, &header, &rest))
        return false;
    while (lex_option(&rest, &name, &value) > 0) {
        if (!text_is(name, "metadata") || !value.at)
            continue;
        while (text_cut(&value, ',', &pair)) {
            if (text_is_nocase(pair, want))
                return true;
        }
    }
    return false;
}

static bool matches(const struct matcher *m, const struct subject *s)
{
    switch (m->kind) {
    case MATCH_SID:
        return m->sid == s->sid && m->gid == s->gid;
    case MATCH_REGEX:
        return regex_finds(m->regex, s->line);
    case MATCH_FILE:
        return file_matches(m->text, s->file);
    case MATCH_METADATA:
        return metadata_matches(m->text, s->line);
    default:
        return true;
    }
}

static const struct matcher *first_match(const struct sig_policy *p, enum file_kind kind,
                                         const struct subject *s)
{
    for (uint32_t i = 0; i < p->counts[kind]; i++) {
        if (matches(&p->matchers[kind][i], s))
            return &p->matchers[kind][i];
    }
    return NULL;
}

/* All of them in turn, each on what the one before left. */
static void modify(const struct sig_policy *p, struct subject *s, struct buf *room)
{
    for (uint32_t i = 0; i < p->counts[FILE_MODIFY]; i++) {
        const struct matcher *m = &p->matchers[FILE_MODIFY][i];
        if (!matches(m, s) || !regex_finds(m->from, s->line))
            continue;
        size_t len = MODIFIED_MAX;
        char *made = xmalloc(len);
        int rc = pcre2_substitute(m->from, (PCRE2_SPTR)s->line.at, s->line.len, 0,
                                  PCRE2_SUBSTITUTE_GLOBAL, NULL, NULL, (PCRE2_SPTR)m->to,
                                  PCRE2_ZERO_TERMINATED, (PCRE2_UCHAR *)made, &len);
        if (rc > 0) {
            buf_clear(room);
            buf_add(room, made, len);
            s->line = (struct text){ (const char *)room->data, room->len };
        }
        free(made);
    }
}

enum policy_line policy_line_judge(const struct sig_policy *p, const char *file, bool comment,
                                   struct text *line, struct buf *room)
{
    if (!p)
        return comment ? POLICY_COMMENT : POLICY_READ;
    struct subject s = subject_of(file, *line);
    if (comment && !s.is_rule)
        return POLICY_COMMENT;
    const struct matcher *off = comment ? NULL : first_match(p, FILE_DISABLE, &s);
    if ((off || comment) && !first_match(p, FILE_ENABLE, &s)) {
        if (comment)
            return POLICY_COMMENT;
        buf_clear(room);
        buf_printf(room, "local policy: disable.conf:%u disables it", off->line);
        return POLICY_DISABLED;
    }
    modify(p, &s, room);
    *line = s.line;
    return POLICY_READ;
}

int policy_variables_set(const struct sig_policy *p, struct sig_parser *parser, char *reason,
                         size_t cap)
{
    for (unsigned site = 0; site < 2; site++) {
        for (uint32_t i = 0; i < p->variable_count; i++) {
            const struct variable *v = &p->variables[i];
            const char *why = "", *end = strstr(v->name, "PORTS");
            if (v->site != site)
                continue;
            int rc = end && !end[5] ? sig_parser_set_ports(parser, v->name, v->value, &why)
                                    : sig_parser_set_address(parser, v->name, v->value, &why);
            if (rc) {
                snprintf(reason, cap, "sites.conf: %s: %s", v->name, why);
                return rc;
            }
        }
    }
    return 0;
}

const char *policy_exclusions(struct sig_policy *p)
{
    return buf_str(&p->exclusions);
}

const struct policy_threshold *policy_thresholds(const struct sig_policy *p, uint32_t *count)
{
    *count = p->threshold_count;
    return p->thresholds;
}
