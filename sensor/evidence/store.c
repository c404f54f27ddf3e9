/* SPDX-License-Identifier: Apache-2.0 */
/* Chains of frames become extents, extents are appended to files. */
#include "config.h"
#include "sensor/evidence/store.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/file.h"
#include "common/log.h"
#include "common/xalloc.h"
#include "sensor/evidence/ring.h"

#define FILE_BYTES       (32u << 20)
#define BYTES_PER_SECOND (16u << 20)
#define SYNC_NS          NS_PER_S
#define KNOWN            1024 /* flows whose last extent is remembered */

/* libpcap's file format, nanoseconds, in the machine's byte order. */
#define PCAP_MAGIC  0xa1b23c4du
#define PCAP_MAJOR  2
#define PCAP_MINOR  4
#define PCAP_HEADER 24
#define PCAP_RECORD 16

enum evidence_counter {
    EVIDENCE_EXTENTS,
    EVIDENCE_BYTES,
    EVIDENCE_OVERWRITTEN,
    EVIDENCE_NO_ROOM,
    EVIDENCE_FAILED,
    EVIDENCE_COUNTERS,
};

/* clang-format off */
const struct counter_def evidence_counters[] = {
    [EVIDENCE_EXTENTS] = { "evidence.extents", "flows' packets written" },
    [EVIDENCE_BYTES] = { "evidence.bytes", "bytes of them" },
    [EVIDENCE_OVERWRITTEN] = { "evidence.overwritten", "alerts without, overwritten in memory" },
    [EVIDENCE_NO_ROOM] = { "evidence.no_budget", "alerts without, too many bytes in a second" },
    [EVIDENCE_FAILED] = { "evidence.failed", "alerts without, the disk refused" },
    [EVIDENCE_COUNTERS] = { NULL, NULL },
};
/* clang-format on */

struct known {
    uint64_t flow_id, at;
    struct evidence_place place;
};

struct evidence_store {
    evidence_create *create;
    void *arg;
    struct counter_block *counters;
    int fd; /* -1: none yet */
    char name[EVIDENCE_NAME_MAX];
    uint64_t prefix; /* random: names of two runs differ */
    uint32_t serial;
    uint64_t size, dirty_ns; /* dirty_ns 0: all is fsynced */
    uint64_t second, spent;  /* budget: the second, and its bytes so far */
    bool failing;            /* logged once */
    struct known known[KNOWN];
    uint8_t extent[EVIDENCE_EXTENT_MAX]; /* filled from its end */
};

struct evidence_store *evidence_store_create(evidence_create *create, void *arg,
                                             struct counter_block *counters)
{
    struct evidence_store *s = xcalloc(1, sizeof(*s));
    s->create = create;
    s->arg = arg;
    s->counters = counters;
    s->fd = -1;
    s->prefix = clock_now(clock_system());
    return s;
}

/* ---- an extent ------------------------------------------------------------------------------- */

static void put32(uint8_t *at, uint32_t v)
{
    memcpy(at, &v, sizeof(v));
}

static void record_header(uint8_t *at, const struct evidence_frame *f)
{
    put32(at, (uint32_t)(f->ts_ns / NS_PER_S));
    put32(at + 4, (uint32_t)(f->ts_ns % NS_PER_S));
    put32(at + 8, f->len);
    put32(at + 12, f->wire_len);
}

static void file_header(uint8_t *at, uint32_t link)
{
    const uint16_t version[] = { PCAP_MAJOR, PCAP_MINOR };
    memset(at, 0, PCAP_HEADER);
    put32(at, PCAP_MAGIC);
    memcpy(at + 4, version, sizeof(version));
    put32(at + 16, EVIDENCE_FRAME_MAX);
    put32(at + 20, link);
}

/* Follow the chain backwards and lay the frames before each other; where the extent begins, or its
 * end when nothing is left. A frame of another link type ends it: a pcap file has one. */
static uint8_t *gather(struct evidence_store *s, const struct evidence_ring *r, uint64_t place,
                       uint32_t *packets)
{
    uint8_t bytes[EVIDENCE_FRAME_MAX];
    uint8_t *end = s->extent + sizeof(s->extent), *at = end;
    struct evidence_frame f;
    uint32_t link = 0;
    *packets = 0;
    while (place && evidence_ring_get(r, place, &f, bytes)) {
        size_t need = PCAP_RECORD + f.len;
        if ((*packets && f.link != link) || (size_t)(at - s->extent) < need + PCAP_HEADER)
            break;
        link = f.link;
        at -= need;
        record_header(at, &f);
        memcpy(at + PCAP_RECORD, bytes, f.len);
        (*packets)++;
        if (f.before >= place)
            break;
        place = f.before;
    }
    if (at == end)
        return end;
    at -= PCAP_HEADER;
    file_header(at, link);
    return at;
}

/* ---- files ----------------------------------------------------------------------------------- */

static void fail(struct evidence_store *s, const char *what)
{
    counter_add(s->counters, EVIDENCE_FAILED, 1);
    if (!s->failing)
        log_warn("evidence", "%s: %s; alerts go without their packets", what, strerror(errno));
    s->failing = true;
}

static void close_file(struct evidence_store *s)
{
    if (s->fd < 0)
        return;
    fdatasync(s->fd);
    close(s->fd);
    s->fd = -1;
    s->dirty_ns = 0;
}

static bool open_file(struct evidence_store *s)
{
    if (s->fd >= 0 && s->size < FILE_BYTES)
        return true;
    close_file(s);
    snprintf(s->name, sizeof(s->name), "%016" PRIx64 "-%08" PRIx32 ".pcaps", s->prefix, s->serial);
    int fd = s->create(s->arg, s->name);
    if (fd < 0) {
        fail(s, "cannot make a file");
        return false;
    }
    s->serial++;
    s->fd = fd;
    s->size = 0;
    return true;
}

static bool within_budget(struct evidence_store *s, size_t len)
{
    uint64_t second = clock_mono_ns() / NS_PER_S;
    if (second != s->second) {
        s->second = second;
        s->spent = 0;
    }
    if (s->spent + len > BYTES_PER_SECOND)
        return false;
    s->spent += len;
    return true;
}

static bool append(struct evidence_store *s, const uint8_t *bytes, size_t len)
{
    if (!open_file(s))
        return false;
    if (file_write_all(s->fd, bytes, len) < 0) {
        fail(s, "cannot write");
        close_file(s); /* its end is not known any more: a new file has a place for sure */
        s->size = FILE_BYTES;
        return false;
    }
    s->size += len;
    s->failing = false;
    s->dirty_ns = s->dirty_ns ? s->dirty_ns : clock_mono_ns();
    counter_add(s->counters, EVIDENCE_EXTENTS, 1);
    counter_add(s->counters, EVIDENCE_BYTES, len);
    return true;
}

bool evidence_store_keep(struct evidence_store *s, const struct evidence_ring *r, uint64_t flow_id,
                         uint64_t place, struct evidence_place *out)
{
    struct known *k = &s->known[flow_id % KNOWN];
    uint32_t packets;
    if (k->flow_id == flow_id && k->at == place) {
        *out = k->place;
        return true;
    }
    uint8_t *bytes = gather(s, r, place, &packets);
    size_t len = (size_t)(s->extent + sizeof(s->extent) - bytes);
    if (len == 0) {
        counter_add(s->counters, EVIDENCE_OVERWRITTEN, 1);
        return false;
    }
    if (!within_budget(s, len)) {
        counter_add(s->counters, EVIDENCE_NO_ROOM, 1);
        return false;
    }
    if (!append(s, bytes, len))
        return false;
    *out = (struct evidence_place){ .offset = s->size - len,
                                    .length = (uint32_t)len,
                                    .packets = packets };
    memcpy(out->file, s->name, sizeof(out->file));
    sign_digest_text(bytes, len, out->hash);
    *k = (struct known){ flow_id, place, *out };
    return true;
}

void evidence_store_sync(struct evidence_store *s)
{
    if (!s->dirty_ns || clock_mono_ns() - s->dirty_ns < SYNC_NS)
        return;
    if (fdatasync(s->fd) < 0)
        fail(s, "cannot fsync");
    s->dirty_ns = 0;
}

void evidence_store_free(struct evidence_store *s)
{
    if (!s)
        return;
    close_file(s);
    free(s);
}
