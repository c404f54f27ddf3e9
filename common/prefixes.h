/* SPDX-License-Identifier: Apache-2.0 */
/** Networks and a number for each, of which the longest that holds an address decides. */
#ifndef COMMON_PREFIXES_H
#define COMMON_PREFIXES_H

#include "common/addr.h"

/** Filled, then read by any thread. */
struct prefixes;

/** An empty table. */
struct prefixes *prefixes_create(void);

/**
 * The addresses of `net`/`bits` (as addr_parse_prefix gives them) have `number`, 0 or more; the
 * last word on the same network counts.
 */
void prefixes_add(struct prefixes *p, const struct addr *net, unsigned bits, int number);

/** The number of an address, -1 when no network holds it. IPv6 networks hold no IPv4 address. */
int prefixes_find(const struct prefixes *p, const struct addr *a);

/** Free. NULL is allowed. */
void prefixes_free(struct prefixes *p);

#endif
