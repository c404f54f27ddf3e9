/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Kinds of files as the buffer file.magic names them: the words of libmagic 5.44, which rules are
 * written for, as far as its first bytes tell a kind. What is recognised is listed here alone, so
 * that a rule which asks for another kind can be refused instead of never matching.
 */
#ifndef SIGNATURES_FILETYPE_H
#define SIGNATURES_FILETYPE_H

#include <stdbool.h>

#include "signatures/text.h"

/** Longest name of a kind with what stands behind it. */
#define SIG_FILETYPE_MAX 128

/** A kind that bytes at a fixed place tell. */
struct sig_filetype {
    unsigned offset, len; /* bytes there */
    const char *bytes;
    const char *name;
};

/** Kinds by first bytes, in the order in which they are tried; ended by a NULL name. */
extern const struct sig_filetype sig_filetypes[];

/** Names of kinds that take more to tell (sensor/app/filetype.c); ended by NULL. */
extern const char *const sig_filetype_names[];

/** Whether a rule's text (compared without case) can stand in a name that is given. */
bool sig_filetype_says(struct text t);

#endif
