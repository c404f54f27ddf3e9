/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Send a capture at a given rate: `send INTERFACE CAPTURE MBPS`. tcpreplay asks the kernel once a
 * packet, which on a virtual machine ends at half a million packets a second; this one asks once a
 * batch and goes past the queue discipline, so that tests/bench/live can find limits beyond that.
 * Packets leave in batches of at most 32; between batches it waits by the clock. One line of JSON on
 * stdout: packets and bytes sent, seconds taken.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BATCH       32
#define FILE_HEAD   24
#define RECORD_HEAD 16
#define MAGIC       0xa1b2c3d4u
#define SEND_BYTES  (8 << 20)

struct capture {
    const uint8_t *data;
    size_t len, at;
};

static void die(const char *what)
{
    fprintf(stderr, "send: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* The whole file in memory, touched, so that reading it costs nothing while packets leave. */
static struct capture load(const char *path)
{
    struct stat st;
    uint32_t magic;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0)
        die(path);
    void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    close(fd);
    if (map == MAP_FAILED)
        die(path);
    memcpy(&magic, map, sizeof(magic));
    if (st.st_size < FILE_HEAD || magic != MAGIC) {
        fprintf(stderr, "send: %s: no pcap of this machine's byte order with microseconds\n", path);
        exit(1);
    }
    return (struct capture){ map, (size_t)st.st_size, FILE_HEAD };
}

static int open_line(const char *interface)
{
    int one = 1, room = SEND_BYTES;
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
    to.sll_ifindex = (int)if_nametoindex(interface);
    if (fd < 0 || !to.sll_ifindex)
        die(interface);
    if (setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one)) != 0)
        die("PACKET_QDISC_BYPASS");
    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
    /* Protocol 0 above: what comes back is not looked at. */
    to.sll_protocol = 0;
    if (bind(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
        die(interface);
    return fd;
}

static unsigned fill(struct capture *c, struct iovec *parts, uint64_t *bytes)
{
    unsigned n = 0;
    for (; n < BATCH && c->len - c->at >= RECORD_HEAD; n++) {
        uint32_t len;
        memcpy(&len, c->data + c->at + 8, sizeof(len));
        if (len > c->len - c->at - RECORD_HEAD)
            break;
        parts[n] = (struct iovec){ (void *)(uintptr_t)(c->data + c->at + RECORD_HEAD), len };
        c->at += RECORD_HEAD + len;
        *bytes += len;
    }
    return n;
}

/* A full queue is waited for: nothing may be lost on this side. */
static void send_all(int fd, struct mmsghdr *batch, unsigned n)
{
    for (unsigned at = 0; at < n;) {
        int sent = sendmmsg(fd, batch + at, n - at, 0);
        if (sent > 0)
            at += (unsigned)sent;
        else if (errno != ENOBUFS && errno != EAGAIN && errno != EINTR)
            die("send");
    }
}

int main(int argc, char **argv)
{
    struct iovec parts[BATCH];
    struct mmsghdr batch[BATCH] = { 0 };
    uint64_t packets = 0, bytes = 0;
    double mbps = argc == 4 ? strtod(argv[3], NULL) : 0;
    if (mbps <= 0) {
        fprintf(stderr, "usage: send INTERFACE CAPTURE MBPS\n");
        return 2;
    }
    struct capture c = load(argv[2]);
    int fd = open_line(argv[1]);
    for (unsigned i = 0; i < BATCH; i++)
        batch[i].msg_hdr = (struct msghdr){ .msg_iov = &parts[i], .msg_iovlen = 1 };
    uint64_t began = now_ns();
    for (unsigned n; (n = fill(&c, parts, &bytes)) > 0;) {
        send_all(fd, batch, n);
        packets += n;
        while ((double)(now_ns() - began) < (double)bytes * 8e3 / mbps)
            ;
    }
    printf("{\"packets\":%llu,\"bytes\":%llu,\"seconds\":%.6f}\n", (unsigned long long)packets,
           (unsigned long long)bytes, (double)(now_ns() - began) / 1e9);
    return 0;
}
