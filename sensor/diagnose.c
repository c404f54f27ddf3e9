/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration as the doctor's question. */
#include "config.h"
#include "sensor/diagnose.h"

#include <stdlib.h>

#include "common/xalloc.h"
#include "sensor/conf.h"
#include "sensor/doctor/doctor.h"
#include "sensor/engine.h"
#include "sensor/options.h"

#define MIB ((uint64_t)1 << 20)

static uint64_t or_default(uint32_t set, uint32_t fallback)
{
    return set ? set : fallback;
}

int diagnose(const struct options *o)
{
    const struct sensor_conf *c = o->conf;
    const char **names = xcalloc(c->interfaces_count ? c->interfaces_count : 1, sizeof(*names));
    struct doctor *d = xcalloc(1, sizeof(*d));
    uint64_t rings = 0;
    for (uint32_t i = 0; i < c->interfaces_count; i++) {
        names[i] = c->interfaces[i].name;
        rings += c->interfaces[i].libpcap ? 0 : or_default(c->interfaces[i].ring_mib, RING_MIB);
    }
    uint64_t evidence = c->evidence.off ? 0 : or_default(c->evidence.max_mib, EVIDENCE_DISK_MIB);
    uint64_t spool = c->spool.off ? 0 : or_default(c->spool.max_mib, SPOOL_DISK_MIB);
    uint64_t ring = c->evidence.off ? 0 : or_default(c->evidence.ring_mib, EVIDENCE_RING_MIB);
    const struct doctor_conf conf = {
        .root = "",
        .interfaces = names,
        .interface_count = c->interfaces_count,
        .workers = o->workers,
        .worker_bytes = (or_default(c->limits.worker_memory_mib, WORKER_MEMORY_MIB) + ring) * MIB,
        .ring_bytes = rings * MIB,
        .state_dir = c->state_dir,
        .disk_bytes = (spool + evidence) * MIB,
    };
    doctor_run(d, &conf);
    int status = doctor_print(d, o->json) ? 0 : 1;
    free(names);
    free(d);
    return status;
}
