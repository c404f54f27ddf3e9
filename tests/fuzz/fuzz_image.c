/* SPDX-License-Identifier: Apache-2.0 */
/* A rule image with some of its bytes changed is refused, or can be used without harm. The input is
 * a list of changes: four bytes of offset, one byte of value; changes land behind the header's
 * magic and before the databases. */
#include "config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/cursor.h"
#include "common/file.h"
#include "common/slab.h"
#include "common/xalloc.h"
#include "sensor/decode/packet.h"
#include "sensor/detect/build.h"
#include "sensor/detect/detect.h"
#include "sensor/detect/image.h"
#include "signatures/parse.h"

static const char rules[] =
    "alert udp any 1:5000 -> 192.0.2.0/24 any (msg:\"a\"; content:\"hello\"; pcre:\"/wor/R\"; "
    "sid:1;)\n"
    "alert udp any any -> any any (msg:\"a\"; content:\"lo\"; byte_extract:1,0,n; isdataat:n; "
    "sid:2;)\n"
    "alert ip any any -> [192.0.2.0/28,198.51.100.0/24] any (msg:\"a\"; sid:3;)\n"
    "alert udp any any -> any any (msg:\"a\"; content:\"h\"; flowbits:isset,x; sid:4;)\n"
    "alert dns any any -> any any (msg:\"a\"; dns.query; dotprefix; content:\".example\"; "
    "endswith; sid:5;)\n"
    "alert udp any any -> any any (msg:\"a\"; base64_decode:bytes 8; base64_data; content:\"x\"; "
    "sid:6;)\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The image that changes are made to; made once. */
struct base {
    uint8_t *bytes;
    size_t len, limit;
};

static const struct base *base_get(void)
{
    static struct base base;
    char reason[256];
    if (base.bytes)
        return &base;
    struct sig_parser *p = sig_parser_create();
    sig_parser_read_rules(p, rules, sizeof(rules) - 1, "fuzz.rules");
    struct sig_ruleset *set = sig_parser_finish(p);
    int fd = memfd_create("base", 0);
    if (fd < 0 || detect_image_build(set, "fuzz", fd, reason, sizeof(reason)) < 0)
        abort();
    base.len = (size_t)lseek(fd, 0, SEEK_END);
    base.bytes = xmalloc(base.len);
    if (pread(fd, base.bytes, base.len, 0) != (ssize_t)base.len)
        abort();
    const struct image_header *h = (const struct image_header *)base.bytes;
    base.limit = h->sections[IMAGE_DATABASES].at;
    close(fd);
    sig_ruleset_free(set);
    sig_parser_free(p);
    return &base;
}

static void use(struct detect_ruleset *set)
{
    static const uint8_t payload[] = "hello world, hello aGVsbG8=";
    static struct detect_output out;
    uint64_t counts[64] = { 0 };
    struct counter_block counters = { counts };
    struct slab *slab = slab_create((size_t)4 << 20);
    struct detect_thread *t = detect_thread_create(set, slab, &counters);
    struct packet p = { .ip_version = 4,
                        .proto = PACKET_PROTO_UDP,
                        .sport = 1000,
                        .dport = 53,
                        .l3 = payload,
                        .l4 = payload,
                        .payload = payload,
                        .payload_len = sizeof(payload) - 1 };
    struct detect_input in = { .packet = &p };
    addr_parse("192.0.2.1", &p.src);
    addr_parse("192.0.2.2", &p.dst);
    for (in.dir = 0; t && in.dir < 2; in.dir++) {
        detect_run(t, &in, &out);
        for (uint32_t i = 0; i < out.count; i++) {
            struct detect_rule rule;
            detect_rule_get(set, out.hits[i].rule, &rule);
            if (strlen(rule.msg) > IMAGE_SIZE_MAX)
                abort();
        }
    }
    detect_thread_free(t);
    slab_free_all(slab);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct base *base = base_get();
    char reason[256];
    struct cursor c = cursor_make(data, size);
    uint8_t *bytes = xmemdup(base->bytes, base->len);
    while (cursor_left(&c) >= 5) {
        uint32_t at = cursor_be32(&c);
        bytes[sizeof(uint64_t) + at % (base->limit - sizeof(uint64_t))] = cursor_u8(&c);
    }
    int fd = memfd_create("fuzz", MFD_ALLOW_SEALING);
    if (fd >= 0 && file_write_all(fd, bytes, base->len) == 0 &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0) {
        struct detect_ruleset *set = detect_ruleset_map(fd, reason, sizeof(reason));
        if (set)
            use(set);
        detect_ruleset_drop(set);
    }
    close(fd);
    free(bytes);
    return 0;
}
