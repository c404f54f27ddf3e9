/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The writer thread: merges the workers' records (sensor/alert/sequencer.h), makes each one EVE
 * line, and puts it into eve.json and, alerts alone, into the spool under the number it will
 * travel with. It alone waits for a disk.
 */
#ifndef SENSOR_WRITER_H
#define SENSOR_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/counter.h"

struct alert_ring;
struct buf;
struct channel_message;
struct engine_conf;
struct evidence_ring;
struct writer;

enum writer_stage {
    WRITER_STAGE_ALERT,
    WRITER_STAGE_EVIDENCE,
    WRITER_STAGE_SPOOL,
    WRITER_STAGE_OUTPUT,
    WRITER_STAGE_FILES,
    WRITER_STAGES
};

/** Ask the monitor: sends `m`, leaves the answer in it; its descriptor or -1 in `*fd`. */
typedef int writer_ask(void *arg, struct channel_message *m, int *fd);

/**
 * Open eve.json and the spool through the monitor. `rings`, one a worker, `files`, those of files
 * to be stored (each may be NULL: none are), `evidence`, their rings of recent packets (each may be
 * NULL), and what `conf` points to stay the caller's. NULL after a log line.
 */
struct writer *writer_create(const struct engine_conf *conf, struct alert_ring **rings,
                             struct alert_ring *const *files,
                             const struct evidence_ring *const *evidence, writer_ask *ask,
                             void *ask_arg);

/** Start the thread. False when the system refuses. */
bool writer_start(struct writer *w);

/** eve.json was moved away: open it again. Any thread; done at the writer's next turn. */
void writer_reopen(struct writer *w);

/** A line of its own for eve.json, without a newline, copied. Any thread but workers'; written at
 * the writer's next turn, or by writer_join. */
void writer_line(struct writer *w, const struct buf *line);

/** Wait for its end (all rings finished and empty). False when something could not be written. */
bool writer_join(struct writer *w);

/** The counter names of a stage, ended by a NULL name. Static. */
const struct counter_def *writer_stage_counters(enum writer_stage stage);

/** Counters of a stage; any thread may read them. */
const struct counter_block *writer_counters(const struct writer *w, enum writer_stage stage);

/** Alerts written so far; any thread. */
unsigned long long writer_alerts(const struct writer *w);

/** Since when, at the latest, the packets kept for alerts reach back, ms; 0: none was kept yet. */
uint64_t writer_evidence_since(const struct writer *w);

/** The spool's epoch, NULL without a spool. */
const char *writer_epoch(const struct writer *w);

/** Free. NULL is allowed. */
void writer_free(struct writer *w);

#endif
