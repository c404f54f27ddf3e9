/* SPDX-License-Identifier: Apache-2.0 */
/**
 * One batch in an archive file: a skippable zstd frame with a head of JSON, then a zstd frame with
 * the records. `zstdcat FILE` passes over the heads and gives the records, as EVE lines.
 *
 *   u32le 0x184D2A5A  u32le length of what follows  u32le CRC-32C of head and frame together
 *   {"entry","sensor","site","epoch","lane","first","count","recv","raw","frame"}
 *
 * `frame` and `raw` are the bytes of the zstd frame behind the head, packed and unpacked.
 */
#ifndef COLLECTOR_ARCHIVE_BLOCK_H
#define COLLECTOR_ARCHIVE_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct cursor;

/** Longest texts of a head, NUL included; what ingest lets in is shorter. */
#define BLOCK_TEXT_MAX 128

/** What a head says. */
struct block_head {
    char entry[BLOCK_TEXT_MAX]; /* id of the stream entry it came from */
    char sensor[BLOCK_TEXT_MAX];
    char site[BLOCK_TEXT_MAX];
    char epoch[BLOCK_TEXT_MAX];
    char lane[BLOCK_TEXT_MAX];
    uint64_t first; /* number of the first record */
    uint64_t count;
    uint64_t recv_ns; /* since 1970, when it was accepted */
    uint64_t raw;     /* bytes of the records unpacked */
    uint64_t frame;   /* bytes of the frame */
};

/** A block of a file; `frame` points into it. */
struct block {
    struct block_head head;
    const uint8_t *frame;
    size_t size; /* of the whole block */
};

/** Append a block: `h->frame` bytes at `frame`. Sets `out->bad` when it does not fit. */
void block_write(struct buf *out, const struct block_head *h, const void *frame);

/**
 * Take the next block: 1; 0 at the end of the bytes; ABENG_EFORMAT where no whole and unharmed
 * block stands, `in` then still before it.
 */
int block_read(struct cursor *in, struct block *out);

/**
 * Behind damage: pass over bytes up to the next whole block and take it. False, and `in` at its
 * end, when there is none.
 */
bool block_find(struct cursor *in, struct block *out);

/** Unpack a block's records into `out`, cleared first. 0, or ABENG_EFORMAT. */
int block_open(const struct block *b, struct buf *out);

#endif
