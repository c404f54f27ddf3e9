/* SPDX-License-Identifier: Apache-2.0 */
/* What users, sessions and the gate share. */
#ifndef AUTH_INTERNAL_H
#define AUTH_INTERNAL_H

#include <stdbool.h>

#include "collector/auth/auth.h"
#include "collector/auth/hasher.h"

struct auth {
    struct store *store;
    const struct clock *clock;
    struct hasher *hasher;
};

/** Whether a text may be a user's name: it becomes part of a key. */
bool auth_name_ok(const char *user);

#endif
