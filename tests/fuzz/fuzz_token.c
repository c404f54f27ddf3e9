/* SPDX-License-Identifier: Apache-2.0 */
/* Enrolment tokens: what reads must write back to the same. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct token t, again;
    struct buf b;
    char why[256];

    if (token_read((const char *)data, size, &t, why, sizeof(why)) != 0)
        return 0;
    buf_init(&b, 2 * TOKEN_MAX);
    token_write(&b, &t);
    if (token_read((const char *)b.data, b.len, &again, why, sizeof(why)) != 0 ||
        strcmp(t.secret, again.secret) != 0)
        abort();
    buf_free(&b);
    return 0;
}
