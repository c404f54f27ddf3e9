/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: what the spool reads from disk: header and records of a segment, positions. */
#include "config.h"
#include "sensor/spool/segment.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sensor/spool/position.h"

/** libFuzzer's entry. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(int fd, uint64_t at, uint64_t end)
{
    struct segment_walk w;
    struct segment_record r;
    segment_walk_begin(&w, fd, at, end);
    while (segment_walk_next(&w, &r) == 1) {
        if (strlen(r.lane) >= SPOOL_LANE_MAX || r.len > SPOOL_RECORD_MAX || w.at > end)
            abort();
    }
    segment_walk_free(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct segment_header h;
    struct position positions[POSITION_MAX];
    char text[POSITION_FILE_MAX + 1];
    size_t len = size < POSITION_FILE_MAX ? size : POSITION_FILE_MAX;
    int fd = memfd_create("segment", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    if (segment_header_read(fd, &h) >= 0 && h.lane_count > SEGMENT_LANES_MAX)
        abort();
    walk(fd, 0, segment_mark_read(fd)); /* as a reader does */
    walk(fd, 1, size);                  /* records without a header's checksum before them */
    close(fd);
    memcpy(text, data, len);
    text[len] = 0;
    if (position_parse(text, positions) > POSITION_MAX)
        abort();
    return 0;
}
