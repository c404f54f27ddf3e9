/* SPDX-License-Identifier: Apache-2.0 */
/* Key names. */
#include "config.h"
#include "collector/store/keys.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"

struct store_key store_key(const char *tag, const char *fmt, ...)
{
    struct store_key key;
    va_list args;
    int head = snprintf(key.text, sizeof(key.text), "{%s}:", tag);

    va_start(args, fmt);
    int rest = vsnprintf(key.text + head, sizeof(key.text) - (size_t)head, fmt, args);
    va_end(args);
    if (rest < 0 || (size_t)(head + rest) >= sizeof(key.text)) {
        log_error("store", "key for %s longer than %zu bytes", tag, sizeof(key.text));
        abort();
    }
    return key;
}
