/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thread that hashes passwords, so that a storm of logins takes one core and 64 MiB, and
 * no more.
 */
#ifndef AUTH_HASHER_H
#define AUTH_HASHER_H

#include <stdbool.h>

struct hasher;

/** Callers that may wait at once; the next is refused. */
#define HASHER_WAITING_MAX 3

/** Start the thread. Dies when there is none to be had. */
struct hasher *hasher_create(void);

/** End it; nobody may be waiting. NULL is allowed. */
void hasher_free(struct hasher *h);

/** Whether `hash` is of `password`: 1 yes, 0 no, ABENG_EAGAIN too many wait. Waits for its turn. */
int hasher_verify(struct hasher *h, const char *hash, const char *password);

/**
 * Hash `password` into `out` (SECRET_HASH_TEXT): 0, ABENG_EAGAIN, ABENG_ENOMEM. Waits for its
 * turn.
 */
int hasher_hash(struct hasher *h, const char *password, char *out);

#endif
