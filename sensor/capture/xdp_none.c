/* SPDX-License-Identifier: Apache-2.0 */
/* In place of xdp.c where libxdp is not there. */
#include "config.h"

#include <stdio.h>

#include "sensor/capture/source.h"

struct capture *capture_open_xdp(const struct capture_live_conf *conf, unsigned queue,
                                 char *reason, size_t reason_len)
{
    (void)queue;
    snprintf(reason, reason_len,
             "%s: this abeng-sensor was built without libxdp: leave out xdp, or apt-get install "
             "libxdp-dev libbpf-dev and build again",
             conf->interface);
    return NULL;
}

void capture_xdp_end(struct capture *c)
{
    (void)c;
}
