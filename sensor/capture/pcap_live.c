/* SPDX-License-Identifier: Apache-2.0 */
/* Live capture through libpcap, where AF_PACKET is not to be had. It reuses its buffer, so frames
 * are copied. */
#include "config.h"

#include <pcap/pcap.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/xalloc.h"
#include "sensor/capture/source.h"

#define SNAPLEN   65536
#define BUFFER_MS 20

struct capture_pcap {
    struct capture base;
    pcap_t *pcap;
    uint32_t link;
    uint8_t *room; /* one burst of frames */
};

static void frame_copy(struct capture_pcap *c, struct frame *out, unsigned at,
                       const struct pcap_pkthdr *h, const uint8_t *data)
{
    uint8_t *room = c->room + (size_t)at * SNAPLEN;
    uint32_t len = h->caplen > SNAPLEN ? SNAPLEN : h->caplen;
    memcpy(room, data, len);
    *out = (struct frame){
        .data = room,
        .len = len,
        .wire_len = h->len,
        .ts_ns = (uint64_t)h->ts.tv_sec * 1000000000u +
                 (uint64_t)h->ts.tv_usec, /* nanoseconds, as asked for */
        .link = c->link,
    };
}

static int pcap_live_next(struct capture *base, struct frame *out, unsigned max, unsigned wait_ms)
{
    struct capture_pcap *c = (struct capture_pcap *)base;
    unsigned got = 0;
    struct pcap_pkthdr *h;
    const uint8_t *data;
    struct pollfd p = { .fd = pcap_get_selectable_fd(c->pcap), .events = POLLIN };
    if (p.fd >= 0)
        (void)poll(&p, 1, (int)wait_ms);
    while (got < max) {
        int r = pcap_next_ex(c->pcap, &h, &data);
        if (r < 0 && !got)
            return ABENG_EIO;
        if (r <= 0)
            break;
        frame_copy(c, &out[got], got, h, data);
        got++;
    }
    return (int)got;
}

static void pcap_live_refresh(struct capture *base)
{
    struct capture_pcap *c = (struct capture_pcap *)base;
    struct pcap_stat stats;
    if (pcap_stats(c->pcap, &stats) == 0)
        base->counts.kernel_drops = stats.ps_drop;
    base->counts.received = base->counts.packets + base->counts.kernel_drops;
}

static void pcap_live_close(struct capture *base)
{
    struct capture_pcap *c = (struct capture_pcap *)base;
    pcap_close(c->pcap);
    free(c->room);
    free(c);
}

const struct capture_source capture_source_pcap = {
    .name = "pcap",
    .next = pcap_live_next,
    .refresh = pcap_live_refresh,
    .close = pcap_live_close,
};

/* libpcap's own names of link types differ from the ones in files for raw IP only. */
static uint32_t link_of(pcap_t *pcap)
{
    int link = pcap_datalink(pcap);
    return link == DLT_RAW ? 101 : (uint32_t)link;
}

struct capture *capture_open_pcap(const char *interface, char *reason, size_t reason_len)
{
    char why[PCAP_ERRBUF_SIZE] = "";
    pcap_t *pcap = pcap_create(interface, why);
    if (!pcap) {
        snprintf(reason, reason_len, "%s: %s", interface, why);
        return NULL;
    }
    pcap_set_snaplen(pcap, SNAPLEN);
    pcap_set_promisc(pcap, 1);
    pcap_set_timeout(pcap, BUFFER_MS);
    int nano = pcap_set_tstamp_precision(pcap, PCAP_TSTAMP_PRECISION_NANO);
    if (nano != 0 || pcap_activate(pcap) < 0 || pcap_setnonblock(pcap, 1, why) != 0) {
        snprintf(reason, reason_len, "%s: %s", interface,
                 nano ? "no nanoseconds" : pcap_geterr(pcap));
        pcap_close(pcap);
        return NULL;
    }
    struct capture_pcap *c = xcalloc(1, sizeof(*c));
    capture_init(&c->base, &capture_source_pcap, interface);
    c->pcap = pcap;
    c->link = link_of(pcap);
    c->room = xcalloc(CAPTURE_BURST_MAX, SNAPLEN);
    return &c->base;
}
