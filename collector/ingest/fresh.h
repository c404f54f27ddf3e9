/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The short way of a batch: what this process accepted goes from ingest to the fold and the archive
 * in memory, text and records as the validating scan left them, in the order of the stream.
 *
 * The stream stays the truth. A batch is put here only after the store said that its entry is on
 * disk, with the id of the entry and of the one before it; a reader that stands at the one before
 * takes it, and in every other case (a restart, another collector's entries, an answer that was
 * lost, no more room here) reads the stream. So nothing here can lose, double or reorder an entry,
 * and a kill loses nothing. Any thread may call; batches are shared and not changed.
 */
#ifndef COLLECTOR_INGEST_FRESH_H
#define COLLECTOR_INGEST_FRESH_H

#include <stdbool.h>
#include <stdint.h>

struct buf;
struct fresh;
struct fresh_batch;
struct record_batch;
struct record_room;

/** What waits here at most; the stream has the rest. And memory kept for the next batches. */
#define FRESH_BYTES_MAX (256u << 20)
#define FRESH_SPARE_MAX (64u << 20)

/** Who reads. */
enum fresh_reader { FRESH_FOLD, FRESH_ARCHIVE, FRESH_READERS };

/** What a reader shall do. */
enum fresh_next {
    FRESH_TAKEN,  /* it has the next batch */
    FRESH_SOON,   /* wait: an entry is being made, and may be the next */
    FRESH_STREAM, /* read the stream: what comes next is there and not here */
    FRESH_NONE,   /* nothing is known here; the stream may have what others accepted */
};

/** Nothing waits, nobody reads. */
struct fresh *fresh_create(void);

/** Free, with all that waits. No reader holds a batch any more. NULL is allowed. */
void fresh_free(struct fresh *f);

/** Whether readers are so far behind that senders should wait a moment. `f` may be NULL: no. */
bool fresh_behind(struct fresh *f);

/** Memory for one batch, used again and again. Never NULL; `f` may be NULL. */
struct fresh_batch *fresh_begin(struct fresh *f);

/** Where its text and records go. */
struct record_room *fresh_room(struct fresh_batch *b);

/**
 * An entry of row `state` (common/state.h) is about to be made, or (`more` false) is made or failed
 * to be. Calls come in pairs.
 */
void fresh_expect(struct fresh *f, unsigned state, bool more);

/**
 * The batch is the entry `what->id`, the next after entry `previous` ("": not known) of row
 * `state`: let its readers have it. Text and list of `what` are in the batch's room; its frame and
 * names are copied. The caller's hold ends.
 */
void fresh_put(struct fresh *f, unsigned state, struct fresh_batch *b,
               const struct record_batch *what, const char *previous);

/** End the caller's hold without that, or a reader's. */
void fresh_drop(struct fresh *f, struct fresh_batch *b);

/** The reader wants row `state`'s batches from now on, or no longer. `f` may be NULL. */
void fresh_follow(struct fresh *f, enum fresh_reader r, unsigned state, bool wants);

/**
 * The batch after entry `after`, which the reader has done with. FRESH_TAKEN fills `*out`; give it
 * back by fresh_drop. `f` may be NULL: FRESH_NONE.
 */
enum fresh_next fresh_next(struct fresh *f, enum fresh_reader r, unsigned state, const char *after,
                           struct fresh_batch **out);

/** A batch as its readers see it. */
const struct record_batch *fresh_view(const struct fresh_batch *b);

/** Wait for a batch that the reader was not told of yet, `ms` at most. `f` may be NULL: sleeps. */
void fresh_wait(struct fresh *f, enum fresh_reader r, unsigned ms);

#endif
