/* SPDX-License-Identifier: Apache-2.0 */
/**
 * As much of an X.509 certificate (RFC 5280) as rules and records name, read straight from its DER
 * with checked cursors: no validation, no allocation.
 */
#ifndef SENSOR_APP_X509_H
#define SENSOR_APP_X509_H

#include <stdbool.h>
#include <stdint.h>

#include "common/cursor.h"

/** Room for any text that x509_* writes; longer names are cut. */
#define X509_TEXT_MAX 2048

struct x509 {
    struct cursor serial, issuer, subject; /* contents of INTEGER and of the two Names */
    struct cursor not_before, not_after;   /* digits of the times */
    bool before_long, after_long;          /* GeneralizedTime: four digits of year */
};

/** What is wrong with a certificate, by the field that could not be read. */
enum x509_fault {
    X509_SOUND,
    X509_BAD_DER, /* no certificate at all */
    X509_BAD_VERSION,
    X509_BAD_SERIAL,
    X509_BAD_ALGORITHM,
    X509_BAD_NAME,
    X509_BAD_DATE,
};

/** Read a certificate as far as its subject. The result points into `der`. */
enum x509_fault x509_read(const uint8_t *der, uint32_t len, struct x509 *out);

/** A Name as "C=JM, O=Example, CN=host.example.org"; returns its length, without a NUL. */
uint32_t x509_name_text(struct cursor name, char out[X509_TEXT_MAX]);

/** Bytes as "0A:1B"; in lower case when `lower`. Returns the length. */
uint32_t x509_hex_text(const uint8_t *bytes, uint32_t len, bool lower, char out[X509_TEXT_MAX]);

/** A time as "2025-01-31T23:59:59" and NUL; false when it is not a time. */
bool x509_time_text(struct cursor digits, bool four, char out[20]);

/** A time as seconds since 1970; false when it is not a time. */
bool x509_time_seconds(struct cursor digits, bool four, int64_t *out);

#endif
