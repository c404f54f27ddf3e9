/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What a file of the archive holds, in 256 KiB: a Bloom filter over addresses, names, hashes and
 * signature numbers. It never says no to what is there; at a million different tokens it says yes
 * to one in forty others, and those cost a look into the file.
 */
#ifndef COLLECTOR_ARCHIVE_FILTER_H
#define COLLECTOR_ARCHIVE_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Bytes of a filter, on disk and in memory. */
#define FILTER_BYTES (256u << 10)

struct record;

struct filter {
    uint64_t words[FILTER_BYTES / sizeof(uint64_t)];
};

/** Kinds of tokens: the same bytes of another kind are another token. */
enum filter_kind {
    FILTER_ADDRESS, /* 16 bytes, common/addr.h */
    FILTER_NAME,    /* host name; letters' case does not count */
    FILTER_HASH,    /* likewise */
    FILTER_SID,     /* uint32_t */
};

/** Add a token. */
void filter_add(struct filter *f, enum filter_kind kind, const void *bytes, size_t len);

/** Whether a token may be there; false is certain. */
bool filter_may_have(const struct filter *f, enum filter_kind kind, const void *bytes, size_t len);

/** Add what a record says; spans lie in `text` of `len` bytes. */
void filter_add_record(struct filter *f, const struct record *r, const void *text, size_t len);

#endif
