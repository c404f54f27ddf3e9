/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AF_XDP: the kernel lays frames into memory that it shares with us, before it makes packets of
 * them. One socket a worker, on the receive queue of the worker's number; libxdp's own program
 * sends each queue's frames to its socket. Memory and rings are shared mappings that the monitor
 * made: an engine is forked with them, and one that comes after another goes on where the rings
 * stand. Frames go back to the kernel when the next burst is asked for, in the same step in which
 * they leave the ring, so an engine that dies leaves none behind.
 */
#include "config.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/if_xdp.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <xdp/xsk.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/xalloc.h"
#include "sensor/capture/source.h"

#define FRAME_BYTES  4096u
#define HEADROOM     256u  /* the kernel's, before each frame */
#define LINK_LAYER   22u   /* Ethernet with two tags: what the MTU does not count */
#define FRAMES_LEAST 1024u /* powers of two, both */
#define FRAMES_MOST  (1u << 20)
#define RING_BYTES   (64u << 20)
#define LINK_ETHERNET 1

/* What engines have told of the kernel's free-running counts: behind the frames, shared. */
struct told {
    uint32_t producer;
    uint64_t drops;
};

struct capture_xdp {
    struct capture base;
    struct told *told;
    struct xsk_umem *umem;
    struct xsk_socket *socket;
    struct xsk_ring_prod fill;
    struct xsk_ring_cons done, receive;
    uint8_t *memory;
    uint32_t frames;
    uint32_t held;    /* frames of the newest burst, still in the ring */
    uint32_t waiting; /* as of the newest burst */
    bool synced; /* our copies of the rings' places are theirs */
};

/* ---- in the monitor -------------------------------------------------------------------------- */

static uint32_t frames_of(uint32_t bytes)
{
    uint32_t want = (bytes ? bytes : RING_BYTES) / FRAME_BYTES, frames = FRAMES_LEAST;
    while (frames * 2 <= want && frames < FRAMES_MOST)
        frames *= 2;
    return frames;
}

/* Larger frames do not fit into one piece of memory. */
static int check_mtu(const struct capture_live_conf *conf, char *reason, size_t reason_len)
{
    struct ifreq r = { 0 };
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", conf->interface);
    bool asked = fd >= 0 && ioctl(fd, SIOCGIFMTU, &r) == 0;
    if (fd >= 0)
        close(fd);
    if (!asked) {
        snprintf(reason, reason_len, "%s: %s", conf->interface, strerror(errno));
        return ABENG_EIO;
    }
    if (r.ifr_mtu + LINK_LAYER + HEADROOM <= FRAME_BYTES)
        return ABENG_OK;
    snprintf(reason, reason_len, "%s: MTU %d is more than xdp takes (%u); leave out xdp",
             conf->interface, r.ifr_mtu, FRAME_BYTES - HEADROOM - LINK_LAYER);
    return ABENG_EINVAL;
}

static void fill_all(struct capture_xdp *x)
{
    uint32_t at;
    if (xsk_ring_prod__reserve(&x->fill, x->frames, &at) != x->frames)
        return;
    for (uint32_t i = 0; i < x->frames; i++)
        *xsk_ring_prod__fill_addr(&x->fill, at + i) = (uint64_t)i * FRAME_BYTES;
    xsk_ring_prod__submit(&x->fill, x->frames);
}

static int make_socket(struct capture_xdp *x, const struct capture_live_conf *conf, unsigned queue)
{
    const struct xsk_umem_config umem = { .fill_size = x->frames,
                                          .comp_size = 64,
                                          .frame_size = FRAME_BYTES };
    const struct xsk_socket_config socket = { .rx_size = x->frames,
                                              .bind_flags = XDP_USE_NEED_WAKEUP };
    int err = xsk_umem__create(&x->umem, x->memory, (uint64_t)x->frames * FRAME_BYTES, &x->fill,
                               &x->done, &umem);
    if (err == 0)
        err = xsk_socket__create(&x->socket, conf->interface, queue, x->umem, &x->receive, NULL,
                                 &socket);
    return err;
}

struct capture *capture_open_xdp(const struct capture_live_conf *conf, unsigned queue,
                                 char *reason, size_t reason_len)
{
    const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
    if (check_mtu(conf, reason, reason_len) < 0)
        return NULL;
    (void)setrlimit(RLIMIT_MEMLOCK, &all); /* kernels before 5.11 count the memory there */
    struct capture_xdp *x = xcalloc(1, sizeof(*x));
    capture_init(&x->base, &capture_source_xdp, conf->interface);
    x->frames = frames_of(conf->ring_bytes);
    x->memory = mmap(NULL, (size_t)(x->frames + 1) * FRAME_BYTES, PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int err = (void *)x->memory == MAP_FAILED ? -ENOMEM : make_socket(x, conf, queue);
    if (err == 0) {
        x->told = (struct told *)(void *)(x->memory + (size_t)x->frames * FRAME_BYTES);
        fill_all(x);
        return &x->base;
    }
    snprintf(reason, reason_len, "%s: AF_XDP on queue %u: %s; leave out xdp, or see dmesg",
             conf->interface, queue, strerror(-err));
    capture_xdp_end(&x->base);
    return NULL;
}

void capture_xdp_end(struct capture *c)
{
    struct capture_xdp *x = (struct capture_xdp *)c;
    if (!x)
        return;
    if (x->socket)
        xsk_socket__delete(x->socket);
    if (x->umem)
        (void)xsk_umem__delete(x->umem);
    if ((void *)x->memory != MAP_FAILED)
        munmap(x->memory, (size_t)(x->frames + 1) * FRAME_BYTES);
    free(x);
}

/* ---- in the engine --------------------------------------------------------------------------- */

/* The places as they stand in the shared rings; ours are those of when the monitor made them. */
static void sync_places(struct capture_xdp *x)
{
    x->receive.cached_cons = __atomic_load_n(x->receive.consumer, __ATOMIC_ACQUIRE);
    x->receive.cached_prod = __atomic_load_n(x->receive.producer, __ATOMIC_ACQUIRE);
    x->fill.cached_prod = __atomic_load_n(x->fill.producer, __ATOMIC_ACQUIRE);
    x->fill.cached_cons = __atomic_load_n(x->fill.consumer, __ATOMIC_ACQUIRE) + x->fill.size;
    x->synced = true;
}

/* The frames of the newest burst go back; the ring has them to read until then. */
static void give_back(struct capture_xdp *x)
{
    uint32_t at, first = x->receive.cached_cons - x->held;
    if (!x->held || xsk_ring_prod__reserve(&x->fill, x->held, &at) != x->held)
        return;
    for (uint32_t i = 0; i < x->held; i++) {
        uint64_t address = xsk_ring_cons__rx_desc(&x->receive, first + i)->addr;
        *xsk_ring_prod__fill_addr(&x->fill, at + i) = address & ~(uint64_t)(FRAME_BYTES - 1);
    }
    xsk_ring_prod__submit(&x->fill, x->held);
    xsk_ring_cons__release(&x->receive, x->held);
    x->held = 0;
}

/* Frames stand in the ring by a number that goes round at 2^32; 0 stands for no place. */
static uint64_t place_of(const struct capture_xdp *x)
{
    return 1 + (uint64_t)(x->receive.cached_cons - x->held);
}

static bool left_out(const struct capture_xdp *x, uint32_t index)
{
    return x->base.resume.block == place_of(x) &&
           (index < x->base.resume.through || index == x->base.resume.skip);
}

static int xdp_next(struct capture *c, struct frame *out, unsigned max, unsigned wait_ms)
{
    struct capture_xdp *x = (struct capture_xdp *)c;
    uint32_t at = 0;
    if (!x->synced)
        sync_places(x);
    give_back(x);
    struct pollfd p = { .fd = xsk_socket__fd(x->socket), .events = POLLIN };
    x->held = xsk_ring_cons__peek(&x->receive, max, &at);
    if (!x->held || xsk_ring_prod__needs_wakeup(&x->fill))
        (void)poll(&p, 1, x->held ? 0 : (int)wait_ms);
    if (!x->held)
        x->held = xsk_ring_cons__peek(&x->receive, max, &at);
    x->waiting = x->receive.cached_prod - x->receive.cached_cons;
    uint64_t now = x->held ? clock_now(clock_system()) : 0;
    unsigned got = 0;
    for (uint32_t i = 0; i < x->held; i++) {
        const struct xdp_desc *d = xsk_ring_cons__rx_desc(&x->receive, at + i);
        if (left_out(x, i))
            continue;
        if (d->addr + d->len > (uint64_t)x->frames * FRAME_BYTES) {
            c->counts.bad_blocks++;
            continue;
        }
        out[got++] = (struct frame){ .data = x->memory + d->addr,
                                     .len = d->len,
                                     .wire_len = d->len,
                                     .ts_ns = now,
                                     .link = LINK_ETHERNET };
    }
    return (int)got;
}

/* The kernel's counts never go back and are those of all engines: what is new since somebody told
 * is ours to tell. */
static void xdp_refresh(struct capture *c)
{
    struct capture_xdp *x = (struct capture_xdp *)c;
    struct xdp_statistics s = { 0 };
    socklen_t len = sizeof(s);
    uint32_t producer = __atomic_load_n(x->receive.producer, __ATOMIC_ACQUIRE);
    uint64_t drops = x->told->drops;
    if (getsockopt(xsk_socket__fd(x->socket), SOL_XDP, XDP_STATISTICS, &s, &len) == 0)
        drops = s.rx_dropped + s.rx_ring_full;
    c->counts.received += producer - x->told->producer + (drops - x->told->drops);
    c->counts.kernel_drops += drops - x->told->drops;
    x->told->producer = producer;
    x->told->drops = drops;
}

static unsigned xdp_fill(const struct capture *c)
{
    const struct capture_xdp *x = (const struct capture_xdp *)c;
    return (unsigned)((uint64_t)x->waiting * 1000 / x->frames);
}

static bool xdp_place(const struct capture *c, uint64_t *block, uint32_t *frame)
{
    *block = place_of((const struct capture_xdp *)c);
    *frame = 0;
    return true;
}

/* The rings are the monitor's. */
static void xdp_close(struct capture *c)
{
    (void)c;
}

const struct capture_source capture_source_xdp = {
    .name = "xdp",
    .next = xdp_next,
    .refresh = xdp_refresh,
    .fill = xdp_fill,
    .place = xdp_place,
    .close = xdp_close,
};
