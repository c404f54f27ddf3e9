/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of capture/: what a source of frames is. Each source fills one const struct
 * capture_source. */
#ifndef SENSOR_CAPTURE_SOURCE_H
#define SENSOR_CAPTURE_SOURCE_H

#include "sensor/capture/capture.h"

#define CAPTURE_NAME_MAX 128

/** Most bytes a record of a file may claim, the most that libpcap ever wrote. */
#define CAPTURE_FRAME_MAX 262144

struct capture_source {
    const char *name;
    int (*next)(struct capture *c, struct frame *out, unsigned max, unsigned wait_ms);
    void (*window)(struct capture *c, uint8_t *memory); /* files alone */
    void (*refresh)(struct capture *c); /* bring counts up to date; may be NULL */
    void (*progress)(const struct capture *c, uint64_t *done, uint64_t *all); /* may be NULL */
    unsigned (*fill)(const struct capture *c); /* may be NULL, as the one below */
    bool (*place)(const struct capture *c, uint64_t *block, uint32_t *frame);
    void (*close)(struct capture *c);
};

/** What every source embeds first. */
struct capture {
    const struct capture_source *source;
    struct capture_counts counts;
    char name[CAPTURE_NAME_MAX];
    struct { /* what an earlier reader of a ring left, by the source's own places */
        uint64_t block;
        uint32_t through, skip;
    } resume;
};

extern const struct capture_source capture_source_file;
extern const struct capture_source capture_source_ring;
extern const struct capture_source capture_source_pcap;
extern const struct capture_source capture_source_xdp;

/** Fill the common part. */
void capture_init(struct capture *c, const struct capture_source *source, const char *name);

#endif
