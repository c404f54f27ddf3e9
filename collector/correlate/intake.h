/* SPDX-License-Identifier: Apache-2.0 */
/* From a stored record to what correlation looks at. */
#ifndef CORRELATE_INTAKE_H
#define CORRELATE_INTAKE_H

struct observation;
struct record;
struct record_batch;

/** See record `r` of a batch that is open; views live as long as its text. */
void intake_observe(const struct record_batch *batch, const struct record *r,
                    struct observation *out);

#endif
