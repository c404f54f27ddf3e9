/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: certificates. */
#include "config.h"
#include "sensor/app/x509.h"

/** libFuzzer's entry. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct x509 x;
    char text[X509_TEXT_MAX];
    int64_t seconds;
    if (x509_read(data, (uint32_t)size, &x) != X509_SOUND)
        return 0;
    (void)x509_time_seconds(x.not_after, x.after_long, &seconds);
    (void)x509_name_text(x.subject, text);
    (void)x509_name_text(x.issuer, text);
    (void)x509_time_text(x.not_before, x.before_long, text);
    (void)x509_time_text(x.not_after, x.after_long, text);
    return (int)x509_hex_text(x.serial.at, (uint32_t)cursor_left(&x.serial), true, text) < 0;
}
