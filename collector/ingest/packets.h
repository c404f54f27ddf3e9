/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Requests for the packets of an alert's flow, and what the sensors answered.
 *
 * An analyst asks with a reason; the sensor that raised the alert gets the fixed verb `evidence`
 * with the place that its own alert named, again until it answers (a command that goes down a
 * dead connection is no answer); what it posts back is taken only for a request that is
 * open, from that sensor, of that length and hash. Requests and packets are files of one folder
 * (ID.json, ID.pcap): they are read one at a time and too large for the store. All functions from
 * any thread.
 */
#ifndef INGEST_PACKETS_H
#define INGEST_PACKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct clock;
struct json;
struct packets;
struct sensors;

/** Largest answer; the sensor keeps less of a flow. */
#define PACKETS_MAX (256u << 10)

/** Requests kept; the oldest goes, with its packets. */
#define PACKETS_REQUESTS_MAX 4096

/** An unanswered verb is sent again after so long. */
#define PACKETS_AGAIN_MS 10000u

/** An open request that was not answered for a day has expired. */
#define PACKETS_EXPIRE_MS 86400000ull

/** Longest text of a request. */
#define PACKETS_TEXT_MAX 512

/** What is asked for; all is borrowed. */
struct packets_wanted {
    const char *state, *incident, *sensor;
    const char *epoch, *lane;
    uint64_t seq;
    const char *file, *hash; /* as the alert said, checked here */
    uint64_t offset, length, packets;
    const char *reason, *by;
};

/** Open the folder (made when it is not there). NULL after a log line. */
struct packets *packets_open(const char *dir, struct sensors *sensors, const struct clock *clock);

/**
 * Ask a sensor and wake it; `id` ("jm-5") has room for 32. 0; ABENG_EINVAL when the alert's place
 * is none, or a text is too long; ABENG_EIO.
 */
int packets_ask(struct packets *p, const struct packets_wanted *wanted, char id[32]);

/**
 * Write the verbs that `sensor` is to get now as array elements: open requests it was not told of,
 * or not lately. `*count` grows by them. Whether requests of it are open at all.
 */
bool packets_take(struct packets *p, const char *sensor, struct json *out, size_t *count);

/**
 * A sensor's answer to request `id`: `len` bytes, or none with `refused`, its reason. 0;
 * ABENG_ENOENT when the request is not open or not this sensor's; ABENG_EFORMAT when length or hash
 * are others; ABENG_EIO.
 */
int packets_answer(struct packets *p, const char *sensor, const char *id, const void *bytes,
                   size_t len, const char *refused);

/** Write one request as a JSON object; `key` may be NULL. 0 or ABENG_ENOENT. */
int packets_write(struct packets *p, const char *id, struct json *out);

/**
 * Write requests as array elements, newest first: those of states in `scope` (auth_scope), and of
 * `incident` unless it is NULL. How many.
 */
size_t packets_write_all(struct packets *p, unsigned scope, const char *incident, struct json *out);

/** Path of a request's packets, to be freed; NULL when there are none. */
char *packets_path(struct packets *p, const char *id);

/** Close. NULL is allowed. */
void packets_close(struct packets *p);

#endif
