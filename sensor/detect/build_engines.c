/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns into engines, engines into Hyperscan databases and name tables. */
#include "config.h"

#include <hs.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/err.h"
#include "common/xalloc.h"
#include "sensor/decode/packet.h"
#include "sensor/detect/builder.h"
#include "sensor/detect/confirm.h"
#include "sensor/detect/fastpattern.h"
#include "sensor/detect/rarity.h"
#include "sensor/detect/search.h"
#include "sensor/detect/sieve.h"

#define COMPILE_THREADS_MAX 8
/* Names are folded to lower case in a table; confirmation minds the case. */
#define NAME_LEN_MIN 3

/* Short patterns that are compared in turn. */
#define LISTED_MAX     8
#define LISTED_LEN_MIN 2

uint32_t builder_slot_tx(uint16_t spec, unsigned dir)
{
    return spec * 2u + dir;
}

uint32_t builder_slot_payload(enum image_class cls, unsigned dir, enum image_payload payload,
                              enum sig_app app)
{
    uint32_t group = app == SIG_APP_UNKNOWN ? 0 : 1 + (uint32_t)app;
    uint32_t each = ((uint32_t)cls * 2 + dir) * IMAGE_PAYLOADS + payload;
    return BUILD_SLOT_PAYLOADS + each * (1 + SIG_APP_COUNT) + group;
}

bool builder_has_ports(enum image_class cls)
{
    return cls == IMAGE_CLASS_TCP || cls == IMAGE_CLASS_UDP;
}

/* Protocols of flows that a rule's protocol allows; none when it names none. */
static uint64_t apps_of(uint8_t app)
{
    if (app == SIG_APP_UNKNOWN)
        return 0;
    if (app == SIG_APP_ANY_HTTP)
        return 1ull << SIG_APP_HTTP1 | 1ull << SIG_APP_HTTP2;
    return 1ull << app | (app == SIG_APP_DCERPC ? 1ull << SIG_APP_SMB : 0);
}

/* Whether what the rule says of the IP header's protocol may be true of packets of `cls`. */
static bool may_have_protocol(const struct builder *b, const struct sig *sig, enum image_class cls)
{
    const struct sig_op *op = b->set->ops + sig->packet_first;
    if (cls != IMAGE_CLASS_TCP && cls != IMAGE_CLASS_UDP)
        return true;
    for (uint32_t i = 0; i < sig->packet_count; i++, op++) {
        bool alternative = op->flags & SIG_F_OR_NEXT || (i && op[-1].flags & SIG_F_OR_NEXT);
        if (op->kind == SIG_OP_IP_PROTO && !alternative &&
            !confirm_number(op, cls == IMAGE_CLASS_TCP ? PACKET_PROTO_TCP : PACKET_PROTO_UDP))
            return false;
    }
    return true;
}

bool builder_in_class(const struct builder *b, const struct sig *sig, enum image_class cls)
{
    if (!may_have_protocol(b, sig, cls))
        return false;
    switch (sig->proto) {
    case SIG_PROTO_TCP:
    case SIG_PROTO_TCP_PKT:
    case SIG_PROTO_TCP_STREAM:
        return cls == IMAGE_CLASS_TCP;
    case SIG_PROTO_UDP:
        return cls == IMAGE_CLASS_UDP;
    case SIG_PROTO_ICMP:
    case SIG_PROTO_ICMPV4:
    case SIG_PROTO_ICMPV6:
        return cls == IMAGE_CLASS_ICMP;
    case SIG_PROTO_SCTP:
        return cls == IMAGE_CLASS_OTHER;
    default:
        return true;
    }
}

/* ---- giving patterns to engines -------------------------------------------------------------- */

static void pair_add(struct buf *pairs, uint32_t pattern, uint32_t rule)
{
    struct build_pair pair = { pattern, rule };
    buf_add(pairs, &pair, sizeof(pair));
}

struct build_engine *builder_engine_open(struct builder *b, uint32_t slot, uint16_t spec,
                                         unsigned dir)
{
    if (slot >= b->engine_count) {
        uint32_t count = slot < BUILD_SLOT_PORTS ? BUILD_SLOT_PORTS : slot + 1;
        b->engines = xreallocarray(b->engines, count, sizeof(struct build_engine *));
        memset(b->engines + b->engine_count, 0,
               (count - b->engine_count) * sizeof(struct build_engine *));
        b->engine_count = count;
    }
    if (b->engines[slot])
        return b->engines[slot];
    struct build_engine *e = b->engines[slot] = xcalloc(1, sizeof(*e));
    e->spec = spec;
    e->dir = (uint8_t)dir;
    e->within = IMAGE_NONE;
    buf_init(&e->pattern_bytes, IMAGE_SIZE_MAX);
    buf_init(&e->pattern_pairs, IMAGE_SIZE_MAX);
    buf_init(&e->windows, IMAGE_SIZE_MAX);
    buf_init(&e->name_bytes, IMAGE_SIZE_MAX);
    buf_init(&e->name_pairs, IMAGE_SIZE_MAX);
    buf_init(&e->name_windows, IMAGE_SIZE_MAX);
    return e;
}

/* A pattern that several rules have may stand wherever one of them allows. */
static void window_widen(struct buf *windows, uint32_t pattern, const struct fastpattern *p)
{
    struct build_window w = { p->from, p->to };
    if (pattern * sizeof(w) == windows->len) {
        buf_add(windows, &w, sizeof(w));
        return;
    }
    struct build_window *known = (struct build_window *)windows->data + pattern;
    known->from = p->from < known->from ? p->from : known->from;
    known->to = p->to > known->to ? p->to : known->to;
}

void builder_engine_add(struct build_engine *e, const struct fastpattern *p, bool named,
                        uint32_t rule)
{
    uint8_t bytes[IMAGE_NAME_LEN_MAX + 1];
    if (named && p->suffix && p->len >= NAME_LEN_MIN && p->len <= IMAGE_NAME_LEN_MAX) {
        for (uint32_t i = 0; i < p->len; i++)
            bytes[i] = search_lower(p->bytes[i]);
        uint32_t name = intern_add(&e->names, &e->name_bytes, bytes, p->len);
        window_widen(&e->name_windows, name, p);
        pair_add(&e->name_pairs, name, rule);
        return;
    }
    bytes[0] = p->nocase;
    memcpy(bytes + 1, p->bytes, p->len);
    uint32_t pattern = intern_add(&e->patterns, &e->pattern_bytes, bytes, p->len + 1);
    window_widen(&e->windows, pattern, p);
    pair_add(&e->pattern_pairs, pattern, rule);
}

bool builder_is_packet_kind(const struct sig *sig)
{
    return sig->kind == SIG_KIND_LIKE_IP_ONLY || sig->kind == SIG_KIND_PKT ||
           sig->kind == SIG_KIND_PKT_STREAM || sig->kind == SIG_KIND_STREAM ||
           sig->kind == SIG_KIND_APPLAYER;
}

unsigned builder_payloads(const struct sig *sig, enum image_class cls)
{
    bool stream = cls == IMAGE_CLASS_TCP && sig->requires_stream;
    bool packet = cls != IMAGE_CLASS_TCP || sig->requires_packet || !stream;
    return (stream ? 1u << IMAGE_PAYLOAD_STREAM : 0) | (packet ? 1u << IMAGE_PAYLOAD_PACKET : 0);
}

/* To the engines of the rule's protocols, or to the one of rules that name none. */
static void pattern_payload(struct builder *b, uint32_t rule, const struct fastpattern *p,
                            enum image_class cls, unsigned dir, enum image_payload payload)
{
    uint64_t apps = apps_of(b->rules[rule].sig->app);
    if (apps == 0)
        apps = 1ull << SIG_APP_UNKNOWN;
    for (; apps; apps &= apps - 1) {
        enum sig_app app = (enum sig_app)__builtin_ctzll(apps);
        uint32_t slot = builder_slot_payload(cls, dir, payload, app);
        builder_engine_add(builder_engine_open(b, slot, p->spec, dir), p, false, rule);
    }
}

/* A rule that names ports goes to the engines of those ports. */
static void patterns_payload(struct builder *b, uint32_t rule, const struct fastpattern *p,
                             unsigned dir)
{
    const struct build_rule *r = &b->rules[rule];
    for (unsigned cls = 0; cls < IMAGE_CLASSES; cls++) {
        bool by_port =
            builder_has_ports(cls) && !builder_ports(r, dir)->any && r->sig->app == SIG_APP_UNKNOWN;
        if (!builder_in_class(b, r->sig, cls) || by_port)
            continue;
        unsigned payloads = builder_payloads(r->sig, cls);
        for (unsigned i = 0; i < IMAGE_PAYLOADS; i++) {
            if (payloads >> i & 1)
                pattern_payload(b, rule, p, cls, dir, (enum image_payload)i);
        }
    }
}

static void patterns_rule(struct builder *b, uint32_t rule, unsigned dir)
{
    struct build_rule *r = &b->rules[rule];
    struct fastpattern p;
    if (!(r->sig->dirs & 1u << dir) || r->sig->kind == SIG_KIND_IP_ONLY ||
        r->sig->kind == SIG_KIND_DE_ONLY || r->sig->kind == SIG_KIND_FRAME)
        return;
    if (!fastpattern_choose(b->set, r->sig, dir, &p))
        return;
    r->scanned[dir] = true;
    if (r->sig->kind != SIG_KIND_APP_TX) {
        patterns_payload(b, rule, &p, dir);
        return;
    }
    struct build_engine *e = builder_engine_open(b, builder_slot_tx(p.spec, dir), p.spec, dir);
    builder_engine_add(e, &p, fastpattern_named(b->set->specs[p.spec].buffer), rule);
    e->apps |= r->apps & sig_buffer_def(b->set->specs[p.spec].buffer)->apps;
}

void builder_patterns(struct builder *b)
{
    for (uint32_t rule = 0; rule < b->rule_count; rule++) {
        patterns_rule(b, rule, SIG_DIR_TOSERVER);
        patterns_rule(b, rule, SIG_DIR_TOCLIENT);
    }
}

/* ---- how patterns are looked for ------------------------------------------------------------- */

static bool is_head(const struct build_engine *e, uint32_t pattern, uint32_t *len)
{
    const struct build_window *w = (const struct build_window *)e->windows.data + pattern;
    *len = e->patterns.entries[pattern].len - 1; /* less its flag */
    return sieve_is_head(w->from, w->to, *len);
}

/* The length from which on a pattern has grams for the step of the many. */
static uint32_t many_len(const struct build_engine *e)
{
    return e->step == IMAGE_STEP_FOUR ? SIEVE_LONG : SIEVE_GRAM;
}

/* How many patterns that may stand anywhere are how long. */
struct lengths {
    uint32_t grams, mid; /* that have a gram; those of them too short for the step of four */
    uint32_t shorts, tiny;
};

static void lengths_add(struct lengths *l, const struct build_engine *e)
{
    uint32_t len;
    for (uint32_t i = 0; i < e->patterns.count; i++) {
        if (is_head(e, i, &len))
            continue;
        l->grams += len >= SIEVE_GRAM;
        l->mid += len >= SIEVE_GRAM && len < SIEVE_LONG;
        l->shorts += len < SIEVE_GRAM;
        l->tiny += len < LISTED_LEN_MIN;
    }
}

static bool may_be_listed(const struct lengths *l)
{
    return l->tiny == 0 && l->shorts <= LISTED_MAX;
}

static bool is_body(const struct builder *b, const struct build_engine *e)
{
    return sig_buffer_def(b->set->specs[e->spec].buffer)->flags & SIG_BUFFER_BODY;
}

/* Which step suits the engine's patterns, and what is left for lanes then. */
static void engine_settle(const struct builder *b, struct build_engine *e)
{
    struct lengths l = { 0 };
    lengths_add(&l, e);
    e->listed = may_be_listed(&l);
    if (l.grams <= LANES_GRAMS_MAX)
        e->step = IMAGE_STEP_NONE;
    else if (is_body(b, e))
        e->step = IMAGE_STEP_FOUR;
    else
        e->step = IMAGE_STEP_ONE;
    e->laned = (e->step == IMAGE_STEP_NONE ? l.grams : l.mid) <= LANES_GRAMS_MAX;
}

enum build_way builder_way(const struct build_engine *e, uint32_t pattern)
{
    uint32_t len;
    if (is_head(e, pattern, &len))
        return BUILD_WAY_HEAD;
    if (e->step != IMAGE_STEP_NONE && len >= many_len(e))
        return BUILD_WAY_MANY;
    if (len >= SIEVE_GRAM)
        return e->laned ? BUILD_WAY_FEW : BUILD_WAY_SCANNED;
    return e->listed ? BUILD_WAY_LISTED : BUILD_WAY_SCANNED;
}

/* The rules of the patterns of `from` that `numbers` renames go to `to`. */
static void pairs_copy(struct build_engine *to, const struct build_engine *from,
                       const uint32_t *numbers)
{
    const struct build_pair *pairs = (const struct build_pair *)from->pattern_pairs.data;
    size_t count = from->pattern_pairs.len / sizeof(*pairs);
    for (size_t i = 0; i < count; i++) {
        if (numbers[pairs[i].pattern] != IMAGE_NONE)
            pair_add(&to->pattern_pairs, numbers[pairs[i].pattern], pairs[i].rule);
    }
}

bool builder_engine_is_small(const struct build_engine *e, uint32_t most)
{
    struct lengths l = { 0 };
    lengths_add(&l, e);
    return l.grams <= most && l.shorts == 0;
}

bool builder_engine_complete(struct build_engine *to, const struct build_engine *from)
{
    struct fastpattern anywhere = { .from = 0, .to = UINT32_MAX };
    uint32_t len;
    if (builder_engine_is_small(to, 0))
        return false;
    uint32_t *numbers = xcalloc(from->patterns.count + 1, sizeof(*numbers));
    for (uint32_t i = 0; i < from->patterns.count; i++) {
        const struct intern_entry *run = &from->patterns.entries[i];
        numbers[i] = IMAGE_NONE;
        if (is_head(from, i, &len))
            continue;
        numbers[i] = intern_add(&to->patterns, &to->pattern_bytes,
                                from->pattern_bytes.data + run->at, run->len);
        window_widen(&to->windows, numbers[i], &anywhere);
    }
    pairs_copy(to, from, numbers);
    free(numbers);
    return true;
}

bool builder_engine_take(const struct builder *b, struct build_engine *to,
                         const struct build_engine *from)
{
    struct lengths sum = { 0 };
    lengths_add(&sum, to);
    lengths_add(&sum, from);
    if (!may_be_listed(&sum) || (is_body(b, to) ? sum.mid : sum.grams) > LANES_GRAMS_MAX)
        return false;
    return builder_engine_complete(to, from);
}

/* ---- bodies that are files ------------------------------------------------------------------- */

/* The engine of a buffer as it is; NULL: no rule has a pattern for it. */
static struct build_engine *plain_engine(const struct builder *b, enum sig_buffer buffer,
                                         unsigned dir, uint32_t *slot)
{
    for (uint32_t spec = 0; spec < b->set->spec_count; spec++) {
        const struct sig_bufspec *s = &b->set->specs[spec];
        *slot = builder_slot_tx((uint16_t)spec, dir);
        if (s->buffer == buffer && s->transform_count == 0 && *slot < b->engine_count)
            return b->engines[*slot];
    }
    return NULL;
}

/* Give a body's patterns to the engine of files, unless it would have to carry more than it has:
 * what is sent to a server is seldom a file. */
static void body_join(struct builder *b, enum sig_buffer buffer, unsigned dir)
{
    uint32_t slot, files_slot;
    struct build_engine *body = plain_engine(b, buffer, dir, &slot);
    struct build_engine *files = plain_engine(b, SIG_BUF_FILE_DATA, dir, &files_slot);
    if (!body || !files || body->patterns.count > files->patterns.count ||
        body->apps & ~sig_buffer_def(SIG_BUF_FILE_DATA)->apps ||
        !builder_engine_take(b, files, body))
        return;
    files->apps |= body->apps; /* no rule on files may have named them */
    body->within = files_slot;
}

void builder_bodies_join(struct builder *b)
{
    body_join(b, SIG_BUF_HTTP_REQUEST_BODY, SIG_DIR_TOSERVER);
    body_join(b, SIG_BUF_HTTP_RESPONSE_BODY, SIG_DIR_TOCLIENT);
}

/* ---- Hyperscan ------------------------------------------------------------------------------- */

/* Expressions of \xHH: the literal API of 5.4 has open bugs, and these compile to the same literal
 * matchers. */
static char *expression_make(const uint8_t *bytes, uint32_t len)
{
    static const char hex[] = "0123456789abcdef";
    char *text = xmalloc((size_t)len * 4 + 1), *to = text;
    for (uint32_t i = 0; i < len; i++) {
        *to++ = '\\';
        *to++ = 'x';
        *to++ = hex[bytes[i] >> 4];
        *to++ = hex[bytes[i] & 15];
    }
    *to = 0;
    return text;
}

/* What hs_compile_multi wants. */
struct expressions {
    char **texts;
    unsigned *flags, *ids;
    uint32_t count;
};

/* The database that knows a pattern; IMAGE_TIERS: none. */
static enum image_tier pattern_tier(const struct build_engine *e, uint32_t pattern)
{
    enum build_way way = builder_way(e, pattern);
    if (way == BUILD_WAY_SCANNED)
        return IMAGE_TIER_SHORT;
    return way == BUILD_WAY_MANY ? IMAGE_TIER_LONG : IMAGE_TIERS;
}

static struct expressions expressions_make(const struct build_engine *e, enum image_tier tier)
{
    struct expressions x = { 0 };
    x.texts = xcalloc(e->patterns.count, sizeof(*x.texts));
    x.flags = xcalloc(e->patterns.count, sizeof(*x.flags));
    x.ids = xcalloc(e->patterns.count, sizeof(*x.ids));
    for (uint32_t i = 0; i < e->patterns.count; i++) {
        const uint8_t *run = e->pattern_bytes.data + e->patterns.entries[i].at;
        if (pattern_tier(e, i) != tier)
            continue;
        x.texts[x.count] = expression_make(run + 1, e->patterns.entries[i].len - 1);
        x.flags[x.count] = HS_FLAG_SINGLEMATCH | (run[0] ? HS_FLAG_CASELESS : 0);
        x.ids[x.count++] = i;
    }
    return x;
}

static void expressions_free(struct expressions *x)
{
    for (uint32_t i = 0; i < x->count; i++)
        free(x->texts[i]);
    free(x->texts);
    free(x->flags);
    free(x->ids);
}

static void tier_compile(struct build_engine *e, enum image_tier tier)
{
    struct expressions x = expressions_make(e, tier);
    hs_database_t *db = NULL;
    hs_compile_error_t *error = NULL;
    hs_error_t rc = HS_SUCCESS;
    if (x.count)
        rc = hs_compile_multi((const char *const *)x.texts, x.flags, x.ids, x.count, HS_MODE_BLOCK,
                              NULL, &db, &error);
    if (rc == HS_SUCCESS && db)
        rc = hs_serialize_database(db, &e->dbs[tier], &e->db_lens[tier]);
    if (rc != HS_SUCCESS && !e->error)
        e->error = xstrdup(error ? error->message : "it can't be stored");
    hs_free_compile_error(error);
    hs_free_database(db);
    expressions_free(&x);
}

static void engine_compile(const struct builder *b, struct build_engine *e)
{
    if (!e || e->patterns.count == 0)
        return;
    engine_settle(b, e);
    tier_compile(e, IMAGE_TIER_SHORT);
    tier_compile(e, IMAGE_TIER_LONG);
}

/* Threads take engines off one counter; each engine is compiled by one. */
struct compile_queue {
    struct builder *b;
    uint32_t next;
};

static void *compile_worker(void *arg)
{
    struct compile_queue *q = arg;
    for (;;) {
        uint32_t i = __atomic_fetch_add(&q->next, 1, __ATOMIC_RELAXED);
        if (i >= q->b->engine_count)
            return NULL;
        engine_compile(q->b, q->b->engines[i]);
    }
}

static void engines_compile(struct builder *b)
{
    struct compile_queue q = { b, 0 };
    pthread_t threads[COMPILE_THREADS_MAX];
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    int started = 0;
    while (started + 1 < cpus && started < COMPILE_THREADS_MAX &&
           pthread_create(&threads[started], NULL, compile_worker, &q) == 0)
        started++;
    compile_worker(&q);
    for (int i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
}

/* ---- into the image -------------------------------------------------------------------------- */

static int pair_order(const void *left, const void *right)
{
    const struct build_pair *a = left, *b = right;
    if (a->pattern != b->pattern)
        return a->pattern < b->pattern ? -1 : 1;
    return a->rule < b->rule ? -1 : a->rule > b->rule;
}

/* The rules of each of `count` patterns, in order, given to `put`. */
static void pairs_emit(struct builder *b, struct buf *pairs, uint32_t count, struct image_span *out)
{
    struct build_pair *all = (struct build_pair *)pairs->data;
    uint32_t total = (uint32_t)(pairs->len / sizeof(*all)), at = 0;
    uint32_t *rules = xcalloc(total + 1, sizeof(*rules));
    if (total)
        qsort(all, total, sizeof(*all), pair_order);
    for (uint32_t p = 0; p < count; p++) {
        uint32_t n = 0;
        for (; at < total && all[at].pattern == p; at++)
            rules[n++] = all[at].rule;
        out[p] = builder_members(b, rules, n);
    }
    free(rules);
}

static void names_emit(struct builder *b, struct build_engine *e, struct image_engine *out)
{
    uint32_t count = e->names.count, slot_count = 4, words = 1;
    if (count == 0)
        return;
    while (slot_count < count * 2)
        slot_count *= 2;
    while (words * 32 < count * IMAGE_NAME_BITS)
        words *= 2;
    const struct build_window *windows = (const struct build_window *)e->name_windows.data;
    struct image_span *rules = xcalloc(count, sizeof(*rules));
    uint32_t *slots = xcalloc(slot_count, sizeof(*slots));
    uint32_t *bits = xcalloc(words, sizeof(*bits));
    pairs_emit(b, &e->name_pairs, count, rules);
    uint32_t blob = builder_put(b, IMAGE_BLOB, e->name_bytes.data, (uint32_t)e->name_bytes.len);
    for (uint32_t i = 0; i < count; i++) {
        const struct intern_entry *run = &e->names.entries[i];
        struct image_name name = { .bytes = { blob + run->at, run->len }, .rules = rules[i] };
        for (uint32_t k = run->len; k > 0; k--)
            name.hash = image_suffix_step(name.hash, e->name_bytes.data[run->at + k - 1]);
        uint32_t index = builder_put(b, IMAGE_NAMES, &name, 1);
        uint32_t slot = (uint32_t)name.hash & (slot_count - 1);
        while (slots[slot])
            slot = (slot + 1) & (slot_count - 1);
        slots[slot] = index + 1;
        uint64_t place = windows[i].to > run->len ? name.hash : ~name.hash;
        bits[image_name_word(place, words)] |= image_name_mask(place);
    }
    out->name_bits = (struct image_span){ builder_put(b, IMAGE_SIEVE_BITS, bits, words), words };
    out->names = (struct image_span){
        (uint32_t)(b->sections[IMAGE_NAMES].len / sizeof(struct image_name)) - count, count
    };
    out->slots = (struct image_span){ builder_put(b, IMAGE_SLOTS, slots, slot_count), slot_count };
    free(rules);
    free(slots);
    free(bits);
}

static uint32_t longest_of(const struct intern *patterns)
{
    uint32_t longest = 0;
    for (uint32_t i = 0; i < patterns->count; i++) {
        uint32_t len = patterns->entries[i].len - 1; /* less its flag */
        longest = len > longest ? len : longest;
    }
    return longest;
}

static void engine_emit(struct builder *b, uint32_t index)
{
    static const uint8_t zeros[64];
    struct build_engine *e = b->engines[index];
    struct image_engine out = {
        .spec = e->spec, .dir = e->dir, .step = e->step, .whole = e->whole, .taken = e->taken,
        .within = IMAGE_NONE
    };
    uint32_t count = e->patterns.count;
    struct image_span *rules = xcalloc(count + 1, sizeof(*rules));
    pairs_emit(b, &e->pattern_pairs, count, rules);
    out.pattern_first = builder_put(b, IMAGE_PATTERNS, rules, count);
    out.pattern_count = count;
    out.longest = longest_of(&e->patterns);
    free(rules);
    for (unsigned tier = 0; tier < IMAGE_TIERS; tier++) {
        buf_add(&b->sections[IMAGE_DATABASES], zeros,
                -b->sections[IMAGE_DATABASES].len % sizeof(zeros));
        out.tiers[tier].len = (uint32_t)e->db_lens[tier];
        out.databases |= (uint8_t)((e->db_lens[tier] > 0) << tier);
        out.tiers[tier].at = builder_put(b, IMAGE_DATABASES, e->dbs[tier], out.tiers[tier].len);
    }
    builder_sieves(b, e, &out);
    names_emit(b, e, &out);
    b->engine_index[index] = builder_put(b, IMAGE_ENGINES, &out, 1);
}

static void engine_close(struct build_engine *e)
{
    intern_free(&e->patterns);
    intern_free(&e->names);
    buf_free(&e->pattern_bytes);
    buf_free(&e->pattern_pairs);
    buf_free(&e->windows);
    buf_free(&e->name_bytes);
    buf_free(&e->name_pairs);
    buf_free(&e->name_windows);
    for (unsigned tier = 0; tier < IMAGE_TIERS; tier++)
        free(e->dbs[tier]);
    free(e->error);
    free(e);
}

/* From each pattern once: those of ports hold many that others have. */
static void rarity_learn_all(struct builder *b)
{
    b->rarity = rarity_create();
    for (uint32_t i = 0; i < b->engine_count && i < BUILD_SLOT_PORTS; i++) {
        const struct build_engine *e = b->engines[i];
        for (uint32_t k = 0; e && k < e->patterns.count; k++) {
            const struct intern_entry *run = &e->patterns.entries[k];
            rarity_learn(b->rarity, e->pattern_bytes.data + run->at + 1, run->len - 1);
        }
    }
    rarity_settle(b->rarity);
}

/* Once all are there: bodies' engines know those of files. */
static void engines_link(struct builder *b)
{
    struct image_engine *all = (struct image_engine *)b->sections[IMAGE_ENGINES].data;
    for (uint32_t i = 0; i < b->engine_count; i++) {
        const struct build_engine *e = b->engines[i];
        if (e && e->within != IMAGE_NONE && b->engine_index[i] != IMAGE_NONE)
            all[b->engine_index[i]].within = b->engine_index[e->within];
    }
}

int builder_engines(struct builder *b, char *reason, size_t reason_len)
{
    int rc = 0;
    builder_engine_open(b, 0, 0, 0); /* so that there are slots */
    engines_compile(b);
    rarity_learn_all(b);
    b->lanes = build_lanes_create(b->rarity);
    b->engine_index = xcalloc(b->engine_count, sizeof(*b->engine_index));
    for (uint32_t i = 0; i < b->engine_count; i++) {
        struct build_engine *e = b->engines[i];
        b->engine_index[i] = IMAGE_NONE;
        if (!e)
            continue;
        if (e->error && rc == 0) {
            snprintf(reason, reason_len, "Hyperscan refused the patterns of a buffer: %s",
                     e->error);
            rc = ABENG_ERR;
        }
        if (rc == 0 && e->patterns.count + e->names.count > 0)
            engine_emit(b, i);
    }
    engines_link(b);
    build_lanes_free(b->lanes);
    rarity_free(b->rarity);
    return rc;
}

void builder_engines_close(struct builder *b)
{
    for (uint32_t i = 0; i < b->engine_count; i++) {
        if (b->engines[i])
            engine_close(b->engines[i]);
    }
    free(b->engines);
    free(b->engine_index);
}
