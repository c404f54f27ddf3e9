/* SPDX-License-Identifier: Apache-2.0 */
/* Capture files, read to their end: by their own window, and by windows that are lent. */
#include "config.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sensor/capture/capture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was read: how many frames, and a sum over their ends. */
struct seen {
    uint64_t frames;
    uint8_t sum;
};

static void look(struct seen *s, const struct frame *frames, int n)
{
    for (int i = 0; i < n; i++, s->frames++) {
        if (frames[i].len)
            s->sum = (uint8_t)(s->sum * 3 + frames[i].data[0] + frames[i].data[frames[i].len - 1]);
    }
}

static bool read_all(const uint8_t *data, size_t size, bool lent, struct seen *s)
{
    char reason[128];
    struct frame frames[CAPTURE_BURST_MAX];
    int fd = memfd_create("fuzz", MFD_CLOEXEC), n;
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    struct capture *c = capture_open_file(fd, "fuzz", reason, sizeof(reason));
    if (!c)
        return false;
    uint8_t *memory = lent ? malloc(CAPTURE_WINDOW_BYTES) : NULL;
    do {
        if (lent)
            capture_window(c, memory);
        while ((n = capture_next(c, frames, CAPTURE_BURST_MAX, 0)) > 0)
            look(s, frames, n);
    } while (n >= 0);
    capture_close(c);
    free(memory);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seen own = { 0 }, lent = { 0 };
    if (read_all(data, size, false, &own) != read_all(data, size, true, &lent) ||
        own.frames != lent.frames || own.sum != lent.sum)
        abort(); /* one file, read in two ways */
    return 0;
}
