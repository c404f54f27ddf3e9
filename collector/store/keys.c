/* SPDX-License-Identifier: Apache-2.0 */
/* Key names. */
#include "config.h"
#include "collector/store/keys.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
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

struct store_key store_key_number(const char *tag, const char *kind, uint64_t number)
{
    struct store_key key;
    struct buf b;
    buf_init_fixed(&b, (uint8_t *)key.text, sizeof(key.text));
    buf_byte(&b, '{');
    buf_text(&b, tag);
    buf_text(&b, "}:");
    buf_text(&b, kind);
    buf_byte(&b, ':');
    buf_decimal(&b, number);
    buf_byte(&b, '\0');
    if (b.bad)
        abort();
    return key;
}
