/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Correlation without a store: roles, folding, incidents, chains, scores, and the same ids and
 * counts after any cut.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "collector/correlate/classify.h"
#include "collector/correlate/damping.h"
#include "collector/correlate/evidence.h"
#include "collector/correlate/fold.h"
#include "collector/correlate/incident.h"
#include "collector/correlate/observation.h"
#include "collector/correlate/region.h"
#include "collector/correlate/rsit.h"
#include "common/buf.h"
#include "common/err.h"
#include "common/json.h"
#include "common/xalloc.h"

#define HOUR    EVIDENCE_HOUR_MS
#define DAY     EVIDENCE_DAY_MS
#define T0      (1790000000000ull / DAY * DAY)

#define SCAN    "ET SCAN Nmap Scripting Engine User-Agent Detected"
#define EXPLOIT "ET EXPLOIT Apache log4j RCE Attempt (http ldap) (CVE-2021-44228)"
#define BEACON  "ET MALWARE Win32/Example CnC Checkin"
#define INFO    "ET INFO Observed DNS Query to .biz TLD"

static struct classify *open_table(void)
{
    char path[1024], why[256];
    snprintf(path, sizeof path, "%s/collector/correlate/classify.tsv", getenv("ABENG_SRCDIR"));
    struct classify *c = classify_open(path, why, sizeof why);
    if (!c)
        fail_msg("%s", why);
    return c;
}

static struct text text_of(const char *s)
{
    return (struct text){ s, s ? strlen(s) : 0 };
}

static struct observation seen(const char *signature, const char *src, const char *dest,
                               uint64_t ms)
{
    struct observation o = {
        .time_ms = ms, .received_ms = ms + 500, .proto = 6, .severity = 2, .gid = 1, .rev = 3
    };
    assert_int_equal(addr_parse(src, &o.src), 0);
    assert_int_equal(addr_parse(dest, &o.dest), 0);
    o.src_port = 40000;
    o.dest_port = 80;
    o.sid = 2000000 + (uint32_t)strlen(signature);
    o.signature = text_of(signature);
    o.category = text_of("Misc activity");
    o.sensor = text_of("isp-1");
    o.feed = text_of("et-open");
    o.line = text_of("{\"event_type\":\"alert\"}");
    return o;
}

struct bench {
    struct classify *classify;
    struct fold *fold;
    struct fold_changes changes;
};

static void bench_open(struct bench *b)
{
    b->classify = open_table();
    b->fold = fold_create("jm", b->classify, NULL);
}

static void bench_close(struct bench *b)
{
    fold_free(b->fold);
    classify_close(b->classify);
}

static void show(struct bench *b, struct observation o)
{
    fold_alert(b->fold, &o);
}

static struct incident *only_incident(struct bench *b)
{
    fold_changes(b->fold, &b->changes);
    assert_int_equal(b->changes.incident_count, 1);
    return b->changes.incidents[0];
}

/* ---- classification -------------------------------------------------------------------------- */

static void the_table_gives_type_stage_and_victim(void **state)
{
    static const struct {
        const char *signature, *category, *metadata, *src, *dest;
        bool to_client;
        const char *rsit, *stage, *victim, *direction;
    } cases[] = {
        { SCAN, "", NULL, "203.0.113.9", "10.1.1.1", false, "scanner", "probe", "10.1.1.1", "in" },
        { BEACON, "", NULL, "10.1.1.1", "203.0.113.9", false, "infected-system", "c2", "10.1.1.1",
          "out" },
        { BEACON, "", NULL, "203.0.113.9", "10.1.1.1", true, "infected-system", "c2", "10.1.1.1",
          "out" },
        { EXPLOIT, "", "{\"attack_target\":[\"Web_Server\"]}", "203.0.113.9", "198.51.100.4", false,
          "ids-alert", "exploit", "198.51.100.4", "in" },
        { EXPLOIT, "", "{\"attack_target\":[\"Client_Endpoint\"]}", "203.0.113.9", "198.51.100.4",
          true, "ids-alert", "exploit", "198.51.100.4", "out" },
        { EXPLOIT, "", NULL, "203.0.113.9", "198.51.100.4", false, "ids-alert", "exploit",
          "198.51.100.4", "in" },
        { "GPL ATTACK_RESPONSE id check returned root", "", NULL, "10.1.1.1", "203.0.113.9", true,
          "system-compromise", "answer", "10.1.1.1", "in" },
        { "Partner rule", "A Network Trojan was detected", NULL, "10.1.1.1", "10.2.2.2", false,
          "infected-system", "c2", "10.1.1.1", "lateral" },
        { "nobody knows", "", NULL, "203.0.113.9", "10.1.1.1", false, "undetermined", "none",
          "10.1.1.1", "in" },
        { "x", "", "{\"tag\":[\"y\",\"CISA_KEV\"]}", "203.0.113.9", "10.1.1.1", false, "ids-alert",
          "exploit", "10.1.1.1", "in" },
    };
    struct classify *c = open_table();
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct observation o = seen(cases[i].signature, cases[i].src, cases[i].dest, T0);
        struct verdict v;
        char victim[ADDR_TEXT_MAX];
        o.category = text_of(cases[i].category);
        o.metadata = text_of(cases[i].metadata);
        o.to_client = cases[i].to_client;
        classify_alert(c, &o, &v);
        addr_format(&v.victim, victim);
        assert_string_equal(v.rsit->type, cases[i].rsit);
        assert_string_equal(stage_word(v.stage), cases[i].stage);
        assert_string_equal(victim, cases[i].victim);
        assert_string_equal(direction_word(v.direction), cases[i].direction);
    }
    classify_close(c);
}

static void the_rules_target_wins(void **state)
{
    struct classify *c = open_table();
    struct observation o = seen(SCAN, "203.0.113.9", "198.51.100.4", T0);
    struct verdict v;
    (void)state;
    o.has_target = true;
    o.target = o.src;
    classify_alert(c, &o, &v);
    assert_true(v.victim_is_client);
    classify_close(c);
}

static void a_broken_table_is_refused_with_its_line(void **state)
{
    static const struct {
        const char *line, *why;
    } cases[] = {
        { "signature=*\tother/other\tnone\tauto\t5", "six columns" },
        { "colour=*\tother/other\tnone\tauto\t5\t-", "field is not known" },
        { "signature=*\tother/nothing\tnone\tauto\t5\t-", "RSIT" },
        { "signature=*\tother/other\tlate\tauto\t5\t-", "stage" },
        { "signature=*\tother/other\tnone\tnobody\t5\t-", "victim" },
        { "signature=*\tother/other\tnone\tauto\t100\t-", "prior" },
        { "signature=*\tother/other\tnone\tauto\t5\t0", "alerts" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[] = "/tmp/abeng-classify-XXXXXX", why[256] = "";
        FILE *f = fdopen(mkstemp(path), "w");
        fprintf(f, "# first\n%s\n", cases[i].line);
        fclose(f);
        assert_null(classify_open(path, why, sizeof why));
        assert_non_null(strstr(why, ":2: "));
        assert_non_null(strstr(why, cases[i].why));
        remove(path);
    }
}

static void globs(void **state)
{
    (void)state;
    assert_true(classify_glob("ET MALWARE *CnC*", "et malware X cnc Y", 18));
    assert_false(classify_glob("ET MALWARE *CnC", "ET MALWARE X CnC Y", 18));
    assert_true(classify_glob("*", "", 0));
    assert_false(classify_glob("?", "", 0));
    assert_true(classify_glob("a*b*c?", "aXbXbXcZ", 8));
}

static void every_type_of_the_taxonomy_is_there_once(void **state)
{
    (void)state;
    assert_int_equal(rsit_count(), 39);
    for (size_t i = 0; i < rsit_count(); i++) {
        char name[128];
        snprintf(name, sizeof name, "%s/%s", rsit_at(i)->class, rsit_at(i)->type);
        assert_ptr_equal(rsit_find(name), rsit_at(i));
        assert_true(rsit_at(i)->fold);
    }
    assert_null(rsit_find("malicious-code"));
    assert_null(rsit_find("malicious-code/"));
}

/* ---- folding --------------------------------------------------------------------------------- */

static void a_scan_is_one_signal_a_day_by_its_attacker(void **state)
{
    struct bench b;
    (void)state;
    bench_open(&b);
    for (int i = 0; i < 500; i++) {
        char victim[32];
        snprintf(victim, sizeof victim, "10.1.%d.%d", i / 250, i % 250);
        show(&b, seen(SCAN, "203.0.113.9", victim, T0 + (uint64_t)i * 1000));
    }
    struct incident *in = only_incident(&b);
    assert_int_equal(b.changes.signal_count, 1);
    assert_int_equal(in->count, 500);
    assert_int_equal(in->signals->host_count, SIGNAL_HOSTS);
    assert_int_equal(in->score.tier, 4);
    fold_committed(b.fold);
    show(&b, seen(SCAN, "203.0.113.9", "10.1.0.1", T0 + DAY + HOUR));
    fold_changes(b.fold, &b.changes);
    assert_int_equal(b.changes.mark.signal_number, 2);
    assert_int_equal(b.changes.mark.incident_number, 1);
    assert_int_equal(b.changes.incidents[0]->signal_count, 2);
    bench_close(&b);
}

static void an_exploit_then_a_master_is_one_incident_with_stages(void **state)
{
    struct bench b;
    (void)state;
    bench_open(&b);
    show(&b, seen(SCAN, "203.0.113.9", "10.1.1.1", T0));
    show(&b, seen(EXPLOIT, "203.0.113.9", "10.1.1.1", T0 + HOUR));
    fold_changes(b.fold, &b.changes);
    assert_int_equal(b.changes.incident_count, 2);
    unsigned before = b.changes.incidents[1]->score.likelihood;
    fold_committed(b.fold);
    show(&b, seen(BEACON, "10.1.1.1", "203.0.113.50", T0 + 2 * HOUR));
    struct incident *in = only_incident(&b);
    assert_int_equal(in->number, 2);
    assert_int_equal(in->stages, 1u << STAGE_PROBE | 1u << STAGE_EXPLOIT | 1u << STAGE_C2);
    assert_string_equal(in->lead->rsit->type, "infected-system");
    assert_true(in->score.likelihood > before && in->score.likelihood >= 60);
    assert_int_equal(in->score.tier, 2);
    bench_close(&b);
}

static void stages_do_not_chain_backwards_nor_after_two_days(void **state)
{
    struct bench b;
    (void)state;
    bench_open(&b);
    show(&b, seen(BEACON, "10.1.1.1", "203.0.113.50", T0));
    show(&b, seen(EXPLOIT, "203.0.113.9", "10.1.1.1", T0 + HOUR));
    show(&b, seen(EXPLOIT, "203.0.113.10", "10.1.2.2", T0));
    show(&b, seen(BEACON, "10.1.2.2", "203.0.113.50", T0 + 2 * DAY + HOUR));
    fold_changes(b.fold, &b.changes);
    assert_int_equal(b.changes.mark.incident_number, 4);
    bench_close(&b);
}

static void a_sweep_chains_to_whichever_victim_fell(void **state)
{
    struct bench b;
    (void)state;
    bench_open(&b);
    for (int i = 1; i < 9; i++) {
        char victim[32];
        snprintf(victim, sizeof victim, "10.1.1.%d", i);
        show(&b, seen(EXPLOIT, "203.0.113.9", victim, T0 + (uint64_t)i));
    }
    show(&b, seen(BEACON, "10.1.1.5", "203.0.113.50", T0 + HOUR));
    struct incident *in = only_incident(&b);
    assert_int_equal(in->signal_count, 2);
    assert_int_equal(in->lead->victim.bytes[15], 5);
    bench_close(&b);
}

static void one_attackers_tries_on_many_networks_are_one_incident(void **state)
{
    struct bench b;
    (void)state;
    bench_open(&b);
    for (int i = 0; i < 40; i++) {
        char victim[32];
        snprintf(victim, sizeof victim, "10.1.%d.%d", i % 4, i);
        show(&b, seen(EXPLOIT, "203.0.113.9", victim, T0 + (uint64_t)i * 1000));
    }
    struct incident *in = only_incident(&b);
    assert_int_equal(in->signal_count, 4);
    assert_int_equal(in->count, 40);
    bench_close(&b);
}

static void a_victim_of_ipv6_is_its_network(void **state)
{
    struct bench b;
    (void)state;
    bench_open(&b);
    show(&b, seen(BEACON, "fd00:1:2:3::10", "203.0.113.9", T0));
    show(&b, seen(BEACON, "fd00:1:2:3:4444:5555:6666:7777", "203.0.113.9", T0 + HOUR));
    struct incident *in = only_incident(&b);
    assert_int_equal(in->signal_count, 1);
    assert_int_equal(in->signals->host_count, 2);
    assert_non_null(strstr(in->signals->key, "fd00:1:2:3::/64"));
    show(&b, seen(BEACON, "fd00:1:2:4::10", "203.0.113.9", T0 + HOUR));
    fold_changes(b.fold, &b.changes);
    assert_int_equal(b.changes.incident_count, 2);
    bench_close(&b);
}

static void ports_of_hosts_behind_one_address_are_kept(void **state)
{
    struct bench b;
    (void)state;
    bench_open(&b);
    for (unsigned i = 0; i < 40; i++) {
        struct observation o = seen(BEACON, "100.64.1.1", "203.0.113.9", T0 + i * 1000);
        o.src_port = (uint16_t)(50000 + i % 20);
        show(&b, o);
    }
    const struct signal *s = only_incident(&b)->signals;
    assert_int_equal(s->port_count, SIGNAL_PORTS);
    bool newest = false;
    for (unsigned i = 0; i < s->port_count; i++)
        newest |= s->ports[i].port == 50019 && s->ports[i].last_ms == T0 + 39000;
    assert_true(newest);
    bench_close(&b);
}

static void a_rule_that_storms_is_one_row(void **state)
{
    struct bench b;
    (void)state;
    bench_open(&b);
    for (unsigned i = 0; i < 400; i++) {
        char victim[32];
        snprintf(victim, sizeof victim, "10.2.%u.%u", i / 200, i % 200);
        show(&b, seen(BEACON, victim, "203.0.113.9", T0 + i * 1000));
    }
    fold_changes(b.fold, &b.changes);
    assert_int_equal(b.changes.incident_count, FOLD_FAN_OUT + 1);
    const struct incident *last = b.changes.incidents[FOLD_FAN_OUT];
    assert_true(last->storm);
    assert_int_equal(last->count, 400 - FOLD_FAN_OUT);
    assert_int_equal(last->signals->host_count, SIGNAL_HOSTS);
    fold_committed(b.fold);
    show(&b, seen(BEACON, "10.3.1.1", "203.0.113.9", T0 + DAY));
    assert_int_equal(only_incident(&b)->number, FOLD_FAN_OUT + 2);
    assert_false(only_incident(&b)->storm);
    bench_close(&b);
}

/* ---- campaigns ------------------------------------------------------------------------------- */

static struct hit hit(const char *name, uint64_t signal, uint64_t at, unsigned prior)
{
    struct hit h = { .signal = signal,
                     .incident = signal,
                     .count = 5,
                     .first_ms = at,
                     .last_ms = at + HOUR,
                     .stages = 1u << STAGE_C2,
                     .prior = prior,
                     .rsit = rsit_find("malicious-code/infected-system") };
    snprintf(h.indicator.value, sizeof h.indicator.value, "%s", name);
    return h;
}

static char *written(const struct campaign *c, int state)
{
    struct buf b;
    struct json j;
    buf_init(&b, 1 << 20);
    json_begin(&j, &b);
    if (state < 0)
        campaign_write(c, &j);
    else
        campaign_project(c, (unsigned)state, &j);
    char *text = xstrdup(buf_str(&b));
    buf_free(&b);
    return text;
}

static struct campaign *campaign_of(struct region *r, const char *name)
{
    char id[INDICATOR_ID_MAX];
    struct hit h = hit(name, 1, T0, 50);
    indicator_id(&h.indicator, id);
    return region_find(r, id);
}

static void two_states_within_three_days_are_a_campaign(void **state)
{
    struct region *r = region_create();
    (void)state;
    struct hit first = hit("bad.example", 1, T0, 50),
               late = hit("bad.example", 2, T0 + 5 * DAY, 50);
    struct hit near = hit("bad.example", 3, T0 + 3 * DAY, 50);
    struct hit poor = hit("cdn.example", 4, T0, 3);
    region_hit(r, 0, &first);
    region_hit(r, 0, &poor);
    region_hit(r, 1, &poor);
    region_hit(r, 1, &late);
    assert_int_equal(region_count(r), 0);
    region_hit(r, 2, &near);
    assert_int_equal(region_count(r), 1);
    assert_true(campaign_of(r, "bad.example")->joined);
    assert_false(campaign_of(r, "cdn.example")->joined);
    region_free(r);
}

static void a_projection_says_of_others_only_how_many(void **state)
{
    struct region *r = region_create();
    struct hit a = hit("bad.example", 11, T0, 50), b = hit("bad.example", 222, T0, 50);
    (void)state;
    region_hit(r, 0, &a);
    region_hit(r, 1, &b);
    struct campaign *c = campaign_of(r, "bad.example");
    char *seen = written(c, 0), theirs[16];
    snprintf(theirs, sizeof theirs, "\"%s", state_at(1)->code);
    assert_non_null(strstr(seen, "\"other_states\":1"));
    assert_null(strstr(seen, theirs));
    assert_null(strstr(seen, "222"));
    free(seen);
    region_release(r, 1, c->id, true);
    seen = written(c, 0);
    assert_non_null(strstr(seen, theirs));
    assert_null(strstr(seen, "222"));
    free(seen);
    region_free(r);
}

static void the_order_of_sightings_does_not_matter(void **state)
{
    struct region *one = region_create(), *other = region_create(), *back = region_create();
    (void)state;
    for (uint64_t i = 0; i < 60; i++) {
        struct hit h = hit("bad.example", i / 3 + 1, T0 + i * HOUR / 4, 30 + (unsigned)i % 7);
        struct hit k = hit("bad.example", (59 - i) / 3 + 1, T0 + (59 - i) * HOUR / 4,
                           30 + (unsigned)(59 - i) % 7);
        region_hit(one, (unsigned)(i % 5), &h);
        region_hit(other, (unsigned)((59 - i) % 5), &k);
    }
    char *a = written(campaign_of(one, "bad.example"), -1);
    char *b = written(campaign_of(other, "bad.example"), -1);
    assert_string_equal(a, b);
    assert_int_equal(region_restore(back, a, strlen(a)), 0);
    free(b);
    b = written(campaign_of(back, "bad.example"), -1);
    assert_string_equal(a, b);
    assert_int_equal(region_restore(back, "{}", 2), ABENG_EFORMAT);
    free(a);
    free(b);
    region_free(one);
    region_free(other);
    region_free(back);
}

static void what_other_states_saw_raises_the_likelihood(void **state)
{
    struct bench b;
    struct indicator i = { INDICATOR_IP, "203.0.113.50" };
    (void)state;
    bench_open(&b);
    show(&b, seen(BEACON, "10.1.1.1", "203.0.113.50", T0));
    unsigned before = only_incident(&b)->score.likelihood;
    fold_committed(b.fold);
    fold_campaign(b.fold, &i, 2);
    const struct incident *in = only_incident(&b);
    assert_true(in->score.likelihood > before);
    assert_int_equal(in->other_states, 2);
    assert_int_equal(in->campaign_count, 1);
    bench_close(&b);
}

/* ---- damping --------------------------------------------------------------------------------- */

static void lists_take_likelihood_away_and_say_so(void **state)
{
    struct bench b;
    struct damping *d = damping_create();
    (void)state;
    bench_open(&b);
    show(&b, seen(BEACON, "10.1.1.1", "203.0.113.50", T0));
    unsigned before = only_incident(&b)->score.likelihood;
    fold_committed(b.fold);
    assert_int_equal(damping_add(d, "scanner", "203.0.113.0/24", "bb", 0), 0);
    fold_damping(b.fold, d);
    fold_changes(b.fold, &b.changes);
    assert_int_equal(b.changes.incident_count, 0); /* another state's */
    assert_int_equal(damping_add(d, "scanner", "203.0.113.0/24", "jm", T0 - 1), 0);
    assert_int_equal(damping_add(d, "honeypot", "10.1.1.1", NULL, 0), 0);
    fold_damping(b.fold, d);
    const struct incident *in = only_incident(&b);
    assert_true(in->score.likelihood < before);
    assert_int_equal(in->damped, 1u << DAMPING_HONEYPOT); /* the scanner's entry was over */
    bool said = false;
    for (unsigned i = 0; i < in->score.count; i++)
        said |= !strcmp(in->score.factors[i].key, "honeypot") &&
                strstr(in->score.factors[i].text, "10.1.1.1");
    assert_true(said);
    fold_damping(b.fold, NULL);
    damping_free(d);
    bench_close(&b);
}

static void a_name_on_the_warninglist_joins_nothing(void **state)
{
    struct damping *d = damping_create();
    struct indicator name = { INDICATOR_DOMAIN, "x.cdn.example" }, ip = { INDICATOR_IP, "9.9.9.9" };
    (void)state;
    assert_false(damping_warns(d, "jm", &name, T0));
    assert_int_equal(damping_add(d, "warninglist", "*.cdn.example", NULL, 0), 0);
    assert_int_equal(damping_add(d, "warninglist", "9.9.9.9", NULL, 0), 0);
    assert_true(damping_warns(d, "jm", &name, T0));
    assert_true(damping_warns(d, "jm", &ip, T0));
    snprintf(name.value, sizeof name.value, "cdn.example.bad.example");
    assert_false(damping_warns(d, "jm", &name, T0));
    assert_int_equal(damping_add(d, "warninglist", "10.1.1.300", NULL, 0), ABENG_EINVAL);
    assert_int_equal(damping_add(d, "greylist", "10.1.1.3", NULL, 0), ABENG_EINVAL);
    assert_int_equal(damping_add(d, "scanner", "10.1.1.3", "xx", 0), ABENG_EINVAL);
    damping_free(d);
}

static void the_installed_lists_are_good(void **state)
{
    char path[1024], why[256];
    struct damping *d = damping_create();
    (void)state;
    snprintf(path, sizeof path, "%s/collector/correlate/damping.tsv", getenv("ABENG_SRCDIR"));
    if (damping_read(d, path, why, sizeof why))
        fail_msg("%s", why);
    assert_int_equal(damping_read(d, "/nonexistent", why, sizeof why), ABENG_EFORMAT);
    damping_free(d);
}

static void hints_wait_off_the_queue_and_expire(void **state)
{
    struct bench b;
    size_t signals, incidents;
    (void)state;
    bench_open(&b);
    for (int i = 0; i < 50; i++)
        show(&b, seen(INFO, "10.1.1.1", "203.0.113.9", T0 + (uint64_t)i));
    fold_changes(b.fold, &b.changes);
    assert_int_equal(b.changes.incident_count, 0);
    assert_int_equal(b.changes.signal_count, 1);
    fold_committed(b.fold);
    show(&b, seen(SCAN, "203.0.113.9", "10.1.1.1", T0 + 5 * DAY));
    fold_changes(b.fold, &b.changes);
    fold_committed(b.fold);
    fold_expire(b.fold, T0 + 5 * DAY);
    fold_changes(b.fold, &b.changes);
    assert_int_equal(b.changes.gone_count, 1);
    assert_int_equal(b.changes.gone[0], 1);
    fold_size(b.fold, &signals, &incidents);
    assert_int_equal(signals, 1);
    bench_close(&b);
}

static void samples_are_the_first_and_one_of_each_minute(void **state)
{
    struct bench b;
    uint64_t ms = 1700000000000 / 60000 * 60000;
    (void)state;
    bench_open(&b);
    for (unsigned i = 0; i < 1000; i++)
        show(&b, seen(BEACON, "10.1.1.1", "203.0.113.9", ms + i));
    fold_changes(b.fold, &b.changes);
    assert_int_equal(b.changes.signals[0]->count, 1000);
    assert_int_equal(b.changes.signals[0]->sampled, SIGNAL_SAMPLES_FIRST);
    assert_int_equal(fold_samples(b.fold), SIGNAL_SAMPLES_FIRST);
    fold_committed(b.fold);
    assert_int_equal(fold_samples(b.fold), 0);
    for (unsigned i = 1; i <= 6; i++)
        show(&b, seen(BEACON, "10.1.1.1", "203.0.113.9", ms + 60000 * i));
    fold_changes(b.fold, &b.changes);
    assert_int_equal(b.changes.signals[0]->sampled, SIGNAL_SAMPLES_FIRST + 6);
    for (unsigned i = 0; i < SIGNAL_SAMPLES; i++)
        assert_true(!b.changes.signals[0]->samples[i] == (i < SIGNAL_SAMPLES_FIRST));
    bench_close(&b);
}

static void a_beacon_of_days_is_persistent(void **state)
{
    struct bench b;
    (void)state;
    bench_open(&b);
    for (uint64_t i = 0; i < 60; i++)
        show(&b, seen(BEACON, "10.1.1.1", "203.0.113.50", T0 + i * 10 * 60000));
    struct incident *in = only_incident(&b);
    bool persistent = false;
    for (unsigned i = 0; i < in->score.count; i++)
        persistent |= !strcmp(in->score.factors[i].key, "persistence");
    assert_true(persistent);
    assert_int_equal(in->signal_count, 1);
    assert_int_equal(in->strip.count[SIGNAL_HOURS - 1], 6);
    bench_close(&b);
}

static void an_ended_incident_takes_evidence_for_14_days(void **state)
{
    struct bench b;
    (void)state;
    bench_open(&b);
    show(&b, seen(BEACON, "10.1.1.1", "203.0.113.50", T0));
    fold_changes(b.fold, &b.changes);
    fold_committed(b.fold);
    fold_decided(b.fold, 1, T0 + HOUR);
    show(&b, seen(BEACON, "10.1.1.1", "203.0.113.50", T0 + 10 * DAY));
    assert_int_equal(only_incident(&b)->number, 1);
    fold_committed(b.fold);
    show(&b, seen(BEACON, "10.1.1.1", "203.0.113.50", T0 + 15 * DAY));
    struct incident *in = only_incident(&b);
    assert_int_equal(in->number, 2);
    assert_int_equal(in->follows, 1);
    bench_close(&b);
}

static void decided_incidents_move_a_rules_prior(void **state)
{
    struct bench b;
    (void)state;
    bench_open(&b);
    show(&b, seen(BEACON, "10.1.1.1", "203.0.113.50", T0));
    unsigned before = only_incident(&b)->score.likelihood;
    fold_precision(b.fold, 1, 2000000 + sizeof BEACON - 1, 0, 8);
    assert_true(only_incident(&b)->score.likelihood < before);
    bench_close(&b);
}

static void a_clock_that_runs_ahead_is_cut_to_the_arrival(void **state)
{
    struct bench b;
    struct observation o = seen(BEACON, "10.1.1.1", "203.0.113.50", T0 + 30 * DAY);
    (void)state;
    bench_open(&b);
    o.received_ms = T0;
    show(&b, o);
    assert_int_equal(only_incident(&b)->last_ms, T0);
    bench_close(&b);
}

static void hostile_texts_stay_texts(void **state)
{
    struct bench b;
    struct buf out;
    struct json j;
    uint64_t incident;
    (void)state;
    bench_open(&b);
    struct observation o = seen(BEACON, "10.1.1.1", "203.0.113.50", T0);
    o.signature = text_of("ET MALWARE \\\"<script>\\u0000\\u001b[31m");
    o.name = text_of("a|b\\\"}{");
    show(&b, o);
    fold_changes(b.fold, &b.changes);
    buf_init(&out, 1 << 16);
    json_begin(&j, &out);
    signal_write(b.changes.signals[0], "jm", &j);
    json_t *root = signal_open((const char *)out.data, out.len, NULL, 0);
    struct signal *back = signal_read(root, &incident);
    json_decref(root);
    assert_non_null(back);
    assert_int_equal(incident, 1);
    assert_string_equal(back->key, b.changes.signals[0]->key);
    signal_free(back);
    assert_null(signal_open("{\"id\":", 6, NULL, 0));
    root = signal_open("[]", 2, NULL, 0);
    assert_null(signal_read(root, &incident));
    json_decref(root);
    assert_null(incident_read("{}", 2));
    buf_free(&out);
    bench_close(&b);
}

/* ---- cutting anywhere gives the same --------------------------------------------------------- */

#define SHOWN 400

/* What a store holds: the last absolute value of each thing. */
struct kept {
    char *signals[SHOWN + 1];
    char *numbers[SHOWN + 1];
    char *incidents[SHOWN + 1];
    struct fold_mark mark;
};

static uint32_t dice(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static struct observation nth(uint32_t n)
{
    static const char *const signatures[] = { SCAN,
                                              EXPLOIT,
                                              BEACON,
                                              INFO,
                                              "ET SCAN SSH Brute Force",
                                              "ET PHISHING page",
                                              "ET CINS Active Threat" };
    char src[32], dest[32];
    uint32_t seed = n * 7919 + 17;
    snprintf(src, sizeof src, "203.0.113.%u", dice(&seed) % 6);
    snprintf(dest, sizeof dest, "10.1.1.%u", dice(&seed) % 9);
    const char *signature = signatures[dice(&seed) % 7];
    uint64_t ms = T0 + (uint64_t)n * 3 * HOUR / 4 - dice(&seed) % (6 * (uint32_t)HOUR);
    return strcmp(signature, BEACON) ? seen(signature, src, dest, ms)
                                     : seen(signature, dest, src, ms);
}

/* Signal `i` as a store would give it, NULL when it has none. */
static json_t *kept_signal(const struct kept *k, uint64_t i)
{
    return k->signals[i] ? signal_open(k->signals[i], strlen(k->signals[i]), k->numbers[i],
                                       strlen(k->numbers[i]))
                         : NULL;
}

/* Keep its numbers, and the rest when it says that this is not there yet: both give the whole. */
static void keep_signal(struct kept *k, const struct signal *s)
{
    struct buf b;
    struct json j;
    buf_init(&b, 1 << 16);
    json_begin(&j, &b);
    signal_write_numbers(s, &j);
    free(k->numbers[s->number]);
    k->numbers[s->number] = xstrdup(buf_str(&b));
    buf_clear(&b);
    json_begin(&j, &b);
    signal_write(s, "jm", &j);
    if (!s->described) {
        free(k->signals[s->number]);
        k->signals[s->number] = xstrdup(buf_str(&b));
    }
    json_t *now = json_loadb(buf_str(&b), b.len, 0, NULL), *kept = kept_signal(k, s->number);
    assert_true(json_equal(now, kept));
    json_decref(now);
    json_decref(kept);
    buf_free(&b);
}

static void keep(struct kept *k, struct fold *f)
{
    struct fold_changes c;
    struct buf b;
    struct json j;
    buf_init(&b, 1 << 20);
    fold_changes(f, &c);
    for (size_t i = 0; i < c.signal_count; i++)
        keep_signal(k, c.signals[i]);
    for (size_t i = 0; i < c.incident_count; i++) {
        buf_clear(&b);
        json_begin(&j, &b);
        incident_write(c.incidents[i], "jm", &j);
        free(k->incidents[c.incidents[i]->number]);
        k->incidents[c.incidents[i]->number] = xstrdup(buf_str(&b));
    }
    k->mark = c.mark;
    fold_committed(f);
    buf_free(&b);
}

static struct fold *restore(const struct kept *k, struct classify *c)
{
    struct fold *f = fold_create("jm", c, NULL);
    for (int i = 0; i <= SHOWN; i++)
        if (k->incidents[i])
            fold_restore_incident(f, incident_read(k->incidents[i], strlen(k->incidents[i])));
    for (int i = 0; i <= SHOWN; i++) {
        uint64_t incident;
        json_t *root = kept_signal(k, (uint64_t)i);
        struct signal *s = root ? signal_read(root, &incident) : NULL;
        if (s)
            fold_restore_signal(f, s, incident);
        json_decref(root);
    }
    fold_restore_mark(f, &k->mark);
    return f;
}

/*
 * Fold all, in batches of 5, losing the memory (and one uncommitted batch) after every `cut`
 * batches.
 */
static void run(struct kept *k, struct classify *c, unsigned cut)
{
    struct fold *f = fold_create("jm", c, NULL);
    unsigned batches = 0;
    for (uint32_t n = 0; n < SHOWN; n += 5) {
        for (uint32_t i = n; i < n + 5; i++) {
            struct observation o = nth(i);
            fold_alert(f, &o);
        }
        if (cut && ++batches % cut == 0) {
            fold_free(f);
            f = restore(k, c);
            for (uint32_t i = n; i < n + 5; i++) {
                struct observation o = nth(i);
                fold_alert(f, &o);
            }
        }
        keep(k, f);
    }
    fold_free(f);
}

static void kept_free(struct kept *k)
{
    for (int i = 0; i <= SHOWN; i++) {
        free(k->signals[i]);
        free(k->numbers[i]);
        free(k->incidents[i]);
    }
    free(k);
}

static void any_cut_gives_the_same_ids_and_counts(void **state)
{
    struct classify *c = open_table();
    struct kept *whole = xcalloc(1, sizeof *whole);
    (void)state;
    run(whole, c, 0);
    assert_true(whole->mark.incident_number > 10);
    for (unsigned cut = 1; cut < 8; cut++) {
        struct kept *k = xcalloc(1, sizeof *k);
        run(k, c, cut);
        assert_memory_equal(&k->mark, &whole->mark, sizeof k->mark);
        for (int i = 0; i <= SHOWN; i++) {
            json_t *one = kept_signal(k, (uint64_t)i), *other = kept_signal(whole, (uint64_t)i);
            assert_int_equal(!one, !other);
            assert_true(!one || json_equal(one, other));
            json_decref(one);
            json_decref(other);
            assert_int_equal(!k->incidents[i], !whole->incidents[i]);
            if (k->incidents[i])
                assert_string_equal(k->incidents[i], whole->incidents[i]);
        }
        kept_free(k);
    }
    kept_free(whole);
    classify_close(c);
}

/* ---- scores ---------------------------------------------------------------------------------- */

static void tiers_are_those_of_the_table(void **state)
{
    static const struct {
        unsigned l, i, tier;
    } cases[] = { { 60, 70, 1 }, { 60, 69, 2 }, { 99, 0, 2 },  { 59, 70, 2 }, { 30, 40, 2 },
                  { 30, 39, 4 }, { 29, 70, 3 }, { 29, 69, 4 }, { 0, 0, 4 },   { 100, 100, 1 } };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(score_tier(cases[i].l, cases[i].i), cases[i].tier);
}

static void assets_raise_the_impact_by_the_longest_prefix(void **state)
{
    char path[] = "/tmp/abeng-assets-XXXXXX", why[256];
    struct addr host;
    const char *class, *label;
    (void)state;
    FILE *f = fdopen(mkstemp(path), "w");
    fputs("# ours\n10.0.0.0/8\tbusiness\n10.1.0.0/16\tcritical\tthe grid\n", f);
    fclose(f);
    struct assets *a = assets_open(path, why, sizeof why);
    assert_non_null(a);
    addr_parse("10.1.2.3", &host);
    assert_int_equal(assets_points(a, &host, &class, &label), 80);
    assert_string_equal(label, "the grid");
    addr_parse("192.0.2.1", &host);
    assert_int_equal(assets_points(a, &host, &class, &label), 40);
    assets_close(a);
    remove(path);
    assert_null(assets_open(path, why, sizeof why));
    assert_non_null(strstr(why, path));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_gives_type_stage_and_victim),
        cmocka_unit_test(the_rules_target_wins),
        cmocka_unit_test(a_broken_table_is_refused_with_its_line),
        cmocka_unit_test(globs),
        cmocka_unit_test(every_type_of_the_taxonomy_is_there_once),
        cmocka_unit_test(a_scan_is_one_signal_a_day_by_its_attacker),
        cmocka_unit_test(an_exploit_then_a_master_is_one_incident_with_stages),
        cmocka_unit_test(stages_do_not_chain_backwards_nor_after_two_days),
        cmocka_unit_test(a_sweep_chains_to_whichever_victim_fell),
        cmocka_unit_test(one_attackers_tries_on_many_networks_are_one_incident),
        cmocka_unit_test(a_victim_of_ipv6_is_its_network),
        cmocka_unit_test(ports_of_hosts_behind_one_address_are_kept),
        cmocka_unit_test(a_rule_that_storms_is_one_row),
        cmocka_unit_test(two_states_within_three_days_are_a_campaign),
        cmocka_unit_test(a_projection_says_of_others_only_how_many),
        cmocka_unit_test(the_order_of_sightings_does_not_matter),
        cmocka_unit_test(what_other_states_saw_raises_the_likelihood),
        cmocka_unit_test(lists_take_likelihood_away_and_say_so),
        cmocka_unit_test(a_name_on_the_warninglist_joins_nothing),
        cmocka_unit_test(the_installed_lists_are_good),
        cmocka_unit_test(hints_wait_off_the_queue_and_expire),
        cmocka_unit_test(samples_are_the_first_and_one_of_each_minute),
        cmocka_unit_test(a_beacon_of_days_is_persistent),
        cmocka_unit_test(an_ended_incident_takes_evidence_for_14_days),
        cmocka_unit_test(decided_incidents_move_a_rules_prior),
        cmocka_unit_test(a_clock_that_runs_ahead_is_cut_to_the_arrival),
        cmocka_unit_test(hostile_texts_stay_texts),
        cmocka_unit_test(any_cut_gives_the_same_ids_and_counts),
        cmocka_unit_test(tiers_are_those_of_the_table),
        cmocka_unit_test(assets_raise_the_impact_by_the_longest_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
