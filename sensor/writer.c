/* SPDX-License-Identifier: Apache-2.0 */
/* The writer thread and its files. */
#include "config.h"
#include "sensor/writer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/event.h"
#include "common/file.h"
#include "common/log.h"
#include "common/selftest.h"
#include "common/xalloc.h"
#include "sensor/alert/alert.h"
#include "sensor/alert/encode.h"
#include "sensor/alert/lane.h"
#include "sensor/alert/output.h"
#include "sensor/alert/sequencer.h"
#include "sensor/conf.h"
#include "sensor/detect/detect.h"
#include "sensor/engine.h"
#include "sensor/evidence/store.h"
#include "sensor/filestore.h"
#include "sensor/lanes.h"
#include "sensor/monitor/channel.h"
#include "sensor/spool/spool.h"

/* Nothing to do: look again after so long. Alerts wait this long at most when the line is quiet. */
#define IDLE_NS (4 * NS_PER_MS)

/* Lines of other threads that wait for a turn; more are left out. */
#define MAIL_MAX (1u << 20)

struct writer {
    const struct engine_conf *conf;
    writer_ask *ask;
    void *ask_arg;
    struct sequencer *sequencer;
    struct lane_table *lanes;
    const struct evidence_ring *const *rings;
    struct evidence_store *evidence; /* NULL: off */
    struct filestore *store;         /* NULL: off */
    struct output *eve;
    struct spool_files files;
    struct spool_writer *spool; /* NULL: none */
    struct encode_conf encode;
    struct self_test self_test;
    struct counter_block counters[WRITER_STAGES];
    struct buf line;
    pthread_t thread;
    bool failed;
    _Atomic bool reopen, letter; /* letter: `mail` holds something */
    pthread_mutex_t mail_lock;
    struct buf mail; /* lines of other threads, each with its newline */
    _Atomic unsigned long long alerts;
    _Atomic uint64_t evidence_since_ms; /* 0: no file was made yet */
};

const struct counter_def *writer_stage_counters(enum writer_stage stage)
{
    static const struct counter_def *const tables[WRITER_STAGES] = {
        [WRITER_STAGE_ALERT] = alert_counters,     [WRITER_STAGE_EVIDENCE] = evidence_counters,
        [WRITER_STAGE_SPOOL] = spool_counters,     [WRITER_STAGE_OUTPUT] = output_counters,
        [WRITER_STAGE_FILES] = filestore_counters,
    };
    return tables[stage];
}

/* ---- files through the monitor -------------------------------------------------------------- */

static int ask_for(struct writer *w, uint32_t verb, const char *name, uint64_t arg)
{
    struct channel_message m = { .verb = verb, .arg = arg };
    int fd;
    snprintf(m.name, sizeof(m.name), "%s", name);
    int err = w->ask(w->ask_arg, &m, &fd);
    return err < 0 ? err : fd;
}

static int spool_create(void *arg, const char *name)
{
    return ask_for(arg, CHANNEL_SPOOL_CREATE, name, 0);
}

static int spool_open(void *arg, const char *name)
{
    return ask_for(arg, CHANNEL_SPOOL_OPEN, name, 0);
}

static int spool_remove(void *arg, const char *name)
{
    int err = ask_for(arg, CHANNEL_SPOOL_REMOVE, name, 0);
    return err < 0 && err != ABENG_ERR ? err : ABENG_OK;
}

static int spool_list(void *arg, struct buf *names)
{
    struct writer *w = arg;
    struct channel_message m = { .verb = CHANNEL_SPOOL_LIST };
    int fd;
    int err = w->ask(w->ask_arg, &m, &fd);
    if (err < 0 || fd < 0)
        return err < 0 ? err : ABENG_EIO;
    err = file_read_fd(fd, names);
    close(fd);
    return err;
}

static int evidence_file(void *arg, const char *name)
{
    struct writer *w = arg;
    struct channel_message m = { .verb = CHANNEL_EVIDENCE_CREATE };
    int fd;
    snprintf(m.name, sizeof(m.name), "%s", name);
    int err = w->ask(w->ask_arg, &m, &fd);
    if (err >= 0)
        atomic_store(&w->evidence_since_ms, m.arg);
    return err < 0 ? err : fd;
}

static int open_eve(struct writer *w)
{
    return ask_for(w, CHANNEL_OPEN_OUTPUT, "eve.json", 0);
}

/* ---- records -------------------------------------------------------------------------------- */

/* The channel a set came by stands before the colon of its name. */
static void feed_of(const char *ruleset, char *out, size_t size)
{
    snprintf(out, size, "%.*s", (int)strcspn(ruleset, ":"), ruleset);
}

static void spool_alert(struct writer *w, const struct lane *lane)
{
    int64_t number =
        spool_writer_append(w->spool, lane->name, SPOOL_KIND_ALERT, w->line.data, w->line.len);
    if (number < 0 && !w->failed) {
        log_error("spool", "an alert could not be kept (%s); it is counted as lost",
                  err_text((int)number));
        w->failed = true;
    }
}

static bool keep_evidence(struct writer *w, const struct alert_record *r,
                          struct evidence_place *out)
{
    const struct evidence_ring *ring = w->rings[r->worker];
    return w->evidence && ring && r->has_flow && r->evidence_at &&
           evidence_store_keep(w->evidence, ring, r->flow_id, r->evidence_at, out);
}

static void take_alert(struct writer *w, const struct alert_record *r,
                       const struct detect_rule *rule, const void *extra, bool blocked)
{
    struct event_abeng abeng = { .ruleset = detect_ruleset_name(r->ruleset, NULL) };
    char feed[64];
    struct lane lane;
    feed_of(abeng.ruleset, feed, sizeof(feed));
    abeng.feed = feed;
    lane_choose(w->lanes, r, rule, &lane);
    abeng.home = lane.state;
    struct evidence_place kept;
    struct event_evidence evidence;
    if (keep_evidence(w, r, &kept)) {
        evidence =
            (struct event_evidence){ kept.file, kept.hash, kept.offset, kept.length, kept.packets };
        abeng.evidence = &evidence;
    }
    if (w->spool) {
        abeng.epoch = spool_writer_epoch(w->spool);
        abeng.lane = lane.name;
        abeng.seq = spool_writer_next(w->spool, lane.name);
    }
    encode_alert(&w->encode, r, rule, extra, blocked, &abeng, &w->line);
    if (w->line.bad) {
        log_warn("writer", "an alert of sid %u is too long for a line and is left out", rule->sid);
        if (w->spool)
            spool_writer_lost(w->spool, lane.name, 1, "too_long");
        return;
    }
    output_line(w->eve, w->line.data, w->line.len);
    if (w->spool)
        spool_alert(w, &lane);
    atomic_fetch_add_explicit(&w->alerts, 1, memory_order_relaxed);
}

static void take_record(void *arg, const struct alert_record *r, const struct detect_rule *rule,
                        const void *extra, bool blocked)
{
    struct writer *w = arg;
    buf_clear(&w->line);
    if (r->kind == ALERT_KIND_ALERT) {
        take_alert(w, r, rule, extra, blocked);
        return;
    }
    if (r->kind == ALERT_KIND_PACKET)
        encode_packet(&w->encode, r, extra, &w->line);
    else
        encode_flow(&w->encode, r, extra, &w->line);
    if (!w->line.bad)
        output_line(w->eve, w->line.data, w->line.len);
}

/* ---- the thread ----------------------------------------------------------------------------- */

static void reopen_if_asked(struct writer *w)
{
    if (!atomic_exchange(&w->reopen, false))
        return;
    int fd = open_eve(w);
    if (fd >= 0)
        output_reopen(w->eve, fd);
    else
        log_error("writer", "cannot open eve.json again; writing goes on into the old file");
}

static void take_mail(struct writer *w)
{
    if (!atomic_exchange(&w->letter, false))
        return;
    pthread_mutex_lock(&w->mail_lock);
    for (size_t at = 0; at < w->mail.len;) {
        const uint8_t *line = w->mail.data + at;
        size_t len = (size_t)((const uint8_t *)memchr(line, '\n', w->mail.len - at) - line);
        output_line(w->eve, line, len);
        at += len + 1;
    }
    buf_clear(&w->mail);
    pthread_mutex_unlock(&w->mail_lock);
}

void writer_line(struct writer *w, const struct buf *line)
{
    pthread_mutex_lock(&w->mail_lock);
    if (!line->bad && w->mail.len + line->len < MAIL_MAX) {
        buf_add(&w->mail, line->data, line->len);
        buf_byte(&w->mail, '\n');
        atomic_store(&w->letter, true);
    }
    pthread_mutex_unlock(&w->mail_lock);
}

/* Once an hour an alert of our own, which tells the collector that the way is whole. */
static void test_self(struct writer *w)
{
    uint64_t now = clock_now(clock_system());
    struct lane lane;
    if (!w->spool || !w->conf->live || !self_test_due(&w->self_test, now))
        return;
    lane_of(w->lanes, NULL, NULL, 0, true, &lane);
    const struct event_abeng abeng = { .epoch = spool_writer_epoch(w->spool),
                                       .lane = lane.name,
                                       .seq = spool_writer_next(w->spool, lane.name),
                                       .home = lane.state };
    buf_clear(&w->line);
    self_test_write(&w->line, now, &abeng);
    spool_alert(w, &lane);
}

static void *writer_main(void *arg)
{
    struct writer *w = arg;
    const struct timespec idle = { 0, IDLE_NS };
    int n;
    self_test_begin(&w->self_test, clock_now(clock_system()));
    while ((n = sequencer_run(w->sequencer)) != ABENG_EOF) {
        reopen_if_asked(w);
        take_mail(w);
        test_self(w);
        if (w->spool && spool_writer_sync(w->spool, false) < 0)
            w->failed = true;
        if (w->evidence)
            evidence_store_sync(w->evidence);
        if (w->store && filestore_run(w->store))
            continue;
        if (n > 0)
            continue;
        if (output_flush(w->eve, false) < 0)
            w->failed = true;
        nanosleep(&idle, NULL);
    }
    while (w->store && filestore_run(w->store))
        ;
    if (output_flush(w->eve, true) < 0 || (w->spool && spool_writer_sync(w->spool, true) < 0))
        w->failed = true;
    return NULL;
}

bool writer_start(struct writer *w)
{
    return pthread_create(&w->thread, NULL, writer_main, w) == 0;
}

void writer_reopen(struct writer *w)
{
    atomic_store(&w->reopen, true);
}

bool writer_join(struct writer *w)
{
    pthread_join(w->thread, NULL);
    take_mail(w);
    if (output_flush(w->eve, true) < 0)
        w->failed = true;
    return !w->failed;
}

/* ---- start and end -------------------------------------------------------------------------- */

static void make_counters(struct writer *w)
{
    for (unsigned s = 0; s < WRITER_STAGES; s++)
        w->counters[s] = counter_block_create(writer_stage_counters(s));
}

static int open_spool(struct writer *w)
{
    struct spool_conf conf = { .bytes_max = (uint64_t)w->conf->conf->spool.max_mib << 20 };
    char reason[256];
    if (!w->conf->spool)
        return ABENG_OK;
    w->files = (struct spool_files){ spool_create, spool_remove, spool_list, spool_open, w };
    w->spool = spool_writer_open(&conf, &w->files, &w->counters[WRITER_STAGE_SPOOL], reason,
                                 sizeof(reason));
    if (w->spool)
        return ABENG_OK;
    log_error("spool", "%s", reason);
    return ABENG_ERR;
}

struct writer *writer_create(const struct engine_conf *conf, struct alert_ring **rings,
                             struct alert_ring *const *files,
                             const struct evidence_ring *const *evidence, writer_ask *ask,
                             void *ask_arg)
{
    struct writer *w = xcalloc(1, sizeof(*w));
    struct sequencer_conf sequencer = { 0 };
    *w = (struct writer){ .conf = conf, .ask = ask, .ask_arg = ask_arg };
    w->encode = (struct encode_conf){ conf->live ? conf->ring_names : NULL, conf->ring_count };
    buf_init(&w->line, EVENT_LINE_MAX);
    buf_init(&w->mail, MAIL_MAX);
    pthread_mutex_init(&w->mail_lock, NULL);
    make_counters(w);
    w->sequencer = sequencer_create(&sequencer, rings, conf->workers, take_record, w,
                                    &w->counters[WRITER_STAGE_ALERT]);
    if (conf->files)
        w->store =
            filestore_create(files, conf->workers, ask, ask_arg, &w->counters[WRITER_STAGE_FILES]);
    w->rings = evidence;
    if (conf->evidence)
        w->evidence = evidence_store_create(evidence_file, w, &w->counters[WRITER_STAGE_EVIDENCE]);
    int fd = open_eve(w);
    if (fd >= 0)
        w->eve = output_create(fd, "eve.json", &w->counters[WRITER_STAGE_OUTPUT]);
    w->lanes = lanes_create(conf->conf);
    if (!w->eve || !w->lanes || open_spool(w) < 0) {
        log_error("writer", "cannot open its files; is the folder of eve.json writable?");
        writer_free(w);
        return NULL;
    }
    return w;
}

const struct counter_block *writer_counters(const struct writer *w, enum writer_stage stage)
{
    return &w->counters[stage];
}

unsigned long long writer_alerts(const struct writer *w)
{
    return atomic_load_explicit(&w->alerts, memory_order_relaxed);
}

uint64_t writer_evidence_since(const struct writer *w)
{
    return atomic_load_explicit(&w->evidence_since_ms, memory_order_relaxed);
}

const char *writer_epoch(const struct writer *w)
{
    return w->spool ? spool_writer_epoch(w->spool) : NULL;
}

void writer_free(struct writer *w)
{
    if (!w)
        return;
    sequencer_free(w->sequencer);
    evidence_store_free(w->evidence);
    filestore_free(w->store);
    output_close(w->eve);
    spool_writer_close(w->spool);
    lane_table_free(w->lanes);
    for (unsigned s = 0; s < WRITER_STAGES; s++)
        counter_block_free(&w->counters[s]);
    buf_free(&w->line);
    buf_free(&w->mail);
    pthread_mutex_destroy(&w->mail_lock);
    free(w);
}
