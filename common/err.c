/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of the error enum. */
#include "common/err.h"

const char *err_text(int err)
{
    static const char *const texts[] = {
        "success",
        "failed",
        "out of memory",
        "invalid argument",
        "input/output error",
        "unexpected end",
        "malformed data",
        "limit reached",
        "not found",
        "exists already",
        "try again",
        "not authenticated",
        "not permitted",
        "changed meanwhile",
        "timed out",
        "not supported",
    };
    unsigned n = err <= 0 ? (unsigned)-err : 1;
    return n < sizeof(texts) / sizeof(texts[0]) ? texts[n] : "unknown error";
}
