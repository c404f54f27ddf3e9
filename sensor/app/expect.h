/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Connections that one flow says will come: FTP's data channels. Flows of one address pair are
 * steered to one worker, so the table is the worker's own. It is small and direct-mapped: a newer
 * expectation takes the place of an older one.
 */
#ifndef SENSOR_APP_EXPECT_H
#define SENSOR_APP_EXPECT_H

#include <stdint.h>

#include "common/addr.h"
#include "signatures/buffer.h"

struct flow;
struct app_expect;

/** An empty table. */
struct app_expect *app_expect_create(void);

/** Bytes of a name that go with an expectation; the rest is left out. */
#define APP_EXPECT_NAME_MAX 255

/** What the parser that expects says to the one that will take it. */
struct app_expect_note {
    uint64_t tag;
    uint8_t len;
    uint8_t name[APP_EXPECT_NAME_MAX]; /* of the file that will come */
};

/** Expect a connection from `from` to `to`:`port` that speaks `app`; `note` is copied. */
void app_expect_add(struct app_expect *e, const struct addr *from, const struct addr *to,
                    uint16_t port, enum sig_app app, const struct app_expect_note *note);

/**
 * What was expected of this new flow, SIG_APP_UNKNOWN for nothing; an expectation is used once.
 * `*note` stays valid until the next call of app_expect_add.
 */
enum sig_app app_expect_take(struct app_expect *e, const struct flow *f,
                             const struct app_expect_note **note);

/** Free. NULL is allowed. */
void app_expect_free(struct app_expect *e);

#endif
