/* SPDX-License-Identifier: Apache-2.0 */
/** Ids of a stream's entries, `MS-SEQ`, and their order. Any thread. */
#ifndef COLLECTOR_STORE_ENTRY_H
#define COLLECTOR_STORE_ENTRY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct store_entry_id {
    uint64_t ms, seq;
};

/** The id that a NUL-ended text says; 0-0, which no entry has, for any other text. */
static inline struct store_entry_id store_entry_parse(const char *text)
{
    unsigned long long ms = 0, seq = 0;
    if (sscanf(text, "%19llu-%19llu", &ms, &seq) != 2)
        ms = seq = 0;
    return (struct store_entry_id){ ms, seq };
}

/** Whether `a` came after `b`. */
static inline bool store_entry_after(struct store_entry_id a, struct store_entry_id b)
{
    return a.ms > b.ms || (a.ms == b.ms && a.seq > b.seq);
}

#endif
