/* SPDX-License-Identifier: Apache-2.0 */
/* Capture files: mapped whole, so that frames are views into the page cache and nothing is copied.
 */
#include "config.h"

#include "sensor/capture/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/err.h"
#include "common/xalloc.h"

static const struct file_format *const formats[] = { &file_format_pcap, &file_format_pcapng };

/* Pages behind the reader are let go, those ahead are asked for, this many bytes at a time: what is
 * resident of a file has a bound. A frame that is still looked at is read again from the cache. */
#define WINDOW_BYTES ((size_t)16 << 20)

int file_truncated(struct capture_file *f)
{
    f->base.counts.truncated_files = 1;
    f->at.bad = false;
    f->at.at = f->at.end;
    return ABENG_EOF;
}

static void window_move(struct capture_file *f)
{
    size_t at = (size_t)(f->at.at - f->map);
    if (at < f->window)
        return;
    uint8_t *map = (uint8_t *)(uintptr_t)f->map;
    if (f->window >= 2 * WINDOW_BYTES)
        (void)madvise(map + f->window - 2 * WINDOW_BYTES, WINDOW_BYTES, MADV_DONTNEED);
    size_t ahead = f->size - f->window < WINDOW_BYTES ? f->size - f->window : WINDOW_BYTES;
    (void)madvise(map + f->window, ahead, MADV_POPULATE_READ); /* Linux 5.14; else it faults */
    f->window += WINDOW_BYTES;
}

static int file_next(struct capture *c, struct frame *out, unsigned max, unsigned wait_ms)
{
    struct capture_file *f = (struct capture_file *)c;
    unsigned got = 0;
    (void)wait_ms;
    window_move(f);
    while (got < max) {
        int r = f->format->next(f, &out[got]);
        if (r < 0)
            return got ? (int)got : r;
        got += (unsigned)r;
    }
    return (int)got;
}

static void file_progress(const struct capture *c, uint64_t *done, uint64_t *all)
{
    const struct capture_file *f = (const struct capture_file *)c;
    *done = (uint64_t)(f->at.at - f->map);
    *all = f->size;
}

static void file_close(struct capture *c)
{
    struct capture_file *f = (struct capture_file *)c;
    munmap((void *)(uintptr_t)f->map, f->size);
    free(f->interfaces);
    free(f);
}

const struct capture_source capture_source_file = {
    .name = "file",
    .next = file_next,
    .progress = file_progress,
    .close = file_close,
};

static const uint8_t *file_map(int fd, size_t *size, char *reason, size_t reason_len)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        snprintf(reason, reason_len, "not a regular file");
        return NULL;
    }
    if (st.st_size < 12) {
        snprintf(reason, reason_len, "%lld bytes are too few for a capture file",
                 (long long)st.st_size);
        return NULL;
    }
    *size = (size_t)st.st_size;
    void *map = mmap(NULL, *size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED) {
        snprintf(reason, reason_len, "can't be mapped: %s", strerror(errno));
        return NULL;
    }
    (void)madvise(map, *size, MADV_SEQUENTIAL);
    return map;
}

struct capture *capture_open_file(int fd, const char *name, char *reason, size_t reason_len)
{
    size_t size;
    const uint8_t *map = file_map(fd, &size, reason, reason_len);
    close(fd);
    if (!map)
        return NULL;
    struct capture_file *f = xcalloc(1, sizeof(*f));
    capture_init(&f->base, &capture_source_file, name);
    f->map = map;
    f->size = size;
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        f->at = cursor_make(map, size);
        f->format = formats[i];
        if (f->format->open(f))
            return &f->base;
    }
    snprintf(reason, reason_len, "neither pcap nor pcapng (starts with %02x%02x%02x%02x)", map[0],
             map[1], map[2], map[3]);
    file_close(&f->base);
    return NULL;
}
