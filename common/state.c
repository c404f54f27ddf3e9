/* SPDX-License-Identifier: Apache-2.0 */
/* The table of member states. */
#include "config.h"
#include "common/state.h"

#include <string.h>

#include "common/err.h"

static const struct state states[STATE_COUNT] = {
    { "ag", "Antigua and Barbuda" },
    { "bb", "Barbados" },
    { "bs", "Bahamas" },
    { "bz", "Belize" },
    { "dm", "Dominica" },
    { "gd", "Grenada" },
    { "gy", "Guyana" },
    { "ht", "Haiti" },
    { "jm", "Jamaica" },
    { "kn", "Saint Kitts and Nevis" },
    { "lc", "Saint Lucia" },
    { "ms", "Montserrat" },
    { "sr", "Suriname" },
    { "tt", "Trinidad and Tobago" },
    { "vc", "Saint Vincent and the Grenadines" },
    { "rg", "Region" },
};

const struct state *state_at(unsigned index)
{
    return &states[index < STATE_COUNT ? index : STATE_REGION];
}

int state_find(const char *code, size_t len)
{
    for (int i = 0; len == 2 && i < STATE_COUNT; i++)
        if (!memcmp(states[i].code, code, 2))
            return i;
    return ABENG_ENOENT;
}
