/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The classification table: what `classtype:` says in words, and its priority. And the reference
 * systems, by which `reference:cve,2021-44228` becomes an address.
 */
#ifndef SIGNATURES_CLASSIFICATION_H
#define SIGNATURES_CLASSIFICATION_H

#include <stdint.h>

#include "signatures/text.h"

struct arena;

struct classification {
    const char *name, *description;
    uint8_t priority;
};

struct classifications;

/** The built-in table: the classes that Suricata ships. */
struct classifications *classifications_create(void);

/**
 * Take `text` (a classification.config) in place of what is there. Wrong lines are logged and
 * skipped; returns how many.
 */
unsigned classifications_read(struct classifications *c, struct text text, const char *file);

/** Look a class up; NULL when it is not known. Valid as long as the table. */
const struct classification *classifications_find(const struct classifications *c,
                                                  struct text name);

/** Free. NULL is allowed. */
void classifications_free(struct classifications *c);

/**
 * What stands before an id of reference system `name` ("cve"): static text, NULL when the system
 * is not known.
 */
const char *classification_reference(struct text name);

#endif
