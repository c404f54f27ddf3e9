/* SPDX-License-Identifier: Apache-2.0 */
/* Stands before nDPI in tests/e2e/deadframe.test: a packet that holds the word kills its engine. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

typedef struct {
    unsigned short master, app;
    int category;
    void *custom;
} result; /* as nDPI 4.2 returns it; only handed on */

result ndpi_detection_process_packet(void *module, void *flow, const unsigned char *packet,
                                     unsigned short len, unsigned long long time_ms);

result ndpi_detection_process_packet(void *module, void *flow, const unsigned char *packet,
                                     unsigned short len, unsigned long long time_ms)
{
    result (*real)(void *, void *, const unsigned char *, unsigned short, unsigned long long);
    *(void **)&real = dlsym(RTLD_NEXT, "ndpi_detection_process_packet");
    if (memmem(packet, len, "KILL-THE-ENGINE", 15))
        *(volatile int *)8 = 1;
    return real(module, flow, packet, len, time_ms);
}
