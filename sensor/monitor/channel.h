/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the sensor's processes say to each other: fixed messages over a SOCK_SEQPACKET pair, with a
 * descriptor at most. The enum is the whole conversation. The monitor answers a child's request; it
 * never asks one.
 */
#ifndef SENSOR_CHANNEL_H
#define SENSOR_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>

#define CHANNEL_NAME_MAX 128
#define CHANNEL_TEXT_MAX 1024

enum channel_verb {
    /* from a child, answered with the same verb and `status` */
    CHANNEL_NEXT_CAPTURE, /* engine: the next capture file; status ABENG_EOF after the last */
    CHANNEL_OPEN_OUTPUT, /* engine: `name` (eve.json, stats.json) of the outputs; arg 1: truncate */
    CHANNEL_SPOOL_CREATE,    /* engine: new segment `name` */
    CHANNEL_SPOOL_OPEN,      /* engine: existing segment `name`, read and write */
    CHANNEL_SPOOL_REMOVE,    /* engine: remove segment `name` */
    CHANNEL_SPOOL_LIST,      /* engine: descriptor of a memfd with NUL-ended names */
    CHANNEL_EVIDENCE_CREATE, /* engine: new evidence file `name`; old ones go; arg: since when
                              * there are some, ms */
    CHANNEL_DATASET,         /* engine: file `name` of a dataset; arg: enum channel_dataset */
    CHANNEL_FILE,            /* engine: stored file `name`; arg: enum channel_file */
    CHANNEL_EVIDENCE_FETCH,  /* uplink: packets: `name`, arg offset, arg2 length, text hash */
    CHANNEL_LIST_OPEN,       /* loader: list `name` beside the rules file that is source `arg` */
    CHANNEL_CACHE_GET,       /* loader: `name` is the key; sealed image, then its report */
    CHANNEL_RULESET_DONE,    /* loader: descriptor of the image; arg: rules loaded, arg2: refused */
    CHANNEL_REPORT_DONE,     /* loader: descriptor of the report */
    CHANNEL_FAILED,          /* loader: `text` says why there is no rule set */
    CHANNEL_BUNDLE_READY,    /* uplink: bundle `name` (channel) has been pulled */
    /* from the monitor to the engine, not answered */
    CHANNEL_SET_RULESET, /* descriptor of a sealed image */
    CHANNEL_STOP,
    CHANNEL_REOPEN,  /* outputs were rotated: ask for them again */
    CHANNEL_PROFILE, /* write rule-profile.json now */
};

/** What the engine wants of a dataset's file: to read it, write the next, put that in its place. */
enum channel_dataset { CHANNEL_DATASET_READ, CHANNEL_DATASET_WRITE, CHANNEL_DATASET_REPLACE };

/** What the engine wants of a stored file: to write it (no descriptor: it is there), to end it. */
enum channel_file { CHANNEL_FILE_BEGIN, CHANNEL_FILE_FINISH };

struct channel_message {
    uint32_t verb;  /* enum channel_verb */
    int32_t status; /* 0 or enum abeng_err */
    uint64_t arg, arg2;
    char name[CHANNEL_NAME_MAX]; /* NUL-ended */
    char text[CHANNEL_TEXT_MAX]; /* NUL-ended, for logs */
};

/** A connected pair of sockets, close-on-exec. 0 or ABENG_EIO. */
int channel_pair(int out[2]);

/**
 * Send `m`, and `fd` with it unless it is -1 (it stays open here). Any thread, whole messages. 0 or
 * ABENG_EIO.
 */
int channel_send(int socket, const struct channel_message *m, int fd);

/**
 * Receive; `*fd` is the descriptor that came, or -1. 0, ABENG_EOF when the other side is gone,
 * ABENG_EFORMAT for anything that is no whole message, ABENG_EIO.
 */
int channel_receive(int socket, struct channel_message *m, int *fd);

/**
 * Send a request and wait for its answer; returns the answer's status. `*fd` as channel_receive.
 * One thread at a time.
 */
int channel_ask(int socket, struct channel_message *m, int *fd);

/**
 * Whether `name` is a plain file name: letters, digits, dot, minus, underscore; not starting with a
 * dot; not empty.
 */
bool channel_name_ok(const char *name);

#endif
