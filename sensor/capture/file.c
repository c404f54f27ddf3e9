/* SPDX-License-Identifier: Apache-2.0 */
/* Capture files: read in large pieces into a window that is used again and again. Reading costs a
 * copy; a mapping costs a fault for each page, and that is several times dearer. */
#include "config.h"

#include "sensor/capture/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/err.h"
#include "common/log.h"
#include "common/xalloc.h"

static const struct file_format *const formats[] = { &file_format_pcap, &file_format_pcapng };

/* ---- windows --------------------------------------------------------------------------------- */

/* Read on behind the `have` bytes at the window's front, up to `want` bytes in all. A file that has
 * become shorter, or cannot be read on, ends there. */
static void window_fill(struct capture_file *f, size_t have, size_t want)
{
    uint8_t *to = f->window;
    while (have < want && f->read < f->size) {
        size_t room = f->size - f->read < want - have ? (size_t)(f->size - f->read) : want - have;
        ssize_t n = pread(f->fd, to + have, room, (off_t)f->read);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            if (n < 0)
                log_warn("capture", "%s cannot be read on: %s", f->base.name, strerror(errno));
            f->base.counts.truncated_files = 1;
            f->size = f->read;
            break;
        }
        have += (size_t)n;
        f->read += (uint64_t)n;
    }
    f->at = cursor_make(to, have);
}

/* Whether the record at hand stands at the window's front. */
static bool at_front(const struct capture_file *f)
{
    return cursor_left(&f->at) && f->at.at == f->window;
}

/* Windows begin when the caller lends their memory, not when one is used up. */
static bool is_lent(const struct capture_file *f)
{
    return f->window != f->memory;
}

/* Begin the next window; what is left of this one is carried to its front. When that is a record
 * which has all of this window and goes on, it is read as far as a record may be. */
static void window_begin(struct capture_file *f, uint8_t *memory)
{
    const uint8_t *rest = f->at.at;
    size_t have = cursor_left(&f->at);
    bool whole = at_front(f);
    if (have)
        memmove(memory, rest, have);
    f->window = memory;
    window_fill(f, have, whole ? CAPTURE_WINDOW_BYTES : FILE_WINDOW_BYTES);
}

int file_truncated(struct capture_file *f)
{
    f->base.counts.truncated_files = 1;
    f->at.bad = false;
    f->at.at = f->at.end;
    f->read = f->size;
    return ABENG_EOF;
}

int file_short(struct capture_file *f, const uint8_t *start)
{
    if (f->read == f->size)
        return file_truncated(f);
    f->at.bad = false;
    f->at.at = start;
    return FILE_SHORT;
}

int file_pass(struct capture_file *f, const uint8_t *start, uint64_t len)
{
    uint64_t here = (uint64_t)(f->at.end - start);
    if (len <= here) {
        f->at.at = start + len;
        return 0;
    }
    if (len - here > f->size - f->read)
        return file_truncated(f);
    f->read += len - here;
    f->at.at = f->at.end;
    return 0;
}

/* ---- the source ------------------------------------------------------------------------------ */

static int file_next(struct capture *c, struct frame *out, unsigned max, unsigned wait_ms)
{
    struct capture_file *f = (struct capture_file *)c;
    unsigned got = 0;
    bool begun = false;
    (void)wait_ms;
    while (got < max) {
        bool used_up = !cursor_left(&f->at) && f->read < f->size;
        int r = used_up ? FILE_SHORT : f->format->next(f, &out[got]);
        if (r < 0)
            return got ? (int)got : r;
        if (r != FILE_SHORT) {
            got += (unsigned)r;
        } else if (got || is_lent(f) || (begun && !at_front(f))) {
            break; /* frames are in this window: it moves at the next call */
        } else {
            window_begin(f, f->memory);
            begun = true;
        }
    }
    return (int)got;
}

static void file_window(struct capture *c, uint8_t *memory)
{
    window_begin((struct capture_file *)c, memory);
}

static void file_progress(const struct capture *c, uint64_t *done, uint64_t *all)
{
    const struct capture_file *f = (const struct capture_file *)c;
    *done = f->read - cursor_left(&f->at);
    *all = f->size;
}

static void file_close(struct capture *c)
{
    struct capture_file *f = (struct capture_file *)c;
    close(f->fd);
    free(f->memory);
    free(f->interfaces);
    free(f);
}

const struct capture_source capture_source_file = {
    .name = "file",
    .next = file_next,
    .window = file_window,
    .progress = file_progress,
    .close = file_close,
};

static bool file_size(int fd, uint64_t *size, char *reason, size_t reason_len)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        snprintf(reason, reason_len, "not a regular file");
        return false;
    }
    if (st.st_size < 12) {
        snprintf(reason, reason_len, "%lld bytes are too few for a capture file",
                 (long long)st.st_size);
        return false;
    }
    *size = (uint64_t)st.st_size;
    return true;
}

struct capture *capture_open_file(int fd, const char *name, char *reason, size_t reason_len)
{
    uint64_t size;
    if (!file_size(fd, &size, reason, reason_len)) {
        close(fd);
        return NULL;
    }
    struct capture_file *f = xcalloc(1, sizeof(*f));
    capture_init(&f->base, &capture_source_file, name);
    f->fd = fd;
    f->size = size;
    f->memory = xmalloc(CAPTURE_WINDOW_BYTES);
    f->window = f->memory;
    window_fill(f, 0, FILE_WINDOW_BYTES);
    const struct cursor begin = f->at;
    const uint8_t *first = begin.at;
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        f->at = begin;
        f->format = formats[i];
        if (f->format->open(f))
            return &f->base;
    }
    if (cursor_left(&begin) < 4)
        snprintf(reason, reason_len, "cannot be read");
    else
        snprintf(reason, reason_len, "neither pcap nor pcapng (starts with %02x%02x%02x%02x)",
                 first[0], first[1], first[2], first[3]);
    file_close(&f->base);
    return NULL;
}
