/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The spool: where records wait until the collector has them on its disk.
 *
 * A record gets its number when it is appended: per epoch and lane, contiguous from 1. An epoch is
 * random and new each time the spool is opened for writing; the first record of each lane names the
 * last number of the one before. Segments are append-only files of checksummed records
 * (segment.h); a torn tail is cut off at open and said so; fsync goes by bytes and time, and only
 * fsynced records are sent. The reader (the uplink process) takes each lane's records in order and
 * stores what the collector has committed; segments are deleted below that, but not younger than
 * ten minutes. When the bound is reached, whole segments of the bulk lanes go first, oldest first:
 * their numbers stay missing, and a gap record says which and why. Writer and reader are different
 * processes: they share the folder and nothing else. The engine has no file system, so the writer
 * gets its descriptors through `struct spool_files`.
 */
#ifndef SENSOR_SPOOL_H
#define SENSOR_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/counter.h"

#define SPOOL_EPOCH_BYTES 16
#define SPOOL_LANE_MAX    24 /* "jm.urgent" and its NUL */
#define SPOOL_RECORD_MAX  (64u << 10)
/** Bytes of names: a start takes a segment, a spool of 4 GiB has room for a million of 28 bytes. */
#define SPOOL_LIST_MAX (64u << 20)

struct buf;
struct spool_writer;
struct spool_reader;

enum spool_kind {
    SPOOL_KIND_ALERT, /* one EVE line */
    SPOOL_KIND_GAP,   /* JSON: what was shed or lost, as an EVE line of event_type "gap" */
    SPOOL_KIND_EPOCH, /* JSON: the epoch before and its last number in this lane */
};

/** How a writer without a file system comes to its files; the monitor stands behind it. */
struct spool_files {
    int (*create)(void *arg, const char *name); /* new segment for appending: descriptor or error */
    int (*remove)(void *arg, const char *name);
    int (*list)(void *arg, struct buf *names); /* append each name and its NUL; 0 or error */
    int (*open)(void *arg, const char *name);  /* an existing segment, read and write */
    void *arg;
};

struct spool_conf {
    uint64_t bytes_max;     /* 0: 4 GiB */
    uint64_t segment_bytes; /* 0: 16 MiB */
    uint64_t sync_bytes;    /* fsync after so many bytes; 0: 1 MiB */
    uint64_t sync_ns;       /* and after so long; 0: 200 ms */
};

/** Counter names of this stage, ended by a NULL name. */
extern const struct counter_def spool_counters[];

/** Files of a folder, for processes that may open them. Free with spool_files_free. */
struct spool_files *spool_files_folder(const char *dir);

/** Free what spool_files_folder made. NULL is allowed. */
void spool_files_free(struct spool_files *files);

/** Segments of each class that spool_last_each looks into. */
#define SPOOL_LAST_SEGMENTS 3

/** An alert's record as it stands on disk; `lane` and `bytes` are valid during the call. */
typedef void spool_last_fn(void *arg, const char *lane, const uint8_t *bytes, uint32_t len);

/**
 * Each good alert record of the newest segments, oldest first in each lane: what a source wrote
 * before it was killed. Before spool_writer_open. 0, or ABENG_EIO.
 */
int spool_last_each(const struct spool_files *files, spool_last_fn *fn, void *arg);

/**
 * Open for writing: repair the tail, start a new epoch. NULL with `reason`. `files` and `counters`
 * (a block for spool_counters) stay the caller's. One thread uses a writer; two writers on one
 * folder are the caller's mistake.
 */
struct spool_writer *spool_writer_open(const struct spool_conf *conf,
                                       const struct spool_files *files,
                                       struct counter_block *counters, char *reason,
                                       size_t reason_len);

/** The epoch's name: 32 hexadecimal digits. */
const char *spool_writer_epoch(const struct spool_writer *w);

/** The number that the next record of `lane` will get, so that the record can carry it. 0: none. */
uint64_t spool_writer_next(struct spool_writer *w, const char *lane);

/**
 * Append a record (at most SPOOL_RECORD_MAX bytes) and return its number; or ABENG_ELIMIT, or
 * ABENG_EIO (disk full: counted, a gap record follows when there is room again).
 */
int64_t spool_writer_append(struct spool_writer *w, const char *lane, enum spool_kind kind,
                            const void *bytes, size_t len);

/** Count `n` records of `lane` as lost before they could be appended: a gap record is written. */
void spool_writer_lost(struct spool_writer *w, const char *lane, uint64_t n, const char *why);

/** Whether more than three quarters of the bound are taken: a source that can wait, waits. */
bool spool_writer_crowded(struct spool_writer *w);

/** fsync when the policy says so (call at least each sync_ns), or at once with `now`. */
int spool_writer_sync(struct spool_writer *w, bool now);

/** Close after a last fsync. NULL is allowed. */
void spool_writer_close(struct spool_writer *w);

/** One record as the reader sees it; valid until the next call for its lane. */
struct spool_record {
    char epoch[2 * SPOOL_EPOCH_BYTES + 1];
    char lane[SPOOL_LANE_MAX];
    enum spool_kind kind;
    bool after_hole; /* the numbers just before it are gone from this spool: it can't join on */
    uint64_t number;
    const uint8_t *bytes;
    uint32_t len;
};

/** Open a spool's folder for reading; makes the position file. NULL with `reason`. */
struct spool_reader *spool_reader_open(const char *dir, char *reason, size_t reason_len);

/** Lanes that have records waiting, urgent ones first; returns how many of at most `max`. */
int spool_reader_lanes(struct spool_reader *r, char lanes[][SPOOL_LANE_MAX], int max);

/**
 * Next fsynced record of `lane` that was not handed out yet: 1; 0 when there is none now, or where
 * a batch must end because the next one is of another epoch or comes after a hole (ask again to
 * get it); or an error. The reader hands out an epoch to its end first.
 */
int spool_reader_next(struct spool_reader *r, const char *lane, struct spool_record *out);

/**
 * The collector has all of `lane` in `epoch` up to `number` on its disk: stored (fsynced), and
 * segments that hold nothing else are deleted once they are ten minutes old. 0 or ABENG_EIO.
 */
int spool_reader_committed(struct spool_reader *r, const char *lane, const char *epoch,
                           uint64_t number);

/**
 * Hand out again from just after `number` (after a 409, or a batch that failed). 0, or
 * ABENG_ENOENT when nothing of that epoch is there any more.
 */
int spool_reader_rewind(struct spool_reader *r, const char *lane, const char *epoch,
                        uint64_t number);

/** Records that are fsynced and not committed, over all lanes. */
uint64_t spool_reader_waiting(struct spool_reader *r);

/** Close. NULL is allowed. */
void spool_reader_close(struct spool_reader *r);

#endif
