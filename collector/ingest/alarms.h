/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Alarms: what is wrong with sensors and with the collector itself, and since when. A thread looks
 * each few seconds; an alarm is on while its reason holds, and a day longer is on the list as over.
 * They are kept in {rg}:alarms, so a restart neither forgets nor repeats them.
 */
#ifndef COLLECTOR_INGEST_ALARMS_H
#define COLLECTOR_INGEST_ALARMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct alarms;
struct clock;
struct json;
struct store;

/** A sensor says something of itself each 10 s; nothing for so long is an alarm. */
#define ALARMS_SILENT_MS 75000u
/** A self-test is due each hour. */
#define ALARMS_SELF_TEST_MS (65u * 60000u)
/** A sensor's clock may be off by so much. */
#define ALARMS_OFFSET_MS 5000u
/** Lost or shed records stay an alarm for so long. */
#define ALARMS_GAP_MS (24u * 3600000u)
/** What is over stays on the list for so long. */
#define ALARMS_KEPT_MS (24u * 3600000u)
/** How often the thread looks. */
#define ALARMS_LOOK_MS 5000u

/** An alarm that holds now; texts are copied. */
struct alarm {
    const char *kind;   /* "sensor-silent" */
    unsigned severity;  /* 1 worst .. 3 */
    const char *sensor; /* NULL: the collector's own */
    const char *states; /* whose it is, "jm,bb"; "": everybody's */
    uint64_t since_ms;  /* 0: now, when it is new */
    uint64_t count;     /* what is counted: records missing; else 1 */
    const char *text;   /* one line for people */
};

/** What the composition root knows: called on the thread, calls alarms_hold for what is wrong. */
typedef void alarms_check_fn(void *arg, struct alarms *a);

struct alarms_conf {
    struct store *store;
    const struct clock *clock; /* NULL: the system's */
    alarms_check_fn *check;    /* may be NULL */
    void *check_arg;
    unsigned look_ms; /* 0: ALARMS_LOOK_MS */
};

/** Start the thread. NULL after a log line. */
struct alarms *alarms_start(const struct alarms_conf *conf);

/** This is wrong now. The alarms' thread, from the check. */
void alarms_hold(struct alarms *a, const struct alarm *x);

/** How many are on. Any thread. */
uint64_t alarms_active(const struct alarms *a);

/** Which ones a list shows. */
struct alarms_query {
    const char *states; /* "jm,bb" or "*": those that may be seen */
    bool on, over;
};

/** Write them as elements of the open array, newest first. 0 or ABENG_EAGAIN. Work threads. */
int alarms_write(struct store *s, const struct alarms_query *q, struct json *out, size_t *count);

/** End the thread, free. NULL is allowed. */
void alarms_stop(struct alarms *a);

#endif
