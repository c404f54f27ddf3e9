/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of flows: by nDPI's tables where the first packet tells, by nDPI itself within a budget
 * where it doesn't. Its memory goes through two hooks that are global in the library: they hand
 * out blocks of the calling worker's slab while a packet is being looked at, and malloc at set-up,
 * and remember in front of each block where it came from.
 */
#include "config.h"
#include "sensor/app/classify.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <ndpi_api.h>

#include "common/json.h"
#include "common/log.h"
#include "common/rate.h"
#include "common/slab.h"
#include "common/xalloc.h"
#include "sensor/app/app.h"
#include "sensor/app/held.h"
#include "sensor/app/hosts.h"
#include "sensor/app/named.h"
#include "sensor/app/servers.h"
#include "sensor/decode/packet.h"
#include "sensor/flow/flow.h"

#define BUDGET_TCP 10
#define BUDGET_UDP 6
/* Of a flow that has no name by then, for few get one later and each packet costs a dozen
 * dissectors. */
#define UNNAMED_TCP 6
#define UNNAMED_UDP 4
/* A flow that has no name after so many packets tells against its server (servers.h). */
#define FAILED_PACKETS 2
/* New flows a second of packet time that nDPI is given, and how many at once: a flood of flows that
 * nobody answers must not take the time of those that carry something. */
#define FLOWS_PER_S 20000u
#define FLOWS_BURST 20000u
#define NS_PER_MS   1000000u
/* Packets of named flows that are held in case of an alert: of each flow the first of either side
 * and the server's bare ACK between them, without which nDPI does not read an HTTP answer's fields;
 * some hundred milliseconds of them where thousands of flows begin in a second. */
#define HELD_BYTES (2u << 20)
#define HELD_FLOW  3u /* of a flow at most */
#define HELD_ACK   2u /* the kind of packet beside the two directions */

/* Whether this nDPI puts a QUIC hello together from frames in any order. */
#define NDPI_READS_MIXED (NDPI_MAJOR > 4 || (NDPI_MAJOR == 4 && NDPI_MINOR > 2))

#define PORT_DNS   53
#define PORT_MDNS  5353
#define PORT_HTTPS 443

enum classify_counter {
    CLASSIFY_FLOWS,
    CLASSIFY_PACKETS,
    CLASSIFY_BUDGET,
    CLASSIFY_NO_MEMORY,
    CLASSIFY_RATE,
    CLASSIFY_NAMED,
    CLASSIFY_ASKED,
    CLASSIFY_FORGOTTEN,
    CLASSIFY_HOPELESS,
};

const struct counter_def classify_counters[] = {
    [CLASSIFY_FLOWS] = { "classify.flows", "Flows given to nDPI" },
    [CLASSIFY_PACKETS] = { "classify.packets", "Packets given to nDPI" },
    [CLASSIFY_BUDGET] = { "classify.budget",
                          "Flows whose packet budget was used up before a result" },
    [CLASSIFY_NO_MEMORY] = { "classify.no_memory", "Flows not classified: memory cap" },
    [CLASSIFY_RATE] = { "classify.rate", "Packets whose flow had to wait: too many new flows" },
    [CLASSIFY_NAMED] = { "classify.named", "Flows named by their first packet, without nDPI" },
    [CLASSIFY_ASKED] = { "classify.asked", "Of these, given to nDPI because an alert was raised" },
    [CLASSIFY_FORGOTTEN] = { "classify.forgotten",
                             "Flows that nDPI was to have, when their first packets were gone" },
    [CLASSIFY_HOPELESS] = { "classify.hopeless",
                            "Flows not given to nDPI, which had no name for their server's last" },
    { NULL, NULL },
};

struct classify_ctx {
    struct ndpi_detection_module_struct *module;
    struct app_ctx *apps;
    struct slab *slab;
    struct counter_block *counters;
    unsigned budget_tcp, budget_udp;
    struct rate rate;  /* of new flows */
    struct held *held; /* NULL: every flow is nDPI's */
    struct hosts *hosts;     /* NULL: likewise */
    struct servers *servers; /* NULL: likewise */
};

/** Fingerprints, kept only by flows that have one. */
struct classify_hashes {
    char ja3[33], ja3s[33], hassh[33], hassh_server[33];
};

enum classify_stage {
    STAGE_WAITS, /* named, but the server's answer may say more */
    STAGE_NAMED, /* without nDPI, which can be asked yet */
    STAGE_ASKED, /* nDPI is given its packets */
    STAGE_FINAL,
};

/** A flow's slot. */
struct classify_flow {
    struct ndpi_flow_struct *ndpi; /* STAGE_ASKED */
    struct classify_hashes *hashes;
    uint64_t risk;
    uint64_t held; /* place of the packet that was held last */
    uint16_t master, app, category;
    uint8_t confidence, packets; /* given to nDPI */
    uint8_t stage, seen;         /* bits: a packet of that kind is held, or nDPI's */
    bool over;                   /* no packet comes any more */
};

/* ---- nDPI's memory ------------------------------------------------------------------------- */

/** Stands in front of each block that nDPI gets; 16 bytes, so that alignment holds. */
struct block_head {
    struct slab *owner; /* NULL: malloc */
    size_t size;        /* with the head */
};

/**
 * The slab of the worker that is inside nDPI now; the hooks have no argument that could carry it.
 */
static _Thread_local struct slab *hook_slab;

static void *hook_malloc(size_t size)
{
    if (size > SIZE_MAX - sizeof(struct block_head))
        return NULL;
    size += sizeof(struct block_head);
    struct block_head *head = hook_slab ? slab_try_alloc(hook_slab, size) : malloc(size);
    if (!head)
        return NULL;
    *head = (struct block_head){ hook_slab, size };
    return head + 1;
}

static void hook_free(void *block)
{
    if (!block)
        return;
    struct block_head *head = (struct block_head *)block - 1;
    if (head->owner)
        slab_free(head->owner, head, head->size);
    else
        free(head);
}

static void hooks_set(void)
{
    set_ndpi_malloc(hook_malloc);
    set_ndpi_free(hook_free);
    set_ndpi_flow_malloc(hook_malloc);
    set_ndpi_flow_free(hook_free);
}

/* ---- life ---------------------------------------------------------------------------------- */

struct classify_ctx *classify_create(const struct classify_conf *conf, struct app_ctx *apps,
                                     struct slab *slab, struct counter_block *counters)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, hooks_set);
    struct ndpi_detection_module_struct *module =
        ndpi_init_detection_module(ndpi_dont_load_tor_hosts);
    if (!module) {
        log_error("app", "nDPI cannot be initialised: flows get no protocol names from it");
        return NULL;
    }
    NDPI_PROTOCOL_BITMASK all;
    NDPI_BITMASK_SET_ALL(all);
    ndpi_set_protocol_detection_bitmask2(module, &all);
    ndpi_finalize_initialization(module);
    struct classify_ctx *c = xcalloc(1, sizeof(*c));
    c->module = module;
    c->apps = apps;
    c->slab = slab;
    c->counters = counters;
    rate_init(&c->rate, FLOWS_PER_S, FLOWS_BURST);
    c->budget_tcp = conf->packets_tcp ? conf->packets_tcp : BUDGET_TCP;
    c->budget_udp = conf->packets_udp ? conf->packets_udp : BUDGET_UDP;
    c->held = conf->every_flow ? NULL : held_create(HELD_BYTES);
    c->hosts = c->held ? hosts_create() : NULL;
    c->servers = c->held ? servers_create() : NULL;
    return c;
}

void classify_free(struct classify_ctx *c)
{
    if (!c)
        return;
    ndpi_exit_detection_module(c->module);
    held_free(c->held);
    hosts_free(c->hosts);
    servers_free(c->servers);
    free(c);
}

static void ndpi_flow_drop(struct classify_ctx *c, struct classify_flow *cf)
{
    if (!cf->ndpi)
        return;
    hook_slab = c->slab;
    ndpi_free_flow_data(cf->ndpi);
    hook_slab = NULL;
    slab_free(c->slab, cf->ndpi, sizeof(*cf->ndpi));
    cf->ndpi = NULL;
}

void classify_flow_free(struct classify_ctx *c, struct flow *f)
{
    struct classify_flow *cf = f->slot[FLOW_SLOT_CLASSIFY];
    if (!cf)
        return;
    ndpi_flow_drop(c, cf);
    slab_free(c->slab, cf->hashes, sizeof(*cf->hashes));
    slab_free(c->slab, cf, sizeof(*cf));
    f->slot[FLOW_SLOT_CLASSIFY] = NULL;
    f->flags &= ~FLOW_F_CLASSIFIED;
}

static struct classify_flow *flow_make(struct classify_ctx *c, struct flow *f)
{
    struct classify_flow *cf = slab_try_zalloc(c->slab, sizeof(*cf));
    counter_add(c->counters, CLASSIFY_NO_MEMORY, !cf);
    f->slot[FLOW_SLOT_CLASSIFY] = cf;
    return cf;
}

/* ---- results ------------------------------------------------------------------------------- */

static void keep_hash(char to[33], const char *from)
{
    memcpy(to, from, 32);
    to[32] = '\0';
}

/** The union `protos` belongs to the protocol that filled it: ask which. */
static void keep_hashes(struct classify_ctx *c, struct classify_flow *cf,
                        const ndpi_protocol *found)
{
    const struct ndpi_flow_struct *n = cf->ndpi;
    uint16_t base = found->master_protocol ? found->master_protocol : found->app_protocol;
    bool tls = base == NDPI_PROTOCOL_TLS || base == NDPI_PROTOCOL_QUIC ||
               base == NDPI_PROTOCOL_DTLS || base == NDPI_PROTOCOL_MAIL_SMTPS ||
               base == NDPI_PROTOCOL_MAIL_IMAPS || base == NDPI_PROTOCOL_MAIL_POPS;
    bool ssh = base == NDPI_PROTOCOL_SSH;
    if (!(tls && (n->protos.tls_quic.ja3_client[0] || n->protos.tls_quic.ja3_server[0])) &&
        !(ssh && (n->protos.ssh.hassh_client[0] || n->protos.ssh.hassh_server[0])))
        return;
    cf->hashes = slab_try_zalloc(c->slab, sizeof(*cf->hashes));
    if (!cf->hashes) {
        counter_add(c->counters, CLASSIFY_NO_MEMORY, 1);
        return;
    }
    if (ssh) {
        keep_hash(cf->hashes->hassh, n->protos.ssh.hassh_client);
        keep_hash(cf->hashes->hassh_server, n->protos.ssh.hassh_server);
    } else {
        keep_hash(cf->hashes->ja3, n->protos.tls_quic.ja3_client);
        keep_hash(cf->hashes->ja3s, n->protos.tls_quic.ja3_server);
    }
}

static void keep_protocol(struct classify_flow *cf, const ndpi_protocol *found)
{
    cf->master = found->master_protocol;
    cf->app = found->app_protocol;
    cf->category = (uint16_t)found->category;
    cf->confidence = (uint8_t)cf->ndpi->confidence;
    cf->risk = cf->ndpi->risk;
}

/** Keep the result, drop nDPI's state. */
static void flow_settle(struct classify_ctx *c, struct classify_flow *cf,
                        const ndpi_protocol *found)
{
    keep_protocol(cf, found);
    keep_hashes(c, cf, found);
    ndpi_flow_drop(c, cf);
    cf->stage = STAGE_FINAL;
}

static void flow_give_up(struct classify_ctx *c, const struct flow *f, struct classify_flow *cf)
{
    bool named = cf->ndpi->detected_protocol_stack[0] != NDPI_PROTOCOL_UNKNOWN;
    uint8_t guessed = 0;
    hook_slab = c->slab;
    ndpi_protocol found = ndpi_detection_giveup(c->module, cf->ndpi, 1, &guessed);
    hook_slab = NULL;
    flow_settle(c, cf, &found);
    const struct servers_guess guess = { cf->master, cf->app, cf->category, cf->confidence };
    if (c->servers && !named)
        servers_guessed(c->servers, f, &guess);
}

/** Packets that nDPI is given of the flow. */
static unsigned budget(const struct classify_ctx *c, const struct flow *f, bool unnamed)
{
    bool tcp = f->proto == PACKET_PROTO_TCP;
    unsigned all = tcp ? c->budget_tcp : c->budget_udp, some = tcp ? UNNAMED_TCP : UNNAMED_UDP;
    return unnamed && some < all ? some : all;
}

/** What nDPI says of the flow by now is news of its server. Whether it will hardly say more. */
static bool server_learn(struct classify_ctx *c, const struct flow *f,
                         const struct classify_flow *cf, bool unnamed)
{
    if (!c->servers)
        return false;
    if (unnamed)
        return cf->packets == FAILED_PACKETS && servers_failed(c->servers, f);
    if (cf->app == NDPI_PROTOCOL_UNKNOWN) /* until now */
        servers_named(c->servers, f);
    return false;
}

/** Give nDPI one packet of the flow, as long as it wants some. */
static void flow_give(struct classify_ctx *c, struct flow *f, struct classify_flow *cf,
                      const uint8_t *l3, uint16_t len, uint64_t now_ns)
{
    if (cf->stage != STAGE_ASKED)
        return;
    counter_add(c->counters, CLASSIFY_PACKETS, 1);
    hook_slab = c->slab;
    ndpi_protocol found =
        ndpi_detection_process_packet(c->module, cf->ndpi, l3, len, now_ns / NS_PER_MS);
    bool unnamed = found.app_protocol == NDPI_PROTOCOL_UNKNOWN;
    bool more = unnamed || ndpi_extra_dissection_possible(c->module, cf->ndpi);
    hook_slab = NULL;
    cf->packets++;
    if (server_learn(c, f, cf, unnamed)) {
        flow_give_up(c, f, cf);
    } else if (!more) {
        flow_settle(c, cf, &found);
    } else if (cf->packets >= budget(c, f, unnamed)) {
        counter_add(c->counters, CLASSIFY_BUDGET, unnamed);
        flow_give_up(c, f, cf);
    } else {
        keep_protocol(cf, &found);
    }
}

static uint16_t l3_len(const struct packet *p)
{
    return p->l3_len > UINT16_MAX ? UINT16_MAX : (uint16_t)p->l3_len;
}

/** As flow_give, for the packet that is being looked at. */
static void flow_give_packet(struct classify_ctx *c, struct flow *f, struct classify_flow *cf,
                             const struct packet *p)
{
    flow_give(c, f, cf, p->l3, l3_len(p), p->now_ns);
}

/* ---- packets that are held ------------------------------------------------------------------ */

/** Hold the first packets of a flow, one of each kind: of either direction, HELD_ACK. */
static void flow_hold(struct classify_ctx *c, struct classify_flow *cf, unsigned kind,
                      const struct packet *p)
{
    if (cf->seen & 1u << kind)
        return;
    uint64_t place = held_put(c->held, p->l3, l3_len(p), p->now_ns, cf->held);
    if (place == 0)
        return;
    cf->held = place;
    cf->seen |= (uint8_t)(1u << kind);
}

/** From here on the flow is nDPI's, beginning with the packets that were held of it. */
static void flow_ask(struct classify_ctx *c, struct flow *f, struct classify_flow *cf)
{
    struct held_packet old[HELD_FLOW];
    unsigned n = 0;
    uint64_t at = cf->held;
    while (at && n < HELD_FLOW && held_get(c->held, at, &old[n]))
        at = old[n++].before;
    if (at) { /* without its first packet nDPI would say something else */
        counter_add(c->counters, CLASSIFY_FORGOTTEN, 1);
        cf->stage = STAGE_FINAL;
        return;
    }
    cf->ndpi = slab_try_zalloc(c->slab, sizeof(*cf->ndpi));
    if (!cf->ndpi) {
        counter_add(c->counters, CLASSIFY_NO_MEMORY, 1);
        cf->stage = STAGE_FINAL;
        return;
    }
    counter_add(c->counters, CLASSIFY_FLOWS, 1);
    cf->stage = STAGE_ASKED;
    while (n-- > 0)
        flow_give(c, f, cf, old[n].l3, old[n].len, old[n].now_ns);
}

void classify_ask(struct classify_ctx *c, struct flow *f)
{
    struct classify_flow *cf = f->slot[FLOW_SLOT_CLASSIFY];
    if (!cf || cf->stage >= STAGE_ASKED)
        return;
    counter_add(c->counters, CLASSIFY_ASKED, 1);
    f->flags &= ~FLOW_F_CLASSIFIED;
    flow_ask(c, f, cf);
}

/* ---- names by nDPI's tables ----------------------------------------------------------------- */

/** A name in nDPI's numbers: UNKNOWN as master when app is all there is. */
struct label {
    uint16_t master, app, category;
};

enum verdict {
    VERDICT_NDPI,  /* no name without it */
    VERDICT_WAITS, /* a name, unless the server's answer has another */
    VERDICT_NAMED,
};

/** What nDPI's list of networks says of the packet's addresses. It has IPv4 alone. */
static uint16_t by_address(struct classify_ctx *c, const struct packet *p)
{
    if (p->ip_version != 4 || p->l3_len < 20)
        return NDPI_PROTOCOL_UNKNOWN;
    struct in_addr src, dst;
    memcpy(&src, p->l3 + 12, sizeof(src));
    memcpy(&dst, p->l3 + 16, sizeof(dst));
    uint16_t found = ndpi_network_port_ptree_match(c->module, &src, htons(p->sport));
    return found != NDPI_PROTOCOL_UNKNOWN
               ? found
               : ndpi_network_port_ptree_match(c->module, &dst, htons(p->dport));
}

/** The protocol itself, or what the address says beside it; a category that stands is kept. */
static void by_protocol(struct classify_ctx *c, const struct packet *p, uint16_t proto,
                        struct label *out)
{
    uint16_t address = by_address(c, p);
    bool beside = address != NDPI_PROTOCOL_UNKNOWN && address != proto;
    out->master = beside ? proto : NDPI_PROTOCOL_UNKNOWN;
    out->app = beside ? address : proto;
    ndpi_protocol found = { out->master, out->app, NDPI_PROTOCOL_CATEGORY_UNSPECIFIED };
    if (out->category == NDPI_PROTOCOL_CATEGORY_UNSPECIFIED)
        out->category = (uint16_t)ndpi_get_proto_category(c->module, found);
}

/** What the tables say of `host`; they stay as they are once they are read. */
static const struct hosts_answer *host_look(struct classify_ctx *c, char *host)
{
    bool known;
    struct hosts_answer *answer = hosts_look(c->hosts, host, &known);
    if (known)
        return answer;
    ndpi_protocol_match_result match = { 0 };
    ndpi_protocol_category_t special = NDPI_PROTOCOL_CATEGORY_UNSPECIFIED;
    u_int len = (u_int)strlen(host);
    int found = ndpi_match_string_subprotocol(c->module, host, len, &match);
    answer->is_special = ndpi_get_custom_category_match(c->module, host, len, &special) != -1;
    answer->special = (uint16_t)special;
    if (found > NDPI_PROTOCOL_UNKNOWN) {
        answer->app = (uint16_t)found;
        answer->category = (uint16_t)match.protocol_category;
    }
    return answer;
}

/**
 * The name that `host` is known by beside the protocol it is asked in, else that of the protocol:
 * `unknown` then.
 */
static enum verdict by_host(struct classify_ctx *c, const struct packet *p, char *host,
                            uint16_t proto, enum verdict unknown, struct label *out)
{
    const struct hosts_answer *host_is = host_look(c, host);
    if (host_is->is_special) {
        out->category = host_is->special;
        if (host_is->app != NDPI_PROTOCOL_UNKNOWN)
            return VERDICT_NDPI;
    }
    if (host_is->app == NDPI_PROTOCOL_UNKNOWN) {
        by_protocol(c, p, proto, out);
        return unknown;
    }
    *out = (struct label){ proto, host_is->app, host_is->category };
    /* From a flow of these nDPI learns addresses, by which it tells others. */
    return host_is->app == NDPI_PROTOCOL_MSTEAMS || host_is->app == NDPI_PROTOCOL_ZOOM
               ? VERDICT_NDPI
               : VERDICT_NAMED;
}

static bool port_is(const struct packet *p, uint16_t port)
{
    return p->sport == port || p->dport == port;
}

/** Mail over TLS has names of its own, without an address beside. */
static bool mail_port(const struct packet *p)
{
    static const uint16_t ports[] = { 465, 587, 993, 995 };
    for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++)
        if (port_is(p, ports[i]))
            return true;
    return false;
}

/** Hosts of this shape nDPI takes for Tor's when no word is in them. */
static bool tor_shape(const char *host)
{
    size_t n = strlen(host);
    return n >= 8 && memcmp(host, "www.", 4) == 0 &&
           (memcmp(host + n - 4, ".com", 4) == 0 || memcmp(host + n - 4, ".net", 4) == 0);
}

static enum verdict name_tls(struct classify_ctx *c, const struct packet *p, struct label *out)
{
    char host[NAMED_HOST_MAX];
    if (!named_client_hello(p->payload, p->payload_len, host))
        return VERDICT_NDPI;
    enum verdict v = by_host(c, p, host, NDPI_PROTOCOL_TLS, VERDICT_WAITS, out);
    if (v == VERDICT_WAITS &&
        (mail_port(p) || (tor_shape(host) && ndpi_check_dga_name(c->module, NULL, host, 1))))
        return VERDICT_NDPI;
    return v;
}

static enum verdict name_dns(struct classify_ctx *c, const struct packet *p, struct label *out)
{
    char host[NAMED_HOST_MAX];
    if (!named_dns_query(p->payload, p->payload_len, host))
        return VERDICT_NDPI;
    return by_host(c, p, host, NDPI_PROTOCOL_DNS, VERDICT_NAMED, out);
}

/**
 * QUIC whose first packet our parser has undone (RFC 9001 5). nDPI doesn't know version 2, and 4.2
 * puts a hello together only from frames in the order of its bytes, which browsers mix: such a flow
 * is called QUIC there.
 */
static enum verdict name_quic(struct classify_ctx *c, struct flow *f, const struct packet *p,
                              struct label *out)
{
    static const uint8_t version2[] = { 0x6b, 0x33, 0x43, 0xcf };
    char host[NAMED_HOST_MAX];
    struct app_view sni;
    uint64_t mixed;
    struct app_tx *tx = app_tx_first(f);
    if (!tx || !app_tx_number(f, tx, SIG_DIR_TOSERVER, APP_NUMBER_HELLO_MIXED, &mixed) ||
        p->payload_len < 5 || memcmp(p->payload + 1, version2, sizeof(version2)) == 0 ||
        !app_tx_buffer(c->apps, f, tx, SIG_DIR_TOSERVER, SIG_BUF_QUIC_SNI, 0, &sni) ||
        !named_host(sni.data, sni.len, host))
        return VERDICT_NDPI;
    if (mixed && !NDPI_READS_MIXED) {
        by_protocol(c, p, NDPI_PROTOCOL_QUIC, out);
        return VERDICT_NAMED;
    }
    return by_host(c, p, host, NDPI_PROTOCOL_QUIC, VERDICT_NAMED, out);
}

static enum verdict name_http(struct classify_ctx *c, const struct packet *p, struct label *out)
{
    char host[NAMED_HOST_MAX];
    if (!named_http_request(p->payload, p->payload_len, host) ||
        by_host(c, p, host, NDPI_PROTOCOL_HTTP, VERDICT_WAITS, out) == VERDICT_NDPI)
        return VERDICT_NDPI;
    return VERDICT_WAITS;
}

/** The name that a flow's first packet with payload tells. */
static enum verdict name_first(struct classify_ctx *c, struct flow *f, unsigned dir,
                               const struct packet *p, struct label *out)
{
    if (!c->held || dir != 0)
        return VERDICT_NDPI;
    if (f->proto == PACKET_PROTO_TCP)
        return p->payload[0] < 0x20 ? name_tls(c, p, out) : name_http(c, p, out);
    if (f->proto != PACKET_PROTO_UDP)
        return VERDICT_NDPI;
    if (p->dport == PORT_DNS && p->sport != PORT_MDNS)
        return name_dns(c, p, out);
    return p->dport == PORT_HTTPS && app_protocol(f) == SIG_APP_QUIC ? name_quic(c, f, p, out)
                                                                     : VERDICT_NDPI;
}

/* ---- the flow's way ------------------------------------------------------------------------- */

/** What was guessed of the flows before it is what is said of this one. */
static void flow_guess(struct classify_ctx *c, struct flow *f, const struct servers_guess *guess)
{
    struct classify_flow *cf = flow_make(c, f);
    counter_add(c->counters, CLASSIFY_HOPELESS, 1);
    if (!cf)
        return;
    cf->master = guess->master;
    cf->app = guess->app;
    cf->category = guess->category;
    cf->confidence = guess->confidence;
    cf->stage = STAGE_FINAL;
}

static void flow_first(struct classify_ctx *c, struct flow *f, unsigned dir, const struct packet *p)
{
    struct label label = { 0 };
    struct servers_guess guess;
    enum verdict v = name_first(c, f, dir, p, &label);
    if (v == VERDICT_NDPI && c->servers && servers_hopeless(c->servers, f, &guess)) {
        flow_guess(c, f, &guess);
        return;
    }
    if (v == VERDICT_NDPI && !rate_take(&c->rate, p->now_ns)) {
        counter_add(c->counters, CLASSIFY_RATE, 1);
        return;
    }
    struct classify_flow *cf = flow_make(c, f);
    if (!cf)
        return;
    if (v == VERDICT_NDPI) {
        flow_ask(c, f, cf);
        flow_give_packet(c, f, cf, p);
        return;
    }
    cf->master = label.master;
    cf->app = label.app;
    cf->category = label.category;
    cf->confidence = (uint8_t)NDPI_CONFIDENCE_DPI;
    cf->stage = v == VERDICT_NAMED ? STAGE_NAMED : STAGE_WAITS;
    counter_add(c->counters, CLASSIFY_NAMED, v == VERDICT_NAMED);
    flow_hold(c, cf, dir, p);
}

/** The server has answered a ClientHello whose host is in no table, or a request. */
static void flow_answer(struct classify_ctx *c, struct flow *f, struct classify_flow *cf,
                        const struct packet *p)
{
    bool same = p->payload[0] < 0x20
                    ? named_server_hello(p->payload, p->payload_len) == NAMED_TLS_13
                    : named_http_answer(p->payload, p->payload_len);
    if (same) {
        cf->stage = STAGE_NAMED;
        counter_add(c->counters, CLASSIFY_NAMED, 1);
        flow_hold(c, cf, 1, p);
        return;
    }
    flow_ask(c, f, cf);
    flow_give_packet(c, f, cf, p);
}

static bool is_http(const struct classify_flow *cf)
{
    return cf->master == NDPI_PROTOCOL_HTTP || cf->app == NDPI_PROTOCOL_HTTP;
}

/** The server's first bare ACK behind the client's message. */
static void flow_ack(struct classify_ctx *c, struct flow *f, struct classify_flow *cf,
                     const struct packet *p)
{
    if (!is_http(cf) || cf->seen & 1u << HELD_ACK)
        return;
    if (cf->stage != STAGE_ASKED) {
        flow_hold(c, cf, HELD_ACK, p);
        return;
    }
    cf->seen |= 1u << HELD_ACK;
    flow_give_packet(c, f, cf, p);
}

/** Whether no packet of the flow is of use any more, unless an alert is raised. */
static bool is_through(const struct classify_flow *cf)
{
    unsigned kinds = 1u << 0 | 1u << 1 | (is_http(cf) ? 1u << HELD_ACK : 0);
    return cf->stage == STAGE_FINAL || (cf->stage == STAGE_NAMED && (cf->seen & kinds) == kinds);
}

static void packet_take(struct classify_ctx *c, struct flow *f, unsigned dir,
                        const struct packet *p)
{
    struct classify_flow *cf = f->slot[FLOW_SLOT_CLASSIFY];
    if (cf && cf->stage == STAGE_FINAL)
        return;
    if (p->payload_len == 0) {
        if (cf && dir == 1)
            flow_ack(c, f, cf, p);
        return;
    }
    if (!cf)
        flow_first(c, f, dir, p);
    else if (cf->stage == STAGE_ASKED)
        flow_give_packet(c, f, cf, p);
    else if (cf->stage == STAGE_WAITS && dir == 1)
        flow_answer(c, f, cf, p);
    else
        flow_hold(c, cf, dir, p);
}

void classify_packet(struct classify_ctx *c, struct flow *f, unsigned dir, const struct packet *p)
{
    /* An ICMP error belongs to the flow it speaks of, but is none of its packets. */
    if (f->flags & FLOW_F_CLASSIFIED || !p->l3 || p->flags & PACKET_F_PSEUDO ||
        p->proto != f->proto)
        return;
    packet_take(c, f, dir, p);
    const struct classify_flow *cf = f->slot[FLOW_SLOT_CLASSIFY];
    if (cf && is_through(cf))
        f->flags |= FLOW_F_CLASSIFIED;
}

void classify_close(struct classify_ctx *c, struct flow *f)
{
    struct classify_flow *cf = f->slot[FLOW_SLOT_CLASSIFY];
    if (cf && cf->stage == STAGE_ASKED)
        flow_give_up(c, f, cf);
}

void classify_finish(struct flow *f)
{
    struct classify_flow *cf = f->slot[FLOW_SLOT_CLASSIFY];
    if (cf)
        cf->over = true;
}

/** The flow's slot as it can be told; a flow that nobody asks about need not be guessed at. */
static const struct classify_flow *flow_known(struct classify_ctx *c, struct flow *f)
{
    struct classify_flow *cf = f->slot[FLOW_SLOT_CLASSIFY];
    if (cf && cf->over && cf->stage == STAGE_ASKED)
        flow_give_up(c, f, cf);
    return cf;
}

bool classify_get(struct classify_ctx *c, struct flow *f, struct classify_result *out)
{
    const struct classify_flow *cf = flow_known(c, f);
    if (!cf)
        return false;
    *out = (struct classify_result){ .master = cf->master,
                                     .app = cf->app,
                                     .category = cf->category,
                                     .risk = cf->risk,
                                     .final = cf->stage == STAGE_FINAL };
    if (cf->hashes) {
        memcpy(out->ja3, cf->hashes->ja3, sizeof(out->ja3));
        memcpy(out->ja3s, cf->hashes->ja3s, sizeof(out->ja3s));
        memcpy(out->hassh, cf->hashes->hassh, sizeof(out->hassh));
        memcpy(out->hassh_server, cf->hashes->hassh_server, sizeof(out->hassh_server));
    }
    return true;
}

static void describe_risks(uint64_t risk, struct json *out)
{
    if (!risk)
        return;
    json_open_array(out, "risk");
    for (unsigned i = 0; i < NDPI_MAX_RISK; i++)
        if (risk & UINT64_C(1) << i)
            json_str(out, NULL, ndpi_risk2str((ndpi_risk_enum)i));
    json_close_array(out);
}

static void describe_hash(const char *key, const char *hash, struct json *out)
{
    if (hash[0])
        json_str(out, key, hash);
}

void classify_describe(struct classify_ctx *c, struct flow *f, struct json *out)
{
    const struct classify_flow *cf = flow_known(c, f);
    if (!cf)
        return;
    char name[64];
    ndpi_protocol proto = { cf->master, cf->app, (ndpi_protocol_category_t)cf->category };
    uint16_t id = cf->app ? cf->app : cf->master;
    json_open(out, "ndpi");
    json_str(out, "proto", ndpi_protocol2name(c->module, proto, name, sizeof(name)));
    json_str(out, "category", ndpi_category_get_name(c->module, proto.category));
    json_str(out, "breed",
             ndpi_get_proto_breed_name(c->module, ndpi_get_proto_breed(c->module, id)));
    json_str(out, "confidence", ndpi_confidence_get_name((ndpi_confidence_t)cf->confidence));
    describe_risks(cf->risk, out);
    if (cf->hashes) {
        describe_hash("ja3", cf->hashes->ja3, out);
        describe_hash("ja3s", cf->hashes->ja3s, out);
        describe_hash("hassh", cf->hashes->hassh, out);
        describe_hash("hassh_server", cf->hashes->hassh_server, out);
    }
    json_close(out);
}
