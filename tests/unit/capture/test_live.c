/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Live rings on the loopback of a network namespace that the test makes for itself: what is sent
 * arrives once, filters hold, a fanout group steers as decode_steer does, and a ring goes on where
 * an earlier reader stopped. Skipped without the privilege to make a namespace.
 */
#include "config.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "sensor/capture/capture.h"
#include "sensor/decode/decode.h"

#define SENT       200
#define IPV6_FRAME 62 /* Ethernet, IPv6 and UDP */

static bool have_namespace;

static int setup(void **state)
{
    (void)state;
    if (unshare(CLONE_NEWNET) != 0)
        return 0;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq r = { .ifr_name = "lo", .ifr_flags = IFF_UP };
    have_namespace = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &r) == 0;
    close(fd);
    return 0;
}

/* Datagrams from 127.0.0.1 to changing addresses of the loopback net. */
static void send_some(unsigned from, unsigned count)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    for (unsigned i = from; i < from + count; i++) {
        struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
        to.sin_addr.s_addr = htonl(0x7f000002u + i * 7);
        (void)sendto(fd, &i, sizeof(i), 0, (struct sockaddr *)&to, sizeof(to));
    }
    close(fd);
}

/* Frames from and to changing addresses of IPv6. */
static void send_some_ipv6(unsigned count)
{
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex("lo") };
    assert_true(fd >= 0 && to.sll_ifindex > 0);
    for (unsigned i = 0; i < count; i++) {
        uint8_t frame[IPV6_FRAME] = { [12] = 0x86, [13] = 0xdd, [14] = 0x60, [19] = 8, [20] = 17 };
        frame[22] = frame[38] = 0xfd;
        frame[29] = frame[45] = (uint8_t)i;
        frame[53] = (uint8_t)(i * 7);
        frame[57] = 9;
        assert_int_equal(sendto(fd, frame, sizeof(frame), 0, (struct sockaddr *)&to, sizeof(to)),
                         sizeof(frame));
    }
    close(fd);
}

static int live(const struct capture_live_conf *conf)
{
    char reason[256];
    int fd = capture_live_socket(conf, reason, sizeof(reason));
    if (fd < 0)
        fail_msg("%s", reason);
    return fd;
}

static struct capture *ring(int fd)
{
    char reason[256];
    struct capture *c = capture_open_ring(fd, "lo", reason, sizeof(reason));
    if (!c)
        fail_msg("%s", reason);
    return c;
}

static bool is_ours(const struct frame *f)
{
    const uint8_t *ip = f->data + 14;
    bool ipv4 = f->len == 46 && ip[9] == 17 && ip[23] == 9;
    return ipv4 || (f->len == IPV6_FRAME && f->data[12] == 0x86 && ip[6] == 17 && ip[43] == 9);
}

/* Count the UDP datagrams to port 9; all must be steered to `member` of `members`. */
static unsigned take(struct capture *c, unsigned member, unsigned members)
{
    struct frame frames[CAPTURE_BURST_MAX];
    unsigned got = 0;
    for (unsigned quiet = 0; quiet < 4;) {
        int n = capture_next(c, frames, CAPTURE_BURST_MAX, 50);
        assert_true(n >= 0);
        quiet = n ? 0 : quiet + 1;
        for (int i = 0; i < n; i++) {
            if (!is_ours(&frames[i]))
                continue;
            assert_int_equal(frames[i].link, 1);
            assert_true(frames[i].ts_ns > 0);
            assert_int_equal(decode_steer(&frames[i], members), member);
            got++;
        }
    }
    return got;
}

static void test_ring(void **state)
{
    (void)state;
    if (!have_namespace)
        skip();
    struct capture_counts counts;
    int fd = live(&(struct capture_live_conf){
        .interface = "lo", .ring_bytes = 4u << 20, .fanout_members = 1 });
    struct capture *c = ring(fd);
    send_some(0, SENT);
    assert_int_equal(take(c, 0, 1), SENT);
    capture_counts(c, &counts);
    assert_int_equal(counts.kernel_drops, 0);
    assert_true(counts.packets >= SENT);
    capture_close(c);
    close(fd);
}

static void test_filter(void **state)
{
    (void)state;
    if (!have_namespace)
        skip();
    char reason[256];
    struct capture_live_conf conf = { .interface = "lo",
                                      .ring_bytes = 4u << 20,
                                      .fanout_members = 1,
                                      .bpf = "udp and dst host 127.0.0.9" };
    int fd = live(&conf);
    struct capture *c = ring(fd);
    send_some(0, SENT);
    assert_int_equal(take(c, 0, 1), 1);
    capture_close(c);
    close(fd);
    conf.bpf = "udp and and";
    assert_true(capture_live_socket(&conf, reason, sizeof(reason)) < 0);
    assert_non_null(strstr(reason, "udp and and"));
    conf.bpf = NULL;
    conf.interface = "none0";
    assert_true(capture_live_socket(&conf, reason, sizeof(reason)) < 0);
    assert_non_null(strstr(reason, "no such interface"));
}

static void test_fanout(void **state)
{
    enum { MEMBERS = 3 };
    (void)state;
    if (!have_namespace)
        skip();
    int fds[MEMBERS];
    struct capture *c[MEMBERS];
    unsigned got = 0;
    for (unsigned i = 0; i < MEMBERS; i++) {
        fds[i] = live(&(struct capture_live_conf){ .interface = "lo",
                                                   .ring_bytes = 4u << 20,
                                                   .fanout_group = 77,
                                                   .fanout_members = MEMBERS });
        c[i] = ring(fds[i]);
    }
    send_some(0, SENT);
    send_some_ipv6(SENT);
    for (unsigned i = 0; i < MEMBERS; i++) {
        unsigned n = take(c[i], i, MEMBERS);
        assert_true(n > 0);
        got += n;
        capture_close(c[i]);
    }
    assert_int_equal(got, 2 * SENT);
    for (unsigned i = 0; i < MEMBERS; i++)
        close(fds[i]);
}

static void test_a_later_reader_goes_on(void **state)
{
    (void)state;
    if (!have_namespace)
        skip();
    int fd = live(&(struct capture_live_conf){
        .interface = "lo", .ring_bytes = 4u << 20, .fanout_members = 1 });
    struct capture *c = ring(fd);
    send_some(0, SENT);
    assert_int_equal(take(c, 0, 1), SENT);
    capture_close(c);
    send_some(SENT, SENT); /* nobody reads now */
    usleep(100000);
    c = ring(fd);
    assert_int_equal(take(c, 0, 1), SENT);
    send_some(0, 10);
    assert_int_equal(take(c, 0, 1), 10);
    capture_close(c);
    close(fd);
}

static void test_libpcap(void **state)
{
    (void)state;
    if (!have_namespace)
        skip();
    char reason[256];
    struct capture *c = capture_open_pcap("lo", reason, sizeof(reason));
    if (!c)
        fail_msg("%s", reason);
    send_some(0, SENT);
    assert_true(take(c, 0, 1) >= SENT);
    capture_close(c);
    assert_null(capture_open_pcap("none0", reason, sizeof(reason)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ring),    cmocka_unit_test(test_filter),
        cmocka_unit_test(test_fanout),  cmocka_unit_test(test_a_later_reader_goes_on),
        cmocka_unit_test(test_libpcap),
    };
    return cmocka_run_group_tests_name("live", tests, setup, NULL);
}
