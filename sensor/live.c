/* SPDX-License-Identifier: Apache-2.0 */
/* Counters of interfaces, peaks, and the signs of a blind sensor. */
#include "config.h"
#include "sensor/live.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/log.h"
#include "common/xalloc.h"
#include "sensor/capture/capture.h"

#define MINUTE          60u
#define WINDOW_MINUTES  (LIVE_WINDOW_S / MINUTE)
#define FLOWS_LEAST     200u   /* fewer ended flows in a window say nothing */
#define ONE_SIDED_MOST  80u    /* per cent of them */
#define SEGMENTS_LEAST  10000u /* fewer segments likewise */
#define DUPLICATES_MOST 25u    /* per cent of them */

/* What a worker says of an interface. */
struct slot {
    _Atomic uint64_t packets, bytes, received, drops, bad;
};

struct interface {
    const char *name;
    uint64_t packets, bytes, received, drops, bad; /* of the last sample */
    uint64_t peak_packets, peak_drops;   /* in one second */
    uint64_t heard_s;                    /* when the last packet came */
    bool silent;
};

struct vlan {
    uint16_t minutes; /* in which it was seen */
    uint16_t away;    /* minutes since */
    bool missing;
};

struct live_board {
    struct interface *interfaces;
    unsigned interface_count, worker_count;
    struct slot *slots; /* worker-major */
    _Atomic uint8_t seen[LIVE_VLANS];
    struct vlan vlans[LIVE_VLANS];
    struct live_flows window[WINDOW_MINUTES + 1]; /* by minute, oldest first */
    unsigned window_count;
    struct live_flows last, peak; /* sums of the last sample; most in one second of some */
    uint64_t minute; /* of the last turn */
    bool begun, one_direction, duplicates;
};

struct live_board *live_create(const char *const *names, unsigned interfaces, unsigned workers)
{
    struct live_board *b = xcalloc(1, sizeof(*b));
    b->interfaces = xcalloc(interfaces ? interfaces : 1, sizeof(*b->interfaces));
    b->slots = xcalloc((size_t)workers * interfaces + 1, sizeof(*b->slots));
    b->interface_count = interfaces;
    b->worker_count = workers;
    for (unsigned i = 0; i < interfaces; i++)
        b->interfaces[i].name = names[i];
    return b;
}

static void store(_Atomic uint64_t *to, uint64_t n)
{
    atomic_store_explicit(to, n, memory_order_relaxed);
}

static uint64_t load(_Atomic uint64_t *from)
{
    return atomic_load_explicit(from, memory_order_relaxed);
}

void live_publish(struct live_board *b, unsigned worker, unsigned interface,
                  const struct capture_counts *counts)
{
    struct slot *s = &b->slots[worker * b->interface_count + interface];
    store(&s->packets, counts->packets);
    store(&s->bytes, counts->bytes);
    store(&s->received, counts->received);
    store(&s->drops, counts->kernel_drops);
    store(&s->bad, counts->bad_blocks);
}

void live_see_vlan(struct live_board *b, uint16_t vlan)
{
    atomic_store_explicit(&b->seen[vlan % LIVE_VLANS], 1, memory_order_relaxed);
}

/* ---- judging --------------------------------------------------------------------------------- */

/* Say what begins and what is over. */
static void turn_to(bool *is, bool now, const char *about, const char *begins, const char *over)
{
    if (now && !*is)
        log_warn("live", "%s: %s", about, begins);
    else if (!now && *is)
        log_notice("live", "%s: %s", about, over);
    *is = now;
}

static void sample_interface(struct live_board *b, struct interface *f, unsigned index,
                             uint64_t now_s)
{
    uint64_t packets = 0, drops = 0;
    f->bytes = f->bad = f->received = 0;
    for (unsigned w = 0; w < b->worker_count; w++) {
        struct slot *s = &b->slots[w * b->interface_count + index];
        packets += load(&s->packets);
        f->bytes += load(&s->bytes);
        f->received += load(&s->received);
        drops += load(&s->drops);
        f->bad += load(&s->bad);
    }
    if (!b->begun || packets != f->packets)
        f->heard_s = now_s;
    if (packets - f->packets > f->peak_packets)
        f->peak_packets = packets - f->packets;
    if (drops - f->drops > f->peak_drops)
        f->peak_drops = drops - f->drops;
    f->packets = packets;
    f->drops = drops;
    turn_to(&f->silent, now_s - f->heard_s >= LIVE_SILENT_S, f->name,
            "no packet for a minute; does the mirror arrive?", "packets come again");
}

static bool share_above(uint64_t part, uint64_t whole, uint64_t least, unsigned percent)
{
    return whole >= least && part * 100 > whole * percent;
}

/* The window's first entry is as old as the window; each minute one is added. */
static void sample_flows(struct live_board *b, const struct live_flows *now)
{
    if (b->window_count == WINDOW_MINUTES + 1) {
        memmove(b->window, b->window + 1, WINDOW_MINUTES * sizeof(b->window[0]));
        b->window_count--;
    }
    b->window[b->window_count++] = *now;
    const struct live_flows *then = &b->window[0];
    turn_to(&b->one_direction,
            share_above(now->one_sided - then->one_sided, now->flows - then->flows, FLOWS_LEAST,
                        ONE_SIDED_MOST),
            "mirror", "most flows show one direction; is the other one mirrored?",
            "flows show both directions again");
    turn_to(&b->duplicates,
            share_above(now->overlaps - then->overlaps, now->tcp - then->tcp, SEGMENTS_LEAST,
                        DUPLICATES_MOST),
            "mirror", "many segments come twice; are both ports of a link mirrored?",
            "segments come once again");
}

static void sample_vlan(struct live_board *b, unsigned id)
{
    struct vlan *v = &b->vlans[id];
    char about[32];
    if (atomic_exchange_explicit(&b->seen[id], 0, memory_order_relaxed)) {
        v->minutes += v->minutes < UINT16_MAX;
        v->away = 0;
    } else if (v->minutes && v->away < UINT16_MAX) {
        v->away++;
    }
    if (!v->minutes)
        return;
    snprintf(about, sizeof(about), "VLAN %u", id);
    turn_to(&v->missing, v->minutes >= LIVE_VLAN_KNOWN_MIN && v->away >= LIVE_VLAN_MISSING_MIN,
            about, "nothing of it any more", "is there again");
}

static void peak_take(uint64_t *peak, uint64_t now, uint64_t last)
{
    if (now - last > *peak)
        *peak = now - last;
}

static void sample_peaks(struct live_board *b, const struct live_flows *now)
{
    if (b->begun) {
        peak_take(&b->peak.shed, now->shed, b->last.shed);
        peak_take(&b->peak.records_lost, now->records_lost, b->last.records_lost);
        peak_take(&b->peak.stage_drops, now->stage_drops, b->last.stage_drops);
    }
    b->last = *now;
}

void live_sample(struct live_board *b, uint64_t now_s, const struct live_flows *flows)
{
    sample_peaks(b, flows);
    for (unsigned i = 0; i < b->interface_count; i++)
        sample_interface(b, &b->interfaces[i], i, now_s);
    if (!b->begun || now_s / MINUTE != b->minute) {
        sample_flows(b, flows);
        for (unsigned id = 0; id < LIVE_VLANS && b->begun; id++)
            sample_vlan(b, id);
        b->minute = now_s / MINUTE;
    }
    b->begun = true;
}

/* ---- telling --------------------------------------------------------------------------------- */

void live_totals(const struct live_board *b, struct capture_counts *out)
{
    memset(out, 0, sizeof(*out));
    for (unsigned i = 0; i < b->interface_count; i++) {
        out->packets += b->interfaces[i].packets;
        out->bytes += b->interfaces[i].bytes;
        out->received += b->interfaces[i].received;
        out->kernel_drops += b->interfaces[i].drops;
        out->bad_blocks += b->interfaces[i].bad;
    }
}

static void write_sign(struct json *j, bool is, const char *what, const char *where)
{
    if (!is)
        return;
    json_open(j, NULL);
    json_str(j, "what", what);
    json_str(j, "where", where);
    json_close(j);
}

static void write_blind(const struct live_board *b, struct json *j)
{
    char where[16];
    json_open_array(j, "blind");
    for (unsigned i = 0; i < b->interface_count; i++)
        write_sign(j, b->interfaces[i].silent, "silent", b->interfaces[i].name);
    write_sign(j, b->one_direction, "one_direction", "mirror");
    write_sign(j, b->duplicates, "duplicates", "mirror");
    for (unsigned id = 0; id < LIVE_VLANS; id++) {
        snprintf(where, sizeof(where), "%u", id);
        write_sign(j, b->vlans[id].missing, "vlan_missing", where);
    }
    json_close_array(j);
}

void live_write(const struct live_board *b, struct json *out)
{
    json_open_array(out, "interfaces");
    for (unsigned i = 0; i < b->interface_count; i++) {
        const struct interface *f = &b->interfaces[i];
        json_open(out, NULL);
        json_str(out, "name", f->name);
        json_u64(out, "packets", f->packets);
        json_u64(out, "bytes", f->bytes);
        json_u64(out, "received", f->received);
        json_u64(out, "kernel_drops", f->drops);
        json_u64(out, "bad_blocks", f->bad);
        json_u64(out, "peak_packets_per_second", f->peak_packets);
        json_u64(out, "peak_drops_per_second", f->peak_drops);
        json_close(out);
    }
    json_close_array(out);
    json_open(out, "peaks_per_second");
    json_u64(out, "shed", b->peak.shed);
    json_u64(out, "records_lost", b->peak.records_lost);
    json_u64(out, "stage_drops", b->peak.stage_drops);
    json_close(out);
    write_blind(b, out);
}

void live_free(struct live_board *b)
{
    if (!b)
        return;
    free(b->interfaces);
    free(b->slots);
    free(b);
}
