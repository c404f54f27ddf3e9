/* SPDX-License-Identifier: Apache-2.0 */
/* Building an image: rules in their order, their instructions side by side, then engines and
 * groups. */
#include "config.h"

#include "sensor/app/sums.h"
#include "sensor/detect/build.h"

#include <hs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/arena.h"
#include "common/err.h"
#include "common/file.h"
#include "common/xalloc.h"
#include "sensor/decode/decode.h"
#include "sensor/detect/builder.h"
#include "sensor/detect/confirm.h"
#include "sensor/detect/regex.h"
#include "sensor/detect/transform.h"
#include "sensor/stream/stream.h"

#define SECTION_ALIGN 64
#define REASON_MAX    200

const char *detect_image_version(void)
{
    return PACKAGE_VERSION "." IMAGE_VERSION_TEXT ".41";
}

uint32_t builder_put(struct builder *b, enum image_section s, const void *elements, uint32_t count)
{
    size_t size = image_element_size(s);
    uint32_t first = (uint32_t)(b->sections[s].len / size);
    if (count)
        buf_add(&b->sections[s], elements, count * size);
    return first;
}

struct image_span builder_members(struct builder *b, const uint32_t *members, uint32_t count)
{
    if (count == 0)
        return (struct image_span){ 0, 0 };
    uint32_t run =
        intern_add(&b->members, &b->sections[IMAGE_MEMBERS], members, count * sizeof(*members));
    return (struct image_span){ b->members.entries[run].at / (uint32_t)sizeof(*members), count };
}

/* ---- which rules ----------------------------------------------------------------------------- */

static bool apps_equal(enum sig_app rule, enum sig_app flow)
{
    if (rule == flow)
        return true;
    if (rule == SIG_APP_ANY_HTTP)
        return flow == SIG_APP_HTTP1 || flow == SIG_APP_HTTP2;
    return rule == SIG_APP_DCERPC && flow == SIG_APP_SMB;
}

/* Protocols whose transactions a rule can match: its own, and all its buffers'. */
static uint64_t rule_apps(const struct sig_ruleset *set, const struct sig *sig)
{
    uint64_t apps = 0;
    for (unsigned app = 0; app < SIG_APP_COUNT; app++) {
        if (sig->app == SIG_APP_UNKNOWN || apps_equal(sig->app, app))
            apps |= 1ull << app;
    }
    for (uint32_t i = 0; i < sig->list_count; i++) {
        const struct sig_buffer_def *def = sig_buffer_def(set->specs[sig->lists[i].spec].buffer);
        if (!(def->flags & SIG_BUFFER_PACKET) && def->apps)
            apps &= def->apps;
    }
    return apps;
}

static void verdict_refuse(struct sig_ruleset *set, const struct sig *sig, const char *reason)
{
    for (uint32_t i = 0; i < set->verdict_count; i++) {
        struct sig_verdict *v = &set->verdicts[i];
        if (v->loaded && v->sid == sig->sid && v->line == sig->line &&
            (!v->file || !sig->file || !strcmp(v->file, sig->file))) {
            v->loaded = false;
            v->reason = arena_strdup(set->arena, reason);
            return;
        }
    }
}

static const char *pcre_refused(const struct sig_ruleset *set, const struct sig_op *op,
                                char *reason)
{
    struct regex_source source = { (const char *)set->blob + op->u.pcre.pattern.at,
                                   op->u.pcre.pattern.len, op->u.pcre.options };
    return regex_check(&source, NULL, reason, REASON_MAX) ? NULL : reason;
}

/* Number of the event an instruction names, or -1. */
static int event_number(const struct sig_ruleset *set, const struct sig_op *op)
{
    char name[128];
    snprintf(name, sizeof(name), "%.*s", (int)op->u.name.text.len,
             (const char *)set->blob + op->u.name.text.at);
    switch (op->u.name.command) {
    case SIG_EVENT_DECODE:
        return decode_event_find(name);
    case SIG_EVENT_STREAM:
        return stream_event_find(name);
    default:
        return app_event_find((enum sig_app)op->u.name.id, name);
    }
}

/* Bits of the IP options an instruction names, 0 for an unknown name. */
static unsigned ipopt_bits(const struct sig_ruleset *set, const struct sig_op *op)
{
    static const struct {
        const char *name;
        unsigned bits;
    } names[] = { { "eol", DECODE_IPOPT_EOL },   { "nop", DECODE_IPOPT_NOP },
                  { "rr", DECODE_IPOPT_RR },     { "ts", DECODE_IPOPT_TS },
                  { "sec", DECODE_IPOPT_SEC },   { "lsrr", DECODE_IPOPT_LSRR },
                  { "esec", DECODE_IPOPT_ESEC }, { "satid", DECODE_IPOPT_SATID },
                  { "ssrr", DECODE_IPOPT_SSRR }, { "rtralt", DECODE_IPOPT_ROUTER_ALERT },
                  { "cipso", DECODE_IPOPT_CIPSO }, { "any", UINT16_MAX } }; /* any: all, as there */
    const char *text = (const char *)set->blob + op->u.name.text.at;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strlen(names[i].name) == op->u.name.text.len &&
            memcmp(names[i].name, text, op->u.name.text.len) == 0)
            return names[i].bits;
    }
    return 0;
}

/* What this build can't do with an instruction, or NULL. */
static const char *op_refused(const struct sig_ruleset *set, const struct sig_op *op, char *reason)
{
    switch (op->kind) {
    case SIG_OP_PCRE:
        return pcre_refused(set, op, reason);
    case SIG_OP_EVENT:
        return event_number(set, op) < 0 ? "the event is not one that this sensor raises" : NULL;
    case SIG_OP_IP_OPTS:
        return ipopt_bits(set, op) == 0 ? "the IP option is not known" : NULL;
    default:
        return NULL;
    }
}

static const char *ops_refused(const struct sig_ruleset *set, uint32_t first, uint32_t count,
                               char *reason)
{
    const char *why = NULL;
    for (uint32_t i = first; !why && i < first + count; i++)
        why = op_refused(set, &set->ops[i], reason);
    return why;
}

/* pcrexform gives what its one group took. */
static const char *pcrexform_refused(const struct sig_ruleset *set, struct sig_bytes pattern,
                                     char *reason)
{
    struct regex_source source = { (const char *)set->blob + pattern.at, pattern.len, 0 };
    uint32_t groups = 0;
    if (!regex_check(&source, &groups, reason, REASON_MAX))
        return reason;
    return groups == 1 ? NULL : "pcrexform: its regex wants one capturing group";
}

static const char *spec_refused(const struct sig_ruleset *set, const struct sig_bufspec *spec,
                                char *reason)
{
    const char *why = NULL;
    for (unsigned i = 0; !why && i < spec->transform_count; i++) {
        if (!transform_known(spec->transforms[i]))
            why = "a transform of it is not supported";
        else if (spec->transforms[i] == SIG_TR_PCREXFORM)
            why = pcrexform_refused(set, spec->arguments[i], reason);
    }
    return why;
}

static const char *rule_refused(const struct sig_ruleset *set, const struct sig *sig, char *reason)
{
    if (sig->list_count > IMAGE_LISTS_MAX)
        return "it looks into more than 32 buffers: split it";
    if (sig->var_count > CONFIRM_VARS_MAX)
        return "it has more than 64 byte variables: split it";
    const char *why = ops_refused(set, sig->packet_first, sig->packet_count, reason);
    for (uint32_t i = 0; !why && i < sig->list_count; i++) {
        why = ops_refused(set, sig->lists[i].first, sig->lists[i].count, reason);
        if (!why)
            why = spec_refused(set, &set->specs[sig->lists[i].spec], reason);
        if (sig->lists[i].count > CONFIRM_OPS_MAX)
            why = "it has more than 256 tests on one buffer: split it";
    }
    return why;
}

static int order_compare(const void *left, const void *right)
{
    const struct build_rule *a = left, *b = right;
    if (a->sig->order != b->sig->order)
        return a->sig->order < b->sig->order ? -1 : 1;
    return a->reversed - b->reversed;
}

static void rules_choose(struct builder *b)
{
    char reason[REASON_MAX];
    b->rules = xcalloc(b->set->rule_count * 2 + 1, sizeof(*b->rules));
    for (uint32_t i = 0; i < b->set->rule_count; i++) {
        const struct sig *sig = &b->set->rules[i];
        const char *why = rule_refused(b->set, sig, reason);
        if (why) {
            verdict_refuse(b->set, sig, why);
            continue;
        }
        struct build_rule rule = { .sig = sig, .apps = rule_apps(b->set, sig) };
        b->header.loaded++;
        b->rules[b->rule_count++] = rule;
        rule.reversed = true;
        if (sig->bidirectional)
            b->rules[b->rule_count++] = rule;
    }
    qsort(b->rules, b->rule_count, sizeof(*b->rules), order_compare);
}

/* ---- one rule into the image ----------------------------------------------------------------- */

static uint32_t put_text(struct builder *b, const char *text)
{
    uint32_t run = intern_add(&b->strings, &b->sections[IMAGE_STRINGS], text ? text : "",
                              text ? strlen(text) + 1 : 1);
    return b->strings.entries[run].at;
}

static uint32_t put_set(struct builder *b, struct image_span span)
{
    return intern_add(&b->sets, &b->sections[IMAGE_SETS], &span, sizeof(span));
}

/* Set 0 is any; a set that holds nothing stays empty and matches nothing. */
static uint32_t put_addrs(struct builder *b, const struct sig_addrs *addrs)
{
    if (addrs->any)
        return 0;
    uint32_t run = intern_add(&b->ranges, &b->sections[IMAGE_RANGES], addrs->ranges,
                              addrs->count * sizeof(*addrs->ranges));
    return put_set(
        b, (struct image_span){ b->ranges.entries[run].at / (uint32_t)sizeof(*addrs->ranges),
                                addrs->count });
}

static uint32_t put_ports(struct builder *b, const struct sig_ports *ports)
{
    if (ports->any)
        return 0;
    uint32_t run = intern_add(&b->ports_known, &b->sections[IMAGE_PORTS], ports->ranges,
                              ports->count * sizeof(*ports->ranges));
    uint32_t first = b->ports_known.entries[run].at / (uint32_t)sizeof(*ports->ranges);
    return put_set(b, (struct image_span){ first, ports->count });
}

static uint32_t put_regex(struct builder *b, struct sig_bytes pattern, uint32_t options)
{
    struct buf key;
    buf_init(&key, IMAGE_SIZE_MAX);
    buf_le32(&key, options);
    buf_add(&key, b->set->blob + pattern.at, pattern.len);
    uint32_t run = intern_add(&b->regexes, &b->regex_keys, key.data, key.len);
    buf_free(&key);
    struct image_regex regex = { pattern, options };
    if (run == b->sections[IMAGE_REGEXES].len / sizeof(regex))
        builder_put(b, IMAGE_REGEXES, &regex, 1);
    return run;
}

/* A set that no rule changes is its table; the others are the engine's to keep. */
static void set_lower(const struct builder *b, struct sig_op *op)
{
    if (!op->u.set.dataset)
        return;
    const struct sig_dataset *d = &b->set->datasets[op->u.set.dataset - 1];
    op->resolved = d->changes ? op->u.set.dataset : 0;
}

/* Names become numbers: what the packet path needs of an instruction is in it. */
static struct sig_op op_lower(struct builder *b, const struct sig_op *op)
{
    struct sig_op out = *op;
    char name[128];
    switch (op->kind) {
    case SIG_OP_PCRE:
        out.u.pcre.regex = put_regex(b, op->u.pcre.pattern, op->u.pcre.options);
        break;
    case SIG_OP_EVENT:
        out.resolved = (uint16_t)event_number(b->set, op);
        break;
    case SIG_OP_DATASET:
        set_lower(b, &out);
        break;
    case SIG_OP_IP_OPTS:
        out.resolved = (uint16_t)ipopt_bits(b->set, op);
        break;
    case SIG_OP_APP_UINT:
        snprintf(name, sizeof(name), "%.*s", (int)op->u.number.text.len,
                 (const char *)b->set->blob + op->u.number.text.at);
        out.u.number.text.at = put_text(b, name);
        break;
    default:
        break;
    }
    return out;
}

static bool is_shared(const struct sig_op *op)
{
    return op->kind == SIG_OP_XBIT || op->kind == SIG_OP_HOSTBIT;
}

static struct image_span put_ops(struct builder *b, uint32_t first, uint32_t count, bool shared)
{
    struct image_span span = { (uint32_t)(b->sections[IMAGE_OPS].len / sizeof(struct sig_op)), 0 };
    for (uint32_t i = first; i < first + count; i++) {
        if (is_shared(&b->set->ops[i]) != shared)
            continue;
        struct sig_op op = op_lower(b, &b->set->ops[i]);
        builder_put(b, IMAGE_OPS, &op, 1);
        span.count++;
    }
    return span;
}

static bool has_payload(const struct builder *b, const struct sig *sig)
{
    for (uint32_t i = 0; i < sig->list_count; i++) {
        if (b->set->specs[sig->lists[i].spec].buffer == SIG_BUF_PAYLOAD)
            return true;
    }
    return false;
}

static struct image_span put_lists(struct builder *b, const struct sig *sig)
{
    struct image_span span = { (uint32_t)(b->sections[IMAGE_LISTS].len / sizeof(struct sig_list)),
                               sig->list_count };
    struct sig_list lists[IMAGE_LISTS_MAX];
    for (uint32_t i = 0; i < sig->list_count; i++) {
        struct image_span ops = put_ops(b, sig->lists[i].first, sig->lists[i].count, false);
        lists[i] = sig->lists[i];
        lists[i].first = ops.first;
        lists[i].count = ops.count;
        confirm_prepare((struct sig_op *)b->sections[IMAGE_OPS].data + ops.first, ops.count);
    }
    builder_put(b, IMAGE_LISTS, lists, sig->list_count);
    return span;
}

/* No anchors, word ends, looks around: what such a regex finds in a window is in the stream. */
static bool regex_floats(const char *pattern, uint32_t len, bool relative)
{
    for (uint32_t i = 0; i < len; i++) {
        char c = pattern[i], next = i + 1 < len ? pattern[i + 1] : 0;
        if (c == '\\') {
            if (strchr("AZzGbBK", next))
                return false;
            i++;
        } else if (c == '$' ||
                   (c == '^' && !(relative && i == 0) && !(i && pattern[i - 1] == '['))) {
            return false;
        } else if (c == '(' && next == '?' && i + 2 < len && strchr("<!=", pattern[i + 2])) {
            return false;
        }
    }
    return true;
}

static bool op_floats(const struct builder *b, const struct sig_op *op)
{
    const uint32_t fixed = SIG_F_NEGATED | SIG_F_OFFSET | SIG_F_DEPTH | SIG_F_STARTSWITH |
                           SIG_F_ENDSWITH | SIG_F_FROM_BEGINNING | SIG_F_FROM_END;
    bool relative = op->flags & SIG_F_RELATIVE;
    if (op->flags & fixed)
        return false;
    switch (op->kind) {
    case SIG_OP_CONTENT:
        return true;
    case SIG_OP_PCRE:
        return regex_floats((const char *)b->set->blob + op->u.pcre.pattern.at,
                            op->u.pcre.pattern.len, relative);
    case SIG_OP_BYTE_TEST:
    case SIG_OP_BYTE_JUMP:
    case SIG_OP_BYTE_EXTRACT:
    case SIG_OP_BYTE_MATH:
    case SIG_OP_ISDATAAT:
        return relative;
    default:
        return false;
    }
}

/* Whether the rule may be run over the seams of chunks: it looks at the stream alone, by contents,
 * with nothing that counts from a window's ends, and does nothing but alert. */
static bool is_seamable(const struct builder *b, const struct sig *sig)
{
    bool content = false;
    if (sig->kind != SIG_KIND_STREAM || sig->action != SIG_ACTION_ALERT || sig->noalert)
        return false;
    for (uint32_t i = 0; i < sig->list_count; i++) {
        if (b->set->specs[sig->lists[i].spec].buffer != SIG_BUF_PAYLOAD)
            return false;
        for (uint32_t n = 0; n < sig->lists[i].count; n++) {
            const struct sig_op *op = &b->set->ops[sig->lists[i].first + n];
            if (!op_floats(b, op))
                return false;
            content |= op->kind == SIG_OP_CONTENT;
        }
    }
    return content;
}

static bool asks_files(const struct builder *b, const struct sig *sig)
{
    for (uint32_t i = 0; i < sig->list_count; i++) {
        enum sig_buffer buffer = b->set->specs[sig->lists[i].spec].buffer;
        if (buffer == SIG_BUF_FILE_SIZE || app_sums_kind(buffer) != APP_DIGEST_KINDS)
            return true;
    }
    return false;
}

static bool has_only_negated(const struct builder *b, const struct sig *sig)
{
    bool negated = false;
    for (uint32_t i = 0; i < sig->list_count; i++) {
        const struct sig_list *list = &sig->lists[i];
        for (uint32_t k = 0; k < list->count; k++) {
            const struct sig_op *op = &b->set->ops[list->first + k];
            if (op->kind == SIG_OP_CONTENT && !(op->flags & SIG_F_NEGATED))
                return false;
            negated |= op->kind == SIG_OP_CONTENT;
        }
    }
    return negated;
}

static uint32_t rule_flags(const struct builder *b, const struct sig *sig)
{
    return (sig->noalert ? IMAGE_RULE_NOALERT : 0) | (sig->packet_prefilter ? IMAGE_RULE_SENT : 0) |
           (sig->requires_packet ? IMAGE_RULE_PACKET : 0) |
           (sig->requires_stream ? IMAGE_RULE_STREAM : 0) |
           (has_payload(b, sig) ? IMAGE_RULE_PAYLOAD : 0) |
           (asks_files(b, sig) ? IMAGE_RULE_FILES : 0) | (sig->bypass ? IMAGE_RULE_BYPASS : 0) |
           (has_only_negated(b, sig) ? IMAGE_RULE_AGAIN : 0) |
           (uint32_t)sig->store << IMAGE_RULE_STORE | (is_seamable(b, sig) ? IMAGE_RULE_SEAM : 0);
}

static struct image_span put_suppress(struct builder *b, const struct sig *sig)
{
    struct image_span span = { 0, sig->suppress_count };
    for (uint32_t i = 0; i < sig->suppress_count; i++) {
        struct image_suppress s = { sig->suppress[i]->track,
                                    put_addrs(b, &sig->suppress[i]->addrs) };
        uint32_t at = builder_put(b, IMAGE_SUPPRESS, &s, 1);
        span.first = i ? span.first : at;
    }
    return span;
}

static void put_rule(struct builder *b, uint32_t index)
{
    const struct build_rule *r = &b->rules[index];
    const struct sig *sig = r->sig;
    struct image_rule out = {
        .sid = sig->sid,
        .gid = sig->gid,
        .rev = sig->rev,
        .order = index,
        .action = sig->action,
        .proto = sig->proto,
        .app = sig->app,
        .kind = sig->kind,
        .dirs = sig->dirs,
        .priority = sig->priority,
        .target = sig->target,
        .vars = sig->var_count,
        .flags = rule_flags(b, sig),
        .flow = sig->flow,
        .src = put_addrs(b, r->reversed ? &sig->dst : &sig->src),
        .dst = put_addrs(b, r->reversed ? &sig->src : &sig->dst),
        .sports = put_ports(b, r->reversed ? &sig->dports : &sig->sports),
        .dports = put_ports(b, r->reversed ? &sig->sports : &sig->dports),
        .threshold = sig->threshold,
        .filter = sig->filter,
        .msg = put_text(b, sig->msg),
        .category = put_text(b, sig->category),
        .metadata = put_text(b, sig->metadata),
        .references = put_text(b, sig->references),
    };
    out.suppress = put_suppress(b, sig);
    out.lists = put_lists(b, sig);
    out.packet = put_ops(b, sig->packet_first, sig->packet_count, false);
    out.post = put_ops(b, sig->post_first, sig->post_count, false);
    out.shared = put_ops(b, sig->packet_first, sig->packet_count, true);
    out.shared.count += put_ops(b, sig->post_first, sig->post_count, true).count;
    builder_put(b, IMAGE_RULES, &out, 1);
}

static void put_datasets(struct builder *b)
{
    for (uint32_t i = 0; i < b->set->dataset_count; i++) {
        const struct sig_dataset *d = &b->set->datasets[i];
        struct image_dataset out = { .memory = d->memory,
                                     .name = put_text(b, d->name),
                                     .save = put_text(b, d->save),
                                     .table = d->table,
                                     .kind = d->kind,
                                     .key_len = d->key_len,
                                     .changes = d->changes,
                                     .has_state = d->has_state };
        builder_put(b, IMAGE_DATASETS, &out, 1);
    }
}

static void put_bits(struct builder *b)
{
    const struct sig_ruleset *set = b->set;
    b->header.flowbits = set->flowbit_count;
    b->header.flowints = set->flowint_count;
    for (uint32_t i = 0; i < set->flowbit_count + set->flowint_count; i++) {
        const char *name =
            i < set->flowbit_count ? set->flowbits[i] : set->flowints[i - set->flowbit_count];
        uint64_t hash = image_bit_hash(name);
        builder_put(b, IMAGE_BITS, &hash, 1);
    }
}

/* ---- the whole ------------------------------------------------------------------------------- */

static int image_write(struct builder *b, int fd)
{
    static const uint8_t zeros[SECTION_ALIGN];
    struct image_header *h = &b->header;
    uint64_t at = sizeof(*h) + -sizeof(*h) % SECTION_ALIGN;
    for (unsigned s = 0; s < IMAGE_SECTIONS; s++) {
        size_t size = image_element_size(s);
        h->sections[s] =
            (struct image_extent){ at, (uint32_t)(b->sections[s].len / size), (uint32_t)size };
        at += b->sections[s].len + -b->sections[s].len % SECTION_ALIGN;
    }
    h->len = at;
    int rc = file_write_all(fd, h, sizeof(*h));
    if (rc == 0)
        rc = file_write_all(fd, zeros, -sizeof(*h) % SECTION_ALIGN);
    for (unsigned s = 0; s < IMAGE_SECTIONS && rc == 0; s++) {
        rc = file_write_all(fd, b->sections[s].data, b->sections[s].len);
        if (rc == 0)
            rc = file_write_all(fd, zeros, -b->sections[s].len % SECTION_ALIGN);
    }
    return rc;
}

static void builder_open(struct builder *b, struct sig_ruleset *set, const char *name)
{
    b->set = set;
    memcpy(b->header.magic, IMAGE_MAGIC, sizeof(b->header.magic));
    b->header.version = IMAGE_VERSION;
    snprintf(b->header.name, sizeof(b->header.name), "%s", name);
    for (unsigned s = 0; s < IMAGE_SECTIONS; s++)
        buf_init(&b->sections[s], IMAGE_SIZE_MAX);
    buf_init(&b->regex_keys, IMAGE_SIZE_MAX);
    buf_init(&b->port_set_bytes, IMAGE_SIZE_MAX);
    put_text(b, "");
    put_set(b, (struct image_span){ 0, 0 });
    builder_put(b, IMAGE_BLOB, set->blob, set->blob_len);
}

/* The regex of a transform is named by its number, as that of a pcre is. */
static void put_specs(struct builder *b)
{
    for (uint32_t i = 0; i < b->set->spec_count; i++) {
        struct sig_bufspec spec = b->set->specs[i];
        for (unsigned t = 0; t < spec.transform_count; t++) {
            if (spec.transforms[t] != SIG_TR_PCREXFORM)
                continue;
            spec.arguments[t] = (struct sig_bytes){ put_regex(b, spec.arguments[t], 0), 0 };
        }
        builder_put(b, IMAGE_SPECS, &spec, 1);
    }
}

static void builder_close(struct builder *b)
{
    struct intern *tables[] = { &b->strings, &b->ranges,  &b->ports_known, &b->sets,
                                &b->members, &b->regexes, &b->port_sets };
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
        intern_free(tables[i]);
    for (unsigned s = 0; s < IMAGE_SECTIONS; s++)
        buf_free(&b->sections[s]);
    buf_free(&b->regex_keys);
    buf_free(&b->port_set_bytes);
    builder_engines_close(b);
    for (unsigned i = 0; i < IMAGE_CLASSES * 2; i++) {
        free(b->ports[i / 2][i % 2].edges);
        free(b->ports[i / 2][i % 2].slots);
    }
    free(b->rules);
    free(b);
}

static bool sections_bad(const struct builder *b)
{
    bool bad = false;
    for (unsigned s = 0; s < IMAGE_SECTIONS; s++)
        bad = bad || b->sections[s].bad;
    return bad;
}

int detect_image_build(struct sig_ruleset *set, const char *name, int fd, char *reason,
                       size_t reason_len)
{
    if (set->spec_count > IMAGE_SPECS_MAX || set->rule_count > IMAGE_RULES_MAX / 2) {
        snprintf(reason, reason_len,
                 "the rules use more than %u buffers with transforms, or are more than %u",
                 IMAGE_SPECS_MAX, IMAGE_RULES_MAX / 2);
        return ABENG_ELIMIT;
    }
    struct builder *b = xcalloc(1, sizeof(*b));
    builder_open(b, set, name);
    put_specs(b);
    rules_choose(b);
    for (uint32_t i = 0; i < b->rule_count; i++)
        put_rule(b, i);
    put_bits(b);
    put_datasets(b);
    builder_patterns(b);
    builder_port_patterns(b);
    builder_bodies_join(b);
    int rc = builder_engines(b, reason, reason_len);
    if (rc == 0) {
        builder_groups(b);
        builder_portmaps(b);
        rc = sections_bad(b) ? ABENG_ELIMIT : image_write(b, fd);
        if (rc < 0)
            snprintf(reason, reason_len, "the rule image can't be written: %s", err_text(rc));
    }
    builder_close(b);
    return rc;
}
