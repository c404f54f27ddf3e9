/* SPDX-License-Identifier: Apache-2.0 */
/* Capture files, read to their end. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sensor/capture/capture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char reason[128];
    struct frame frames[CAPTURE_BURST_MAX];
    volatile uint8_t sum = 0;
    int fd = memfd_create("fuzz", MFD_CLOEXEC), n;
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    struct capture *c = capture_open_file(fd, "fuzz", reason, sizeof(reason));
    if (!c)
        return 0;
    while ((n = capture_next(c, frames, CAPTURE_BURST_MAX, 0)) >= 0) {
        for (int i = 0; i < n; i++) {
            if (frames[i].len)
                sum = (uint8_t)(sum + frames[i].data[0] + frames[i].data[frames[i].len - 1]);
        }
    }
    capture_close(c);
    return 0;
}
