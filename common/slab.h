/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Memory of the packet path: one slab per worker hands out blocks by size class from address space
 * reserved once.
 *
 * Blocks come in classes that waste a fifth at most: steps of 16 bytes, then four to each doubling,
 * up to 1 MiB. A class takes chunks from the reserve, which lies in huge pages; freed blocks go on
 * the class's list and are handed out again, newest first. Nothing is given back to the system. The
 * cap counts bytes handed out (rounded to the class); beyond it `slab_try_alloc` returns NULL, the
 * failure is counted, and the caller sheds. One thread uses a slab; another one may read
 * `slab_stats` and call `slab_warm_ahead`.
 */
#ifndef COMMON_SLAB_H
#define COMMON_SLAB_H

#include <stddef.h>
#include <stdint.h>

struct slab;

struct slab_stats {
    uint64_t used;   /* bytes handed out now, by class size */
    uint64_t peak;   /* the most `used` ever was */
    uint64_t cap;    /* bytes that may be handed out */
    uint64_t failed; /* requests refused */
};

/** Largest block. */
#define SLAB_BLOCK_MAX (1u << 20)

/** Reserve address space for `cap` bytes. Dies when the system refuses. */
struct slab *slab_create(size_t cap);

/**
 * Take memory for the next `bytes` of the reserve that no block was cut from yet, as far as that
 * was not done before: at the start, and by one thread beside the owner again and again, so that
 * the owner need not wait for the system. Returns how many bytes were asked for.
 */
size_t slab_warm_ahead(struct slab *s, size_t bytes);

/** Give the whole reserve back; every block of it is gone. NULL is allowed. */
void slab_free_all(struct slab *s);

/**
 * A block of at least `size` bytes (1 to SLAB_BLOCK_MAX), 16-byte aligned, not cleared; NULL when
 * at the cap.
 */
void *slab_try_alloc(struct slab *s, size_t size) __attribute__((warn_unused_result));

/** As slab_try_alloc, cleared. */
void *slab_try_zalloc(struct slab *s, size_t size) __attribute__((warn_unused_result));

/**
 * Grow or shrink a block of `old_size` to `size`, keeping the smaller of both; NULL leaves the old
 * one valid.
 */
void *slab_try_realloc(struct slab *s, void *block, size_t old_size, size_t size)
    __attribute__((warn_unused_result));

/** Give back a block; `size` is what it was asked for with. NULL is allowed. */
void slab_free(struct slab *s, void *block, size_t size);

/** Largest block that remembers its size. */
#define SLAB_SIZED_MAX (SLAB_BLOCK_MAX - 16)

/**
 * As slab_try_alloc for libraries that give blocks back without their size: it is kept in front of
 * the block.
 */
void *slab_try_sized(struct slab *s, size_t size) __attribute__((warn_unused_result));

/** Give back a block of slab_try_sized. NULL is allowed. */
void slab_free_sized(struct slab *s, void *block);

/** How many bytes a request for `size` really gives. */
size_t slab_round(size_t size);

/** Counters now. */
void slab_stats(const struct slab *s, struct slab_stats *out);

#endif
