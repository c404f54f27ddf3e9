/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The store: Redis 7, seen as connections that call functions. hiredis is included in this folder
 * only.
 *
 * All writes of more than one key go through ONE function library (store/lua, assembled at build,
 * loaded at start under its version): an alert batch is `abeng_accept`, an analyst's verb is one
 * function. Keys of one call share one hash tag, so the same code runs on Cluster. Every
 * process-wide thing is in `struct store`; each thread has a connection per scope, reconnects with
 * a bounded wait, and gets ABENG_EAGAIN while Redis loads or is away. By default the collector runs
 * its own redis-server as a child (store/embed.h); `--redis` names another one.
 */
#ifndef COLLECTOR_STORE_STORE_H
#define COLLECTOR_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store;
struct store_conn;
struct store_reply;

/** One binary-safe argument. */
struct store_arg {
    const void *bytes;
    size_t len;
};

/** An argument from a NUL-ended string. */
#define STORE_TEXT(text) ((struct store_arg){ (text), __builtin_strlen(text) })
/** An argument from bytes. */
#define STORE_BYTES(ptr, n) ((struct store_arg){ (ptr), (n) })

struct store_conf {
    const char *address;  /* "unix:/path", "HOST:PORT"; required */
    const char *password; /* NULL: none */
    unsigned connect_ms;  /* 0: 1000 */
    unsigned command_ms;  /* 0: 5000; blocking reads add their own wait */
    bool scoped_users;    /* make and use one ACL user per member state */
};

/**
 * Connect, check version and policy (Redis >= 7, noeviction, append-only file), load the function
 * library. NULL and a log line that says what to do when that cannot be; waits up to `wait_ms` for
 * a store that is loading.
 */
struct store *store_open(const struct store_conf *conf, unsigned wait_ms);

/** Close; connections of other threads must be closed or their threads ended. NULL is allowed. */
void store_close(struct store *s);

/**
 * Whether the last answer of any thread was a good one: 0, or ABENG_EAGAIN while loading or away.
 * Any thread.
 */
int store_health(const struct store *s);

/**
 * Share of the store's memory limit in use, per mille, at most two seconds old; 0 when it has no
 * limit.
 */
unsigned store_memory_permille(struct store *s);

/**
 * The calling thread's connection for `scope`: a state's code ("jm") is a user that sees that
 * state's keys only, NULL is the collector's own. Never NULL; a dead connection is made anew by its
 * next command. Closed when the thread ends.
 */
struct store_conn *store_conn(struct store *s, const char *scope);

/* ---- commands ------------------------------------------------------------------------------
 * Each sets `*out` (owned by the caller; NULL when the connection failed) and returns 0 or an
 * error: ABENG_EAGAIN away, loading or out of time (whether it was done is not known); ABENG_ENOMEM
 * the store is full; or what a function refused with, by the first word of its error reply:
 * NOTFOUND -> ABENG_ENOENT, CONFLICT and STALE -> ABENG_ECONFLICT, EXISTS -> ABENG_EEXIST, DENIED
 * -> ABENG_EDENIED, INVALID -> ABENG_EINVAL, LIMIT -> ABENG_ELIMIT; store_reply_text is the reason.
 */

/** Call library function `name`. */
int store_call(struct store_conn *c, const char *name, const struct store_arg *keys,
               size_t key_count, const struct store_arg *args, size_t arg_count,
               struct store_reply **out);

/** Any other command, argument by argument. */
int store_commandv(struct store_conn *c, const struct store_arg *args, size_t count,
                   struct store_reply **out);

/**
 * Any other command, words split at spaces; %s, %b (pointer, size_t), %d, %llu fill whole or part
 * words.
 */
int store_command(struct store_conn *c, struct store_reply **out, const char *fmt, ...);

/** Pipeline: queue a call without waiting. 0 or ABENG_EAGAIN. */
int store_call_later(struct store_conn *c, const char *name, const struct store_arg *keys,
                     size_t key_count, const struct store_arg *args, size_t arg_count);
/** Pipeline: queue a command. */
int store_command_later(struct store_conn *c, const char *fmt, ...);
/**
 * Pipeline: take the next queued one's reply, in order; errors as store_call. With an error the
 * pipeline is over: what is queued behind it is dropped, and further calls give ABENG_EAGAIN.
 */
int store_collect(struct store_conn *c, struct store_reply **out);

/** The next reply may take `ms` longer than command_ms (for XREAD BLOCK). Holds for one command. */
void store_allow_ms(struct store_conn *c, unsigned ms);

/** Whether the connection was made anew since the last call of this; state kept on it is gone. */
bool store_conn_renewed(struct store_conn *c);

/* ---- replies ------------------------------------------------------------------------------ */

/** Free; NULL is allowed. */
void store_reply_free(struct store_reply *r);
/** True for nil, and for NULL. */
bool store_reply_nil(const struct store_reply *r);
/** Integer, or a string of digits; 0 for anything else. */
int64_t store_reply_int(const struct store_reply *r);
/** String, status or error text, NUL-ended; "" for anything else. `len` may be NULL. */
const char *store_reply_text(const struct store_reply *r, size_t *len);
/** Elements of an array; 0 for anything else. */
size_t store_reply_count(const struct store_reply *r);
/** Element `i`, owned by `r`; NULL beyond the end. */
const struct store_reply *store_reply_at(const struct store_reply *r, size_t i);
/** The value after `name` in a flat name-value array (HGETALL, XRANGE fields); NULL when absent. */
const struct store_reply *store_reply_field(const struct store_reply *r, const char *name);

#endif
