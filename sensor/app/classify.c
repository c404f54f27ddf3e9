/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nDPI within a budget. Its memory goes through two hooks that are global in the library: they hand
 * out blocks of the calling worker's slab while a packet is being looked at, and malloc at set-up,
 * and remember in front of each block where it came from.
 */
#include "config.h"
#include "sensor/app/classify.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <ndpi_api.h>

#include "common/json.h"
#include "common/log.h"
#include "common/rate.h"
#include "common/slab.h"
#include "common/xalloc.h"
#include "sensor/decode/packet.h"
#include "sensor/flow/flow.h"

#define BUDGET_TCP 10
#define BUDGET_UDP 6
/* New flows a second of packet time that nDPI is given, and how many at once: a flood of flows that
 * nobody answers must not take the time of those that carry something. */
#define FLOWS_PER_S 20000u
#define FLOWS_BURST 20000u
#define NS_PER_MS   1000000u

enum classify_counter {
    CLASSIFY_FLOWS,
    CLASSIFY_PACKETS,
    CLASSIFY_BUDGET,
    CLASSIFY_NO_MEMORY,
    CLASSIFY_RATE,
};

const struct counter_def classify_counters[] = {
    [CLASSIFY_FLOWS] = { "classify.flows", "Flows given to nDPI" },
    [CLASSIFY_PACKETS] = { "classify.packets", "Packets given to nDPI" },
    [CLASSIFY_BUDGET] = { "classify.budget",
                          "Flows whose packet budget was used up before a result" },
    [CLASSIFY_NO_MEMORY] = { "classify.no_memory", "Flows not classified: memory cap" },
    [CLASSIFY_RATE] = { "classify.rate", "Packets whose flow had to wait: too many new flows" },
    { NULL, NULL },
};

struct classify_ctx {
    struct ndpi_detection_module_struct *module;
    struct slab *slab;
    struct counter_block *counters;
    unsigned budget_tcp, budget_udp;
    struct rate rate; /* of new flows */
};

/** Fingerprints, kept only by flows that have one. */
struct classify_hashes {
    char ja3[33], ja3s[33], hassh[33], hassh_server[33];
};

/** A flow's slot. */
struct classify_flow {
    struct ndpi_flow_struct *ndpi; /* NULL once final */
    struct classify_hashes *hashes;
    uint64_t risk;
    uint16_t master, app, category;
    uint8_t confidence, packets;
    bool over, final; /* over: no packet comes any more */
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

struct classify_ctx *classify_create(unsigned packets_tcp, unsigned packets_udp, struct slab *slab,
                                     struct counter_block *counters)
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
    c->slab = slab;
    c->counters = counters;
    rate_init(&c->rate, FLOWS_PER_S, FLOWS_BURST);
    c->budget_tcp = packets_tcp ? packets_tcp : BUDGET_TCP;
    c->budget_udp = packets_udp ? packets_udp : BUDGET_UDP;
    return c;
}

void classify_free(struct classify_ctx *c)
{
    if (!c)
        return;
    ndpi_exit_detection_module(c->module);
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
}

static struct classify_flow *flow_make(struct classify_ctx *c, struct flow *f)
{
    struct classify_flow *cf = slab_try_zalloc(c->slab, sizeof(*cf));
    if (cf)
        cf->ndpi = slab_try_zalloc(c->slab, sizeof(*cf->ndpi));
    if (!cf || !cf->ndpi) {
        counter_add(c->counters, CLASSIFY_NO_MEMORY, 1);
        slab_free(c->slab, cf, sizeof(*cf));
        return NULL;
    }
    counter_add(c->counters, CLASSIFY_FLOWS, 1);
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
    cf->final = true;
}

static void flow_give_up(struct classify_ctx *c, struct classify_flow *cf)
{
    uint8_t guessed = 0;
    hook_slab = c->slab;
    ndpi_protocol found = ndpi_detection_giveup(c->module, cf->ndpi, 1, &guessed);
    hook_slab = NULL;
    flow_settle(c, cf, &found);
}

void classify_packet(struct classify_ctx *c, struct flow *f, unsigned dir, const struct packet *p)
{
    (void)dir;
    struct classify_flow *cf = f->slot[FLOW_SLOT_CLASSIFY];
    /* An ICMP error belongs to the flow it speaks of, but is none of its packets. */
    if ((cf && cf->final) || p->payload_len == 0 || !p->l3 || p->flags & PACKET_F_PSEUDO ||
        p->proto != f->proto)
        return;
    if (!cf && !rate_take(&c->rate, p->now_ns)) {
        counter_add(c->counters, CLASSIFY_RATE, 1);
        return;
    }
    if (!cf && !(cf = flow_make(c, f)))
        return;
    uint16_t len = p->l3_len > UINT16_MAX ? UINT16_MAX : (uint16_t)p->l3_len;
    counter_add(c->counters, CLASSIFY_PACKETS, 1);
    hook_slab = c->slab;
    ndpi_protocol found =
        ndpi_detection_process_packet(c->module, cf->ndpi, p->l3, len, p->now_ns / NS_PER_MS);
    bool more = found.app_protocol == NDPI_PROTOCOL_UNKNOWN ||
                ndpi_extra_dissection_possible(c->module, cf->ndpi);
    hook_slab = NULL;
    cf->packets++;
    if (!more) {
        flow_settle(c, cf, &found);
    } else if (cf->packets >= (f->proto == PACKET_PROTO_TCP ? c->budget_tcp : c->budget_udp)) {
        counter_add(c->counters, CLASSIFY_BUDGET, found.app_protocol == NDPI_PROTOCOL_UNKNOWN);
        flow_give_up(c, cf);
    } else {
        keep_protocol(cf, &found);
    }
}

void classify_finish(struct classify_ctx *c, struct flow *f)
{
    (void)c;
    struct classify_flow *cf = f->slot[FLOW_SLOT_CLASSIFY];
    if (cf)
        cf->over = true;
}

/** The flow's slot as it can be told; a flow that nobody asks about need not be guessed at. */
static const struct classify_flow *flow_known(struct classify_ctx *c, struct flow *f)
{
    struct classify_flow *cf = f->slot[FLOW_SLOT_CLASSIFY];
    if (cf && cf->over && !cf->final)
        flow_give_up(c, cf);
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
                                     .final = cf->final };
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
