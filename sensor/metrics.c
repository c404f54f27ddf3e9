/* SPDX-License-Identifier: Apache-2.0 */
/* Prometheus text, exposition format 0.0.4. */
#include "config.h"
#include "sensor/metrics.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

#include "common/buf.h"
#include "common/counter.h"
#include "common/file.h"
#include "sensor/blackbox.h"
#include "sensor/statsfile.h"
#include "sensor/worker.h"
#include "sensor/writer.h"

#define METRICS_MAX     (1u << 20)
#define METRIC_NAME_MAX 96

static void write_one(struct buf *out, const char *name, const char *help, const char *type,
                      uint64_t value)
{
    buf_printf(out, "# HELP abeng_%s %s\n# TYPE abeng_%s %s\nabeng_%s %" PRIu64 "\n", name, help,
               name, type, name, value);
}

/* "stage.what" becomes stage_what_total; what else a name may hold is no character of
 * Prometheus'. */
static void write_counter(struct buf *out, const struct counter_def *def, uint64_t value)
{
    char name[METRIC_NAME_MAX];
    snprintf(name, sizeof(name), "%s_total", def->name);
    for (char *c = name; *c; c++) {
        if (!isalnum((unsigned char)*c))
            *c = '_';
    }
    write_one(out, name, def->help, "counter", value);
}

static void write_stages(const struct statsfile *s, struct buf *out)
{
    for (unsigned stage = 0; stage < WORKER_STAGES; stage++) {
        const struct counter_def *defs = worker_stage_counters(stage);
        for (unsigned i = 0; defs[i].name; i++) {
            uint64_t n = 0;
            for (unsigned w = 0; w < s->worker_count; w++)
                n += counter_read(worker_counters(s->workers[w], stage), i);
            write_counter(out, &defs[i], n);
        }
    }
    for (unsigned stage = 0; s->writer && stage < WRITER_STAGES; stage++) {
        const struct counter_def *defs = writer_stage_counters(stage);
        for (unsigned i = 0; defs[i].name; i++)
            write_counter(out, &defs[i], counter_read(writer_counters(s->writer, stage), i));
    }
}

static void write_ledger(const struct statsfile *s, struct buf *out)
{
    struct statsfile_ledger l;
    statsfile_ledger(s, &l);
    const struct {
        const char *name, *help, *type;
        uint64_t value;
    } rows[] = {
        { "packets_received_total", "packets received, dropped ones included", "counter",
          l.received },
        { "packets_processed_total", "packets that went through all stages", "counter",
          l.processed },
        { "packets_shed_total", "packets left out under pressure", "counter", l.shed },
        { "packets_dropped_total", "packets that the kernel dropped, for the ring was full",
          "counter", l.dropped },
        { "packets_killed_total", "packets that an engine died of, left out by the next", "counter",
          l.killed },
        { "flows_lost_total", "flows that ended with an engine that died", "counter",
          s->before->flows_lost },
        { "engines_died_total", "engines that died", "counter", s->before->lives },
        { "packets_waiting", "packets that are in the rings", "gauge", l.waiting },
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        write_one(out, rows[i].name, rows[i].help, rows[i].type, rows[i].value);
}

int metrics_write(const struct statsfile *s, int fd)
{
    struct buf out;
    buf_init(&out, METRICS_MAX);
    write_ledger(s, &out);
    write_stages(s, &out);
    int err = file_write_all(fd, out.data, out.len);
    buf_free(&out);
    return err;
}
