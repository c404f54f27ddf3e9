/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One alert as correlation sees it: a view into a stored batch, which lives until the batch is
 * folded.
 */
#ifndef CORRELATE_OBSERVATION_H
#define CORRELATE_OBSERVATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"

/** Bytes that are not NUL-ended; `len` 0: not there. Texts of JSON strings are still escaped. */
struct text {
    const char *at;
    size_t len;
};

struct observation {
    uint64_t time_ms;     /* when the sensor saw it; a clock that is ahead is cut to received_ms */
    uint64_t received_ms; /* when the collector accepted it */
    struct addr src, dest;
    uint16_t src_port, dest_port;
    uint8_t proto;
    uint8_t severity; /* 1 worst; 0 not given */
    bool to_client;   /* the packet came from the answering side: `dest` began the flow */
    bool has_target;  /* the rule names its target (keyword `target`) */
    struct addr target;
    uint32_t gid, sid, rev;
    struct text sensor;
    struct text signature, category;
    struct text metadata; /* JSON object */
    struct text app_proto, name, ja3, ndpi, ruleset, feed;
    struct text line; /* the whole EVE record */
};

#endif
