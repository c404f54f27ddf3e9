/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions to ranges. Ports are worked out as addresses whose last two bytes they are, so one
 * set algebra serves both. */
#include "config.h"
#include "signatures/ranges.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/arena.h"
#include "common/err.h"
#include "common/xalloc.h"

struct set {
    struct sig_addr_range *at;
    uint32_t count, cap;
};

struct work {
    const struct range_vars *vars;
    bool ports, negated;
    struct set wanted, unwanted;
    char *reason;
    size_t cap;
};

__attribute__((format(printf, 2, 3))) static int fail(struct work *w, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(w->reason, w->cap, fmt, ap);
    va_end(ap);
    return ABENG_EFORMAT;
}

static void set_add(struct set *s, struct sig_addr_range r)
{
    if (s->count == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 8;
        s->at = xreallocarray(s->at, s->cap, sizeof(*s->at));
    }
    s->at[s->count++] = r;
}

static int compare_low(const void *a, const void *b)
{
    const struct sig_addr_range *x = a, *y = b;
    return addr_compare(&x->low, &y->low);
}

/* The next address; false when there is none. */
static bool step_up(struct addr *a)
{
    for (int i = 15; i >= 0; i--) {
        if (++a->bytes[i])
            return true;
    }
    return false;
}

static void step_down(struct addr *a)
{
    for (int i = 15; i >= 0; i--) {
        if (a->bytes[i]--)
            return;
    }
}

/* Sort, and join what overlaps or touches. */
static void set_normalise(struct set *s)
{
    if (s->count < 2)
        return;
    qsort(s->at, s->count, sizeof(*s->at), compare_low);
    uint32_t n = 0;
    for (uint32_t i = 1; i < s->count; i++) {
        struct addr next = s->at[n].high;
        bool more = step_up(&next);
        if (!more || addr_compare(&s->at[i].low, &next) <= 0) {
            if (addr_compare(&s->at[i].high, &s->at[n].high) > 0)
                s->at[n].high = s->at[i].high;
        } else {
            s->at[++n] = s->at[i];
        }
    }
    s->count = n + 1;
}

/* What is left of `r` without the sorted ranges of `without`. */
static void subtract(struct sig_addr_range r, const struct set *without, struct set *out)
{
    for (uint32_t i = 0; i < without->count; i++) {
        const struct sig_addr_range *u = &without->at[i];
        if (addr_compare(&u->high, &r.low) < 0)
            continue;
        if (addr_compare(&u->low, &r.high) > 0)
            break;
        if (addr_compare(&u->low, &r.low) > 0) {
            struct sig_addr_range left = { r.low, u->low };
            step_down(&left.high);
            set_add(out, left);
        }
        r.low = u->high;
        if (!step_up(&r.low) || addr_compare(&r.low, &r.high) > 0)
            return;
    }
    set_add(out, r);
}

static struct addr port_addr(unsigned port)
{
    struct addr a = { { 0 } };
    a.bytes[14] = (uint8_t)(port >> 8);
    a.bytes[15] = (uint8_t)port;
    return a;
}

static struct sig_addr_range everything(bool ports)
{
    struct sig_addr_range r = { .low = { { 0 } } };
    if (ports)
        r.high = port_addr(65535);
    else
        memset(&r.high, 0xff, sizeof(r.high));
    return r;
}

static bool is_everything(const struct set *s, bool ports)
{
    struct sig_addr_range all = everything(ports);
    return s->count == 1 && memcmp(&s->at[0], &all, sizeof(all)) == 0;
}

/* All of IPv4, mapped. */
static struct sig_addr_range ipv4_space(void)
{
    struct sig_addr_range r = { .low = { { [10] = 0xff, [11] = 0xff } } };
    r.high = r.low;
    memset(r.high.bytes + 12, 0xff, 4);
    return r;
}

static bool is_ipv4(const struct sig_addr_range *r)
{
    struct sig_addr_range space = ipv4_space();
    return addr_compare(&r->low, &space.low) >= 0 && addr_compare(&r->high, &space.high) <= 0;
}

/* A range of IPv6 addresses holds no IPv4 address, though these stand among them here. */
static void add_ipv6(struct set *s, struct sig_addr_range r)
{
    struct set four = { 0 };
    set_add(&four, ipv4_space());
    subtract(r, &four, s);
    free(four.at);
}

/* Bits of a dotted mask, -1 when it is none. */
static int mask_bits(const char *text)
{
    struct addr a;
    if (addr_parse(text, &a) || !addr_is_v4(&a))
        return -1;
    uint32_t m = (uint32_t)a.bytes[12] << 24 | (uint32_t)a.bytes[13] << 16 |
                 (uint32_t)a.bytes[14] << 8 | a.bytes[15];
    int bits = 0;
    while (bits < 32 && m >> 31) {
        m <<= 1;
        bits++;
    }
    return m ? -1 : bits;
}

static int parse_prefix(char *text, struct addr *out, unsigned *bits)
{
    char *slash = strchr(text, '/');
    if (slash && strchr(slash, '.')) {
        int n = mask_bits(slash + 1);
        *slash = 0;
        *bits = 96 + (unsigned)n;
        return n < 0 ? ABENG_EFORMAT : addr_parse(text, out);
    }
    return addr_parse_prefix(text, out, bits);
}

static int address_element(struct work *w, struct text t, struct sig_addr_range *out)
{
    char text[2 * ADDR_TEXT_MAX + 2];
    if (t.len >= sizeof(text))
        return fail(w, "address '%.40s…' is too long", t.at);
    memcpy(text, t.at, t.len);
    text[t.len] = 0;
    char *dash = strchr(text, '-');
    if (dash) {
        *dash = 0;
        if (addr_parse(text, &out->low) || addr_parse(dash + 1, &out->high) ||
            addr_is_v4(&out->low) != addr_is_v4(&out->high) ||
            addr_compare(&out->low, &out->high) > 0)
            return fail(w, "'%.*s' is no address range", (int)t.len, t.at);
        return 0;
    }
    unsigned bits;
    if (parse_prefix(text, &out->low, &bits))
        return fail(w, "'%.*s' is no address, network or range", (int)t.len, t.at);
    out->high = out->low;
    for (unsigned i = bits; i < 128; i++) {
        out->low.bytes[i / 8] &= (uint8_t) ~(0x80u >> i % 8);
        out->high.bytes[i / 8] |= (uint8_t)(0x80u >> i % 8);
    }
    return 0;
}

static int port_element(struct work *w, struct text t, struct sig_addr_range *out)
{
    const char *colon = memchr(t.at, ':', t.len);
    struct text low = { t.at, colon ? (size_t)(colon - t.at) : t.len };
    struct text high = colon ? (struct text){ colon + 1, t.len - low.len - 1 } : low;
    uint64_t a = 0, b = 65535;
    bool bad = colon && !low.len && !high.len;
    if (low.len || !colon)
        bad |= text_u64(low, 65535, &a) != 0;
    if (high.len || !colon)
        bad |= text_u64(high, 65535, &b) != 0;
    if (bad || a > b)
        return fail(w, "'%.*s' is no port or range of ports", (int)t.len, t.at);
    *out = (struct sig_addr_range){ port_addr((unsigned)a), port_addr((unsigned)b) };
    return 0;
}

static int expression(struct work *w, struct text t, bool unwanted, unsigned depth);

/* Cut the first element off a group's inside, minding brackets. */
static struct text cut_element(struct text *rest)
{
    int level = 0;
    size_t i = 0;
    for (; i < rest->len; i++) {
        char c = rest->at[i];
        level += (c == '[') - (c == ']');
        if (c == ',' && level == 0)
            break;
    }
    struct text part = { rest->at, i };
    size_t used = i < rest->len ? i + 1 : i;
    rest->at += used;
    rest->len -= used;
    return part;
}

static int group(struct work *w, struct text t, bool unwanted, unsigned depth)
{
    if (t.at[t.len - 1] != ']')
        return fail(w, "'[' without its ']'");
    struct text rest = { t.at + 1, t.len - 2 };
    if (!text_trim(rest).len)
        return fail(w, "an empty group '[]'");
    while (rest.len) {
        struct text part = cut_element(&rest);
        bool blank = part.len && (part.at[part.len - 1] == ' ' || part.at[part.len - 1] == '\t');
        if (blank && w->ports && !w->vars->loose)
            return fail(w, "a blank behind '%.*s'", (int)text_trim(part).len, text_trim(part).at);
        int rc = expression(w, text_trim(part), unwanted, depth + 1);
        if (rc)
            return rc;
    }
    return 0;
}

static int variable(struct work *w, struct text t, bool unwanted, unsigned depth)
{
    struct text name = { t.at + 1, t.len - 1 }, value;
    if (!w->vars->get(w->vars->arg, name, &value))
        return fail(w, "variable $%.*s is not defined (set it in the configuration)", (int)name.len,
                    name.at);
    return expression(w, text_trim(value), unwanted, depth + 1);
}

static int expression(struct work *w, struct text t, bool unwanted, unsigned depth)
{
    if (depth > RANGES_DEPTH_MAX)
        return fail(w,
                    "groups or variables stand deeper than %d in each other (a variable that "
                    "names itself?)",
                    RANGES_DEPTH_MAX);
    while (t.len && t.at[0] == '!') {
        unwanted = !unwanted;
        w->negated = true;
        t = text_trim((struct text){ t.at + 1, t.len - 1 });
    }
    if (!t.len)
        return fail(w, "an empty %s", w->ports ? "port" : "address");
    if (t.at[0] == '[')
        return group(w, t, unwanted, depth);
    if (t.at[0] == '$')
        return variable(w, t, unwanted, depth);
    struct sig_addr_range r = everything(w->ports);
    if (text_is_nocase(t, "any")) {
        if (unwanted)
            return fail(w, "'!any' leaves nothing");
    } else {
        int rc = w->ports ? port_element(w, t, &r) : address_element(w, t, &r);
        if (rc)
            return rc;
    }
    struct set *s = unwanted ? &w->unwanted : &w->wanted;
    if (s->count >= RANGES_MAX)
        return fail(w, "more than %d elements", RANGES_MAX);
    if (w->ports || is_ipv4(&r) || text_is_nocase(t, "any"))
        set_add(s, r);
    else
        add_ipv6(s, r);
    return 0;
}

static bool has_family(const struct set *s, bool four)
{
    for (uint32_t i = 0; i < s->count; i++) {
        if (is_ipv4(&s->at[i]) == four)
            return true;
    }
    return false;
}

/* Where all that is said of a family is what is not wanted, the rest of that family is; nothing
 * is said then of the other. */
static void add_rest(struct work *w)
{
    bool any = w->wanted.count == 1 && is_everything(&w->wanted, false);
    bool four = !any && !has_family(&w->wanted, true) && has_family(&w->unwanted, true);
    bool six = !any && !has_family(&w->wanted, false) && has_family(&w->unwanted, false);
    if (four)
        set_add(&w->wanted, ipv4_space());
    if (six)
        add_ipv6(&w->wanted, everything(false));
}

/* Work the expression out into `out`. */
static int lower(struct work *w, struct text t, struct set *out)
{
    int rc = expression(w, text_trim(t), false, 0);
    if (rc)
        return rc;
    if (w->ports && !w->wanted.count)
        set_add(&w->wanted, everything(true));
    if (!w->ports)
        add_rest(w);
    set_normalise(&w->wanted);
    set_normalise(&w->unwanted);
    for (uint32_t i = 0; i < w->wanted.count; i++)
        subtract(w->wanted.at[i], &w->unwanted, out);
    if (!out->count)
        return fail(w, "'%.*s' leaves nothing after its negations", (int)t.len, t.at);
    return 0;
}

static void work_free(struct work *w, struct set *out)
{
    free(w->wanted.at);
    free(w->unwanted.at);
    free(out->at);
}

int ranges_addresses(struct arena *arena, const struct range_vars *vars, struct text t,
                     struct sig_addrs *out, char *reason, size_t cap)
{
    struct work w = { .vars = vars, .reason = reason, .cap = cap };
    struct set result = { 0 };
    int rc = lower(&w, t, &result);
    if (rc)
        goto out;
    *out = (struct sig_addrs){ .any = is_everything(&result, false), .negated = w.negated };
    if (!out->any) {
        out->count = result.count;
        out->ranges = arena_memdup(arena, result.at, result.count * sizeof(*result.at));
    }
out:
    work_free(&w, &result);
    return rc;
}

int ranges_ports(struct arena *arena, const struct range_vars *vars, struct text t,
                 struct sig_ports *out, char *reason, size_t cap)
{
    struct work w = { .vars = vars, .reason = reason, .cap = cap, .ports = true };
    struct set result = { 0 };
    int rc = lower(&w, t, &result);
    if (rc)
        goto out;
    *out = (struct sig_ports){ .any = is_everything(&result, true) };
    if (!out->any) {
        struct sig_port_range *ranges = arena_alloc(arena, result.count * sizeof(*ranges));
        for (uint32_t i = 0; i < result.count; i++) {
            const uint8_t *low = result.at[i].low.bytes, *high = result.at[i].high.bytes;
            ranges[i] = (struct sig_port_range){ (uint16_t)(low[14] << 8 | low[15]),
                                                 (uint16_t)(high[14] << 8 | high[15]) };
        }
        out->ranges = ranges;
        out->count = result.count;
    }
out:
    work_free(&w, &result);
    return rc;
}
