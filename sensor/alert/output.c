/* SPDX-License-Identifier: Apache-2.0 */
/* The buffered file of lines. */
#include "config.h"
#include "sensor/alert/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/log.h"
#include "common/xalloc.h"

#define FLUSH_BYTES (256u << 10)
#define FLUSH_NS    (200 * NS_PER_MS)

enum output_counter {
    OUTPUT_LINES,
    OUTPUT_BYTES,
    OUTPUT_LOST,
    OUTPUT_COUNTERS,
};

/* clang-format off */
const struct counter_def output_counters[] = {
    [OUTPUT_LINES] = { "output.lines", "lines written" },
    [OUTPUT_BYTES] = { "output.bytes", "bytes written" },
    [OUTPUT_LOST] = { "output.lost", "lines lost: the system refused the write" },
    [OUTPUT_COUNTERS] = { NULL, NULL },
};
/* clang-format on */

struct output {
    int fd;
    char *name;
    struct counter_block *counters;
    struct buf lines;
    uint64_t waiting;       /* lines in the buffer */
    uint64_t waiting_since; /* monotonic */
    bool failing;           /* said so already */
    bool torn;              /* the file ends within a line */
};

struct output *output_create(int fd, const char *name, struct counter_block *counters)
{
    struct output *o = xcalloc(1, sizeof(*o));
    o->fd = fd;
    o->name = xstrdup(name);
    o->counters = counters;
    buf_init(&o->lines, 2 * FLUSH_BYTES);
    return o;
}

/* How many bytes got out; short of `len` when the system refuses more. */
static size_t write_some(int fd, const uint8_t *bytes, size_t len)
{
    size_t done = 0;
    while (done < len) {
        ssize_t n = write(fd, bytes + done, len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    return done;
}

static uint64_t count_lines(const uint8_t *bytes, size_t len)
{
    uint64_t n = 0;
    for (const uint8_t *p = bytes; (p = memchr(p, '\n', len - (size_t)(p - bytes))); p++)
        n++;
    return n;
}

static int write_out(struct output *o)
{
    size_t len = o->lines.len;
    if (!len)
        return ABENG_OK;
    if (o->torn)
        o->torn = write_some(o->fd, (const uint8_t *)"\n", 1) != 1;
    size_t done = o->torn ? 0 : write_some(o->fd, o->lines.data, len);
    uint64_t lines = done == len ? o->waiting : count_lines(o->lines.data, done);
    counter_add(o->counters, OUTPUT_LINES, lines);
    counter_add(o->counters, OUTPUT_BYTES, done);
    counter_add(o->counters, OUTPUT_LOST, o->waiting - lines);
    if (done < len && !o->failing)
        log_error("output", "%s: cannot write: %s; lines are counted as lost until it works again",
                  o->name, strerror(errno));
    if (done == len && o->failing)
        log_notice("output", "%s: writing works again", o->name);
    o->torn |= done > 0 && done < len && o->lines.data[done - 1] != '\n';
    o->failing = done < len;
    o->waiting = 0;
    buf_clear(&o->lines);
    return o->failing ? ABENG_EIO : ABENG_OK;
}

void output_line(struct output *o, const void *line, size_t len)
{
    if (!o->waiting++)
        o->waiting_since = clock_mono_ns();
    buf_add(&o->lines, line, len);
    buf_byte(&o->lines, '\n');
    if (o->lines.len >= FLUSH_BYTES)
        write_out(o);
}

int output_flush(struct output *o, bool now)
{
    if (!o->waiting || (!now && clock_mono_ns() - o->waiting_since < FLUSH_NS))
        return ABENG_OK;
    return write_out(o);
}

void output_reopen(struct output *o, int fd)
{
    write_out(o);
    close(o->fd);
    o->fd = fd;
    o->torn = false;
}

void output_close(struct output *o)
{
    if (!o)
        return;
    write_out(o);
    close(o->fd);
    buf_free(&o->lines);
    free(o->name);
    free(o);
}
