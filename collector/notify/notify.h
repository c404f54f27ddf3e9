/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The ladder: one thread takes each notice whose timer is due, sends it, and when nobody
 * acknowledges within the tier's time hands it to the contact of the next rung. Timers stand in the
 * store ({st}:rtm), so a restart forgets none; before it sends, it writes that it will (a change of
 * version), so two collectors never both send. Killed between the server's "250" and the note of
 * it, the same message goes out again under the same Message-ID.
 */
#ifndef NOTIFY_NOTIFY_H
#define NOTIFY_NOTIFY_H

#include <stddef.h>
#include <stdint.h>

#include "collector/notify/send.h"
#include "collector/triage/record.h"

struct clock;
struct model;
struct notify;
struct sign_public;
struct store;

/** Tries of one rung before the next is taken; days that a recipient's link is good for. */
#define NOTIFY_TRIES     6
#define NOTIFY_LINK_DAYS 30

/** All is borrowed; `clock` NULL: the system's. */
struct notify_conf {
    struct store *store;
    struct model *model;
    const struct clock *clock;
    struct send_conf send;
    const char *public_url; /* what recipients' links begin with: https://cert.example.org:8443 */
};

/** Start the thread. NULL and a log line when there is none to be had. */
struct notify *notify_start(const struct notify_conf *conf);

/** Make it without a thread, for tests: notify_run does the work. */
struct notify *notify_create(const struct notify_conf *conf);

/** Do all that is due now, on the calling thread; how many notices were looked at. */
unsigned notify_run(struct notify *n, uint64_t now_ms);

/** End the thread, free; waits for a sending that is under way. NULL is allowed. */
void notify_stop(struct notify *n);

/** The public half of the key that signs webhooks; NULL: none does. */
const struct sign_public *notify_key(const struct notify *n);

/** Send a test to a contact now: 0, or an error with `why`. Blocks as send_mail does. */
int notify_test(struct notify *n, const struct record_doc *contact, uint64_t now_ms, char *why,
                size_t why_len);

/** The notice that a recipient's token ("jm.…") opens: 0, ABENG_ENOENT, ABENG_EAGAIN. */
int notify_open(struct store *store, const char *token, struct record_doc *out);

#endif
