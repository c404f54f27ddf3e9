/* SPDX-License-Identifier: Apache-2.0 */
/* What users, sessions and the gate share. */
#ifndef AUTH_INTERNAL_H
#define AUTH_INTERNAL_H

#include "collector/auth/auth.h"
#include "collector/auth/hasher.h"

struct auth {
    struct store *store;
    const struct clock *clock;
    struct hasher *hasher;
};

#endif
