/* SPDX-License-Identifier: Apache-2.0 */
/* Making up days. */
#include "config.h"
#include "tests/bench/days.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/state.h"
#include "common/xalloc.h"

#define MINUTE 60000ull
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

/* Rules of the feed, as their partner writes them. */
enum rule {
    R_INFO_DNS,
    R_INFO_TLS,
    R_POLICY,
    R_HUNTING,
    R_ENGINE,
    R_AGENT,
    R_P2P, /* noise: up to here */
    R_DROP,
    R_CINS,
    R_SCAN_SQL,
    R_SCAN_NMAP,
    R_SCAN_WEB,
    R_SSH,
    R_RDP,
    R_LOG4J,
    R_STRUTS,
    R_SMB,
    R_ROUTER,
    R_RESPONSE,
    R_C2_TLS,
    R_C2_DNS,
    R_C2_HTTP,
    R_EXFIL,
    R_PHISH,
    R_PHISH_POST,
    R_DOS,
    R_CERT,
};

static const struct rule_text {
    uint32_t sid;
    unsigned severity;
    const char *name, *category, *metadata, *app;
} rules[] = {
    [R_INFO_DNS] = { 2027863, 3, "ET INFO Observed DNS Query to .biz TLD",
                     "Potentially Bad Traffic", "", "dns" },
    [R_INFO_TLS] = { 2036303, 3, "ET INFO Observed Abused File Sharing Site in TLS SNI",
                     "Misc activity", "", "tls" },
    [R_POLICY] = { 2013028, 3, "ET POLICY curl User-Agent Outbound", "Attempted Information Leak",
                   "", "http" },
    [R_HUNTING] = { 2032076, 3, "ET HUNTING Suspicious Terse HTTP Request", "Misc activity", "",
                    "http" },
    [R_ENGINE] = { 2210054, 3, "SURICATA STREAM excessive retransmissions",
                   "Generic Protocol Command Decode", "", "" },
    [R_AGENT] = { 2012180, 2, "ET USER_AGENTS Suspicious User-Agent",
                  "A Network Trojan was detected", "", "http" },
    [R_P2P] = { 2008581, 1, "ET P2P BitTorrent DHT ping request",
                "Potential Corporate Privacy Violation", "", "" },
    [R_DROP] = { 2400001, 2, "ET DROP Spamhaus DROP Listed Traffic Inbound group 2", "Misc Attack",
                 "", "" },
    [R_CINS] = { 2403301, 2, "ET CINS Active Threat Intelligence Poor Reputation IP group 2",
                 "Misc Attack", "", "" },
    [R_SCAN_SQL] = { 2010935, 2, "ET SCAN Suspicious inbound to MSSQL port 1433",
                     "Potentially Bad Traffic", "", "" },
    [R_SCAN_NMAP] = { 2024364, 1, "ET SCAN Possible Nmap User-Agent Observed",
                      "Web Application Attack", "", "http" },
    [R_SCAN_WEB] = { 2017515, 2, "ET SCAN ZmEu Scanner User-Agent Inbound",
                     "Detection of a Network Scan", "", "http" },
    [R_SSH] = { 2001219, 2, "ET SCAN Potential SSH Brute Force", "Attempted Information Leak", "",
                "ssh" },
    [R_RDP] = { 2001220, 2, "ET SCAN RDP Brute Force Attempt", "Attempted Information Leak", "",
                "" },
    [R_LOG4J] = { 2034647, 1, "ET EXPLOIT Apache log4j RCE Attempt (http ldap) (CVE-2021-44228)",
                  "Attempted Administrator Privilege Gain",
                  "\"attack_target\":[\"Server\"],\"cve\":[\"CVE_2021_44228\"]", "http" },
    [R_STRUTS] = { 2024038, 1,
                   "ET WEB_SPECIFIC_APPS Possible Apache Struts OGNL Expression Injection "
                   "(CVE-2017-5638)",
                   "Web Application Attack", "\"cve\":[\"CVE_2017_5638\"]", "http" },
    [R_SMB] = { 2024218, 1, "ET EXPLOIT Possible ETERNALBLUE MS17-010 Echo Response",
                "A Network Trojan was detected", "\"cve\":[\"CVE_2017_0144\"]", "smb" },
    [R_ROUTER] = { 2025576, 1, "ET EXPLOIT HackingTrio UA (Hello, World)",
                   "Attempted Administrator Privilege Gain",
                   "\"attack_target\":[\"Networking_Equipment\"]", "http" },
    [R_RESPONSE] = { 2019284, 1, "ET ATTACK_RESPONSE Output of id command from HTTP server",
                     "Potentially Bad Traffic", "", "http" },
    [R_C2_TLS] = { 2035172, 1, "ET MALWARE Observed Malicious Domain CnC (in TLS SNI)",
                   "Domain Observed Used for C2 Detected", "\"signature_severity\":[\"Major\"]",
                   "tls" },
    [R_C2_DNS] = { 2035173, 1, "ET MALWARE CnC Domain in DNS Lookup",
                   "Domain Observed Used for C2 Detected", "", "dns" },
    [R_C2_HTTP] = { 2035174, 1, "ET MALWARE Win32/Generic Loader Checkin M2",
                    "Malware Command and Control Activity Detected", "", "http" },
    [R_EXFIL] = { 2035175, 1, "ET MALWARE Generic Stealer Exfil via HTTP POST",
                  "A Network Trojan was detected", "", "http" },
    [R_PHISH] = { 2033001, 2, "ET PHISHING Generic Credential Phish Landing Page",
                  "Possible Social Engineering Attempted", "", "http" },
    [R_PHISH_POST] = { 2033002, 1, "ET PHISHING Successful Generic Credential Phish",
                       "Successful Credential Theft Detected", "", "http" },
    [R_DOS] = { 2016016, 2, "ET DOS DNS Amplification Attack Inbound",
                "Attempted Denial of Service", "", "dns" },
    [R_CERT] = { 2035176, 1, "ET MALWARE Observed Malicious SSL Cert (RAT)",
                 "Domain Observed Used for C2 Detected", "\"tag\":[\"SSL_Malicious_Cert\"]",
                 "tls" },
};

/* ---- hosts --------------------------------------------------------------------------------- */

/*
 * A host is a number: bit 40 set for one of a state (state << 16 | host of 2048), else an address
 * outside. States' hosts stand in 198.18.0.0/15, or, one in sixteen, in a /64 of 2001:db8::/32
 * under an address that changes by the day.
 */
#define OURS (1ull << 40)

static uint64_t host(unsigned state, unsigned n)
{
    return OURS | (uint64_t)state << 16 | (n & 2047);
}

static bool is_v6(uint64_t h)
{
    return h & OURS && h % 16 == 5 && (h & 2047) >= 512;
}

static void host_text(uint64_t h, uint64_t time_ms, char out[64])
{
    unsigned state = (unsigned)(h >> 16 & 255), n = (unsigned)(h & 2047);
    if (!(h & OURS))
        snprintf(out, 64, "%u.%u.%u.%u", 241u + (unsigned)(h >> 24 & 7), (unsigned)(h >> 16 & 255),
                 (unsigned)(h >> 8 & 255), (unsigned)(h & 255));
    else if (is_v6(h))
        snprintf(out, 64, "2001:db8:%x:%x:%x:%x:%x:1", state + 1, n,
                 (unsigned)(time_ms / DAY * 2654435761u >> 16 & 0xffff) | 1, 7 * n & 0xffff,
                 (unsigned)(time_ms / DAY & 0xffff) | 1);
    else
        snprintf(out, 64, "198.%u.%u.%u", 18 + state * 8 / 256, state * 8 % 256 + n / 256, n % 256);
}

/* The first 64 hosts of a state are critical, the next 64 core of government, then government. */
static bool highest(uint64_t h)
{
    return (h & 2047) < 128;
}

void days_assets(struct buf *out)
{
    for (unsigned s = 0; s < DAYS_STATES; s++) {
        const char *code = state_at(s)->code;
        unsigned at = s * 8;
        buf_printf(out, "198.18.%u.0/21\tbusiness\tnetworks of %s\n", at, code);
        buf_printf(out, "198.18.%u.0/26\tcritical\tutility of %s\n", at, code);
        buf_printf(out, "198.18.%u.64/26\tgovernment-core\tministries of %s\n", at, code);
        buf_printf(out, "198.18.%u.128/25\tgovernment\tagencies of %s\n", at, code);
        buf_printf(out, "198.18.%u.0/22\tresidential\thomes of %s\n", at + 4, code);
        buf_printf(out, "2001:db8:%x::/48\tbusiness\tnetworks of %s\n", s + 1, code);
    }
}

void days_damping(struct buf *out)
{
    buf_text(out, "warninglist\t*.popular.example\t-\t-\tnames that everybody asks for\n");
}

bool days_names_host(const char *text, unsigned state)
{
    for (unsigned third = state * 8; third < state * 8 + 8; third++) {
        char want[24];
        snprintf(want, sizeof want, "198.18.%u.", third);
        if (strstr(text, want))
            return true;
    }
    char six[24];
    snprintf(six, sizeof six, "2001:db8:%x:", state + 1);
    return strstr(text, six) != NULL;
}

/* ---- the making ------------------------------------------------------------------------------ */

struct maker {
    struct days *d;
    uint64_t seed;
    size_t alert_room, truth_room;
    uint32_t names;
};

static uint64_t dice(struct maker *m)
{
    uint64_t z = m->seed += 0x9E3779B97F4A7C15ull;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ z >> 27) * 0x94D049BB133111EBull;
    return z ^ z >> 31;
}

static unsigned below(struct maker *m, unsigned n)
{
    return n ? (unsigned)(dice(m) % n) : 0;
}

static unsigned between(struct maker *m, unsigned low, unsigned high)
{
    return low + below(m, high - low + 1);
}

static bool chance(struct maker *m, unsigned percent)
{
    return below(m, 100) < percent;
}

static uint64_t outsider(struct maker *m)
{
    return dice(m) & 0x7ffffff;
}

static uint64_t insider(struct maker *m, unsigned state)
{
    return host(state, below(m, 2048));
}

static uint32_t truth(struct maker *m, enum days_kind kind, unsigned state, int campaign)
{
    struct days *d = m->d;
    if (d->truth_count == m->truth_room) {
        m->truth_room = m->truth_room ? 2 * m->truth_room : 1024;
        d->truths = xreallocarray(d->truths, m->truth_room, sizeof *d->truths);
    }
    d->truths[d->truth_count] = (struct days_truth){ kind, state, campaign, false };
    return (uint32_t)d->truth_count++;
}

static struct days_alert *raise_alert(struct maker *m, uint32_t of, enum rule rule, uint64_t src,
                                      uint64_t dest, unsigned dest_port, uint64_t time_ms)
{
    struct days *d = m->d;
    if (d->alert_count == m->alert_room) {
        m->alert_room = m->alert_room ? 2 * m->alert_room : 1 << 16;
        d->alerts = xreallocarray(d->alerts, m->alert_room, sizeof *d->alerts);
    }
    struct days_alert *a = &d->alerts[d->alert_count++];
    *a = (struct days_alert){ .time_ms = time_ms,
                              .truth = of,
                              .state = (uint16_t)d->truths[of].state,
                              .rule = (uint16_t)rule,
                              .src_port = (uint16_t)between(m, 1024, 65535),
                              .dest_port = (uint16_t)dest_port,
                              .src = src,
                              .dest = dest };
    return a;
}

static void noise(struct maker *m, unsigned state, uint64_t day_ms)
{
    static const unsigned ports[] = { 53, 443, 80, 80, 443, 80, 6881 };
    uint64_t h = insider(m, state);
    enum rule rule = (enum rule)between(m, R_INFO_DNS, R_P2P);
    uint32_t of = truth(m, DAYS_NOISE, state, -1);
    unsigned n = between(m, 5, 200);
    uint32_t name = 1 + below(m, 50);
    for (unsigned i = 0; i < n; i++) {
        struct days_alert *a =
            raise_alert(m, of, rule, h, outsider(m), ports[rule], day_ms + dice(m) % DAY);
        a->name = name; /* names that everybody asks for */
    }
}

/* A bad day of the feed: its rule takes a name that everybody asks for for an attacker's. */
static void mistaken(struct maker *m, uint64_t day_ms)
{
    uint32_t name = 1 + below(m, 50);
    uint64_t cloud = outsider(m);
    for (unsigned k = between(m, 3, 9); k; k--) {
        unsigned state = below(m, DAYS_STATES);
        uint64_t h = insider(m, state);
        uint32_t of = truth(m, DAYS_NOISE, state, -1);
        for (unsigned i = between(m, 1, 5); i; i--)
            raise_alert(m, of, R_C2_TLS, h, cloud, 443, day_ms + dice(m) % DAY)->name = name;
    }
}

static void scan(struct maker *m, unsigned state, uint64_t day_ms, unsigned hosts)
{
    static const enum rule tools[] = { R_SCAN_SQL, R_SCAN_NMAP, R_SCAN_WEB };
    uint64_t attacker = outsider(m), at = day_ms + dice(m) % (DAY - 4 * HOUR);
    uint32_t of = truth(m, DAYS_SCAN, state, -1);
    enum rule rule = tools[below(m, 3)];
    for (unsigned i = 0; i < hosts; i++)
        raise_alert(m, of, rule, attacker, insider(m, state), rule == R_SCAN_SQL ? 1433 : 80,
                    at += between(m, 1, 2000));
}

static void known_bad(struct maker *m, unsigned state, uint64_t day_ms)
{
    uint64_t attacker = outsider(m);
    uint32_t of = truth(m, DAYS_SCAN, state, -1);
    enum rule rule = chance(m, 50) ? R_DROP : R_CINS;
    for (unsigned i = between(m, 2, 60); i; i--)
        raise_alert(m, of, rule, attacker, insider(m, state), between(m, 1, 9999),
                    day_ms + dice(m) % DAY);
}

static void guessing(struct maker *m, unsigned state, uint64_t day_ms)
{
    uint64_t victim = insider(m, state), at = day_ms + dice(m) % (DAY - 8 * HOUR);
    uint32_t of = truth(m, DAYS_GUESSING, state, -1);
    unsigned attackers = chance(m, 30) ? between(m, 5, 20) : 1;
    enum rule rule = chance(m, 70) ? R_SSH : R_RDP;
    for (unsigned k = 0; k < attackers; k++) {
        uint64_t attacker = outsider(m);
        for (unsigned i = between(m, 30, 300); i; i--)
            raise_alert(m, of, rule, attacker, victim, rule == R_SSH ? 22 : 3389,
                        at + dice(m) % (6 * HOUR));
    }
}

/* What a command server is known by: a name, or its address alone. */
struct master {
    uint64_t address;
    uint32_t name;
};

static struct master master_make(struct maker *m)
{
    return (struct master){ outsider(m), chance(m, 75) ? 1000 + ++m->names : 0 };
}

static void talk_once(struct maker *m, uint32_t of, uint64_t victim, struct master c2, uint64_t at)
{
    static const uint64_t resolver = 0x6080808; /* one that the whole region asks */
    struct days_alert *a;
    if (c2.name && chance(m, 25)) {
        a = raise_alert(m, of, R_C2_DNS, victim, resolver, 53, at);
    } else if (c2.name && chance(m, 60)) {
        a = raise_alert(m, of, R_C2_TLS, victim, c2.address, 443, at);
    } else if (chance(m, 20)) { /* seen in the server's half: packet to the client */
        a = raise_alert(m, of, R_CERT, c2.address, victim, 40000, at);
        a->src_port = 443;
        a->to_client = true;
    } else {
        a = raise_alert(m, of, R_C2_HTTP, victim, c2.address, 80, at);
    }
    if (a->rule != R_CERT)
        a->name = c2.name;
}

/* A victim's talk with its master, and sometimes what leaves; returns when it began. */
static void talk(struct maker *m, uint32_t of, uint64_t victim, struct master c2, uint64_t at)
{
    uint64_t end = at + between(m, 2, 30) * HOUR, step = between(m, 5, 30) * MINUTE;
    m->d->truths[of].tier1 |= highest(victim);
    for (uint64_t t = at; t < end; t += step / 2 + dice(m) % step)
        talk_once(m, of, victim, c2, t);
    if (chance(m, 30)) {
        struct days_alert *a = raise_alert(m, of, R_EXFIL, victim, c2.address, 80, at + 2 * HOUR);
        a->name = c2.name;
    }
}

static void infection(struct maker *m, unsigned state, uint64_t at, struct master c2, int campaign,
                      bool high)
{
    uint64_t victim = high ? host(state, below(m, 128)) : insider(m, state);
    talk(m, truth(m, DAYS_ATTACK, state, campaign), victim, c2, at);
}

/* Attempts on some networks of a state by one attacker; one of the hosts falls, or none. */
static void attempts(struct maker *m, unsigned state, uint64_t attacker, enum rule rule,
                     uint64_t at, bool falls, struct master c2, int campaign)
{
    uint32_t of = truth(m, falls ? DAYS_ATTACK : DAYS_ATTEMPT, state, falls ? campaign : -1);
    unsigned tried = 0;
    uint64_t fallen = 0, fell_at = 0;
    for (unsigned nets = between(m, 1, 4); nets; nets--) {
        unsigned net = below(m, 8) * 256;
        for (unsigned i = between(m, 3, 60); i; i--) {
            uint64_t victim = host(state, net + below(m, 256));
            raise_alert(m, of, rule, attacker, victim, rule == R_SMB ? 445 : 80,
                        at += between(m, 100, 9000));
            if (!below(m, ++tried)) {
                fallen = victim;
                fell_at = at;
            }
        }
    }
    if (!falls)
        return;
    if (chance(m, 60)) {
        struct days_alert *a =
            raise_alert(m, of, R_RESPONSE, fallen, attacker, 50000, fell_at + 2000);
        a->src_port = 80;
        a->to_client = true;
    }
    talk(m, of, fallen, c2, fell_at + between(m, 1, 40) * MINUTE);
}

static unsigned pick_states(struct maker *m, unsigned out[DAYS_STATES])
{
    unsigned n = between(m, 2, 7), first = below(m, DAYS_STATES), step = between(m, 1, 2) * 2 - 1;
    for (unsigned i = 0; i < n; i++)
        out[i] = (first + i * step * 2) % DAYS_STATES;
    return n > 7 ? 7 : n;
}

static void phishing_wave(struct maker *m, uint64_t day_ms, bool many)
{
    unsigned states[DAYS_STATES], n = pick_states(m, states);
    uint32_t name = 1000 + ++m->names;
    uint64_t site = outsider(m), at = day_ms + dice(m) % (DAY - 10 * HOUR);
    int campaign = many ? m->d->campaign_count++ : -1;
    for (unsigned k = 0; k < (many ? n : 1); k++) {
        uint32_t of = truth(m, DAYS_PHISHING, states[k], campaign);
        for (unsigned v = between(m, 2, 25); v; v--) {
            uint64_t victim = insider(m, states[k]), t = at + dice(m) % (10 * HOUR);
            raise_alert(m, of, R_PHISH, victim, site, 80, t)->name = name;
            if (chance(m, 25))
                raise_alert(m, of, R_PHISH_POST, victim, site, 80, t + 30000)->name = name;
        }
    }
}

static void malware_wave(struct maker *m, uint64_t day_ms)
{
    unsigned states[DAYS_STATES], n = pick_states(m, states);
    struct master c2 = master_make(m);
    int campaign = m->d->campaign_count++;
    uint64_t at = day_ms + dice(m) % (DAY - 6 * HOUR);
    for (unsigned k = 0; k < n; k++)
        for (unsigned v = between(m, 1, 4); v; v--)
            infection(m, states[k], at + dice(m) % (6 * HOUR), c2, campaign, chance(m, 15));
}

/* An exploit that spreads by itself: each fallen host attacks another state's. */
static void worm(struct maker *m, uint64_t day_ms)
{
    unsigned states[DAYS_STATES], n = pick_states(m, states);
    struct master c2 = { outsider(m), 1000 + ++m->names };
    int campaign = m->d->campaign_count++;
    uint64_t at = day_ms + dice(m) % (6 * HOUR), attacker = outsider(m);
    for (unsigned k = 0; k < n; k++) {
        attempts(m, states[k], attacker, R_SMB, at, 1, c2, campaign);
        at += between(m, 30, 120) * MINUTE;
        attacker = insider(m, states[k]);
    }
}

static void flood(struct maker *m, unsigned state, uint64_t day_ms)
{
    uint64_t victim = insider(m, state), at = day_ms + dice(m) % (DAY - HOUR);
    uint32_t of = truth(m, DAYS_FLOOD, state, -1);
    for (unsigned i = between(m, 500, 3000); i; i--)
        raise_alert(m, of, R_DOS, outsider(m), victim, 53, at + dice(m) % HOUR);
}

static unsigned times(double scale, unsigned n)
{
    return (unsigned)ceil(scale * n);
}

static void make_day(struct maker *m, uint64_t day_ms, double scale)
{
    for (unsigned s = 0; s < DAYS_STATES; s++) {
        for (unsigned i = times(scale, 20); i; i--)
            noise(m, s, day_ms);
        for (unsigned i = times(scale, 3); i; i--)
            scan(m, s, day_ms, between(m, 50, 600));
        for (unsigned i = times(scale, 5); i; i--)
            known_bad(m, s, day_ms);
        if (chance(m, 50))
            guessing(m, s, day_ms);
        for (unsigned i = between(m, 0, 2); i; i--)
            attempts(m, s, outsider(m), (enum rule)between(m, R_LOG4J, R_ROUTER),
                     day_ms + dice(m) % (DAY - 2 * HOUR), chance(m, 15), master_make(m), -1);
        if (chance(m, 25))
            infection(m, s, day_ms + dice(m) % DAY, master_make(m), -1, chance(m, 15));
        if (chance(m, 10))
            flood(m, s, day_ms);
    }
    mistaken(m, day_ms);
    phishing_wave(m, day_ms, true);
    phishing_wave(m, day_ms, true);
    phishing_wave(m, day_ms, false);
    malware_wave(m, day_ms);
    malware_wave(m, day_ms);
    if (chance(m, 50))
        worm(m, day_ms);
}

static int by_time(const void *a, const void *b)
{
    const struct days_alert *x = a, *y = b;
    if (x->time_ms != y->time_ms)
        return x->time_ms < y->time_ms ? -1 : 1;
    return x->truth < y->truth ? -1 : x->truth > y->truth;
}

struct days *days_make(uint64_t seed, unsigned days, double scale)
{
    struct maker m = { .d = xcalloc(1, sizeof *m.d), .seed = seed * 7919 + 1 };
    m.d->start_ms = 1790000000000ull / DAY * DAY;
    m.d->days = days;
    for (unsigned i = 0; i < days; i++)
        make_day(&m, m.d->start_ms + i * DAY, scale);
    qsort(m.d->alerts, m.d->alert_count, sizeof *m.d->alerts, by_time);
    return m.d;
}

void days_free(struct days *d)
{
    free(d->truths);
    free(d->alerts);
    free(d);
}

/* ---- lines ----------------------------------------------------------------------------------- */

static void add_app(const struct days_alert *a, const struct rule_text *r, struct buf *out)
{
    char name[64];
    snprintf(name, sizeof name, a->name < 1000 ? "cdn%u.popular.example" : "n%u.bad.example",
             a->name);
    if (*r->app)
        buf_printf(out, ",\"app_proto\":\"%s\"", r->app);
    if (!a->name)
        return;
    if (!strcmp(r->app, "dns"))
        buf_printf(out, ",\"dns\":{\"type\":\"query\",\"rrname\":\"%s\"}", name);
    else if (!strcmp(r->app, "tls"))
        buf_printf(out, ",\"tls\":{\"sni\":\"%s\"}", name);
    else if (!strcmp(r->app, "http"))
        buf_printf(out, ",\"http\":{\"hostname\":\"%s\",\"http_method\":\"GET\"}", name);
}

void days_line(const struct days_alert *a, struct buf *out)
{
    const struct rule_text *r = &rules[a->rule];
    char time[CLOCK_TEXT_MAX], src[64], dest[64];
    clock_format_eve(a->time_ms * NS_PER_MS, time);
    host_text(a->src, a->time_ms, src);
    host_text(a->dest, a->time_ms, dest);
    buf_printf(out,
               "{\"timestamp\":\"%s\",\"flow_id\":%llu,\"event_type\":\"alert\",\"src_ip\":\"%s\","
               "\"src_port\":%u,\"dest_ip\":\"%s\",\"dest_port\":%u,\"proto\":\"%s\"",
               time, (unsigned long long)(a->src * 31 + a->src_port), src, a->src_port, dest,
               a->dest_port, a->dest_port == 53 || a->rule == R_P2P ? "UDP" : "TCP");
    if (a->to_client)
        buf_text(out, ",\"direction\":\"to_client\"");
    buf_printf(out,
               ",\"alert\":{\"action\":\"allowed\",\"gid\":1,\"signature_id\":%u,\"rev\":2,"
               "\"signature\":\"%s\",\"category\":\"%s\",\"severity\":%u",
               r->sid, r->name, r->category, r->severity);
    if (*r->metadata)
        buf_printf(out, ",\"metadata\":{%s}", r->metadata);
    buf_text(out, "}");
    add_app(a, r, out);
    buf_printf(out,
               ",\"abeng\":{\"ruleset\":\"et-2026-11-20\",\"feed\":\"et-open\",\"home\":\"%s\"}}\n",
               state_at(a->state)->code);
}
