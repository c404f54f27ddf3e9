/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading an AF_PACKET TPACKET_V3 ring. The kernel fills blocks in turn and hands each one over
 * whole; frames are views into the block, which goes back when the next burst is asked for after
 * its last frame. Whoever maps a ring that was in use goes on with the oldest block that is
 * waiting, so a restarted engine loses nothing but may see one block again.
 */
#include "config.h"

#include "sensor/capture/ring.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if_arp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/err.h"
#include "common/prefetch.h"
#include "common/xalloc.h"
#include "sensor/capture/source.h"

#define LINK_ETHERNET 1
#define LINK_RAW      101

/* What the kernel wrote lies in another core's cache: it is asked for so far ahead. */
#define PREFETCH_BYTES 2048

struct capture_ring {
    struct capture base;
    int fd;
    uint8_t *map;
    uint32_t blocks;
    uint32_t block;  /* which one is read, or waited for */
    uint32_t left;   /* frames of it that were not handed out */
    uint32_t offset; /* of the next frame in it */
    uint32_t link;
    uint32_t waiting; /* blocks that were ready when the one that is read was opened, it included */
    uint32_t index;   /* of the next frame in the open block */
    uint32_t burst;   /* of the first one of the newest burst */
    bool open; /* the block is ours */
    uint64_t kernel_packets, outgoing;
    bool loopback; /* every packet passes twice: the one that goes out is left away */
};

static struct tpacket_block_desc *block_at(const struct capture_ring *r, uint32_t i)
{
    return (struct tpacket_block_desc *)(r->map + (size_t)i * RING_BLOCK_BYTES);
}

static bool block_ready(const struct tpacket_block_desc *b)
{
    return __atomic_load_n(&b->hdr.bh1.block_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER;
}

static void block_release(struct capture_ring *r)
{
    struct tpacket_block_desc *b = block_at(r, r->block);
    __atomic_store_n(&b->hdr.bh1.block_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
    r->block = (r->block + 1) % r->blocks;
    r->open = false;
}

/* Oldest block that waits for us, else the one that the kernel fills now, which is the newest. */
static uint32_t block_first(const struct capture_ring *r)
{
    uint32_t oldest = 0, newest = 0;
    bool waiting = false;
    for (uint32_t i = 0; i < r->blocks; i++) {
        uint64_t seq = block_at(r, i)->hdr.bh1.seq_num;
        if (seq > block_at(r, newest)->hdr.bh1.seq_num)
            newest = i;
        if (block_ready(block_at(r, i)) &&
            (!waiting || seq < block_at(r, oldest)->hdr.bh1.seq_num)) {
            oldest = i;
            waiting = true;
        }
    }
    return waiting ? oldest : newest;
}

/* Ready blocks stand in a row from the one that is read on: their number by halving. */
static uint32_t blocks_waiting(const struct capture_ring *r)
{
    uint32_t low = 1, high = r->blocks;
    while (low < high) {
        uint32_t middle = low + (high - low + 1) / 2;
        if (block_ready(block_at(r, (r->block + middle - 1) % r->blocks)))
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

static bool block_open(struct capture_ring *r, unsigned wait_ms)
{
    const struct tpacket_block_desc *b = block_at(r, r->block);
    if (!block_ready(b)) {
        struct pollfd p = { .fd = r->fd, .events = POLLIN };
        if (poll(&p, 1, (int)wait_ms) <= 0 || !block_ready(b))
            return false;
    }
    r->open = true;
    r->waiting = blocks_waiting(r);
    r->left = b->hdr.bh1.num_pkts;
    r->offset = b->hdr.bh1.offset_to_first_pkt;
    r->index = r->burst = 0;
    return true;
}

static uint64_t block_number(const struct capture_ring *r)
{
    return block_at(r, r->block)->hdr.bh1.seq_num;
}

/* Next frame of the open block; false when it lies about its bounds, which ends the block. */
static bool frame_take(struct capture_ring *r, struct frame *out)
{
    const uint8_t *block = (const uint8_t *)block_at(r, r->block);
    if (r->offset > RING_BLOCK_BYTES - sizeof(struct tpacket3_hdr))
        return false;
    const struct tpacket3_hdr *h = (const struct tpacket3_hdr *)(block + r->offset);
    if ((uint64_t)r->offset + h->tp_mac + h->tp_snaplen > RING_BLOCK_BYTES)
        return false;
    *out = (struct frame){
        .data = (const uint8_t *)h + h->tp_mac,
        .len = h->tp_snaplen,
        .wire_len = h->tp_len,
        .ts_ns = (uint64_t)h->tp_sec * 1000000000u + h->tp_nsec,
        .link = r->link,
        .vlan_tci = (uint16_t)h->hv1.tp_vlan_tci,
        .vlan_present = h->tp_status & TP_STATUS_VLAN_VALID,
    };
    prefetch((const uint8_t *)h + PREFETCH_BYTES, h->tp_next_offset);
    r->offset += h->tp_next_offset;
    return true;
}

/* The link-level address stands behind the frame's header. */
static bool is_outgoing(const struct capture_ring *r)
{
    const uint8_t *frame = (const uint8_t *)block_at(r, r->block) + r->offset;
    const struct sockaddr_ll *address =
        (const struct sockaddr_ll *)(frame + TPACKET_ALIGN(sizeof(struct tpacket3_hdr)));
    return address->sll_pkttype == PACKET_OUTGOING;
}

/* Pass over what the earlier reader was through with. */
static void resume_apply(struct capture_ring *r)
{
    struct frame gone;
    if (!r->base.resume.block || block_number(r) != r->base.resume.block)
        return;
    for (; r->index < r->base.resume.through && r->left && frame_take(r, &gone); r->left--)
        r->index++;
}

static bool is_resume_skip(const struct capture_ring *r)
{
    return r->base.resume.block && r->index == r->base.resume.skip &&
           block_number(r) == r->base.resume.block;
}

static int ring_next(struct capture *c, struct frame *out, unsigned max, unsigned wait_ms)
{
    struct capture_ring *r = (struct capture_ring *)c;
    if (r->open && !r->left)
        block_release(r);
    if (!r->open && !block_open(r, wait_ms)) {
        r->waiting = 0;
        return 0;
    }
    unsigned got = 0;
    if (r->index == 0)
        resume_apply(r);
    r->burst = r->index;
    while (got < max && r->left) {
        bool skip = (r->loopback && is_outgoing(r)) || is_resume_skip(r);
        if (!frame_take(r, &out[got])) {
            c->counts.bad_blocks++;
            r->left = 0;
            break;
        }
        got += !skip;
        r->outgoing += skip && r->loopback;
        r->left--;
        r->index++;
    }
    return (int)got;
}

/* The kernel clears its counters when they are read. */
static void ring_refresh(struct capture *c)
{
    struct capture_ring *r = (struct capture_ring *)c;
    struct tpacket_stats_v3 stats;
    socklen_t len = sizeof(stats);
    if (getsockopt(r->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len) != 0)
        return;
    c->counts.kernel_drops += stats.tp_drops;
    r->kernel_packets += stats.tp_packets; /* with the drops */
    c->counts.received = r->kernel_packets > r->outgoing ? r->kernel_packets - r->outgoing : 0;
}

static unsigned ring_fill(const struct capture *c)
{
    const struct capture_ring *r = (const struct capture_ring *)c;
    return (unsigned)((uint64_t)r->waiting * 1000 / r->blocks);
}

static bool ring_place(const struct capture *c, uint64_t *block, uint32_t *frame)
{
    const struct capture_ring *r = (const struct capture_ring *)c;
    *block = block_number(r);
    *frame = r->burst;
    return true;
}

static void ring_close(struct capture *c)
{
    struct capture_ring *r = (struct capture_ring *)c;
    munmap(r->map, (size_t)RING_BLOCK_BYTES * r->blocks);
    close(r->fd);
    free(r);
}

const struct capture_source capture_source_ring = {
    .name = "ring",
    .next = ring_next,
    .refresh = ring_refresh,
    .fill = ring_fill,
    .place = ring_place,
    .close = ring_close,
};

static void interface_take(struct capture_ring *r)
{
    struct sockaddr_ll address;
    socklen_t len = sizeof(address);
    r->link = LINK_ETHERNET;
    if (getsockname(r->fd, (struct sockaddr *)&address, &len) != 0)
        return;
    r->loopback = address.sll_hatype == ARPHRD_LOOPBACK;
    if (address.sll_hatype != ARPHRD_ETHER && !r->loopback)
        r->link = LINK_RAW;
}

/* The kernel maps a ring only at its whole size and doesn't tell it, so it is asked for every size.
 */
static void *ring_map(int fd, uint32_t *blocks)
{
    for (*blocks = RING_BLOCKS_MIN; *blocks <= RING_BLOCKS_MAX; ++*blocks) {
        size_t bytes = (size_t)RING_BLOCK_BYTES * *blocks;
        void *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (map != MAP_FAILED || errno != EINVAL)
            return map;
    }
    return MAP_FAILED;
}

struct capture *capture_open_ring(int fd, const char *name, char *reason, size_t reason_len)
{
    uint32_t blocks = 0;
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    void *map = own < 0 ? MAP_FAILED : ring_map(own, &blocks);
    if (map == MAP_FAILED) {
        snprintf(reason, reason_len, "%s: the ring can't be mapped: %s", name, strerror(errno));
        if (own >= 0)
            close(own);
        return NULL;
    }
    struct capture_ring *r = xcalloc(1, sizeof(*r));
    capture_init(&r->base, &capture_source_ring, name);
    r->fd = own;
    r->map = map;
    r->blocks = blocks;
    interface_take(r);
    r->block = block_first(r);
    return &r->base;
}
