/* SPDX-License-Identifier: Apache-2.0 */
/* From a stored record to what correlation looks at. */
#ifndef CORRELATE_INTAKE_H
#define CORRELATE_INTAKE_H

#include <stddef.h>

struct observation;
struct record;
struct record_batch;

/**
 * See record `r` of `batch`, whose frame decompressed is `len` bytes at `text`; views live as
 * long as both.
 */
void intake_observe(const struct record_batch *batch, const struct record *r, const char *text,
                    size_t len, struct observation *out);

#endif
